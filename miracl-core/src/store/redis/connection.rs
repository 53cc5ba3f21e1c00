//! The connection to Redis, opened when it is first needed and again whenever it is lost.

use std::{
    error::Error,
    fmt,
    future::pending,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use ::redis::{Cmd, FromRedisValue, Pipeline};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    base::runtime::Runtime,
    error::{
        config::{ConfigError, Problem},
        store::StoreError,
    },
    store::redis::{
        address::{Address, Way},
        cluster::{Cluster, Order},
        open::{Connection, Failure, Open, Question},
        outage::{Outage, QUIET},
        sentinel::Sentinels,
        server::Opener,
    },
};

/// Where Redis is, and the connection to it.
pub(crate) struct Link {
    address: Address,
    finder: Finder,
    opener: Opener,
    runtime: Runtime,
    open: Mutex<Option<Open>>,
    outage: Outage,
}

/// How the servers with the sessions are found.
enum Finder {
    Direct,
    Sentinels(Sentinels),
    Cluster(Box<Cluster>),
}

impl Link {
    /// Reads a URL, and the certificates for TLS. Uses no network. Connections are made for questions with that limit.
    pub(super) fn new(
        url: &str,
        ca_certs: &[PathBuf],
        limit: Duration,
    ) -> Result<Self, ConfigError> {
        Self::parse(url, ca_certs, limit).map_err(ConfigError::of)
    }

    fn parse(url: &str, ca_certs: &[PathBuf], limit: Duration) -> Result<Self, Problem> {
        let wrong = |message: &str| Problem::new("session_store", message);
        let address = Address::read(url).map_err(wrong)?;
        let opener = match address.tls {
            true => {
                Opener::with_tls(ca_certs).map_err(|message| Problem::new("ca_certs", message))?
            }
            false => Opener::default(),
        };
        let finder = match &address.way {
            Way::Direct => Finder::Direct,
            Way::Sentinel { service, login } => {
                Finder::Sentinels(Sentinels::new(service.clone(), login.clone(), limit))
            }
            Way::Cluster => {
                let cluster = Cluster::new(&address, limit);
                Finder::Cluster(Box::new(
                    cluster.map_err(|error| wrong(&error.to_string()))?,
                ))
            }
        };
        Ok(Self {
            address,
            finder,
            opener,
            runtime: Runtime::current(),
            open: Mutex::new(None),
            outage: Outage::none(Instant::now()),
        })
    }

