//! A cluster, whose nodes know each other by the cluster bus.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use miracl_core::{
    IndexKey, RedisOptions, RedisStore, SessionKey, SessionStore, StoredSession,
    mark_store_contract, session_store_contract,
};
use redis::{Commands, Connection};
use tokio::time::sleep;

use crate::{FREE, LONG, PATIENCE, Server, key, runtime, session};

/// How much longer than the limit a question may take on a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(1);
const SLOTS: u16 = 16384;
pub(crate) const PASSWORD: &str = "hunter2";

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    /// Three nodes, each with a third of the slots. One that says nothing for so many milliseconds counts as gone.
    pub(crate) async fn start(gone_after: &str) -> Self {
        let nodes: Vec<_> = (0..3).map(|_| node(gone_after)).collect();
        let cluster = Self { nodes };
        for (number, start) in (1..).zip([0, 5461, 10923]) {
            let mut node = cluster.client(number - 1);
            let end = [5460, 10922, SLOTS - 1][number - 1];
            ask::<()>(&mut node, &["SET-CONFIG-EPOCH", &number.to_string()]);
            let (start, end) = (u16::to_string(&start), end.to_string());
            ask::<()>(&mut node, &["ADDSLOTSRANGE", &start, &end]);
            cluster.introduce(number - 1);
        }
        cluster.settle(3).await;
        cluster
    }

    /// Tells a node of the first one.
    fn introduce(&self, number: usize) {
        let info: String = ask(&mut self.client(0), &["NODES"]);
        // id address@bus flags…
        let bus = info.split(['@', ' ', ',']).nth(2).unwrap();
        let port = self.nodes[0].port.to_string();
        if number > 0 {
            ask::<()>(&mut self.client(number), &["MEET", "127.0.0.1", &port, bus]);
        }
    }

    /// Waits until every node knows all of them, and that every slot has one.
    async fn settle(&self, known: usize) {
        let known = format!("cluster_known_nodes:{known}\r");
        // A cluster that does not need all slots reports that it is fine without some.
        let whole = format!("cluster_slots_ok:{SLOTS}\r");
        let settled = ["cluster_state:ok\r", &known, &whole];
        let deadline = Instant::now() + PATIENCE;
        for number in 0..self.nodes.len() {
            loop {
                let info: String = ask(&mut self.client(number), &["INFO"]);
                if settled.iter().all(|line| info.contains(line)) {
                    break;
                }
                assert!(Instant::now() < deadline, "{info}");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::new(&self.url(), RedisOptions::default()).unwrap()
    }

    fn url(&self) -> String {
        let (first, second) = (self.nodes[0].port, self.nodes[1].port);
        format!("redis+cluster://:{PASSWORD}@127.0.0.1:{first},127.0.0.1:{second}")
    }

    /// A connection to one node, without the store. It does not follow redirections.
    fn client(&self, number: usize) -> Connection {
        let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", self.nodes[number].port);
        redis::Client::open(url).unwrap().get_connection().unwrap()
    }

    fn id(&self, number: usize) -> String {
        ask(&mut self.client(number), &["MYID"])
    }

    /// The slot of a session, and the node that has it.
    fn place(&self, key: &SessionKey) -> (u16, usize) {
        let slot: u16 = ask(&mut self.client(0), &["KEYSLOT", &name(key)]);
        (slot, usize::from(slot / 5461).min(2))
    }

    /// A session of each node, stored, and at least one more of each that is not.
    pub(crate) async fn sessions(&self, store: &RedisStore) -> [SessionKey; 3] {
        let mut keys = [None; 3];
        for key in (0..=255).map(key) {
            let place = self.place(&key).1;
            if keys[place].is_none() {
                let created = store.create(&key, of(&key), LONG);
                created.await.unwrap();
                keys[place] = Some(key);
            }
        }
        keys.map(Option::unwrap)
    }
}

fn node(gone_after: &str) -> Server {
    Server::start(&[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        FREE,
        "--cluster-node-timeout",
        gone_after,
        "--cluster-require-full-coverage",
        "no",
        "--requirepass",
        PASSWORD,
        "--masterauth",
        PASSWORD,
    ])
}

fn ask<T: redis::FromRedisValue>(node: &mut Connection, words: &[&str]) -> T {
    redis::cmd("CLUSTER").arg(words).query(node).unwrap()
}

/// The name of a session in Redis.
fn name(key: &SessionKey) -> String {
    let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("miracl:session:{hex}")
}

/// Each session is of a person of its own, by whom it is found.
fn of(key: &SessionKey) -> StoredSession {
    session(key.0[0], Some(key.0[0]))
}

/// Loads a session, in time.
async fn load(store: &RedisStore, key: &SessionKey) -> Result<Option<StoredSession>, String> {
    let began = Instant::now();
    let found = store.load(key).await;
    let (took, limit) = (began.elapsed(), RedisOptions::default().timeout);
    assert!(took < limit + SLACK, "a question took {took:?}");
    found.map_err(|error| error.source().unwrap().to_string())
}

/// Loads a session until it is there.
async fn found_again(store: &RedisStore, key: &SessionKey) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match load(store, key).await {
            Ok(found) => {
                assert_eq!(found, Some(of(key)));
                return;
            }
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_cluster_keeps_the_contract_of_stores() {
    let cluster = Cluster::start("5000").await;
    let store = cluster.store();
    session_store_contract(&store).await;
    mark_store_contract(&store).await;
    // More sessions of one person than are asked for at once, on every node.
    for key in (0..150).map(key) {
        let created = store.create(&key, session(1, Some(2)), LONG);
        created.await.unwrap();
    }
    for number in 0..3 {
        let keys: Vec<String> = cluster.client(number).keys("miracl:session:*").unwrap();
        assert!(keys.len() > 10, "{}", keys.len());
    }
    let listed = store.list_by_subject(&IndexKey([1; 16])).await.unwrap();
    assert_eq!(listed.len(), 150);
    let found = store.load(&listed[0].0).await.unwrap();
    assert_eq!(found.as_ref(), Some(&listed[0].1));
    assert_eq!(store.delete_by_sid(&IndexKey([2; 16])).await.unwrap(), 150);
    for number in 0..3 {
        let keys: Vec<String> = cluster.client(number).keys("miracl:*").unwrap();
        // What the contract leaves behind expires.
        assert!(!keys.contains(&format!("miracl:subject:{}", "01".repeat(16))));
        for key in keys {
            let left: i64 = cluster.client(number).pttl(&key).unwrap();
            assert!(left > 0, "{key} has no end");
        }
    }
    // It outlives the runtime that it was made and connected on.
    let url = cluster.url();
    let made = std::thread::spawn(move || {
        runtime().block_on(async {
            let store = RedisStore::new(&url, RedisOptions::default()).unwrap();
            assert_eq!(store.load(&key(1)).await.unwrap(), None);
            store
        })
    });
    assert_eq!(made.join().unwrap().load(&key(1)).await.unwrap(), None);
    let url = format!(
        "redis+cluster://:hunter3@127.0.0.1:{}",
        cluster.nodes[0].port
    );
    let wrong = RedisStore::new(&url, RedisOptions::default()).unwrap();
    let refused = wrong.load(&key(1)).await.unwrap_err();
    let why = format!("{refused:?}");
    assert!(
        why.contains("WRONGPASS") || why.contains("assword"),
        "{why}"
    );
    assert!(!why.contains("hunter"), "{why}");
}

pub(crate) async fn sessions_are_found_while_their_slot_moves_and_after_it() {
    let cluster = Cluster::start("5000").await;
    let store = cluster.store();
    let key = cluster.sessions(&store).await[0];
    let slot = cluster.place(&key).0.to_string();
    let (mut from, mut to) = (cluster.client(0), cluster.client(1));
    let at = |revision| {
        let mut session = of(&key);
        session.revision = revision;
        session
    };
    ask::<()>(&mut to, &["SETSLOT", &slot, "IMPORTING", &cluster.id(0)]);
    ask::<()>(&mut from, &["SETSLOT", &slot, "MIGRATING", &cluster.id(1)]);
    // The session is still at the old node.
    assert_eq!(store.load(&key).await.unwrap(), Some(at(0)));
    assert!(store.update(&key, 0, at(1), LONG).await.unwrap());
    redis::cmd("MIGRATE")
        .arg(&["127.0.0.1", &cluster.nodes[1].port.to_string()])
        .arg(name(&key))
        .arg(&["0", "5000", "AUTH", PASSWORD])
        .query::<()>(&mut from)
        .unwrap();
    // The session has left the old node, and only that node says so.
    assert_eq!(store.load(&key).await.unwrap(), Some(at(1)));
    assert!(store.update(&key, 1, at(2), LONG).await.unwrap());
    assert!(!store.update(&key, 1, at(2), LONG).await.unwrap());
    for node in [&mut to, &mut from] {
        ask::<()>(node, &["SETSLOT", &slot, "NODE", &cluster.id(1)]);
    }
    assert_eq!(store.load(&key).await.unwrap(), Some(at(2)));
    assert!(store.update(&key, 2, at(3), LONG).await.unwrap());
    let index = IndexKey([key.0[0]; 16]);
    assert_eq!(store.list_by_subject(&index).await.unwrap(), [(key, at(3))]);
    assert_eq!(store.delete_by_sid(&index).await.unwrap(), 1);
    assert_eq!(store.load(&key).await.unwrap(), None);
}

pub(crate) async fn the_loss_of_a_node_costs_only_its_own_sessions_until_it_returns() {
    let mut cluster = Cluster::start("500").await;
    let store = cluster.store();
    let [first, second, third] = cluster.sessions(&store).await;
    for round in 0..2 {
        cluster.nodes[0].kill();
        let error = load(&store, &first).await.unwrap_err();
        for key in [&second, &third] {
            assert_eq!(load(&store, key).await, Ok(Some(of(key))), "{round}");
        }
        assert!(!error.contains(PASSWORD), "{error}");
        // Also for a store that has no connection yet.
        let fresh = cluster.store();
        assert_eq!(load(&fresh, &third).await, Ok(Some(of(&third))));
        assert!(load(&fresh, &first).await.is_err());
        cluster.nodes[0].restart();
        found_again(&store, &first).await;
        found_again(&fresh, &first).await;
    }
    cluster.settle(3).await;
    let index = IndexKey([first.0[0]; 16]);
    assert_eq!(store.delete_by_sid(&index).await.unwrap(), 1);
}

pub(crate) async fn a_node_that_hangs_delays_only_its_own_sessions() {
    let cluster = Cluster::start("60000").await;
    let store = cluster.store();
    let [first, second, third] = cluster.sessions(&store).await;
    cluster.nodes[1].signal("STOP");
    let error = load(&store, &second).await.unwrap_err();
    assert_eq!(error, "Redis did not answer within 1s");
    for _ in 0..3 {
        for key in [&first, &third] {
            assert_eq!(load(&store, key).await, Ok(Some(of(key))));
        }
        assert!(load(&store, &second).await.is_err());
    }
    cluster.nodes[1].signal("CONT");
    found_again(&store, &second).await;
}

pub(crate) async fn a_replica_takes_the_place_of_its_node() {
    let mut cluster = Cluster::start("500").await;
    cluster.nodes.push(node("500"));
    cluster.introduce(3);
    cluster.settle(4).await;
    ask::<()>(&mut cluster.client(3), &["REPLICATE", &cluster.id(2)]);
    let store = cluster.store();
    let [first, _, third] = cluster.sessions(&store).await;
    let deadline = Instant::now() + PATIENCE;
    while redis::cmd("WAIT")
        .arg(1)
        .arg(100)
        .query::<u64>(&mut cluster.client(2))
        .unwrap()
        == 0
    {
        assert!(Instant::now() < deadline, "there is no replica");
    }
    cluster.nodes[2].kill();
    // The replica may have taken over already. In no case does the store say that there is no such session.
    let found = load(&store, &third).await;
    assert!(found.is_err() || found == Ok(Some(of(&third))), "{found:?}");
    assert_eq!(load(&store, &first).await, Ok(Some(of(&first))));
    found_again(&store, &third).await;
    let index = IndexKey([third.0[0]; 16]);
    assert_eq!(store.delete_by_sid(&index).await.unwrap(), 1);
    assert_eq!(load(&store, &third).await, Ok(None));
}
