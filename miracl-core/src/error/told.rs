//! Whose fault a failed login is, and what to do about it.
//!
//! Where that cannot be told from here, the advice names both, and what tells them apart.

use crate::error::{
    login::FailureReason,
    party::Party::{self, App, Network, Person, Provider},
    provider::{NO_ACCESS_TOKEN, ProviderError, TlsTrouble},
    token::{IdTokenError, is_shared_key},
};

pub(crate) type Verdict = (Party, &'static str);

pub(crate) fn of(reason: &FailureReason) -> Verdict {
    match reason {
        FailureReason::StateMissing => (
            Person,
            "The callback was opened without a login before it. Nothing to do, unless it happens often: then see whether the provider returns `state`.",
        ),
        FailureReason::StateUnknown => (
            Person,
            "The login began in another browser or on another host name, or its cookie was lost or blocked. If it happens often, compare the address people use with the redirect URI, and see that every replica has the same cookie keys and that the provider returns `state` as it was.",
        ),
        FailureReason::OtherHost { .. } => (
            App,
            "People reach this app by another host name than the redirect URI's. Use one of them everywhere, and have proxies in front pass `Host` on.",
        ),
        FailureReason::LoginExpired => (
            Person,
            "The person took too long. If it happens often, raise `login_timeout`.",
        ),
        FailureReason::LoginReplayed => (
            Person,
            "The callback was opened twice: reloaded, or gone back to. Nothing to do.",
        ),
        FailureReason::DuplicateParameter { .. } | FailureReason::ResponseTooLarge => (
            Person,
            "Somebody changed the callback's address on its way, or made it up. Nothing to do, unless it happens at every login: then the provider sends it so. Report it to the provider.",
        ),
        FailureReason::ParameterTooLong { .. } => (
            Person,
            "Whoever made this link put too much into it. If it is this app's own, or the provider's portal's, shorten what it passes on.",
        ),
        FailureReason::LoginTooLarge { .. } => (
            App,
            "Shorten `home_path`, or `acr_values` where the app asks for a login; or keep sessions in a store, which leaves more room in cookies.",
        ),
        FailureReason::TokenInResponse => (
            Provider,
            "The provider sent tokens where they can be read by others, and nobody asked for them. See that the client is registered for the code flow only.",
        ),
        FailureReason::ResponseIssuer { .. } => (
            Provider,
            "The answer came from another provider than the login went to. If that is not an attack, set `issuer` to what the provider's answers and tokens have as `iss`, and `metadata_url` where its document is found elsewhere.",
        ),
        FailureReason::ResponseIssuerMissing => (
            Provider,
            "The provider's metadata promises `iss` in its answers, but this one has none. Report it to the provider.",
        ),
        FailureReason::Denied { error, .. } => denied(error),
        FailureReason::CodeMissing => (
            Provider,
            "The provider answered with neither a code nor an error. Report it to the provider.",
        ),
        FailureReason::Provider(error) => provider(error),
        FailureReason::IdTokenMissing => (
            Provider,
            "The provider gave an access token alone. See that the client is registered for OpenID Connect there, and not for OAuth 2.0 only.",
        ),
        FailureReason::IdToken(error) => id_token(error),
        FailureReason::UserinfoToken(error) => userinfo_token(error),
        FailureReason::UserinfoSubject => (
            Provider,
            "The userinfo is about somebody else than the ID token, or does not say about whom. Report it to the provider at once.",
        ),
        FailureReason::SessionTooLarge(_) => (
            App,
            "Ask for fewer scopes, or have the provider issue smaller tokens.",
        ),
        FailureReason::InitiationIssuer { .. } | FailureReason::InitiationTarget => (
            Person,
            "Whoever made this link means another app, or no good. If it is the provider's own portal, compare the issuer and the address that it has of this app.",
        ),
        FailureReason::LoggedOut => (
            Person,
            "The person, or the provider for them, logged out in the very moment of this login. Nothing to do: the next login counts. If it happens at every login, see what sends log-outs to this app.",
        ),
        FailureReason::LoginLoop => (
            App,
            "The session's cookies are set and do not come back, or are not understood. See that every replica has the same cookie keys, that no proxy in front drops or shortens `Cookie` and `Set-Cookie`, and that the clocks agree.",
        ),
        FailureReason::Session(_) => (App, "See the error before this one in the log."),
    }
}

/// The provider ended the login itself, with this `error`.
fn denied(error: &str) -> Verdict {
    match error {
        "access_denied" => (
            Person,
            "The person cancelled, or the provider does not let them in here. Nothing to do.",
        ),
        "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => (
            Person,
            "The provider would have had to ask the person something. If the login forbade it (`prompt=none`), begin one that does not; if not, report it to the provider.",
        ),
        "unmet_authentication_requirements" => (
            Person,
            "The person could not prove who they are as strongly as `acr_values` asks for. Nothing to do.",
        ),
        "server_error" | "temporarily_unavailable" => (
            Provider,
            "The provider is ill. Try again later, and report it if it stays.",
        ),
        _ => (
            App,
            "The provider does not accept what this app asks for. Compare scopes, redirect URI and options with the app's registration.",
        ),
    }
}

