//! Answers to programs: JSON that passes through the platform's faults on its way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body as ResponseBody, Bytes, HttpBody};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use serde_json::{Value, json};

use crate::shared::Shared;

/// The endpoint that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Discovery,
    Certs,
    Token,
    /// The token endpoint, when a refresh token is used.
    Refresh,
    Userinfo,
}

impl Endpoint {
    /// Returns whether a fault of this endpoint also applies to `other`.
    pub(crate) fn is(self, other: Self) -> bool {
        self == other || (self, other) == (Self::Token, Self::Refresh)
    }
}

/// An answer on its way out.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
    /// How long the answer is held back.
    pub(crate) delay: Duration,
    /// How many bytes of padding a JSON answer gets, as its last member.
    pub(crate) padding: usize,
}

/// The content of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    Json(Value),
    /// A token, which is the whole answer.
    Jwt(String),
    Text(String),
    /// No content.
    Nothing,
    /// Not even a status: the connection ends.
    Broken,
    /// Nothing, ever: the connection stays open until the platform shuts down.
    Never,
}

impl Answer {
    pub(crate) fn json(value: Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: Body::Json(value),
            delay: Duration::ZERO,
            padding: 0,
        }
    }

    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            body: Body::Text(text.to_owned()),
            ..Self::json(Value::Null)
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

    /// Sends the answer to a request for `path`, after the platform's faults have changed it.
    pub(crate) async fn send(
        mut self,
        shared: &Shared,
        endpoint: Endpoint,
        path: &str,
    ) -> Response {
        shared.faults().on_answer(endpoint, path, &mut self);
        if !self.delay.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(self.delay) => {}
                () = shared.closed() => {}
            }
        }
        let (kind, body) = match self.body {
            Body::Json(value) => ("application/json", padded(value.to_string(), self.padding)),
            Body::Jwt(token) => ("application/jwt", token),
            Body::Text(text) => ("text/html; charset=utf-8", text),
            Body::Nothing => return self.status.into_response(),
            Body::Broken => return Response::new(ResponseBody::new(Broken)),
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

/// Adds a member to the text of an object, which is faster than to serialise it with the rest.
fn padded(mut json: String, padding: usize) -> String {
    if padding > 0 && json.pop() == Some('}') {
        json += &format!(r#","padding":"{}"}}"#, "x".repeat(padding));
    }
    json
}

/// A body that fails at once. The server sends the head together with what follows it, so it closes the connection
/// without having sent anything.
struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::Error::other("broken on purpose"))))
    }
}
