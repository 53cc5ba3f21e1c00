//! A callback that one browser sends twice at once: by a double click, by preloading, by a proxy that tries again. The
//! second waits for the first and is sent where that one was, without its cookies. So a code is sent once, and one
//! session begins.
//!
//! Browsers and proxies give up the first request then, and many frameworks drop its handler. So the checks run to
//! their end without it, and one of the requests that wait takes over what they lead to: it calls the hook, and gets
//! the cookies. Where nobody waits, nothing begins.
//!
//! Only who shows the same pending login's cookie waits. Who knows the callback's address alone is refused at once.

use std::sync::Arc;

use tokio::time::timeout;
use tracing::{Instrument as _, Span};

use crate::{
    engine::callbacks::{
        Ended, Turn, Waited,
        orphan::{Orphan, OrphanAnswer, OrphanLogin, Unbegun},
    },
    error::{login::FailureReason, session::SessionError, store::StoreError},
    exchange::{Exchange, leading::Leading},
    flow::{
        answer::Answer,
        callback::{
            complete_login,
            response::{AuthorizationResponse, Callback},
            single_use,
        },
        hook::{AuthFailure, AuthSuccess},
        pending::cookie_name,
    },
    receipt::Recorder,
    session::{marked_by::LoginMark, proposed::Proposed},
    web::{
        page::{Page, PageKind},
        reply::Reply,
    },
};

/// Answers the callback's route: completes the login, or waits for the callback that does.
pub(crate) async fn answer(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Answer {
    let asking = Asking { answered: false };
    let answer = answer_in_turn(exchange, callback).await;
    asking.end();
    answer
}

/// A request for the callback that has no answer yet. The log tells of one that goes away.
struct Asking {
    answered: bool,
}

impl Asking {
    fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.answered {
            tracing::debug!("a request for the callback has gone away before its answer");
        }
    }
}

