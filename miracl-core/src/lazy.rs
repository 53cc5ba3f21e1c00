//! A visit that is made when it is first needed, and a faster way to answer what most requests ask.

use std::{
    fmt, iter, ptr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::Poll,
};

use crate::{
    access::requirement::Requirement, config::options::Renewal, exchange::Outcome, flow::authorize,
    miracl::Miracl, refusal::NoVisit, session::identity::User, visit::Visit,
    web::request::RequestView,
};

/// What an adapter's layer leaves in a request: its visit, made when it is first needed. Clones share the visit.
///
/// Most requests only ask who is logged in, and for most of these [`user_at_once`](Self::user_at_once) has the answer,
/// without a visit.
///
/// It belongs to one engine and to one request. A caller shows the request that it asks for, whose `Cookie` headers
/// must be those that came to the layer: a request that was given the extensions of another one does not find the
/// other's visit. `C` is the framework's type of a header's value, cheap to clone.
pub struct LazyVisit<C> {
    here: Arc<Here<C>>,
    /// What the layer around this one has left, which is another engine's.
    outer: Option<Arc<Self>>,
}

struct Here<C> {
    miracl: Miracl,
    /// The first `Cookie` header of the request.
    cookies: Option<C>,
    /// The others: HTTP/2 may split cookies over several.
    more_cookies: Option<Box<[C]>>,
    visit: OnceLock<Visit>,
    /// Who is logged in, once [`LazyVisit::user_at_once`] has found out, which is [`ASKED`].
    user: Mutex<Option<User>>,
    /// [`ASKED`], [`NO_ACTIVITY`] and [`NO_CHANGES`]. A request that asks nothing reads this, and takes no lock.
    flags: AtomicU8,
}

/// Somebody has asked who is logged in, and has the answer.
const ASKED: u8 = 1;
/// The request is no activity of the person.
const NO_ACTIVITY: u8 = 2;
/// The request changes nothing.
const NO_CHANGES: u8 = 4;

impl<C: AsRef<[u8]>> LazyVisit<C> {
    /// Makes a lazy visit for a request with these `Cookie` headers. It keeps them, and does nothing else yet.
    #[inline(always)]
    pub fn new(miracl: Miracl, cookies: impl IntoIterator<Item = C>) -> Self {
        let mut cookies = cookies.into_iter();
        let first = cookies.next();
        // Nearly every request has one or none, and pays for no list.
        let second = first.as_ref().and_then(|_| cookies.next());
        let more_cookies = second.map(|second| iter::once(second).chain(cookies).collect());
        let here = Here {
            miracl,
            cookies: first,
            more_cookies,
            visit: OnceLock::new(),
            user: Mutex::new(None),
            flags: AtomicU8::new(0),
        };
        Self {
            here: Arc::new(here),
            outer: None,
        }
    }

