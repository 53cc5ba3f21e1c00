//! One request's view of login, with all of its public methods. What each of them does is a function in `flow`.

use std::{fmt, sync::Arc, task::Poll};

use crate::{
    error::{refresh::RefreshError, session::SessionError},
    exchange::{Exchange, Outcome},
    flow::{
        answer::Answer,
        callback::{self, Callback},
        challenge, confirm,
        devices::{self, SessionInfo},
        hook::{AuthFailure, AuthSuccess},
        login, logout,
        options::LoginOptions,
        refresh, user,
    },
    miracl::Miracl,
    provider::{tokens::Tokens, user_data::UserData},
    refusal::Refusal,
    routes,
    session::identity::User,
    web::{
        flash::{Category, Flash},
        reply::Reply,
        request::RequestView,
        route::Route,
    },
};

/// One request's view of login: who is asking, and what this response changes about it.
///
/// Adapters make one for each request that asks for it, and write its cookies to the response. Nothing is opened or
/// looked up before a method needs it. Clones are the same visit.
#[derive(Clone)]
pub struct Visit {
    miracl: Miracl,
    exchange: Arc<Exchange>,
}

impl Miracl {
    /// Makes the visit of one request. It keeps the request's cookies, and on the callback's path its `User-Agent`, and
    /// does nothing else yet.
    ///
    /// The visit of a `HEAD` or of a prefetch (`Sec-Purpose`) changes nothing: it sets no cookie and ends no session.
    pub fn visit(&self, request: &impl RequestView) -> Visit {
        Visit::new(self.clone(), request)
    }
}

/// Who is asking.
impl Visit {
    pub(crate) fn new(miracl: Miracl, request: &impl RequestView) -> Self {
        let exchange = Arc::new(Exchange::new(Arc::clone(miracl.engine()), request));
        Self { miracl, exchange }
    }

    /// Returns the engine this visit belongs to.
    pub fn miracl(&self) -> &Miracl {
        &self.miracl
    }

    /// Returns who is logged in; `None` when nobody is.
    ///
    /// ```
    /// # use miracl_core::{SessionError, Visit};
    /// # async fn page(visit: &Visit) -> Result<String, SessionError> {
    /// Ok(match visit.user().await? {
    ///     Some(user) => format!("You are {}", user.id()),
    ///     None => "Nobody is logged in".to_owned(),
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the session cannot be read at the moment: somebody may be logged in.
    pub async fn user(&self) -> Result<Option<User>, SessionError> {
        user::user(&self.exchange).await
    }

