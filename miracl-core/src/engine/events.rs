//! Events of logins, for audit trails: told to the app's observers in order, beside the requests that they are about.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use crate::{
    base::{runtime::Runtime, text::printable},
    error::login::FailureReason,
    session::{end::EndedBy, identity::Session},
    trust::project_jwt::ProjectUser,
};

/// How many events may wait for the observers.
const MAX_WAITING: usize = 1000;
/// How many of these places a failed login leaves to other events: anybody can make logins fail.
const RESERVED: usize = MAX_WAITING / 2;
/// The longest path in an event, in bytes.
const MAX_PATH: usize = 512;
/// How long an observer may take for one event.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What has happened to somebody's login, as `on_event` and [`Miracl::observe`](crate::Miracl::observe) receive it.
///
/// It is for an audit trail, a counter or an alarm. It decides nothing, and a login never waits for it. It has no
/// secret. Whom it is about is personal data, which its `Debug` does not show.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuthEvent {
    /// A session has begun: every check passed, and the hook said `Ok`.
    #[non_exhaustive]
    LoggedIn {
        /// Who logged in.
        person: EventPerson,
    },
    /// A login has failed.
    #[non_exhaustive]
    LoginFailed {
        /// The id of the failure's line in the log, and on the page.
        id: String,
        /// Which check failed.
        reason: FailureReason,
    },
    /// The hook `on_auth_success` has refused a login that passed every check.
    #[non_exhaustive]
    LoginRefused {
        /// Who is not logged in.
        person: EventPerson,
    },
    /// A session of this browser has ended, or those of a person elsewhere.
    #[non_exhaustive]
    LoggedOut {
        /// Whose session it was. A logout token may name a session alone: then nobody.
        person: Option<EventPerson>,
        /// What ended it.
        by: EndedBy,
    },
    /// The session's tokens were renewed.
    #[non_exhaustive]
    TokensRenewed {
        /// Whose session it is.
        person: EventPerson,
    },
    /// Somebody who is logged in was sent to a stronger or newer login.
    #[non_exhaustive]
    StepUp {
        /// Who was sent.
        person: EventPerson,
        /// The path that they asked for, without its query.
        path: String,
    },
    /// Somebody who is logged in may not do what they asked for.
    #[non_exhaustive]
    Denied {
        /// Who may not.
        person: EventPerson,
        /// The path that they asked for, without its query.
        path: String,
    },
}

/// Whom an event is about. Issuer and id together identify a person for good. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPerson {
    /// The provider's issuer.
    pub issuer: String,
    /// The person's id there, the claim `sub`.
    pub id: String,
}

impl fmt::Debug for EventPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventPerson").finish_non_exhaustive()
    }
}

impl From<&Session> for EventPerson {
    fn from(session: &Session) -> Self {
        Self {
            issuer: session.person.issuer().to_owned(),
            id: session.person.subject().to_owned(),
        }
    }
}

impl From<&ProjectUser> for EventPerson {
    fn from(user: &ProjectUser) -> Self {
        Self {
            issuer: user.issuer().to_owned(),
            id: user.id().to_owned(),
        }
    }
}

type Told = Pin<Box<dyn Future<Output = ()> + Send>>;
type Observer = Arc<dyn Fn(AuthEvent) -> Told + Send + Sync>;

/// The app's observers, and the events that wait for them.
#[derive(Default)]
pub(crate) struct Events {
    observers: Arc<RwLock<Vec<Observer>>>,
    waiting: Mutex<Option<mpsc::Sender<AuthEvent>>>,
    dropped: AtomicU64,
}

impl Events {
    /// Adds an observer. It is told of everything from now on.
    pub(crate) fn observe<F, A>(&self, observer: F)
    where
        F: Fn(AuthEvent) -> A + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let observer: Observer = Arc::new(move |event| Box::pin(observer(event)));
        let observers = self.observers.write();
        let mut observers = observers.unwrap_or_else(PoisonError::into_inner);
        observers.push(observer);
    }

    /// Tells the observers of an event, later. Without observers it is not even made.
    pub(crate) fn tell(&self, runtime: &Runtime, event: impl FnOnce() -> AuthEvent) {
        let observers = self.observers.read();
        if observers.unwrap_or_else(PoisonError::into_inner).is_empty() || !runtime.is_there() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The runtime that told of the events before may have ended.
        let sender = match &*waiting {
            Some(sender) if !sender.is_closed() => sender,
            _ => {
                let (sender, receiver) = mpsc::channel(MAX_WAITING);
                runtime.spawn(tell_all(receiver, Arc::clone(&self.observers)));
                waiting.insert(sender)
            }
        };
        let event = event();
        let is_failure = matches!(event, AuthEvent::LoginFailed { .. });
        let has_place = !is_failure || sender.capacity() > RESERVED;
        if !has_place || sender.try_send(event).is_err() {
            let dropped = self
                .dropped
                .fetch_add(1, Ordering::Relaxed)
                .saturating_add(1);
            // Each doubling is told, and each further thousand, so that a flood of events is no flood of lines.
            if dropped.is_power_of_two() || dropped.is_multiple_of(1000) {
                tracing::error!(
                    dropped,
                    "the observers of login events are too slow: {MAX_WAITING} events wait, and further ones are lost"
                );
            }
        }
    }
}

