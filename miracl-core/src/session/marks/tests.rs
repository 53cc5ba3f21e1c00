use std::sync::atomic::AtomicUsize;

use super::*;
use crate::{
    SessionStorage,
    exchange::session::tests::Gate,
    session::identity::tests::session,
    store::marks::{MarkStorage, MarkStore, Notes},
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

/// Makes the copy old.
fn age(marks: &Marks) {
    let followed = marks.followed.as_ref().unwrap();
    followed.fresh.store(0, Ordering::SeqCst);
}

#[tokio::test]
async fn what_one_process_ends_the_others_know_as_soon_as_their_copy_is_old() {
    let store = Common::default();
    let (here, there) = (marks(&store), marks(&store));
    there.catch_up().await.unwrap();
    here.end_session(session().id).await.unwrap();
    assert!(here.is_ended(&session()));
    assert!(!there.is_ended(&session()), "its copy is still fresh");
    age(&there);
    there.catch_up().await.unwrap();
    assert!(there.is_ended(&session()));

    let late = marks(&store);
    late.catch_up().await.unwrap();
    assert!(
        late.is_ended(&session()),
        "whoever starts later reads all of it"
    );
}

#[tokio::test]
async fn a_fresh_copy_asks_nobody_and_an_old_one_does_not_count() {
    let store = Common::default();
    let marks = marks(&store);
    marks.catch_up().await.unwrap();
    let looks = store.looks.load(Ordering::SeqCst);
    store.away.store(true, Ordering::SeqCst);
    marks.catch_up().await.unwrap();
    assert_eq!(store.looks.load(Ordering::SeqCst), looks);
    age(&marks);
    assert!(marks.catch_up().await.is_err());
    store.away.store(false, Ordering::SeqCst);
    marks.catch_up().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_fresh_for_a_second_and_no_longer() {
    let store = Common::default();
    let marks = marks(&store);
    let before = Instant::now();
    marks.catch_up().await.unwrap();
    let followed = marks.followed.as_ref().unwrap();
    while followed.is_fresh() {
        std::thread::yield_now();
    }
    let took = before.elapsed();
    let second = FRESH - Duration::from_millis(2)..FRESH + Duration::from_millis(500);
    assert!(second.contains(&took), "{took:?}");
}

#[tokio::test]
async fn many_that_wait_for_the_store_share_one_look_and_its_failure() {
    let store = Common::default();
    let marks = Arc::new(marks(&store));
    for away in [false, true] {
        store.away.store(away, Ordering::SeqCst);
        age(&marks);
        let before = store.looks.load(Ordering::SeqCst);
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let marks = Arc::clone(&marks);
                tokio::spawn(async move { marks.catch_up().await.is_ok() })
            })
            .collect();
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), !away);
        }
        let looks = store.looks.load(Ordering::SeqCst) - before;
        assert_eq!(
            looks,
            if away { 1 } else { 2 },
            "one for each list, or one that fails"
        );
    }
}

