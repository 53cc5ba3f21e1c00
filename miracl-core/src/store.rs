//! Where sessions and marks are kept: what a store must do, the stores that come with the engine, and the contracts
//! that every store is tested by.
//!
//! | file | what it has |
//! |---|---|
//! | `sessions` | the trait `SessionStore`, and a session as a store keeps it |
//! | `marks` | the trait `MarkStore`: what was used once, what has ended, who holds a lease |
//! | `storage` | the two settings that name a store |
//! | `erased` | the two traits in a form that can be behind a pointer |
//! | `contract` | what every store must do, as functions that test one |
//! | `memory`, `redis` | the stores that come with the engine |
//!
//! # A store of another kind, SQL for example
//!
//! An app can have it in its own code, since everything that it takes is public:
//!
//! 1. Copy `tests/sql_store.rs` of this crate. It keeps sessions in SQLite with one table and two indexes, and says
//!    which statement each method is. Implement `SessionStore`; implement `MarkStore` as well where replicas share
//!    nothing else.
//! 2. Run `session_store_contract` on it, and `mark_store_contract`, in a test against the real database.
//! 3. Give it to `Config::session_store` by `SessionStorage::store`, and to `Config::marks_store` by
//!    `MarkStorage::store`.
//!
//! One that is to come with the engine goes here, in a folder beside `memory` and `redis`, behind a feature of its own.
//! `redis/sessions` and `redis/marks` show the two traits, and `redis/record` how a session is written down. Its
//! setting is in `config/load/stores`, its public names in `app`.

pub(crate) mod contract;
pub(crate) mod erased;
pub(crate) mod marks;
pub(crate) mod memory;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod sessions;
pub(crate) mod storage;