/// A path as an event has it: not too long, and without what a terminal or a log would obey.
pub(crate) fn shown_path(path: &str) -> String {
    printable(path, MAX_PATH)
}

/// Tells every observer of every event, in order. One that panics or takes too long loses that event alone.
async fn tell_all(mut events: mpsc::Receiver<AuthEvent>, observers: Arc<RwLock<Vec<Observer>>>) {
    while let Some(event) = events.recv().await {
        let told = observers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for observer in told {
            let event = event.clone();
            // In a task, which ends alone if it panics.
            let mut task = tokio::spawn(async move { observer(event).await });
            match timeout(MAX_TIME, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "an observer of login events panicked"),
                Err(_) => {
                    task.abort();
                    tracing::error!("an observer of login events took too long, and was stopped");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{Notify, mpsc::unbounded_channel};

    use super::*;
    use crate::session::identity::tests::session;

    fn logged_in() -> AuthEvent {
        let person = EventPerson::from(&session());
        AuthEvent::LoggedIn { person }
    }

    fn ended(by: EndedBy) -> AuthEvent {
        AuthEvent::LoggedOut { person: None, by }
    }

    #[test]
    fn an_event_shows_nobody() {
        let event = logged_in();
        let AuthEvent::LoggedIn { person } = &event else {
            unreachable!("as it was made");
        };
        let text = format!("{event:?}");
        assert!(
            !text.contains(&person.id) && !text.contains(&person.issuer),
            "{text}"
        );
    }

    #[tokio::test]
    async fn each_observer_hears_everything_in_order_though_another_panics() {
        let (events, runtime) = (Events::default(), Runtime::current());
        events.tell(&runtime, || unreachable!("nobody listens"));
        let (heard, mut by_one) = unbounded_channel();
        events.observe(|_| async { panic!("as it likes") });
        events.observe(|_| -> std::future::Ready<()> { panic!("before it waits") });
        events.observe(move |event| {
            heard.send(event).unwrap();
            async {}
        });
        let all = [EndedBy::LogOut, EndedBy::BackChannel, EndedBy::Provider];
        for by in all {
            events.tell(&runtime, || ended(by));
        }
        for expected in all {
            let event = by_one.recv().await;
            assert!(matches!(event, Some(AuthEvent::LoggedOut { by, .. }) if by == expected));
        }
    }

    #[tokio::test]
    async fn failures_leave_half_of_the_places_to_what_happens_to_people() {
        let (events, runtime) = (Events::default(), Runtime::current());
        events.observe(|_| std::future::pending());
        for _ in 0..2 * MAX_WAITING {
            events.tell(&runtime, || AuthEvent::LoginFailed {
                id: String::new(),
                reason: FailureReason::StateUnknown,
            });
        }
        let lost = events.dropped.load(Ordering::Relaxed);
        assert_eq!(lost, (2 * MAX_WAITING - RESERVED) as u64);
        for _ in 0..RESERVED {
            events.tell(&runtime, logged_in);
        }
        assert_eq!(events.dropped.load(Ordering::Relaxed), lost);
    }

    #[test]
    fn a_path_in_an_event_is_short_and_printable() {
        assert_eq!(shown_path("/a\u{9b}31m\nb\u{202e}/"), "/a31mb/");
        assert_eq!(shown_path(&"x".repeat(9000)).len(), MAX_PATH);
    }

    #[tokio::test]
    async fn a_slow_observer_delays_nobody_and_loses_what_is_too_much() {
        let (events, runtime) = (Events::default(), Runtime::current());
        let (go_on, heard) = (Arc::new(Notify::new()), Arc::new(AtomicU64::new(0)));
        let (wait, count) = (Arc::clone(&go_on), Arc::clone(&heard));
        events.observe(move |_| {
            let wait = Arc::clone(&wait);
            let count = Arc::clone(&count);
            async move {
                if count.fetch_add(1, Ordering::Relaxed) == 0 {
                    wait.notified().await;
                }
            }
        });
        let more = 25;
        for _ in 0..MAX_WAITING + more {
            events.tell(&runtime, logged_in);
        }
        let lost = events.dropped.load(Ordering::Relaxed);
        assert_eq!(lost, more as u64);
        go_on.notify_one();
        while heard.load(Ordering::Relaxed) < MAX_WAITING as u64 {
            tokio::task::yield_now().await;
        }
    }
}
