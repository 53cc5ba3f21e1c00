//! Handlers that ask who the user is: by the request guard `User` where nobody else may enter, by `Option<User>` where
//! anybody may, and by `Visit` for everything else that concerns the login.
//!
//! To copy it into an app of yours, take the guards. Nothing here knows of tokens or cookies. A handler that asks
//! for neither, like [`public`], pays nothing for the login.

use std::error::Error;
use std::io::Cursor;

use demo_shared::{Page, UsersError, account, chain};
use miracl_rocket::{Category, RefreshError, RequestExt, SessionError, User, Visit};
use rocket::form::{Form, FromForm};
use rocket::http::{ContentType, Header, Status};
use rocket::response::{self, Redirect, Responder, Response, content::RawHtml};
use rocket::serde::json::Json;
use rocket::{Request, State, catch, get, post};
use serde_json::{Value, json};

use crate::app::App;

/// `GET /`: the page of the Tornado sample. With `?return_to=/path` its login comes back to that path.
#[get("/?<return_to>")]
pub(crate) async fn index(
    app: &State<App>,
    visit: Visit,
    user: Option<User>,
    return_to: Option<&str>,
) -> Html {
    let flashes = visit.take_flashes().await;
    if let Some(user) = user {
        return html(app.pages.account(&flashes, &user));
    }
    let login = app.pages.login_button(&visit, return_to).await;
    html(app.pages.welcome(&flashes, &login))
}

/// `GET /members`: for logged-in people, by the guard `User`. Others are sent to log in and come back here.
#[get("/members")]
pub(crate) async fn members(app: &State<App>, visit: Visit, user: User) -> Result<Html, Status> {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => Ok(html(app.pages.members(&flashes, &user, name.as_deref()))),
        Err(error) => Err(out_of_order(&error)),
    }
}

/// `GET /profile`: for logged-in people, by the guard `User`.
#[get("/profile")]
pub(crate) async fn profile(app: &State<App>, visit: Visit, user: User) -> Result<Html, Status> {
    let flashes = visit.take_flashes().await;
    match app.users.display_name(user.issuer(), user.id()).await {
        Ok(name) => Ok(html(app.pages.profile(&flashes, &user, name.as_deref()))),
        Err(error) => Err(out_of_order(&error)),
    }
}

/// What the profile form sends.
#[derive(Debug, FromForm)]
pub(crate) struct Profile {
    display_name: String,
}

/// `POST /profile`. Forms on other sites cannot send it: the fairing refuses them before they come here.
#[post("/profile", data = "<profile>")]
pub(crate) async fn save_profile(
    app: &State<App>,
    visit: Visit,
    user: User,
    profile: Form<Profile>,
) -> Result<Redirect, Status> {
    let saved = app
        .users
        .set_display_name(user.issuer(), user.id(), &profile.display_name);
    match saved.await {
        Ok(()) => visit.flash(Category::Success, "Saved."),
        Err(error @ UsersError::NameTooLong) => {
            visit.flash(Category::Warning, format!("Not saved: {error}."))
        }
        Err(error) => return Err(out_of_order(&error)),
    }
    Ok(Redirect::to(visit.miracl().link_to("/profile")))
}

/// `GET /devices`: where this person is logged in. Only a store has a list of sessions.
#[get("/devices")]
pub(crate) async fn devices(app: &State<App>, visit: Visit, user: User) -> Result<Html, Status> {
    let flashes = visit.take_flashes().await;
    match visit.sessions().await {
        Ok(sessions) => Ok(html(app.pages.devices(&flashes, &user, &sessions))),
        Err(SessionError::NotListed) => Ok(html(app.pages.no_devices(&flashes, &user))),
        Err(error) => Err(out_of_order(&error)),
    }
}

/// What the button of a device sends.
#[derive(Debug, FromForm)]
pub(crate) struct Device {
    id: String,
}

/// `POST /devices/end`: logs out one other device of this person. Nobody can name a device of another person.
#[post("/devices/end", data = "<device>")]
pub(crate) async fn end_device(
    visit: Visit,
    _user: User,
    device: Form<Device>,
) -> Result<Redirect, Status> {
    match visit.end_other_session(&device.id).await {
        Ok(true) => visit.flash(Category::Success, "The device is logged out."),
        Ok(false) => visit.flash(Category::Info, "That device is not logged in any more."),
        // The page says so.
        Err(SessionError::NotListed) => {}
        Err(error) => return Err(out_of_order(&error)),
    }
    Ok(Redirect::to(visit.miracl().link_to("/devices")))
}