fn provider(error: &ProviderError) -> Verdict {
    match error {
        ProviderError::Unreachable { .. } => match error.tls_trouble() {
            Some(trouble) => tls(trouble),
            None => (
                Network,
                "See whether the provider is up, and whether this machine reaches it: name resolution, firewall, proxy.",
            ),
        },
        ProviderError::Timeout { .. } => (
            Network,
            "The provider is slow, or the way to it. If it stays, raise `request_timeout`.",
        ),
        ProviderError::Refused {
            endpoint,
            status,
            error,
            ..
        } => refused(endpoint, *status, error),
        ProviderError::Status { endpoint, status } => refused(endpoint, *status, ""),
        ProviderError::Malformed {
            endpoint: "token_endpoint",
            detail,
        } if detail == NO_ACCESS_TOKEN => (
            App,
            "The provider gave no access token. Azure AD B2C gives one only if the app's own client id is among the `scopes` (SCOPES): add it there. Any other provider must always give one: report it to the provider.",
        ),
        ProviderError::Malformed { .. } => (
            Provider,
            "The answer breaks the specification, or is not the provider's: see what answers at that address. Report it to the provider if it is theirs.",
        ),
        ProviderError::TooLarge { .. } => (
            Provider,
            "No provider needs to say that much: see what answers at that address. Report it to the provider if it is theirs.",
        ),
        ProviderError::Redirect { .. } => (
            Provider,
            "The provider sends requests elsewhere, and is not followed there, since that could give a secret away. If it has moved, correct `issuer` (ISSUER), or set `metadata_url` (METADATA_URL) to where its document is now; if not, report it to the provider.",
        ),
        ProviderError::IssuerMismatch { .. } => (
            App,
            "If that is the provider you mean, set `issuer` (ISSUER) to what its tokens have as `iss`, usually the value that its document has. Where no document is found there, set `metadata_url` (METADATA_URL) to the document's address besides.",
        ),
        ProviderError::Insecure { .. } => (
            Provider,
            "The provider's metadata names an address without encryption, which is not used. Report it to the provider. In a network that is yours alone, `danger_allow_http` (DANGER_ALLOW_HTTP) allows it, and gives up every promise on the way.",
        ),
        ProviderError::NoAuthMethod { .. } => (
            App,
            "Register the client for a method that is supported, and set `token_endpoint_auth_method`.",
        ),
        ProviderError::UserinfoForm { is_jwt: true } => (
            App,
            "The provider signs this client's userinfo: set `userinfo_signed_response_alg` to what the client is registered for. If that is nothing, report it to the provider.",
        ),
        ProviderError::UserinfoForm { is_jwt: false } => (
            App,
            "The provider does not sign this client's userinfo: register the client for it, or leave `userinfo_signed_response_alg` out. If it is registered, report it to the provider.",
        ),
        ProviderError::Credentials { .. } => (App, "See to the app's source of credentials."),
    }
}