#[tokio::test]
async fn nothing_ends_here_that_the_fleet_was_not_told_of() {
    let store = Common::default();
    let marks = marks(&store);
    store.away.store(true, Ordering::SeqCst);
    assert!(marks.end_session(session().id).await.is_err());
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
    marks.end_session(session().id).await.unwrap();
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

/// The marks of an app whose sessions are in a shared store as well.
fn beside_shared_sessions(store: &Common) -> Marks {
    let config = Config {
        marks_store: MarkStorage::store(store.clone()),
        session_store: SessionStorage::store(Gate::default()),
        ..Config::default()
    };
    Marks::new(&config, Duration::from_secs(60))
}

fn until_now() -> Until {
    Until::by_clock(session().created_ms)
}

#[tokio::test]
async fn where_sessions_are_shared_no_request_needs_marks_and_every_login_asks_for_them() {
    let store = Common::default();
    let (here, there) = (
        beside_shared_sessions(&store),
        beside_shared_sessions(&store),
    );
    let subject = session().marked_by.subject;
    there.end_subject(subject, until_now()).await.unwrap();
    store.away.store(true, Ordering::SeqCst);
    assert!(here.is_fresh() && !here.claim_follower());
    here.catch_up().await.unwrap();
    here.catch_up_with_now().await.unwrap_err();
    store.away.store(false, Ordering::SeqCst);
    assert!(!here.is_ended(&session()));
    here.catch_up_with_now().await.unwrap();
    assert!(here.is_ended(&session()));
    // What is named by its id was deleted.
    let noted = async || {
        let notes = MarkStore::notes_since(&*store.store, NoteList::Proven, None).await;
        notes.unwrap().notes.len()
    };
    let before = noted().await;
    there.end_session(SessionId([9; 32])).await.unwrap();
    assert_eq!(noted().await, before);
}

#[tokio::test]
async fn a_login_takes_the_result_of_no_look_that_was_begun_before_it_asked() {
    let store = Common::default();
    let marks = Arc::new(marks(&store));
    let look = |marks: &Arc<Marks>| {
        let marks = Arc::clone(marks);
        tokio::spawn(async move { marks.catch_up_with_now().await.unwrap() })
    };
    let first = look(&marks);
    while store.looks.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The first look may have read already what is noted only now.
    let others: Vec<_> = (0..20).map(|_| look(&marks)).collect();
    first.await.unwrap();
    for other in others {
        other.await.unwrap();
    }
    let looks = store.looks.load(Ordering::SeqCst);
    assert_eq!(looks, 2 * NoteList::ALL.len(), "one more, for all of them");
    // One that is given up is no look.
    store.looks.store(0, Ordering::SeqCst);
    let given_up = look(&marks);
    while store.looks.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    look(&marks).await.unwrap();
    assert_eq!(store.looks.load(Ordering::SeqCst), 1 + NoteList::ALL.len());
}

/// A name that nobody has.
fn made_up(number: usize) -> IndexKey {
    let mut mark = IndexKey([0; 16]);
    mark.0[..8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
    mark
}

/// A session of this sid.
fn of_sid(sid: IndexKey) -> Session {
    let mut session = session();
    session.marked_by.sid = Some(sid);
    session
}

#[tokio::test]
async fn sids_that_are_made_up_bring_no_session_back_and_hide_no_log_out_of_a_login() {
    const REAL: [IndexKey; 4] = [
        IndexKey([0xa1; 16]),
        IndexKey([0xa2; 16]),
        IndexKey([0xa3; 16]),
        IndexKey([0xa4; 16]),
    ];
    let store = Common::default();
    let alone = Marks::new(&Config::default(), Duration::from_secs(60));
    for (here, there) in [(alone, None), (marks(&store), Some(marks(&store)))] {
        let login = there.as_ref().unwrap_or(&here);
        let end = async |sid| here.end_sid_unproven(sid, until_now(), false).await;
        for sid in &REAL[..3] {
            login.has_session(*sid).await.unwrap();
        }
        assert!(end(REAL[0]).await.unwrap(), "before the flood");
        for number in 0..12_000 {
            let is_kept = number < NoteList::Unproven.capacity();
            assert_eq!(end(made_up(number)).await.unwrap(), is_kept, "{number}");
            // Again, it costs nothing more.
            assert!(!end(made_up(number)).await.unwrap(), "{number}");
        }
        assert!(end(REAL[1]).await.unwrap(), "after the flood");
        login.has_session(REAL[3]).await.unwrap();
        assert!(end(REAL[3]).await.unwrap(), "of a login after the flood");
        for marks in [Some(&here), there.as_ref()].into_iter().flatten() {
            age_if_followed(marks);
            marks.catch_up().await.unwrap();
            for sid in [REAL[0], REAL[1], REAL[3], made_up(0), made_up(9_999)] {
                assert!(marks.is_ended(&of_sid(sid)));
            }
            for sid in [REAL[2], made_up(10_000), made_up(11_999)] {
                assert!(!marks.is_ended(&of_sid(sid)));
            }
        }
    }
    // Whoever starts now reads the same.
    let late = marks(&store);
    late.catch_up().await.unwrap();
    for sid in [REAL[0], REAL[1], REAL[3], made_up(0), made_up(9_999)] {
        assert!(late.is_ended(&of_sid(sid)));
    }
}

fn age_if_followed(marks: &Marks) {
    if marks.followed.is_some() {
        age(marks);
    }
}

#[tokio::test]
async fn a_front_channel_log_out_that_is_believed_costs_a_login_each_time() {
    let store = Common::default();
    let marks = marks(&store);
    let noted = async || {
        let notes = MarkStore::notes_since(&*store.store, NoteList::Proven, None).await;
        notes.unwrap().notes.len()
    };
    for round in 1..=3 {
        marks.has_session(IndexKey([7; 16])).await.unwrap();
        for _ in 0..5 {
            marks
                .end_sid_unproven(IndexKey([7; 16]), until_now(), false)
                .await
                .unwrap();
        }
        assert_eq!(noted().await, round);
    }
}
