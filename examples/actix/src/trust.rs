//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own, and that front end.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the extractor `ProjectUser`.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path, Redirect};
use actix_web::{HttpResponse, Responder};
use demo_shared::trust::{self, Registration, Signed};
use miracl_actix::trust::VerificationOptions;
use miracl_actix::{Category, ProjectUser, User, Visit};
use serde_json::Value;

use crate::app::App;
use crate::pages::html;

/// `POST /devices/add`: registers this person once more. The app knows who they are, since they are logged in. An app
/// with means of its own would verify them here.
pub(crate) async fn add_device(visit: Visit, user: User) -> Redirect {
    let url = visit.verification_url(user.id(), VerificationOptions::default());
    let to = url.await.unwrap_or_else(|error| {
        visit.flash(Category::Warning, trust::no_device(&error));
        visit.miracl().link_to("/devices")
    });
    Redirect::to(to).see_other()
}

/// `POST /documents/verify`: says whether a signature is valid.
pub(crate) async fn verify(visit: Visit, signed: Json<Signed>) -> (Json<Value>, StatusCode) {
    let (status, answer) = signed.verify(visit.miracl()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (Json(answer), status)
}

/// `GET /api/me`: an API that is called with a JWT of the project, without a session.
pub(crate) async fn me(user: ProjectUser) -> Json<Value> {
    Json(trust::me(&user))
}

/// `GET /trust`: what there is to try.
pub(crate) async fn overview(app: Data<App>, visit: Visit, user: Option<User>) -> HttpResponse {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(None, &flashes, user.as_deref()))
}

/// `GET /trust/{page}`: a front end of the app's own, for a login, a signature or the API.
pub(crate) async fn page(
    app: Data<App>,
    visit: Visit,
    user: Option<User>,
    page: Path<String>,
) -> HttpResponse {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(Some(&page), &flashes, user.as_deref()))
}

/// `POST /trust/register`: makes sure of a person by a code, and returns the link by which that front end registers
/// them.
pub(crate) async fn register(
    app: Data<App>,
    visit: Visit,
    registration: Json<Registration>,
) -> (Json<Value>, StatusCode) {
    let (status, answer) = registration.next(&app.codes, visit.miracl()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (Json(answer), status)
}

/// `GET /trust.js`.
pub(crate) async fn script() -> impl Responder {
    script_of(demo_shared::TRUST_SCRIPT)
}

/// `GET /mpin.js`.
pub(crate) async fn mpin() -> impl Responder {
    script_of(demo_shared::MPIN_SCRIPT)
}

fn script_of(text: &'static str) -> impl Responder {
    text.customize()
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
}