/// What stands in the way of an encrypted connection.
fn tls(trouble: TlsTrouble) -> Verdict {
    match trouble {
        TlsTrouble::AuthorityAsServer => (
            Provider,
            "The server shows the certificate of an authority (CA:TRUE), as one does that was made by `openssl req -x509`. Make one for the server, with CA:FALSE and its host name, and sign it with that authority. `ca_certs` (CA_CERT) is for the authority's.",
        ),
        TlsTrouble::UnknownIssuer => (
            App,
            "If the provider has an authority of its own, set `ca_certs` (CA_CERT) to a PEM file with its certificate. If not, install the system's (`ca-certificates`), see that the provider sends its whole chain, and that no proxy on the way puts its own in place.",
        ),
        TlsTrouble::Expired | TlsTrouble::NotValidYet => (
            Provider,
            "The provider's certificate is out of its time, or this machine's clock is wrong. Compare the clock; if it is right, report it to the provider.",
        ),
        TlsTrouble::OtherName => (
            App,
            "The certificate does not have the host name by which this app asks. Use the name that it has in `issuer` (ISSUER) or `metadata_url` (METADATA_URL), or have the certificate made for this one.",
        ),
        TlsTrouble::Revoked | TlsTrouble::OtherCertificate => (
            Provider,
            "The provider's certificate cannot be trusted. Report it to the provider; behind a proxy that decrypts, set `ca_certs` (CA_CERT) to the proxy's authority.",
        ),
        TlsTrouble::NoTls => (
            App,
            "What answers at that address and port does not speak TLS: see that `issuer` (ISSUER) has the right port, and no proxy is in the way.",
        ),
        TlsTrouble::Refused => (
            Provider,
            "The two have no version of TLS in common: here there are 1.2 and 1.3. Or the provider wants a client certificate, which is not supported here.",
        ),
    }
}

/// An answer with a status that is no success, and with an `error` where it had one.
fn refused(endpoint: &str, status: u16, error: &str) -> Verdict {
    match (endpoint, status, error) {
        (_, 407, _) => (
            Network,
            "A proxy on the way wants to know who asks: see `proxy`.",
        ),
        (_, 429, _) => (
            Provider,
            "The provider gets more requests than it allows. Try again later; if it stays, ask the provider for more.",
        ),
        (_, 500.., _) => (
            Provider,
            "The provider is ill. Try again later, and report it if it stays.",
        ),
        ("token_endpoint", _, "invalid_client" | "unauthorized_client")
        | ("token_endpoint", 401, _) => (
            App,
            "The provider does not accept this client: compare client id, secret and `token_endpoint_auth_method` with the app's registration, and see whether the secret has expired. What the provider says stands beside this in the log.",
        ),
        ("token_endpoint", _, "invalid_grant") => (
            Provider,
            "The provider does not accept the code it gave. It may have expired; if it happens always, compare the redirect URI with the app's registration.",
        ),
        (_, _, "server_error" | "temporarily_unavailable") => (
            Provider,
            "The provider is ill. Try again later, and report it if it stays.",
        ),
        ("token_endpoint", _, _) if status >= 400 || !error.is_empty() => (
            App,
            "The provider does not accept the token request. Its error code says why; compare grant types, redirect URI and `pkce` with the app's registration.",
        ),
        ("userinfo_endpoint", 401 | 403, _) | ("userinfo_endpoint", _, "invalid_token") => (
            Provider,
            "The provider does not accept the access token that it gave a moment ago. ADFS and Entra do so where the token is for another API: if the ID token has what you need, set `userinfo_requests` (USERINFO_REQUESTS) to `never`. If not, compare the scopes with the app's registration; if they are right, report it to the provider.",
        ),
        ("discovery document" | "jwks_uri", 401 | 403 | 451, _) => (
            Network,
            "This document is public, and yet it is not given to this machine: a firewall, a proxy or the provider's own list of addresses is in the way. Ask for it from this machine by hand, and have its address let through.",
        ),
        ("discovery document", 404 | 410, _) => (
            App,
            "There is no document at this address: see that `issuer` (ISSUER) is right. If it is, and the provider's document is found elsewhere, set `metadata_url` (METADATA_URL) to its address.",
        ),
        (_, 404 | 410, _) => (
            App,
            "The provider does not know this address: see that `issuer` is right. If it is, report it to the provider.",
        ),
        (_, _, _) if status >= 400 || !error.is_empty() => (
            Provider,
            "The provider does not give what was asked for. Its error code, where it has one, says why; if it stays, report it to the provider.",
        ),
        _ => (
            Provider,
            "The answer breaks the specification, or is not the provider's: see what answers at that address. Report it to the provider if it is theirs.",
        ),
    }
}

