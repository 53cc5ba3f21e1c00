//! The memory that the marks of project JWTs take, each of which counts once: bounded, however many come. The test has
//! a process of its own, because the memory of other tests would count as well.
#![cfg(target_os = "linux")]

use std::{fs, time::Duration};

use miracl_core::app::store::{MarkKey, MarkStore, MemoryMarkStore};

const JWTS: u64 = 1_000_000;
/// How many marks are kept.
const KEPT: u64 = 100_000;
/// In bytes, for all of them: each takes about 300, and the rest is for allocators that round up.
const LIMIT: u64 = 48 * 1024 * 1024;
/// How much more may be there after a million than when the marks were full for the first time: their table doubles
/// once more, sooner or later, to have room for what is removed. The 800,000 that are not kept would take 48 MiB at
/// least.
const GROWTH: u64 = 16 * 1024 * 1024;

const WORKS: &str = "memory is never away, and Linux tells how much there is";

#[tokio::test]
async fn a_million_project_jwts_leave_marks_of_a_fixed_size() {
    let store = MemoryMarkStore::default();
    let life = Duration::from_secs(120);
    let before = resident();
    let mut full = before;
    for number in 0..JWTS {
        assert!(store.use_once(&key(number), life).await.expect(WORKS));
        if number + 1 == 2 * KEPT {
            full = resident();
        }
    }
    let after = resident();
    println!(
        "{} KiB after {} JWTs, {} KiB after {JWTS}",
        full.saturating_sub(before) / 1024,
        2 * KEPT,
        after.saturating_sub(before) / 1024
    );
    assert!(
        full - before > KEPT * 32,
        "{KEPT} marks of 32 bytes are there"
    );
    assert!(after - before < LIMIT, "{} bytes", after - before);
    assert!(after < full + GROWTH, "{} bytes more", after - full);
    // They are the newest.
    for number in [JWTS - 1, JWTS - KEPT] {
        assert!(
            !store.use_once(&key(number), life).await.expect(WORKS),
            "{number}"
        );
    }
    assert!(store.use_once(&key(0), life).await.expect(WORKS));
}

fn key(number: u64) -> MarkKey {
    let mut key = MarkKey([7; 32]);
    key.0[..8].copy_from_slice(&number.to_le_bytes());
    key
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
