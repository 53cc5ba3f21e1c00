//! The routes of a login, and what each of them does: all that an adapter's routes need to know.

use std::borrow::Cow;

use crate::{
    callback::AuthSuccess, config::ResponseMode, error::AuthFailure, logout::LogoutKind,
    miracl::Miracl, reply::Reply, request::RequestView, visit::Visit,
};

/// One of the routes that adapters mount. [`Miracl::routes`] says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Where the provider sends the browser back to: the path of the redirect URI.
    Callback,
    /// Starts a login.
    LoginStart,
    /// Starts a login that somebody else asks for (OpenID Connect Core 1.0 §4).
    LoginInitiate,
    /// Ends the session: `POST`; `GET` asks first.
    Logout,
    /// Where the provider itself ends sessions (OpenID Connect Back-Channel Logout 1.0).
    BackChannelLogout,
    /// What the provider's log-out page loads in a frame (OpenID Connect Front-Channel Logout 1.0).
    FrontChannelLogout,
    /// Where the provider sends the browser back to after log-out.
    SignedOut,
}

impl Route {
    /// The most bytes of a body that an adapter reads for a route: 64 KiB.
    pub const MAX_BODY: usize = 64 * 1024;
}

/// A route and where it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount<'a> {
    /// Which route.
    pub route: Route,
    /// Its path, exactly: with a slash more it is another.
    pub path: &'a str,
    /// The methods it answers. Every other is a 405, or whatever the framework answers then.
    pub methods: &'static [&'static str],
}

const READ: &[&str] = &["GET", "HEAD"];
const READ_AND_POST: &[&str] = &["GET", "HEAD", "POST"];
const POST: &[&str] = &["POST"];

/// What a route came to, and what the adapter does with it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Send this.
    Reply(Reply),
    /// Call `on_auth_success`. On `Ok`, [`Visit::confirm_login`], and send the hook's response; if that fails, go on as with
    /// [`Answer::Failure`]. On `Err`, [`Visit::reject_login`], and send the hook's error.
    Success(AuthSuccess),
    /// Call `on_auth_failed`, and send its response.
    Failure(AuthFailure),
    /// Call `on_logout`, then send this.
    LoggedOut(LogoutKind, Reply),
}

impl Miracl {
    /// Returns every route of the login, where it is mounted and the methods it answers.
    ///
    /// A page after log-out that lies elsewhere, or is the root, is not among them.
    pub fn routes(&self) -> Vec<Mount<'_>> {
        let engine = self.engine();
        let paths = &engine.config.paths;
        let callback = match engine.config.response_mode {
            ResponseMode::Query => READ,
            ResponseMode::FormPost => READ_AND_POST,
        };
        let signed_out = engine.signed_out_path.as_deref();
        let routes = [
            (Route::Callback, Some(&*engine.callback_path), callback),
            (Route::LoginStart, Some(&paths.login_start), READ),
            (
                Route::LoginInitiate,
                Some(&paths.login_initiate),
                READ_AND_POST,
            ),
            (Route::Logout, Some(&paths.logout), READ_AND_POST),
            (
                Route::BackChannelLogout,
                Some(&paths.backchannel_logout),
                POST,
            ),
            (
                Route::FrontChannelLogout,
                Some(&paths.frontchannel_logout),
                READ,
            ),
            (Route::SignedOut, signed_out, READ),
        ];
        let mount = |(route, path, methods)| {
            Some(Mount {
                route,
                path: path?,
                methods,
            })
        };
        routes.into_iter().filter_map(mount).collect()
    }

    /// Whether a request is one that others send on purpose: a callback by `form_post`, a login that a third party initiates, or
    /// a logout token. None of them is trusted for where it comes from.
    pub(crate) fn expects_other_sites(&self, request: &impl RequestView) -> bool {
        let target = request.path_and_query();
        let path = path_of(&target);
        request.method() == "POST"
            && self.routes().iter().any(|mount| {
                mount.path == path
                    && mount.methods.contains(&"POST")
                    && mount.route != Route::Logout
            })
    }
}

impl Visit {
    /// Does what a route does. `body` is the request's, empty for one without, and `None` when it is longer than
    /// [`Route::MAX_BODY`] or broke off.
    pub async fn answer(
        &self,
        route: Route,
        request: &impl RequestView,
        body: Option<&[u8]>,
    ) -> Answer {
        let start = |started| match started {
            Ok(reply) => Answer::Reply(reply),
            Err(failure) => Answer::Failure(failure),
        };
        match route {
            Route::Callback => {
                if let Some(nothing) = self.idle_reply() {
                    return Answer::Reply(nothing);
                }
                let Some(parameters) = parameters(request, body) else {
                    return Answer::Failure(self.refuse_body().await);
                };
                match self.complete_login(parameters).await {
                    Ok(login) => Answer::Success(login),
                    Err(failure) => Answer::Failure(failure),
                }
            }
            Route::LoginStart => start(self.start_login(request).await),
            Route::LoginInitiate => {
                let parameters = parameters(request, body);
                start(self.initiate_login(request, parameters.as_deref()).await)
            }
            Route::Logout => self.log_out(request).await,
            Route::BackChannelLogout => {
                let parameters = parameters(request, body);
                self.backchannel_logout(parameters.as_deref()).await
            }
            Route::FrontChannelLogout => self.frontchannel_logout(request, &query(request)).await,
            Route::SignedOut => Answer::Reply(self.miracl().signed_out()),
        }
    }
}

/// The parameters of a request: the form of a `POST`, else the query. A body that is no form has none.
///
/// None when the body could not be read.
fn parameters<'a>(request: &impl RequestView, body: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
    if request.method() != "POST" {
        return Some(query(request).into_bytes().into());
    }
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        body.map(Cow::Borrowed)
    } else {
        Some(Cow::Borrowed(&[]))
    }
}

/// The path of a path with a query.
pub(crate) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The query of a request, without its question mark.
pub(crate) fn query(request: &impl RequestView) -> String {
    let target = request.path_and_query();
    let query = target.split_once('?').map(|(_, query)| query);
    query.unwrap_or_default().to_owned()
}
