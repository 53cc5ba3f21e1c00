//! The stores of sessions and marks that the settings name.

use std::time::Duration;

use crate::{
    config::{Config, load::source::Source},
    store::{
        memory::sessions::MemoryStore,
        storage::{MarkStorage, SessionStorage},
    },
};
#[cfg(feature = "redis")]
use crate::{
    error::config::Problem,
    store::redis::{RedisOptions, RedisStore},
};

enum Place {
    Cookie,
    Memory,
    #[cfg(feature = "redis")]
    Redis(RedisStore),
}

impl Source {
    /// Returns where sessions and marks are kept: marks in the Redis of the sessions, unless they have a store of their
    /// own.
    pub(super) fn stores(&mut self, config: &Config) -> (SessionStorage, MarkStorage) {
        let timeout = self.redis_timeout();
        let sessions = self.place(
            config,
            timeout,
            "session_store",
            "`cookie`, `memory`, `redis://…`, `redis+sentinel://…` or `redis+cluster://…`",
        );
        let marks = self.place(
            config,
            timeout,
            "marks_store",
            "`memory`, `redis://…`, `redis+sentinel://…` or `redis+cluster://…`",
        );
        let marks = match (marks, &sessions) {
            #[cfg(feature = "redis")]
            (Some(Place::Redis(store)), _) => MarkStorage::store(store),
            #[cfg(feature = "redis")]
            (None, Some(Place::Redis(store))) => MarkStorage::store(store.clone()),
            (Some(Place::Cookie), _) => {
                self.refuse(
                    "marks_store",
                    "`cookie` holds no marks; set it to `memory` or `redis://…`",
                );
                MarkStorage::memory()
            }
            (Some(Place::Memory) | None, _) => MarkStorage::memory(),
        };
        let sessions = match sessions {
            #[cfg(feature = "redis")]
            Some(Place::Redis(store)) => SessionStorage::store(store),
            Some(Place::Memory) => SessionStorage::store(MemoryStore::default()),
            Some(Place::Cookie) | None => SessionStorage::cookie(),
        };
        (sessions, marks)
    }

    fn place(
        &mut self,
        config: &Config,
        timeout: Option<Duration>,
        key: &'static str,
        known: &str,
    ) -> Option<Place> {
        let value = self.text(key)?;
        // A URL may contain a password, even if the URL is misspelt.
        let scheme = value.split(':').next().unwrap_or_default();
        let lower = scheme.to_ascii_lowercase();
        match (value.as_str(), lower.as_str()) {
            ("cookie", _) => return Some(Place::Cookie),
            ("memory", _) => return Some(Place::Memory),
            (
                _,
                "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster"
                | "rediss+cluster",
            ) => return self.redis(key, &value, config, timeout),
            _ => {}
        }
        let shown = if value.contains(':') { scheme } else { &value };
        self.refuse(key, format!("`{shown}` is not known; set it to {known}"));
        None
    }

    #[cfg(feature = "redis")]
    fn redis(
        &mut self,
        setting: &'static str,
        url: &str,
        config: &Config,
        timeout: Option<Duration>,
    ) -> Option<Place> {
        let options = RedisOptions {
            timeout: timeout.unwrap_or(RedisOptions::default().timeout),
            prefix: format!("{}:", config.cookie_prefix),
            ca_certs: config.ca_certs.clone(),
        };
        match RedisStore::new(url, options) {
            Ok(store) => Some(Place::Redis(store)),
            Err(error) => {
                for Problem { key, message, .. } in error.problems {
                    // In settings, this one has another name.
                    let key = match key.as_str() {
                        "ca_certs" => "ca_cert",
                        _ => setting,
                    };
                    self.refuse(key, message);
                }
                None
            }
        }
    }

    /// How long one question to a Redis may take, where the settings say so.
    fn redis_timeout(&mut self) -> Option<Duration> {
        const KEY: &str = "redis_timeout";
        let timeout = self.seconds(KEY)?;
        if timeout.is_zero() {
            self.refuse(KEY, "must be at least one second");
            return None;
        }
        Some(timeout)
    }

    #[cfg(not(feature = "redis"))]
    fn redis(
        &mut self,
        setting: &'static str,
        _: &str,
        _: &Config,
        _: Option<Duration>,
    ) -> Option<Place> {
        self.refuse(
            setting,
            "Redis needs the feature `redis` of `miracl-login-core`, which every adapter has as well: \
             switch it on in Cargo.toml",
        );
        None
    }
}
