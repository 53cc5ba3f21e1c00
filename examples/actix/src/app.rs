//! The app: its state and its router.
//!
//! To copy it into an app of yours, take the mentions of `auth` in [`router`]: which routes need a login, where the
//! login's own routes are, and what goes around everything. Who joins the hooks to the login is in `main.rs`.

use std::sync::Arc;

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::web::{self, resource};
use actix_web::{Error, Route, guard};
use demo_shared::{Codes, Pages, Users};
use miracl_actix::MiraclAuth;

use crate::{pages, rights, trust};

/// The state that every handler and both hooks need.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) pages: Arc<Pages>,
    pub(crate) users: Users,
    pub(crate) codes: Codes,
}

/// What [`router`] puts together: this is how the type of an actix-web app with middleware around it is written.
pub(crate) type Router<T> = actix_web::App<T>;

/// Puts the app together, for one worker.
pub(crate) fn router(
    auth: &MiraclAuth,
    app: &App,
) -> Router<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    Router::new()
        .service(resource("/").route(get().to(pages::index)))
        // Two ways to let in logged-in people only: a layer, for whole scopes too, or the extractor `User`.
        .service(resource("/members").route(get().to(pages::members).wrap(auth.login_required())))
        .service(
            resource("/profile")
                .route(get().to(pages::profile))
                .route(web::post().to(pages::save_profile)),
        )
        // By the extractor `Authorized`: only with a login that is fresh.
        .service(resource("/profile/delete").route(web::post().to(rights::delete_profile)))
        .service(resource("/devices").route(get().to(pages::devices)))
        .service(resource("/devices/end").route(web::post().to(pages::end_device)))
        .service(resource("/devices/end-others").route(web::post().to(pages::end_other_devices)))
        .service(resource("/devices/add").route(web::post().to(trust::add_device)))
        .service(resource("/documents/verify").route(web::post().to(trust::verify)))
        .service(resource("/api/me").route(get().to(trust::me)))
        .service(resource("/trust").route(get().to(trust::overview)))
        .service(resource("/trust/register").route(web::post().to(trust::register)))
        .service(resource("/trust/{page}").route(get().to(trust::page)))
        .service(resource("/trust.js").route(get().to(trust::script)))
        .service(resource("/mpin.js").route(get().to(trust::mpin)))
        .service(resource("/refresh").route(get().to(pages::refresh)))
        .service(resource("/me").route(get().to(pages::me)))
        // The first of these two is only for those with a right, by the extractor `Authorized`.
        .service(resource("/admins").route(get().to(rights::admins)))
        .service(resource("/whoami").route(get().to(pages::whoami)))
        .service(resource("/public").route(get().to(pages::public)))
        .service(resource("/health").route(get().to(pages::health)))
        .service(resource("/style.css").route(get().to(pages::style)))
        .default_service(web::to(pages::not_found))
        // The callback, `/login/start`, `/logout` and `/signed-out`.
        .configure(auth.routes())
        .app_data(web::Data::new(app.clone()))
        // Around everything: cookies, and protection against other sites.
        .wrap(auth.layer())
}

/// A route for `GET`, and for `HEAD`, which `web::get()` would not answer.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
