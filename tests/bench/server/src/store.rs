//! How much memory of the process a session takes.

use std::{fs, time::Duration};

use miracl_core::{IndexKey, MemoryStore, SessionKey, SessionStore, StoredSession};

use crate::Served;

const SESSIONS: u32 = 100_000;
/// The two values of a session: who is logged in, and tokens with user data.
const HEAD: usize = 400;
const DATA: usize = 2_600;
const TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Fills a store, and prints how many bytes a session took, and how many of them are its own two values.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn fill() -> Served {
    let store = MemoryStore::new(SESSIONS.into());
    let before = resident()?;
    for number in 0..SESSIONS {
        let session = StoredSession::new(
            0,
            IndexKey(spread(number, 1)),
            Some(IndexKey(spread(number, 2))),
            vec![1; HEAD],
            vec![1; DATA],
        );
        store.create(&key(number), session, TTL).await?;
    }
    let each = (resident()? - before) as f64 / f64::from(SESSIONS);
    for number in [0, SESSIONS - 1] {
        if store.load(&key(number)).await?.is_none() {
            return Err("a session is not there".into());
        }
    }
    println!("{each:.0} bytes a session, {} of them its own", HEAD + DATA);
    Ok(())
}

fn key(number: u32) -> SessionKey {
    SessionKey(spread(number, 3))
}

/// Bytes as evenly spread as those of random ids and hashes, but the same in every run.
fn spread<const N: usize>(number: u32, salt: u64) -> [u8; N] {
    let mut state = (u64::from(number) << 8) + salt;
    std::array::from_fn(|_| {
        // The mixer of SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 56) as u8
    })
}

/// The memory that this process has in RAM, in bytes.
fn resident() -> Result<i64, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.ok_or("no VmRSS")?.trim().parse::<i64>()? * 1024)
}
