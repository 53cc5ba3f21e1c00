//! One request's view of login, with its public methods; those for logging in are in
//! `visit/login.rs`. What each of them does is a function in `flow`.

mod app_data;
mod ended;
mod lazily;
mod login;
mod trust;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    access::requirement::Requirement,
    engine::pages::languages,
    error::{refresh::RefreshError, session::SessionError},
    exchange::{Exchange, Outcome},
    flow::{
        answer::Answer,
        authorize::{self, Authorized},
        devices::{self, SessionInfo},
        logout, refresh, user,
    },
    miracl::Miracl,
    provider::{tokens::Tokens, user_data::UserData},
    refusal::Refusal,
    routes,
    session::identity::User,
    web::{
        body,
        flash::{Category, Flash},
        request::RequestView,
        route::Route,
    },
};

/// One request's view of login: who is logged in, and what the response changes about that.
///
/// Adapters make one for each request that asks for it, and write its cookies to the response. Nothing is opened or
/// looked up before a method needs it. Clones are the same visit.
///
/// ```
/// use miracl_core::app::{error::SessionError, session::LoginOptions};
/// use miracl_core::Visit;
///
/// /// A page for everybody: it shows messages once, and offers a login.
/// async fn home(visit: &Visit) -> Result<String, SessionError> {
///     let mut page = String::new();
///     for message in visit.take_flashes().await {
///         page += &format!("<p>{}</p>", message.text);
///     }
///     page += &match visit.user().await? {
///         Some(user) => format!("<p>Hello, {}.</p>", user.id()),
///         None => {
///             let login = visit.miracl().login_start_url(&LoginOptions::default());
///             format!("<p><a href=\"{login}\">Log in</a></p>")
///         }
///     };
///     Ok(page)
/// }
/// ```
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

    /// Makes this visit not count as activity of the person: it does not move the session's idle deadline. Use it for
    /// pages that poll, which would otherwise keep everybody logged in for ever.
    ///
    /// By default each visit that reads the session counts as activity. Call this before anything asks who is logged
    /// in: use the visit as an extractor, not the user. For whole routes, adapters have
    /// `login_required_without_activity`.
    ///
    /// ```
    /// # use miracl_core::{SessionError, Visit};
    /// async fn unread(visit: &Visit) -> Result<usize, SessionError> {
    ///     Ok(match visit.without_activity().user().await? {
    ///         Some(user) => 3,
    ///         None => 0,
    ///     })
    /// }
    /// ```
    #[doc(alias = "sliding_expiration")]
    pub fn without_activity(&self) -> &Self {
        self.exchange.without_activity();
        self
    }

    /// Returns whether this request is a prefetch: the browser sends it before anybody has clicked (`Sec-Purpose`).
    /// Such a visit changes nothing.
    ///
    /// A page whose `GET` changes something answers such a request with 503 and nothing else: browsers keep other
    /// answers, and show them when the person clicks.
    pub fn is_prefetch(&self) -> bool {
        self.exchange.is_prefetch()
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
        let refusal = match self.user().await {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => Refusal::anonymous(&self.miracl),
            Err(error) => {
                tracing::error!(%error, "the session cannot be read");
                Refusal::unreadable(&self.miracl)
            }
        };
        self.exchange.refuse();
        Err(refusal)
    }

    /// Returns who is logged in, for a page with a requirement.
    ///
    /// ```
    /// use miracl_core::app::access::Requirement;
    /// # use miracl_core::{Visit, adapter::{Refusal, RequestView}};
    ///
    /// # async fn admins(visit: &Visit, request: &impl RequestView) -> Result<String, Refusal> {
    /// let admin = Requirement::claim("roles").contains("admin");
    /// let user = visit.authorize(&admin, request).await?;
    /// Ok(format!("Hello, {}", user.id()))
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the answer to send, for each outcome that [`Requirement`] lists.
    pub async fn authorize(
        &self,
        requirement: &Requirement,
        request: &impl RequestView,
    ) -> Result<User, Refusal> {
        let refusal = match authorize::authorize(&self.exchange, requirement, request).await {
            Authorized::Met(user) => return Ok(user),
            Authorized::Anonymous => Refusal::anonymous(&self.miracl),
            Authorized::Denied => Refusal::denied(&self.exchange),
            Authorized::StepUp(step_up) => Refusal::step_up(&self.exchange, step_up),
            Authorized::InVain => Refusal::in_vain(&self.exchange),
            Authorized::Undecided => Refusal::undecided(&self.miracl),
            Authorized::Unreadable => Refusal::unreadable(&self.miracl),
            Authorized::NotKept => Refusal::not_kept(&self.miracl),
        };
        self.exchange.refuse();
        Err(refusal)
    }

    /// Returns who is logged in and meets a requirement, for a page that is open to everybody: `None` for all others,
    /// and where it cannot be told, which the log explains.
    pub async fn optional_authorized(
        &self,
        requirement: &Requirement,
        request: &impl RequestView,
    ) -> Option<User> {
        match authorize::authorize(&self.exchange, requirement, request).await {
            Authorized::Met(user) => Some(user),
            _ => None,
        }
    }

    /// Returns who is logged in, for a page that is open to everybody: if the session cannot be read, nobody counts as
    /// logged in, and the log says so. [`user`](Self::user) distinguishes the two.
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

    /// Deletes all user data that came from userinfo, including the e-mail address. The person stays logged in.
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

    /// Returns the session's tokens, to call an API of the provider; `None` when nobody is logged in. You do not need
    /// them to know who is logged in.
    ///
    /// When the access token has expired (or will within a tenth of its lifetime, at most ten seconds) and the provider
    /// gave a refresh token, it is renewed first, by one request for all callers at the same time. While the provider
    /// does not answer, the old tokens are returned. When it no longer accepts the refresh token, the session is ended,
    /// and there are no tokens. A session that a project JWT began has none either.
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

