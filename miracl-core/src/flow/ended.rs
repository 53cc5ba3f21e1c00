//! Waiting for the end of a session: for open WebSockets and event streams.
//!
//! What ends in this process is told at once. What another replica has ended is found by looking: each session that
//! somebody waits for is looked up once in an interval, however many wait for it, and at its idle deadline, which other
//! requests may have moved.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{
    base::random::random,
    engine::Engine,
    error::session::SessionError,
    exchange::Exchange,
    session::{
        end::{EndedBy, SessionEnd},
        identity::Session,
        waiting::{Place, Waited},
    },
    store::erased::ErasedStore,
};

/// The shortest time between two looks at the clock, for clocks that stand still.
const SHORTEST: Duration = Duration::from_millis(20);

/// The end of a session, as a future: see [`Visit::ended`](crate::Visit::ended).
///
/// It borrows nothing, and may be sent to another thread. Dropping it leaves nothing behind.
#[must_use = "it does nothing until it is awaited"]
pub struct SessionEnded(
    /// Never locked: it makes this `Sync`, which the streams of some frameworks have to be.
    Mutex<Pin<Box<dyn Future<Output = SessionEnd> + Send>>>,
);

impl Future for SessionEnded {
    type Output = SessionEnd;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<SessionEnd> {
        let future = self.0.get_mut();
        let future = future.unwrap_or_else(PoisonError::into_inner);
        future.as_mut().poll(context)
    }
}

impl fmt::Debug for SessionEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEnded").finish_non_exhaustive()
    }
}

/// Returns the end of the request's session.
pub(crate) fn ended(exchange: &Arc<Exchange>) -> SessionEnded {
    let engine = Arc::clone(&exchange.engine);
    // Now, while the response can still move the idle deadline.
    let future: Pin<Box<dyn Future<Output = SessionEnd> + Send>> = match exchange.session_at_once()
    {
        Poll::Ready(None) => Box::pin(std::future::ready(SessionEnd::Nobody)),
        Poll::Ready(Some(session)) => {
            let place = engine.sessions.marks.waiting().join(&session);
            Box::pin(until_ended(engine, place))
        }
        Poll::Pending => {
            let exchange = Arc::clone(exchange);
            Box::pin(async move {
                let session = session(&exchange).await;
                // Of the request nothing is needed any more.
                drop(exchange);
                let Some(session) = session else {
                    return SessionEnd::Nobody;
                };
                let place = engine.sessions.marks.waiting().join(&session);
                until_ended(engine, place).await
            })
        }
    };
    SessionEnded(Mutex::new(future))
}

/// Reads the session of a request, as soon as it can be read.
async fn session(exchange: &Exchange) -> Option<Arc<Session>> {
    let engine = &exchange.engine;
    // The response may have been sent, and then it tells the browser of no other deadline.
    exchange.without_activity();
    loop {
        match exchange.session().await {
            Ok(session) => return session,
            Err(error) => {
                tell(engine, &error);
                sleep(engine.config.session_check_interval).await;
            }
        }
    }
}

async fn until_ended(engine: Arc<Engine>, mut place: Place) -> SessionEnd {
    let interval = engine.config.session_check_interval;
    // Those who have come together do not look together.
    let mut next_look =
        Instant::now() + interval.mul_f64(0.5 + f64::from(random::<1>()[0]) / 512.0);
    // It may have ended since the request read it.
    if engine.sessions.marks.is_ended(&place.waited.session) {
        let elsewhere = SessionEnd::Ended(EndedBy::Elsewhere);
        place.waited.has_ended(elsewhere);
    }
    loop {
        let deadline = until_deadline(&engine, &place.waited).map(|left| Instant::now() + left);
        let wake = deadline.map_or(next_look, |deadline| deadline.min(next_look));
        if let Ok(end) = timeout_at(wake, place.until_told()).await {
            return end;
        }
        // Boxed, so that one who waits needs little memory meanwhile.
        match Box::pin(look_or_be_told(&engine, &mut place)).await {
            Ok(Some(end)) => place.waited.has_ended(end),
            Ok(None) => {}
            Err(error) => tell(&engine, &error),
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + interval;
        }
    }
}

