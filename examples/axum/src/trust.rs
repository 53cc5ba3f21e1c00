//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the extractor `ProjectUser`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Redirect, Response};
use demo_shared::trust::{self, Signed};
use miracl_axum::trust::VerificationOptions;
use miracl_axum::{Category, ProjectUser, User, Visit};
use serde_json::Value;

/// `POST /devices/add`: registers this person once more. The app knows who they are, since they are logged in. An app
/// with means of its own would verify them here.
pub(crate) async fn add_device(visit: Visit, user: User) -> Response {
    let url = visit.verification_url(user.id(), VerificationOptions::default());
    let to = url.await.unwrap_or_else(|error| {
        visit.flash(Category::Warning, trust::no_device(&error));
        visit.miracl().link_to("/devices")
    });
    Redirect::to(&to).into_response()
}

/// `POST /documents/verify`: says whether a signature is valid.
pub(crate) async fn verify(visit: Visit, Json(signed): Json<Signed>) -> (StatusCode, Json<Value>) {
    let (status, answer) = signed.verify(visit.miracl()).await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, Json(answer))
}

/// `GET /api/me`: an API that is called with a JWT of the project, without a session.
pub(crate) async fn me(user: ProjectUser) -> Json<Value> {
    Json(trust::me(&user))
}
