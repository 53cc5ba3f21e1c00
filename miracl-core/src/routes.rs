//! Which route does what.

use std::{borrow::Cow, sync::Arc};

use crate::{
    exchange::Exchange,
    flow::{
        answer::Answer,
        app_login, backchannel,
        callback::{Callback, repeated},
        frontchannel, initiate, jwt_login,
        login::{self, Started},
        logout, session_route, verify_user,
    },
    web::{
        body::{Unread, is_form},
        page::{Page, PageKind},
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
        Ok(Started::Reply(reply)) => Answer::Reply(reply),
        Ok(Started::Ready(start)) => Answer::Starting(start),
        Err(failure) => Answer::Failure(failure),
    };
    if let Some(unread @ (Unread::Late | Unread::Broken)) = exchange.unread() {
        return Answer::Reply(not_arrived(exchange, route, unread));
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
        Route::LoginJwt => jwt_login::answer(exchange, request, body).await,
        Route::AppLoginUrl => Answer::Reply(app_login::answer_url(exchange).await),
        Route::AppToken => Answer::Reply(app_login::answer_token(exchange, request, body).await),
        Route::VerifyUser => verify_user::read(exchange, request, body)
            .map_or_else(Answer::Reply, Answer::VerifyUser),
        Route::Session => Answer::Reply(session_route::answer(exchange, request).await),
        Route::SessionRefresh => {
            Answer::Reply(session_route::answer_refresh(exchange, request).await)
        }
        Route::SignedOut => Answer::Reply(logout::signed_out(exchange)),
    }
}

/// The answer to a body that did not arrive, in time or at all. Nothing has happened: the login is still under way.
fn not_arrived(exchange: &Exchange, route: Route, unread: Unread) -> Reply {
    exchange.touch();
    let (status, title, sentence) = match unread {
        Unread::Late => (
            408,
            "That took too long",
            "What your browser sent did not arrive in time. Please try again.",
        ),
        Unread::Broken | Unread::TooLong => (
            400,
            "That broke off",
            "What your browser sent did not arrive whole. Please try again.",
        ),
    };
    tracing::info!(?route, ?unread, "the body of a request did not arrive");
    match route {
        Route::BackChannelLogout => Reply::empty(status),
        _ => exchange.show(Page::new(PageKind::NotArrived, status, title, sentence)),
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
