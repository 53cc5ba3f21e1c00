//! The session of a login that passed every check: proposed before the app's hook, confirmed or rejected after it.

use std::sync::{Arc, Weak};

use crate::{
    engine::{
        callbacks::orphan::{Orphan, OrphanAnswer},
        events::{AuthEvent, EventPerson},
    },
    error::{login::FailureReason, session::SessionError, store::StoreError},
    exchange::{Exchange, State},
    flow::{
        app_data,
        hook::AuthFailure,
        lost_form,
        pending::cookies::{drop_page_logins, tell_of_session},
    },
    receipt::Recorder,
    session::{
        app_data::Draft,
        data::SessionData,
        end::EndedBy,
        identity::{Session, SessionId},
        proposed::Proposed,
    },
};

/// The check that no log-out has arrived since the login began, and the section that log-outs follow.
pub(crate) const NO_LOG_OUT: (&str, &str) = ("no log-out", "OIDC Back-Channel Logout §2.7");

/// Stores or seals a new session, which waits for the app's hook. Returns where the hook keeps the app's own data.
pub(crate) async fn propose(
    exchange: &Arc<Exchange>,
    session: Arc<Session>,
    data: Arc<SessionData>,
    replaces: Option<SessionId>,
) -> Result<Draft, SessionError> {
    let (current, cookies) = exchange.keep_new(session, data).await?;
    let draft = Draft::default();
    let mut state = exchange.lock();
    let flashes = exchange.open_flashes(&mut state).clone();
    state.proposed = Some(Proposed {
        current,
        cookies,
        flashes,
        replaces,
        draft: draft.clone(),
    });
    Ok(draft)
}

/// Begins the session of a completed login, and ends the one before. Without a completed login it does nothing.
pub(crate) async fn confirm_login(exchange: &Arc<Exchange>) -> Result<(), AuthFailure> {
    let Some(mut proposed) = exchange.lock().proposed.take() else {
        return Ok(());
    };
    let flashes = std::mem::take(&mut proposed.flashes);
    // It runs to its end: a request that is cancelled must not leave both the session from before and the new one.
    let waiting = Arc::new(());
    let (clone, waited_for) = (Arc::clone(exchange), Arc::downgrade(&waiting));
    let work = async move {
        let begun = begin(&clone, proposed, &waited_for).await;
        // Where nobody waits any more, there is no failure to tell.
        begun.map_err(|reason| is_waited_for(&clone, &waited_for).then(|| failed(&clone, reason)))
    };
    let begun = exchange.engine.to_its_end(work).await;
    drop(waiting);
    let begun = match begun {
        Ok(begun) => begun.map_err(|told| told.unwrap_or_else(|| failed(exchange, nobody_waits()))),
        Err(error) => Err(failed(exchange, stored(error))),
    };
    if let Err(failure) = &begun {
        failure.tell_observers(&exchange.engine);
        // The messages of the hook are dropped: the login that they are about has failed.
        exchange.lock().flashes = Some(flashes);
    }
    begun
}

/// Writes to the log why a session did not begin, and tells it to those who wait.
fn failed(exchange: &Exchange, reason: FailureReason) -> AuthFailure {
    let (check, section) = match reason {
        FailureReason::LoggedOut => NO_LOG_OUT,
        _ => ("session", "RFC 6265 §6.1"),
    };
    let mut receipt = Recorder::new();
    let checked = receipt.check(check, section, Err::<(), _>(reason.clone()));
    let failure = AuthFailure::new(checked.err().unwrap_or(reason), None, receipt);
    failure.tell_others(exchange);
    failure
}

/// Drops a completed login. The session from before stays.
pub(crate) fn reject_login(exchange: &Exchange) {
    let mut state = exchange.lock();
    let refused = state.proposed.take();
    // Nobody else can be told what the app answers now.
    let leading = state.leading.take();
    drop(state);
    drop(leading);
    if let Some(refused) = refused {
        exchange.engine.tell(|| AuthEvent::LoginRefused {
            person: EventPerson::from(&*refused.current.session),
        });
    }
}

