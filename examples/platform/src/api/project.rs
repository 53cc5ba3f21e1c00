//! What everybody may know of the project: its id, and the keys of its tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::reply;
use crate::algorithm::SigningAlgorithm;
use crate::jwt;
use crate::keys::Keys;
use crate::shared::Shared;

/// The name of the key in certificates.
const SIGNATURE_KEY: &str = "s1";

/// How long the name of the key in other tokens is.
const KEY_ID: usize = 12;

/// Answers `GET /.well-known/project-configuration`.
pub(super) async fn configuration(State(shared): State<Arc<Shared>>) -> Response {
    let pin_length = shared.project().pin_length();
    reply(&json!({ "id": shared.trust.project_id, "pinLength": pin_length }))
}

/// Answers `GET /.well-known/jwks`: the key of the project's tokens.
pub(super) async fn login_keys(State(shared): State<Arc<Shared>>) -> Response {
    let key = shared.keys.current();
    reply(&json!({ "keys": [named(&key, &login_key_id(&key))] }))
}

/// Answers `GET /dvs/jwks`: the key of the certificates of signatures.
pub(super) async fn signature_keys(State(shared): State<Arc<Shared>>) -> Response {
    reply(&json!({ "keys": [named(&shared.keys.current(), SIGNATURE_KEY)] }))
}

/// Signs a token of the project.
pub(super) fn sign_login(shared: &Shared, claims: &Value) -> String {
    let keys = shared.keys.current();
    sign(&keys, &login_key_id(&keys), claims)
}

/// Signs the certificate of a signature.
pub(super) fn sign_certificate(shared: &Shared, claims: &Value) -> String {
    sign(&shared.keys.current(), SIGNATURE_KEY, claims)
}

fn sign(keys: &Keys, key_id: &str, claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "kid": key_id, "typ": "JWT" });
    let signed = jwt::signing_input(&header, &claims.to_string());
    let signature = keys.sign(SigningAlgorithm::Rs256, signed.as_bytes());
    format!("{signed}.{}", jwt::encode(signature))
}

/// Returns the claims of a token that this project signed.
pub(super) fn open_login(shared: &Shared, token: &str) -> Option<Value> {
    let keys = shared.keys.current();
    let parts = jwt::parts(token)?;
    let is_ours = parts.header["kid"] == login_key_id(&keys) && parts.header["alg"] == "RS256";
    let algorithm = SigningAlgorithm::Rs256;
    let jwk = keys.jwk(algorithm);
    let is_signed = is_ours && jwt::is_signed_by(jwk, algorithm, parts.signed, &parts.signature);
    is_signed.then_some(parts.claims)
}

fn login_key_id(keys: &Keys) -> String {
    let full = keys.jwk(SigningAlgorithm::Rs256)["kid"].as_str();
    full.unwrap_or_default().chars().take(KEY_ID).collect()
}

/// Returns the RSA key under another name.
fn named(keys: &Keys, key_id: &str) -> Value {
    let mut key = keys.jwk(SigningAlgorithm::Rs256).clone();
    key["kid"] = json!(key_id);
    key
}
