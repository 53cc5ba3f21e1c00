//! Sessions in Redis, for any number of replicas.
//!
//! A session is one string: a header with its revision and by what it is found, then its two sealed values. The
//! sessions of a person, and those of a session of the provider's, are sorted sets of session keys, each with the time
//! at which it ends. Every command and every script touches one key, so that in a cluster each goes to the node that
//! has it.

pub(crate) mod address;
pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod marks;
pub(crate) mod open;
pub(crate) mod outage;
pub(crate) mod sentinel;
pub(crate) mod server;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use ::redis::{Cmd, FromRedisValue, Pipeline, cmd, pipe};

use crate::{
    base::{
        hex::hex_after,
        wire::{Reader, Writer},
    },
    error::{config::ConfigError, store::StoreError},
    store::{
        redis::connection::Link,
        sessions::{IndexKey, SessionKey, SessionStore, StoredSession},
    },
};

/// The format of a session, its first byte.
const FORMAT: u8 = 1;
/// Format and revision: what an update compares.
const REVISION_LEN: usize = 1 + 8;
/// Revision, subject, and sid with a byte that says whether there is one: what a delete has to know.
const HEADER_LEN: usize = REVISION_LEN + 16 + 1 + 16;
/// How many sessions are asked for at once.
const BATCH: usize = 100;
/// More milliseconds than anything lives, and a number that Lua still counts exactly.
const FOREVER: u64 = 1 << 50;

/// Replaces a session if it still begins as expected.
const UPDATE: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// Deletes a session and returns its header; nothing when it was not there.
const DELETE: &str = "\
local header = redis.call('GETRANGE', KEYS[1], 0, ARGV[1] - 1)
redis.call('DEL', KEYS[1])
return header";

/// Notes a session in an index until a second after it ends, forgets those that have ended, and lets the index live as
/// long as the longest of them.
const INDEX: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = now + ARGV[2] + 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known or tonumber(known) < ends then redis.call('ZADD', KEYS[1], ends, ARGV[1]) end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])";

/// Returns the sessions of an index that have not ended, and forgets the others.
const MEMBERS: &str = "\
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZRANGE', KEYS[1], 0, -1)";

/// Keeps sessions in Redis 5 or newer, or in Valkey: every replica that asks the same one has the same sessions, and
/// they outlive all of them.
///
/// Redis gets sealed values, under the SHA-256 of a session's id, and sets of these under hashes of the issuer with the
/// subject or the `sid`. It never sees a token, an id or a name; whoever guesses a subject can tell its hash. Every key
/// ends with its last session.
///
/// Making one uses no network: the app starts while Redis is away. It connects when the first session is asked for, and
/// again whenever the connection is lost. While Redis is away, or does not answer within [`RedisOptions::timeout`], a
/// session can neither be read nor begun: an answer is 503 where the session is needed, and nobody is logged out.
/// Clones are the same store.
///
/// The log has one warning for an outage, however many ask, and one line when it is over: when a question is answered,
/// and none has failed for ten seconds. A cluster that lacks a node is one outage.
///
/// # What Redis has to be
///
/// * One server, servers that Sentinel watches, or a cluster, all as the URL says: see [`new`](Self::new). Or else
///   whatever has one address: every command touches one key, so that a proxy can lead each to its own server.
/// * With `maxmemory-policy noeviction`: what Redis drops for want of room is a log-out of somebody, or a session that
///   the provider's log-out no longer finds.
/// * With `appendonly yes`: a Redis that starts again from an old snapshot has sessions that were ended since.
///
/// **Sentinel**: whenever there is no connection, the sentinels are asked in turn who is in charge, and that server has
/// to say the same of itself (`ROLE`, which its user has to be allowed). During a fail-over a session can neither be
/// read nor begun; the first question after it finds the new server. A replica may lack what the server before it was
/// told last: a login that is asked for again, or a log-out that did not happen. `min-replicas-to-write 1` keeps that
/// to what was on its way.
///
/// **Cluster**: Redis 6 or newer. Nodes may come and go, and slots move. Without TLS only, because the client for it
/// would take the crypto provider of the whole process and certificate authorities of its own choice. While a node is
/// away without a replica in its place, sessions whose keys it has can neither be read nor begun; the others live on,
/// with `cluster-require-full-coverage no`, though slower as long as it says nothing at all.
///
/// ```
/// use miracl_core::{Config, RedisOptions, RedisStore, SessionStorage};
///
/// let store = RedisStore::new("rediss://app:password@redis.example", RedisOptions::default())?;
/// let config = Config {
///     session_store: SessionStorage::store(store),
///     ..Config::default()
/// };
/// # Ok::<(), miracl_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RedisStore {
    link: Arc<Link>,
    prefix: Arc<str>,
    timeout: Duration,
}

