//! The routes of a login, and what each of them does: all that an adapter's routes need to know.

use crate::{
    callback::AuthSuccess, error::AuthFailure, logout::LogoutKind, miracl::Miracl, reply::Reply,
    request::RequestView, visit::Visit,
};

/// One of the routes that adapters mount. [`Miracl::routes`] says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Where the provider sends the browser back to: the path of the redirect URI.
    Callback,
    /// Starts a login.
    LoginStart,
    /// Ends the session: `POST`; `GET` asks first.
    Logout,
    /// Where the provider sends the browser back to after log-out.
    SignedOut,
}

impl Route {
    /// Returns the methods the route answers. Every other is a 405, or whatever the framework answers then.
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Callback | Self::LoginStart | Self::SignedOut => &["GET", "HEAD"],
            Self::Logout => &["GET", "HEAD", "POST"],
        }
    }
}

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
    /// Returns every route of the login with its path.
    ///
    /// A page after log-out that lies elsewhere, or is the root, is not among them.
    pub fn routes(&self) -> Vec<(Route, &str)> {
        let engine = self.engine();
        let paths = &engine.config.paths;
        let mut routes = vec![
            (Route::Callback, engine.callback_path.as_str()),
            (Route::LoginStart, &paths.login_start),
            (Route::Logout, &paths.logout),
        ];
        routes.extend(
            engine
                .signed_out_path
                .as_deref()
                .map(|path| (Route::SignedOut, path)),
        );
        routes
    }
}

impl Visit {
    /// Does what a route does.
    pub async fn answer(&self, route: Route, request: &impl RequestView) -> Answer {
        match route {
            Route::Callback => {
                if let Some(nothing) = self.idle_reply() {
                    return Answer::Reply(nothing);
                }
                let target = request.path_and_query();
                let query = target.split_once('?').map_or("", |(_, query)| query);
                match self.complete_login(query).await {
                    Ok(login) => Answer::Success(login),
                    Err(failure) => Answer::Failure(failure),
                }
            }
            Route::LoginStart => match self.start_login(request).await {
                Ok(reply) => Answer::Reply(reply),
                Err(failure) => Answer::Failure(failure),
            },
            Route::Logout => self.log_out(request).await,
            Route::SignedOut => Answer::Reply(self.miracl().signed_out()),
        }
    }
}
