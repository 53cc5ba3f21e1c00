//! What a visit does for a login: its address, its callback, and how it is concluded.

use crate::{
    engine::callbacks::orphan::Orphan,
    exchange::leading::Unsent,
    flow::{
        answer::Answer,
        callback::{self, Callback},
        challenge, confirm,
        hook::{AuthFailure, AuthSuccess},
        login::{self, LoginStart},
        options::LoginOptions,
    },
    visit::Visit,
    web::reply::Reply,
};

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
        self.exchange.answers();
        let url = login::login_url_with(&self.exchange, options).await;
        self.told(url)
    }

    /// Begins the login of a login route, once the app's hook has seen what it asks for. Adapters call it for
    /// [`Answer::Starting`], and follow the [`Answer`], which is a reply or a failure.
    pub async fn begin_login(&self, start: LoginStart) -> Answer {
        let begun = Box::pin(login::begin(&self.exchange, start)).await;
        match self.told(begun) {
            Ok(reply) => Answer::Reply(reply),
            Err(failure) => Answer::Failure(failure),
        }
    }

    /// Returns the provider's URL for a page on which it may wait for a click, such as for a login script that must be
    /// given it. Where a link to your own login route will do,
    /// [`Miracl::login_start_url`](crate::Miracl::login_start_url) needs no cookie at all.
    ///
    /// It ends when anybody logs in or out in this browser. For a prefetch, whose cookies are not kept, it is the
    /// address of the login route.
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
    /// Ok(format!("<script src=\"https://cdn.example/mpad.js\" data-authurl=\"{}\"></script>", url.replace('&',
    /// "&amp;")))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login_url_with`](Self::login_url_with).
    pub async fn page_login_url(&self, options: LoginOptions) -> Result<String, AuthFailure> {
        self.exchange.answers();
        let url = login::page_login_url(&self.exchange, options).await;
        self.told(url)
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
        self.exchange.answers();
        let callback = Callback {
            parameters: Some(parameters.as_ref()),
            posted: false,
        };
        let login = callback::complete_login(&self.exchange, callback).await;
        self.told(login)
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

    /// Notes what `on_auth_success` has answered: the status, and the `Location` header where there is one. Adapters
    /// call it after [`conclude_login`](Self::conclude_login).
    ///
    /// A browser may send a callback twice at once: by a double click, or because a proxy tries again. The second
    /// request waits for the first, and is sent where this says, without cookies. Where the answer is no redirect, it
    /// is sent to [`AuthSuccess::return_to`]. Where the client of the first has gone away, the second takes its place.
    pub fn note_answer(&self, status: u16, location: Option<&[u8]>) {
        let location = location.and_then(|location| std::str::from_utf8(location).ok());
        if let (300..400, Some(location)) = (status, location)
            && let Some(leading) = &mut self.exchange.lock().leading
            && let Some(Orphan::Answer(answer)) = &mut leading.left
        {
            answer.status = status;
            answer.location = location.to_owned();
        }
    }

    /// Returns something to keep together with the answer to a callback, where others may wait for it; `None` for every
    /// other request. Adapters call it after [`note_answer`](Self::note_answer), where their framework goes on with a
    /// request whose client has gone away.
    ///
    /// Call [`Unsent::sent`] when the answer is on its way. Dropped without that, another request of the same browser
    /// that waits gets the cookies of this answer, and is sent where it leads.
    pub fn until_sent(&self) -> Option<Unsent> {
        self.exchange.until_sent()
    }

    /// Returns the answer to a login that failed when the app has none of its own: the default of `on_auth_failed`.
    ///
    /// Somebody who is [still logged in](AuthFailure::still_logged_in) is sent to
    /// [`Config::home_path`](crate::Config::home_path), with the message "You are already logged in."
    /// ([`Category::Info`](crate::Category::Info)), once however often it happens. Everybody else gets
    /// [`Miracl::failure_page`](crate::Miracl::failure_page).
    pub fn failure_reply(&self, failure: &AuthFailure) -> Reply {
        challenge::failure_reply(&self.exchange, failure)
    }

    /// Tells the app's observers of a failure.
    fn told<T>(&self, result: Result<T, AuthFailure>) -> Result<T, AuthFailure> {
        result.inspect_err(|failure| failure.tell_observers(&self.exchange.engine))
    }
}