    /// Returns who is logged in, for a page that requires a login.
    ///
    /// ```
    /// # use miracl_core::{Visit, adapter::Refusal};
    /// # async fn members(visit: &Visit) -> Result<String, Refusal> {
    /// let user = visit.required_user().await?;
    /// Ok(format!("Hello, {}", user.id()))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the answer to send: [`Miracl::challenge`] when nobody is logged in, and [`Miracl::unavailable`]
    /// when the session cannot be read at the moment, which the log explains.
    pub async fn required_user(&self) -> Result<User, Refusal> {
        match self.user().await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(Refusal::anonymous(&self.miracl)),
            Err(error) => {
                tracing::error!(%error, "the session cannot be read");
                Err(Refusal::unreadable(&self.miracl))
            }
        }
    }

    /// Returns who is logged in, for a page that is open to everybody: a session that cannot be read counts as nobody,
    /// and the log says so. [`user`](Self::user) distinguishes the two.
    pub async fn optional_user(&self) -> Option<User> {
        self.user().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the session cannot be read; the request goes on as anonymous");
            None
        })
    }

    /// Returns whether somebody is logged in.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn is_authenticated(&self) -> Result<bool, SessionError> {
        Ok(self.user().await?.is_some())
    }

    /// Returns everything the provider said about the person who is logged in; `None` when nobody is.
    ///
    /// ```
    /// # use miracl_core::{SessionError, Visit};
    /// # async fn page(visit: &Visit) -> Result<Option<String>, SessionError> {
    /// let user_data = visit.user_data().await?;
    /// let name = user_data.and_then(|data| Some(data.get("name")?.as_str()?.to_owned()));
    /// # Ok(name)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn user_data(&self) -> Result<Option<UserData>, SessionError> {
        user::user_data(&self.exchange).await
    }

    /// Fetches the user data again with the session's access token, and replaces the old data. An access token that has
    /// expired is renewed first, where there is a refresh token.
    ///
    /// For a `HEAD` or a prefetch, which must change nothing, it returns the data that is there.
    ///
    /// # Errors
    ///
    /// * [`RefreshError::NotLoggedIn`] when there is no session.
    /// * [`RefreshError::Expired`] when the provider accepts neither the access token nor, if there is one, the refresh
    ///   token any more, and [`RefreshError::RefreshedIdToken`] when the new ID token is not this session's. The
    ///   session has been ended.
    /// * [`RefreshError::Provider`] when the provider does not answer as it must; the session and its data stay.
    /// * [`RefreshError::Subject`] when the answer is about another person, and [`RefreshError::Token`] when it is not
    ///   signed as it must be; the answer is dropped, and the old data stays.
    /// * [`RefreshError::Session`] when the session cannot be read or written at the moment.
    pub async fn refresh_user_data(&self) -> Result<UserData, RefreshError> {
        refresh::refresh_user_data(&self.exchange).await
    }

    /// Deletes what userinfo said about the person, e-mail address included, and keeps them logged in.
    ///
    /// The claims of the ID token stay. [`refresh_user_data`](Self::refresh_user_data) fetches the rest again. When
    /// nobody is logged in it does nothing.
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn clear_user_info(&self) -> Result<(), SessionError> {
        user::clear_user_info(&self.exchange).await
    }

    /// Returns the session's tokens, to call an API of the provider; `None` when nobody is logged in. They are never
    /// needed to know who is logged in.
    ///
    /// When the access token has expired (or will within a tenth of its lifetime, at most ten seconds) and the provider
    /// gave a refresh token, it is renewed first, by one request for all callers at the same time. While the provider
    /// does not answer, the old tokens are returned. When it no longer accepts the refresh token, the session is ended,
    /// and there are no tokens.
    ///
    /// ```
    /// # use miracl_core::{SessionError, Visit};
    /// # async fn call(visit: &Visit) -> Result<(), SessionError> {
    /// if let Some(tokens) = visit.tokens().await? {
    ///     let authorization = format!("Bearer {}", tokens.access_token().expose());
    ///     // Send the request with this header.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`user`](Self::user).
    pub async fn tokens(&self) -> Result<Option<Tokens>, SessionError> {
        refresh::tokens(&self.exchange).await
    }
}

/// Logging in.
impl Visit {
    /// Starts a login and returns the provider's URL to send the browser to.
    ///
    /// The pending login is kept in a cookie of this response, so the URL works in this browser only, once, and for
    /// [`Config::login_timeout`](crate::Config::login_timeout). A browser can have five logins under way; a sixth
    /// replaces the oldest.
    ///
    /// For a visitor who came by another host name than the redirect URI's, it returns the login route there: cookies
    /// do not cross from one host to another.
    ///
    /// # Errors
    ///
    /// [`FailureReason::Provider`](crate::FailureReason::Provider) while the provider cannot be reached. To find that
    /// out, its metadata is fetched (again, if it is older than half a second): so the person sees a page of yours and
    /// not the browser's error page.
    #[doc(alias = "get_login_url")]
    pub async fn login_url(&self) -> Result<String, AuthFailure> {
        self.login_url_with(LoginOptions::default()).await
    }

    /// Starts a login as [`login_url`](Self::login_url) does, with options for this login.
    ///
    /// ```
    /// # use miracl_core::{AuthFailure, LoginOptions, Visit};
    /// # async fn page(visit: &Visit) -> Result<String, AuthFailure> {
    /// let fresh = LoginOptions {
    ///     max_age: Some(0),
    ///     return_to: Some("/payments".to_owned()),
    ///     ..LoginOptions::default()
    /// };
    /// visit.login_url_with(fresh).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login_url`](Self::login_url), and
    /// [`FailureReason::ParameterTooLong`](crate::FailureReason::ParameterTooLong).
    pub async fn login_url_with(&self, options: LoginOptions) -> Result<String, AuthFailure> {
        login::login_url_with(&self.exchange, options).await
    }

