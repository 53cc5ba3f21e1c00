//! Codes and refresh tokens, exchanged for tokens.

use axum::http::{HeaderMap, header};
use base64_simd::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use ring::digest;
use serde_json::{Value, json};

use super::{
    Provider,
    endpoints::Parameters,
    state::{Shared, now},
};

/// Checks a token request, and answers with tokens or with an error code.
pub(super) fn exchange(
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
