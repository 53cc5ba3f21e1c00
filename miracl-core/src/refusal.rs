//! Why a request is turned away, and the answer to it.

use std::{error::Error, fmt, sync::Arc};

use crate::{
    access::step_up::StepUp,
    engine::events::{AuthEvent, EventPerson, shown_path},
    exchange::Exchange,
    flow::{challenge, lost_form, project_user::NoProjectUser},
    miracl::Miracl,
    web::{
        reply::Reply,
        request::{RequestView, path_of},
    },
};

/// Why a request was turned away, with the answer to it.
///
/// [`Visit::required_user`](crate::Visit::required_user) returns one, and a [`NoVisit`] becomes one. The answer is made
/// when [`reply`](Self::reply) is called: an optional extractor that drops the refusal pays nothing for it.
///
/// `Display` says why, for the log and the developer.
///
/// ```
/// use miracl_core::{Visit, adapter::{Reply, RequestView}};
///
/// /// A page for members, in an adapter.
/// async fn members(visit: &Visit, request: &impl RequestView) -> Result<String, Reply> {
///     match visit.required_user().await {
///         Ok(user) => Ok(format!("Hello, {}", user.id())),
///         Err(refusal) => Err(refusal.reply(request)),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Refusal(Why);

#[derive(Clone)]
enum Why {
    Anonymous(Miracl),
    Denied(Arc<Exchange>),
    StepUp(Arc<Exchange>, StepUp),
    Unreadable(Miracl),
    Undecided(Miracl),
    /// A requirement asks for a claim that sessions do not keep.
    NotKept,
    NoVisit(NoVisit),
    NoProjectUser(NoProjectUser),
}

/// The kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Nobody is logged in.
    LoginRequired,
    /// An API was called without a valid project JWT.
    InvalidToken,
    /// Somebody is logged in, and may not do what they ask for.
    Denied,
    /// The login is too old or too weak.
    StepUp,
    /// It cannot be told at the moment: the session cannot be read, or the app's own decision has failed.
    Unavailable,
    /// The app has a mistake, which the log explains.
    Misconfigured,
}

impl Refusal {
    /// Nobody is logged in.
    pub(crate) fn anonymous(miracl: &Miracl) -> Self {
        Self(Why::Anonymous(miracl.clone()))
    }

    /// Somebody is logged in, and may not do what they ask for.
    pub(crate) fn denied(exchange: &Arc<Exchange>) -> Self {
        Self(Why::Denied(Arc::clone(exchange)))
    }

    /// The login is too old or too weak.
    pub(crate) fn step_up(exchange: &Arc<Exchange>, step_up: StepUp) -> Self {
        Self(Why::StepUp(Arc::clone(exchange), step_up))
    }

    /// The app's own decision has failed.
    pub(crate) fn undecided(miracl: &Miracl) -> Self {
        Self(Why::Undecided(miracl.clone()))
    }

    /// The session cannot be read at the moment.
    pub(crate) fn unreadable(miracl: &Miracl) -> Self {
        Self(Why::Unreadable(miracl.clone()))
    }

    /// The requirement asks for a claim that sessions do not keep, which the log explains.
    pub(crate) fn not_kept() -> Self {
        Self(Why::NotKept)
    }

    /// Returns the kind of it.
    pub fn kind(&self) -> RefusalKind {
        match &self.0 {
            Why::Anonymous(_) => RefusalKind::LoginRequired,
            Why::Denied(_) => RefusalKind::Denied,
            Why::StepUp(..) => RefusalKind::StepUp,
            Why::Unreadable(_) | Why::Undecided(_) => RefusalKind::Unavailable,
            Why::NoVisit(_) | Why::NotKept => RefusalKind::Misconfigured,
            Why::NoProjectUser(_) => RefusalKind::InvalidToken,
        }
    }

