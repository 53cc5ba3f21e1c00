//! Marks: which logins and logout tokens were used and which sessions were ended, so that a copied cookie is worth
//! nothing.
//!
//! They reach as far as the store that they are in: this process, or the whole fleet. Every process has its own copy of
//! the marks of ended sessions. The copy is bounded in number, and keeps a mark until no session that it ends could
//! still be alive. With a shared store, the copy is read from that store (`copy`) by a task (`follow`), and counts only
//! while it is at most a second old. So no request waits for the network as long as the store answers. Where sessions
//! themselves are in a shared store, requests need no copy. Logins do, because a session that is not stored yet cannot
//! be deleted.

mod copy;
pub(crate) mod follow;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    base::random::random,
    config::Config,
    error::store::StoreError,
    session::{
        end::EndedBy,
        ended::{Ended, note::Note, until::Until},
        identity::{Session, SessionId},
        marked_by::{LoginMark, mark_key},
        marks::copy::CopyState,
        sids::Sids,
        waiting::Waiting,
    },
    store::{
        erased::ErasedMarkStore,
        marks::{Lease, LeaseOwner, MarkKey, NoteList},
        memory::marks::MemoryMarkStore,
        sessions::IndexKey,
    },
};

/// How much longer a mark is kept than what it marks, for clocks that differ.
const SLACK: Duration = Duration::from_secs(60);

/// The marks of one engine.
pub(crate) struct Marks {
    store: Arc<dyn ErasedMarkStore>,
    /// Whether other processes make marks in this store as well.
    shared: bool,
    ended: Ended,
    /// How far the copy of a shared store's marks is. `None` without one: then nobody else makes marks.
    copy: Option<CopyState>,
    /// Whether a session that another process ended can still arrive here: in cookies it can, in a shared store it
    /// cannot.
    live_here: bool,
    sids: Sids,
    /// When the log was last told that front-channel log-outs are ignored.
    refusals_told: Mutex<Option<Instant>>,
    hold_logins: Duration,
    keep_tokens: Duration,
    keep_ended: Duration,
}

/// A login that a callback has taken, and nobody else can.
pub(crate) struct TakenLogin(MarkKey, LeaseOwner);

