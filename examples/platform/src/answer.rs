//! Answers for programs: JSON that passes through the platform's faults on its way out.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::platform::Shared;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Discovery,
    Certs,
    Token,
    Userinfo,
}

/// An answer on its way out.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
}

/// What an answer says.
#[derive(Debug)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
    /// Nothing, ever: the connection stays open until the platform shuts down.
    Never,
}

impl Answer {
    pub(crate) fn json(value: Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: Body::Json(value),
        }
    }

    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Text(text.to_owned()),
        }
    }

    /// Makes the error of RFC 6749 §5.2.
    pub(crate) fn error(status: StatusCode, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self {
            status,
            ..Self::json(body)
        }
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        if let Body::Json(Value::Object(object)) = &mut self.body {
            object.insert(name.to_owned(), value.into());
        }
    }

    pub(crate) fn unset(&mut self, name: &str) {
        if let Body::Json(Value::Object(object)) = &mut self.body {
            object.remove(name);
        }
    }

    /// Sends the answer, after the platform's fault (if any) had its way with it.
    pub(crate) async fn send(mut self, shared: &Shared, endpoint: Endpoint) -> Response {
        if let Some(fault) = shared.fault() {
            fault.on_answer(endpoint, &mut self);
        }
        let (kind, body) = match self.body {
            Body::Json(value) => ("application/json", value.to_string()),
            Body::Text(text) => ("text/html; charset=utf-8", text),
            Body::Never => {
                shared.closed().await;
                ("text/plain", String::new())
            }
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.extend(self.headers);
        response
    }
}
