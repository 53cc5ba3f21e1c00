//! Why a request is turned away, and the answer to it.

use std::{error::Error, fmt, sync::Arc};

use crate::{
    access::step_up::StepUp,
    engine::events::{AuthEvent, EventPerson, shown_path},
    exchange::{Exchange, State},
    flow::{
        challenge, lost_form,
        options::LoginOptions,
        project_user::rights::NotAuthorized,
        refused::{RefusalKind, Refused},
    },
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
    /// The login was asked for what is needed, and has not brought it.
    InVain(Arc<Exchange>),
    Unreadable(Miracl),
    Undecided(Miracl),
    /// A requirement asks for a claim that sessions do not keep.
    NotKept(Miracl),
    NoVisit(NoVisit),
    ProjectUser(Arc<Exchange>, NotAuthorized),
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

    /// The login was asked for what is needed, and has not brought it.
    pub(crate) fn in_vain(exchange: &Arc<Exchange>) -> Self {
        Self(Why::InVain(Arc::clone(exchange)))
    }

    /// The app's own decision has failed.
    pub(crate) fn undecided(miracl: &Miracl) -> Self {
        Self(Why::Undecided(miracl.clone()))
    }

    /// The session cannot be read at the moment.
    pub(crate) fn unreadable(miracl: &Miracl) -> Self {
        Self(Why::Unreadable(miracl.clone()))
    }

    /// There is no caller with a project JWT who may do what they ask for.
    pub(crate) fn project_user(exchange: &Arc<Exchange>, refused: NotAuthorized) -> Self {
        Self(Why::ProjectUser(Arc::clone(exchange), refused))
    }

    /// The requirement asks for a claim that sessions do not keep, which the log explains.
    pub(crate) fn not_kept(miracl: &Miracl) -> Self {
        Self(Why::NotKept(miracl.clone()))
    }

    /// Returns the kind of it.
    pub fn kind(&self) -> RefusalKind {
        match &self.0 {
            Why::Anonymous(_) => RefusalKind::LoginRequired,
            Why::Denied(_) | Why::InVain(_) => RefusalKind::Denied,
            Why::StepUp(..) => RefusalKind::StepUp,
            Why::Unreadable(_) | Why::Undecided(_) => RefusalKind::Unavailable,
            Why::NoVisit(_) | Why::NotKept(_) => RefusalKind::Misconfigured,
            Why::ProjectUser(_, refused) => match refused {
                NotAuthorized::NoProjectUser(_) => RefusalKind::InvalidToken,
                NotAuthorized::Denied | NotAuthorized::Scope(_) => RefusalKind::Denied,
                NotAuthorized::StepUp(_) => RefusalKind::StepUp,
                NotAuthorized::Undecided => RefusalKind::Unavailable,
            },
        }
    }

    /// Returns the answer to the request that was turned away: [`Miracl::challenge`] where nobody is logged in, a 403
    /// where somebody may not do what they ask for, the way to a login where that one is too old or too weak,
    /// [`Miracl::unavailable`] where it cannot be told, and an empty 500 where the app has a mistake. For
    /// [`Visit::project_user`](crate::Visit::project_user) and
    /// [`Visit::authorized_project_user`](crate::Visit::authorized_project_user) it is what RFC 6750 and RFC 9470 say,
    /// and never a redirect.
    pub fn reply(&self, request: &impl RequestView) -> Reply {
        self.refused(request).into_reply()
    }

    /// Returns the answer as [`reply`](Self::reply) does, with what the hook `on_refused` is told. Adapters call this
    /// one, and the hook.
    pub fn refused(&self, request: &impl RequestView) -> Refused {
        let kind = self.kind();
        match &self.0 {
            Why::Anonymous(miracl) => {
                let engine = miracl.engine();
                let login = challenge::login_to(engine, request, LoginOptions::default());
                let reply =
                    challenge::to_login(engine, request, &login, &challenge::LOGIN_REQUIRED);
                Refused::new(Some(engine), kind, reply).with_login(login)
            }
            Why::Denied(exchange) | Why::InVain(exchange) => {
                tell(exchange, request, session, denied);
                let engine = &exchange.engine;
                let reply = match &self.0 {
                    Why::InVain(_) => challenge::in_vain(engine, request),
                    _ => challenge::denied(engine, request),
                };
                Refused::new(Some(engine), kind, reply)
            }
            Why::StepUp(exchange, step_up) => {
                tell(exchange, request, session, step_up_needed);
                lost_form::tell(exchange, request);
                let engine = &exchange.engine;
                let options = challenge::step_up(exchange, step_up);
                let login = challenge::login_again(engine, request, options);
                let reply = challenge::to_login(engine, request, &login, &challenge::STEP_UP);
                Refused::new(Some(engine), kind, reply).with_login(login)
            }
            Why::Unreadable(miracl) => {
                let reply = miracl.unavailable(request);
                Refused::new(Some(miracl.engine()), kind, reply)
            }
            Why::Undecided(miracl) => {
                let reply = challenge::undecided(miracl.engine(), request);
                Refused::new(Some(miracl.engine()), kind, reply)
            }
            Why::NotKept(miracl) => Refused::new(Some(miracl.engine()), kind, Reply::empty(500)),
            Why::NoVisit(no_visit) => Refused::new(None, kind, no_visit.reply()),
            Why::ProjectUser(exchange, refused) => {
                match refused {
                    NotAuthorized::Denied | NotAuthorized::Scope(_) => {
                        tell(exchange, request, project_user, denied);
                    }
                    NotAuthorized::StepUp(_) => {
                        tell(exchange, request, project_user, step_up_needed);
                    }
                    NotAuthorized::NoProjectUser(_) | NotAuthorized::Undecided => {}
                }
                Refused::new(Some(&exchange.engine), kind, refused.reply())
            }
        }
    }
}

