//! Sessions and marks in Redis, for any number of replicas.
//!
//! Every command and every script touches one key, so that in a cluster each goes to the node that has the key.
//!
//! `sessions` and `marks` implement the two traits, `record` is a session as it is written down, and `commands` makes
//! commands. The other files are the connection: `address` reads the URL; `server`, `sentinel` and `cluster` are the
//! three kinds of Redis; `open` is an open connection to any of them, `connection` opens it and opens it again, and
//! `outage` writes about its loss to the log.

mod address;
mod cluster;
mod commands;
mod connection;
mod marks;
mod open;
mod outage;
mod record;
mod sentinel;
mod server;
mod sessions;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use ::redis::{Cmd, FromRedisValue};

use crate::{
    error::{config::ConfigError, store::StoreError},
    store::redis::connection::Link,
};

/// Keeps sessions in Redis 5 or newer, or in Valkey: every replica that asks the same one has the same sessions, and
/// they outlive all of them.
///
/// Redis gets sealed values, under the SHA-256 of a session's id, and sets of these under hashes of the issuer with the
/// subject or the `sid`. It never sees a token, an id or a name. Anybody who guesses a subject can compute its hash.
/// Every key expires with its last session.
///
/// Making a store uses no network, so an app can start while Redis is away. The store connects when the first session
/// is asked for, and again whenever the connection is lost. While Redis is away, or does not answer within
/// [`RedisOptions::timeout`], sessions can neither be read nor begun: a request that needs one is answered with 503,
/// and nobody is logged out. Clones are the same store.
///
/// The log has one warning for each outage, and one line when it is over: when a question is answered, and none has
/// failed for ten seconds. A cluster that lacks a node is one outage.
///
/// # What Redis has to be
///
/// * One server, servers that Sentinel watches, or a cluster, as the URL says: see [`new`](Self::new). A proxy with one
///   address works as well: every command touches one key, so the proxy can send each to the right server.
/// * With `maxmemory-policy noeviction`: a Redis that drops keys to save memory logs people out, forgets log-outs, or
///   drops the index by which the provider's log-out finds a session.
/// * With `appendonly yes`: a Redis that restarts from an old snapshot brings back sessions that have ended since then.
///
/// **Sentinel**: whenever there is no connection, the sentinels are asked in turn which server is in charge, and that
/// server has to confirm it (`ROLE`, which its user must be allowed to call). During a fail-over, sessions can neither
/// be read nor begun; the first question after it finds the new server. The new server may lack the last changes: a
/// person has to log in again, or a log-out is lost. `min-replicas-to-write 1` limits that to changes that were on
/// their way.
///
/// **Cluster**: Redis 6 or newer. Nodes may come and go, and slots may move. Only without TLS, because the cluster
/// client would use the crypto provider of the whole process and its own choice of certificate authorities. While a
/// node is away and no replica has taken its place, the sessions with keys on it can neither be read nor begun. With
/// `cluster-require-full-coverage no`, all others can, though more slowly while the node is silent.
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

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.link.ask(command, self.timeout).await
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

#[cfg(test)]
mod tests {
    use super::*;

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
