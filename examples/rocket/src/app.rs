//! The app: its state and its routes.
//!
//! To copy it into an app of yours, take the mentions of `auth` in [`rocket()`]: who joins the hooks to the login,
//! where the login's own routes are, and what is attached to the whole app.

use std::sync::Arc;

use demo_shared::{Codes, Pages, Users};
use miracl_rocket::{Miracl, MiraclAuth};
use rocket::{Build, Config, Rocket, catchers, routes};

use crate::{pages, rights, trust};

/// The state that every handler and both hooks need.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) pages: Arc<Pages>,
    pub(crate) users: Users,
    pub(crate) codes: Codes,
}

/// Puts the app together.
pub(crate) fn rocket(config: Config, miracl: Miracl, app: App) -> Rocket<Build> {
    // The hooks are implemented by `App` itself: see `auth.rs`.
    let auth = MiraclAuth::new(miracl, app.clone());

    rocket::custom(config)
        .mount(
            "/",
            routes![
                pages::index,
                // Logged-in people only, by the request guard `User`. For whole parts of an app, and for files,
                // there is `auth.login_required()`.
                pages::members,
                pages::profile,
                pages::save_profile,
                // By the request guard `Authorized`: only with a login that is fresh.
                rights::delete_profile,
                pages::devices,
                pages::end_device,
                pages::end_other_devices,
                trust::add_device,
                trust::verify,
                trust::me,
                trust::overview,
                trust::page,
                trust::register,
                trust::script,
                trust::mpin,
                pages::refresh,
                pages::me,
                // The first of these two is only for those with a right, by the guard `Authorized`.
                rights::admins,
                pages::whoami,
                pages::public,
                pages::health,
                pages::style,
            ],
        )
        // Rocket drops the body of a request when a guard refuses it, which resets the connection of an upload. What
        // takes uploads is guarded in this way too, by which the answer arrives.
        .mount("/profile", auth.login_required())
        .mount("/devices", auth.login_required())
        .register("/", catchers![pages::not_found, pages::unavailable])
        // The callback, `/login/start`, `/logout` and `/signed-out`.
        .mount("/", auth.routes())
        // For everything: cookies, and protection against other sites.
        .attach(auth.fairing())
        .manage(app)
}
