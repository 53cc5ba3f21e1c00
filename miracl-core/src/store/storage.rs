//! The two settings that say where sessions and marks are kept.

use std::{fmt, sync::Arc};

use crate::store::{
    erased::{ErasedMarkStore, ErasedStore},
    marks::MarkStore,
    sessions::SessionStore,
};

/// Where sessions are kept: the setting [`Config::session_store`](crate::Config::session_store).
#[derive(Clone, Default)]
pub struct SessionStorage(Option<Arc<dyn ErasedStore>>);

impl SessionStorage {
    /// Sealed in the browser's cookies, the default: no server is needed, and sessions cannot be listed.
    pub fn cookie() -> Self {
        Self(None)
    }

    /// In a store, behind an opaque id in the browser's cookie: a [`MemoryStore`](crate::MemoryStore), a
    /// `RedisStore` with the feature `redis`, or your own.
    pub fn store(store: impl SessionStore) -> Self {
        Self(Some(Arc::new(store)))
    }

    pub(crate) fn kept_in(&self) -> Option<&dyn ErasedStore> {
        self.0.as_deref()
    }
}

impl fmt::Debug for SessionStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            None => "SessionStorage::cookie",
            Some(_) => "SessionStorage::store",
        })
    }
}

/// Where marks are kept: the setting [`Config::marks_store`](crate::Config::marks_store).
#[derive(Clone, Default)]
pub struct MarkStorage(Option<Arc<dyn ErasedMarkStore>>);

impl MarkStorage {
    /// In the memory of this process, the default: the marks end with the process, and other replicas do not know them.
    pub fn memory() -> Self {
        Self(None)
    }

    /// In a store that the whole fleet shares: a `RedisStore` with the feature `redis`, or your own.
    pub fn store(store: impl MarkStore) -> Self {
        Self(Some(Arc::new(store)))
    }

    pub(crate) fn shared(&self) -> Option<&Arc<dyn ErasedMarkStore>> {
        self.0.as_ref()
    }
}

impl fmt::Debug for MarkStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            None => "MarkStorage::memory",
            Some(_) => "MarkStorage::store",
        })
    }
}