/// `POST /devices/end-others`: logs out every other device of this person.
#[post("/devices/end-others")]
pub(crate) async fn end_other_devices(visit: Visit, _user: User) -> Result<Redirect, Status> {
    match visit.end_other_sessions().await {
        Ok(0) => visit.flash(Category::Info, "No other device is logged in."),
        Ok(_) => visit.flash(Category::Success, "All other devices are logged out."),
        Err(SessionError::NotListed) => {}
        Err(error) => return Err(out_of_order(&error)),
    }
    Ok(Redirect::to(visit.miracl().link_to("/devices")))
}

/// `GET /refresh`: fetches the user data again. While the provider is ill, the old data stays.
#[get("/refresh")]
pub(crate) async fn refresh(visit: Visit) -> Result<Redirect, Status> {
    if visit.is_prefetch() {
        // Browsers keep other answers, and show them when the person clicks.
        return Err(Status::ServiceUnavailable);
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
    Ok(Redirect::to(visit.miracl().link_to("/")))
}

/// `GET /me`: an API for scripts. It answers 401 and never redirects, since a script could not follow to a login page.
#[get("/me")]
pub(crate) async fn me(visit: Visit) -> (Status, Json<Value>) {
    match about_me(&visit).await {
        Ok(Some(me)) => (Status::Ok, Json(me)),
        Ok(None) => (
            Status::Unauthorized,
            Json(json!({ "error": "login_required" })),
        ),
        // Not the same as being logged out: a script should try again, not ask its user to log in.
        Err(error) => {
            tracing::error!(error = chain(&error), "the session cannot be read");
            (
                Status::ServiceUnavailable,
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
#[get("/whoami")]
pub(crate) async fn whoami(user: Option<User>) -> Result<String, (Status, &'static str)> {
    match user {
        Some(user) => Ok(user.email().unwrap_or_default().to_owned()),
        None => Err((Status::Unauthorized, "You are not logged in.")),
    }
}

/// `GET /public`: asks the login nothing, and so pays nothing for it.
#[get("/public")]
pub(crate) async fn public() -> RawHtml<&'static str> {
    RawHtml(demo_shared::PUBLIC)
}

/// `GET /health`: that the program answers, for a container's health check. It asks the login nothing.
#[get("/health")]
pub(crate) async fn health() -> &'static str {
    "This program is running."
}

/// `GET /style.css`.
#[get("/style.css")]
pub(crate) async fn style() -> Style {
    Style(demo_shared::STYLE, Header::new("Cache-Control", "no-cache"))
}

#[derive(Responder)]
#[response(content_type = "css")]
pub(crate) struct Style(&'static str, Header<'static>);

/// Every other address.
#[catch(404)]
pub(crate) async fn not_found(request: &Request<'_>) -> Option<Html> {
    let app = request.rocket().state::<App>()?;
    let user = request.visit().user().await.ok().flatten();
    Some(html(app.pages.not_found(user.as_ref())))
}

/// Where the app's own database did not answer, or the store of the sessions.
#[catch(503)]
pub(crate) async fn unavailable(request: &Request<'_>) -> Option<Html> {
    let app = request.rocket().state::<App>()?;
    Some(html(app.pages.unavailable()))
}

/// Answers with a page.
pub(crate) fn html(page: Page) -> Html {
    Html(page)
}

#[derive(Debug)]
pub(crate) struct Html(Page);

impl<'r> Responder<'r, 'static> for Html {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let Self(page) = self;
        let mut response = Response::build();
        response
            .status(Status::new(page.status))
            .header(ContentType::HTML);
        for (name, value) in page.headers {
            response.raw_header_adjoin(name, value);
        }
        response.sized_body(page.html.len(), Cursor::new(page.html));
        response.ok()
    }
}

/// Answers when the app's own database does not, or the store of the sessions: by the catcher [`unavailable`].
pub(crate) fn out_of_order(error: &dyn Error) -> Status {
    tracing::error!(error = chain(error), "a page cannot be answered");
    Status::ServiceUnavailable
}
