//! Marks: which logins and logout tokens were used and which sessions were ended, so that a copied cookie is worth nothing.
//!
//! They reach as far as the store that they are in: this process, or the whole fleet. Which sessions were ended every process has a
//! copy of, bounded in number, until nothing that they mark could still be alive. With a shared store it follows the others', and
//! counts only while it is at most a second old: no request waits for the network as long as the store answers.

mod contract;
mod ended;
mod memory;
mod store;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ring::digest;
use tokio::sync::Mutex;

use self::ended::{Ended, Note};
pub(crate) use self::store::ErasedMarkStore;
pub use self::{
    contract::mark_store_contract,
    memory::MemoryMarkStore,
    store::{Claim, ClaimOwner, MarkKey, MarkStorage, MarkStore, NoteList, Notes},
};
use crate::{
    config::Config,
    session::{Session, SessionId},
    store::StoreError,
};

/// How old the copy of a shared store's marks may be.
const FRESH: Duration = Duration::from_secs(1);
const FOLLOW: Duration = Duration::from_millis(300);
/// How long a look may take. A store has a limit of its own; this is for one that has none.
const LOOK: Duration = Duration::from_secs(5);
/// How much longer a mark is kept than what it marks, for clocks that differ.
const SLACK: Duration = Duration::from_secs(60);

pub(crate) use self::ended::Until;

/// What a login is marked by: a hash of its `state`.
pub(crate) type LoginMark = [u8; 32];

/// The hash of an issuer and a name that is the issuer's.
pub(crate) type NameMark = [u8; 16];

/// By what log-outs from outside name a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkedBy {
    pub(crate) subject: NameMark,
    pub(crate) sid: Option<NameMark>,
}

impl MarkedBy {
    pub(crate) fn new(issuer: &str, subject: &str, sid: Option<&str>) -> Self {
        Self {
            subject: name_mark("sub", issuer, subject),
            sid: sid.map(|sid| name_mark("sid", issuer, sid)),
        }
    }
}

/// Hashes a name of an issuer's: two kinds of names are two marks, whatever they are.
pub(crate) fn name_mark(kind: &str, issuer: &str, name: &str) -> NameMark {
    let text = format!("{kind}\n{}\n{issuer}{name}", issuer.len());
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut mark = NameMark::default();
    mark.copy_from_slice(&hash.as_ref()[..16]);
    mark
}

/// The marks of one engine.
pub(crate) struct Marks {
    store: Arc<dyn ErasedMarkStore>,
    ended: Ended,
    /// Where others make marks as well.
    shared: Option<Shared>,
    keep_logins: Duration,
    keep_tokens: Duration,
    keep_ended: Duration,
}

/// What it takes to follow a store that others write to as well.
struct Shared {
    /// Whether sessions can live on where others ended them: those in cookies can, those in a shared store cannot.
    followed: bool,
    began: Instant,
    /// Up to when the copy counts, in milliseconds since the beginning.
    fresh: AtomicU64,
    /// How many looks have ended.
    looks: AtomicU64,
    look: Mutex<Look>,
    follower: AtomicBool,
}

#[derive(Default)]
struct Look {
    /// Where to go on in each list.
    positions: [Option<Vec<u8>>; NoteList::ALL.len()],
    /// What came of the last one.
    failed: Option<StoreError>,
}

impl Marks {
    pub(crate) fn new(config: &Config, logout_token_window: Duration) -> Self {
        // A session that nobody may use cannot become younger.
        let session = config.session_absolute_timeout;
        let keep_ended = session.min(config.session_idle_timeout) + SLACK;
        let sessions = config.session_store.kept_in();
        let shared = config.marks_store.shared().map(|store| {
            let shared = Shared {
                followed: sessions.is_none_or(|store| store.in_process()),
                began: Instant::now(),
                fresh: AtomicU64::new(0),
                looks: AtomicU64::new(0),
                look: Mutex::default(),
                follower: AtomicBool::new(false),
            };
            (Arc::clone(store), shared)
        });
        let (store, shared) = match shared {
            Some((store, shared)) => (store, Some(shared)),
            None => {
                let own: Arc<dyn ErasedMarkStore> = Arc::new(MemoryMarkStore::default());
                (own, None)
            }
        };
        Self {
            store,
            ended: Ended::new(keep_ended),
            shared,
            keep_logins: config.login_timeout + SLACK,
            keep_tokens: logout_token_window + SLACK,
            keep_ended,
        }
    }

    /// The store that the whole fleet shares, where there is one.
    pub(crate) fn fleet(&self) -> Option<&dyn ErasedMarkStore> {
        self.shared.as_ref().map(|_| &*self.store)
    }

    /// Marks a login as used. False when it was used before.
    pub(crate) async fn use_login(&self, login: LoginMark) -> Result<bool, StoreError> {
        self.store.use_once(&MarkKey(login), self.keep_logins).await
    }

    /// Marks a logout token as used, by its issuer and `jti`. False when it was used before.
    pub(crate) async fn use_token(&self, token: NameMark) -> Result<bool, StoreError> {
        self.store.use_once(&key(token), self.keep_tokens).await
    }