/// Answers the callback's route when it is its turn among those of the same login.
async fn answer_in_turn(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Answer {
    let turn = turn(exchange, callback).await;
    let answered = match turn {
        Some((_, Turn::First(lead))) => {
            exchange.lock().leading = Some(Leading::new(lead));
            return lead_login(exchange, callback).await;
        }
        Some((login, Turn::Later(wait))) => {
            exchange.touch();
            tracing::debug!("a callback was sent twice at once: the second waits for the first");
            let engine = &exchange.engine;
            // As long as the requests may take that the first makes: for metadata, tokens, keys and userinfo.
            let limit = 4 * engine.config.request_timeout;
            let waited = engine.runtime.poll(timeout(limit, wait.ended())).await;
            match waited.unwrap_or(Waited::Alone) {
                Waited::Ended(ended) => told(ended),
                Waited::TakesOver(lead, left) => {
                    exchange.lock().leading = Some(Leading::new(lead));
                    Some(take_over(exchange, login, left))
                }
                Waited::Alone => None,
            }
        }
        Some((_, Turn::Crowded)) => {
            exchange.touch();
            tracing::info!("a callback was sent more often at once than may wait for the first");
            Some(Answer::Reply(crowded(exchange)))
        }
        Some((_, Turn::Full)) | None => None,
    };
    if let Some(answer) = answered {
        return answer;
    }
    // On the heap: frameworks move the future of a route about on their stacks.
    match Box::pin(complete_login(exchange, callback)).await {
        Ok(login) => Answer::Success(login),
        Err(failure) => Answer::Failure(failure),
    }
}

/// Takes a turn among the callbacks of the same login. `None` where the browser does not show its cookie.
async fn turn(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Option<(LoginMark, Turn)> {
    let response = AuthorizationResponse::parse(callback.parameters).ok()?;
    let login = single_use::shown(exchange, response.state.as_deref()).await?;
    let parameters = callback.parameters.unwrap_or_default();
    let turn = exchange.engine.callbacks.take_turn(login, parameters);
    Some((login, turn))
}

/// Completes the login that others may wait for. The checks run to their end, even if the request goes away.
async fn lead_login(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Answer {
    let (clone, posted) = (Arc::clone(exchange), callback.posted);
    let parameters = callback.parameters.map(<[u8]>::to_vec);
    let work = Box::pin(async move {
        let callback = Callback {
            parameters: parameters.as_deref(),
            posted,
        };
        match complete_login(&clone, callback).await {
            Ok(login) => {
                leave_login(&clone, login);
                Ok(())
            }
            Err(failure) => {
                failure.tell_others(&clone);
                Err(failure)
            }
        }
    });
    let ended = exchange
        .engine
        .callback_to_its_end(work.instrument(Span::current()));
    if let Err(failure) = ended.await.unwrap_or_else(|error| Err(broken_off(error))) {
        return Answer::Failure(failure);
    }
    let left = match &mut exchange.lock().leading {
        Some(leading) => leading.left.take(),
        None => None,
    };
    match left {
        Some(Orphan::Login(login)) => succeed(exchange, *login),
        _ => {
            let answered =
                StoreError::new("the request was answered before its login was complete");
            Answer::Failure(broken_off(answered))
        }
    }
}

/// Leaves a login that passed every check to the request that waits for it, or if that has gone away to another.
fn leave_login(exchange: &Arc<Exchange>, login: AuthSuccess) {
    let engine = Arc::clone(&exchange.engine);
    let forget = move |proposed: Proposed| {
        if engine.sessions.store().is_none() || !engine.runtime.is_there() {
            return;
        }
        let id = proposed.current.session.id;
        let clone = Arc::clone(&engine);
        let delete = async move {
            if let Err(error) = clone.sessions.delete_stored(id).await {
                tracing::warn!(%error, "a session that never began stays in the store for ten minutes");
            }
        };
        engine.runtime.spawn(delete);
    };
    let (login, receipt) = login.into_parts();
    let return_to = login.return_to.clone();
    let mut state = exchange.lock();
    let proposed = Unbegun::new(state.proposed.take(), forget);
    let left = Orphan::Login(Box::new(OrphanLogin {
        login,
        receipt,
        proposed,
    }));
    match &mut state.leading {
        Some(leading) => {
            leading.return_to = return_to;
            leading.left = Some(left);
        }
        // The app has answered meanwhile, by a time limit of its own.
        None => drop(left),
    }
}

/// Goes on with a login that passed every check: the hook is next.
fn succeed(exchange: &Exchange, login: OrphanLogin) -> Answer {
    let proposed = login.proposed.take();
    exchange.lock().proposed = proposed;
    Answer::Success(AuthSuccess::new(login.login, login.receipt))
}

/// Goes on where another request of this browser went away.
fn take_over(exchange: &Exchange, mark: LoginMark, left: Orphan) -> Answer {
    tracing::debug!("the first of these callbacks has gone away: another one takes over");
    let cookies = &exchange.engine.sessions.cookies;
    let pending = cookies.delete(&cookie_name(&cookies.login_prefix, &mark));
    exchange.set_cookies([pending]);
    let mut state = exchange.lock();
    match left {
        Orphan::Login(login) => {
            if let Some(leading) = &mut state.leading {
                leading.return_to = login.login.return_to.clone();
            }
            let flashes = exchange.open_flashes(&mut state).clone();
            drop(state);
            let answer = succeed(exchange, *login);
            if let Some(proposed) = &mut exchange.lock().proposed {
                proposed.flashes = flashes;
            }
            answer
        }
        Orphan::Answer(answer) => {
            let OrphanAnswer {
                status,
                location,
                cookies,
                flashes,
            } = (*answer).clone();
            if let Some(leading) = &mut state.leading {
                leading.left = Some(Orphan::Answer(answer));
            }
            if let Some(flashes) = flashes {
                state.flashes = Some(flashes);
                state.flashes_changed = true;
            }
            state.person_changed = true;
            drop(state);
            exchange.set_cookies(cookies);
            Answer::Reply(sent_to(status, location))
        }
    }
}

/// The answer to a callback whose first has answered.
fn told(ended: Ended) -> Option<Answer> {
    match ended {
        Ended::Sent { status, location } => Some(Answer::Reply(sent_to(status, location))),
        failed @ Ended::Failed { .. } => AuthFailure::of_other(failed).map(Answer::Failure),
    }
}

fn sent_to(status: u16, location: String) -> Reply {
    Reply::empty(status).with("location", location)
}

/// The answer to a callback that is sent too often at once. It must not complete the login, which the first does.
fn crowded(exchange: &Exchange) -> Reply {
    let title = "Your login is under way";
    let sentence = "Your browser has sent it many times at once. Please wait a moment, and then open the page again.";
    let page = Page::new(PageKind::LoginUnderWay, 503, title, sentence);
    exchange.show(page).with("retry-after", "1")
}

/// The runtime ends, or the app has answered before the login was complete.
fn broken_off(error: StoreError) -> AuthFailure {
    let mut receipt = Recorder::new();
    let reason = FailureReason::Session(SessionError::Store(error));
    let failed = receipt.check("session", "RFC 6265 §6.1", Err::<(), _>(reason.clone()));
    AuthFailure::new(failed.err().unwrap_or(reason), None, receipt)
}