    /// Returns the answer to the request that was turned away: [`Miracl::challenge`] where nobody is logged in, a 403
    /// where somebody may not do what they ask for, the way to a login where that one is too old or too weak,
    /// [`Miracl::unavailable`] where it cannot be told, and an empty 500 where the app has a mistake. For
    /// [`Visit::project_user`](crate::Visit::project_user) it is what RFC 6750 says, and never a redirect.
    pub fn reply(&self, request: &impl RequestView) -> Reply {
        match &self.0 {
            Why::Anonymous(miracl) => miracl.challenge(request),
            Why::Denied(exchange) => {
                tell(exchange, request, |person, path| AuthEvent::Denied {
                    person,
                    path,
                });
                challenge::denied(&exchange.engine, request)
            }
            Why::StepUp(exchange, step_up) => {
                tell(exchange, request, |person, path| AuthEvent::StepUp {
                    person,
                    path,
                });
                lost_form::tell(exchange, request);
                challenge::step_up(exchange, request, step_up)
            }
            Why::Unreadable(miracl) => miracl.unavailable(request),
            Why::Undecided(miracl) => challenge::undecided(miracl.engine(), request),
            Why::NotKept => Reply::empty(500),
            Why::NoVisit(no_visit) => no_visit.reply(),
            Why::NoProjectUser(refused) => refused.reply(),
        }
    }
}

/// Tells the app's observers that somebody who is logged in was turned away. Not before there is an answer: a refusal
/// of an optional extractor is dropped.
fn tell(
    exchange: &Exchange,
    request: &impl RequestView,
    event: impl FnOnce(EventPerson, String) -> AuthEvent,
) {
    let current = {
        let mut state = exchange.lock();
        // A framework may ask for the answer more than once.
        let was_told = std::mem::replace(&mut state.refusal_told, true);
        state.current.clone().filter(|_| !was_told)
    };
    if let Some(current) = current {
        exchange.engine.tell(|| {
            let path = shown_path(path_of(&request.path_and_query()));
            event(EventPerson::from(&*current.session), path)
        });
    }
}

impl From<NoProjectUser> for Refusal {
    fn from(refused: NoProjectUser) -> Self {
        Self(Why::NoProjectUser(refused))
    }
}

impl From<NoVisit> for Refusal {
    fn from(no_visit: NoVisit) -> Self {
        Self(Why::NoVisit(no_visit))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::Anonymous(_) => f.write_str("nobody is logged in"),
            Why::Denied(_) => f.write_str("the requirement is not met"),
            Why::StepUp(..) => f.write_str("the login is too old or too weak"),
            Why::Unreadable(_) => f.write_str("the session cannot be read"),
            Why::Undecided(_) => f.write_str("it cannot be decided at the moment who may do this"),
            Why::NotKept => f.write_str("a claim is required that sessions do not keep"),
            Why::NoVisit(no_visit) => no_visit.fmt(f),
            Why::NoProjectUser(_) => f.write_str("there is no valid project JWT"),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({self})")
    }
}

impl Error for Refusal {}

/// Why there is no visit for a request. It is a mistake in the app, and lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoVisit {
    /// No layer of a login is around the route.
    MissingLayer,
    /// A guard or a route of one engine is inside the layer of another engine, and its own layer is missing.
    OtherEngine,
    /// The `Cookie` headers are not those of the request that came to the layer.
    OtherCookies,
    /// The routes of the login are not where its URLs point to.
    MissingRoutes,
}

impl NoVisit {
    /// Logs that the app forgot the layer. `what_to_do` names the line of code to add.
    pub fn missing_layer(what_to_do: &'static str) -> Self {
        tracing::error!("{what_to_do}");
        Self::MissingLayer
    }

    /// Logs that the routes of the login are missing, or nested under a prefix. `what_to_do` names the line of code to
    /// change.
    pub fn missing_routes(what_to_do: &'static str) -> Self {
        tracing::error!("{what_to_do}");
        Self::MissingRoutes
    }

    /// Returns the answer: an empty 500. The log has said what to do.
    pub fn reply(self) -> Reply {
        Reply::empty(500)
    }

    /// Writes it to the log, where it is seen even if an optional extractor ignores it.
    pub(crate) fn logged(self) -> Self {
        tracing::error!("{self}");
        self
    }
}

impl fmt::Display for NoVisit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingLayer => "no MIRACL layer is around this route",
            Self::OtherEngine => {
                "the login around this route is another engine's: put the layer of the same `MiraclAuth` around it"
            }
            Self::OtherCookies => {
                "somebody asked who is there for a request with other cookies than the one that came to the layer: \
                 make a request of your own without the extensions of another, and change cookies outside of the layer"
            }
            Self::MissingRoutes => "the routes of the login are not where its URLs point to",
        })
    }
}

impl Error for NoVisit {}