    /// Keeps what another layer, around this one, has left in the request: [`turn_to`](Self::turn_to) finds it.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            here: self.here,
            outer: Some(Arc::new(outer)),
        }
    }

    /// Checks that this belongs to this engine: the same engine, not one of an equal configuration.
    ///
    /// # Errors
    ///
    /// [`NoVisit::OtherEngine`], which the log explains.
    pub fn check(&self, miracl: &Miracl) -> Result<(), NoVisit> {
        match self.is_of(miracl) {
            true => Ok(()),
            false => Err(NoVisit::OtherEngine.logged()),
        }
    }

    /// Turns to the visit of this engine, also where another engine's layer is in between. What is left in the request
    /// for extractors further in then belongs to this engine, and the other engine's is still found behind it. Returns
    /// whether another engine's came first.
    ///
    /// # Errors
    ///
    /// [`NoVisit::OtherEngine`] where no layer of this engine is around, which the log explains. Nothing has changed
    /// then.
    pub fn turn_to(&mut self, miracl: &Miracl) -> Result<bool, NoVisit> {
        if self.is_of(miracl) {
            return Ok(false);
        }
        let mut outer = self.outer.as_deref();
        while let Some(other) = outer {
            if other.is_of(miracl) {
                let own = Self {
                    here: Arc::clone(&other.here),
                    outer: None,
                };
                *self = own.within(self.clone());
                return Ok(true);
            }
            outer = other.outer.as_deref();
        }
        Err(NoVisit::OtherEngine.logged())
    }

    /// Makes the request one that is no activity of the person, as [`Visit::without_activity`] does, for everything
    /// that asks later on.
    pub fn without_activity(&self) {
        self.here.flags.fetch_or(NO_ACTIVITY, Ordering::Relaxed);
        if let Some(visit) = self.here.visit.get() {
            visit.without_activity();
        }
    }

    /// Makes the request one that changes nothing about the browser's session and messages, as a `HEAD` does. Adapters
    /// call it for a request that [`Miracl::check_origin`] has refused, before they ask the app's hook.
    pub fn without_changes(&self) {
        self.here.flags.fetch_or(NO_CHANGES, Ordering::Relaxed);
        if let Some(visit) = self.here.visit.get() {
            visit.without_changes();
        }
    }

    /// Returns the request's visit. It agrees with what [`user_at_once`](Self::user_at_once) has returned.
    ///
    /// # Errors
    ///
    /// [`NoVisit::OtherCookies`] for a request that is not the one that came to the layer, which the log explains.
    pub fn visit(&self, request: &impl RequestView) -> Result<Visit, NoVisit> {
        if !self.here.is_for(request) {
            return Err(NoVisit::OtherCookies.logged());
        }
        let make = || {
            let visit = self.here.miracl.visit(request);
            if let Some(user) = self.here.known() {
                visit.know(user.as_ref());
            }
            if self.here.has(NO_ACTIVITY) {
                visit.without_activity();
            }
            if self.here.has(NO_CHANGES) {
                visit.without_changes();
            }
            visit
        };
        Ok(self.here.visit.get_or_init(make).clone())
    }

    /// Returns who is logged in, as [`Visit::user`] does, where that needs neither waiting nor a change of the
    /// response: no deadline to move, no value to seal again, no cookie to delete. Otherwise it returns
    /// [`Poll::Pending`]: ask the [`visit`](Self::visit).
    ///
    /// ```
    /// use std::task::Poll;
    ///
    /// use miracl_core::{User, adapter::{LazyVisit, Refusal, RequestView}};
    ///
    /// /// How an adapter extracts the user.
    /// async fn extract(
    ///     lazy: &LazyVisit<Vec<u8>>,
    ///     request: &impl RequestView,
    /// ) -> Result<User, Refusal> {
    ///     if let Poll::Ready(Some(user)) = lazy.user_at_once(request) {
    ///         return Ok(user);
    ///     }
    ///     lazy.visit(request)?.required_user().await
    /// }
    /// ```
    pub fn user_at_once(&self, request: &impl RequestView) -> Poll<Option<User>> {
        if !self.here.is_for(request) {
            return Poll::Pending;
        }
        if let Some(visit) = self.here.visit.get() {
            return visit.user_at_once();
        }
        if let Some(user) = self.here.known() {
            return Poll::Ready(user);
        }
        self.here.read_at_once().map(|user| self.here.know(user))
    }

    /// Returns who is logged in and meets a requirement, as [`Visit::authorize`] does, where that needs neither waiting
    /// nor a change of the response nor the large part of the session. `None` says to ask the [`visit`](Self::visit).
    #[inline]
    pub fn authorized_at_once(
        &self,
        requirement: &Requirement,
        request: &impl RequestView,
    ) -> Option<User> {
        let Poll::Ready(Some(user)) = self.user_at_once(request) else {
            return None;
        };
        let engine = self.here.miracl.engine();
        authorize::is_met_at_once(engine, requirement, &user).then_some(user)
    }

    /// Returns whether a 404 at this path is a mistake of the app: logins start here, or come back here from the
    /// provider. Where nothing of the login has [`answered`](Outcome::answered), its routes are missing
    /// or nested under a prefix, and adapters answer with
    /// [`NoVisit::missing_routes`](NoVisit::missing_routes).
    ///
    /// `path` is the one by which the framework chooses a route, without the query.
    #[inline]
    pub fn expects_route(&self, method: &str, path: &str) -> bool {
        let site = &self.here.miracl.engine().site;
        site.expects_route(method, path)
    }

    /// Returns what the request's visit changes about the response: nothing, if there was no visit. Adapters call it
    /// once, when the response is made.
    pub fn finish(&self) -> Outcome {
        match self.here.visit.get() {
            Some(visit) => visit.finish(),
            None => Outcome {
                no_store: self.here.has(ASKED),
                ..Outcome::default()
            },
        }
    }

    fn is_of(&self, miracl: &Miracl) -> bool {
        self.here.miracl.is(miracl)
    }
}

impl<C: AsRef<[u8]>> Here<C> {
    /// Whether a request has the cookies of the one that came to the layer.
    fn is_for(&self, request: &impl RequestView) -> bool {
        let mut shown = request.cookie_headers();
        // Most often it is the same memory, which cannot have been reused while this value keeps it.
        let same = |kept: &C, shown: &[u8]| {
            let kept = kept.as_ref();
            ptr::eq(kept, shown) || kept == shown
        };
        let first = match (&self.cookies, shown.next()) {
            (Some(kept), Some(shown)) => same(kept, shown),
            (None, None) => return true,
            _ => false,
        };
        first
            && match &self.more_cookies {
                None => shown.next().is_none(),
                Some(more) => {
                    let mut more = more.iter();
                    more.all(|kept| shown.next().is_some_and(|shown| same(kept, shown)))
                        && shown.next().is_none()
                }
            }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    /// Who is logged in, if that is known.
    fn known(&self) -> Option<Option<User>> {
        self.has(ASKED).then(|| {
            self.user
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        })
    }

    /// Keeps who is logged in for the next one who asks, unless another has found out at the same time. Returns what is
    /// kept.
    fn know(&self, user: Option<User>) -> Option<User> {
        let mut kept = self.user.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.has(ASKED) {
            kept.clone_from(&user);
            self.flags.fetch_or(ASKED, Ordering::Release);
            return user;
        }
        kept.clone()
    }

    /// Reads the session where neither waiting nor a change of the response is needed. A caller that uses the answer
    /// makes its response depend on the session.
    fn read_at_once(&self) -> Poll<Option<User>> {
        let engine = self.miracl.engine();
        let sessions = &engine.sessions;
        if engine.config.renewal == Renewal::Eager || !sessions.marks.is_fresh() {
            return Poll::Pending;
        }
        let Some(binding) = sessions.known_binding() else {
            return Poll::Pending;
        };
        if self.more_cookies.is_some() {
            return Poll::Pending;
        }
        let header = self.cookies.as_ref().map(AsRef::as_ref);
        match sessions.read_at_once(header.unwrap_or_default(), binding) {
            Some(current) => Poll::Ready(current.map(|current| User(current.session))),
            None => Poll::Pending,
        }
    }
}

impl<C> Clone for LazyVisit<C> {
    fn clone(&self) -> Self {
        Self {
            here: Arc::clone(&self.here),
            outer: self.outer.clone(),
        }
    }
}

impl<C> fmt::Debug for LazyVisit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyVisit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
