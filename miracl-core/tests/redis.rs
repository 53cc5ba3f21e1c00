//! `RedisStore` against a real Redis, which each test starts for itself.
//!
//! Where the program `redis-server` is missing the tests are left out and say so; with `MIRACL_TESTS=all`, which
//! `tests/run` sets, they fail.
#![allow(clippy::unwrap_used)] // helpers of tests

#[path = "redis/certificates.rs"]
mod certificates;
#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/log.rs"]
mod log;
#[path = "redis/marks.rs"]
mod marks;
#[path = "redis/sentinel.rs"]
mod sentinel;
#[path = "redis/server.rs"]
mod server;
#[cfg(feature = "testing")]
#[path = "redis/test_kit.rs"]
mod test_kit;
#[path = "redis/traffic.rs"]
mod traffic;

use std::{
    future::{Future, pending},
    net::TcpListener,
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use certificates::Certificates;
use libtest_mimic::{Arguments, Failed, Trial};
use miracl_core::{
    IndexKey, Lease, LeaseOwner, MarkKey, MarkStore, NoteList, RedisOptions, RedisStore,
    SessionKey, SessionStore, StoredSession, mark_store_contract, session_store_contract,
};
use redis::Commands;
use server::*;
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    sync::Notify,
    time::timeout,
};

/// Longer than a test runs.
const LONG: Duration = Duration::from_secs(600);
/// How long a server may take to start, and a test to see a change.
const PATIENCE: Duration = Duration::from_secs(60);
/// After this time, a question that should have been given up within a second hangs.
const HANGS: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let all = std::env::var_os("MIRACL_TESTS").is_some_and(|value| value == "all");
    let missing = !arguments.list && !is_installed();
    let mut trials = Vec::new();
    macro_rules! tests {
        ($($name:path),* $(,)?) => {
            $(trials.push(Trial::test(stringify!($name), move || {
                if missing {
                    return Err(Failed::from(WHY));
                }
                play($name());
                Ok(())
            }).with_ignored_flag(missing && !all));)*
        };
    }
    tests![
        redis_keeps_the_contract_of_stores,
        marks::redis_keeps_the_contract_of_marks,
        marks::every_mark_has_an_end,
        marks::a_list_that_was_lost_is_read_from_its_beginning,
        marks::marks_survive_a_redis_that_is_killed_and_comes_back,
        two_stores_of_one_redis_have_the_same_sessions_and_two_prefixes_have_none_in_common,
        every_key_has_an_end_that_is_not_before_its_sessions,
        an_index_forgets_what_has_ended,
        making_a_store_and_asking_it_while_redis_is_away_takes_no_longer_than_allowed,
        a_redis_that_hangs_is_given_up_in_time,
        a_connection_that_has_gone_silent_is_replaced,
        sessions_survive_a_redis_that_is_killed_and_comes_back,
        a_password_and_a_database_are_those_of_the_url,
        tls_needs_an_authority_that_is_trusted,
        a_store_outlives_the_runtime_that_it_was_made_on,
        traffic::redis_may_be_killed_under_traffic_and_nobody_loses_a_session_or_waits_for_it,
        sentinel::a_redis_that_sentinel_watches_keeps_the_contract_of_stores,
        sentinel::sessions_are_there_again_after_a_fail_over,
        sentinel::a_service_that_no_sentinel_knows_is_named,
        sentinel::a_sentinel_that_is_silent_or_out_of_date_is_passed_over,
        sentinel::sentinels_and_their_servers_speak_tls,
        cluster::a_cluster_keeps_the_contract_of_stores,
        cluster::sessions_are_found_while_their_slot_moves_and_after_it,
        cluster::the_loss_of_a_node_costs_only_its_own_sessions_until_it_returns,
        cluster::a_node_that_hangs_delays_only_its_own_sessions,
        cluster::a_replica_takes_the_place_of_its_node,
        log::the_loss_of_a_node_is_logged_once_and_so_is_its_return,
        log::a_server_that_comes_and_goes_is_logged_once,
    ];
    #[cfg(feature = "testing")]
    tests![test_kit::people_of_the_test_kit_are_logged_in_and_an_expired_one_is_not];
    let conclusion = libtest_mimic::run(&arguments, trials);
    if missing && !all {
        println!("left out: the tests with a real Redis, because {WHY}");
    }
    conclusion.exit_code()
}

const WHY: &str = "redis-server is not installed: tests/run does it";

