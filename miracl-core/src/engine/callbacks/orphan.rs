//! What is left of a callback whose request has gone away, for another request of the same browser.

use std::fmt;

use crate::{
    receipt::Receipt,
    session::{
        cookies::set_cookie::SetCookie,
        proposed::{CompletedLogin, Proposed},
    },
    web::flash::Flash,
};

/// What is left of a callback.
pub(crate) enum Orphan {
    /// A login that passed every check. Its hook has not run.
    Login(Box<OrphanLogin>),
    /// The answer after a session has begun.
    Answer(Box<OrphanAnswer>),
}

/// A login whose hook has not run.
pub(crate) struct OrphanLogin {
    pub(crate) login: CompletedLogin,
    pub(crate) receipt: Receipt,
    pub(crate) proposed: Unbegun,
}

/// A new session that nobody has begun. Dropped, it is deleted from its store.
pub(crate) struct Unbegun(Option<(Proposed, Forget)>);

type Forget = Box<dyn FnOnce(Proposed) + Send>;

/// What a browser must receive, so that it has the session which has begun.
#[derive(Clone)]
pub(crate) struct OrphanAnswer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) cookies: Vec<SetCookie>,
    /// The messages to show, where they have changed.
    pub(crate) flashes: Option<Vec<Flash>>,
}

impl Unbegun {
    /// `forget` deletes a session that nobody takes.
    pub(crate) fn new(
        proposed: Option<Proposed>,
        forget: impl FnOnce(Proposed) + Send + 'static,
    ) -> Self {
        let forget: Forget = Box::new(forget);
        Self(proposed.map(|proposed| (proposed, forget)))
    }

    /// Takes the session. From here on it is the caller's to begin or to drop.
    pub(crate) fn take(mut self) -> Option<Proposed> {
        self.0.take().map(|(proposed, _)| proposed)
    }
}

impl Drop for Unbegun {
    fn drop(&mut self) {
        if let Some((proposed, forget)) = self.0.take() {
            forget(proposed);
        }
    }
}

impl fmt::Debug for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login(_) => "Login(..)",
            Self::Answer(_) => "Answer(..)",
        })
    }
}
