//! The server that Sentinel says is in charge.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use ::redis::{FromRedisValue, RedisConnectionInfo, Value, cmd};
use tokio::time::timeout;

use crate::store::redis::{
    address::{Address, Host},
    open::{Failure, Open},
    server::Opener,
};

pub(super) struct Sentinels {
    service: String,
    /// At the sentinels themselves.
    login: RedisConnectionInfo,
    limit: Duration,
    /// The sentinel that named the right server last. It is asked first.
    first: AtomicUsize,
}

impl Sentinels {
    pub(super) fn new(service: String, login: RedisConnectionInfo, limit: Duration) -> Self {
        Self {
            service,
            login,
            limit,
            first: AtomicUsize::new(0),
        }
    }

    /// Asks one sentinel after the other, until one names a server that confirms that it is in charge.
    ///
    /// Each gets a share of the limit, so that a silent one leaves time for the others.
    pub(super) async fn connect(
        &self,
        address: &Address,
        opener: &Opener,
    ) -> Result<Open, Failure> {
        let service = &self.service;
        let count = address.hosts.len();
        let share = self.limit / u32::try_from(count + 1)?;
        let first = self.first.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for place in (first..first + count).map(|place| place % count) {
            let sentinel = &address.hosts[place];
            let asked = async {
                let master = ask(opener, sentinel, &self.login, service).await?;
                let opened = open(opener, &master, &address.login).await;
                opened.map_err(|error| Failure::from(format!("{master}, which it names: {error}")))
            };
            match timeout(share, asked).await {
                Ok(Ok(open)) => {
                    self.first.store(place, Ordering::Relaxed);
                    return Ok(open);
                }
                Ok(Err(error)) => failures.push(format!("{sentinel}: {error}")),
                Err(_) => failures.push(format!("{sentinel}: nothing within {share:?}")),
            }
        }
        let failures = failures.join("; ");
        Err(format!("no sentinel leads to the master of `{service}`: {failures}").into())
    }
}

/// Asks a sentinel which server is in charge.
async fn ask(
    opener: &Opener,
    sentinel: &Host,
    login: &RedisConnectionInfo,
    service: &str,
) -> Result<Host, Failure> {
    let (mut connection, driver) = opener.dial(sentinel, login).await?;
    let mut question = cmd("SENTINEL");
    question.arg("get-master-addr-by-name").arg(service);
    let answer = question.query_async(&mut connection).await;
    driver.abort();
    match answer? {
        Some((name, port)) => Ok(Host { name, port }),
        None => Err(format!("it knows no service `{service}`").into()),
    }
}

/// Connects to a server, if it says that it is in charge: a sentinel may name one that no longer is.
async fn open(
    opener: &Opener,
    master: &Host,
    login: &RedisConnectionInfo,
) -> Result<Open, Failure> {
    let (mut connection, driver) = opener.dial(master, login).await?;
    let open = Open::server(connection.clone(), driver);
    let role: Vec<Value> = cmd("ROLE").query_async(&mut connection).await?;
    let role = role.into_iter().next().unwrap_or(Value::Nil);
    match String::from_redis_value(role)?.as_str() {
        "master" => Ok(open),
        role => Err(format!("its role is {role}").into()),
    }
}
