//! A proxy between a demo and Redis, which stops the demo at a chosen moment.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::watch,
};

use crate::redis::Redis;

/// Passes on every byte until a demo sends a command with a certain word in it. Redis still gets that command, but
/// from then on no answer comes back.
#[derive(Debug)]
pub struct Muzzle {
    address: SocketAddr,
    silent: Arc<watch::Sender<bool>>,
}

impl Muzzle {
    /// Takes a free port, in front of a Redis.
    pub async fn start(redis: &Redis, word: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let muzzle = Self {
            address: listener.local_addr().expect("a bound socket"),
            silent: Arc::default(),
        };
        let (silent, port) = (Arc::clone(&muzzle.silent), redis.port());
        tokio::spawn(async move {
            while let Ok((demo, _)) = listener.accept().await {
                let Ok(redis) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                    continue;
                };
                let (from_demo, to_demo) = demo.into_split();
                let (from_redis, to_redis) = redis.into_split();
                tokio::spawn(tell(from_demo, to_redis, word, Arc::clone(&silent)));
                tokio::spawn(answer(from_redis, to_demo, silent.subscribe()));
            }
        });
        muzzle
    }

    /// Its port, which a demo takes for the port of Redis.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until the word has been sent.
    pub async fn silent(&self) {
        let mut silent = self.silent.subscribe();
        let said = silent.wait_for(|silent| *silent);
        said.await.expect("the sender is here");
    }
}

/// Passes on what a demo sends. The answers are stopped before the word is passed on.
async fn tell(
    mut demo: OwnedReadHalf,
    mut redis: OwnedWriteHalf,
    word: &str,
    silent: Arc<watch::Sender<bool>>,
) {
    let (mut bytes, mut end) = ([0; 8192], Vec::new());
    while let Ok(length @ 1..) = demo.read(&mut bytes).await {
        // The word may arrive in two pieces.
        end.extend_from_slice(&bytes[..length]);
        if end.windows(word.len()).any(|said| said == word.as_bytes()) {
            silent.send_replace(true);
        }
        end.drain(..end.len().saturating_sub(word.len()));
        if redis.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

/// Passes on what Redis answers, until the word has been sent. After that the connection stays open.
async fn answer(
    mut redis: OwnedReadHalf,
    mut demo: OwnedWriteHalf,
    mut silent: watch::Receiver<bool>,
) {
    select! {
        biased;
        _ = silent.wait_for(|silent| *silent) => {}
        _ = copy(&mut redis, &mut demo) => return,
    }
    let _ = copy(&mut redis, &mut tokio::io::sink()).await;
}
