//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own, and that front end.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the filter `project_user`.

use demo_shared::trust::{self, Registration, Signed};
use miracl_warp::trust::VerificationOptions;
use miracl_warp::{Category, ProjectUser, User, Visit};
use warp::Reply;
use warp::http::{StatusCode, header};
use warp::reply::{Response, with_header, with_status};

use crate::app::App;
use crate::pages::{html, redirect};

/// `POST /devices/add`: registers this person once more. The app knows who they are, since they are logged in. An app
/// with means of its own would verify them here.
pub(crate) async fn add_device(visit: Visit, user: User) -> Response {
    let url = visit.verification_url(user.id(), VerificationOptions::default());
    let to = url.await.unwrap_or_else(|error| {
        visit.flash(Category::Warning, trust::no_device(&error));
        visit.miracl().link_to("/devices")
    });
    redirect(&to)
}

/// `POST /documents/verify`: says whether a signature is valid.
pub(crate) async fn verify(visit: Visit, signed: Signed) -> impl Reply {
    let (status, answer) = signed.verify(visit.miracl()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    with_status(warp::reply::json(&answer), status)
}

/// `GET /api/me`: an API that is called with a JWT of the project, without a session.
pub(crate) fn me(user: &ProjectUser) -> impl Reply + use<> {
    warp::reply::json(&trust::me(user))
}

/// `GET /trust`: what there is to try.
pub(crate) async fn overview(app: App, visit: Visit, user: Option<User>) -> Response {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(None, &flashes, user.as_deref()))
}

/// `GET /trust/{page}`: a front end of the app's own, for a login, a signature or the API.
pub(crate) async fn page(page: String, app: App, visit: Visit, user: Option<User>) -> Response {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(Some(&page), &flashes, user.as_deref()))
}

/// `POST /trust/register`: makes sure of a person by a code, and returns the link by which that front end registers
/// them.
pub(crate) async fn register(app: App, visit: Visit, registration: Registration) -> impl Reply {
    let (status, answer) = registration.next(&app.codes, visit.miracl()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    with_status(warp::reply::json(&answer), status)
}

/// `GET /trust.js`.
pub(crate) fn script() -> impl Reply {
    script_of(demo_shared::TRUST_SCRIPT)
}

/// `GET /mpin.js`.
pub(crate) fn mpin() -> impl Reply {
    script_of(demo_shared::MPIN_SCRIPT)
}

fn script_of(text: &'static str) -> impl Reply {
    let script = with_header(text, header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    with_header(script, header::CACHE_CONTROL, "no-cache")
}