/// Logging out, here and on other devices.
impl Visit {
    /// Ends the session here, and returns the URL at which the provider ends its own, if it has one.
    ///
    /// When this returns, the response deletes the cookies and the session is marked as ended, so a copy of its cookie
    /// is worthless, whatever the provider does. When nobody is logged in here it ends nothing, and returns the URL all
    /// the same: the person may be logged in at the provider, and the next login would not ask them.
    ///
    /// The URL carries `id_token_hint`, `client_id`, `post_logout_redirect_uri` (if
    /// [configured](crate::Config::post_logout_redirect_uri)) and a `state` (RP-Initiated Logout 1.0 §2), and the app's
    /// own [`end_session_parameters`](crate::Config::end_session_parameters). An ID token that would make it longer
    /// than 4 KB is left out. After the session has ended, its ID token is still used if the session's cookie can be
    /// opened.
    ///
    /// Redirect only a browser's navigation to it; the log-out route knows how to tell scripts.
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
        Ok(logout::logout(&self.exchange).await?.provider)
    }

    /// Ends this session and every other one of the same person at this app, on every device, and returns the URL at
    /// which the provider ends its own, as [`logout`](Self::logout) does.
    ///
    /// Later logins are not affected. When nobody is logged in here it does what [`logout`](Self::logout) does.
    /// [`end_other_sessions`](Self::end_other_sessions) keeps this session.
    ///
    /// # Errors
    ///
    /// As [`logout`](Self::logout).
    pub async fn logout_everywhere(&self) -> Result<Option<String>, SessionError> {
        let logged_out = logout::logout_everywhere(&self.exchange).await;
        Ok(logged_out?.provider)
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
    /// `on_logout` is not called: it is for log-outs that the app does not make itself. What else belongs
    /// to the session, such as a WebSocket, learns of it by [`ended`](Self::ended).
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
    /// It never fails: messages that cannot be read are dropped. [`Flash`] has an example.
    #[doc(alias = "messages")]
    pub async fn take_flashes(&self) -> Vec<Flash> {
        self.exchange.take_flashes()
    }

    /// Reads the body of a request for a route, for [`answer`](Self::answer). `next` waits for the next part of the
    /// body, and returns `None` at its end. Adapters call it.
    ///
    /// A form is read up to [`Route::MAX_BODY`], where the route looks at it. It may take 30 seconds, and pause for 10.
    /// Returns `None` when it is longer, breaks off or takes too long; for the last, `answer` answers with 408. Any
    /// other body is left unread, and the result is empty.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with timers.
    pub async fn read_body<B: AsRef<[u8]>, E>(
        &self,
        route: Route,
        request: &impl RequestView,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<B, E>>>,
    ) -> Option<Vec<u8>> {
        if !body::is_read(route, request) {
            // There may be one nevertheless.
            self.exchange.refuse();
            return Some(Vec::new());
        }
        let read = body::read(next).await;
        read.map_err(|unread| self.exchange.leaves_unread(unread))
            .ok()
    }

    /// Does what a route does. Adapters call it for the routes that they mount, and follow the [`Answer`], which has an
    /// example.
    ///
    /// `body` is what [`read_body`](Self::read_body) has returned: the request's body, empty for a request without one,
    /// and `None` when it could not be read to its end.
    pub async fn answer(
        &self,
        route: Route,
        request: &impl RequestView,
        body: Option<&[u8]>,
    ) -> Answer {
        self.exchange.answers();
        self.exchange.prefers(languages(request));
        if body.is_none() {
            self.exchange.refuse();
        }
        let answer = Box::pin(routes::answer(&self.exchange, route, request, body)).await;
        if let Answer::Failure(failure) = &answer {
            failure.tell_observers(&self.exchange.engine);
        }
        answer
    }

    /// Returns what this visit changes about the response. Adapters call it once, when the response is made.
    pub fn finish(&self) -> Outcome {
        self.exchange.finish()
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