    /// Returns the provider's URL for a page on which it may wait for a click, such as for a login script that must be
    /// given it. Where a link to your own login route will do, [`Miracl::login_start_url`] needs no cookie at all.
    ///
    /// All pages of one browser with the same options share one login while it is young, so that a page which is opened
    /// again and again drops no other login. The URL works for twelve hours at least, and for a day at most, or for
    /// [`Config::login_timeout`](crate::Config::login_timeout) if that is longer. It works once: in the second tab the
    /// person learns that they are [logged in already](AuthFailure::still_logged_in).
    ///
    /// ```
    /// # use miracl_core::{AuthFailure, LoginOptions, Visit};
    /// # async fn page(visit: &Visit) -> Result<String, AuthFailure> {
    /// let url = visit.page_login_url(LoginOptions::default()).await?;
    /// Ok(format!("<script src=\"https://cdn.example/mpad.js\" data-authurl=\"{}\"></script>", url.replace('&', "&amp;")))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login_url_with`](Self::login_url_with).
    pub async fn page_login_url(&self, options: LoginOptions) -> Result<String, AuthFailure> {
        login::page_login_url(&self.exchange, options).await
    }

    /// Completes a login from the callback's parameters, for apps that write their own callback route: its query
    /// string, or with [`ResponseMode::FormPost`](crate::ResponseMode::FormPost) the body of its `POST`.
    ///
    /// On success, hand the result of your hook to [`conclude_login`](Self::conclude_login), which has an example of
    /// both; without that nothing is kept. The adapters' own callback route does both, with `on_auth_success` in
    /// between. It also has a callback that is sent twice at once wait for the first, which this method does not: here
    /// the second fails with [`FailureReason::LoginReplayed`](crate::FailureReason::LoginReplayed).
    ///
    /// # Errors
    ///
    /// [`AuthFailure`] with the check that failed. A session that was there before stays.
    #[doc(alias = "perform_access_token_request")]
    pub async fn complete_login(
        &self,
        parameters: impl AsRef<[u8]>,
    ) -> Result<AuthSuccess, AuthFailure> {
        let callback = Callback {
            parameters: Some(parameters.as_ref()),
            posted: false,
        };
        callback::complete_login(&self.exchange, callback).await
    }

