//! Marks: which logins and logout tokens were used and which sessions were ended, so that a copied cookie is worth
//! nothing.
//!
//! They reach as far as the store that they are in: this process, or the whole fleet. Which sessions were ended every
//! process has a copy of, bounded in number, until nothing that they mark could still be alive. With a shared store it
//! follows the others', and counts only while it is at most a second old: no request waits for the network as long as
//! the store answers. Where sessions are in a shared store themselves, requests need no copy; logins do, since what is
//! not stored yet cannot be deleted.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use crate::{
    base::random::random,
    config::Config,
    error::store::StoreError,
    session::{
        ended::{Ended, Note, Until},
        identity::{Session, SessionId},
        marked_by::{LoginMark, mark_key},
        sids::Sids,
    },
    store::{
        marks::{ErasedMarkStore, Lease, LeaseOwner, MarkKey, NoteList},
        memory::marks::MemoryMarkStore,
        sessions::IndexKey,
    },
};

/// How old the copy of a shared store's marks may be.
const FRESH: Duration = Duration::from_secs(1);
/// How long the follower waits from one look to the next.
const FOLLOW: Duration = Duration::from_millis(300);
/// How long a look may take. A store has a limit of its own; this is for one that has none.
const LOOK: Duration = Duration::from_secs(5);
/// How much longer a mark is kept than what it marks, for clocks that differ.
const SLACK: Duration = Duration::from_secs(60);

/// The marks of one engine.
pub(crate) struct Marks {
    store: Arc<dyn ErasedMarkStore>,
    /// Whether others make marks in this store as well.
    shared: bool,
    ended: Ended,
    /// Where others end sessions, too.
    followed: Option<Followed>,
    /// Whether sessions can live on that others ended: in cookies they can, in a shared store they cannot.
    live_here: bool,
    sids: Sids,
    /// When it was last told that log-outs of the front channel are ignored.
    refusals_told: std::sync::Mutex<Option<Instant>>,
    hold_logins: Duration,
    keep_tokens: Duration,
    keep_ended: Duration,
}

/// A login that a callback has taken, and nobody else can.
pub(crate) struct TakenLogin(MarkKey, LeaseOwner);

/// What it takes to follow what others have ended.
struct Followed {
    began: Instant,
    /// Up to when the copy counts, in milliseconds since the beginning.
    fresh: AtomicU64,
    /// Which look was begun last, and how many have ended.
    begun: AtomicU64,
    looks: AtomicU64,
    look: Mutex<Look>,
    /// Whether somebody looks all the time.
    follower: AtomicBool,
}

#[derive(Default)]
struct Look {
    /// Where to go on in each list.
    positions: [Option<Vec<u8>>; NoteList::ALL.len()],
    /// The error of the last look, if it failed.
    failed: Option<StoreError>,
}

impl Marks {
    pub(crate) fn new(config: &Config, logout_token_window: Duration) -> Self {
        let (store, shared): (Arc<dyn ErasedMarkStore>, _) = match config.marks_store.shared() {
            Some(store) => (Arc::clone(store), true),
            None => (Arc::new(MemoryMarkStore::default()), false),
        };
        let sessions = config.session_store.kept_in();
        let live_here = sessions.is_none_or(|store| store.in_process());
        // A session that nobody may use cannot become younger.
        let session = config.session_absolute_timeout;
        let keep_ended = session.min(config.session_idle_timeout) + SLACK;
        // Of the provider's metadata, of its client's credentials, and of the tokens.
        let hold_logins = 3 * config.request_timeout + SLACK;
        Self {
            store,
            shared,
            ended: Ended::new(keep_ended),
            followed: shared.then(Followed::new),
            live_here,
            sids: Sids::new(session + SLACK),
            refusals_told: std::sync::Mutex::default(),
            hold_logins,
            keep_tokens: logout_token_window + SLACK,
            keep_ended,
        }
    }

    /// The store that the whole fleet shares, where there is one.
    pub(crate) fn fleet(&self) -> Option<&dyn ErasedMarkStore> {
        self.shared.then_some(&*self.store)
    }

