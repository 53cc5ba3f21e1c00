//! Handlers that ask for more than a login: by the filter `authorized`, which carries the requirement in its type.
//!
//! To copy it into an app of yours, write a [`Policy`] for each right, and take the filter from `app.rs`. Somebody who
//! may not is told so. Somebody whose login is too old logs in again, and comes back.

use std::time::Duration;

use miracl_warp::access::{Policy, Requirement};
use miracl_warp::{Category, User, Visit};
use warp::reply::Response;

use crate::app::App;
use crate::pages::{out_of_order, redirect};

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
pub(crate) fn admins(user: &User) -> String {
    user.email().unwrap_or_default().to_owned()
}

/// `POST /profile/delete`: deletes what this app keeps about the person. It cannot be undone, so that it takes a fresh
/// login.
pub(crate) async fn delete_profile(app: App, visit: Visit, user: User) -> Response {
    if let Err(error) = app.users.remove(user.issuer(), user.id()).await {
        return out_of_order(&app, &error);
    }
    visit.flash(Category::Success, "Your profile was deleted.");
    redirect(&visit.miracl().link_to("/profile"))
}
