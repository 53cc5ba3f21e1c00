//! One address in front of several demos.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::demo::Demo;

/// A proxy in front of a fleet: each new connection goes to the next of the demos chosen at that moment. It changes
/// no byte.
#[derive(Debug)]
pub struct Front {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    chosen: Vec<u16>,
    next: usize,
    /// How many connections there are to each port.
    open: HashMap<u16, usize>,
}

impl State {
    /// Counts a connection, and returns the port it goes to, or 0 while no demo is chosen.
    fn take(&mut self) -> u16 {
        self.next = self.next.wrapping_add(1);
        let place = self.next % self.chosen.len().max(1);
        let port = self.chosen.get(place).copied().unwrap_or_default();
        *self.open.entry(port).or_default() += 1;
        port
    }
}

impl Front {
    /// Takes a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let front = Self {
            address: listener.local_addr().expect("a bound socket"),
            state: Arc::default(),
        };
        let state = Arc::clone(&front.state);
        tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let mut port = 0;
                state.send_modify(|state| port = state.take());
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    if let Ok(mut demo) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                        // Either side may break it off.
                        let _ = copy_bidirectional(&mut browser, &mut demo).await;
                    }
                    state.send_modify(|state| *state.open.entry(port).or_default() -= 1);
                });
            }
        });
        front
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends later connections to this demo.
    pub fn choose(&self, demo: &Demo) {
        self.spread([demo]);
    }

    /// Sends later connections to a server of the scenario's own.
    pub fn choose_port(&self, port: u16) {
        self.state.send_modify(|state| state.chosen = vec![port]);
    }

    /// Sends later connections to these demos in turn.
    pub fn spread<'a>(&self, demos: impl IntoIterator<Item = &'a Demo>) {
        let ports = demos.into_iter().map(Demo::port).collect();
        self.state.send_modify(|state| state.chosen = ports);
    }

    /// Waits until no connection is left to a demo that is not chosen any more.
    pub async fn drained(&self, demo: &Demo) {
        let port = demo.port();
        let mut state = self.state.subscribe();
        let drained = state.wait_for(|state| state.open.get(&port).is_none_or(|open| *open == 0));
        drained.await.expect("the front is there");
    }
}
