//! The app: its state and its router.
//!
//! To copy it into an app of yours, take the mentions of `auth` in [`router`]: who joins the hooks to the login, which
//! routes need a login, where the login's own routes are, and what goes around everything.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use demo_shared::{Codes, Pages, Users};
use miracl_axum::{Miracl, MiraclAuth, MiraclRouter};

use crate::{pages, rights, trust};

/// The state that every handler and both hooks need.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) pages: Arc<Pages>,
    pub(crate) users: Users,
    pub(crate) codes: Codes,
}

/// Puts the app together.
pub(crate) fn router(miracl: Miracl, app: App) -> MiraclRouter {
    // The hooks are implemented by `App` itself: see `auth.rs`.
    let auth = MiraclAuth::new(miracl, app.clone());

    let router = Router::new()
        .route("/", get(pages::index))
        // Two ways to let in logged-in people only: a layer, for whole routers too, or the extractor `User`.
        .route(
            "/members",
            get(pages::members).route_layer(auth.login_required()),
        )
        .route("/profile", get(pages::profile).post(pages::save_profile))
        // By the extractor `Authorized`: only with a login that is fresh.
        .route("/profile/delete", post(rights::delete_profile))
        .route("/devices", get(pages::devices))
        .route("/devices/end", post(pages::end_device))
        .route("/devices/end-others", post(pages::end_other_devices))
        .route("/devices/add", post(trust::add_device))
        .route("/documents/verify", post(trust::verify))
        .route("/api/me", get(trust::me))
        .route("/trust", get(trust::overview))
        .route("/trust/{page}", get(trust::page))
        .route("/trust/register", post(trust::register))
        .route("/trust.js", get(trust::script))
        .route("/mpin.js", get(trust::mpin))
        .route("/refresh", get(pages::refresh))
        .route("/me", get(pages::me))
        // The first of these two is only for those with a right, by the extractor `Authorized`.
        .route("/admins", get(rights::admins))
        .route("/whoami", get(pages::whoami))
        .route("/public", get(pages::public))
        .route("/health", get(pages::health))
        .route("/style.css", get(pages::style))
        .fallback(pages::not_found)
        // The callback, `/login/start`, `/logout` and `/signed-out`.
        .merge(auth.routes())
        .with_state(app);
    // Around everything: cookies, and protection against other sites.
    auth.wrap(router)
}
