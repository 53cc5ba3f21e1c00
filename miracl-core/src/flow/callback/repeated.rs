//! A callback that one browser sends twice at once: by a double click, by preloading, by a proxy that tries again. The
//! second waits for the first and is sent where that one was, without its cookies. So a code is sent once, and one
//! session begins.
//!
//! Only who shows the same pending login's cookie waits. Who knows the callback's address alone is refused at once.

use std::sync::Arc;

use tokio::time::timeout;

use crate::{
    engine::callbacks::{Ended, Turn},
    exchange::{Exchange, Leading},
    flow::{
        answer::Answer,
        callback::{
            complete_login,
            response::{AuthorizationResponse, Callback},
            single_use,
        },
        hook::AuthFailure,
    },
    web::reply::Reply,
};

/// Answers the callback's route: completes the login, or waits for the callback that does.
pub(crate) async fn answer(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Answer {
    if let Some(answer) = answer_of_first(exchange, callback).await {
        return answer;
    }
    match complete_login(exchange, callback).await {
        Ok(login) => {
            if let Some(leading) = &mut exchange.lock().leading {
                leading.location = login.return_to().to_owned();
            }
            Answer::Success(login)
        }
        Err(failure) => {
            failure.tell_others(exchange);
            Answer::Failure(failure)
        }
    }
}

/// Waits for the callback of the same login that came first. `None` where there is none, or where this one must answer
/// for itself.
async fn answer_of_first(exchange: &Arc<Exchange>, callback: Callback<'_>) -> Option<Answer> {
    let engine = &exchange.engine;
    let response = AuthorizationResponse::parse(callback.parameters).ok()?;
    let login = single_use::shown(exchange, response.state.as_deref()).await?;
    let wait = match engine
        .callbacks
        .take_turn(login, callback.parameters.unwrap_or_default())
    {
        Turn::First(lead) => {
            let leading = Leading {
                lead,
                confirmed: false,
                status: 303,
                location: String::new(),
            };
            let before = exchange.lock().leading.replace(Box::new(leading));
            drop(before);
            return None;
        }
        Turn::Later(wait) => wait,
        Turn::Full => return None,
    };
    exchange.touch();
    tracing::debug!("a callback was sent twice at once: the second waits for the first");
    // As long as the requests may take that the first makes: for metadata, tokens, keys and userinfo.
    let limit = 4 * engine.config.request_timeout;
    let ended = engine.runtime.poll(timeout(limit, wait.ended())).await;
    match ended.ok()?? {
        Ended::Sent { status, location } => Some(Answer::Reply(
            Reply::empty(status).with("location", location),
        )),
        failed @ Ended::Failed { .. } => AuthFailure::of_other(failed).map(Answer::Failure),
    }
}
