//! The login that a callback's `state` belongs to, and its single use: a second callback with the same `state` (a
//! replay, a page that was gone back to, two at the same time) is refused.
//!
//! The pending login's cookie is deleted by the first callback. A copy of the cookie does not help: the login is also
//! marked as used, in the store of marks that all replicas share.

use std::sync::Arc;

use crate::{
    base::text::printable,
    error::{login::FailureReason, session::SessionError},
    exchange::Exchange,
    flow::pending::{PendingLogin, STATE_LEN, cookie_name, mark},
    receipt::Recorder,
    session::{marks::TakenLogin, seal::Purpose},
};

/// The section that demands the single use of a login.
const SINGLE_USE: &str = "RFC 9700 §4.7";

/// Takes the pending login of this `state` out of the browser, and marks it as taken. From here on no second callback
/// can use it, whether this one succeeds or fails.
pub(super) async fn take(
    exchange: &Arc<Exchange>,
    state: Option<&str>,
    receipt: &mut Recorder,
) -> Result<(PendingLogin, TakenLogin), FailureReason> {
    const STATE: &str = "RFC 6749 §10.12";
    let engine = &exchange.engine;
    let binding = engine.binding().await.map_err(FailureReason::Provider)?;
    let found = state
        .filter(|state| !state.is_empty())
        .ok_or(FailureReason::StateMissing)
        .and_then(|state| {
            if state.len() != STATE_LEN {
                return Err(state_unknown(exchange));
            }
            let mark = mark(state);
            let name = cookie_name(&engine.sessions.cookies.login_prefix, &mark);
            let read = |plain: &[u8]| {
                PendingLogin::decode(plain, &binding).filter(|login| login.has_state(state))
            };
            engine
                .sessions
                .cookies
                .open(exchange.header(), Purpose::Login, &name, read)
                .map(|login| (login, mark, name))
                .ok_or_else(|| state_unknown(exchange))
        });
    let (login, mark, name) = receipt.check("state", STATE, found)?;
    exchange.set_cookies([engine.sessions.cookies.delete(&name)]);
    let config = &engine.config;
    let in_time = if login.age(config.clock.now_ms()) < config.login_timeout {
        Ok(())
    } else {
        Err(FailureReason::LoginExpired)
    };
    receipt.check("login timeout", STATE, in_time)?;
    let taken = match engine.sessions.marks.take_login(mark).await {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Err(FailureReason::LoginReplayed),
        Err(error) => Err(FailureReason::Session(SessionError::Store(error))),
    };
    let taken = receipt.check("single use", SINGLE_USE, taken)?;
    Ok((login, taken))
}

/// Marks a taken login as used, for as long as its cookie could be opened: the provider has accepted its code. Fails
/// when this callback took so long that a second one has taken the login meanwhile.
pub(super) async fn settle(
    exchange: &Arc<Exchange>,
    taken: &TakenLogin,
    receipt: &mut Recorder,
) -> Result<(), FailureReason> {
    let reason = match exchange.engine.sessions.marks.use_login(taken).await {
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