    /// Takes back that a logout token was used: it could not do what it says.
    pub(crate) async fn forget_token(&self, token: NameMark) {
        if let Err(error) = self.store.forget(&key(token)).await {
            tracing::warn!(%error, "a logout token that could not be obeyed stays marked as used");
        }
    }

    /// Marks a session as ended: in the shared store first, so that it has ended everywhere or nowhere.
    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.end(Note::Session(id)).await
    }

    /// Marks the sessions of this sid as ended, on the provider's word.
    pub(crate) async fn end_sid(&self, sid: NameMark, until: Until) -> Result<(), StoreError> {
        self.end(Note::Sid(sid, until)).await
    }

    /// Marks the sessions of this sid as ended, on nobody's word.
    pub(crate) async fn end_sid_unproven(
        &self,
        sid: NameMark,
        until: Until,
    ) -> Result<(), StoreError> {
        self.end(Note::UnprovenSid(sid, until)).await
    }

    /// Marks the sessions of a subject as ended, up to some time.
    pub(crate) async fn end_subject(
        &self,
        subject: NameMark,
        until: Until,
    ) -> Result<(), StoreError> {
        self.end(Note::Subject(subject, until)).await
    }

    async fn end(&self, note: Note) -> Result<(), StoreError> {
        if self.shared.as_ref().is_some_and(|shared| shared.followed) {
            let bytes = note.encode();
            let told = self.store.note(note.list(), &bytes, self.keep_ended);
            told.await?;
        }
        self.ended.add(&note);
        Ok(())
    }

    /// Whether a session was ended, as far as this process knows: ask for [`Marks::fresh`] before.
    pub(crate) fn is_ended(&self, session: &Session) -> bool {
        self.ended.has(session)
    }

    /// Whether somebody has to follow the store, because others can end sessions that live here.
    pub(crate) fn is_followed(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.followed)
    }

    /// Whether nobody follows the store yet. Whoever is told so has to call [`Marks::look_again`] again and again.
    pub(crate) fn needs_follower(&self) -> bool {
        let shared = self.shared.as_ref().filter(|shared| shared.followed);
        shared.is_some_and(|shared| !shared.follower.swap(true, Ordering::AcqRel))
    }

    /// The follower has ended.
    pub(crate) fn lost_follower(&self) {
        if let Some(shared) = &self.shared {
            shared.follower.store(false, Ordering::Release);
        }
    }

    /// Looks into the store.
    pub(crate) async fn look_again(&self) {
        if let Some(shared) = &self.shared {
            let seen = shared.looks.load(Ordering::Acquire);
            if let Err(error) = self.look(shared, seen).await {
                // Whoever needs the marks is told as well.
                tracing::debug!(%error, "what the fleet has ended cannot be read");
            }
        }
    }

    /// Returns at once if this process knows what the fleet has ended up to a second ago; otherwise it looks into the store first.
    pub(crate) async fn fresh(&self) -> Result<(), StoreError> {
        match &self.shared {
            Some(shared) if shared.followed && !shared.is_fresh() => {
                let seen = shared.looks.load(Ordering::Acquire);
                self.look(shared, seen).await
            }
            _ => Ok(()),
        }
    }

    /// Reads what others have ended, unless somebody else has done so since `seen`.
    async fn look(&self, shared: &Shared, seen: u64) -> Result<(), StoreError> {
        let mut look = shared.look.lock().await;
        if shared.looks.load(Ordering::Acquire) != seen {
            return look.failed.clone().map_or(Ok(()), Err);
        }
        let began = shared.since_the_beginning();
        let read = tokio::time::timeout(LOOK, self.read(&mut look.positions)).await;
        let read = read.unwrap_or_else(|_| {
            Err(StoreError::new(format!(
                "the store of marks did not answer within {LOOK:?}"
            )))
        });
        if read.is_ok() {
            let until = began + FRESH;
            let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
            shared.fresh.store(until, Ordering::Release);
        }
        look.failed = read.as_ref().err().cloned();
        shared.looks.fetch_add(1, Ordering::Release);
        read
    }

    async fn read(
        &self,
        positions: &mut [Option<Vec<u8>>; NoteList::ALL.len()],
    ) -> Result<(), StoreError> {
        for (list, position) in NoteList::ALL.into_iter().zip(positions) {
            let new = self.store.notes_since(list, position.as_deref()).await?;
            for note in &new.notes {
                match Note::decode(note) {
                    Some(note) if note.list() == list => self.ended.add(&note),
                    _ => tracing::warn!("a mark in the store cannot be read; a newer version's?"),
                }
            }
            *position = Some(new.position);
        }
        Ok(())
    }
}

impl Shared {
    fn since_the_beginning(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_fresh(&self) -> bool {
        let now = self.since_the_beginning().as_millis();
        now < u128::from(self.fresh.load(Ordering::Acquire))
    }
}

/// How long the follower waits from one look to the next.
pub(crate) async fn pause() {
    tokio::time::sleep(FOLLOW).await;
}

fn key(name: NameMark) -> MarkKey {
    let mut key = MarkKey([0; 32]);
    key.0[..name.len()].copy_from_slice(&name);
    key
}

#[cfg(test)]
mod tests;
