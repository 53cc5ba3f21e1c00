//! An OpenID provider whose every answer a scenario can change.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::watch};
use url::Url;

use crate::held::Held;

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// A provider that approves every login at once, for one client and one person, on a port of its own.
///
/// It runs on its own runtime: [`Provider::stop`] closes every connection, as the death of a process would.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Mutex<Option<Runtime>>,
    /// The port, while it is stopped.
    held: Mutex<Held>,
}

/// The places where a provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The discovery document.
    Discovery,
    /// The authorization endpoint.
    Authorize,
    /// The token endpoint.
    Token,
    /// The claims of the ID token, before it is signed.
    IdToken,
    /// The userinfo endpoint.
    Userinfo,
    /// The key set.
    Jwks,
    /// The log-out endpoint.
    EndSession,
}

/// How an endpoint answers.
#[non_exhaustive]
pub enum Answers {
    /// As a good provider does.
    Well,
    /// With this and nothing else: status, content type, body.
    With(u16, &'static str, String),
    /// With the good JSON, changed.
    Changed(Box<dyn Fn(&mut Value) + Send + Sync>),
    /// As a good provider does, but only after this time.
    Late(Duration),
    /// As a good provider does, as soon as this says so.
    Held(watch::Receiver<bool>),
    /// Not at all.
    Never,
}

/// A request that the provider received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The parameters of its query, or of its body where it has one.
    pub parameters: HashMap<String, String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

#[derive(Debug)]
struct Shared {
    issuer: String,
    state: Mutex<Provided>,
}

#[derive(Default)]
struct Provided {
    answers: HashMap<Endpoint, Answers>,
    received: HashMap<Endpoint, Vec<Received>>,
    codes: HashMap<String, HashMap<String, String>>,
    /// Whether it gives refresh tokens, and the `expires_in` of the first access token then.
    refreshes: Option<u64>,
    /// The refresh tokens that count, with the claims of their login.
    refresh_tokens: HashMap<String, Value>,
    access_tokens: Vec<String>,
    id_tokens: Vec<String>,
    keys: Vec<SigningKey>,
    userinfo: Value,
}

struct SigningKey {
    kid: String,
    pair: EcdsaKeyPair,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Well => f.write_str("Well"),
            Self::With(status, _, body) => f.debug_tuple("With").field(status).field(body).finish(),
            Self::Changed(_) => f.write_str("Changed"),
            Self::Late(delay) => f.debug_tuple("Late").field(delay).finish(),
            Self::Held(_) => f.write_str("Held"),
            Self::Never => f.write_str("Never"),
        }
    }
}

impl std::fmt::Debug for Provided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provided")
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}

impl Answers {
    /// The good JSON with one member set, or removed where the value is null.
    pub fn member(name: &'static str, value: Value) -> Self {
        Self::Changed(Box::new(move |json| {
            let object = json.as_object_mut().expect("answers are JSON objects");
            if value.is_null() {
                object.remove(name);
            } else {
                object.insert(name.to_owned(), value.clone());
            }
        }))
    }

    /// Answers that are held back until the scenario sends `true`.
    pub fn held() -> (Self, watch::Sender<bool>) {
        let (release, held) = watch::channel(false);
        (Self::Held(held), release)
    }

    /// An error in JSON.
    pub fn error(status: u16, error: &str) -> Self {
        Self::With(
            status,
            "application/json",
            json!({ "error": error }).to_string(),
        )
    }
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

    /// Signs with a new key from now on; the key set holds only that one.
    pub fn rotate_key(&self, kid: &str) {
        self.shared.lock().keys = vec![SigningKey::new(kid)];
    }

    /// Gives a refresh token with every login from now on, and a new one whenever one is used (RFC 9700 §4.14.2). The access token
    /// of the login lives for so many seconds, those after it for long.
    pub fn give_refresh_tokens(&self, lifetime: u64) {
        self.shared.lock().refreshes = Some(lifetime);
    }

    /// No refresh token counts any more.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.lock().refresh_tokens.clear();
    }

    /// How many times it was asked for new tokens by a refresh token.
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

    /// A logout token for one session, signed by the provider's key. `change` is applied to its claims, and to its header.
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

    /// Waits until an endpoint has received so many requests.
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

    /// Everything it gave out that nobody else should read: access tokens, ID tokens, and the verifiers it was shown.
    pub fn secrets(&self) -> Vec<String> {
        let state = self.shared.lock();
        let mut secrets = state.access_tokens.clone();
        for token in &state.id_tokens {
            // The header is the same for everybody; the payload and the signature are not.
            secrets.extend(token.split('.').skip(1).map(str::to_owned));
        }
        for request in state.received.get(&Endpoint::Token).into_iter().flatten() {
            secrets.extend(request.parameters.get("code_verifier").cloned());
        }
        secrets
    }

    /// Stops it like a killed process: when this returns the socket is closed, and so is every connection. Nobody else gets its port.
    pub fn stop(&self) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            // Not in the background: who asks it right after this must find nobody. A runtime may not wait for another on a thread of
            // its own.
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
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .route("/jwks", get(jwks))
            .route("/end-session", get(end_session))
            .with_state(Arc::clone(&self.shared));
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

