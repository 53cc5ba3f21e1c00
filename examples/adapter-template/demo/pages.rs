//! Handlers that are told who the user is: by the filter `user` where nobody else may enter, by `optional_user` where
//! anybody may, and by `visit` for everything else that concerns the login.
//!
//! To copy it into an app of yours, take what comes from the filters in `app.rs`. Nothing here knows of tokens or
//! cookies. A handler that asks for neither, like [`public`], costs no login a thing.

use std::collections::HashMap;
use std::error::Error;

use demo_shared::{Page, UsersError, account, chain};
use miracl_warp::{Category, RefreshError, SessionError, User, Visit};
use serde::Deserialize;
use serde_json::{Value, json};
use warp::Reply;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reject::Reject;
use warp::reply::{Response, with_header, with_status};

use crate::app::App;

/// `GET /`: the page of the Tornado sample. With `?return_to=/path` its login comes back to that path.
pub(crate) async fn index(
    app: App,
    visit: Visit,
    user: Option<User>,
    query: HashMap<String, String>,
) -> Response {
    let flashes = visit.take_flashes().await;
    if let Some(user) = user {
        return html(app.pages.account(&flashes, &user));
    }
    let return_to = query.get("return_to").map(String::as_str);
    let login = app.pages.login_button(&visit, return_to).await;
    html(app.pages.welcome(&flashes, &login))
}

/// `GET /members`: for logged-in people, by `login_required` in `app.rs`. Others are sent to log in and come back here.
pub(crate) async fn members(app: App, visit: Visit, user: User) -> Response {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => html(app.pages.members(&flashes, &user, name.as_deref())),
        Err(error) => out_of_order(&app, &error),
    }
}

/// `GET /profile`: for logged-in people, by the filter `user`.
pub(crate) async fn profile(app: App, visit: Visit, user: User) -> Response {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => html(app.pages.profile(&flashes, &user, name.as_deref())),
        Err(error) => out_of_order(&app, &error),
    }
}

/// What the profile form sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    display_name: String,
}

/// `POST /profile`. Forms on other sites cannot send it: the layer refuses them before they come here.
pub(crate) async fn save_profile(app: App, visit: Visit, user: User, profile: Profile) -> Response {
    let saved = app
        .users
        .set_display_name(user.issuer(), user.id(), &profile.display_name);
    match saved.await {
        Ok(()) => visit.flash(Category::Success, "Saved."),
        Err(error @ UsersError::NameTooLong) => {
            visit.flash(Category::Warning, format!("Not saved: {error}."))
        }
        Err(error) => return out_of_order(&app, &error),
    }
    redirect(&visit.miracl().link_to("/profile"))
}

/// `GET /devices`: where this person is logged in, as far as that is known: only a store has a list of sessions.
pub(crate) async fn devices(app: App, visit: Visit, user: User) -> Response {
    let flashes = visit.take_flashes().await;
    match visit.sessions().await {
        Ok(sessions) => html(app.pages.devices(&flashes, &user, &sessions)),
        Err(SessionError::NotListed) => html(app.pages.no_devices(&flashes, &user)),
        Err(error) => out_of_order(&app, &error),
    }
}

/// What the button of a device sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    id: String,
}

/// `POST /devices/end`: logs out one other device of this person's. Nobody can name one of somebody else's.
pub(crate) async fn end_device(app: App, visit: Visit, _: User, device: Device) -> Response {
    match visit.end_other_session(&device.id).await {
        Ok(true) => visit.flash(Category::Success, "The device is logged out."),
        Ok(false) => visit.flash(Category::Info, "That device is not logged in any more."),
        // The page says so.
        Err(SessionError::NotListed) => {}
        Err(error) => return out_of_order(&app, &error),
    }
    redirect(&visit.miracl().link_to("/devices"))
}

/// `POST /devices/end-others`: logs out every other device of this person's.
pub(crate) async fn end_other_devices(app: App, visit: Visit, _: User) -> Response {
    match visit.end_other_sessions().await {
        Ok(0) => visit.flash(Category::Info, "No other device is logged in."),
        Ok(_) => visit.flash(Category::Success, "All other devices are logged out."),
        Err(SessionError::NotListed) => {}
        Err(error) => return out_of_order(&app, &error),
    }
    redirect(&visit.miracl().link_to("/devices"))
}

