//! The logout token, and its checks (OpenID Connect Back-Channel Logout 1.0 §2.6).

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{
    base::text::printable,
    config::options::LogoutTokenRules,
    error::{provider::ProviderError, store::StoreError, token::IdTokenError},
    jose::{jws::Unverified, keys::SignatureCheck},
    provider::{
        claims::{check_audience, sid, text, time},
        issuers::Issuers,
    },
};

/// How old a logout token may be: it is sent when it is made. For as long its `jti` is remembered.
pub(crate) const WINDOW: Duration = Duration::from_secs(10 * 60);

/// The event that makes a token a logout token (§2.4).
pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest `jti` and `sid` that are looked at. Some providers' are long.
pub(crate) const MAX_NAME: usize = 1024;

/// Why a logout token was refused. It goes to the log, and in one word to the provider.
#[derive(Debug)]
pub(crate) enum LogoutError {
    /// The request is no form, is too long, or has not one `logout_token`.
    Request(&'static str),
    /// A check that ID tokens have as well.
    Token(IdTokenError),
    /// The header's `typ` is that of another kind of token.
    Type,
    /// `events` has not the one event.
    Event,
    /// There is a `nonce`: it could be an ID token.
    Nonce,
    /// Neither `sub` nor `sid`.
    NoSubject,
    /// It was used before.
    Replayed,
    /// The provider's metadata or keys are not to be had.
    Provider(ProviderError),
    /// The sessions may still be in the store.
    Store(StoreError),
}

impl fmt::Display for LogoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(what) => f.write_str(what),
            Self::Token(error) => error.fmt(f),
            Self::Type => f.write_str("the header's `typ` is not `logout+jwt`"),
            Self::Event => f.write_str("`events` is not that of back-channel log-out"),
            Self::Nonce => f.write_str("there is a `nonce`, which no logout token has"),
            Self::NoSubject => f.write_str("there is neither `sub` nor `sid`"),
            Self::Replayed => f.write_str("this token was used before"),
            Self::Provider(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl From<IdTokenError> for LogoutError {
    fn from(error: IdTokenError) -> Self {
        Self::Token(error)
    }
}

impl From<ProviderError> for LogoutError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error)
    }
}

/// What a logout token must be like.
pub(crate) struct ExpectedLogoutToken<'a> {
    pub(crate) issuers: Issuers<'a>,
    pub(crate) client_id: &'a str,
    pub(crate) trusted_audiences: &'a [String],
    pub(crate) rules: LogoutTokenRules,
    pub(crate) now: u64,
    pub(crate) skew: u64,
}

/// A logout token that passed every check but whether it was used before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogoutToken {
    pub(crate) issuer: String,
    pub(crate) subject: Option<String>,
    pub(crate) sid: Option<String>,
    pub(crate) issued_at: u64,
    pub(crate) id: String,
}

impl LogoutToken {
    /// Makes every check of §2.6 in its order.
    pub(crate) fn verify(
        token: &Unverified<'_>,
        signature: SignatureCheck,
        expected: &ExpectedLogoutToken<'_>,
    ) -> Result<Self, LogoutError> {
        check_type(token.typ.as_deref(), expected.rules)?;
        token.require_signature(signature)?;
        let claims = token.payload()?;
        let missing = |claim| IdTokenError::Missing { claim };

        let issuer = text(&claims, "iss")?.ok_or(missing("iss"))?;
        if !expected.issuers.contains(issuer) {
            return Err(LogoutError::Token(IdTokenError::Issuer {
                expected: expected.issuers.written().to_owned(),
                found: printable(issuer, 200),
            }));
        }
        check_audience(&claims, expected.client_id, expected.trusted_audiences)?;
        let iat = time(&claims, "iat")?.ok_or(missing("iat"))?;
        let exp = time(&claims, "exp")?;
        expected.check_times(iat, exp)?;

        let subject = name(text(&claims, "sub")?, "sub")?;
        let sid = name(sid(&claims)?.as_deref(), "sid")?;
        if subject.is_none() && sid.is_none() {
            return Err(LogoutError::NoSubject);
        }
        let event = claims.get("events").and_then(|events| events.get(EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err(LogoutError::Event);
        }
        if claims.contains_key("nonce") {
            return Err(LogoutError::Nonce);
        }
        let id = name(text(&claims, "jti")?, "jti")?.ok_or(missing("jti"))?;
        Ok(Self {
            issuer: issuer.to_owned(),
            subject,
            sid,
            issued_at: iat,
            id,
        })
    }
}

impl ExpectedLogoutToken<'_> {
    /// `iat` is there, not in the future and not long ago; `exp` is there and ahead.
    fn check_times(&self, iat: u64, exp: Option<u64>) -> Result<(), LogoutError> {
        let now = self.now;
        if iat > now.saturating_add(self.skew) {
            return Err(LogoutError::Token(IdTokenError::NotYetValid {
                claim: "iat",
                seconds: iat - now,
            }));
        }
        let age = now.saturating_sub(iat);
        if age > WINDOW.as_secs() + self.skew {
            return Err(LogoutError::Token(IdTokenError::IssuedTooLongAgo {
                seconds: age,
            }));
        }
        match exp {
            Some(exp) if now >= exp.saturating_add(self.skew) => {
                Err(LogoutError::Token(IdTokenError::Expired {
                    seconds: now - exp,
                }))
            }
            None if self.rules != LogoutTokenRules::Lenient => {
                Err(LogoutError::Token(IdTokenError::Missing { claim: "exp" }))
            }
            _ => Ok(()),
        }
    }
}

fn check_type(typ: Option<&str>, rules: LogoutTokenRules) -> Result<(), LogoutError> {
    let strict = rules == LogoutTokenRules::Strict;
    match typ {
        Some(LOGOUT_TYP) => Ok(()),
        None | Some("jwt") if !strict => Ok(()),
        _ => Err(LogoutError::Type),
    }
}

/// A name that is there is not empty, and has an end.
pub(crate) fn name(
    name: Option<&str>,
    claim: &'static str,
) -> Result<Option<String>, IdTokenError> {
    match name {
        Some(name) if name.is_empty() || name.len() > MAX_NAME => {
            Err(IdTokenError::Invalid { claim })
        }
        name => Ok(name.map(str::to_owned)),
    }
}

/// The `typ` of logout tokens (Back-Channel Logout 1.0 §2.4).
pub(crate) const LOGOUT_TYP: &str = "logout+jwt";
