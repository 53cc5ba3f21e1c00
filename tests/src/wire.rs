//! Requests byte by byte, as no client library sends them.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::demo::Demo;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection to a demo. It sends exactly what is written to it.
#[derive(Debug)]
pub struct Wire(TcpStream);

/// An answer, parsed no further than necessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Wire {
    /// Connects to a demo.
    pub async fn connect(demo: &Demo) -> Self {
        Self::try_connect(demo.port())
            .await
            .expect("the demo listens")
    }

    /// Connects to a port where nothing may listen.
    ///
    /// # Errors
    ///
    /// When nothing does.
    pub async fn try_connect(port: u16) -> std::io::Result<Self> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .map(Self)
    }

    /// Sends these bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0
            .write_all(bytes.as_ref())
            .await
            .expect("the demo reads");
    }

    /// Sends these bytes again and again until the demo answers or closes the connection, or `most` were sent. Returns
    /// how many were sent.
    pub async fn send_until_answered(&mut self, bytes: &[u8], most: usize) -> usize {
        let (from_demo, mut to_demo) = self.0.split();
        let mut sent = 0;
        let send = async {
            while sent < most && to_demo.write_all(bytes).await.is_ok() {
                sent += bytes.len();
            }
        };
        tokio::select! {
            biased;
            readable = from_demo.readable() => readable.expect("a connection"),
            () = send => {}
            () = tokio::time::sleep(LIMIT) => panic!("no answer"),
        }
        sent
    }

    /// Sends requests for all of these targets without waiting for an answer in between, and waits until all are
    /// answered with this status.
    ///
    /// # Panics
    ///
    /// When another answer comes, or too few answers come.
    pub async fn get_all(&mut self, targets: impl IntoIterator<Item = String>, status: u16) {
        let status_line = format!("HTTP/1.1 {status} ");
        let mut requests = String::new();
        let mut expected = 0;
        for target in targets {
            requests.push_str(&format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"));
            expected += 1;
        }
        let (mut from_demo, mut to_demo) = self.0.split();
        let ask = async {
            let asked = to_demo.write_all(requests.as_bytes()).await;
            asked.expect("the demo reads");
        };
        let listen = async {
            let (mut bytes, mut end, mut answered) = (vec![0; 64 * 1024], Vec::new(), 0);
            while answered < expected {
                let read = tokio::time::timeout(LIMIT, from_demo.read(&mut bytes)).await;
                let length = read.expect("an answer in time").expect("an answer");
                assert!(length > 0, "the connection ends after {answered} answers");
                // The first line of an answer may come in two pieces.
                end.extend_from_slice(&bytes[..length]);
                let found = end.windows(status_line.len());
                answered += found.filter(|part| *part == status_line.as_bytes()).count();
                end.drain(..end.len().saturating_sub(status_line.len() - 1));
            }
        };
        tokio::join!(ask, listen);
    }

    /// Reads until the demo closes the connection, which requests ask for with `Connection: close`.
    pub async fn answer(mut self) -> Raw {
        let mut bytes = Vec::new();
        tokio::time::timeout(LIMIT, self.0.read_to_end(&mut bytes))
            .await
            .expect("the demo closes the connection")
            .expect("the demo answers");
        Raw::parse(&String::from_utf8_lossy(&bytes))
    }

    /// The same where the demo may reset the connection after its answer, because it leaves the request unread.
    pub async fn answer_or_reset(mut self) -> Raw {
        let mut bytes = Vec::new();
        // What came before the reset is there.
        let read = tokio::time::timeout(LIMIT, self.0.read_to_end(&mut bytes)).await;
        let _ = read.expect("the demo closes the connection");
        Raw::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Sends a whole request, and reads the answer.
    pub async fn ask(demo: &Demo, request: impl AsRef<[u8]>) -> Raw {
        let mut wire = Self::connect(demo).await;
        wire.send(request).await;
        wire.answer().await
    }
}

impl Raw {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
