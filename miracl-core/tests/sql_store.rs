//! A store of sessions in an SQL database, as an app could have one: copy it, and change connection and dialect.
//!
//! The database gets sealed values only. Two rules make it safe with many replicas: an update names the revision that
//! it replaces, in one statement; and a session whose time has passed does not count, whether or not its row is still
//! there.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use miracl_core::{
    IndexKey, SessionKey, SessionStore, StoreError, StoredSession, session_store_contract,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

/// A session is one row. `ends` is in milliseconds since 1970. Delete rows with `ends` in the past from time to time.
const SCHEMA: &str = "\
CREATE TABLE sessions (
    key BLOB PRIMARY KEY,
    revision INTEGER NOT NULL,
    subject BLOB NOT NULL,
    sid BLOB,
    head BLOB NOT NULL,
    data BLOB NOT NULL,
    ends INTEGER NOT NULL
);
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_sid ON sessions (sid);";

/// One connection. A database behind a network has a pool here, whose calls are awaited; and a limit of time for each
/// call, because requests wait for it.
struct SqlStore(Mutex<Connection>);

impl SqlStore {
    fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs statements, and turns an error of the database into one of the store.
    fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(StoreError::new)
    }

    /// Runs a statement that changes rows, and returns how many it changed.
    fn change(&self, sql: &str, values: &[&dyn ToSql]) -> Result<usize, StoreError> {
        self.run(|connection| connection.execute(sql, values))
    }
}

impl SessionStore for SqlStore {
    const PLACE: &'static str = "SQLite";

    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let created = self.change(
            "INSERT INTO sessions (key, revision, subject, sid, head, data, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                key.0,
                signed(session.revision)?,
                session.subject.0,
                session.sid.map(|sid| sid.0),
                &*session.head,
                &*session.data,
                now_and(ttl),
            ],
        );
        created.map(drop)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        self.run(|connection| {
            let sql = "SELECT revision, subject, sid, head, data FROM sessions WHERE key = ? AND ends > ?";
            let found = connection.query_row(sql, params![key.0, now_and(Duration::ZERO)], session);
            found.optional()
        })
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let updated = self.change(
            "UPDATE sessions SET revision = ?, subject = ?, sid = ?, head = ?, data = ?, ends = ?
             WHERE key = ? AND revision = ? AND ends > ?",
            params![
                signed(session.revision)?,
                session.subject.0,
                session.sid.map(|sid| sid.0),
                &*session.head,
                &*session.data,
                now_and(ttl),
                key.0,
                signed(expected)?,
                now_and(Duration::ZERO),
            ],
        );
        updated.map(|rows| rows == 1)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let deleted = self.change("DELETE FROM sessions WHERE key = ?", params![key.0]);
        deleted.map(drop)
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        let deleted = self.change("DELETE FROM sessions WHERE sid = ?", params![sid.0]);
        deleted.map(|rows| rows as u64)
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        let deleted = self.change("DELETE FROM sessions WHERE subject = ?", params![subject.0]);
        deleted.map(|rows| rows as u64)
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        self.run(|connection| {
            let mut select = connection.prepare(
                "SELECT revision, subject, sid, head, data, key FROM sessions WHERE subject = ? AND ends > ?",
            )?;
            let values = params![subject.0, now_and(Duration::ZERO)];
            let rows = select.query_map(values, |row| Ok((SessionKey(row.get(5)?), session(row)?)))?;
            rows.collect()
        })
    }
}

/// Reads a session from the columns `revision, subject, sid, head, data`.
fn session(row: &Row<'_>) -> rusqlite::Result<StoredSession> {
    let revision: i64 = row.get(0)?;
    Ok(StoredSession::new(
        revision.unsigned_abs(),
        IndexKey(row.get(1)?),
        row.get::<_, Option<[u8; 16]>>(2)?.map(IndexKey),
        row.get::<_, Vec<u8>>(3)?,
        row.get::<_, Vec<u8>>(4)?,
    ))
}

/// A revision as SQL knows integers. One that is too large is an error, and never another revision.
fn signed(revision: u64) -> Result<i64, StoreError> {
    i64::try_from(revision).map_err(StoreError::new)
}

/// The time in so long from now, in milliseconds since 1970. Replicas whose clocks differ ask the database for its own.
fn now_and(ttl: Duration) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let at = now.unwrap_or_default().saturating_add(ttl).as_millis();
    i64::try_from(at).unwrap_or(i64::MAX)
}

#[tokio::test]
async fn a_store_in_sql_keeps_the_contract_of_stores() {
    let connection = Connection::open_in_memory().expect("SQLite is part of this program");
    let store = SqlStore::new(connection).expect("the tables are new");
    session_store_contract(&store).await;
}
