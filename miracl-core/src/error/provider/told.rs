//! What is told about a request to the provider that failed.

use std::{borrow::Cow, error::Error, fmt};

use crate::{
    base::text::{printable, shown},
    error::{
        party::Party::{App, AppOrProvider, Network, Provider},
        provider::{NO_ACCESS_TOKEN, ProviderError},
        told::{Blame, Details, ILL, NOT_COMPLETED, NOT_REACHED, Told, blame},
    },
};

/// What to do about an answer that no provider should give.
const UNUSABLE: Blame = blame(
    Provider,
    "The answer breaks the specification, or is not the provider's: see what answers at that \
     address. Report it to the provider if it is theirs.",
);

impl ProviderError {
    /// Returns everything that is told about this error when it ends a login.
    pub(in crate::error) fn told(&self) -> Told {
        match self {
            Self::Unreachable { endpoint, source } => {
                let text = format!("the provider's {endpoint} cannot be reached");
                let (text, blame, details) = match self.tls_trouble() {
                    Some(trouble) => {
                        let (what, blame) = trouble.told();
                        let details = Details::new("a secure connection", what);
                        (format!("{text}: {what}"), blame, details)
                    }
                    None => (
                        text,
                        blame(
                            Network,
                            "See whether the provider is up, and whether this machine reaches it: \
                             name resolution, firewall, proxy.",
                        ),
                        Details::new(
                            "an answer",
                            if was_connected(source.as_ref()) {
                                "a connection that broke"
                            } else {
                                "no connection"
                            },
                        ),
                    ),
                };
                failed(503, text, blame, details)
            }
            Self::Timeout { endpoint } => failed(
                504,
                format!("the provider's {endpoint} did not answer in time"),
                blame(
                    Network,
                    "The provider is slow, or the way to it. If it stays, raise `request_timeout`.",
                ),
                Details::new("an answer in time", "none"),
            ),
            Self::Status { endpoint, status } => failed(
                if judges_login(endpoint) && (400..500).contains(status) && *status != 429 {
                    403
                } else {
                    502
                },
                format!("the provider's {endpoint} answered with status {status}"),
                refused(endpoint, *status, ""),
                Details::new("status 200", format!("status {status}")),
            ),
            Self::Refused {
                endpoint,
                status,
                error,
                ..
            } => failed(
                match status {
                    _ if self.is_illness() => 503,
                    429 => 502,
                    _ if judges_login(endpoint) => 403,
                    _ => 502,
                },
                format!("the provider's {endpoint} refused with `{error}` (status {status})"),
                refused(endpoint, *status, error),
                match status {
                    200..=299 => Details::new("no error", format!("error {}", shown(error))),
                    _ => Details::new(
                        "status 200",
                        format!("status {status}, error {}", shown(error)),
                    ),
                },
            ),
            Self::Malformed { endpoint, detail } => failed(
                502,
                format!("the provider's {endpoint} gave an unusable answer: {detail}"),
                match *endpoint {
                    "token_endpoint" if detail == NO_ACCESS_TOKEN => blame(
                        App,
                        "The provider gave no access token. Azure AD B2C gives one only if the \
                         app's own client id is among the `scopes` (SCOPES): add it there. Any \
                         other provider must always give one: report it to the provider.",
                    ),
                    _ => UNUSABLE,
                },
                Details::new("a usable answer", printable(detail, 200)),
            ),
            Self::TooLarge { endpoint } => failed(
                502,
                format!("the provider's {endpoint} answered with more than 1 MiB"),
                blame(
                    Provider,
                    "No provider needs to say that much: see what answers at that address. Report \
                     it to the provider if it is theirs.",
                ),
                Details::new("at most 1 MiB", "more"),
            ),
            Self::Redirect { endpoint } => failed(
                502,
                format!(
                    "the provider's {endpoint} answered with a redirect, which is not followed"
                ),
                blame(
                    Provider,
                    "The provider sends requests elsewhere, and is not followed there, since that \
                     could give a secret away. If it has moved, correct `issuer` (ISSUER), or set \
                     `metadata_url` (METADATA_URL) to where its document is now; if not, report it \
                     to the provider.",
                ),
                Details::new("status 200", "a redirect"),
            ),
            Self::IssuerMismatch { configured, found } => failed(
                502,
                format!(
                    "the discovery document of `{configured}` is that of another issuer, \
                     `{found}`: set `issuer` to the value that the provider's tokens have as \
                     `iss`, and if no document is found there, `metadata_url` to the address of \
                     this one"
                ),
                blame(
                    App,
                    "If that is the provider you mean, set `issuer` (ISSUER) to what its tokens \
                     have as `iss`, usually the value that its document has. Where no document is \
                     found there, set `metadata_url` (METADATA_URL) to the document's address \
                     besides.",
                ),
                Details::new(shown(configured), shown(found)),
            ),
            Self::Insecure { endpoint } => failed(
                502,
                format!(
                    "the provider's {endpoint} is not https, as it must be unless the provider \
                     itself is on loopback"
                ),
                blame(
                    Provider,
                    "The provider's metadata names an address without encryption, which is not \
                     used. Report it to the provider. In a network that is yours alone, \
                     `danger_allow_http` (DANGER_ALLOW_HTTP) allows it, and gives up every promise \
                     on the way.",
                ),
                Details::new(format!("`{endpoint}` with https"), "none"),
            ),
            Self::NoAuthMethod { offered } => failed(
                502,
                format!(
                    "the provider offers no way of client authentication that is supported here \
                     (it offers {offered:?}): set `token_endpoint_auth_method`"
                ),
                blame(
                    App,
                    "Register the client for a method that is supported, and set \
                     `token_endpoint_auth_method`.",
                ),
                Details::new(
                    "client_secret_basic or client_secret_post",
                    shown(&offered.join(", ")),
                ),
            ),
            Self::UserinfoForm { is_jwt: true } => failed(
                502,
                "the provider's userinfo_endpoint answered with a JWT: set \
                 `userinfo_signed_response_alg` if the client is registered for one",
                blame(
                    App,
                    "The provider signs this client's userinfo: set `userinfo_signed_response_alg` \
                     to what the client is registered for. If that is nothing, report it to the \
                     provider.",
                ),
                Details::new("JSON", "a JWT"),
            ),
            Self::UserinfoForm { is_jwt: false } => failed(
                502,
                "the provider's userinfo_endpoint answered with no JWT, although \
                 `userinfo_signed_response_alg` is set",
                blame(
                    App,
                    "The provider does not sign this client's userinfo: register the client for \
                     it, or leave `userinfo_signed_response_alg` out. If it is registered, report \
                     it to the provider.",
                ),
                Details::new("a JWT", "none"),
            ),
            Self::Credentials { .. } => failed(
                503,
                "the client's credentials could not be had",
                blame(App, "See to the app's source of credentials."),
                Details::new("a client id and secret", "none"),
            ),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().text)
    }
}

