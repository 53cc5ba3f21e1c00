//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own, and that front end.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the guard `ProjectUser`.

use demo_shared::trust::{self, Registration, Signed};
use miracl_rocket::trust::VerificationOptions;
use miracl_rocket::{Category, ProjectUser, User, Visit};
use rocket::http::{Header, Status};
use rocket::response::{Redirect, Responder};
use rocket::serde::json::Json;
use rocket::{State, get, post};
use serde_json::Value;

use crate::app::App;
use crate::pages::{Html, html};

/// `POST /devices/add`: registers this person once more. The app knows who they are, since they are logged in. An app
/// with means of its own would verify them here.
#[post("/devices/add")]
pub(crate) async fn add_device(visit: Visit, user: User) -> Redirect {
    let url = visit.verification_url(user.id(), VerificationOptions::default());
    let to = url.await.unwrap_or_else(|error| {
        visit.flash(Category::Warning, trust::no_device(&error));
        visit.miracl().link_to("/devices")
    });
    Redirect::to(to)
}

/// `POST /documents/verify`: says whether a signature is valid.
#[post("/documents/verify", data = "<signed>")]
pub(crate) async fn verify(visit: Visit, signed: Json<Signed>) -> (Status, Json<Value>) {
    let (status, answer) = signed.verify(visit.miracl()).await;
    (Status::new(status), Json(answer))
}

/// `GET /api/me`: an API that is called with a JWT of the project, without a session.
#[get("/api/me")]
pub(crate) async fn me(user: ProjectUser) -> Json<Value> {
    Json(trust::me(&user))
}

/// `GET /trust`: what there is to try.
#[get("/trust")]
pub(crate) async fn overview(app: &State<App>, visit: Visit, user: Option<User>) -> Html {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(None, &flashes, user.as_deref()))
}

/// `GET /trust/<page>`: a front end of the app's own, for a login, a signature or the API.
#[get("/trust/<page>")]
pub(crate) async fn page(app: &State<App>, visit: Visit, user: Option<User>, page: &str) -> Html {
    let flashes = visit.take_flashes().await;
    html(app.pages.trust(Some(page), &flashes, user.as_deref()))
}

/// `POST /trust/register`: makes sure of a person by a code, and returns the link by which that front end registers
/// them.
#[post("/trust/register", data = "<registration>")]
pub(crate) async fn register(
    app: &State<App>,
    visit: Visit,
    registration: Json<Registration>,
) -> (Status, Json<Value>) {
    let (status, answer) = registration.next(&app.codes, visit.miracl()).await;
    (Status::new(status), Json(answer))
}

/// `GET /trust.js`.
#[get("/trust.js")]
pub(crate) async fn script() -> Script {
    Script(
        demo_shared::TRUST_SCRIPT,
        Header::new("Cache-Control", "no-cache"),
    )
}

/// `GET /mpin.js`.
#[get("/mpin.js")]
pub(crate) async fn mpin() -> Script {
    Script(
        demo_shared::MPIN_SCRIPT,
        Header::new("Cache-Control", "no-cache"),
    )
}

#[derive(Responder)]
#[response(content_type = "js")]
pub(crate) struct Script(&'static str, Header<'static>);
