//! A store that can hold back an answer.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    MemoryStore, SessionStore, StoreError,
    flow::callback::tests::Login,
    store::sessions::{IndexKey, SessionKey, StoredSession},
};

/// A store that can hold back the answer to one question. To the engine it is outside of the process.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) store: MemoryStore,
    /// Whether it cannot be read.
    pub(crate) is_away: Arc<AtomicBool>,
    /// How often it was asked for a session.
    pub(crate) loads: Arc<AtomicUsize>,
    shut: Arc<Mutex<Option<&'static str>>>,
    pub(super) reached: Arc<Notify>,
    pub(super) opened: Arc<Notify>,
}

impl Gate {
    /// Keeps the next question of this kind waiting.
    pub(crate) fn shut(&self, question: &'static str) {
        *self.shut.lock().unwrap() = Some(question);
    }

    async fn pass(&self, question: &str) {
        let is_shut = self.shut.lock().unwrap().take_if(|shut| *shut == question);
        if is_shut.is_some() {
            self.reached.notify_one();
            self.opened.notified().await;
        }
    }

    /// Cancels the work when it has asked the question, and then lets the question be answered.
    pub(super) async fn give_up_at<F: Future>(&self, app: &Login, question: &'static str, work: F) {
        self.shut(question);
        {
            let mut work = std::pin::pin!(work);
            tokio::select! {
                biased;
                () = self.reached.notified() => {}
                _ = &mut work => panic!("it never asked to {question}"),
            }
        }
        self.opened.notify_one();
        while Arc::strong_count(&app.miracl.engine().unfinished) > 1 {
            tokio::task::yield_now().await;
        }
    }
}

impl SessionStore for Gate {
    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        SessionStore::create(&self.store, key, session, ttl).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.pass("load").await;
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::new("away"));
        }
        SessionStore::load(&self.store, key).await
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.pass("update").await;
        SessionStore::update(&self.store, key, expected, session, ttl).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.pass("delete").await;
        SessionStore::delete(&self.store, key).await
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        self.pass("delete by sid").await;
        SessionStore::delete_by_sid(&self.store, sid).await
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        self.pass("delete by subject").await;
        SessionStore::delete_by_subject(&self.store, subject).await
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        self.pass("list").await;
        SessionStore::list_by_subject(&self.store, subject).await
    }
}