/// Ends the session from before, then gives the new one its full lifetime: there is no moment with both.
///
/// `waited_for` is gone when nobody waits for the result any more.
async fn begin(
    exchange: &Arc<Exchange>,
    mut proposed: Proposed,
    waited_for: &Weak<()>,
) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    // Who was logged in before, if anybody was.
    let before = exchange.current().await.map_err(FailureReason::Session)?;
    // A log-out elsewhere first writes its mark, then deletes stored sessions. So either the mark is seen here, or the
    // new session has been deleted.
    engine
        .sessions
        .marks
        .catch_up_with_now()
        .await
        .map_err(stored)?;
    let session = &Arc::clone(&proposed.current.session);
    let delete = async |id| {
        exchange
            .delete_stored(id)
            .await
            .map_err(FailureReason::Session)
    };
    if engine.sessions.marks.is_ended(session) {
        delete(session.id).await?;
        return Err(FailureReason::LoggedOut);
    }
    if !is_waited_for(exchange, waited_for) {
        delete(session.id).await?;
        return Err(nobody_waits());
    }
    keep_app_data(exchange, &mut proposed)
        .await
        .map_err(FailureReason::from)?;
    if let Some(before) = before {
        if !before.session.person.is_same_as(&session.person) {
            lost_form::forget(exchange);
        }
        // This deletes its cookies as well, in case the new session fails.
        exchange
            .end_session(EndedBy::NewLogin)
            .await
            .map_err(FailureReason::Session)?;
    }
    if let Some(before) = proposed.replaces {
        let ended = exchange.end_by_id(before, EndedBy::NewLogin).await;
        ended.map_err(FailureReason::Session)?;
    }
    let confirmed = exchange.confirm_stored(&proposed.current).await;
    confirmed.map_err(FailureReason::Session)?;
    let looping = engine.sessions.loops.begin(
        session,
        engine.now(),
        &engine.sessions.cookies,
        exchange.header(),
    );
    exchange.delete_session_cookies(&mut exchange.lock());
    if proposed.replaces.is_some() {
        // The request came without the session's cookies, so it is unknown how many parts the browser has.
        let data = &engine.sessions.cookies.data;
        exchange.set_cookies(engine.sessions.cookies.delete_parts(data, 1));
    }
    exchange.set_cookies(proposed.cookies.into_iter().chain(looping));
    if let Ok(binding) = exchange.binding().await {
        drop_page_logins(exchange, &binding);
        tell_of_session(exchange, proposed.current.session.id, &binding);
    }
    let person = EventPerson::from(&*proposed.current.session);
    let mut state = exchange.lock();
    state.current = Some(proposed.current);
    state.read = true;
    state.person_changed = true;
    leave_answer(&mut state);
    drop(state);
    // Here, and not where the request waits: that may go away, and the session has begun.
    engine.tell(|| AuthEvent::LoggedIn { person });
    Ok(())
}

/// Adds the app's own data to a new session: what the hook keeps, and what the same person's session before it has.
///
/// Data from before that does not fit beside a larger login is dropped: it must not lock its person out.
async fn keep_app_data(
    exchange: &Arc<Exchange>,
    proposed: &mut Proposed,
) -> Result<(), SessionError> {
    let kept = proposed.draft.take();
    let session = &proposed.current.session;
    let mut all = app_data::carried(exchange, session, proposed.replaces).await?;
    let carries = !all.is_empty();
    all.extend(kept.clone());
    match exchange.keep_app_data(proposed, all).await {
        Err(SessionError::TooLarge(error)) if carries => {
            tracing::warn!(%error, "app data of the session before does not fit beside this login, and is dropped");
            exchange.keep_app_data(proposed, kept).await
        }
        done => done,
    }
}

/// Keeps what the browser must receive, for a request that takes over where this one has gone away.
fn leave_answer(state: &mut State) {
    let Some(leading) = &mut state.leading else {
        return;
    };
    let flashes = state.flashes_changed.then(|| state.flashes.clone());
    leading.left = Some(Orphan::Answer(Box::new(OrphanAnswer {
        status: 303,
        location: leading.return_to.clone(),
        cookies: state.cookies.clone(),
        flashes: flashes.flatten(),
    })));
}

/// Whether anybody waits for the result: this request, or another one of the same browser that takes over from it.
fn is_waited_for(exchange: &Exchange, request: &Weak<()>) -> bool {
    request.strong_count() > 0 || exchange.is_waited_for()
}

fn nobody_waits() -> FailureReason {
    stored(StoreError::new("nobody waits for it any more"))
}

fn stored(error: StoreError) -> FailureReason {
    FailureReason::Session(SessionError::Store(error))
}
