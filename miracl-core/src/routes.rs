//! The routes of a login, and what each of them does: all that an adapter's routes need to know.

use std::borrow::Cow;

use crate::{
    config::options::ResponseMode,
    flow::answer::Answer,
    miracl::Miracl,
    visit::Visit,
    web::{
        request::{RequestView, path_of, query},
        route::{Mount, Route},
    },
};

const READ: &[&str] = &["GET", "HEAD"];
const READ_AND_POST: &[&str] = &["GET", "HEAD", "POST"];
pub(crate) const POST: &[&str] = &["POST"];

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
