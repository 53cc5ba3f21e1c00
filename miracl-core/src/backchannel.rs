//! Log-out by the provider itself (OpenID Connect Back-Channel Logout 1.0): the logout token, and the route that takes it.

use std::{
    fmt,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use serde_json::Value;
use url::form_urlencoded;

use crate::{
    config::{LogoutTokenRules, SigningAlgorithm},
    discovery::Issuers,
    error::{ProviderError, printable},
    id_token::{IdTokenError, LOGOUT_TYP, Unverified, check_audience, sid, text, time},
    jwks::{Cause, Verdict},
    logout::LogoutKind,
    marks::{Until, name_mark},
    miracl::Engine,
    receipt::Recorder,
    reply::Reply,
    routes::Answer,
    session::Binding,
    store::StoreError,
    visit::Visit,
};

/// How old a logout token may be: it is sent when it is made. For as long its `jti` is remembered.
pub(crate) const WINDOW: Duration = Duration::from_secs(10 * 60);

/// The event that makes a token a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest `jti` and `sid` that are looked at. Some providers' are long.
const MAX_NAME: usize = 1024;

/// The algorithms of the ID tokens that were verified. Where the client is registered for none in particular, logout tokens
/// must be signed as its ID tokens are (§2.6, step 2).
#[derive(Debug, Default)]
pub(crate) struct SeenAlgorithms(AtomicU16);

impl SeenAlgorithms {
    pub(crate) fn add(&self, algorithm: SigningAlgorithm) {
        self.0.fetch_or(1 << algorithm as u16, Ordering::Relaxed);
    }

    /// Cuts a list down to those that were seen; as long as none was, all of them count.
    fn cut(&self, offered: Vec<SigningAlgorithm>) -> Vec<SigningAlgorithm> {
        let seen = self.0.load(Ordering::Relaxed);
        let mut offered = offered;
        offered.retain(|algorithm| seen == 0 || seen & 1 << *algorithm as u16 != 0);
        offered
    }
}

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
pub(crate) struct Expected<'a> {
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
    issuer: String,
    subject: Option<String>,
    sid: Option<String>,
    issued_at: u64,
    id: String,
}

impl LogoutToken {
    /// Makes every check of §2.6 in its order.
    pub(crate) fn verify(
        token: &Unverified<'_>,
        verdict: Verdict,
        expected: &Expected<'_>,
    ) -> Result<Self, LogoutError> {
        check_type(token.typ.as_deref(), expected.rules)?;
        token.signed_by_provider(verdict)?;
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

impl Expected<'_> {
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
fn name(name: Option<&str>, claim: &'static str) -> Result<Option<String>, IdTokenError> {
    match name {
        Some(name) if name.is_empty() || name.len() > MAX_NAME => {
            Err(IdTokenError::Invalid { claim })
        }
        name => Ok(name.map(str::to_owned)),
    }
}

impl Visit {
    /// Answers the back channel (§2.7, §2.8): 200 and nothing, or 400 and why.
    pub(crate) async fn backchannel_logout(&self, form: Option<&[u8]>) -> Answer {
        self.touch();
        let no_store = |reply: Reply| reply.with("cache-control", "no-store");
        match self.take_logout_token(form).await {
            Ok(token) => {
                let kind = LogoutKind::BackChannel {
                    issuer: token.issuer,
                    sub: token.subject,
                    sid: token.sid,
                };
                tracing::info!("sessions were ended by the provider, through the back channel");
                Answer::LoggedOut(kind, no_store(Reply::empty(200)))
            }
            Err(error) => {
                tracing::warn!(%error, "a logout token was refused");
                Answer::Reply(no_store(Reply::oauth_error(
                    "invalid_request",
                    &error.to_string(),
                )))
            }
        }
    }

    async fn take_logout_token(&self, form: Option<&[u8]>) -> Result<LogoutToken, LogoutError> {
        let engine = self.miracl().engine();
        let config = &engine.config;
        let raw = logout_token(form)?;
        let metadata = engine.discovery.metadata(&engine.http).await?;
        let allowed = match config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => engine.seen_algorithms.cut(metadata.signing_algorithms()),
        };
        let token = Unverified::parse(&raw, &allowed)?;
        let (http, uri) = (&engine.http, &metadata.jwks_uri);
        let cause = Cause::LogoutToken;
        let verdict = engine
            .jwks
            .check(http, uri, &token, cause, &mut Recorder::new())
            .await?;
        let expected = Expected {
            issuers: Issuers::new(config, &metadata),
            client_id: engine.credentials.client_id(&engine.http).await?,
            trusted_audiences: &config.trusted_audiences,
            rules: config.logout_token_rules,
            now: engine.now(),
            skew: config.clock_skew.as_secs(),
        };
        let token = LogoutToken::verify(&token, verdict, &expected)?;
        let binding = engine.binding().await?;
        let miracl = self.miracl().clone();
        // A provider that waits no longer has not taken back what it said.
        let obeyed = engine.to_its_end(async move {
            miracl.engine().obey(&token, &binding).await?;
            Ok(token)
        });
        obeyed.await.map_err(LogoutError::Store).flatten()
    }
}

impl Engine {
    /// Ends the sessions that a logout token names, unless it was used before: those of the `sid`, those of the person
    /// `sub`, or where it has both, those of the person that are of the `sid`, or of none.
    ///
    /// The mark comes first: a login under way that looks for it before its session is stored has it deleted here.
    async fn obey(&self, token: &LogoutToken, binding: &Binding) -> Result<(), LogoutError> {
        let marks = &self.marks;
        let mark = |kind, name: &str| name_mark(kind, &token.issuer, name);
        let used = mark("jti", &token.id);
        if !marks.use_token(used).await.map_err(LogoutError::Store)? {
            return Err(LogoutError::Replayed);
        }
        let until = Until::by_token(token.issued_at, self.config.clock.now_ms());
        let sid = token.sid.as_deref().map(|sid| mark("sid", sid));
        let subject = token.subject.as_deref().map(|sub| mark("sub", sub));
        let end = async {
            match (sid, subject) {
                (Some(sid), None) => {
                    marks.end_sid(sid, until).await?;
                    self.end_stored_sid(sid).await.map(drop)
                }
                (Some(sid), Some(subject)) => {
                    marks.end_sid_of(sid, subject, until).await?;
                    self.end_stored_subject(subject, Some(sid), until, binding)
                        .await
                }
                (None, Some(subject)) => {
                    marks.end_subject(subject, until).await?;
                    self.end_stored_subject(subject, None, until, binding).await
                }
                // `verify` takes none such.
                (None, None) => Ok(()),
            }
        };
        if let Err(error) = end.await {
            // The provider may send it again.
            marks.forget_token(used).await;
            return Err(LogoutError::Store(error));
        }
        Ok(())
    }
}

/// Takes the one `logout_token` out of a form; what else is there does not matter (§2.5).
pub(crate) fn logout_token(form: Option<&[u8]>) -> Result<String, LogoutError> {
    let form = form.ok_or(LogoutError::Request("the body is longer than 64 KiB"))?;
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token.into_owned()),
        (Some(_), Some(_)) => Err(LogoutError::Request(
            "there is more than one `logout_token`",
        )),
        (None, _) => Err(LogoutError::Request("there is no `logout_token` in a form")),
    }
}

#[cfg(test)]
mod tests;
