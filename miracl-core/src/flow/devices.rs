//! Session lists, for a page "your devices": where a person is logged in, and how to end that from elsewhere.
//!
//! Only a store can list sessions. Every function here looks only at the sessions of the person who is logged in, so
//! nobody sees or ends another person's session, whatever handle they send.

use std::{
    cmp::Reverse,
    fmt,
    future::poll_fn,
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::digest;

use crate::{
    base::hex::hex,
    engine::events::{AuthEvent, EventPerson},
    error::session::SessionError,
    exchange::Exchange,
    session::{
        end::EndedBy,
        identity::{Session, SessionId},
    },
};

/// One session of the person who is logged in, as [`Visit::sessions`](crate::Visit::sessions) lists it.
///
/// ```
/// # use miracl_core::{SessionError, Visit};
/// # async fn page(visit: &Visit) -> Result<Vec<String>, SessionError> {
/// let sessions = visit.sessions().await?;
/// let line = |info: &miracl_core::SessionInfo| {
///     let browser = info.user_agent().unwrap_or("an unknown browser"); // Escape it in a page.
///     let here = if info.is_current() { " (this one)" } else { "" };
///     format!("{browser}{here}, last seen {:?}", info.last_seen())
/// };
/// Ok(sessions.iter().map(line).collect())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionInfo {
    session: Arc<Session>,
    id: String,
    is_current: bool,
    last_seen: u64,
    user_agent: Option<String>,
}

impl SessionInfo {
    /// Returns a handle for [`Visit::end_other_session`](crate::Visit::end_other_session): 32 hexadecimal digits, the
    /// same for as long as the session lives.
    ///
    /// It is safe in a page: it is a hash of the session's id and logs nobody in, and only the same person can end a
    /// session by it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether it is the session of this visit.
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// Returns when the person logged in.
    pub fn created(&self) -> SystemTime {
        at(self.session.created())
    }

    /// Returns when the session was last used. For the current session that is now; for the others it may be up to a
    /// tenth of [`Config::session_idle_timeout`](crate::Config::session_idle_timeout) too early, because not every
    /// request is recorded.
    pub fn last_seen(&self) -> SystemTime {
        at(self.last_seen)
    }

    /// Returns the `User-Agent` of the browser that logged in: its printable ASCII characters, at most 256 bytes.
    /// `None` when it sent none.
    ///
    /// # Security
    ///
    /// The browser can send any text: escape it, and decide nothing by it.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

/// Shows no field: a list of sessions is personal data.
impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo").finish_non_exhaustive()
    }
}

/// Returns every living session of the person who is logged in: this one first, then the others, last seen first. Empty
/// when nobody is logged in.
pub(crate) async fn sessions(exchange: &Arc<Exchange>) -> Result<Vec<SessionInfo>, SessionError> {
    let engine = &exchange.engine;
    let store = engine.sessions.store().ok_or(SessionError::NotListed)?;
    let Some(current) = exchange.current().await? else {
        return Ok(Vec::new());
    };
    let (current, binding) = (&current.session, exchange.binding().await?);
    let subject = current.marked_by.subject;
    let stored = store.list_by_subject(&subject).await;
    let mut sessions = Vec::new();
    for (key, stored) in stored.map_err(SessionError::Store)? {
        let living = engine.sessions.read_confirmed(&key, &stored, &binding);
        let same_person = |session: &Arc<Session>| {
            session.person.subject() == current.person.subject()
                && session.person.issuer() == current.person.issuer()
        };
        let Some(session) = living.filter(same_person) else {
            continue;
        };
        let is_current = session.id == current.id;
        let data = engine.sessions.read_stored_data(&session, &stored);
        sessions.push(SessionInfo {
            id: handle(&session.id),
            is_current,
            last_seen: if is_current {
                engine.now()
            } else {
                session.seen
            },
            user_agent: data.and_then(|data| data.user_agent),
            session,
        });
    }
    sessions.sort_by_cached_key(|info| {
        let (seen, created) = (Reverse(info.last_seen), Reverse(info.session.created_ms));
        (!info.is_current, seen, created, info.id.clone())
    });
    Ok(sessions)
}

/// Ends another session of the person who is logged in, by its [`SessionInfo::id`]. Returns whether it did.
pub(crate) async fn end_other_session(
    exchange: &Arc<Exchange>,
    id: &str,
) -> Result<bool, SessionError> {
    Ok(end_others(exchange, |info| info.id == id).await? > 0)
}

/// Ends every session of the person who is logged in except the visit's own, and returns how many.
pub(crate) async fn end_other_sessions(exchange: &Arc<Exchange>) -> Result<u64, SessionError> {
    end_others(exchange, |_| true).await
}

async fn end_others(
    exchange: &Arc<Exchange>,
    which: impl Fn(&SessionInfo) -> bool,
) -> Result<u64, SessionError> {
    let listed = sessions(exchange).await?;
    if exchange.changes_nothing() {
        return Ok(0);
    }
    let others = listed.iter().filter(|info| !info.is_current && which(info));
    let ids: Vec<_> = others.map(|info| info.session.id).collect();
    let shared = Arc::clone(exchange);
    let current = listed.iter().find(|info| info.is_current);
    let person = current.map(|info| EventPerson::from(&*info.session));
    let end = async move {
        let (ended, failed) = end_all(&shared, ids).await;
        if ended > 0 {
            let by = EndedBy::OtherSession;
            shared.engine.tell(|| AuthEvent::LoggedOut { person, by });
        }
        (ended, failed)
    };
    let all = exchange.engine.to_its_end(end).await;
    let (ended, failed) = all.map_err(SessionError::Store)?;
    if ended > 0 {
        tracing::debug!(
            ended,
            "sessions were ended from another one of the same person"
        );
    }
    failed.map_or(Ok(ended), Err)
}

/// Ends sessions that are not the visit's own. Returns how many it ended, and the first error. A session that cannot be
/// deleted is not marked as ended either: it stays on the list, from which it can be ended later.
async fn end_all(exchange: &Arc<Exchange>, ids: Vec<SessionId>) -> (u64, Option<SessionError>) {
    let endings = ids
        .into_iter()
        .map(|id| Box::pin(exchange.end_by_id(id, EndedBy::OtherSession)));
    let mut endings: Vec<_> = endings.collect();
    // All at the same time, so that the time-out of a store that does not answer passes once and not for each.
    let (mut ended, mut failed) = (0, None);
    poll_fn(|context| {
        endings.retain_mut(|ending| {
            match ending.as_mut().poll(context) {
                Poll::Pending => return true,
                Poll::Ready(Ok(())) => ended += 1,
                Poll::Ready(Err(error)) => failed = failed.take().or(Some(error)),
            }
            false
        });
        match endings.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    (ended, failed)
}

/// Returns the handle of a session in a page. The prefix makes it another hash than the key that the session is stored
/// under.
fn handle(id: &SessionId) -> String {
    let hash = digest::digest(&digest::SHA256, &[b"session list\n", &id.0[..]].concat());
    hex(&hash.as_ref()[..16])
}

/// Converts seconds since 1970.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
