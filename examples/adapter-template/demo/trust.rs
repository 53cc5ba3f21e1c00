//! Handlers that use MIRACL Trust besides the login: a further device, a signed document, an API for a front end of its
//! own.
//!
//! To copy them into an app of yours, take the calls of `visit` and `miracl`, and the filter `project_user`.

use demo_shared::trust::{self, Signed};
use miracl_warp::trust::VerificationOptions;
use miracl_warp::{Category, ProjectUser, User, Visit};
use warp::Reply;
use warp::http::StatusCode;
use warp::reply::{Response, with_status};

use crate::pages::redirect;

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
