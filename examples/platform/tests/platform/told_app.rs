//! An app that the platform tells of log-outs.

use miracl_platform::{Client, Platform};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::app::CALLBACK;

/// Its front-channel log-out URI.
pub(crate) const FRAME: &str = "http://127.0.0.1:5000/frontchannel-logout";

/// An app that answers requests with one status after the other, and with the last one for ever. An answer of 0
/// never comes.
pub(crate) struct App {
    pub(crate) uri: String,
    posts: mpsc::UnboundedReceiver<String>,
}

impl App {
    pub(crate) async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/logout?x=1", listener.local_addr().unwrap());
        let (seen, posts) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut open = Vec::new();
            let mut statuses = statuses.iter().peekable();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = String::new();
                while !is_whole(&request) {
                    let mut bytes = [0; 4096];
                    let read = stream.read(&mut bytes).await.unwrap();
                    assert_ne!(read, 0, "the request breaks off: {request}");
                    request += std::str::from_utf8(&bytes[..read]).unwrap();
                }
                seen.send(request).unwrap();
                let status = **statuses.peek().unwrap();
                if statuses.len() > 1 {
                    statuses.next();
                }
                if status == 0 {
                    open.push(stream);
                    continue;
                }
                // It does not close the connection: the platform must not wait for that.
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                open.push(stream);
            }
        });
        Self { uri, posts }
    }

    /// Returns what it has received so far.
    pub(crate) fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.posts.try_recv().ok()).collect()
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    length.is_some_and(|length| body.len() == length.parse::<usize>().unwrap())
}

/// Registers the app of [`start`](crate::app::start) again, with changes.
pub(crate) fn register(platform: &Platform, id: &str, change: impl FnOnce(&mut Client)) {
    let mut client = Client::new(id, "s3cret", CALLBACK);
    client.post_logout_redirect_uris = vec!["http://127.0.0.1:5000/signed-out".to_owned()];
    change(&mut client);
    platform.add_client(client).unwrap();
}
