//! A proxy in front of a demo that removes the beginning of every path, as nginx does with
//! `location /app/ { proxy_pass http://demo/; }`.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::demo::Demo;

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Passes on what is below one path, without that path, and answers 404 to everything else. It changes nothing else of
/// a request, and nothing of an answer. A connection carries one request, as those of [`Browser`](crate::Browser) do.
#[derive(Debug)]
pub struct PathProxy {
    address: SocketAddr,
    public_path: &'static str,
    demo: watch::Sender<u16>,
}

impl PathProxy {
    /// Takes a free port. `public_path` is what it removes, such as `/app`.
    pub async fn start(public_path: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let demo = watch::Sender::new(0);
        let ports = demo.subscribe();
        tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                let port = *ports.borrow();
                tokio::spawn(async move {
                    // Either side may break it off.
                    let _ = pass_on(browser, public_path, port).await;
                });
            }
        });
        Self {
            address,
            public_path,
            demo,
        }
    }

    /// Sends later requests to this demo.
    pub fn choose(&self, demo: &Demo) {
        self.choose_port(demo.port());
    }

    /// Sends later requests to whatever listens on this port.
    pub fn choose_port(&self, port: u16) {
        self.demo.send_replace(port);
    }

    /// The address at which a browser finds a path of the demo.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{}{path}", self.address, self.public_path)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn pass_on(mut browser: TcpStream, public_path: &str, port: u16) -> io::Result<()> {
    let mut head = Vec::new();
    // The request line is enough.
    while !head.contains(&b'\n') {
        if browser.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let target = head.iter().position(|byte| *byte == b' ').unwrap_or(0) + 1;
    let below = format!("{public_path}/");
    if !head[target..].starts_with(below.as_bytes()) {
        return browser.write_all(NOT_FOUND).await;
    }
    head.drain(target..target + public_path.len());
    let mut demo = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    demo.write_all(&head).await?;
    copy_bidirectional(&mut browser, &mut demo).await.map(drop)
}
