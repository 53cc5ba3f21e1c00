//! Handlers that ask who the user is: by the extractor `User` where nobody else may enter, by `Option<User>` where
//! anybody may, and by `Visit` for everything else that concerns the login.
//!
//! To copy it into an app of yours, take the extractors. Nothing here knows of tokens or cookies. A handler that asks
//! for neither, like [`public`], pays nothing for the login.

use std::collections::HashMap;
use std::error::Error;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Form, Html, Json, Query, Redirect};
use actix_web::{Either, HttpResponse, Responder};
use demo_shared::{Page, UsersError, account, chain};
use miracl_actix::{Category, RefreshError, SessionError, User, Visit};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;

/// `GET /`: the page of the Tornado sample. With `?return_to=/path` its login comes back to that path.
pub(crate) async fn index(
    app: Data<App>,
    visit: Visit,
    user: Option<User>,
    query: Query<HashMap<String, String>>,
) -> HttpResponse {
    let flashes = visit.take_flashes().await;
    if let Some(user) = user {
        return html(app.pages.account(&flashes, &user));
    }
    let return_to = query.get("return_to").map(String::as_str);
    let login = app.pages.login_button(&visit, return_to).await;
    html(app.pages.welcome(&flashes, &login))
}

/// `GET /members`: for logged-in people, by the layer in `app.rs`. Others are sent to log in and come back here.
pub(crate) async fn members(app: Data<App>, visit: Visit, user: User) -> HttpResponse {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => html(app.pages.members(&flashes, &user, name.as_deref())),
        Err(error) => out_of_order(&app, &error),
    }
}

/// `GET /profile`: for logged-in people, by the extractor `User`.
pub(crate) async fn profile(app: Data<App>, visit: Visit, user: User) -> HttpResponse {
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
    app: Data<App>,
    visit: Visit,
    user: User,
    profile: Form<Profile>,
) -> Either<Redirect, HttpResponse> {
    let saved = app
        .users
        .set_display_name(user.issuer(), user.id(), &profile.display_name);
    match saved.await {
        Ok(()) => visit.flash(Category::Success, "Saved."),
        Err(error @ UsersError::NameTooLong) => {
            visit.flash(Category::Warning, format!("Not saved: {error}."))
        }
        Err(error) => return Either::Right(out_of_order(&app, &error)),
    }
    Either::Left(Redirect::to(visit.miracl().link_to("/profile")).see_other())
}

/// `GET /devices`: where this person is logged in. Only a store has a list of sessions.
pub(crate) async fn devices(app: Data<App>, visit: Visit, user: User) -> HttpResponse {
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
    app: Data<App>,
    visit: Visit,
    _: User,
    device: Form<Device>,
) -> Either<Redirect, HttpResponse> {
    match visit.end_other_session(&device.id).await {
        Ok(true) => visit.flash(Category::Success, "The device is logged out."),
        Ok(false) => visit.flash(Category::Info, "That device is not logged in any more."),
        // The page says so.
        Err(SessionError::NotListed) => {}
        Err(error) => return Either::Right(out_of_order(&app, &error)),
    }
    Either::Left(Redirect::to(visit.miracl().link_to("/devices")).see_other())
}

/// `POST /devices/end-others`: logs out every other device of this person.
pub(crate) async fn end_other_devices(
    app: Data<App>,
    visit: Visit,
    _: User,
) -> Either<Redirect, HttpResponse> {
    match visit.end_other_sessions().await {
        Ok(0) => visit.flash(Category::Info, "No other device is logged in."),
        Ok(_) => visit.flash(Category::Success, "All other devices are logged out."),
        Err(SessionError::NotListed) => {}
        Err(error) => return Either::Right(out_of_order(&app, &error)),
    }
    Either::Left(Redirect::to(visit.miracl().link_to("/devices")).see_other())
}

/// `GET /refresh`: fetches the user data again. While the provider is ill, the old data stays.
pub(crate) async fn refresh(visit: Visit) -> Either<Redirect, (&'static str, StatusCode)> {
    if visit.is_prefetch() {
        // Browsers keep other answers, and show them when the person clicks.
        return Either::Right(("", StatusCode::SERVICE_UNAVAILABLE));
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
    Either::Left(Redirect::to(visit.miracl().link_to("/")).see_other())
}

/// `GET /me`: an API for scripts. It answers 401 and never redirects, since a script could not follow to a login page.
pub(crate) async fn me(visit: Visit) -> (Json<Value>, StatusCode) {
    match about_me(&visit).await {
        Ok(Some(me)) => (Json(me), StatusCode::OK),
        Ok(None) => (
            Json(json!({ "error": "login_required" })),
            StatusCode::UNAUTHORIZED,
        ),
        // Not the same as being logged out: a script should try again, not ask its user to log in.
        Err(error) => {
            tracing::error!(error = chain(&error), "the session cannot be read");
            (
                Json(json!({ "error": "temporarily_unavailable" })),
                StatusCode::SERVICE_UNAVAILABLE,
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
pub(crate) async fn whoami(user: Option<User>) -> (String, StatusCode) {
    match user {
        Some(user) => (user.email().unwrap_or_default().to_owned(), StatusCode::OK),
        None => (
            "You are not logged in.".to_owned(),
            StatusCode::UNAUTHORIZED,
        ),
    }
}

/// `GET /public`: asks the login nothing, and so pays nothing for it.
pub(crate) async fn public() -> Html {
    Html::new(demo_shared::PUBLIC)
}

/// `GET /health`: that the program answers, for a container's health check. It asks the login nothing.
pub(crate) async fn health() -> &'static str {
    "This program is running."
}

/// `GET /style.css`.
pub(crate) async fn style() -> impl Responder {
    demo_shared::STYLE
        .customize()
        .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
}

/// Every other address.
pub(crate) async fn not_found(app: Data<App>, user: Option<User>) -> HttpResponse {
    html(app.pages.not_found(user.as_deref()))
}

/// Answers with a page.
pub(crate) fn html(page: Page) -> HttpResponse {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in page.headers {
        response.append_header(header);
    }
    response
        .content_type(header::ContentType::html())
        .body(page.html)
}

/// The answer when the app's own database or the store of the sessions does not answer.
pub(crate) fn out_of_order(app: &App, error: &dyn Error) -> HttpResponse {
    tracing::error!(error = chain(error), "a page cannot be answered");
    html(app.pages.unavailable())
}