fn is_installed() -> bool {
    let status = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn play(test: impl Future<Output = ()>) {
    let ended = runtime().block_on(async { timeout(3 * PATIENCE, test).await });
    assert!(ended.is_ok(), "the test did not end in time");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn key(number: u8) -> SessionKey {
    SessionKey([number; 32])
}

fn session(subject: u8, sid: Option<u8>) -> StoredSession {
    let sid = sid.map(|sid| IndexKey([sid; 16]));
    StoredSession::new(0, IndexKey([subject; 16]), sid, [1], [2; 5000])
}

async fn redis_keeps_the_contract_of_stores() {
    let server = Server::start(NOTHING);
    session_store_contract(&server.store()).await;
}

async fn two_stores_of_one_redis_have_the_same_sessions_and_two_prefixes_have_none_in_common() {
    let server = Server::start(NOTHING);
    let (one, two) = (server.store(), server.store());
    let options = RedisOptions {
        prefix: "another:".to_owned(),
        ..RedisOptions::default()
    };
    let other = RedisStore::new(&server.url(), options).unwrap();
    one.create(&key(1), session(1, Some(2)), LONG)
        .await
        .unwrap();
    assert_eq!(two.load(&key(1)).await.unwrap(), Some(session(1, Some(2))));
    assert_eq!(other.load(&key(1)).await.unwrap(), None);
    assert_eq!(other.delete_by_sid(&IndexKey([2; 16])).await.unwrap(), 0);
    assert_eq!(two.delete_by_sid(&IndexKey([2; 16])).await.unwrap(), 1);
    assert_eq!(one.load(&key(1)).await.unwrap(), None);
}

async fn every_key_has_an_end_that_is_not_before_its_sessions() {
    let server = Server::start(NOTHING);
    let store = server.store();
    for (number, seconds) in [(1, 600), (2, 60), (3, 300)] {
        let ttl = Duration::from_secs(seconds);
        let key = key(number);
        let created = store.create(&key, session(1, Some(number)), ttl);
        created.await.unwrap();
    }
    let mut changed = session(1, Some(2));
    changed.revision = 1;
    let longer = Duration::from_secs(900);
    assert!(store.update(&key(2), 0, changed, longer).await.unwrap());
    let mut client = server.client();
    let keys = server.keys();
    assert_eq!(keys.len(), 3 + 1 + 3, "{keys:?}");
    let mut left = |key: String| -> i64 { client.pttl(key).unwrap() };
    for key in &keys {
        assert!(key.starts_with("miracl:"), "{key}");
        assert!(left(key.clone()) > 0, "{key} has no end");
    }
    let hex = |byte: u8, times| format!("{byte:02x}").repeat(times);
    let subject = left(format!("miracl:subject:{}", hex(1, 16)));
    for number in 1..=3 {
        let session = left(format!("miracl:session:{}", hex(number, 32)));
        let sid = left(format!("miracl:sid:{}", hex(number, 16)));
        // The later of two times to live is the shorter one.
        assert!(
            sid > session && subject > session,
            "{sid} {subject} {session}"
        );
    }
    for number in 1..=3 {
        store.delete(&key(number)).await.unwrap();
    }
    assert_eq!(server.keys(), [""; 0], "a deleted session leaves nothing");
}

async fn an_index_forgets_what_has_ended() {
    let server = Server::start(NOTHING);
    let store = server.store();
    let short = Duration::from_millis(1);
    for number in 0..50 {
        let key = key(number);
        let created = store.create(&key, session(1, None), short);
        created.await.unwrap();
    }
    store
        .create(&key(99), session(1, None), LONG)
        .await
        .unwrap();
    let index = format!("miracl:subject:{}", "01".repeat(16));
    let mut client = server.client();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listed = store.list_by_subject(&IndexKey([1; 16])).await.unwrap();
        let known: usize = client.zcard(&index).unwrap();
        if known == 1 {
            assert_eq!(listed, [(key(99), session(1, None))]);
            return;
        }
        assert!(Instant::now() < deadline, "{known} are still known");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn making_a_store_and_asking_it_while_redis_is_away_takes_no_longer_than_allowed() {
    let mut server = Server::start(NOTHING);
    server.kill();
    let store = server.store();
    let began = Instant::now();
    let error = store.load(&key(1)).await.unwrap_err();
    assert!(began.elapsed() < HANGS, "{error:?}");
    let created = store.create(&key(1), session(1, None), LONG).await;
    assert!(created.is_err());
    server.restart();
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
}

async fn a_redis_that_hangs_is_given_up_in_time() {
    let server = Server::start(NOTHING);
    let options = RedisOptions {
        timeout: Duration::from_millis(200),
        ..RedisOptions::default()
    };
    let store = RedisStore::new(&server.url(), options).unwrap();
    let created = store.create(&key(1), session(1, None), LONG).await;
    created.unwrap();
    server.signal("STOP");
    let began = Instant::now();
    let (first, second) = (key(1), key(2));
    // Many questions at once take no longer than one.
    let (one, two) = tokio::join!(store.load(&first), store.load(&second));
    let after = store.load(&first).await;
    assert!(began.elapsed() < HANGS);
    for result in [one, two, after] {
        let error = result.unwrap_err();
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(why, "Redis did not answer within 200ms");
    }
    server.signal("CONT");
    let deadline = Instant::now() + PATIENCE;
    while store.load(&first).await.ok().flatten().is_none() {
        assert!(Instant::now() < deadline, "it is asked again");
    }
}

async fn a_connection_that_has_gone_silent_is_replaced() {
    let server = Server::start(NOTHING);
    let between = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = between.local_addr().unwrap();
    let target = server.port;
    // Passes on all later connections. Passes on the first one until it is told to be silent, like a firewall that has
    // forgotten the connection.
    let silence = Arc::new(Notify::new());
    let silenced = Arc::clone(&silence);
    tokio::spawn(async move {
        let mut first = true;
        loop {
            let (mut near, _) = between.accept().await.unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let until = first.then(|| Arc::clone(&silenced));
            first = false;
            tokio::spawn(async move {
                let told = async {
                    match until {
                        Some(told) => told.notified().await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = told => pending().await,
                }
            });
        }
    });
    let options = RedisOptions {
        timeout: Duration::from_millis(500),
        ..RedisOptions::default()
    };
    let store = RedisStore::new(&format!("redis://{address}"), options).unwrap();
    let key = key(1);
    let created = store.create(&key, session(1, None), LONG).await;
    created.unwrap();
    silence.notify_one();
    let deadline = Instant::now() + PATIENCE;
    // Redis answers until the silence begins.
    while store.load(&key).await.is_ok() {
        assert!(Instant::now() < deadline, "it was to be silent");
    }
    assert_eq!(store.load(&key).await.unwrap(), Some(session(1, None)));
}

async fn sessions_survive_a_redis_that_is_killed_and_comes_back() {
    let mut server = Server::start(NOTHING);
    let store = server.store();
    store
        .create(&key(1), session(1, Some(1)), LONG)
        .await
        .unwrap();
    store.create(&key(2), session(1, None), LONG).await.unwrap();
    store.delete(&key(2)).await.unwrap();
    for round in 0..3 {
        server.kill();
        let began = Instant::now();
        assert!(store.load(&key(1)).await.is_err());
        let ended = store.delete_by_sid(&IndexKey([1; 16])).await;
        assert!(ended.is_err(), "nobody is told that a session has ended");
        assert!(began.elapsed() < HANGS);
        server.restart();
        // The first question connects again.
        let found = store.load(&key(1)).await.unwrap();
        assert_eq!(found, Some(session(1, Some(1))), "round {round}");
        assert_eq!(store.load(&key(2)).await.unwrap(), None);
    }
    assert_eq!(store.delete_by_sid(&IndexKey([1; 16])).await.unwrap(), 1);
}

async fn a_password_and_a_database_are_those_of_the_url() {
    let server = Server::start(&["--requirepass", "hunter2"]);
    let refused = server.store().load(&key(1)).await.unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("NOAUTH"), "{why}");
    let at = |database| {
        let url = format!("redis://:hunter2@127.0.0.1:{}/{database}", server.port);
        RedisStore::new(&url, RedisOptions::default()).unwrap()
    };
    at(3).create(&key(1), session(1, None), LONG).await.unwrap();
    assert!(at(3).load(&key(1)).await.unwrap().is_some());
    assert!(at(0).load(&key(1)).await.unwrap().is_none());
    let wrong = format!("redis://:hunter3@127.0.0.1:{}", server.port);
    let wrong = RedisStore::new(&wrong, RedisOptions::default()).unwrap();
    let refused = wrong.load(&key(1)).await.unwrap_err();
    let why = format!("{refused:?}");
    assert!(!why.contains("hunter3"), "{why}");
}

async fn tls_needs_an_authority_that_is_trusted() {
    let certificates = Certificates::of(&["localhost"]);
    let secure = free_port();
    let server = Server::start(&certificates.arguments(&secure.to_string()));
    let with = |host: &str, ca_certs| {
        let options = RedisOptions {
            ca_certs,
            ..RedisOptions::default()
        };
        RedisStore::new(&format!("rediss://{host}:{secure}"), options).unwrap()
    };
    let trusted = with("localhost", vec![certificates.root()]);
    trusted
        .create(&key(1), session(1, None), LONG)
        .await
        .unwrap();
    assert!(trusted.load(&key(1)).await.unwrap().is_some());
    // The same session through the other port shows that it was this Redis.
    assert!(server.store().load(&key(1)).await.unwrap().is_some());
    for untrusted in [
        with("localhost", Vec::new()),
        with("127.0.0.1", vec![certificates.root()]),
    ] {
        let error = untrusted.load(&key(1)).await.unwrap_err();
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("certificate"), "{why}");
    }
}

async fn a_store_outlives_the_runtime_that_it_was_made_on() {
    let server = Server::start(NOTHING);
    let url = server.url();
    let made = std::thread::spawn(move || {
        runtime().block_on(async {
            let store = RedisStore::new(&url, RedisOptions::default()).unwrap();
            let key = key(1);
            let created = store.create(&key, session(1, None), LONG);
            created.await.unwrap();
            store
        })
    });
    let store = made.join().unwrap();
    assert!(store.load(&key(1)).await.unwrap().is_some());
}