    /// Sends one command and returns what Redis answered, as [`run`](Self::run) does.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, StoreError> {
        self.send(Question::One(command), limit).await
    }

    /// Sends commands one after the other and returns what Redis answered to those that are not ignored. In a cluster
    /// each waits for the one before it, and the first that fails is the last that is sent.
    ///
    /// All of it takes at most `limit`, a new connection included. Nothing is sent a second time, because a change
    /// whose answer is missing may have been made. The exception is a command that a cluster's node has refused because
    /// another node has the key.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<T, StoreError> {
        let question = Question::Several(commands, Order::AsGiven);
        self.send(question, limit).await
    }

    /// Sends commands that do not depend on each other, as [`run`](Self::run) does. The nodes of a cluster work on them
    /// at the same time.
    pub(super) async fn run_in_any_order<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        limit: Duration,
    ) -> Result<T, StoreError> {
        let question = Question::Several(commands, Order::Any);
        self.send(question, limit).await
    }

    async fn send<T: FromRedisValue>(
        &self,
        question: Question<'_>,
        limit: Duration,
    ) -> Result<T, StoreError> {
        let mut used = None;
        let asked = async {
            let open = self.connection().await?;
            let connection = used.insert(open).connection.clone();
            Ok::<T, Failure>(connection.send(question).await?)
        };
        let (error, in_time) = match timeout(limit, asked).await {
            Ok(Ok(answer)) => {
                if self.outage.answered(Instant::now) {
                    tracing::info!(redis = %self.address, "Redis does again what it is asked to");
                }
                return Ok(answer);
            }
            Ok(Err(error)) => (error, true),
            Err(_) => {
                let error = format!("Redis did not answer within {limit:?}");
                (error.into(), false)
            }
        };
        // Many requests ask at the same time, and some may be answered. The log has the first failure and the end of
        // the outage.
        if self.outage.failed(Instant::now()) {
            tracing::warn!(
                redis = %self.address,
                error = &*error as &(dyn Error + 'static),
                "Redis did not do what it was asked to; until nothing has failed for {QUIET:?}, this is not repeated"
            );
        } else {
            tracing::debug!(
                redis = %self.address,
                error = &*error as &(dyn Error + 'static),
                "Redis still does not do what it is asked to"
            );
        }
        // The server may be gone, or may now be a replica of another. The next command finds the right one. The
        // connections to a cluster's nodes are replaced one by one, unless none of them answers.
        if let Some(used) = used
            && !(in_time && matches!(used.connection, Connection::Cluster(_)))
        {
            self.give_up(&used).await;
        }
        Err(StoreError::new(error))
    }

    async fn connection(&self) -> Result<Open, Failure> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| !open.driver.0.is_finished()) {
            return Ok(open.clone());
        }
        *open = None;
        // Boxed, so that the future of a caller that finds a connection stays small.
        let connect = Box::pin(self.connect());
        let connected = self.runtime.poll(connect).await?;
        tracing::debug!(redis = %self.address, "connected to Redis");
        Ok(open.insert(connected).clone())
    }

    async fn give_up(&self, used: &Open) {
        let mut open = self.open.lock().await;
        if open
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(&open.driver, &used.driver))
        {
            *open = None;
        }
    }

    async fn connect(&self) -> Result<Open, Failure> {
        match &self.finder {
            Finder::Direct => {
                let host = self.address.hosts.first().ok_or("there is no host")?;
                self.opener.open(host, &self.address.login).await
            }
            Finder::Sentinels(sentinels) => sentinels.connect(&self.address, &self.opener).await,
            Finder::Cluster(cluster) => {
                let connection = Connection::Cluster(cluster.connect().await?);
                // Its own tasks are on this runtime, and end with it as this one does.
                Ok(Open::new(connection, tokio::spawn(pending())))
            }
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("redis", &format_args!("{}", self.address))
            .field("tls", &self.address.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str, ca_certs: &[PathBuf]) -> Result<Link, ConfigError> {
        Link::new(url, ca_certs, Duration::from_secs(1))
    }

    #[test]
    fn neither_debug_nor_an_error_has_the_password() {
        for url in [
            "redis://:hunter2@h",
            "redis+sentinel://:hunter2@h/main?sentinel_password=hunter2",
            "redis+cluster://:hunter2@h",
        ] {
            let shown = format!("{:?}", link(url, &[]).unwrap());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for url in [
            "redis://:hunter2@h/database",
            "redis+sentinel://:hunter2@h",
            "rediss+cluster://:hunter2@h",
        ] {
            let error = link(url, &[]).unwrap_err().to_string();
            assert!(error.contains("session_store: "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_limit_of_any_length_is_no_sum_too_large() {
        // Nobody listens there, and nobody else can.
        let held = tokio::net::TcpSocket::new_v4().unwrap();
        held.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let host = held.local_addr().unwrap();
        for url in [
            format!("redis://{host}"),
            format!("redis+sentinel://{host}/main"),
            format!("redis+cluster://{host}"),
        ] {
            for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
                let link = Link::new(&url, &[], limit).unwrap();
                let answer = link.ask::<()>(&::redis::cmd("PING"), limit).await;
                assert!(answer.is_err(), "{url} {limit:?}");
            }
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named_where_one_is_needed() {
        let certs = [PathBuf::from("/nowhere/ca.pem")];
        assert!(link("redis://h", &certs).is_ok());
        for url in ["rediss://h", "rediss+sentinel://h/main"] {
            let error = link(url, &certs).unwrap_err();
            assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
        }
    }
}
