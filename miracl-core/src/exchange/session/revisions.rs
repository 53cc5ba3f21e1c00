//! Stored sessions that no engine has written.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    Config, IndexKey, LoginOptions, MemoryStore, RefreshError, SessionKey, SessionStorage,
    SessionStore, StoreError, StoredSession, UserData, Visit,
    flow::callback::tests::{Login, begin_with, cookies, request},
    probes::provider::Provider,
};

/// A store that another program has written to: sessions loaded from it have another revision.
#[derive(Clone, Default)]
struct Poisoned {
    store: MemoryStore,
    revision: Arc<Mutex<Option<u64>>>,
}

impl Poisoned {
    fn poison(&self, session: StoredSession) -> StoredSession {
        let revision = self.revision.lock().unwrap();
        StoredSession {
            revision: revision.unwrap_or(session.revision),
            ..session
        }
    }
}

impl SessionStore for Poisoned {
    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        SessionStore::create(&self.store, key, session, ttl).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        let found = SessionStore::load(&self.store, key).await?;
        Ok(found.map(|session| self.poison(session)))
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let found = self.load(key).await?;
        if found.is_none_or(|found| found.revision != expected) {
            return Ok(false);
        }
        *self.revision.lock().unwrap() = Some(session.revision);
        SessionStore::create(&self.store, key, session, ttl).await?;
        Ok(true)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        SessionStore::delete(&self.store, key).await
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        SessionStore::delete_by_sid(&self.store, sid).await
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        SessionStore::delete_by_subject(&self.store, subject).await
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        let listed = SessionStore::list_by_subject(&self.store, subject).await?;
        let poisoned = |(key, session)| (key, self.poison(session));
        Ok(listed.into_iter().map(poisoned).collect())
    }
}

/// Somebody who is logged in, and their cookies.
async fn logged_in(store: &Poisoned) -> (Login, String) {
    let kept = SessionStorage::store(store.clone());
    let change = |config: &mut Config| config.session_store = kept;
    let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    (login, cookies)
}

fn visit(login: &Login, cookies: &str) -> Visit {
    login.miracl.visit(&request("/", cookies))
}

#[tokio::test]
async fn a_session_of_the_last_revision_does_not_count_for_any_question() {
    let store = Poisoned::default();
    let (login, cookies) = logged_in(&store).await;
    assert!(visit(&login, &cookies).is_authenticated().await.unwrap());
    // Far enough for the idle deadline to be moved, which is a change.
    let idle = login.miracl.config().session_idle_timeout;
    for wait in [Duration::ZERO, idle / 5] {
        login.wait(wait);
        *store.revision.lock().unwrap() = Some(u64::MAX);
        assert!(!visit(&login, &cookies).is_authenticated().await.unwrap());
        assert!(visit(&login, &cookies).user_data().await.unwrap().is_none());
        visit(&login, &cookies).clear_user_info().await.unwrap();
        let refreshed = visit(&login, &cookies).refresh_user_data().await;
        assert!(matches!(refreshed, Err(RefreshError::NotLoggedIn)));
        assert!(visit(&login, &cookies).sessions().await.unwrap().is_empty());
        *store.revision.lock().unwrap() = None;
        assert!(visit(&login, &cookies).is_authenticated().await.unwrap());
    }
}

#[tokio::test]
async fn a_session_of_the_revision_before_the_last_is_changed_once_more_and_ends() {
    for by_deadline in [true, false] {
        let store = Poisoned::default();
        let (login, cookies) = logged_in(&store).await;
        *store.revision.lock().unwrap() = Some(u64::MAX - 1);
        if by_deadline {
            login.wait(login.miracl.config().session_idle_timeout / 5);
            assert!(visit(&login, &cookies).is_authenticated().await.unwrap());
        } else {
            visit(&login, &cookies).clear_user_info().await.unwrap();
        }
        assert_eq!(*store.revision.lock().unwrap(), Some(u64::MAX));
        let user_data: Option<UserData> = visit(&login, &cookies).user_data().await.unwrap();
        assert!(user_data.is_none());
    }
}