/// The settings of a [`RedisStore`] beside its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// The beginning of every key. By default `miracl:`. Two apps on one Redis need two prefixes.
    pub prefix: String,
    /// How long one question may take, a new connection included. By default one second.
    pub timeout: Duration,
    /// PEM files with further certificate authorities to trust, with TLS. By default none.
    pub ca_certs: Vec<PathBuf>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "miracl:".to_owned(),
            timeout: Duration::from_secs(1),
            ca_certs: Vec::new(),
        }
    }
}

impl RedisStore {
    /// Makes a store of the Redis at a URL:
    ///
    /// * `redis://[user:password@]host[:port][/database]`: one server. By default the port is 6379 and the database 0.
    /// * `redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/database]`: the server in charge of a
    ///   service, by its sentinels. By default their port is 26379. User and password are those of the server; what the
    ///   sentinels themselves want follows as `?sentinel_user=…&sentinel_password=…`.
    /// * `redis+cluster://[user:password@]host[:port][,host[:port]…]`: a cluster, by some of its nodes. By default the
    ///   port is 6379.
    ///
    /// With TLS it is `rediss://` or `rediss+sentinel://`, the latter for sentinels and servers alike. A certificate
    /// has to be for the host as the URL, or a sentinel, names it.
    ///
    /// # Errors
    ///
    /// When the URL is none of these, or a certificate cannot be read. The message never repeats the URL.
    pub fn new(url: &str, options: RedisOptions) -> Result<Self, ConfigError> {
        Ok(Self {
            link: Arc::new(Link::new(url, &options.ca_certs, options.timeout)?),
            prefix: options.prefix.into(),
            timeout: options.timeout,
        })
    }

    fn session(&self, key: &SessionKey) -> String {
        hex_after([&self.prefix, "session:"], &key.0)
    }

    fn subject(&self, subject: &IndexKey) -> String {
        hex_after([&self.prefix, "subject:"], &subject.0)
    }

    fn sid(&self, sid: &IndexKey) -> String {
        hex_after([&self.prefix, "sid:"], &sid.0)
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.link.ask(command, self.timeout).await
    }

    /// Under which keys a session is found.
    fn indexes(&self, subject: &IndexKey, sid: Option<&IndexKey>) -> Vec<String> {
        let mut indexes = vec![self.subject(subject)];
        indexes.extend(sid.map(|sid| self.sid(sid)));
        indexes
    }

    /// Notes a session where it is found. Comes before the session itself: one that is there can always be found.
    fn note(&self, commands: &mut Pipeline, key: &SessionKey, session: &StoredSession, ttl: u64) {
        for index in self.indexes(&session.subject, session.sid.as_ref()) {
            let note = script(INDEX, &index).arg(&key.0).arg(ttl).take();
            commands.add_command(note).ignore();
        }
    }

