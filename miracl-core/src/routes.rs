//! Which route does what.

use std::{borrow::Cow, sync::Arc};

use crate::{
    exchange::Exchange,
    flow::{
        answer::Answer,
        backchannel,
        callback::{Callback, repeated},
        frontchannel, initiate, login, logout,
    },
    web::{
        body::{Unread, is_form},
        reply::Reply,
        request::{RequestView, query},
        route::Route,
    },
};

/// Does what a route does. `body` is `None` when it was too long or could not be read to its end.
pub(crate) async fn answer(
    exchange: &Arc<Exchange>,
    route: Route,
    request: &impl RequestView,
    body: Option<&[u8]>,
) -> Answer {
    let start = |started| match started {
        Ok(reply) => Answer::Reply(reply),
        Err(failure) => Answer::Failure(failure),
    };
    if exchange.unread() == Some(Unread::Late) {
        return Answer::Reply(late(exchange, route));
    }
    match route {
        Route::Callback => {
            if let Some(nothing) = exchange.changes_nothing_reply() {
                return Answer::Reply(nothing);
            }
            let parameters = parameters(request, body);
            let callback = Callback {
                parameters: parameters.as_deref(),
                posted: request.method() == "POST",
            };
            repeated::answer(exchange, callback).await
        }
        Route::LoginStart => start(login::start_login(exchange, request).await),
        Route::LoginInitiate => {
            let parameters = parameters(request, body);
            start(initiate::initiate_login(exchange, request, parameters.as_deref()).await)
        }
        Route::Logout => logout::log_out(exchange, request).await,
        Route::BackChannelLogout => {
            let parameters = parameters(request, body);
            backchannel::backchannel_logout(exchange, parameters.as_deref()).await
        }
        Route::FrontChannelLogout => {
            frontchannel::frontchannel_logout(exchange, request, &query(request)).await
        }
        Route::SignedOut => Answer::Reply(logout::signed_out(exchange)),
    }
}

/// The answer to a body that did not arrive in time. Nothing has happened: the login is still under way.
fn late(exchange: &Exchange, route: Route) -> Reply {
    exchange.touch();
    tracing::info!(?route, "the body of a request did not arrive in time");
    match route {
        Route::BackChannelLogout => Reply::empty(408),
        _ => Reply::page(
            408,
            "That took too long",
            "What your browser sent did not arrive in time. Please try again.",
            "",
        ),
    }
}

/// Returns the parameters of a request: the form of a `POST`, else the query. A body that is no form has no parameters.
///
/// `None` when the body could not be read.
fn parameters<'a>(request: &impl RequestView, body: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
    if request.method() != "POST" {
        return Some(query(request).into_bytes().into());
    }
    if is_form(request) {
        body.map(Cow::Borrowed)
    } else {
        Some(Cow::Borrowed(&[]))
    }
}
