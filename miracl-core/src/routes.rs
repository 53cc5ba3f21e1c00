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

/// Returns the parameters of a request: the form of a `POST`, else the query. A body that is no form has no parameters.
///
/// `None` when the body could not be read.
fn parameters<'a>(request: &impl RequestView, body: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
    if request.method() != "POST" {
        return Some(query(request).into_bytes().into());
    }
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        body.map(Cow::Borrowed)
    } else {
        Some(Cow::Borrowed(&[]))
    }
}
