//! The ID token: who logged in, when, and for whom.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fault::Faults;
use crate::grant::Grant;
use crate::shared::Shared;
use crate::signer::Signer;
use crate::{clock, identity, jwt};

/// What an ID token is issued for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    Login,
    /// The session of a login that goes on (OIDC Core §12.2).
    Refresh,
}

/// Makes the ID token that comes with an access token (OIDC Core §2).
pub(crate) fn issue(
    shared: &Shared,
    faults: &Faults,
    client: &Client,
    grant: &Grant,
    access_token: &str,
    occasion: Occasion,
) -> String {
    let now = clock::now();
    let algorithm = client.id_token_signed_response_alg;
    let mut claims = json!({
        "iss": shared.issuer(),
        "sub": grant.sub,
        "aud": client.client_id,
        "iat": now,
        "exp": now.saturating_add(shared.config.id_token_lifetime.as_secs()),
        "auth_time": grant.session.auth_time,
        "amr": ["mpin"],
        "at_hash": jwt::at_hash(algorithm, access_token),
        "sid": grant.session.sid,
    });
    if let (Some(nonce), Occasion::Login) = (&grant.nonce, occasion) {
        claims["nonce"] = json!(nonce);
    }
    if let Some(acr) = &grant.acr {
        claims["acr"] = json!(acr);
    }
    add_mpin_claims(&mut claims, grant);
    shared.claims.apply(&grant.session.email, &mut claims);

    faults.on_claims(&mut claims, occasion);
    let mut payload = claims.to_string();
    faults.on_payload(&mut payload);
    let keys = shared.keys.current();
    let honest = Signer::Keys(keys.clone(), algorithm).header();
    let signer = faults.signer(keys, algorithm, client);
    let mut header = signer.header();
    faults.on_header(&mut header, &honest);
    faults.on_signed(signer.sign(&header, &payload))
}

/// Adds the claims of MIRACL's own scopes, which are in the ID token and in user info.
pub(crate) fn add_mpin_claims(claims: &mut Value, grant: &Grant) {
    let mpin_id = &grant.session.mpin_id;
    if grant.has_scope("mpin_id") {
        claims["mpin_id"] = json!(mpin_id);
    }
    if grant.has_scope("hash_mpin_id") {
        claims["hash_mpin_id"] = json!(identity::hash_mpin_id(mpin_id));
    }
    if grant.has_scope("dvs") {
        // Nobody has enrolled for signing yet.
        claims["dvs_keys"] = json!([]);
    }
}
