//! Misbehaviour on purpose: what a relying party must survive.
//!
//! Every answer is built honestly first and then passes through here once, so a fault differs
//! from the truth in exactly the point its name says.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Body, Endpoint};

/// Declares the faults once: variant, name and documentation.
macro_rules! faults {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// One way for the platform to misbehave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault, in the order of the flow.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the fault's name in words joined by `-`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

faults! {
    /// Discovery answers 500.
    DiscoveryServerError = "discovery-server-error",
    /// Discovery answers 200 with a page of HTML.
    DiscoveryNotJson = "discovery-not-json",
    /// Discovery names another issuer.
    DiscoveryWrongIssuer = "discovery-wrong-issuer",
    /// Discovery is accepted and never answered.
    DiscoveryHangs = "discovery-hangs",

    /// The callback carries another `state`.
    CallbackWrongState = "callback-wrong-state",
    /// The callback carries no `state`.
    CallbackWithoutState = "callback-without-state",
    /// The callback carries another `iss`.
    CallbackWrongIssuer = "callback-wrong-issuer",
    /// The callback carries no `iss`, though discovery promises one.
    CallbackWithoutIssuer = "callback-without-issuer",
    /// The callback carries no `code`.
    CallbackWithoutCode = "callback-without-code",

    /// The token endpoint answers 400 `invalid_grant`.
    TokenInvalidGrant = "token-invalid-grant",
    /// The token endpoint answers 401 `invalid_client`.
    TokenInvalidClient = "token-invalid-client",
    /// The token endpoint answers 500.
    TokenServerError = "token-server-error",
    /// The token endpoint answers 200 with a page of HTML.
    TokenNotJson = "token-not-json",
    /// The token response has no `access_token`.
    TokenWithoutAccessToken = "token-without-access-token",
    /// The token response has no `id_token`.
    TokenWithoutIdToken = "token-without-id-token",
    /// The token request is accepted and never answered.
    TokenHangs = "token-hangs",
    /// The token response is [`HUGE`](crate::HUGE) bytes of JSON.
    TokenHuge = "token-huge",
    /// The access token is dead when it arrives, though `expires_in` says otherwise.
    AccessTokenExpired = "access-token-expired",

    /// The ID token names another issuer.
    IdTokenWrongIssuer = "id-token-wrong-issuer",
    /// The ID token is for another client.
    IdTokenWrongAudience = "id-token-wrong-audience",
    /// The ID token ran out an hour ago.
    IdTokenExpired = "id-token-expired",
    /// The ID token was issued an hour from now.
    IdTokenFromTheFuture = "id-token-from-the-future",
    /// The ID token carries another `nonce`.
    IdTokenWrongNonce = "id-token-wrong-nonce",
    /// The ID token carries no `nonce`.
    IdTokenWithoutNonce = "id-token-without-nonce",
    /// The ID token has no `sub`.
    IdTokenWithoutSub = "id-token-without-sub",
    /// The ID token's `at_hash` belongs to another access token.
    IdTokenWrongAtHash = "id-token-wrong-at-hash",
    /// The ID token's signature is wrong in one bit.
    IdTokenBadSignature = "id-token-bad-signature",
    /// The ID token has `alg` `none` and no signature.
    IdTokenUnsigned = "id-token-unsigned",
    /// The ID token names a key that the key set does not hold.
    IdTokenUnknownKey = "id-token-unknown-key",

    /// The key set answers 500.
    CertsServerError = "certs-server-error",
    /// The key set is empty.
    CertsEmpty = "certs-empty",

    /// User info answers 401 with an error in JSON.
    UserinfoUnauthorizedJson = "userinfo-unauthorized-json",
    /// User info answers 401 with nothing.
    UserinfoUnauthorizedEmpty = "userinfo-unauthorized-empty",
    /// User info answers 500.
    UserinfoServerError = "userinfo-server-error",
    /// User info answers 200 with a page of HTML.
    UserinfoNotJson = "userinfo-not-json",
    /// User info has no `email`.
    UserinfoWithoutEmail = "userinfo-without-email",
    /// User info says that the address is not verified.
    UserinfoEmailNotVerified = "userinfo-email-not-verified",
    /// User info has no `sub`.
    UserinfoWithoutSub = "userinfo-without-sub",
    /// User info is about somebody else.
    UserinfoOtherSub = "userinfo-other-sub",
    /// User info is a list.
    UserinfoArray = "userinfo-array",
    /// The user info request is accepted and never answered.
    UserinfoHangs = "userinfo-hangs",
    /// The user info response is [`HUGE`](crate::HUGE) bytes of JSON.
    UserinfoHuge = "userinfo-huge",
}

/// The size of a huge answer, in bytes: far above what any relying party should read.
pub const HUGE: usize = 16 * 1024 * 1024;

/// An hour, in seconds.
const HOUR: u64 = 60 * 60;

impl Fault {
    /// Disturbs an answer.
    pub(crate) fn on_answer(self, endpoint: Endpoint, answer: &mut Answer) {
        match (endpoint, self) {
            (Endpoint::Discovery, Self::DiscoveryServerError)
            | (Endpoint::Token, Self::TokenServerError)
            | (Endpoint::Certs, Self::CertsServerError)
            | (Endpoint::Userinfo, Self::UserinfoServerError) => {
                *answer = Answer::text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "something broke, on purpose",
                );
            }
            (Endpoint::Discovery, Self::DiscoveryNotJson)
            | (Endpoint::Token, Self::TokenNotJson)
            | (Endpoint::Userinfo, Self::UserinfoNotJson) => {
                *answer = Answer::text(StatusCode::OK, "<!doctype html><title>Welcome</title>");
            }
            (Endpoint::Discovery, Self::DiscoveryHangs)
            | (Endpoint::Token, Self::TokenHangs)
            | (Endpoint::Userinfo, Self::UserinfoHangs) => answer.body = Body::Never,
            (Endpoint::Token, Self::TokenHuge) | (Endpoint::Userinfo, Self::UserinfoHuge) => {
                answer.set("padding", "x".repeat(HUGE));
            }
            (Endpoint::Discovery, Self::DiscoveryWrongIssuer) => {
                answer.set("issuer", "https://issuer.example")
            }
            (Endpoint::Certs, Self::CertsEmpty) => answer.set("keys", json!([])),

            (Endpoint::Token, Self::TokenInvalidGrant) => {
                *answer = Answer::error(
                    StatusCode::BAD_REQUEST,
                    "invalid_grant",
                    "refused on purpose",
                );
            }
            (Endpoint::Token, Self::TokenInvalidClient) => {
                *answer = Answer::error(
                    StatusCode::UNAUTHORIZED,
                    "invalid_client",
                    "refused on purpose",
                );
            }
            (Endpoint::Token, Self::TokenWithoutAccessToken) => answer.unset("access_token"),
            (Endpoint::Token, Self::TokenWithoutIdToken) => answer.unset("id_token"),

            (Endpoint::Userinfo, Self::UserinfoUnauthorizedJson) => {
                *answer = Answer::error(
                    StatusCode::UNAUTHORIZED,
                    "invalid_token",
                    "refused on purpose",
                );
            }
            (Endpoint::Userinfo, Self::UserinfoUnauthorizedEmpty) => {
                *answer = Answer::text(StatusCode::UNAUTHORIZED, "");
            }
            (Endpoint::Userinfo, Self::UserinfoWithoutEmail) => {
                answer.unset("email");
                answer.unset("email_verified");
            }
            (Endpoint::Userinfo, Self::UserinfoEmailNotVerified) => {
                answer.set("email_verified", false)
            }
            (Endpoint::Userinfo, Self::UserinfoWithoutSub) => answer.unset("sub"),
            (Endpoint::Userinfo, Self::UserinfoOtherSub) => {
                answer.set("sub", "mallory@example.com")
            }
            (Endpoint::Userinfo, Self::UserinfoArray) => {
                answer.body = Body::Json(json!(["a", "list"]))
            }
            _ => {}
        }
    }

    /// Disturbs an ID token before it is signed.
    pub(crate) fn on_id_token(self, header: &mut Value, claims: &mut Value) {
        match self {
            Self::IdTokenWrongIssuer => claims["iss"] = json!("https://issuer.example"),
            Self::IdTokenWrongAudience => claims["aud"] = json!("another-client"),
            Self::IdTokenExpired => shift(claims, |time| time.saturating_sub(2 * HOUR)),
            Self::IdTokenFromTheFuture => shift(claims, |time| time + HOUR),
            Self::IdTokenWrongNonce => claims["nonce"] = json!("another-nonce"),
            Self::IdTokenWithoutNonce => remove(claims, "nonce"),
            Self::IdTokenWithoutSub => remove(claims, "sub"),
            Self::IdTokenWrongAtHash => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
            Self::IdTokenUnsigned => {
                header["alg"] = json!("none");
                remove(header, "kid");
            }
            Self::IdTokenUnknownKey => header["kid"] = json!("unknown"),
            _ => {}
        }
    }

    /// Disturbs an ID token that is signed.
    pub(crate) fn on_signed_id_token(self, token: String) -> String {
        let (signed, signature) = token.rsplit_once('.').unwrap_or((&token, ""));
        match self {
            Self::IdTokenUnsigned => format!("{signed}."),
            Self::IdTokenBadSignature => {
                let first = if signature.starts_with('A') { 'B' } else { 'A' };
                format!("{signed}.{first}{}", signature.get(1..).unwrap_or(""))
            }
            _ => token,
        }
    }

    /// Disturbs the parameters of a callback.
    pub(crate) fn on_callback(self, params: &mut Vec<(&'static str, String)>) {
        let (name, value) = match self {
            Self::CallbackWrongState => ("state", Some("another-state")),
            Self::CallbackWithoutState => ("state", None),
            Self::CallbackWrongIssuer => ("iss", Some("https://issuer.example")),
            Self::CallbackWithoutIssuer => ("iss", None),
            Self::CallbackWithoutCode => ("code", None),
            _ => return,
        };
        params.retain(|(other, _)| *other != name);
        params.extend(value.map(|value| (name, value.to_owned())));
    }
}

/// Moves `iat` and `exp`, which are all that `exp` checks look at; `auth_time` stays.
fn shift(claims: &mut Value, by: impl Fn(u64) -> u64) {
    for name in ["iat", "exp"] {
        claims[name] = json!(by(claims[name].as_u64().unwrap_or(0)));
    }
}

fn remove(value: &mut Value, name: &str) {
    value
        .as_object_mut()
        .map(|object: &mut Map<_, _>| object.remove(name));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let names: HashSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }

    #[test]
    fn a_bad_signature_differs_and_keeps_its_length() {
        let bad = Fault::IdTokenBadSignature.on_signed_id_token("h.c.signature".to_owned());
        assert_eq!(bad, "h.c.Aignature");
    }
}
