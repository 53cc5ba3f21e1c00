//! The stores of sessions and marks that the settings name.

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

impl Source<'_> {
    /// Returns where sessions and marks are kept: marks in the Redis of the sessions, unless they have a store of their
    /// own.
    pub(super) fn stores(&mut self, config: &Config) -> (SessionStorage, MarkStorage) {
        let sessions = self.place(
            config,
            "session_store",
            "`cookie`, `memory`, `redis://…`, `redis+sentinel://…` or `redis+cluster://…`",
        );
        let marks = self.place(
            config,
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

    fn place(&mut self, config: &Config, key: &'static str, known: &str) -> Option<Place> {
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
            ) => return self.redis(key, &value, config),
            _ => {}
        }
        let shown = if value.contains(':') { scheme } else { &value };
        self.refuse(key, format!("`{shown}` is not known; set it to {known}"));
        None
    }

    #[cfg(feature = "redis")]
    fn redis(&mut self, setting: &'static str, url: &str, config: &Config) -> Option<Place> {
        let options = RedisOptions {
            prefix: format!("{}:", config.cookie_prefix),
            ca_certs: config.ca_certs.clone(),
            ..RedisOptions::default()
        };
        match RedisStore::new(url, options) {
            Ok(store) => Some(Place::Redis(store)),
            Err(error) => {
                for Problem { key, message } in error.problems {
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

    #[cfg(not(feature = "redis"))]
    fn redis(&mut self, setting: &'static str, _: &str, _: &Config) -> Option<Place> {
        self.refuse(
            setting,
            "Redis needs the feature `redis` of `miracl-core`, which every adapter has as well: \
             switch it on in Cargo.toml",
        );
        None
    }
}
