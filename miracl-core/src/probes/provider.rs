//! A provider for unit tests: it answers as a test tells it to, and records its requests.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::probes::signer::Signer;

/// A provider that answers on loopback until it is dropped. At first it has metadata and keys, but no tokens to issue.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) signer: Signer,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// Status, media type and body, by path. With the status 0 the connection ends without an answer, or where there is
    /// a body, before the answer's last byte.
    answers: HashMap<String, (u16, &'static str, Vec<u8>)>,
    /// Whether a connection that is used again is reset in place of an answer.
    resets: bool,
    requests: Vec<Asked>,
    connections: usize,
}

/// One request that the provider received.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// The lines of the head, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                // Connections end with the provider.
                let mut connections = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    shared.lock().unwrap().connections += 1;
                    connections.spawn(serve(stream, shared.clone()));
                }
            }
        });
        let provider = Self {
            issuer,
            signer: Signer::new(),
            shared,
            task,
        };
        provider.publish(&provider.document());
        provider.say("/jwks", &provider.signer.jwks());
        provider
    }

    /// Returns correct metadata, for a test to change and publish.
    pub(crate) fn document(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "userinfo_endpoint": at("/userinfo"),
            "id_token_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    pub(crate) fn publish(&self, document: &Value) {
        let path = "/.well-known/openid-configuration";
        self.say(path, &document.to_string());
    }

    /// Answers requests for this path with 200 and this JSON from now on.
    pub(crate) fn say(&self, path: &str, body: &str) {
        self.say_as(path, 200, "application/json", body);
    }

    pub(crate) fn say_as(&self, path: &str, status: u16, media_type: &'static str, body: &str) {
        self.say_bytes(path, status, media_type, body.as_bytes());
    }

    /// Answers requests for this path with these bytes from now on. The media type may be followed by further header
    /// lines.
    pub(crate) fn say_bytes(&self, path: &str, status: u16, media_type: &'static str, body: &[u8]) {
        let answer = (status, media_type, body.to_owned());
        let mut shared = self.shared.lock().unwrap();
        shared.answers.insert(path.to_owned(), answer);
    }

    /// Returns the requests for this path so far.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let shared = self.shared.lock().unwrap();
        let requests = shared.requests.iter();
        requests
            .filter(|asked| asked.path == path)
            .cloned()
            .collect()
    }

    /// Returns the body that is answered at a path.
    pub(crate) fn said(&self, path: &str) -> Vec<u8> {
        self.shared.lock().unwrap().answers[path].2.clone()
    }

    /// From now on resets every connection that is used for a second request, without reading it, as a server does
    /// with a connection that was idle for too long.
    pub(crate) fn reset_what_is_used_again(&self) {
        self.shared.lock().unwrap().resets = true;
    }

    /// Returns how many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.shared.lock().unwrap().connections
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the requests of one connection.
async fn serve(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut stream = BufReader::new(stream);
    while answer(&mut stream, &shared).await.is_some() {
        if stream.get_ref().readable().await.is_err() || shared.lock().unwrap().resets {
            // Closing a connection with unread bytes resets it.
            return;
        }
    }
}

/// Answers one request. Returns `None` if there is no request, or if the client is gone.
async fn answer(stream: &mut BufReader<TcpStream>, shared: &Mutex<Shared>) -> Option<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let (status, media_type, answer) = {
        let mut shared = shared.lock().unwrap();
        let answer = shared.answers.get(&path).cloned();
        shared.requests.push(Asked {
            path,
            head,
            body: String::from_utf8(body).unwrap(),
        });
        answer.unwrap_or((404, "text/plain", Vec::new()))
    };
    let (status, length) = match (status, answer.len()) {
        (0, 0) => return None,
        (0, length) => (200, length + 1),
        whole => whole,
    };
    let is_cut = length > answer.len();
    let head = format!(
        "HTTP/1.1 {status} .\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    // A client may close the connection in the middle, when the response is too long for it.
    let whole = [head.as_bytes(), &answer].concat();
    stream.write_all(&whole).await.ok().filter(|()| !is_cut)
}
