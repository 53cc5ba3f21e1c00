//! The login that a callback's `state` belongs to, and its single use: a second callback with the same `state` (a
//! replay, a page that was gone back to, two at the same time) is refused.
//!
//! The pending login's cookie is deleted by the first callback. A copy of the cookie does not help: the login is also
//! marked as used, in the store of marks that all replicas share.

use std::{sync::Arc, time::Duration};

use crate::{
    base::{replica, text::printable},
    error::{difference::Difference, login::FailureReason, session::SessionError},
    exchange::Exchange,
    flow::pending::{Began, PendingLogin, STATE_LEN, cookie_name, cookies::pending_login, mark},
    receipt::Recorder,
    session::{
        binding::Binding, cookies::trace::Trace, marked_by::LoginMark, marks::TakenLogin,
        seal::Purpose,
    },
};

/// The section that demands a `state` of this browser's.
const STATE: &str = "RFC 6749 §10.12";
/// The section that demands the single use of a login.
const SINGLE_USE: &str = "RFC 9700 §4.7";

/// A clock may be ahead or behind by so much and nobody is told.
const TOLERATED: Duration = Duration::from_secs(60);

/// The pending login that a callback belongs to, in the browser still.
pub(super) struct Found {
    pub(super) login: PendingLogin,
    pub(super) mark: LoginMark,
    /// The name of its cookie.
    name: String,
}

/// Finds the pending login of this `state` in the browser's cookies.
pub(super) async fn find(
    exchange: &Arc<Exchange>,
    state: Option<&str>,
    receipt: &mut Recorder,
) -> Result<Found, FailureReason> {
    let engine = &exchange.engine;
    let binding = engine.binding().await.map_err(FailureReason::Provider)?;
    let client_id = engine.provider().client.id().await?;
    let here = Began::new(&engine.config, client_id);
    let found = state
        .filter(|state| !state.is_empty())
        .ok_or(FailureReason::StateMissing)
        .and_then(|state| match state.len() {
            STATE_LEN => open(exchange, state, &binding, here),
            _ => Err(state_unknown(exchange)),
        });
    receipt.check("state", STATE, found)
}

/// Returns which login a callback belongs to, if the browser shows its cookie.
pub(super) async fn shown(exchange: &Arc<Exchange>, state: Option<&str>) -> Option<LoginMark> {
    let state = state.filter(|state| state.len() == STATE_LEN)?;
    let binding = exchange.engine.binding().await.ok()?;
    pending_login(exchange, state, &binding).map(|_| mark(state))
}

/// Takes a login out of the browser, and marks it as taken. From here on no second callback can use it, whether this
/// one succeeds or fails.
pub(super) async fn take(
    exchange: &Arc<Exchange>,
    found: Found,
    receipt: &mut Recorder,
) -> Result<(PendingLogin, TakenLogin), FailureReason> {
    let engine = &exchange.engine;
    let Found { login, mark, name } = found;
    exchange.set_cookies([engine.sessions.cookies.delete(&name)]);
    let (config, now_ms) = (&engine.config, engine.now_ms());
    let age = login.age(now_ms);
    let lifetime = login.lifetime(config.login_timeout);
    let in_time = if age < lifetime {
        Ok(())
    } else if age < lifetime + TOLERATED {
        Err(FailureReason::LoginExpired)
    } else {
        // The browser should have dropped the cookie by its own clock.
        Err(FailureReason::SettingsDiffer(Difference::Clock {
            age: age.as_secs(),
            limit: lifetime.as_secs(),
        }))
    };
    receipt.check("login timeout", STATE, in_time)?;
    let ahead = Duration::from_millis(login.created_ms.saturating_sub(now_ms));
    if ahead > TOLERATED {
        tracing::warn!(
            seconds = ahead.as_secs(),
            replica = replica::name(),
            "by the clock of this replica a login begins in the future: the clocks of the replicas differ"
        );
    }
    let taken = match engine.sessions.marks.take_login(mark).await {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Err(FailureReason::LoginReplayed),
        Err(error) => Err(FailureReason::Session(SessionError::Store(error))),
    };
    let taken = receipt.check("single use", SINGLE_USE, taken)?;
    Ok((login, taken))
}

/// Opens the cookie of this `state`. Where that cannot be done, says why, as far as the cookies show it.
fn open(
    exchange: &Arc<Exchange>,
    state: &str,
    binding: &Binding,
    here: Began,
) -> Result<Found, FailureReason> {
    let cookies = &exchange.engine.sessions.cookies;
    let mark = mark(state);
    let name = cookie_name(&cookies.login_prefix, &mark);
    let read =
        |plain: &[u8]| PendingLogin::decode_any(plain).filter(|(login, _)| login.has_state(state));
    let header = exchange.header();
    let differs = |difference| Err(FailureReason::SettingsDiffer(difference));
    let Some((login, of)) = cookies.open(header, Purpose::Login, &name, read) else {
        if let Some((there, _)) = cookies.under_other_name(header, Purpose::Login, &name, read) {
            return differs(Difference::CookieName {
                there: printable(&there, 64),
                here: cookies.name_prefix().to_owned(),
            });
        }
        return match cookies.trace(header, Purpose::Login, &name) {
            Trace::Nothing => Err(state_unknown(exchange)),
            Trace::Damaged => Err(FailureReason::LoginDamaged),
            Trace::OtherFormat => differs(Difference::Release),
            Trace::OtherKey(sealed_with) => differs(Difference::CookieKeys {
                sealed_with,
                known: cookies.key_ids(),
            }),
        };
    };
    if of != binding.hash {
        let what = login.began.map(|began| began.other_client(here));
        return differs(Difference::Client {
            what: what.unwrap_or("`issuer` or `client_id`"),
        });
    }
    // The provider would refuse the code. Here the login stays in the browser, for a replica that can complete it.
    if login
        .began
        .is_some_and(|began| began.has_other_redirect_uri(here))
    {
        return differs(Difference::RedirectUri {
            here: exchange.engine.config.redirect_uri.clone(),
        });
    }
    Ok(Found { login, mark, name })
}

/// Marks a taken login as used, for as long as its cookie could be opened: the provider has accepted its code. Fails
/// when this callback took so long that a second one has taken the login meanwhile.
pub(super) async fn settle(
    exchange: &Arc<Exchange>,
    login: &PendingLogin,
    taken: &TakenLogin,
    receipt: &mut Recorder,
) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    let lifetime = login.lifetime(engine.config.login_timeout);
    let reason = match engine.sessions.marks.use_login(taken, lifetime).await {
        Ok(true) => return Ok(()),
        Ok(false) => FailureReason::LoginReplayed,
        Err(error) => FailureReason::Session(SessionError::Store(error)),
    };
    receipt.check("single use again", SINGLE_USE, Err(reason))
}

/// No login of this `state` is under way in this browser, at least not under this host name.
fn state_unknown(exchange: &Arc<Exchange>) -> FailureReason {
    match exchange.other_host() {
        Some(here) => FailureReason::OtherHost {
            here: printable(here, 200),
            there: exchange.engine.site.host().to_owned(),
        },
        None => FailureReason::StateUnknown,
    }
}

#[cfg(test)]
mod tests;
