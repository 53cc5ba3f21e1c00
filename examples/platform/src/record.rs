//! The requests that the platform received, so that a test can count them.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::http::request::Parts;
use axum::http::{Method, header};

use crate::client_auth::ClientAuthMethod;
use crate::params::Params;
use crate::sync::lock;

/// How many requests are remembered; the oldest are forgotten first.
pub const MAX_RECORDED_REQUESTS: usize = 10_000;

/// A request the platform received.
///
/// Secrets, PINs, access tokens and what fetches the shares of a secret are replaced by `[redacted]`; that they were
/// there still shows. Values that are used once (codes, assertions, refresh tokens) stay, so that a test can compare
/// them. Bodies in JSON are not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The decoded query, in order.
    pub query: Vec<(String, String)>,
    /// The decoded form in the body, in order; empty unless the body was a form.
    pub form: Vec<(String, String)>,
    /// The kind of `Authorization` header.
    pub authorization: Authorization,
    /// The `Accept` header.
    pub accept: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// How the client authenticated: empty for a request without authentication, and more than one method only if
    /// the client made that mistake.
    pub client_auth: Vec<ClientAuthMethod>,
    /// The number of the request, counted from 1. Counting goes on when earlier requests are forgotten.
    pub number: u64,
}

/// The kind of an `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorization {
    /// No header.
    Absent,
    /// `Basic`: a client with its secret.
    Basic,
    /// `Bearer`: an access token.
    Bearer,
    /// Anything else.
    Other,
}

impl RecordedRequest {
    /// Returns the first value of `name` in the form.
    pub fn form_value(&self, name: &str) -> Option<&str> {
        value(&self.form, name)
    }

    /// Returns the first value of `name` in the query.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }

    /// Returns the names in the form, in order, each as often as it came.
    pub fn form_names(&self) -> Vec<&str> {
        self.form.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Returns whether the query holds an access token, where it must not be (RFC 9700 §4.3.2).
    pub fn has_access_token_in_query(&self) -> bool {
        self.query_value("access_token").is_some()
    }

    pub(crate) fn new(parts: &Parts, form: Params) -> Self {
        let text = |name| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
        let authorization = match text(header::AUTHORIZATION) {
            None => Authorization::Absent,
            Some(value) => match value
                .split(' ')
                .next()
                .unwrap_or("")
                .to_ascii_lowercase()
                .as_str()
            {
                "basic" => Authorization::Basic,
                "bearer" => Authorization::Bearer,
                _ => Authorization::Other,
            },
        };
        let client_auth = ClientAuthMethod::used(authorization == Authorization::Basic, &form);
        let (mut query, mut form) = (
            Params::of_query(parts.uri.query()).into_pairs(),
            form.into_pairs(),
        );
        for (name, value) in query.iter_mut().chain(&mut form) {
            // A ticket and a regOTT fetch the shares of a secret, more than once.
            let secret = ["client_secret", "pin", "access_token", "ticket", "regOTT"];
            if secret.contains(&name.as_str()) {
                *value = "[redacted]".to_owned();
            }
        }
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query,
            form,
            authorization,
            accept: text(header::ACCEPT),
            user_agent: text(header::USER_AGENT),
            client_auth,
            number: 0,
        }
    }
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// The remembered requests.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    requests: VecDeque<RecordedRequest>,
    /// How many there have been, including those forgotten.
    count: u64,
}

impl Recorder {
    pub(crate) fn add(&self, mut request: RecordedRequest) {
        // A page that waits for a message asks every second, which would bury everything else.
        if request.method == Method::GET.as_str() && request.path.ends_with("/stage") {
            return;
        }
        let mut recorded = lock(&self.0);
        if recorded.requests.len() == MAX_RECORDED_REQUESTS {
            recorded.requests.pop_front();
        }
        recorded.count += 1;
        request.number = recorded.count;
        recorded.requests.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        lock(&self.0).requests.iter().cloned().collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        lock(&self.0)
            .requests
            .iter()
            .filter(|request| request.path == path)
            .count()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).requests.clear();
    }
}