    /// Takes a login, for as long as a callback may last. `None` when it was taken before.
    ///
    /// Nobody has proved anything by then. What a login that fails leaves behind ends soon, and needs nothing more from
    /// us.
    pub(crate) async fn take_login(
        &self,
        login: LoginMark,
    ) -> Result<Option<TakenLogin>, StoreError> {
        let taken = TakenLogin(MarkKey(login.0), LeaseOwner(random()));
        let TakenLogin(key, owner) = &taken;
        let lease = self.store.lease(key, owner, self.hold_logins).await?;
        Ok((lease == Lease::Taken).then_some(taken))
    }

    /// Marks a login as used for as long as its cookie could open, which is its lifetime: the provider has taken its
    /// code. False when it was held for too long, and somebody else has taken it since.
    pub(crate) async fn use_login(
        &self,
        taken: &TakenLogin,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let TakenLogin(key, owner) = taken;
        // Longer by as much as one that failed is held, so that of too many marks those go first.
        let keep = lifetime + self.hold_logins;
        let settled = self.store.settle(key, owner, &[1], keep);
        settled.await
    }

    /// Marks a logout token as used, by its issuer and `jti`. False when it was used before.
    pub(crate) async fn use_token(&self, token: IndexKey) -> Result<bool, StoreError> {
        self.store
            .use_once(&mark_key(token), self.keep_tokens)
            .await
    }

    /// Takes back that a logout token was used: it could not do what it says.
    pub(crate) async fn forget_token(&self, token: IndexKey) {
        if let Err(error) = self.store.forget(&mark_key(token)).await {
            tracing::warn!(%error, "a logout token that could not be obeyed stays marked as used");
        }
    }

