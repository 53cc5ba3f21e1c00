//! A Redis and its replica, watched by Sentinel.

use std::{
    error::Error,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use miracl_core::{
    IndexKey, RedisOptions, RedisStore, SessionStore, StoreError, mark_store_contract,
    session_store_contract,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    LONG, NOTHING, PATIENCE, Server, certificates::Certificates, comes_up, free_port, key, session,
};

/// How much longer than the limit a question may take on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(1);

/// A sentinel, killed when dropped.
struct Sentinel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Sentinel {
    /// Starts one that watches a server under the name `main`.
    fn start(host: &str, port: u16, settings: &str, arguments: &[String]) -> Self {
        for _ in 0..20 {
            let own = free_port();
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("sentinel.conf");
            let folder_name = folder.path().display();
            let settings = format!(
                "port {own}\nbind 127.0.0.1\ndir {folder_name}\nsentinel resolve-hostnames yes\n\
                 sentinel announce-hostnames yes\n\
                 sentinel monitor main {host} {port} 1\nsentinel down-after-milliseconds main 300\n\
                 sentinel failover-timeout main 2000\n{settings}\n"
            );
            std::fs::write(&file, settings).unwrap();
            let mut command = Command::new("redis-server");
            command.arg(&file).arg("--sentinel").args(arguments);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            if comes_up(&mut child, own) {
                let sentinel = Self {
                    child,
                    port: own,
                    _folder: folder,
                };
                // By default it checks every ten seconds. Older versions do so in any case, and one with a password
                // refuses the command.
                for period in ["info-period", "ping-period", "publish-period"] {
                    let _ = sentinel.ask::<()>(&["debug", period, "100"]);
                }
                return sentinel;
            }
        }
        panic!("the sentinel does not start");
    }

    fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let url = format!("redis://127.0.0.1:{}", self.port);
        let mut connection = redis::Client::open(url)?.get_connection()?;
        redis::cmd("SENTINEL").arg(words).query(&mut connection)
    }

    /// The port of the server in charge, as this sentinel says.
    fn master(&self) -> u16 {
        let master: (String, u16) = self.ask(&["get-master-addr-by-name", "main"]).unwrap();
        master.1
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn store(url: &str, ca_certs: Vec<PathBuf>) -> RedisStore {
    let options = RedisOptions {
        ca_certs,
        ..RedisOptions::default()
    };
    RedisStore::new(url, options).unwrap()
}

fn why(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

/// Asks until the answer is the expected one, and never longer than the limit.
async fn until<T, F>(mut question: F, wanted: impl Fn(&Result<T, StoreError>) -> bool)
where
    F: AsyncFnMut() -> Result<T, StoreError>,
{
    let (limit, deadline) = (RedisOptions::default().timeout, Instant::now() + PATIENCE);
    loop {
        let began = Instant::now();
        let answer = question().await;
        let took = began.elapsed();
        assert!(took < limit + SLACK, "a question took {took:?}");
        if wanted(&answer) {
            return;
        }
        let last = answer.err().map(|error| why(&error));
        assert!(Instant::now() < deadline, "never as expected: {last:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_redis_that_sentinel_watches_keeps_the_contract_of_stores() {
    let server = Server::start(&["--requirepass", "hunter2"]);
    let settings = "requirepass hunter3\nsentinel auth-pass main hunter2";
    let sentinel = Sentinel::start("127.0.0.1", server.port, settings, &[]);
    let at = |user, query| {
        let port = sentinel.port;
        let url = format!("redis+sentinel://{user}127.0.0.1:{port}/main/3{query}");
        store(&url, Vec::new())
    };
    let both = at(":hunter2@", "?sentinel_password=hunter3");
    session_store_contract(&both).await;
    mark_store_contract(&both).await;
    let key = key(1);
    let created = both.create(&key, session(1, None), LONG);
    created.await.unwrap();
    // The server itself has the session, in the database of the URL.
    let direct = format!("redis://:hunter2@127.0.0.1:{}/3", server.port);
    let direct = store(&direct, Vec::new()).load(&key).await.unwrap();
    assert_eq!(direct, Some(session(1, None)));
    for (one, says) in [
        (at(":hunter2@", ""), "NOAUTH"),
        (at("", "?sentinel_password=hunter3"), "which it names: "),
    ] {
        let error = why(&one.load(&key).await.unwrap_err());
        assert!(error.contains(says), "{error}");
        assert!(error.contains("Authentication required"), "{error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}

pub(crate) async fn sessions_are_there_again_after_a_fail_over() {
    let mut old = Server::start(NOTHING);
    let of_old = ["--replicaof".to_owned(), format!("127.0.0.1 {}", old.port)];
    let new = Server::start(&of_old);
    let sentinel = Sentinel::start("127.0.0.1", old.port, "", &[]);
    let url = format!("redis+sentinel://127.0.0.1:{}/main", sentinel.port);
    let store = store(&url, Vec::new());
    let (one, two) = (key(1), key(2));
    let created = store.create(&one, session(1, Some(1)), LONG);
    created.await.unwrap();
    // A sentinel promotes only a replica that it knows, and a replica has only the changes that it received.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let replicas: Vec<redis::Value> = sentinel.ask(&["replicas", "main"]).unwrap();
        let told: i64 = redis::cmd("WAIT")
            .arg(1)
            .arg(100)
            .query(&mut old.client())
            .unwrap();
        if replicas.len() == 1 && told == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "there is no replica");
    }
    old.kill();
    until(
        async || store.load(&one).await,
        |found| {
            // In between, the store never says that there is no such session.
            assert!(!matches!(found, Ok(None)), "{found:?}");
            matches!(found, Ok(Some(found)) if *found == session(1, Some(1)))
        },
    )
    .await;
    until(
        async || store.create(&two, session(2, None), LONG).await,
        Result::is_ok,
    )
    .await;
    until(
        async || role(&new),
        |role| matches!(role, Ok(role) if role == "master"),
    )
    .await;
    // The old server comes back as a replica and is promoted again. This time the server that is replaced is still
    // alive and answers.
    old.restart();
    until(
        async || {
            // The command is refused until the sentinel knows the replica, and while a fail-over is under way.
            if sentinel.master() == new.port {
                let _ = sentinel.ask::<()>(&["failover", "main"]);
            }
            store.create(&two, session(2, None), LONG).await?;
            // Changes that it accepts before it knows that it is a replica are lost.
            Ok((role(&old)?, role(&new)?))
        },
        |roles| matches!(roles, Ok((old, new)) if old == "master" && new == "slave"),
    )
    .await;
    let mut unheard = false;
    until(
        async || {
            let ended = store.delete_by_sid(&IndexKey([1; 16])).await;
            // The change may have been made although the answer was lost.
            let done = matches!(ended, Ok(1)) || unheard && matches!(ended, Ok(0));
            unheard |= ended.is_err();
            ended.map(|_| done)
        },
        |done| matches!(done, Ok(true)),
    )
    .await;
    let name = format!("miracl:session:{}", "01".repeat(32));
    until(
        async || asked(&old, redis::cmd("EXISTS").arg(&name)),
        |left: &Result<u64, _>| {
            assert!(
                !matches!(left, Ok(1)),
                "the session was ended where it counts"
            );
            matches!(left, Ok(0))
        },
    )
    .await;
}

/// The answer of a server during a fail-over, in which it closes all connections.
fn asked<T: redis::FromRedisValue>(
    server: &Server,
    question: &redis::Cmd,
) -> Result<T, StoreError> {
    let answer = server.try_client();
    let answer = answer.and_then(|mut client| question.query(&mut client));
    answer.map_err(|error| {
        let is_moving = error.is_io_error() || error.is_connection_dropped();
        assert!(is_moving, "{error}");
        StoreError::new(error)
    })
}

fn role(server: &Server) -> Result<String, StoreError> {
    let role: Vec<redis::Value> = asked(server, &redis::cmd("ROLE"))?;
    Ok(redis::from_redis_value(role[0].clone()).unwrap())
}

pub(crate) async fn a_service_that_no_sentinel_knows_is_named() {
    let server = Server::start(NOTHING);
    let sentinel = Sentinel::start("127.0.0.1", server.port, "", &[]);
    let away = free_port();
    let url = format!(
        "redis+sentinel://127.0.0.1:{away},127.0.0.1:{}/other",
        sentinel.port
    );
    let error = store(&url, Vec::new()).load(&key(1)).await.unwrap_err();
    let error = why(&error);
    let begins = format!("no sentinel leads to the master of `other`: 127.0.0.1:{away}: ");
    let ends = format!("; 127.0.0.1:{}: it knows no service `other`", sentinel.port);
    assert!(
        error.starts_with(&begins) && error.ends_with(&ends),
        "{error}"
    );
}

pub(crate) async fn a_sentinel_that_is_silent_or_out_of_date_is_passed_over() {
    let server = Server::start(NOTHING);
    let of_server = [
        "--replicaof".to_owned(),
        format!("127.0.0.1 {}", server.port),
    ];
    let replica = Server::start(&of_server);
    let sentinel = Sentinel::start("127.0.0.1", server.port, "", &[]);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // It names a server that is a replica, as a sentinel does that does not know of a fail-over yet.
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&silent, &behind].map(|listener| listener.local_addr().unwrap().port());
    let named = replica.port.to_string();
    let answer = format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{named}\r\n", named.len());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = behind.accept().await.unwrap();
            let read = stream.read(&mut [0; 1000]).await.unwrap();
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let sentinels = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
    let wrong = store(&format!("redis+sentinel://{sentinels}/main"), Vec::new());
    let error = why(&wrong.load(&key(1)).await.unwrap_err());
    assert!(error.contains("nothing within "), "{error}");
    let says = format!(
        "127.0.0.1:{}, which it names: its role is slave",
        replica.port
    );
    assert!(error.contains(&says), "{error}");
    let url = format!(
        "redis+sentinel://{sentinels},127.0.0.1:{}/main",
        sentinel.port
    );
    let right = store(&url, Vec::new());
    let key = key(1);
    let created = right.create(&key, session(1, None), LONG);
    created.await.unwrap();
    let found = server.store().load(&key).await.unwrap();
    assert_eq!(found, Some(session(1, None)));
}

pub(crate) async fn sentinels_and_their_servers_speak_tls() {
    let certificates = Certificates::of(&["localhost"]);
    let (of_server, of_sentinel) = (free_port(), free_port());
    let arguments = |port: u16| {
        let mut arguments = certificates.arguments(&port.to_string());
        arguments.extend(["--tls-replication", "yes"].map(str::to_owned));
        arguments
    };
    let server = Server::start(&arguments(of_server));
    let sentinel = Sentinel::start("localhost", of_server, "", &arguments(of_sentinel));
    let at = |scheme: &str, host: &str, port: u16, ca_certs| {
        store(&format!("{scheme}://{host}:{port}/main"), ca_certs)
    };
    let trusted = at(
        "rediss+sentinel",
        "localhost",
        of_sentinel,
        vec![certificates.root()],
    );
    let key = key(1);
    let created = trusted.create(&key, session(1, None), LONG);
    created.await.unwrap();
    assert!(server.store().load(&key).await.unwrap().is_some());
    for untrusted in [
        at("rediss+sentinel", "localhost", of_sentinel, Vec::new()),
        at(
            "rediss+sentinel",
            "127.0.0.1",
            of_sentinel,
            vec![certificates.root()],
        ),
    ] {
        let error = why(&untrusted.load(&key).await.unwrap_err());
        assert!(error.contains("certificate"), "{error}");
    }
    // The sentinel would answer without TLS, but the server that it names would not.
    let plain = at("redis+sentinel", "localhost", sentinel.port, Vec::new());
    let error = why(&plain.load(&key).await.unwrap_err());
    assert!(error.contains("which it names: "), "{error}");
}