    /// Takes sessions out of where they are found.
    async fn forget(&self, gone: &[(SessionKey, Header)]) -> Result<(), StoreError> {
        let mut commands = pipe();
        for (key, header) in gone {
            for index in self.indexes(&header.subject, header.sid.as_ref()) {
                let mut forget = cmd("ZREM");
                commands.add_command(forget.arg(index).arg(&key.0).take());
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
            self.forget(&gone).await?;
            removed += gone.len() as u64;
        }
        Ok(removed)
    }

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
        self.note(&mut commands, key, &session, ttl);
        let mut set = cmd("SET");
        set.arg(self.session(key)).arg(write(&session)?);
        commands.add_command(set.arg("PX").arg(ttl).take()).ignore();
        self.link.run(&commands, self.timeout).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        let mut get = command("GET", 1);
        get.arg(self.session(key));
        let found: Option<Vec<u8>> = self.ask(&get).await?;
        Ok(found.and_then(|bytes| read(&bytes)))
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
        self.note(&mut commands, key, &session, ttl);
        let mut update = script(UPDATE, &self.session(key));
        update.arg(revision(expected).finish());
        commands.add_command(update.arg(write(&session)?).arg(ttl).take());
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
            sessions.extend(found.filter_map(|(key, bytes)| Some((*key, read(&bytes?)?))));
        }
        Ok(sessions)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("link", &self.link)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// A command with a few short arguments, in memory that has not to grow.
fn command(name: &str, arguments: usize) -> Cmd {
    let mut command = Cmd::with_capacity(1 + arguments, 128);
    command.arg(name);
    command
}

/// A script for one key, sent as it is: what Redis remembers of scripts may be gone after a restart.
fn script(text: &str, key: &str) -> Cmd {
    cmd("EVAL").arg(text).arg(1).arg(key).take()
}

/// The time to live in milliseconds. Redis knows no zero.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).map_or(FOREVER, |millis| millis.clamp(1, FOREVER))
}

/// By what a session is found.
struct Header {
    revision: u64,
    subject: IndexKey,
    sid: Option<IndexKey>,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        (reader.u8()? == FORMAT).then_some(())?;
        let (revision, subject) = (reader.u64()?, reader.array()?);
        let (has_sid, sid) = (reader.u8()?, reader.array()?);
        Some(Self {
            revision,
            subject: IndexKey(subject),
            sid: (has_sid == 1).then_some(IndexKey(sid)),
        })
    }
}

fn revision(revision: u64) -> Writer {
    Writer::default().u8(FORMAT).u64(revision)
}

fn write(session: &StoredSession) -> Result<Vec<u8>, StoreError> {
    let head = u32::try_from(session.head.len()).map_err(StoreError::new)?;
    Ok(revision(session.revision)
        .bytes(&session.subject.0)
        .u8(session.sid.is_some().into())
        .bytes(&session.sid.unwrap_or(IndexKey([0; 16])).0)
        .u32(head)
        .bytes(&session.head)
        .bytes(&session.data)
        .finish())
}

/// Reads a session. One that somebody else wrote, or a later version, is none.
fn read(bytes: &[u8]) -> Option<StoredSession> {
    let mut reader = Reader::new(bytes);
    let header = Header::read(&mut reader)?;
    let head = reader.u32()? as usize;
    let (head, data) = reader.rest().split_at_checked(head)?;
    let Header {
        revision,
        subject,
        sid,
    } = header;
    Some(StoredSession::new(revision, subject, sid, head, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_as_it_was_written_and_nothing_else_is_one() {
        for sid in [None, Some(IndexKey([3; 16]))] {
            let session = StoredSession::new(7, IndexKey([2; 16]), sid, [4, 5], [6]);
            let bytes = write(&session).unwrap();
            assert_eq!(bytes.len(), HEADER_LEN + 4 + 3);
            assert_eq!(bytes[..REVISION_LEN], revision(7).finish());
            assert_eq!(read(&bytes), Some(session));
            assert_eq!(read(&bytes[..HEADER_LEN + 4 + 1]), None);
            let mut other = bytes;
            other[0] = 2;
            assert_eq!(read(&other), None);
        }
        assert_eq!(read(b""), None);
    }

    #[test]
    fn a_time_to_live_is_at_least_a_millisecond_and_has_an_end() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_micros(1500)), 1);
        assert_eq!(millis(Duration::from_secs(2)), 2000);
        assert_eq!(millis(Duration::MAX), FOREVER);
    }

    #[test]
    fn debug_shows_where_redis_is_and_no_password() {
        let url = "redis://user:hunter2@redis.example";
        let store = RedisStore::new(url, RedisOptions::default()).unwrap();
        assert_eq!(
            format!("{store:?}"),
            "RedisStore { link: Link { redis: redis.example:6379, tls: false, .. }, prefix: \"miracl:\", timeout: 1s }"
        );
    }
}
