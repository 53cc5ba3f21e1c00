//! One address in front of several demos.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::demo::Demo;

/// What stands in front of a fleet: every connection goes to the demo chosen at that moment. It changes no byte.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    chosen: Arc<AtomicU16>,
}

impl Front {
    /// Takes a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let front = Self {
            address: listener.local_addr().expect("a bound socket"),
            chosen: Arc::default(),
        };
        let chosen = Arc::clone(&front.chosen);
        tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let port = chosen.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut demo = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
                    copy_bidirectional(&mut browser, &mut demo).await
                });
            }
        });
        front
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends what comes from now on to this demo.
    pub fn choose(&self, demo: &Demo) {
        self.chosen.store(demo.port(), Ordering::SeqCst);
    }
}
