//! How each endpoint of the provider answers, and what it received.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

/// The endpoints of a provider.
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
    /// As a good provider answers.
    Well,
    /// With this and nothing else: status, content type, body.
    With(u16, &'static str, String),
    /// With the good JSON, changed.
    Changed(Box<dyn Fn(&mut Value) + Send + Sync>),
    /// As a good provider answers, but only after this time.
    Late(Duration),
    /// As a good provider answers, as soon as this turns `true`.
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