/// Tells of a login that this status ends. The sentence for the person follows from the status.
fn failed(status: u16, text: impl Into<Cow<'static, str>>, blame: Blame, details: Details) -> Told {
    Told {
        status,
        message: if status >= 500 {
            NOT_REACHED
        } else {
            NOT_COMPLETED
        },
        text: text.into(),
        blame,
        details,
    }
}

/// Whether an endpoint's refusal judges the login. Any other document that cannot be read is the provider's own
/// trouble.
fn judges_login(endpoint: &str) -> bool {
    matches!(endpoint, "token_endpoint" | "userinfo_endpoint")
}

/// Whether the HTTP client had a connection before the request failed.
fn was_connected(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<reqwest::Error>();
    error.is_some_and(|error| !error.is_connect())
}

/// Returns whose fault it is that an endpoint answered with this status, and with this `error` code where it had one.
fn refused(endpoint: &str, status: u16, error: &str) -> Blame {
    match (endpoint, status, error) {
        (_, 407, _) => blame(
            Network,
            "A proxy on the way wants to know who asks: see `proxy`.",
        ),
        (_, 429, _) => blame(
            Provider,
            "The provider gets more requests than it allows. Try again later; if it stays, ask the \
             provider for more.",
        ),
        (_, 500.., _) => ILL,
        ("token_endpoint", _, "invalid_client" | "unauthorized_client")
        | ("token_endpoint", 401, _) => blame(
            App,
            "The provider does not accept this client: compare client id, secret and \
             `token_endpoint_auth_method` with the app's registration, at every replica, and see \
             whether the secret has expired. What the provider says stands beside this in the log.",
        ),
        ("token_endpoint", _, "invalid_grant") => blame(
            AppOrProvider,
            "The provider does not accept the code it gave. If it happens often: compare the \
             redirect URI with the app's registration, and give every replica the same \
             `redirect_uri`, `client_id` and `marks_store`. If not, the code has expired, or was \
             used before.",
        ),
        ("token_endpoint", _, "invalid_request") => blame(
            AppOrProvider,
            "The provider does not accept the token request. Compare grant types, redirect URI and \
             `pkce` with the app's registration. If this line stands alone, somebody may have made \
             the code up.",
        ),
        (_, _, "server_error" | "temporarily_unavailable") => ILL,
        ("token_endpoint", _, _) if status >= 400 || !error.is_empty() => blame(
            App,
            "The provider does not accept the token request. Its error code says why; compare \
             grant types, redirect URI and `pkce` with the app's registration.",
        ),
        ("userinfo_endpoint", 401 | 403, _) | ("userinfo_endpoint", _, "invalid_token") => blame(
            Provider,
            "The provider does not accept the access token that it gave a moment ago. ADFS and \
             Entra do so where the token is for another API: if the ID token has what you need, \
             set `userinfo_requests` (USERINFO_REQUESTS) to `never`. If not, compare the scopes \
             with the app's registration; if they are right, report it to the provider.",
        ),
        ("discovery document" | "jwks_uri", 401 | 403 | 451, _) => blame(
            Network,
            "This document is public, and yet it is not given to this machine: a firewall, a proxy \
             or the provider's own list of addresses is in the way. Ask for it from this machine \
             by hand, and have its address let through.",
        ),
        ("discovery document", 404 | 410, _) => blame(
            App,
            "There is no document at this address: see that `issuer` (ISSUER) is right. If it is, \
             and the provider's document is found elsewhere, set `metadata_url` (METADATA_URL) to \
             its address.",
        ),
        (_, 404 | 410, _) => blame(
            App,
            "The provider does not know this address: see that `issuer` is right. If it is, report \
             it to the provider.",
        ),
        (_, _, _) if status >= 400 || !error.is_empty() => blame(
            Provider,
            "The provider does not give what was asked for. Its error code, where it has one, says \
             why; if it stays, report it to the provider.",
        ),
        _ => UNUSABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_the_apps_fault_where_its_registration_decides_and_else_the_providers() {
        for (endpoint, status, error, party, word) in [
            ("token_endpoint", 401, "", App, "secret"),
            ("token_endpoint", 400, "unauthorized_client", App, "secret"),
            (
                "token_endpoint",
                400,
                "invalid_grant",
                AppOrProvider,
                "code",
            ),
            (
                "token_endpoint",
                400,
                "invalid_request",
                AppOrProvider,
                "grant types",
            ),
            ("token_endpoint", 503, "invalid_client", Provider, "ill"),
            ("token_endpoint", 429, "", Provider, "allows"),
            (
                "userinfo_endpoint",
                403,
                "insufficient_scope",
                Provider,
                "scopes",
            ),
            ("userinfo_endpoint", 404, "", App, "address"),
            ("discovery document", 404, "", App, "`issuer`"),
            ("discovery document", 404, "", App, "METADATA_URL"),
            ("discovery document", 403, "", Network, "firewall"),
            ("discovery document", 401, "forbidden", Network, "firewall"),
            ("jwks_uri", 403, "", Network, "firewall"),
            ("jwks_uri", 404, "", App, "address"),
            ("token_endpoint", 407, "", Network, "proxy"),
            ("userinfo_endpoint", 401, "", Provider, "USERINFO_REQUESTS"),
            ("userinfo_endpoint", 200, "invalid_token", Provider, "never"),
            ("token_endpoint", 200, "invalid_client", App, "expired"),
            ("token_endpoint", 200, "unknown", App, "grant types"),
            ("token_endpoint", 200, "server_error", Provider, "ill"),
            ("discovery document", 200, "unknown", Provider, "error code"),
            ("jwks_uri", 204, "", Provider, "breaks"),
        ] {
            let blame = refused(endpoint, status, error);
            assert_eq!(blame.party, party, "{endpoint} {status} {error}");
            assert!(
                blame.advice.contains(word),
                "{endpoint} {status} {error}: {}",
                blame.advice
            );
        }
    }
}
