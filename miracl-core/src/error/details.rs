//! What was expected and what was found, for the check that failed.

use ring::digest;

use crate::{
    base::{hex::hex, text::printable},
    error::{login::FailureReason, provider::ProviderError, token::IdTokenError},
};

/// Expected and found, where they can be told.
pub(crate) type Details = (Option<String>, Option<String>);

/// The longest value that is shown as it is.
const MAX_SHOWN: usize = 120;

/// Names a value that must not stand in a receipt itself.
fn hashed(value: &str) -> String {
    let hash = digest::digest(&digest::SHA256, value.as_bytes());
    format!("sha256:{}", hex(&hash.as_ref()[..4]))
}

/// A value as a receipt shows it: short ones as they are, long ones hashed.
fn shown(value: &str) -> String {
    match value.len() {
        0 => "none".to_owned(),
        1..=MAX_SHOWN => format!("`{value}`"),
        _ => hashed(value),
    }
}

fn shown_or_none(value: Option<&str>) -> String {
    shown(value.unwrap_or_default())
}

fn both(expected: impl Into<String>, found: impl Into<String>) -> Details {
    (Some(expected.into()), Some(found.into()))
}

pub(crate) fn of(reason: &FailureReason) -> Details {
    use FailureReason::{
        CodeMissing, Denied, DuplicateParameter, IdToken, IdTokenMissing, InitiationIssuer,
        InitiationTarget, LoggedOut, LoginExpired, LoginLoop, LoginReplayed, LoginTooLarge,
        OtherHost, ParameterTooLong, Provider, ResponseIssuer, ResponseIssuerMissing,
        ResponseTooLarge, Session, SessionTooLarge, StateMissing, StateUnknown, TokenInResponse,
        UserinfoSubject, UserinfoToken,
    };
    match reason {
        DuplicateParameter { name } => both("each parameter once", format!("`{name}` twice")),
        ParameterTooLong { name } => both("a value of sensible length", format!("a long `{name}`")),
        LoginTooLarge { bytes, limit } => {
            both(format!("at most {limit} bytes"), format!("{bytes} bytes"))
        }
        ResponseTooLarge => both("at most 64 KiB", "more"),
        StateMissing => both("`state`", "none"),
        StateUnknown => both("a login under way in this browser", "none"),
        LoginExpired => both("less than `login_timeout` ago", "longer ago"),
        LoginReplayed => both("the first use", "another"),
        TokenInResponse => both("a code alone", "tokens"),
        ResponseIssuer { expected } => both(shown(expected), "another"),
        ResponseIssuerMissing => both("`iss`", "none"),
        OtherHost { here, there } => both(shown(there), shown(here)),
        InitiationIssuer { expected } => both(shown(expected), "another or none"),
        InitiationTarget => both("a page of this site", "another"),
        LoggedOut => both("no log-out since the login began", "one"),
        LoginLoop => both(
            "a session that comes back",
            "none after three logins within a minute",
        ),
        Denied { error, .. } => both("a code", format!("error {}", shown(error))),
        CodeMissing => both("`code`", "none"),
        IdTokenMissing => both("`id_token`", "none"),
        IdToken(error) | UserinfoToken(error) => token(error),
        UserinfoSubject => both("the ID token's `sub`", "another or none"),
        Provider(error) => provider(error),
        SessionTooLarge(error) => both(
            format!("at most {} bytes", error.limit),
            format!("{} bytes", error.bytes),
        ),
        Session(_) => (None, None),
    }
}

fn provider(error: &ProviderError) -> Details {
    match error {
        ProviderError::Unreachable { source, .. } => {
            let connected = source
                .downcast_ref::<reqwest::Error>()
                .is_some_and(|error| !error.is_connect());
            if let Some(trouble) = error.tls_trouble() {
                return both("a secure connection", trouble.what());
            }
            both(
                "an answer",
                if connected {
                    "a connection that broke"
                } else {
                    "no connection"
                },
            )
        }
        ProviderError::Timeout { .. } => both("an answer in time", "none"),
        ProviderError::Status { status, .. } => both("status 200", format!("status {status}")),
        ProviderError::Refused {
            status: 200..=299,
            error,
            ..
        } => both("no error", format!("error {}", shown(error))),
        ProviderError::Refused { status, error, .. } => both(
            "status 200",
            format!("status {status}, error {}", shown(error)),
        ),
        ProviderError::Malformed { detail, .. } => both("a usable answer", printable(detail, 200)),
        ProviderError::TooLarge { .. } => both("at most 1 MiB", "more"),
        ProviderError::Redirect { .. } => both("status 200", "a redirect"),
        ProviderError::IssuerMismatch { configured, found } => {
            both(shown(configured), shown(found))
        }
        ProviderError::Insecure { endpoint } => both(format!("`{endpoint}` with https"), "none"),
        ProviderError::NoAuthMethod { offered } => both(
            "client_secret_basic or client_secret_post",
            shown(&offered.join(", ")),
        ),
        ProviderError::UserinfoForm { is_jwt: true } => both("JSON", "a JWT"),
        ProviderError::UserinfoForm { is_jwt: false } => both("a JWT", "none"),
        ProviderError::Credentials { .. } => both("a client id and secret", "none"),
    }
}

fn token(error: &IdTokenError) -> Details {
    use IdTokenError::{
        AccessTokenHash, Acr, Algorithm, Audience, AuthTime, AuthorizedParty, Changed,
        CriticalHeader, Expired, Invalid, IssuedTooLongAgo, Issuer, KeyOfOtherIssuer, Malformed,
        Missing, Nonce, NotYetValid, Signature, UnknownKey, UnreadableKey, UntrustedAudience,
        WeakKey,
    };
    match error {
        Malformed { detail } => both("a well-formed token", printable(detail, 200)),
        Algorithm { allowed, found } => both(allowed.join(", "), shown(found)),
        UnknownKey { kid } => both(
            "a published key",
            format!("`kid` {}", shown_or_none(kid.as_deref())),
        ),
        UnreadableKey { kid } => both(
            "a key that can be read",
            format!("`kid` {}", shown_or_none(kid.as_deref())),
        ),
        KeyOfOtherIssuer => both("a key for this issuer", "another issuer's"),
        WeakKey => both("2048 bits", "less"),
        Missing { claim } => both(format!("`{claim}`"), "none"),
        Invalid { claim } => both(format!("a valid `{claim}`"), "a value that is not allowed"),
        Issuer { expected, found } => both(shown(expected), shown(found)),
        Audience { expected, found } => both(shown(expected), shown(&found.join(" "))),
        UntrustedAudience { found } => both("trusted audiences only", shown(found)),
        AuthorizedParty { expected, found } => {
            both(shown(expected), shown_or_none(found.as_deref()))
        }
        Expired { seconds } => both("in the future", format!("{seconds} s ago")),
        NotYetValid { seconds, .. } => both("not in the future", format!("in {seconds} s")),
        IssuedTooLongAgo { seconds } => both("just now", format!("{seconds} s ago")),
        AuthTime { max_age, age } => {
            both(format!("at most {max_age} s ago"), format!("{age} s ago"))
        }
        Acr { asked, found } => both(shown(&asked.join(" ")), shown_or_none(found.as_deref())),
        Nonce => both("the nonce of this login", "another"),
        Signature => both("the provider's signature", "another"),
        Changed { claim } => both(format!("the session's `{claim}`"), "another"),
        AccessTokenHash => both("the access token's hash", "another"),
        CriticalHeader => both("no `crit`", "`crit`"),
    }
}
