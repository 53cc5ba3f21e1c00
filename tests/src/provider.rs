//! An OpenID provider whose every answer a scenario can change.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::held::Held;

mod answers;
mod endpoints;
mod key;
mod state;
mod tokens;

pub use answers::{Answers, Endpoint, Received};
use key::SigningKey;
use state::{Provided, Shared, now, random};

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// A provider that approves every login at once, for one client and one person, on a port of its own.
///
/// It runs on a runtime of its own: [`Provider::stop`] closes every connection, as the death of a process would.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Mutex<Option<Runtime>>,
    /// Keeps the port while the provider is stopped.
    held: Mutex<Held>,
}

impl Provider {
    /// The one client's id.
    pub const CLIENT_ID: &str = "client-of-the-tests";
    /// The one client's secret. It needs no escaping anywhere.
    pub const CLIENT_SECRET: &str = "canary-client-secret-3f9b2c71d0";
    /// The one person's subject.
    pub const SUBJECT: &str = "person-4711";
    /// The one person's e-mail address.
    pub const EMAIL: &str = "canary-mail-8d41@example.com";

    /// Starts a provider.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let provider = Self {
            shared: Arc::new(Shared {
                issuer: format!("http://{address}"),
                state: Mutex::new(Provided {
                    keys: vec![SigningKey::new("first")],
                    userinfo: json!({
                        "sub": Self::SUBJECT,
                        "email": Self::EMAIL,
                        "email_verified": true,
                        "name": "Canary of the Tests",
                    }),
                    ..Provided::default()
                }),
            }),
            address,
            runtime: Mutex::default(),
            held: Mutex::new(Held::nothing()),
        };
        provider.serve(listener);
        provider
    }

    /// The issuer.
    pub fn issuer(&self) -> String {
        self.shared.issuer.clone()
    }

    /// Changes how an endpoint answers from now on.
    pub fn set(&self, endpoint: Endpoint, answers: Answers) {
        self.shared.lock().answers.insert(endpoint, answers);
    }

    /// Changes what userinfo says about the one person.
    pub fn set_userinfo(&self, claims: Value) {
        self.shared.lock().userinfo = claims;
    }

    /// Signs with a new key from now on; the key set holds only this one.
    pub fn rotate_key(&self, kid: &str) {
        self.shared.lock().keys = vec![SigningKey::new(kid)];
    }

    /// Gives a refresh token with every login from now on, and a new one whenever one is used (RFC 9700 §4.14.2).
    /// The access token of a login is valid for `lifetime` seconds, later ones for a quarter of an hour.
    pub fn give_refresh_tokens(&self, lifetime: u64) {
        self.shared.lock().refreshes = Some(lifetime);
    }

    /// Makes every refresh token invalid.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.lock().refresh_tokens.clear();
    }

    /// How often new tokens were requested with a refresh token.
    pub fn refreshes(&self) -> usize {
        let requests = self.received(Endpoint::Token);
        let by_refresh_token = |request: &&Received| {
            let grant = request.parameters.get("grant_type");
            grant.is_some_and(|grant| grant == "refresh_token")
        };
        requests.iter().filter(by_refresh_token).count()
    }

    /// The ID tokens it issued so far.
    pub fn id_tokens(&self) -> Vec<String> {
        self.shared.lock().id_tokens.clone()
    }

    /// A logout token for one session, signed by the provider's key. `change` is applied to its claims, and to its
    /// header.
    pub fn logout_token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let now = now();
        let mut claims = json!({
            "iss": self.shared.issuer,
            "aud": Self::CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": random("logout"),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        let state = self.shared.lock();
        let key = &state.keys[0];
        let mut header = json!({ "alg": "ES256", "kid": key.kid, "typ": "logout+jwt" });
        change(&mut claims, &mut header);
        key.sign_as(&header, &claims)
    }

    /// The second in which it issued its last ID token.
    ///
    /// # Panics
    ///
    /// When it has issued none.
    pub fn last_issued_at(&self) -> u64 {
        let token = self.id_tokens().pop().expect("an ID token");
        let payload = token.split('.').nth(1).expect("a token of three parts");
        let payload = BASE64URL.decode_to_vec(payload).expect("base64url");
        let claims: Value = serde_json::from_slice(&payload).expect("JSON");
        claims["iat"].as_u64().expect("a time")
    }

    /// Waits until an endpoint has received this many requests.
    pub async fn has_received(&self, endpoint: Endpoint, requests: usize) {
        while self.count(endpoint) < requests {
            tokio::task::yield_now().await;
        }
    }

    /// What an endpoint received so far.
    pub fn received(&self, endpoint: Endpoint) -> Vec<Received> {
        self.shared
            .lock()
            .received
            .get(&endpoint)
            .cloned()
            .unwrap_or_default()
    }

    /// How many requests an endpoint received so far.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.received(endpoint).len()
    }

    /// Every secret it gave out or received: access tokens, ID tokens, and code verifiers.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.lock();
        let mut secrets = state.access_tokens.clone();
        for token in &state.id_tokens {
            // The header is the same for all tokens; the payload and the signature are not.
            secrets.extend(token.split('.').skip(1).map(str::to_owned));
        }
        for request in state.received.get(&Endpoint::Token).into_iter().flatten() {
            secrets.extend(request.parameters.get("code_verifier").cloned());
        }
        secrets
    }

    /// Stops it as if its process had been killed: when this returns, the socket and every connection are closed.
    /// Its port stays reserved.
    pub fn stop(&self) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            // Not in the background: a request right after this must find nobody. A runtime cannot wait for another
            // one on a thread of its own.
            let stopped = thread::spawn(move || runtime.shutdown_timeout(STOP));
            let _ = stopped.join();
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) =
                Held::port(self.address.port());
        }
    }

    /// Starts it again at the same address, with the same keys.
    pub async fn revive(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::nothing();
        let mut listener = TcpListener::bind(self.address);
        for _ in 0..500 {
            if listener.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            listener = TcpListener::bind(self.address);
        }
        self.serve(listener.expect("the port is still free"));
    }

    fn serve(&self, listener: TcpListener) {
        listener
            .set_nonblocking(true)
            .expect("a non-blocking socket");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let routes = endpoints::routes(&self.shared);
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, routes).await
        });
        *self.runtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}
