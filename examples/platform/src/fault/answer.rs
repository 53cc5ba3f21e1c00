//! Answers that are broken as a whole, and answers with one wrong member.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Fault, Faults, HUGE};
use crate::answer::{Answer, Body, Endpoint};

/// How late a slow answer is.
pub const SLOW: Duration = Duration::from_millis(1500);

/// Where a redirect leads: below this path every endpoint answers once more.
pub(crate) const ELSEWHERE: &str = "/elsewhere";

/// What can be wrong with any answer.
#[derive(Debug, Clone, Copy)]
enum Illness {
    ServerError,
    NotJson,
    Array,
    EmptyObject,
    NoContent,
    Huge,
    Hangs,
    Slow,
    Refused,
    Redirects,
}

impl Faults {
    /// Changes the answer of an endpoint to a request for `path`.
    pub(crate) fn on_answer(&self, endpoint: Endpoint, path: &str, answer: &mut Answer) {
        for fault in self.active.iter().copied() {
            change_member(fault, endpoint, answer);
            if fault == Fault::TokenCreated
                && Endpoint::Token.is(endpoint)
                && answer.status == StatusCode::OK
            {
                answer.status = StatusCode::CREATED;
            }
            refuse(fault, endpoint, answer);
            if let Some((place, illness)) = illness(fault)
                && place.is(endpoint)
            {
                fall_ill(illness, path, answer);
            }
        }
    }

    /// Whether an endpoint redirects a request for `path`, so that there is nothing else to answer.
    pub(crate) fn redirects(&self, endpoint: Endpoint, path: &str) -> bool {
        let redirects = |fault: &Fault| {
            illness(*fault).is_some_and(|(place, illness)| {
                place.is(endpoint) && matches!(illness, Illness::Redirects)
            })
        };
        !path.starts_with(ELSEWHERE) && self.active.iter().any(redirects)
    }

    /// Whether a refresh uses up its refresh token. An answer that does not arrive must not cost an app its
    /// session.
    pub(crate) fn rotates_refresh_tokens(&self) -> bool {
        let fails = |fault: &Fault| {
            illness(*fault).is_some_and(|(place, illness)| {
                // A late answer does arrive, and so does one from elsewhere.
                place.is(Endpoint::Refresh)
                    && !matches!(illness, Illness::Slow | Illness::Redirects)
            })
        };
        !self.has_any(&[
            Fault::RefreshWithoutRotation,
            Fault::RefreshInvalidGrant,
            Fault::RefreshInvalidGrantWithOk,
            Fault::TokenErrorWithOk,
            Fault::TokenInvalidGrant,
            Fault::TokenInvalidClient,
        ]) && !self.active.iter().any(fails)
    }
}

/// Returns the endpoint whose answers a fault breaks, and how.
fn illness(fault: Fault) -> Option<(Endpoint, Illness)> {
    use Endpoint::{Certs, Discovery, Refresh, Token, Userinfo};

    Some(match fault {
        Fault::DiscoveryServerError => (Discovery, Illness::ServerError),
        Fault::DiscoveryNotJson => (Discovery, Illness::NotJson),
        Fault::DiscoveryArray => (Discovery, Illness::Array),
        Fault::DiscoveryNoContent => (Discovery, Illness::NoContent),
        Fault::DiscoveryHuge => (Discovery, Illness::Huge),
        Fault::DiscoveryHangs => (Discovery, Illness::Hangs),
        Fault::DiscoverySlow => (Discovery, Illness::Slow),
        Fault::DiscoveryRefused => (Discovery, Illness::Refused),
        Fault::DiscoveryRedirects => (Discovery, Illness::Redirects),

        Fault::TokenServerError => (Token, Illness::ServerError),
        Fault::TokenNotJson => (Token, Illness::NotJson),
        Fault::TokenArray => (Token, Illness::Array),
        Fault::TokenNoContent => (Token, Illness::NoContent),
        Fault::TokenHuge => (Token, Illness::Huge),
        Fault::TokenHangs => (Token, Illness::Hangs),
        Fault::TokenSlow => (Token, Illness::Slow),
        Fault::TokenRefused => (Token, Illness::Refused),
        Fault::TokenRedirects => (Token, Illness::Redirects),

        Fault::CertsServerError => (Certs, Illness::ServerError),
        Fault::CertsNotJson => (Certs, Illness::NotJson),
        Fault::CertsNoContent => (Certs, Illness::NoContent),
        Fault::CertsHuge => (Certs, Illness::Huge),
        Fault::CertsHangs => (Certs, Illness::Hangs),
        Fault::CertsRefused => (Certs, Illness::Refused),
        Fault::CertsRedirects => (Certs, Illness::Redirects),

        Fault::UserinfoServerError => (Userinfo, Illness::ServerError),
        Fault::UserinfoNotJson => (Userinfo, Illness::NotJson),
        Fault::UserinfoArray => (Userinfo, Illness::Array),
        Fault::UserinfoEmptyObject => (Userinfo, Illness::EmptyObject),
        Fault::UserinfoNoContent => (Userinfo, Illness::NoContent),
        Fault::UserinfoHuge => (Userinfo, Illness::Huge),
        Fault::UserinfoHangs => (Userinfo, Illness::Hangs),
        Fault::UserinfoSlow => (Userinfo, Illness::Slow),
        Fault::UserinfoRefused => (Userinfo, Illness::Refused),
        Fault::UserinfoRedirects => (Userinfo, Illness::Redirects),

        Fault::RefreshServerError => (Refresh, Illness::ServerError),
        _ => return None,
    })
}