fn id_token(error: &IdTokenError) -> Verdict {
    use IdTokenError::{
        AccessTokenHash, Acr, Algorithm, Audience, AuthTime, AuthorizedParty, Issuer, Nonce,
        UntrustedAudience,
    };
    match error {
        Algorithm { found, .. } if is_shared_key(found) => (
            App,
            "A shared-key signature is not accepted here, since whoever can check it can make it. Register the client for one of the expected algorithms.",
        ),
        Algorithm { found, .. } if !is_none(found) => (
            App,
            "Register the client for one of the expected algorithms. `id_token_signed_response_alg` is to be the registered one; if it is already, report it to the provider.",
        ),
        UntrustedAudience { .. } => (
            App,
            "If this audience is right, add it to `trusted_audiences`; if not, report it to the provider.",
        ),
        Issuer { .. } => (
            Provider,
            "The provider's tokens name another issuer than its metadata. If it is the provider's all the same, set `issuer` (ISSUER) to the one in the tokens, and `metadata_url` (METADATA_URL) to the address of the metadata. If not, report it to the provider.",
        ),
        Audience { .. } | AuthorizedParty { .. } => (
            Provider,
            "The token was made for another client. See that `client_id` is this app's own; if it is, report it to the provider.",
        ),
        AuthTime { .. } | Acr { .. } => (
            Person,
            "The person has not proved who they are as recently or as strongly as asked for. Ask them to log in again; if nobody can, see whether the provider supports what is asked for.",
        ),
        Nonce | AccessTokenHash => (
            Provider,
            "The token was not made for this login. If it happens more than once, take it for an attack.",
        ),
        error => token(error).unwrap_or((
            Provider,
            "The ID token breaks the specification, or needs what is not supported here. Report it to the provider.",
        )),
    }
}

fn userinfo_token(error: &IdTokenError) -> Verdict {
    match error {
        IdTokenError::Algorithm { found, .. } if is_shared_key(found) => (
            App,
            "A shared-key signature is not accepted here, since whoever can check it can make it. Register the client for another algorithm, and set `userinfo_signed_response_alg` to it.",
        ),
        IdTokenError::Algorithm { found, .. } if !is_none(found) => (
            App,
            "`userinfo_signed_response_alg` is to be what the client is registered for; if it is already, report it to the provider.",
        ),
        error => token(error).unwrap_or((
            Provider,
            "The signed userinfo breaks the specification, or is for another client or of another issuer. Report it to the provider.",
        )),
    }
}

/// What holds for any token.
fn token(error: &IdTokenError) -> Option<Verdict> {
    use IdTokenError::{
        Algorithm, Expired, IssuedTooLongAgo, KeyOfOtherIssuer, NotYetValid, Signature, UnknownKey,
        UnreadableKey, WeakKey,
    };
    Some(match error {
        Algorithm { .. } => (
            Provider,
            "The token is not signed, so anybody could have made it. Report it to the provider at once.",
        ),
        Expired { .. } | NotYetValid { .. } | IssuedTooLongAgo { .. } => (
            Provider,
            "The provider sent an old token, or one of the two clocks is wrong: compare this machine's with the provider's.",
        ),
        UnknownKey { .. } => (
            Provider,
            "The provider signs with a key that it does not publish under that name and for that algorithm. Report it to the provider.",
        ),
        UnreadableKey { .. } => (
            Provider,
            "The provider publishes a key that is none, so nobody can tell whether it signed the token. Report it to the provider.",
        ),
        KeyOfOtherIssuer => (
            Provider,
            "The provider publishes the key that it signs with for another issuer or tenant. Report it to the provider at once.",
        ),
        WeakKey => (
            Provider,
            "The provider must use RSA keys of 2048 bits or more.",
        ),
        Signature => (
            Provider,
            "The token is signed with another key than the one the provider publishes under that name. If it happens more than once, report it to the provider, and take it for an attack.",
        ),
        _ => return None,
    })
}

/// Whether a token says of itself that it is not signed (RFC 7518 §3.6).
fn is_none(algorithm: &str) -> bool {
    algorithm.eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_the_apps_fault_where_its_registration_decides_and_else_the_providers() {
        for (endpoint, status, error, party, word) in [
            ("token_endpoint", 401, "", App, "secret"),
            ("token_endpoint", 400, "unauthorized_client", App, "secret"),
            ("token_endpoint", 400, "invalid_grant", Provider, "code"),
            ("token_endpoint", 400, "invalid_request", App, "grant types"),
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
            let (found, advice) = refused(endpoint, status, error);
            assert_eq!(found, party, "{endpoint} {status} {error}");
            assert!(
                advice.contains(word),
                "{endpoint} {status} {error}: {advice}"
            );
        }
    }

    #[test]
    fn what_the_provider_says_itself_is_put_down_to_whom_it_concerns() {
        for (error, party) in [
            ("access_denied", Person),
            ("interaction_required", Person),
            ("unmet_authentication_requirements", Person),
            ("temporarily_unavailable", Provider),
            ("invalid_scope", App),
        ] {
            assert_eq!(denied(error).0, party, "{error}");
        }
    }
}
