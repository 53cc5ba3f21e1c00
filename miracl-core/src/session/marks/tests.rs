mod copy;
mod sids;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::{
    session::identity::tests::session,
    store::{
        marks::{MarkStore, Notes},
        storage::MarkStorage,
    },
};

/// How long a login may take.
const LOGIN: Duration = Duration::from_secs(15 * 60);

/// A store that two engines share, and that can be switched off.
#[derive(Clone, Default)]
struct Common {
    store: Arc<MemoryMarkStore>,
    away: Arc<AtomicBool>,
    looks: Arc<AtomicUsize>,
}

impl Common {
    fn check(&self) -> Result<(), StoreError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(StoreError::new("away")),
            false => Ok(()),
        }
    }
}

impl MarkStore for Common {
    async fn use_once(&self, key: &MarkKey, ttl: Duration) -> Result<bool, StoreError> {
        self.check()?;
        MarkStore::use_once(&*self.store, key, ttl).await
    }

    async fn forget(&self, key: &MarkKey) -> Result<(), StoreError> {
        self.check()?;
        MarkStore::forget(&*self.store, key).await
    }

    async fn note(&self, list: NoteList, note: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.check()?;
        MarkStore::note(&*self.store, list, note, ttl).await
    }

    async fn notes_since(
        &self,
        list: NoteList,
        position: Option<&[u8]>,
    ) -> Result<Notes, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.check()?;
        MarkStore::notes_since(&*self.store, list, position).await
    }

    async fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        self.check()?;
        MarkStore::lease(&*self.store, key, owner, ttl).await
    }

    async fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.check()?;
        MarkStore::settle(&*self.store, key, owner, value, ttl).await
    }

    async fn release(&self, key: &MarkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        self.check()?;
        MarkStore::release(&*self.store, key, owner).await
    }
}

fn marks(store: &Common) -> Marks {
    let config = Config {
        marks_store: MarkStorage::store(store.clone()),
        ..Config::default()
    };
    Marks::new(&config, Duration::from_secs(60))
}

#[tokio::test]
async fn nothing_ends_here_that_the_fleet_was_not_told_of() {
    let store = Common::default();
    let marks = marks(&store);
    store.away.store(true, Ordering::SeqCst);
    assert!(
        marks
            .end_session(session().id, EndedBy::LogOut)
            .await
            .is_err()
    );
    assert!(!marks.is_ended(&session()));
    assert!(marks.take_login(LoginMark([1; 32])).await.is_err());
}

#[tokio::test]
async fn a_login_and_a_token_are_used_once_in_the_whole_fleet() {
    let store = Common::default();
    let (here, there) = (marks(&store), marks(&store));
    let taken = here.take_login(LoginMark([1; 32])).await.unwrap().unwrap();
    assert!(
        there
            .take_login(LoginMark([1; 32]))
            .await
            .unwrap()
            .is_none()
    );
    assert!(here.use_login(&taken, LOGIN).await.unwrap());
    for marks in [&here, &there] {
        assert!(
            marks
                .take_login(LoginMark([1; 32]))
                .await
                .unwrap()
                .is_none()
        );
    }
    assert!(there.use_token(IndexKey([1; 16])).await.unwrap());
    assert!(!here.use_token(IndexKey([1; 16])).await.unwrap());
    there.forget_token(IndexKey([1; 16])).await;
    assert!(here.use_token(IndexKey([1; 16])).await.unwrap());
}

#[tokio::test]
async fn an_engine_by_itself_needs_no_follower_and_is_always_fresh() {
    let marks = Marks::new(&Config::default(), Duration::from_secs(60));
    assert!(marks.is_fresh() && !marks.claim_follower());
    marks.catch_up().await.unwrap();
    marks
        .end_session(session().id, EndedBy::LogOut)
        .await
        .unwrap();
    assert!(marks.is_ended(&session()));
    assert!(
        marks
            .take_login(LoginMark([1; 32]))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        marks
            .take_login(LoginMark([1; 32]))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_login_that_was_held_for_too_long_and_taken_by_another_is_not_used() {
    let store = Common::default();
    let marks = marks(&store);
    let taken = marks.take_login(LoginMark([1; 32])).await.unwrap().unwrap();
    let late = TakenLogin(MarkKey([1; 32]), LeaseOwner([9; 16]));
    assert!(!marks.use_login(&late, LOGIN).await.unwrap());
    assert!(marks.use_login(&taken, LOGIN).await.unwrap());
}

#[tokio::test]
async fn logins_that_failed_push_out_none_that_was_used() {
    let marks = Marks::new(&Config::default(), Duration::from_secs(60));
    let taken = marks.take_login(LoginMark([1; 32])).await.unwrap().unwrap();
    assert!(marks.use_login(&taken, LOGIN).await.unwrap());
    let mut junk = LoginMark([2; 32]);
    for number in 0..150_000_u32 {
        junk.0[..4].copy_from_slice(&number.to_le_bytes());
        assert!(marks.take_login(junk).await.unwrap().is_some());
    }
    assert!(
        marks
            .take_login(LoginMark([1; 32]))
            .await
            .unwrap()
            .is_none()
    );
    assert!(marks.take_login(junk).await.unwrap().is_none());
}

#[tokio::test]
async fn an_error_says_that_it_was_the_store_of_marks() {
    let store = Common::default();
    store.away.store(true, Ordering::SeqCst);
    let error = marks(&store)
        .take_login(LoginMark([1; 32]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "the store of marks does not answer");
    let why = std::error::Error::source(&error).unwrap();
    assert_eq!(why.to_string(), "away");
    let own = store.check().unwrap_err();
    assert_eq!(own.to_string(), "the session store does not answer");
}

/// Makes the copy old, where there is one.
fn age(marks: &Marks) {
    if let Some(copy) = &marks.copy {
        copy.fresh_until.store(0, Ordering::SeqCst);
    }
}

fn until_now() -> Until {
    Until::by_clock(session().created_ms)
}
