//! Handlers that ask who the user is: by the extractor `User` where nobody else may enter, by `Option<User>` where
//! anybody may, and by `Visit` for everything else that concerns the login.
//!
//! To copy it into an app of yours, take the extractors. Nothing here knows of tokens or cookies. A handler that asks
//! for neither, like [`public`], pays nothing for the login.

use std::collections::HashMap;
use std::error::Error;

use axum::extract::{Form, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Json, Redirect, Response};
use demo_shared::{Page, UsersError, account, chain};
use miracl_axum::{Category, RefreshError, SessionError, User, Visit};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;

/// `GET /`: the page of the Tornado sample. With `?return_to=/path` its login comes back to that path.
pub(crate) async fn index(
    State(app): State<App>,
    visit: Visit,
    user: Option<User>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let flashes = visit.take_flashes().await;
    if let Some(user) = user {
        return html(app.pages.account(&flashes, &user));
    }
    let return_to = query.get("return_to").map(String::as_str);
    let login = app.pages.login_button(&visit, return_to).await;
    html(app.pages.welcome(&flashes, &login))
}

/// `GET /members`: for logged-in people, by the layer in `app.rs`. Others are sent to log in and come back here.
pub(crate) async fn members(State(app): State<App>, visit: Visit, user: User) -> Response {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => html(app.pages.members(&flashes, &user, name.as_deref())),
        Err(error) => out_of_order(&app, &error),
    }
}

/// `GET /profile`: for logged-in people, by the extractor `User`.
pub(crate) async fn profile(State(app): State<App>, visit: Visit, user: User) -> Response {
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
pub(crate) async fn save_profile(
    State(app): State<App>,
    visit: Visit,
    user: User,
    Form(profile): Form<Profile>,
) -> Response {
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
    Redirect::to(&visit.miracl().link_to("/profile")).into_response()
}

/// `GET /devices`: where this person is logged in. Only a store has a list of sessions.
pub(crate) async fn devices(State(app): State<App>, visit: Visit, user: User) -> Response {
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

/// `POST /devices/end`: logs out one other device of this person. Nobody can name a device of another person.
pub(crate) async fn end_device(
    State(app): State<App>,
    visit: Visit,
    _: User,
    Form(device): Form<Device>,
) -> Response {
    match visit.end_other_session(&device.id).await {
        Ok(true) => visit.flash(Category::Success, "The device is logged out."),
        Ok(false) => visit.flash(Category::Info, "That device is not logged in any more."),
        // The page says so.
        Err(SessionError::NotListed) => {}
        Err(error) => return out_of_order(&app, &error),
    }
    Redirect::to(&visit.miracl().link_to("/devices")).into_response()
}

/// `POST /devices/end-others`: logs out every other device of this person.
pub(crate) async fn end_other_devices(State(app): State<App>, visit: Visit, _: User) -> Response {
    match visit.end_other_sessions().await {
        Ok(0) => visit.flash(Category::Info, "No other device is logged in."),
        Ok(_) => visit.flash(Category::Success, "All other devices are logged out."),
        Err(SessionError::NotListed) => {}
        Err(error) => return out_of_order(&app, &error),
    }
    Redirect::to(&visit.miracl().link_to("/devices")).into_response()
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
    Redirect::to(&visit.miracl().link_to("/")).into_response()
}

/// `GET /me`: an API for scripts. It answers 401 and never redirects, since a script could not follow to a login page.
pub(crate) async fn me(visit: Visit) -> (StatusCode, Json<Value>) {
    match about_me(&visit).await {
        Ok(Some(me)) => (StatusCode::OK, Json(me)),
        Ok(None) => (
            StatusCode::UNAUTHORIZED,
            Json(json!({ "error": "login_required" })),
        ),
        // Not the same as being logged out: a script should try again, not ask its user to log in.
        Err(error) => {
            tracing::error!(error = chain(&error), "the session cannot be read");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({ "error": "temporarily_unavailable" })),
            )
        }
    }
}

async fn about_me(visit: &Visit) -> Result<Option<Value>, SessionError> {
    // An API would call the provider's API here. An access token that has expired is renewed.
    visit.tokens().await?;
    let (Some(user), Some(data)) = (visit.user().await?, visit.user_data().await?) else {
        return Ok(None);
    };
    Ok(Some(account::me(&user, &data)))
}

/// `GET /whoami`: the least that a handler can do with a user.
pub(crate) async fn whoami(user: Option<User>) -> Response {
    match user {
        Some(user) => user.email().unwrap_or_default().to_owned().into_response(),
        None => (StatusCode::UNAUTHORIZED, "You are not logged in.").into_response(),
    }
}

/// `GET /public`: asks the login nothing, and so pays nothing for it.
pub(crate) async fn public() -> Html<&'static str> {
    Html(demo_shared::PUBLIC)
}

/// `GET /health`: that the program answers, for a container's health check. It asks the login nothing.
pub(crate) async fn health() -> &'static str {
    "This program is running."
}

/// `GET /style.css`.
pub(crate) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, demo_shared::STYLE).into_response()
}

/// Every other address.
pub(crate) async fn not_found(State(app): State<App>, user: Option<User>) -> Response {
    html(app.pages.not_found(user.as_deref()))
}

/// Answers with a page.
pub(crate) fn html(page: Page) -> Response {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, AppendHeaders(page.headers), Html(page.html)).into_response()
}

/// The answer when the app's own database or the store of the sessions does not answer.
pub(crate) fn out_of_order(app: &App, error: &dyn Error) -> Response {
    tracing::error!(error = chain(error), "a page cannot be answered");
    html(app.pages.unavailable())
}