    /// Ends a completed login as the app's hook decides: [`confirm_login`](Self::confirm_login) where `on_auth_success`
    /// returned `Ok`, [`reject_login`](Self::reject_login) where it returned `Err`. Returns what the hook returned, to
    /// be sent.
    ///
    /// ```
    /// # use miracl_core::{AuthFailure, AuthSuccess, Visit};
    /// # async fn create_account(_: &AuthSuccess) -> Result<String, String> { Ok(String::new()) }
    /// /// A callback route of the app's own.
    /// async fn callback(visit: &Visit, query: &str) -> Result<String, AuthFailure> {
    ///     let login = visit.complete_login(query).await?;
    ///     let answer = create_account(&login).await;
    ///     Ok(match visit.conclude_login(answer).await? {
    ///         Ok(page) => page,
    ///         Err(veto) => veto,
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`confirm_login`](Self::confirm_login), for `on_auth_failed`. The hook's response is dropped then.
    pub async fn conclude_login<T, E>(
        &self,
        hook: Result<T, E>,
    ) -> Result<Result<T, E>, AuthFailure> {
        // No borrow of the response over the await: it need not be `Sync`.
        if hook.is_ok() {
            self.confirm_login().await?;
        } else {
            self.reject_login();
        }
        Ok(hook)
    }

    /// Begins the session of a login that [`complete_login`](Self::complete_login) has verified, and ends the session
    /// before it.
    ///
    /// Adapters call [`conclude_login`](Self::conclude_login), which calls it when `on_auth_success` returned `Ok`.
    /// Without a completed login it does nothing.
    ///
    /// # Errors
    ///
    /// [`FailureReason::Session`](crate::FailureReason::Session) when the session cannot be stored, and
    /// [`FailureReason::LoggedOut`](crate::FailureReason::LoggedOut) when a log-out has arrived since its login began.
    /// The session from before stays, except where the store fails after that one was deleted: then there is none.
    ///
    /// A request that is cancelled here leaves one session: the old one, or if that has ended already, the new one.
    pub async fn confirm_login(&self) -> Result<(), AuthFailure> {
        confirm::confirm_login(&self.exchange).await
    }

    /// Drops a completed login that the app rejects. The session from before stays.
    pub fn reject_login(&self) {
        confirm::reject_login(&self.exchange);
    }

    /// Notes what `on_auth_success` has answered: the status, and the `Location` header where there is one. Adapters call
    /// it after [`conclude_login`](Self::conclude_login).
    ///
    /// A browser may send a callback twice at once: by a double click, or because a proxy tries again. The second request
    /// waits for the first, and is sent where this says, without cookies. Where the answer is no redirect, it is sent to
    /// [`AuthSuccess::return_to`].
    pub fn note_answer(&self, status: u16, location: Option<&[u8]>) {
        let location = location.and_then(|location| std::str::from_utf8(location).ok());
        if let (300..400, Some(location)) = (status, location)
            && let Some(leading) = &mut self.exchange.lock().leading
        {
            leading.status = status;
            leading.location = location.to_owned();
        }
    }

    /// Returns the answer to a login that failed when the app has none of its own: the default of `on_auth_failed`.
    ///
    /// Somebody who is [still logged in](AuthFailure::still_logged_in) is sent to
    /// [`Config::home_path`](crate::Config::home_path), with the message "You are already logged in."
    /// ([`Category::Info`]), once however often it happens. Everybody else gets
    /// [`Miracl::failure_page`].
    pub fn failure_reply(&self, failure: &AuthFailure) -> Reply {
        challenge::failure_reply(&self.exchange, failure)
    }
}

/// Logging out, here and on other devices.
impl Visit {
    /// Ends the session here, and returns the URL at which the provider ends its own, if it has one.
    ///
    /// When this returns, the response deletes the cookies and the session is marked as ended, so a copy of its cookie
    /// is worthless. That does not depend on the provider. When nobody is logged in it does nothing and returns `None`.
    ///
    /// The URL carries `id_token_hint`, `client_id`, `post_logout_redirect_uri` (if
    /// [configured](crate::Config::post_logout_redirect_uri)) and a `state` (RP-Initiated Logout 1.0 §2), and the app's
    /// own [`end_session_parameters`](crate::Config::end_session_parameters). An ID token that would make it longer
    /// than 4 KB is left out.
    ///
    /// ```
    /// # use miracl_core::{SessionError, Visit};
    /// /// Returns where to redirect the browser.
    /// async fn log_out(visit: &Visit) -> Result<String, SessionError> {
    ///     Ok(visit.logout().await?.unwrap_or_else(|| "/".to_owned()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the session cannot be read.
    pub async fn logout(&self) -> Result<Option<String>, SessionError> {
        logout::logout(&self.exchange).await
    }