/// `GET /refresh`: fetches the user data again. While the provider is ill, the old data stays.
pub(crate) async fn refresh(visit: Visit) -> Response {
    if visit.is_prefetch() {
        // Browsers keep other answers, and show them when the person clicks.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match visit.refresh_user_data().await {
        Ok(_) => visit.flash(Category::Success, "User data refreshed."),
        Err(RefreshError::NotLoggedIn) => {}
        Err(RefreshError::Expired | RefreshError::RefreshedIdToken(_)) => {
            visit.flash(
                Category::Warning,
                "Your login has run out. Please log in again.",
            );
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "user data was not fetched again");
            visit.flash(
                Category::Warning,
                "Your user data cannot be fetched at the moment. What you see is as it was.",
            );
        }
    }
    redirect(&visit.miracl().link_to("/"))
}

/// `GET /me`: an API for scripts. It answers 401 and never redirects, since a script could not follow to a login page.
pub(crate) async fn me(visit: Visit) -> impl Reply {
    let (status, me) = match about_me(&visit).await {
        Ok(Some(me)) => (StatusCode::OK, me),
        Ok(None) => (
            StatusCode::UNAUTHORIZED,
            json!({ "error": "login_required" }),
        ),
        // Not the same as being logged out: a script should try again, not ask its user to log in.
        Err(error) => {
            tracing::error!(error = chain(&error), "the session cannot be read");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "error": "temporarily_unavailable" }),
            )
        }
    };
    with_status(warp::reply::json(&me), status)
}

async fn about_me(visit: &Visit) -> Result<Option<Value>, SessionError> {
    // Where an API would call the provider's with the access token: one that has run out is renewed.
    visit.tokens().await?;
    let (Some(user), Some(data)) = (visit.user().await?, visit.user_data().await?) else {
        return Ok(None);
    };
    Ok(Some(account::me(&user, &data)))
}

/// `GET /whoami`: the least that a handler can do with a user.
pub(crate) fn whoami(user: Option<User>) -> Response {
    match user {
        Some(user) => user.email().unwrap_or_default().to_owned().into_response(),
        None => with_status("You are not logged in.", StatusCode::UNAUTHORIZED).into_response(),
    }
}

/// `GET /public`: asks nothing of the login, and so pays nothing for it.
pub(crate) fn public() -> impl Reply {
    warp::reply::html(demo_shared::PUBLIC)
}

/// `GET /health`: that the program answers, for a container's health check. It asks the login nothing.
pub(crate) fn health() -> impl Reply {
    "This program is running."
}

/// `GET /style.css`.
pub(crate) fn style() -> impl Reply {
    let style = with_header(
        demo_shared::STYLE,
        header::CONTENT_TYPE,
        "text/css; charset=utf-8",
    );
    with_header(style, header::CACHE_CONTROL, "no-cache")
}

/// Answers with a page.
pub(crate) fn html(page: Page) -> Response {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = with_status(warp::reply::html(page.html), status).into_response();
    for (name, value) in page.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Sends the browser on with `GET`. `warp::redirect` takes no paths, only URIs.
pub(crate) fn redirect(path: &str) -> Response {
    let redirect = with_status(warp::reply(), StatusCode::SEE_OTHER);
    with_header(redirect, header::LOCATION, path).into_response()
}

/// The rejection when the app's own database does not answer. `recovered` in `app.rs` answers in its place.
#[derive(Debug)]
pub(crate) struct OutOfOrder;

impl Reject for OutOfOrder {}

impl From<UsersError> for OutOfOrder {
    fn from(error: UsersError) -> Self {
        log(&error);
        Self
    }
}

/// Answers when the app's own database does not, or the store of the sessions.
pub(crate) fn out_of_order(app: &App, error: &dyn Error) -> Response {
    log(error);
    html(app.pages.unavailable())
}

fn log(error: &dyn Error) {
    tracing::error!(error = chain(error), "a page cannot be answered");
}
