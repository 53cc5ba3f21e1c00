//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the guard `ProjectUser`.

use demo_shared::trust::{self, Signed};
use miracl_rocket::trust::VerificationOptions;
use miracl_rocket::{Category, ProjectUser, User, Visit};
use rocket::http::Status;
use rocket::response::Redirect;
use rocket::serde::json::Json;
use rocket::{get, post};
use serde_json::Value;

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
