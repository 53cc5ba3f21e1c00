//! The user info endpoint: the person whom an access token stands for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{Answer, Body, Endpoint};
use crate::fault::{Fault, Faults};
use crate::grant::Grant;
use crate::id_token::add_mpin_claims;
use crate::person;
use crate::shared::Shared;

/// Answers `GET` and `POST /oidc/userinfo`.
pub(crate) async fn userinfo(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let faults = shared.faults();
    faults.prepare().await;
    if faults.has(Fault::AccessTokenExpired) {
        shared.grants.expire_tokens();
    }
    let answer = match bearer(&headers) {
        // RFC 6750 §3.1: a request without a token gets no error code.
        None => Answer::text(StatusCode::UNAUTHORIZED, "")
            .with_header(header::WWW_AUTHENTICATE, "Bearer"),
        Some(token) => match shared.grants.open(token) {
            Some(grant) => tell(&shared, &faults, &grant),
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
        .send(&shared, Endpoint::Userinfo, uri.path())
        .await
}

/// Answers with the claims: as JSON, or as a token where the client registered for one (OIDC Core §5.3.2).
fn tell(shared: &Shared, faults: &Faults, grant: &Grant) -> Answer {
    let mut claims = claims(shared, grant);
    let client = shared.clients.find(&grant.client_id);
    let algorithm = client.and_then(|client| {
        faults.userinfo_algorithm(
            client.userinfo_signed_response_alg,
            client.id_token_signed_response_alg,
        )
    });
    if algorithm.is_some() {
        claims["iss"] = json!(shared.issuer());
        claims["aud"] = json!(grant.client_id);
    }
    faults.on_userinfo(&mut claims);
    match algorithm {
        Some(algorithm) => Answer {
            body: Body::Jwt(faults.sign_userinfo(shared.keys.current(), algorithm, &claims)),
            ..Answer::text(StatusCode::OK, "")
        },
        None => Answer::json(claims),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn claims(shared: &Shared, grant: &Grant) -> Value {
    let mut claims = json!({ "sub": grant.sub });
    person::add_claims(&mut claims, grant, &shared.config);
    add_mpin_claims(&mut claims, grant);
    shared.claims.apply(&grant.session.email, &mut claims);
    claims
}
