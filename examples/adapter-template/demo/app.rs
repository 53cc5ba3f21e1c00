//! The app: its state and its filters.
//!
//! To copy it into an app of yours, take over the mentions of `auth` in [`service`]: who joins the hooks to the login,
//! which routes need a login, where the login's own routes are, and what goes around everything.

use std::convert::Infallible;
use std::sync::Arc;

use demo_shared::{Codes, Pages, Users};
use miracl_warp::{
    Miracl, MiraclAuth, ProjectUser, User, authorized, optional_user, project_user, user, visit,
};
use tower::{Layer, Service};
use warp::http::Request;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::pages::{self, OutOfOrder, html};
use crate::{rights, trust};

/// The longest body this app takes, in bytes.
const LONGEST_FORM: u64 = 16 * 1024;

/// What handlers and both hooks need.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) pages: Arc<Pages>,
    pub(crate) users: Users,
    pub(crate) codes: Codes,
}

/// Puts the app together.
pub(crate) fn service<B>(
    miracl: Miracl,
    app: App,
) -> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    B: Send + Sync + 'static,
{
    // The hooks are implemented by `App` itself: see `auth.rs`.
    let auth = MiraclAuth::new(miracl, app.clone());
    let state = {
        let app = app.clone();
        warp::any().map(move || app.clone())
    };

    // Paths and methods come first, then who is asking: a filter that does not match must not ask.
    let index = warp::path::end()
        .and(read())
        .and(state.clone())
        .and(visit())
        .and(optional_user())
        .and(warp::query())
        .then(pages::index);
    // Two ways to let in logged-in people only: `login_required`, for whole groups of routes too, or the filter `user`.
    let members = warp::path!("members")
        .and(read())
        .and(auth.login_required())
        .and(state.clone())
        .and(visit())
        .and(user())
        .then(pages::members);
    let profile = warp::path!("profile")
        .and(read())
        .and(state.clone())
        .and(visit())
        .and(user())
        .then(pages::profile);
    let save_profile = warp::path!("profile")
        .and(warp::post())
        .and(state.clone())
        .and(visit())
        .and(user())
        .and(warp::body::content_length_limit(LONGEST_FORM))
        .and(warp::body::form())
        .then(pages::save_profile);
    // By the filter `authorized`: only with a login that is fresh.
    let delete_profile = warp::path!("profile" / "delete")
        .and(warp::post())
        .and(state.clone())
        .and(visit())
        .and(authorized::<rights::FreshLogin>())
        .then(rights::delete_profile);
    let devices = warp::path!("devices")
        .and(read())
        .and(state.clone())
        .and(visit())
        .and(user())
        .then(pages::devices);
    let end_device = warp::path!("devices" / "end")
        .and(warp::post())
        .and(state.clone())
        .and(visit())
        .and(user())
        .and(warp::body::content_length_limit(LONGEST_FORM))
        .and(warp::body::form())
        .then(pages::end_device);
    let end_other_devices = warp::path!("devices" / "end-others")
        .and(warp::post())
        .and(state.clone())
        .and(visit())
        .and(user())
        .then(pages::end_other_devices);
    let add_device = warp::path!("devices" / "add")
        .and(warp::post())
        .and(visit())
        .and(user())
        .then(trust::add_device);
    let verify = warp::path!("documents" / "verify")
        .and(warp::post())
        .and(visit())
        .and(warp::body::content_length_limit(LONGEST_FORM))
        .and(warp::body::json())
        .then(trust::verify);
    let api_me = warp::path!("api" / "me")
        .and(read())
        .and(project_user())
        .map(|user: ProjectUser| trust::me(&user));
    let trust_overview = warp::path!("trust")
        .and(read())
        .and(state.clone())
        .and(visit())
        .and(optional_user())
        .then(trust::overview);
    let trust_page = warp::path!("trust" / String)
        .and(read())
        .and(state.clone())
        .and(visit())
        .and(optional_user())
        .then(trust::page);
    let trust_register = warp::path!("trust" / "register")
        .and(warp::post())
        .and(state)
        .and(visit())
        .and(warp::body::content_length_limit(LONGEST_FORM))
        .and(warp::body::json())
        .then(trust::register);
    let trust_script = warp::path!("trust.js").and(read()).map(trust::script);
    let mpin = warp::path!("mpin.js").and(read()).map(trust::mpin);
    let refresh = warp::path!("refresh")
        .and(read())
        .and(visit())
        .then(pages::refresh);
    let me = warp::path!("me").and(read()).and(visit()).then(pages::me);
    let whoami = warp::path!("whoami")
        .and(read())
        .and(optional_user())
        .map(pages::whoami);
    // Only for those with a right, by the filter `authorized`.
    let admins = warp::path!("admins")
        .and(read())
        .and(authorized::<rights::Admin>())
        .map(|user: User| rights::admins(&user));
    let public = warp::path!("public").and(read()).map(pages::public);
    let health = warp::path!("health").and(read()).map(pages::health);
    let style = warp::path!("style.css").and(read()).map(pages::style);

    let filter = index
        .or(members)
        .or(profile)
        .or(save_profile)
        .or(delete_profile)
        .or(devices)
        .or(end_device)
        .or(end_other_devices)
        .or(add_device)
        .or(verify)
        .or(api_me)
        .or(trust_overview)
        .or(trust_page)
        .or(trust_register)
        .or(trust_script)
        .or(mpin)
        .or(refresh)
        .or(me)
        .or(admins)
        .or(whoami)
        .or(public)
        .or(health)
        .or(style)
        // The callback, `/login/start`, `/logout` and `/signed-out`.
        .or(auth.routes())
        .recover(move |rejection| recovered(app.clone(), rejection))
        .boxed();
    // Around everything: cookies, and protection against other sites.
    auth.layer().layer(warp::service(filter))
}

/// `GET`, and `HEAD`, which `warp::get()` does not match.
fn read() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}

/// Everything else: what is not there, and the veto of a hook. For the rest warp has answers.
async fn recovered(app: App, rejection: Rejection) -> Result<impl Reply, Rejection> {
    if rejection.is_not_found() {
        // warp answers without the request, so the page does not know who is logged in.
        Ok(html(app.pages.not_found(None)))
    } else if rejection.find::<OutOfOrder>().is_some() {
        Ok(html(app.pages.unavailable()))
    } else {
        Err(rejection)
    }
}
