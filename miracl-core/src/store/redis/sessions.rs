//! Sessions in Redis.
//!
//! A session is one string. The sessions of a person, and those of one `sid`, are found through an index: a sorted set
//! of session keys, each with the time at which its session ends.

use std::time::Duration;

use ::redis::{Pipeline, cmd, pipe};

use crate::{
    base::{hex::hex_after, wire::Reader},
    error::store::StoreError,
    store::{
        redis::{
            RedisStore,
            commands::{command, millis, script},
            record::{self, HEADER_LEN, Header},
        },
        sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
    },
};

/// How many sessions one pipeline asks for.
const BATCH: usize = 100;
/// Replaces a session if it still begins as expected.
const UPDATE: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// Deletes a session and returns its header, which is empty when the session was not there.
const DELETE: &str = "\
local header = redis.call('GETRANGE', KEYS[1], 0, ARGV[1] - 1)
redis.call('DEL', KEYS[1])
return header";

/// Adds a session to an index until a second after it ends, removes those that have ended, and lets the index live as
/// long as its last session.
const INDEX: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = now + ARGV[2] + 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known or tonumber(known) < ends then redis.call('ZADD', KEYS[1], ends, ARGV[1]) end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])";

/// Returns the sessions of an index that have not ended, and removes the others.
const MEMBERS: &str = "\
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZRANGE', KEYS[1], 0, -1)";

impl RedisStore {
    fn session(&self, key: &SessionKey) -> String {
        hex_after([&self.prefix, "session:"], &key.0)
    }

    fn subject(&self, subject: &IndexKey) -> String {
        hex_after([&self.prefix, "subject:"], &subject.0)
    }

    fn sid(&self, sid: &IndexKey) -> String {
        hex_after([&self.prefix, "sid:"], &sid.0)
    }

    /// The keys of the indexes that a session is in.
    fn indexes(&self, subject: &IndexKey, sid: Option<&IndexKey>) -> Vec<String> {
        let mut indexes = vec![self.subject(subject)];
        indexes.extend(sid.map(|sid| self.sid(sid)));
        indexes
    }

    /// Adds a session to its indexes. This comes before the session itself, so that a stored session is always found.
    fn add_to_indexes(
        &self,
        commands: &mut Pipeline,
        key: &SessionKey,
        session: &StoredSession,
        ttl: u64,
    ) {
        for index in self.indexes(&session.subject, session.sid.as_ref()) {
            let add = script(INDEX, &index).arg(&key.0).arg(ttl).take();
            commands.add_command(add).ignore();
        }
    }

    /// Removes sessions from their indexes.
    async fn remove_from_indexes(&self, gone: &[(SessionKey, Header)]) -> Result<(), StoreError> {
        let mut commands = pipe();
        for (key, header) in gone {
            for index in self.indexes(&header.subject, header.sid.as_ref()) {
                let mut remove = cmd("ZREM");
                commands.add_command(remove.arg(index).arg(&key.0).take());
                commands.ignore();
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.link.run_in_any_order(&commands, self.timeout).await
    }

    /// Deletes sessions, and returns how many of them were there.
    async fn remove(&self, keys: &[SessionKey]) -> Result<u64, StoreError> {
        let mut removed = 0;
        for keys in keys.chunks(BATCH) {
            let mut commands = pipe();
            for key in keys {
                commands.add_command(script(DELETE, &self.session(key)).arg(HEADER_LEN).take());
            }
            let headers: Vec<Vec<u8>> = self.link.run_in_any_order(&commands, self.timeout).await?;
            let gone: Vec<_> = keys
                .iter()
                .zip(&headers)
                .filter(|(_, header)| !header.is_empty())
                .filter_map(|(key, header)| Some((*key, Header::read(&mut Reader::new(header))?)))
                .collect();
            self.remove_from_indexes(&gone).await?;
            removed += gone.len() as u64;
        }
        Ok(removed)
    }

    /// Returns the sessions of an index.
    async fn members(&self, index: &str) -> Result<Vec<SessionKey>, StoreError> {
        let members: Vec<Vec<u8>> = self.ask(&script(MEMBERS, index)).await?;
        let keys = members.into_iter().filter_map(|key| key.try_into().ok());
        Ok(keys.map(SessionKey).collect())
    }
}

impl SessionStore for RedisStore {
    const PLACE: &'static str = "Redis";

    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let ttl = millis(ttl);
        let mut commands = pipe();
        self.add_to_indexes(&mut commands, key, &session, ttl);
        let mut set = cmd("SET");
        set.arg(self.session(key)).arg(record::write(&session)?);
        commands.add_command(set.arg("PX").arg(ttl).take()).ignore();
        self.link.run(&commands, self.timeout).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        let mut get = command("GET", 1);
        get.arg(self.session(key));
        let found: Option<Vec<u8>> = self.ask(&get).await?;
        Ok(found.and_then(|bytes| record::read(&bytes)))
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        let ttl = millis(ttl);
        let mut commands = pipe();
        self.add_to_indexes(&mut commands, key, &session, ttl);
        let mut update = script(UPDATE, &self.session(key));
        update.arg(record::revision(expected).finish());
        commands.add_command(update.arg(record::write(&session)?).arg(ttl).take());
        let (updated,): (bool,) = self.link.run(&commands, self.timeout).await?;
        Ok(updated)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.remove(&[*key]).await.map(drop)
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        let keys = self.members(&self.sid(sid)).await?;
        self.remove(&keys).await
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        let keys = self.members(&self.subject(subject)).await?;
        self.remove(&keys).await
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        let keys = self.members(&self.subject(subject)).await?;
        let mut sessions = Vec::new();
        for keys in keys.chunks(BATCH) {
            let mut commands = pipe();
            for key in keys {
                commands.add_command(cmd("GET").arg(self.session(key)).take());
            }
            let found: Vec<Option<Vec<u8>>> =
                self.link.run_in_any_order(&commands, self.timeout).await?;
            let found = keys.iter().zip(found);
            sessions.extend(found.filter_map(|(key, bytes)| Some((*key, record::read(&bytes?)?))));
        }
        Ok(sessions)
    }
}