/// Looks whether a session has ended, until somebody else says so or its absolute deadline passes: a store may hang.
async fn look_or_be_told(
    engine: &Arc<Engine>,
    place: &mut Place,
) -> Result<Option<SessionEnd>, SessionError> {
    let waited = Arc::clone(&place.waited);
    let absolute = waited.deadlines(engine.sessions.timeouts).1;
    let left = absolute
        .saturating_mul(1000)
        .saturating_sub(engine.now_ms());
    if left == 0 {
        return Ok(Some(SessionEnd::Expired));
    }
    let mut told = pin!(place.until_told());
    let mut looked = pin!(look(engine, &waited));
    let first = poll_fn(|context| match told.as_mut().poll(context) {
        Poll::Ready(end) => Poll::Ready(Ok(Some(end))),
        Poll::Pending => looked.as_mut().poll(context),
    });
    match timeout(Duration::from_millis(left), first).await {
        Ok(first) => first,
        // The next round tells by the app's own clock.
        Err(_) => Ok(None),
    }
}

/// How long it is to the next deadline that lies ahead.
fn until_deadline(engine: &Engine, waited: &Waited) -> Option<Duration> {
    let now = engine.now_ms();
    let (idle, absolute) = waited.deadlines(engine.sessions.timeouts);
    [idle, absolute]
        .into_iter()
        .map(|deadline| deadline.saturating_mul(1000).saturating_sub(now))
        .filter(|left| *left > 0)
        .min()
        .map(|left| Duration::from_millis(left).max(SHORTEST))
}

/// Looks whether a session has ended, unless somebody has just done so: of all who wait for it, one at a time asks.
async fn look(engine: &Arc<Engine>, waited: &Waited) -> Result<Option<SessionEnd>, SessionError> {
    let sessions = &engine.sessions;
    let is_idle = || waited.deadlines(sessions.timeouts).0 <= engine.now();
    let Some(store) = sessions.store() else {
        if is_idle() {
            return Ok(Some(SessionEnd::Expired));
        }
        return look_at_marks(engine, waited).await;
    };
    let asked = Instant::now();
    let mut looked = waited.looked.lock().await;
    // Whoever asked meanwhile has the answer for all who waited for it, or failed for all.
    let interval = engine.config.session_check_interval;
    if *looked >= asked || (looked.elapsed() < interval / 2 && !is_idle()) {
        return Ok(None);
    }
    let found = look_at_store(engine, waited, store).await;
    *looked = Instant::now();
    Ok(match found? {
        Some(_) if is_idle() => Some(SessionEnd::Expired),
        found => found,
    })
}

/// Asks the store for a session, and notes when it was last seen.
async fn look_at_store(
    engine: &Arc<Engine>,
    waited: &Waited,
    store: &dyn ErasedStore,
) -> Result<Option<SessionEnd>, SessionError> {
    let sessions = &engine.sessions;
    if let Some(end) = look_at_marks(engine, waited).await? {
        waited.has_ended(end);
        return Ok(None);
    }
    let id = waited.session.id;
    let key = sessions.key_of(id);
    let binding = engine.binding().await;
    let binding = binding.map_err(SessionError::Credentials)?;
    let stored = store.load(&key).await.map_err(SessionError::Store)?;
    let now = engine.now();
    let living = stored.and_then(|stored| sessions.current(id, &key, stored, &binding, now));
    Ok(match living {
        Some(current) => {
            waited.was_seen(current.session.seen);
            None
        }
        None => Some(SessionEnd::Ended(EndedBy::Elsewhere)),
    })
}

/// Looks whether another replica has ended a session.
async fn look_at_marks(
    engine: &Arc<Engine>,
    waited: &Waited,
) -> Result<Option<SessionEnd>, SessionError> {
    let marks = &engine.sessions.marks;
    if !marks.is_fresh() {
        engine.follow_marks();
        marks.catch_up().await.map_err(SessionError::Store)?;
    }
    // A mark tells those who wait itself. It may be older than they are.
    let is_ended = marks.is_ended(&waited.session);
    Ok(is_ended.then_some(SessionEnd::Ended(EndedBy::Elsewhere)))
}

/// Says in the log that it is unknown whether sessions have ended.
fn tell(engine: &Engine, error: &SessionError) {
    if engine.sessions.marks.waiting().may_tell() {
        tracing::warn!(
            %error,
            "it cannot be told whether sessions have ended; connections that wait for that stay open until it can"
        );
    }
}

#[cfg(test)]
mod tests;
