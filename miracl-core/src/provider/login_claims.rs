//! The claims that say how a person logged in.

use serde_json::{Map, Value};

/// The claims about a login itself, which count from the ID token of the login alone: userinfo does not know them, and
/// a refreshed ID token may leave them out (OpenID Connect Core 1.0 §2, §12.2).
pub(crate) const LOGIN_CLAIMS: [&str; 3] = ["acr", "auth_time", "amr"];

/// Takes the claims about the login out of all claims of its ID token.
pub(crate) fn login_claims(id_token: &Map<String, Value>) -> Map<String, Value> {
    let claims = LOGIN_CLAIMS.into_iter();
    let claims = claims.filter_map(|name| Some((name.to_owned(), id_token.get(name)?.clone())));
    claims.filter(|(_, value)| !value.is_null()).collect()
}
