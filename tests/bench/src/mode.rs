//! Where a demo keeps its sessions.

use std::fmt;

use miracl_tests::Redis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Cookie,
    Memory,
    Redis,
}

impl Mode {
    pub(crate) const ALL: [Self; 3] = [Self::Cookie, Self::Memory, Self::Redis];

    /// The value for `SESSION_STORE`, and the Redis that has to live as long.
    pub(crate) fn store(self) -> (String, Option<Redis>) {
        match self {
            Self::Cookie => ("cookie".to_owned(), None),
            Self::Memory => ("memory".to_owned(), None),
            Self::Redis => {
                let redis = Redis::start();
                (redis.url(), Some(redis))
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cookie => "cookies",
            Self::Memory => "memory",
            Self::Redis => "Redis",
        })
    }
}
