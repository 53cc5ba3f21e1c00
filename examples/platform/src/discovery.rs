//! The platform's metadata and public keys.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde_json::json;

use crate::algorithm::SigningAlgorithm;
use crate::answer::{Answer, Endpoint};
use crate::callback::ResponseMode;
use crate::client_auth::{ClientAuthMethod, assertion_algorithms};
use crate::grant::OFFLINE_ACCESS;
use crate::shared::Shared;

/// The scopes that have a meaning here. Others are ignored (OIDC Core §3.1.2.1).
pub(crate) const SCOPES: [&str; 9] = [
    "openid",
    "email",
    "profile",
    "address",
    "phone",
    "dvs",
    "mpin_id",
    "hash_mpin_id",
    OFFLINE_ACCESS,
];

/// The values that an app may send in `acr_values`. The platform knows one way to log in, and names it as the app
/// prefers, so that apps that use the parameter can be tried out.
const ACR_VALUES: [&str; 2] = ["urn:example:pin", "urn:example:pin-and-device"];

/// Answers `GET /.well-known/openid-configuration`.
pub(crate) async fn configuration(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let issuer = shared.issuer();
    let methods: Vec<_> = ClientAuthMethod::ALL
        .iter()
        .map(|method| method.as_str())
        .collect();
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/oidc/token"),
        "userinfo_endpoint": format!("{issuer}/oidc/userinfo"),
        "jwks_uri": format!("{issuer}/oidc/certs"),
        "end_session_endpoint": format!("{issuer}/oidc/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::NAMES,
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "scopes_supported": SCOPES,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "at_hash", "sid",
            "email", "email_verified", "mpin_id", "hash_mpin_id", "dvs_keys",
            "name", "given_name", "family_name", "preferred_username", "zoneinfo", "locale",
            "updated_at", "address", "phone_number", "phone_number_verified", "groups",
        ],
        "acr_values_supported": ACR_VALUES,
        "id_token_signing_alg_values_supported": SigningAlgorithm::names(),
        "userinfo_signing_alg_values_supported": SigningAlgorithm::names(),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms(),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "create"],
        "authorization_response_iss_parameter_supported":
            shared.config.authorization_response_iss_parameter,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    Answer::json(metadata)
        .send(&shared, Endpoint::Discovery, uri.path())
        .await
}

/// Answers `GET /oidc/certs`.
pub(crate) async fn certs(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let faults = shared.faults();
    faults.prepare().await;
    let keys = faults.on_keys(shared.keys.jwks());
    Answer::json(json!({ "keys": keys }))
        .send(&shared, Endpoint::Certs, uri.path())
        .await
}
