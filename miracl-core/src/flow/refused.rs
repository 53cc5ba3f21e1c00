//! A request that is turned away, and the engine's answer to it.

use std::{any::Any, fmt};

use crate::{base::joined::App, engine::Engine, web::reply::Reply};

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Nobody is logged in.
    LoginRequired,
    /// A route for project JWTs was called without a valid one.
    InvalidToken,
    /// Somebody is logged in or has a valid project JWT, and may not do what they ask for.
    Denied,
    /// The login is too old or too weak.
    StepUp,
    /// It cannot be told at the moment: the session cannot be read, or the app's own decision has failed.
    Unavailable,
    /// Another site made the browser send the request.
    CrossOrigin,
    /// The app has a mistake, which the log explains.
    Misconfigured,
}

/// A request that is turned away, with the engine's answer to it: what the hook `on_refused` is told.
///
/// `Debug` shows neither the answer nor the address.
pub struct Refused {
    kind: RefusalKind,
    reply: Reply,
    login_url: Option<String>,
    hooks: Option<App>,
}

impl Refused {
    pub(crate) fn new(engine: Option<&Engine>, kind: RefusalKind, reply: Reply) -> Self {
        Self {
            kind,
            reply,
            login_url: None,
            hooks: engine.and_then(|engine| engine.joined.hooks()),
        }
    }

    pub(crate) fn with_login(self, login_url: String) -> Self {
        Self {
            login_url: Some(login_url),
            ..self
        }
    }

    /// Returns why the request is turned away.
    pub fn kind(&self) -> RefusalKind {
        self.kind
    }

    /// Returns where a login begins that leads back here: for
    /// [`LoginRequired`](RefusalKind::LoginRequired) and [`StepUp`](RefusalKind::StepUp), which asks for what is
    /// missing. `None` for every other kind, which no login would change.
    pub fn login_url(&self) -> Option<&str> {
        self.login_url.as_deref()
    }

    /// Returns the engine's answer, which is sent unless the app has one of its own.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Returns the engine's answer. Adapters send it where `on_refused` has returned `None`.
    pub fn into_reply(self) -> Reply {
        self.reply
    }

    /// Returns what the adapter gave to [`Miracl::join`](crate::Miracl::join), to call the app's hook. `None` where
    /// nothing of this type was given, and where the app has made a mistake in front of every engine
    /// ([`Misconfigured`](RefusalKind::Misconfigured)).
    pub fn hooks<T: Any>(&self) -> Option<&T> {
        self.hooks.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("kind", &self.kind)
            .field("status", &self.reply.status)
            .finish_non_exhaustive()
    }
}