type Parameters = HashMap<String, String>;
type At = State<Arc<Shared>>;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Provided> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, endpoint: Endpoint, parameters: &Parameters, headers: &HeaderMap) {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        self.lock()
            .received
            .entry(endpoint)
            .or_default()
            .push(Received {
                parameters: parameters.clone(),
                authorization,
            });
    }

    /// The answer of an endpoint, given the good one.
    async fn answer(&self, endpoint: Endpoint, status: StatusCode, mut good: Value) -> Response {
        enum Wait {
            For(Duration),
            Until(watch::Receiver<bool>),
        }
        let wait = {
            let state = self.lock();
            match state.answers.get(&endpoint).unwrap_or(&Answers::Well) {
                Answers::Well => return json_response(status, &good),
                Answers::Changed(change) => {
                    change(&mut good);
                    return json_response(status, &good);
                }
                Answers::With(status, content_type, body) => {
                    let status = StatusCode::from_u16(*status).expect("a status code");
                    return (
                        status,
                        [(header::CONTENT_TYPE, *content_type)],
                        body.clone(),
                    )
                        .into_response();
                }
                Answers::Late(delay) => Wait::For(*delay),
                Answers::Held(held) => Wait::Until(held.clone()),
                Answers::Never => Wait::For(Duration::MAX),
            }
        };
        match wait {
            Wait::For(delay) => tokio::time::sleep(delay).await,
            // A scenario that has ended holds nothing back.
            Wait::Until(mut held) => drop(held.wait_for(|released| *released).await),
        }
        json_response(status, &good)
    }
}

async fn discovery(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Discovery, &HashMap::new(), &headers);
    let issuer = &shared.issuer;
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end-session"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    shared
        .answer(Endpoint::Discovery, StatusCode::OK, document)
        .await
}

/// Approves the login at once.
async fn authorize(
    State(shared): At,
    headers: HeaderMap,
    Query(asked): Query<Parameters>,
) -> Response {
    shared.note(Endpoint::Authorize, &asked, &headers);
    let Some(mut target) = asked
        .get("redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
    else {
        return (StatusCode::BAD_REQUEST, "redirect_uri").into_response();
    };
    let code = random("code");
    target
        .query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", asked.get("state").map_or("", String::as_str))
        .append_pair("iss", &shared.issuer);
    let form_post = asked
        .get("response_mode")
        .is_some_and(|mode| mode == "form_post");
    shared.lock().codes.insert(code, asked);
    if form_post {
        return Html(auto_submitted(&target)).into_response();
    }
    (StatusCode::FOUND, [(header::LOCATION, target.to_string())]).into_response()
}

/// The page that posts the parameters of `target` to it, as OAuth 2.0 Form Post Response Mode has it.
fn auto_submitted(target: &Url) -> String {
    let mut action = target.clone();
    action.set_query(None);
    let inputs: String = target
        .query_pairs()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"))
        .collect();
    format!("<form method=\"post\" action=\"{action}\">{inputs}</form>")
}

async fn token(State(shared): At, headers: HeaderMap, Form(sent): Form<Parameters>) -> Response {
    shared.note(Endpoint::Token, &sent, &headers);
    // Where something else is answered, nothing is used up.
    if matches!(
        shared.lock().answers.get(&Endpoint::Token),
        Some(Answers::With(..))
    ) {
        return shared
            .answer(Endpoint::Token, StatusCode::OK, Value::Null)
            .await;
    }
    let (status, answer) = match exchange(&shared, &headers, &sent) {
        Ok(tokens) => (StatusCode::OK, tokens),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
    };
    shared.answer(Endpoint::Token, status, answer).await
}

fn exchange(
    shared: &Shared,
    headers: &HeaderMap,
    sent: &Parameters,
) -> Result<Value, &'static str> {
    let basic = STANDARD.encode_to_string(format!(
        "{}:{}",
        Provider::CLIENT_ID,
        Provider::CLIENT_SECRET
    ));
    let by_header = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == format!("Basic {basic}").as_bytes());
    let by_body = sent
        .get("client_id")
        .is_some_and(|id| id == Provider::CLIENT_ID)
        && sent
            .get("client_secret")
            .is_some_and(|secret| secret == Provider::CLIENT_SECRET);
    if by_header == by_body {
        return Err("invalid_client");
    }
    let mut state = shared.lock();
    if sent
        .get("grant_type")
        .is_some_and(|grant| grant == "refresh_token")
    {
        let used = sent.get("refresh_token");
        let mut claims = used
            .and_then(|token| state.refresh_tokens.remove(token))
            .ok_or("invalid_grant")?;
        let now = now();
        (claims["iat"], claims["exp"]) = (json!(now), json!(now + 900));
        if let Some(object) = claims.as_object_mut() {
            object.remove("nonce");
        }
        return Ok(state.tokens(claims, 900));
    }
    let asked = sent
        .get("code")
        .and_then(|code| state.codes.remove(code))
        .ok_or("invalid_grant")?;
    if asked.get("redirect_uri") != sent.get("redirect_uri") {
        return Err("invalid_grant");
    }
    if let Some(challenge) = asked.get("code_challenge") {
        let verifier = sent.get("code_verifier").ok_or("invalid_grant")?;
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        if BASE64URL.encode_to_string(hash.as_ref()) != *challenge {
            return Err("invalid_grant");
        }
    }
    let now = now();
    let mut claims = json!({
        "iss": shared.issuer,
        "sub": Provider::SUBJECT,
        "aud": Provider::CLIENT_ID,
        "iat": now,
        "exp": now + 900,
    });
    if let Some(nonce) = asked.get("nonce") {
        claims["nonce"] = json!(nonce);
    }
    let lifetime = state.refreshes.unwrap_or(900);
    Ok(state.tokens(claims, lifetime))
}

