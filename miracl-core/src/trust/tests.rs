//! The clients of the platform, at one that answers as a test tells it to.

mod answers;
mod jwt;
mod keys;
mod signatures;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{
    Clock, Config, CookieKey, Miracl,
    probes::{provider::Provider, rsa_signer::RsaSigner},
};

const PROJECT: &str = "0e4a3b52-project";
/// The name of the platform's keys.
const KID: &str = "k1";

/// A platform and an app, whose clock stands still.
struct Asking {
    provider: Provider,
    signer: RsaSigner,
    miracl: Miracl,
    now: u64,
}

impl Asking {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (provider, signer) = (Provider::start().await, RsaSigner::new());
        provider.say("/.well-known/jwks", &signer.jwks(KID));
        provider.say("/dvs/jwks", &signer.jwks(KID));
        let project = json!({ "id": PROJECT, "pinLength": 4 });
        provider.say("/.well-known/project-configuration", &project.to_string());
        let time = SystemTime::now();
        let mut config = Config {
            issuer: provider.issuer.clone(),
            client_id: "MockClientId".into(),
            client_secret: "MockClientSecret".into(),
            redirect_uri: "http://127.0.0.1:5000/login".into(),
            cookie_keys: vec![CookieKey::generate()],
            request_timeout: Duration::from_secs(5),
            clock: Clock::from_fn(move || time),
            ..Config::default()
        };
        change(&mut config);
        let miracl = Miracl::new(config).unwrap();
        let now = miracl.engine().now();
        Self {
            provider,
            signer,
            miracl,
            now,
        }
    }

    /// The claims of a good project JWT, with these changes.
    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.provider.issuer,
            "aud": PROJECT,
            "sub": "alice",
            "iat": self.now,
            "exp": self.now + 60,
        });
        change(&mut claims, changes);
        claims
    }

    fn jwt(&self, changes: &Value) -> String {
        self.signer.token(KID, &self.claims(changes))
    }
}

/// Sets members of an object. A `null` removes one.
fn change(object: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
}
