//! Who waits, in this process, for the end of a session: open WebSockets and event streams.
//!
//! There is one entry for each session that somebody waits for, found by the session's id and by what log-outs from
//! outside name it by. So a log-out costs as much as there are sessions of that name, however many others wait. An
//! entry goes with the last one who waits for it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{self, watch},
    time::Instant,
};

use crate::{
    session::{
        end::{EndedBy, SessionEnd},
        ended::note::Note,
        identity::{Session, SessionId, Timeouts},
        marked_by::MarkedBy,
    },
    store::sessions::IndexKey,
};

/// The sessions of one engine that somebody waits for the end of.
#[derive(Default)]
pub(crate) struct Waiting {
    table: Mutex<Table>,
    /// Whether somebody waits, so that other work need not ask the table.
    anybody: AtomicBool,
    /// When the log was last told that it is unknown whether sessions have ended.
    told: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionId, Entry>,
    /// By their subject, and by their `sid`. Hashes of the two kinds differ.
    named: HashMap<IndexKey, HashSet<SessionId>>,
}

struct Entry {
    waited: Arc<Waited>,
    /// How many wait for it.
    count: usize,
}

/// A session that somebody waits for the end of.
pub(crate) struct Waited {
    pub(crate) session: Arc<Session>,
    /// When its idle deadline was last moved, as far as this process knows.
    seen: AtomicU64,
    /// What is about to end it.
    cause: Mutex<Option<EndedBy>>,
    end: watch::Sender<Option<SessionEnd>>,
    /// When a store was last asked for it. Locked while one asks.
    pub(crate) looked: sync::Mutex<Instant>,
}

impl Waited {
    /// Tells all who wait for it that it has ended. The first word counts.
    pub(crate) fn has_ended(&self, end: SessionEnd) {
        self.end.send_if_modified(|known| {
            let is_news = known.is_none();
            known.get_or_insert(end);
            is_news
        });
    }

    /// Notes that its idle deadline was moved at this time.
    pub(crate) fn was_seen(&self, at: u64) {
        self.seen.fetch_max(at, Ordering::AcqRel);
    }

    /// Its idle deadline, as far as this process knows, and its absolute one: in seconds since 1970.
    pub(crate) fn deadlines(&self, timeouts: Timeouts) -> (u64, u64) {
        let seen = self.seen.load(Ordering::Acquire);
        let idle = seen.saturating_add(timeouts.idle);
        (idle, self.session.ends(timeouts))
    }

    fn cause(&self) -> MutexGuard<'_, Option<EndedBy>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one who waits. It is free again when this is dropped.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    pub(crate) waited: Arc<Waited>,
    end: watch::Receiver<Option<SessionEnd>>,
}

impl Place {
    /// Waits until the session has ended, as far as somebody says so.
    pub(crate) async fn until_told(&mut self) -> SessionEnd {
        let told = self.end.wait_for(Option::is_some).await;
        let told = told.map_or(None, |end| *end);
        match told {
            Some(end) => end,
            // The sender is in this place, so this is never reached.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.leave(&self.waited.session);
    }
}

impl Waiting {
    /// Takes a place among those who wait for the end of this session.
    pub(crate) fn join(self: &Arc<Self>, session: &Arc<Session>) -> Place {
        let mut table = self.table();
        let Table { sessions, named } = &mut *table;
        let entry = sessions.entry(session.id).or_insert_with(|| {
            for name in names(&session.marked_by) {
                named.entry(name).or_default().insert(session.id);
            }
            let waited = Arc::new(Waited {
                session: Arc::clone(session),
                seen: AtomicU64::new(session.seen),
                cause: Mutex::default(),
                end: watch::Sender::new(None),
                looked: sync::Mutex::new(Instant::now()),
            });
            Entry { waited, count: 0 }
        });
        entry.count += 1;
        entry.waited.was_seen(session.seen);
        let waited = Arc::clone(&entry.waited);
        self.anybody.store(true, Ordering::Release);
        drop(table);
        Place {
            waiting: Arc::clone(self),
            end: waited.end.subscribe(),
            waited,
        }
    }

    fn leave(&self, session: &Session) {
        let mut table = self.table();
        let Table { sessions, named } = &mut *table;
        let Some(entry) = sessions.get_mut(&session.id) else {
            return;
        };
        entry.count -= 1;
        if entry.count > 0 {
            return;
        }
        let gone = sessions.remove(&session.id);
        // By the names that it came with: a later visit may have read the session anew.
        for name in gone
            .iter()
            .flat_map(|gone| names(&gone.waited.session.marked_by))
        {
            if let Some(ids) = named.get_mut(&name) {
                ids.remove(&session.id);
                if ids.is_empty() {
                    named.remove(&name);
                }
            }
        }
        if sessions.is_empty() {
            // What a flood of connections has needed is not kept.
            *sessions = HashMap::new();
            *named = HashMap::new();
            self.anybody.store(false, Ordering::Release);
        }
    }

    /// Notes what is about to end the sessions of a note; or with `None` that it does not.
    pub(crate) fn will_end(&self, note: &Note, by: Option<EndedBy>) {
        for waited in self.of(note) {
            *waited.cause() = by;
        }
    }

    /// Tells those who wait for the sessions of a note that these have ended.
    pub(crate) fn has_ended(&self, note: &Note) {
        for waited in self.of(note) {
            let by = waited.cause().unwrap_or(EndedBy::Elsewhere);
            waited.has_ended(SessionEnd::Ended(by));
        }
    }

    /// Notes that a request has moved the idle deadline of a session.
    pub(crate) fn was_seen(&self, id: SessionId, at: u64) {
        if !self.anybody.load(Ordering::Acquire) {
            return;
        }
        if let Some(entry) = self.table().sessions.get(&id) {
            entry.waited.was_seen(at);
        }
    }

    /// The sessions that a note ends, of those that somebody waits for.
    fn of(&self, note: &Note) -> Vec<Arc<Waited>> {
        if !self.anybody.load(Ordering::Acquire) {
            return Vec::new();
        }
        let table = self.table();
        let by_id = |id: &SessionId| table.sessions.get(id);
        let all: Vec<&Entry> = match note {
            Note::Session(id) => by_id(id).into_iter().collect(),
            Note::Sid(name, _)
            | Note::UnprovenSid(name, _)
            | Note::SidOf(_, name, _)
            | Note::Subject(name, _) => {
                let ids = table.named.get(name);
                ids.into_iter().flatten().filter_map(by_id).collect()
            }
        };
        all.into_iter()
            .map(|entry| &entry.waited)
            .filter(|waited| note.ends(&waited.session))
            .map(Arc::clone)
            .collect()
    }

    /// Whether it is time to say in the log that it is unknown whether sessions have ended: once a minute at most.
    pub(crate) fn may_tell(&self) -> bool {
        const QUIET: Duration = Duration::from_secs(60);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let may = told.is_none_or(|told| told.elapsed() >= QUIET);
        if may {
            *told = Some(Instant::now());
        }
        may
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sessions and names are in the table.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        let table = self.table();
        (table.sessions.len(), table.named.len())
    }
}

fn names(marked_by: &MarkedBy) -> impl Iterator<Item = IndexKey> + use<> {
    [Some(marked_by.subject), marked_by.sid]
        .into_iter()
        .flatten()
}
