//! A visit that is made when it is first asked for, and a shorter way for what most requests ask.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use crate::{
    config::Renewal,
    miracl::Miracl,
    request::RequestView,
    session::User,
    visit::{Outcome, Visit},
};

/// Where an adapter keeps what a request brings along: its visit, made when it is first asked for.
///
/// Most requests only ask who is there, and for most of these [`user_at_once`](Self::user_at_once) has the answer, without a visit.
pub struct LazyVisit {
    miracl: Miracl,
    visit: OnceLock<Visit>,
    /// Who was there at a glance, if somebody had one.
    seen: Mutex<Option<Option<User>>>,
}

impl LazyVisit {
    /// Makes one for a request. It does nothing yet.
    pub fn new(miracl: Miracl) -> Self {
        Self {
            miracl,
            visit: OnceLock::new(),
            seen: Mutex::new(None),
        }
    }

    /// Returns the request's visit. What [`user_at_once`](Self::user_at_once) said is true of it as well.
    pub fn visit(&self, request: &impl RequestView) -> Visit {
        let make = || {
            let visit = self.miracl.visit(request);
            if let Some(seen) = &*self.seen() {
                visit.know(seen.as_ref());
            }
            visit
        };
        self.visit.get_or_init(make).clone()
    }

    /// Returns who is logged in, as [`Visit::user`] does, where that needs neither waiting nor a change of the response: no deadline
    /// to move, no value to seal anew, no cookie to delete. Otherwise `None`: ask the [`visit`](Self::visit).
    pub fn user_at_once(&self, request: &impl RequestView) -> Option<Option<User>> {
        if let Some(visit) = self.visit.get() {
            return visit.user_at_once();
        }
        let mut seen = self.seen();
        if seen.is_none() {
            *seen = Some(self.miracl.glance(request)?);
        }
        seen.clone()
    }

    /// Returns what the request's visit changes about the response; nothing, if nobody asked for it. Adapters call it when the response
    /// is made, once.
    pub fn finish(&self) -> Outcome {
        match self.visit.get() {
            Some(visit) => visit.finish(),
            None => Outcome {
                set_cookies: Vec::new(),
                no_store: self.seen().is_some(),
            },
        }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Option<User>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LazyVisit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyVisit").finish_non_exhaustive()
    }
}

impl Miracl {
    /// Reads the session of a request where neither waiting nor a change of the response is needed. Whoever is told depends on it.
    fn glance(&self, request: &impl RequestView) -> Option<Option<User>> {
        let engine = self.engine();
        if engine.config.renewal == Renewal::Eager || !engine.marks.is_fresh() {
            return None;
        }
        let binding = engine.known_binding()?;
        let mut headers = request.cookie_headers();
        let header = headers.next().unwrap_or_default();
        if headers.next().is_some() {
            return None;
        }
        let current = engine.read_at_once(header, binding)?;
        Some(current.map(|current| User(current.session)))
    }
}

#[cfg(test)]
mod tests;
