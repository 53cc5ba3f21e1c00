//! Handlers that ask for more than a login: by the extractor `Authorized`, which carries the requirement in its type.
//!
//! To copy it into an app of yours, write a [`Policy`] for each right, and take the extractor. Somebody who may not is
//! told so. Somebody whose login is too old logs in again, and comes back.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use miracl_axum::access::{Policy, Requirement};
use miracl_axum::{Authorized, Category, Visit};

use crate::app::App;
use crate::pages::out_of_order;

/// Somebody whom the provider calls an admin.
#[derive(Debug)]
pub(crate) struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("roles").contains("admin")
    }
}

/// Somebody who has proved who they are within the last five minutes.
#[derive(Debug)]
pub(crate) struct FreshLogin;

impl Policy for FreshLogin {
    fn requirement() -> Requirement {
        Requirement::logged_in_within(Duration::from_secs(300))
    }
}

/// `GET /admins`: what `/whoami` answers, for admins only.
pub(crate) async fn admins(user: Authorized<Admin>) -> String {
    user.email().unwrap_or_default().to_owned()
}

/// `POST /profile/delete`: deletes what this app keeps about the person. It cannot be undone, so that it takes a fresh
/// login.
pub(crate) async fn delete_profile(
    State(app): State<App>,
    visit: Visit,
    user: Authorized<FreshLogin>,
) -> Response {
    if let Err(error) = app.users.remove(user.issuer(), user.id()).await {
        return out_of_order(&app, &error);
    }
    visit.flash(Category::Success, "Your profile was deleted.");
    Redirect::to(&visit.miracl().link_to("/profile")).into_response()
}