fn session(state: &State) -> Option<EventPerson> {
    let current = state.current.as_ref()?;
    Some(EventPerson::from(&*current.session))
}

fn project_user(state: &State) -> Option<EventPerson> {
    let (user, _) = &**state.project_user.as_ref()?;
    Some(EventPerson::from(user))
}

fn denied(person: EventPerson, path: String) -> AuthEvent {
    AuthEvent::Denied { person, path }
}

fn step_up_needed(person: EventPerson, path: String) -> AuthEvent {
    AuthEvent::StepUp { person, path }
}

/// Tells the app's observers that somebody who is known was turned away. Not before there is an answer: a refusal of
/// an optional extractor is dropped.
fn tell(
    exchange: &Exchange,
    request: &impl RequestView,
    person: impl FnOnce(&State) -> Option<EventPerson>,
    event: impl FnOnce(EventPerson, String) -> AuthEvent,
) {
    let person = {
        let mut state = exchange.lock();
        // A framework may ask for the answer more than once.
        let was_told = std::mem::replace(&mut state.refusal_told, true);
        (!was_told).then(|| person(&state)).flatten()
    };
    if let Some(person) = person {
        exchange.engine.tell(|| {
            let path = shown_path(path_of(&request.path_and_query()));
            event(person, path)
        });
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
            Why::InVain(_) => {
                f.write_str("the login was asked for what is needed, and has not brought it")
            }
            Why::StepUp(..) => f.write_str("the login is too old or too weak"),
            Why::Unreadable(_) => f.write_str("the session cannot be read"),
            Why::Undecided(_) => f.write_str("it cannot be decided at the moment who may do this"),
            Why::NotKept(_) => f.write_str("a claim is required that sessions do not keep"),
            Why::NoVisit(no_visit) => no_visit.fmt(f),
            Why::ProjectUser(_, refused) => f.write_str(match refused {
                NotAuthorized::NoProjectUser(_) => "there is no valid project JWT",
                NotAuthorized::Denied | NotAuthorized::Scope(_) => "the requirement is not met",
                NotAuthorized::StepUp(_) => "the login of the project JWT is too old or too weak",
                NotAuthorized::Undecided => "it cannot be decided at the moment who may do this",
            }),
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
