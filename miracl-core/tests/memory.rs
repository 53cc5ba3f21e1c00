//! The memory that a session in a [`MemoryStore`] takes in addition to its content. The test has a process of its own,
//! because the memory of other tests would count as well.
#![cfg(target_os = "linux")]

use std::{fs, time::Duration};

use miracl_core::{IndexKey, MemoryStore, SessionKey, SessionStore, StoredSession};

const SESSIONS: u64 = 100_000;
/// The content of a session: head and data of the usual sizes.
const HEAD: usize = 150;
const DATA: usize = 1500;
/// In bytes. It takes about 320; the rest is for allocators that round up more than this one.
const LIMIT: u64 = 700;

const WORKS: &str = "memory is never away, and Linux tells how much there is";

#[tokio::test]
async fn a_hundred_thousand_sessions_take_less_than_seventy_megabytes_beyond_what_they_hold() {
    let store = MemoryStore::new(SESSIONS);
    let before = resident();
    for number in 0..SESSIONS {
        let (key, subject, sid) = (number, number, number + SESSIONS);
        let (subject, sid) = (IndexKey(bytes(subject)), Some(IndexKey(bytes(sid))));
        let session = StoredSession::new(0, subject, sid, [1; HEAD], [2; DATA]);
        let key = SessionKey(bytes(key));
        let created = store.create(&key, session, Duration::from_secs(60));
        created.await.expect(WORKS);
    }
    let each = (resident() - before) / SESSIONS;
    let held = (HEAD + DATA) as u64;
    assert!(each >= held, "{each} bytes cannot hold {held}");
    assert!(each - held < LIMIT, "{} bytes", each - held);
    let first = store.load(&SessionKey(bytes(0))).await.expect(WORKS);
    assert!(first.is_some(), "all of them are there");
}

/// A number as a key.
fn bytes<const LEN: usize>(number: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// How much memory this process has, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect(WORKS);
    let mut lines = status.lines();
    let line = lines
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect(WORKS);
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect(WORKS);
    kilobytes * 1024
}