impl Marks {
    pub(crate) fn new(config: &Config, logout_token_window: Duration) -> Self {
        let (store, shared): (Arc<dyn ErasedMarkStore>, _) = match config.marks_store.shared() {
            Some(store) => (Arc::clone(store), true),
            None => (Arc::new(MemoryMarkStore::default()), false),
        };
        let sessions = config.session_store.kept_in();
        let live_here = sessions.is_none_or(|store| store.in_process());
        // A session that was ended does not have its idle deadline moved again.
        let session = config.session_absolute_timeout;
        let keep_ended = session.min(config.session_idle_timeout) + SLACK;
        // Three requests: for the provider's metadata, the client's credentials, and the tokens.
        let hold_logins = 3 * config.request_timeout + SLACK;
        Self {
            store,
            shared,
            ended: Ended::new(keep_ended),
            copy: shared.then(CopyState::new),
            live_here,
            sids: Sids::new(session + SLACK),
            refusals_told: Mutex::default(),
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
    /// Nothing is proven at that point. The mark of a login that fails expires soon by itself.
    pub(crate) async fn take_login(
        &self,
        login: LoginMark,
    ) -> Result<Option<TakenLogin>, StoreError> {
        let taken = TakenLogin(MarkKey(login.0), LeaseOwner(random()));
        let TakenLogin(key, owner) = &taken;
        let lease = self.store.lease(key, owner, self.hold_logins).await?;
        Ok((lease == Lease::Taken).then_some(taken))
    }

    /// Marks a login as used for as long as its cookie could open, which is its lifetime: the provider has accepted its
    /// code. Returns false when the login was held for too long, and another callback has taken it since.
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

    /// Marks a project JWT as used, for as long as it could still be accepted. False when it was used before.
    pub(crate) async fn use_project_jwt(
        &self,
        jwt: &MarkKey,
        life: Duration,
    ) -> Result<bool, StoreError> {
        self.store.use_once(jwt, life + SLACK).await
    }

    /// Removes the mark of a logout token that could not be carried out.
    pub(crate) async fn forget_token(&self, token: IndexKey) {
        if let Err(error) = self.store.forget(&mark_key(token)).await {
            tracing::warn!(%error, "a logout token that could not be obeyed stays marked as used");
        }
    }

    /// Marks a session as ended: in the shared store first, so that it has ended everywhere or nowhere.
    pub(crate) async fn end_session(&self, id: SessionId, by: EndedBy) -> Result<(), StoreError> {
        self.end(Note::Session(id), by).await
    }

    /// Marks the sessions of this sid as ended, because the provider said so.
    pub(crate) async fn end_sid(&self, sid: IndexKey, until: Until) -> Result<(), StoreError> {
        self.end(Note::Sid(sid, until), EndedBy::BackChannel).await
    }

    /// Marks a person's sessions of this sid, and those without any, as ended, because the provider said so.
    pub(crate) async fn end_sid_of(
        &self,
        sid: IndexKey,
        subject: IndexKey,
        until: Until,
    ) -> Result<(), StoreError> {
        self.end(Note::SidOf(sid, subject, until), EndedBy::BackChannel)
            .await
    }

    /// Marks the sessions of this sid as ended, for a request that proves nothing. `is_real` says that there was such a
    /// session.
    ///
    /// A sid that a login here had is marked as proven, once for each login. Of all other sids a fixed number is
    /// remembered. Further ones are refused, because to forget an older one would bring its session back. Returns
    /// whether it was marked.
    pub(crate) async fn end_sid_unproven(
        &self,
        sid: IndexKey,
        until: Until,
        is_real: bool,
    ) -> Result<bool, StoreError> {
        let fleet = self.fleet().filter(|_| self.live_here);
        if self.sids.take(sid, fleet).await? || is_real {
            self.end(Note::Sid(sid, until), EndedBy::FrontChannel)
                .await?;
            return Ok(true);
        }
        // It was marked before, and no login has had it since.
        if self.ended.has_sid(&sid) {
            return Ok(false);
        }
        if !self.ended.has_room_for_unproven() {
            self.tell_of_refusals();
            return Ok(false);
        }
        self.end(Note::UnprovenSid(sid, until), EndedBy::FrontChannel)
            .await?;
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

    /// Remembers, in this process only, that a request had a session of this sid. The session may have begun before the
    /// process did.
    pub(crate) fn has_come(&self, sid: IndexKey) {
        self.sids.add_here(sid);
    }

    /// Marks the sessions of a subject as ended, up to some time.
    pub(crate) async fn end_subject(
        &self,
        subject: IndexKey,
        until: Until,
        by: EndedBy,
    ) -> Result<(), StoreError> {
        self.end(Note::Subject(subject, until), by).await
    }

    async fn end(&self, note: Note, by: EndedBy) -> Result<(), StoreError> {
        let waiting = self.waiting();
        // Before the store has it, from which this process reads it as well.
        waiting.will_end(&note, Some(by));
        // A session in a shared store that is named by its id was deleted there.
        let is_told = self.live_here || !matches!(note, Note::Session(_));
        if self.copy.is_some() && is_told {
            let bytes = note.encode();
            let told = self.store.note(note.list(), &bytes, self.keep_ended);
            told.await.inspect_err(|_| waiting.will_end(&note, None))?;
        }
        self.ended.add(&note);
        Ok(())
    }

    /// Whether a session was ended, as far as this process knows: ask for [`Marks::catch_up`] before.
    pub(crate) fn is_ended(&self, session: &Session) -> bool {
        self.ended.has(session)
    }

    /// Who waits for the end of a session, in this process.
    pub(crate) fn waiting(&self) -> &Arc<Waiting> {
        self.ended.waiting()
    }

    /// Whether this process knows what the fleet has ended up to a second ago.
    pub(crate) fn is_fresh(&self) -> bool {
        let copy = self.copy.as_ref();
        copy.is_none_or(|copy| !self.live_here || copy.is_fresh())
    }

    /// Reads the store, unless the copy is at most a second old.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        match &self.copy {
            Some(copy) if !self.is_fresh() => copy.look(&*self.store, &self.ended, None).await,
            _ => Ok(()),
        }
    }

    /// Reads everything that the fleet has ended up to now. Needed before a login is confirmed.
    pub(crate) async fn catch_up_with_now(&self) -> Result<(), StoreError> {
        match &self.copy {
            Some(copy) => {
                let begun = copy.looks_begun();
                copy.look(&*self.store, &self.ended, Some(begun)).await
            }
            None => Ok(()),
        }
    }

    /// Reads the store in any case.
    async fn look_again(&self) {
        if let Some(copy) = &self.copy
            && let Err(error) = copy.look(&*self.store, &self.ended, None).await
        {
            // A request that needs the marks gets the error itself.
            tracing::debug!(%error, "what the fleet has ended cannot be read");
        }
    }
}

#[cfg(test)]
mod tests;
