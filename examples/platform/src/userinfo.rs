//! The user info endpoint: who an access token stands for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{Answer, Endpoint};
use crate::fault::Fault;
use crate::grant::Grant;
use crate::platform::Shared;
use crate::token::add_mpin_claims;

/// Answers `GET` and `POST /oidc/userinfo`.
pub(crate) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if shared.fault() == Some(Fault::AccessTokenExpired) {
        shared.grants.expire_tokens();
    }
    let answer = match bearer(&headers) {
        // RFC 6750 §3.1: a request without a token gets no error code.
        None => Answer::text(StatusCode::UNAUTHORIZED, "")
            .with_header(header::WWW_AUTHENTICATE, "Bearer"),
        Some(token) => match shared.grants.open(token) {
            Some(grant) => Answer::json(claims(&grant)),
            None => Answer::error(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "the access token is not valid (any more)",
            )
            .with_header(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#),
        },
    };
    answer
        .with_header(header::CACHE_CONTROL, "no-store")
        .send(&shared, Endpoint::Userinfo)
        .await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn claims(grant: &Grant) -> Value {
    let mut claims = json!({ "sub": grant.session.email });
    if grant.has_scope("email") {
        claims["email"] = json!(grant.session.email);
        // An identity exists only after its address was confirmed.
        claims["email_verified"] = json!(true);
    }
    add_mpin_claims(&mut claims, grant);
    claims
}