    /// Marks a session as ended: in the shared store first, so that it has ended everywhere or nowhere.
    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.end(Note::Session(id)).await
    }

    /// Marks the sessions of this sid as ended, on the provider's word.
    pub(crate) async fn end_sid(&self, sid: IndexKey, until: Until) -> Result<(), StoreError> {
        self.end(Note::Sid(sid, until)).await
    }

    /// Marks those of a person's sessions as ended that have this sid, or none, on the provider's word.
    pub(crate) async fn end_sid_of(
        &self,
        sid: IndexKey,
        subject: IndexKey,
        until: Until,
    ) -> Result<(), StoreError> {
        self.end(Note::SidOf(sid, subject, until)).await
    }

    /// Marks the sessions of this sid as ended, for a request that proves nothing. `is_real` says that there was such a
    /// session.
    ///
    /// One that a login has had is marked as on the provider's word, and for that has to log in again. Of all others a
    /// fixed number is remembered. When these are too many, further ones are not: to forget an older one would bring
    /// its session back. Returns whether it was marked.
    pub(crate) async fn end_sid_unproven(
        &self,
        sid: IndexKey,
        until: Until,
        is_real: bool,
    ) -> Result<bool, StoreError> {
        let fleet = self.fleet().filter(|_| self.live_here);
        if self.sids.take(sid, fleet).await? || is_real {
            self.end(Note::Sid(sid, until)).await?;
            return Ok(true);
        }
        // No login has had it since.
        if self.ended.has_sid(&sid) {
            return Ok(false);
        }
        if !self.ended.has_room_for_unproven() {
            self.tell_of_refusals();
            return Ok(false);
        }
        self.end(Note::UnprovenSid(sid, until)).await?;
        Ok(true)
    }

    fn tell_of_refusals(&self) {
        const QUIET: Duration = Duration::from_secs(60);
        let mut told = self
            .refusals_told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= QUIET) {
            *told = Some(Instant::now());
            tracing::warn!(
                remembered = NoteList::Unproven.capacity(),
                "front-channel log-outs name more sessions that no login here has had than are remembered; \
                 further ones are ignored. Somebody makes them up"
            );
        }
    }

    /// Remembers that a login has this sid.
    pub(crate) async fn has_session(&self, sid: IndexKey) -> Result<(), StoreError> {
        let fleet = self.fleet().filter(|_| self.live_here);
        self.sids.add(sid, fleet).await
    }

    /// Remembers that a session of this sid has come, as far as this process goes: it may have begun before the process
    /// did.
    pub(crate) fn has_come(&self, sid: IndexKey) {
        self.sids.add_here(sid);
    }

    /// Marks the sessions of a subject as ended, up to some time.
    pub(crate) async fn end_subject(
        &self,
        subject: IndexKey,
        until: Until,
    ) -> Result<(), StoreError> {
        self.end(Note::Subject(subject, until)).await
    }

    async fn end(&self, note: Note) -> Result<(), StoreError> {
        // What is in a shared store and named by its id was deleted there.
        let is_told = self.live_here || !matches!(note, Note::Session(_));
        if self.followed.is_some() && is_told {
            let bytes = note.encode();
            let told = self.store.note(note.list(), &bytes, self.keep_ended);
            told.await?;
        }
        self.ended.add(&note);
        Ok(())
    }

    /// Whether a session was ended, as far as this process knows: ask for [`Marks::catch_up`] before.
    pub(crate) fn is_ended(&self, session: &Session) -> bool {
        self.ended.has(session)
    }

    /// Whether this process knows what the fleet has ended up to a second ago.
    pub(crate) fn is_fresh(&self) -> bool {
        let followed = self.followed.as_ref();
        followed.is_none_or(|followed| !self.live_here || followed.is_fresh())
    }

    /// Takes the place of the follower, if there is something to follow and nobody does yet. A caller that gets `true`
    /// must call [`Marks::look_again`] again and again.
    pub(crate) fn claim_follower(&self) -> bool {
        let followed = self.followed.as_ref().filter(|_| self.live_here);
        followed.is_some_and(|followed| !followed.follower.swap(true, Ordering::AcqRel))
    }

    /// The follower has ended.
    pub(crate) fn lost_follower(&self) {
        if let Some(followed) = &self.followed {
            followed.follower.store(false, Ordering::Release);
        }
    }

    /// Looks into the store, unless this process knows already what the fleet has ended up to a second ago.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        match &self.followed {
            Some(followed) if !self.is_fresh() => self.look(followed, None).await,
            _ => Ok(()),
        }
    }

    /// Looks into the store for all that the fleet has ended up to now: before a login is confirmed.
    pub(crate) async fn catch_up_with_now(&self) -> Result<(), StoreError> {
        match &self.followed {
            Some(followed) => {
                let begun = followed.begun.load(Ordering::SeqCst);
                self.look(followed, Some(begun)).await
            }
            None => Ok(()),
        }
    }

    /// Looks into the store in any case.
    pub(crate) async fn look_again(&self) {
        if let Some(followed) = &self.followed
            && let Err(error) = self.look(followed, None).await
        {
            // A request that needs the marks gets the error itself.
            tracing::debug!(%error, "what the fleet has ended cannot be read");
        }
    }

    /// Reads what others have ended. Of many callers at the same time one reads, and the others take its result: that
    /// of any look that ends while they wait, or with `after` that of one that began after that look.
    async fn look(&self, followed: &Followed, after: Option<u64>) -> Result<(), StoreError> {
        let after = after.unwrap_or_else(|| followed.looks.load(Ordering::SeqCst));
        let mut look = followed.look.lock().await;
        let ended = followed.looks.load(Ordering::SeqCst);
        if ended > after {
            return look.failed.clone().map_or(Ok(()), Err);
        }
        // One that is given up is begun again under its number.
        followed.begun.store(ended + 1, Ordering::SeqCst);
        let began = followed.age();
        let read = tokio::time::timeout(LOOK, self.read(&mut look.positions)).await;
        let read = read.unwrap_or_else(|_| {
            Err(
                StoreError::new(format!("the store of marks did not answer within {LOOK:?}"))
                    .of_marks(),
            )
        });
        if read.is_ok() {
            let until = (began + FRESH).as_millis();
            let until = u64::try_from(until).unwrap_or(u64::MAX);
            followed.fresh.store(until, Ordering::Release);
        }
        look.failed = read.as_ref().err().cloned();
        followed.looks.store(ended + 1, Ordering::SeqCst);
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

impl Followed {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            fresh: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            look: Mutex::default(),
            follower: AtomicBool::new(false),
        }
    }

    fn age(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_fresh(&self) -> bool {
        self.age().as_millis() < u128::from(self.fresh.load(Ordering::Acquire))
    }
}

/// What the follower does from one look to the next.
pub(crate) async fn pause() {
    tokio::time::sleep(FOLLOW).await;
}

#[cfg(test)]
mod tests;