fn fall_ill(illness: Illness, path: &str, answer: &mut Answer) {
    match illness {
        Illness::ServerError => {
            *answer = Answer::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "something broke, on purpose",
            );
        }
        Illness::NotJson => {
            *answer = Answer::text(StatusCode::OK, "<!doctype html><title>Welcome</title>");
        }
        Illness::Array => answer.body = Body::Json(json!(["a", "list"])),
        Illness::EmptyObject => answer.body = Body::Json(Value::Object(Map::new())),
        Illness::NoContent => {
            answer.status = StatusCode::NO_CONTENT;
            answer.body = Body::Nothing;
        }
        Illness::Huge => answer.padding = HUGE,
        Illness::Hangs => answer.body = Body::Never,
        Illness::Slow => answer.delay = SLOW,
        Illness::Refused => answer.body = Body::Broken,
        // The answers elsewhere are honest: a client that follows a redirect gets the truth.
        Illness::Redirects if path.starts_with(ELSEWHERE) => {}
        Illness::Redirects => {
            let repeats = path.ends_with("/token") || path.ends_with("/userinfo");
            *answer = Answer::text(
                if repeats {
                    StatusCode::TEMPORARY_REDIRECT
                } else {
                    StatusCode::FOUND
                },
                "",
            );
            if let Ok(location) = HeaderValue::try_from(format!("{ELSEWHERE}{path}")) {
                answer.headers.push((header::LOCATION, location));
            }
        }
    }
}

/// Answers with an error of OAuth instead.
fn refuse(fault: Fault, endpoint: Endpoint, answer: &mut Answer) {
    let (place, status, error) = match fault {
        Fault::TokenInvalidGrant => (Endpoint::Token, StatusCode::BAD_REQUEST, "invalid_grant"),
        Fault::RefreshInvalidGrant => (Endpoint::Refresh, StatusCode::BAD_REQUEST, "invalid_grant"),
        Fault::RefreshInvalidGrantWithOk => (Endpoint::Refresh, StatusCode::OK, "invalid_grant"),
        Fault::TokenInvalidClient => (Endpoint::Token, StatusCode::UNAUTHORIZED, "invalid_client"),
        Fault::TokenErrorWithOk => (
            Endpoint::Token,
            StatusCode::OK,
            "incorrect_client_credentials",
        ),
        Fault::DiscoveryErrorWithOk => (Endpoint::Discovery, StatusCode::OK, "not_found"),
        Fault::CertsErrorWithOk => (Endpoint::Certs, StatusCode::OK, "not_found"),
        Fault::UserinfoErrorWithOk => (Endpoint::Userinfo, StatusCode::OK, "invalid_token"),
        Fault::UserinfoUnauthorizedJson => (
            Endpoint::Userinfo,
            StatusCode::UNAUTHORIZED,
            "invalid_token",
        ),
        Fault::UserinfoUnauthorizedEmpty if endpoint == Endpoint::Userinfo => {
            *answer = Answer::text(StatusCode::UNAUTHORIZED, "");
            return;
        }
        _ => return,
    };
    if place.is(endpoint) {
        *answer = Answer::error(status, error, "refused on purpose");
    }
}

/// Changes one member of an answer in JSON.
fn change_member(fault: Fault, endpoint: Endpoint, answer: &mut Answer) {
    use Endpoint::{Discovery, Refresh, Token};

    let text = |text: &str| Some(json!(text));
    let (place, name, value) = match fault {
        Fault::DiscoveryWrongIssuer => (Discovery, "issuer", text(super::OTHER_ISSUER)),
        Fault::DiscoveryHttpEndpoint => (
            Discovery,
            "token_endpoint",
            text("http://issuer.example/token"),
        ),
        Fault::DiscoveryWithoutTokenEndpoint => (Discovery, "token_endpoint", None),
        Fault::DiscoveryWithoutJwksUri => (Discovery, "jwks_uri", None),
        Fault::DiscoveryAlgorithmsNull => (
            Discovery,
            "id_token_signing_alg_values_supported",
            Some(Value::Null),
        ),
        Fault::DiscoveryIssText => (
            Discovery,
            "authorization_response_iss_parameter_supported",
            text("true"),
        ),
        Fault::DiscoveryRelativeLogout => (Discovery, "end_session_endpoint", text("/oidc/logout")),
        Fault::TokenWithoutAccessToken => (Token, "access_token", None),
        Fault::TokenScopeArray => (Token, "scope", Some(json!(["openid", "email"]))),
        Fault::TokenWithoutIdToken => (Token, "id_token", None),
        Fault::TokenWithoutExpiresIn => (Token, "expires_in", None),
        Fault::TokenExpiresAtOnce => (Token, "expires_in", Some(json!(0))),
        Fault::TokenOddTokenType => (Token, "token_type", text("bEARER")),
        Fault::TokenWrongTokenType => (Token, "token_type", text("mac")),
        Fault::TokenWithoutTokenType => (Token, "token_type", None),
        Fault::RefreshWithoutIdToken => (Refresh, "id_token", None),
        _ => return,
    };
    // An error stays as it is.
    if place.is(endpoint) && answer.status.is_success() {
        match value {
            Some(value) => answer.set(name, value),
            None => answer.unset(name),
        }
    }
}
