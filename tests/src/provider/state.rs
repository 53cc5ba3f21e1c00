//! What the provider knows: its keys, what it has given out and received, and how the scenario wants it to answer.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, header};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::{
    answers::{Answers, Endpoint, Received},
    endpoints::Parameters,
    key::SigningKey,
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) issuer: String,
    pub(super) state: Mutex<Provided>,
}

#[derive(Default)]
pub(super) struct Provided {
    pub(super) answers: HashMap<Endpoint, Answers>,
    pub(super) received: HashMap<Endpoint, Vec<Received>>,
    pub(super) codes: HashMap<String, HashMap<String, String>>,
    /// Whether it gives refresh tokens, and the `expires_in` of a login's access token.
    pub(super) refreshes: Option<u64>,
    /// The valid refresh tokens, with the claims of their login.
    pub(super) refresh_tokens: HashMap<String, Value>,
    pub(super) access_tokens: Vec<String>,
    pub(super) id_tokens: Vec<String>,
    pub(super) keys: Vec<SigningKey>,
    pub(super) userinfo: Value,
}

impl std::fmt::Debug for Provided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provided")
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Provided> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, endpoint: Endpoint, parameters: &Parameters, headers: &HeaderMap) {
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
}

impl Provided {
    /// A token response, with a refresh token where they are given.
    pub(super) fn tokens(&mut self, mut claims: Value, lifetime: u64) -> Value {
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

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A random value, with a prefix that says what it is.
pub(super) fn random(prefix: &str) -> String {
    let mut bytes = [0; 18];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("random numbers");
    format!("{prefix}-{}", BASE64URL.encode_to_string(bytes))
}
