//! What the log says about a Redis that is away, in whole or in part.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use miracl_core::SessionStore;
use tokio::time::sleep;
use tracing::subscriber::DefaultGuard;

use crate::{
    NOTHING, PATIENCE, Server,
    cluster::{Cluster, PASSWORD},
    key,
};

const AWAY: &str = "WARN Redis did not do what it was asked to";
const BACK: &str = "INFO Redis does again what it is asked to";

/// What this thread logs from `INFO` on. The test's runtime runs on it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many lines begin so.
    fn count(&self, beginning: &str) -> usize {
        let text = self.text();
        let lines = text.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(beginning)).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn the_loss_of_a_node_is_logged_once_and_so_is_its_return() {
    let log = Log::default();
    let mut cluster = Cluster::start("500").await;
    let store = cluster.store();
    let keys = cluster.sessions(&store).await;
    let _listening = log.listen();
    cluster.nodes[0].kill();
    let (mut failed, mut answered) = (0, 0);
    let deadline = Instant::now() + 2 * PATIENCE;
    while failed < 20 || answered < 20 {
        assert!(Instant::now() < deadline, "{failed} and {answered}");
        for key in &keys {
            match store.load(key).await {
                Ok(_) => answered += 1,
                Err(_) => failed += 1,
            }
        }
    }
    let text = log.text();
    assert_eq!((log.count(AWAY), log.count(BACK)), (1, 0), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");

    cluster.nodes[0].restart();
    let mut last_failure = Instant::now();
    let deadline = Instant::now() + 2 * PATIENCE;
    while log.count(BACK) == 0 {
        assert!(Instant::now() < deadline, "{}", log.text());
        for key in &keys {
            if store.load(key).await.is_err() {
                last_failure = Instant::now();
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
    let quiet = last_failure.elapsed();
    assert!(quiet >= Duration::from_secs(9), "told after {quiet:?}");
    let text = log.text();
    assert_eq!((log.count(AWAY), log.count(BACK)), (1, 1), "{text}");
}

pub(crate) async fn a_server_that_comes_and_goes_is_logged_once() {
    let log = Log::default();
    let mut server = Server::start(NOTHING);
    let store = server.store();
    let _listening = log.listen();
    for _ in 0..3 {
        server.kill();
        for _ in 0..5 {
            assert!(store.load(&key(1)).await.is_err());
        }
        server.restart();
        assert_eq!(store.load(&key(1)).await.unwrap(), None);
    }
    let text = log.text();
    assert_eq!((log.count(AWAY), log.count(BACK)), (1, 0), "{text}");
}