impl Provided {
    /// A token response, with a refresh token where they are given.
    fn tokens(&mut self, mut claims: Value, lifetime: u64) -> Value {
        if let Some(Answers::Changed(change)) = self.answers.get(&Endpoint::IdToken) {
            change(&mut claims);
        }
        let id_token = self.keys[0].sign(&claims);
        let access_token = random("canary-access-token");
        self.id_tokens.push(id_token.clone());
        self.access_tokens.push(access_token.clone());
        let mut response = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "id_token": id_token,
        });
        if self.refreshes.is_some() {
            let refresh_token = random("canary-refresh-token");
            response["refresh_token"] = json!(refresh_token);
            self.refresh_tokens.insert(refresh_token, claims);
        }
        response
    }
}

async fn userinfo(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Userinfo, &HashMap::new(), &headers);
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let (known, claims) = {
        let state = shared.lock();
        let known =
            bearer.is_some_and(|token| state.access_tokens.iter().any(|each| each == token));
        (known, state.userinfo.clone())
    };
    if known {
        shared
            .answer(Endpoint::Userinfo, StatusCode::OK, claims)
            .await
    } else {
        json_response(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "invalid_token" }),
        )
    }
}

async fn jwks(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Jwks, &HashMap::new(), &headers);
    let keys: Vec<_> = shared.lock().keys.iter().map(SigningKey::public).collect();
    shared
        .answer(Endpoint::Jwks, StatusCode::OK, json!({ "keys": keys }))
        .await
}

async fn end_session(
    State(shared): At,
    headers: HeaderMap,
    Query(asked): Query<Parameters>,
) -> Response {
    shared.note(Endpoint::EndSession, &asked, &headers);
    let Some(mut target) = asked
        .get("post_logout_redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
    else {
        return (StatusCode::OK, "signed out").into_response();
    };
    if let Some(state) = asked.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    (StatusCode::FOUND, [(header::LOCATION, target.to_string())]).into_response()
}

fn json_response(status: StatusCode, json: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        Body::from(json.to_string()),
    )
        .into_response()
}

impl SigningKey {
    fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
                .expect("the key that was just made");
        Self {
            kid: kid.to_owned(),
            pair,
        }
    }

    fn public(&self) -> Value {
        // SEC 1 §2.3.3: 4, then the two coordinates.
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": BASE64URL.encode_to_string(&point[1..33]),
            "y": BASE64URL.encode_to_string(&point[33..65]),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        self.sign_as(&header, claims)
    }

    fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            BASE64URL.encode_to_string(header.to_string()),
            BASE64URL.encode_to_string(claims.to_string())
        );
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!(
            "{signed}.{}",
            BASE64URL.encode_to_string(signature.as_ref())
        )
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn random(prefix: &str) -> String {
    let mut bytes = [0; 18];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("random numbers");
    format!("{prefix}-{}", BASE64URL.encode_to_string(bytes))
}