    /// Ends this session and every other one of the same person at this app, on every device, and returns the URL at
    /// which the provider ends its own, as [`logout`](Self::logout) does.
    ///
    /// Later logins are not affected. When nobody is logged in it does nothing.
    /// [`end_other_sessions`](Self::end_other_sessions) keeps this session.
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout).
    pub async fn logout_everywhere(&self) -> Result<Option<String>, SessionError> {
        logout::logout_everywhere(&self.exchange).await
    }

    /// Returns every living session of the person who is logged in, for a page "your devices": this one first, then the
    /// others, last seen first. Empty when nobody is logged in. [`SessionInfo`] has an example.
    ///
    /// A login whose hook has not returned yet is not among them.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotListed`] when sessions are kept in cookies, even if nobody is logged in; otherwise as
    /// [`user`](Self::user).
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, SessionError> {
        devices::sessions(&self.exchange).await
    }

    /// Ends another session of the person who is logged in, by its [`SessionInfo::id`]. Returns whether it did: `false`
    /// when this person has no such session any more, when it is the visit's own, which [`logout`](Self::logout) ends,
    /// and when nobody is logged in. The visit of a `HEAD` or a prefetch ends nothing.
    ///
    /// When this returns the session has ended, and every copy of its cookie is worthless. Only this app's session
    /// ends: that browser may still be logged in at the provider, and then a new login takes one click.
    ///
    /// `on_logout` is not called: it is for log-outs that the app does not make itself. The app must end whatever else
    /// belongs to the session, such as a WebSocket, beside this call.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions). The session may not have ended then.
    pub async fn end_other_session(&self, id: &str) -> Result<bool, SessionError> {
        devices::end_other_session(&self.exchange, id).await
    }

    /// Ends every session of the person who is logged in except the visit's own, as
    /// [`end_other_session`](Self::end_other_session) does with one, and returns how many.
    /// [`logout_everywhere`](Self::logout_everywhere) ends this one too.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions). When one session cannot be ended, the others are ended nevertheless, and the
    /// first error is returned: [`sessions`](Self::sessions) lists those that are left, and the call can be repeated.
    #[doc(alias = "logout_others")]
    pub async fn end_other_sessions(&self) -> Result<u64, SessionError> {
        devices::end_other_sessions(&self.exchange).await
    }
}

/// Messages, and what adapters call.
impl Visit {
    /// Shows a message once: on this response if it takes the messages later on, otherwise on the next page that does.
    ///
    /// ```
    /// # use miracl_core::{Category, Visit};
    /// # fn saved(visit: &Visit) {
    /// visit.flash(Category::Success, "Your address was saved.");
    /// # }
    /// ```
    #[doc(alias = "flash_message")]
    pub fn flash(&self, category: Category, text: impl Into<String>) {
        self.exchange.flash(category, text.into());
    }

    /// Takes the messages to show: those of earlier responses and of this one, oldest first.
    ///
    /// It cannot fail: messages that cannot be read are dropped. [`Flash`] has an example.
    #[doc(alias = "messages")]
    pub async fn take_flashes(&self) -> Vec<Flash> {
        self.exchange.take_flashes()
    }

    /// Does what a route does. Adapters call it for the routes that they mount, and follow the [`Answer`], which has an
    /// example.
    ///
    /// `body` is the request's body, empty for a request without one, and `None` when it is longer than
    /// [`Route::MAX_BODY`] or could not be read to its end.
    pub async fn answer(
        &self,
        route: Route,
        request: &impl RequestView,
        body: Option<&[u8]>,
    ) -> Answer {
        routes::answer(&self.exchange, route, request, body).await
    }

    /// Returns what this visit changes about the response. Adapters call it once, when the response is made.
    pub fn finish(&self) -> Outcome {
        self.exchange.finish()
    }

    /// Returns who is logged in, if that is known without waiting.
    pub(crate) fn user_at_once(&self) -> Poll<Option<User>> {
        user::user_at_once(&self.exchange)
    }

    #[cfg(test)]
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Records the user that the lazy visit already found.
    pub(crate) fn know(&self, user: Option<&User>) {
        self.exchange.know(user);
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, CookieKey, web::request::tests::Request};

    fn assert_send<T: Send>(_: T) {}

    #[test]
    fn what_a_visit_does_can_cross_threads() {
        let miracl = Miracl::new(Config {
            issuer: "http://127.0.0.1:1".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirect_uri: "http://127.0.0.1/login".into(),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        });
        let request = Request::get("/");
        let visit = miracl.unwrap().visit(&request);
        assert_send(visit.user());
        assert_send(visit.login_url_with(LoginOptions::default()));
        assert_send(visit.complete_login(""));
        assert_send(visit.refresh_user_data());
        assert_send(visit.answer(Route::Logout, &request, Some(b"")));
    }
}
