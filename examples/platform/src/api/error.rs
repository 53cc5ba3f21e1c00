//! Errors, as clients know them.

use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error on its way to a client, which looks at its code only.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    info: String,
    context: Map<String, Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, info: impl Into<String>) -> Self {
        Self {
            status,
            code,
            info: info.into(),
            context: Map::new(),
        }
    }

    /// A field of the body, or a parameter of the query, is not as it must be.
    pub(crate) fn field(name: &str, is_not: &str) -> Self {
        let info = format!("{name} is {is_not}");
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST_PARAMETERS", info).with("params", name)
    }

    pub(crate) fn body() -> Self {
        let info = "the body is not a JSON object";
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST_BODY", info)
    }

    pub(crate) fn unauthorized() -> Self {
        let info = "the credentials are missing or wrong";
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", info)
    }

    pub(crate) fn forbidden(info: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", info)
    }

    pub(crate) fn not_found(info: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", info)
    }

    pub(crate) fn method() -> Self {
        let info = "the endpoint does not have this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", info)
    }

    pub(crate) fn too_large() -> Self {
        let info = "the body has more than 64 KiB";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_TOO_LARGE", info)
    }

    pub(crate) fn activation_token() -> Self {
        let info = "the activation token is unknown, used, expired or somebody else's";
        Self::new(StatusCode::FORBIDDEN, "INVALID_ACTIVATION_TOKEN", info)
    }

    pub(crate) fn login_session() -> Self {
        let info = "the login is unknown, used or expired";
        Self::new(
            StatusCode::BAD_REQUEST,
            "INVALID_AUTHENTICATION_SESSION",
            info,
        )
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.context.insert(name.to_owned(), value.into());
        self
    }
}

/// A part of the path is no text.
impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::field("path", "no text")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        tracing::debug!(code = self.code, info = self.info, "request refused");
        let context = match self.context.is_empty() {
            true => Value::Null,
            false => Value::Object(self.context),
        };
        let body = json!({ "error": self.code, "info": self.info, "context": context });
        super::json(self.status, &body)
    }
}
