//! An app of which the demo is a part: it has pages and scripts of its own, at the same origin, and knows what was
//! asked of the demo.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::HOST},
    response::{IntoResponse, Response},
};
use miracl_tests::{Adapter, Chrome, Demo, Endpoint, Provider, http_client};
use tokio::{net::TcpListener, sync::watch};

/// How long a browser may take to ask.
const PATIENCE: Duration = Duration::from_secs(45);

/// A file of the app: its path, its media type, its `Content-Security-Policy`, and what it has.
pub(crate) type File = (&'static str, &'static str, &'static str, String);

/// A request that the demo has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) is_prefetch: bool,
    pub(crate) status: u16,
}

/// An app in front of a demo, with a provider that approves every login, and a browser.
pub(crate) struct AppPage {
    pub(crate) provider: Provider,
    pub(crate) chrome: Chrome,
    origin: String,
    asked: watch::Receiver<Vec<Asked>>,
    _demo: Demo,
}

struct Front {
    files: Vec<File>,
    demo: watch::Receiver<u16>,
    asked: watch::Sender<Vec<Asked>>,
    http: reqwest::Client,
}

impl AppPage {
    pub(crate) async fn begin(adapter: Adapter, files: Vec<File>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let (port, demo) = watch::channel(0);
        let (sender, asked) = watch::channel(Vec::new());
        let front = Front {
            files,
            demo,
            asked: sender,
            http: http_client(),
        };
        let router = Router::new().fallback(answer).with_state(Arc::new(front));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let provider = Provider::start();
        let demo = Demo::of(adapter, &provider)
            .env("REDIRECT_URL", &format!("{origin}/login"))
            .env("POST_LOGOUT_REDIRECT_URL", &format!("{origin}/signed-out"))
            .start();
        port.send_replace(demo.port());
        Self {
            provider,
            chrome: Chrome::start().await,
            origin,
            asked,
            _demo: demo,
        }
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Opens a path in the browser.
    pub(crate) async fn open(&self, path: &str) {
        self.chrome.open(&self.url(path)).await;
    }

    /// Logs the browser in.
    pub(crate) async fn log_in(&self) {
        self.open("/login/start").await;
        self.arrived("/").await;
    }

    /// Waits until the login has come back to a path.
    pub(crate) async fn arrived(&self, path: &str) {
        self.chrome.wait_for_url(|url| url == self.url(path)).await;
        self.chrome.wait_for_text("Successfully logged in!").await;
    }

    /// Waits until the person is logged out, here and at the provider, for the time of this number.
    pub(crate) async fn logged_out(&self, times: usize) {
        self.chrome.wait_for_text("User logged out!").await;
        self.chrome.wait_for_url(|url| url == self.url("/")).await;
        assert_eq!(self.provider.count(Endpoint::EndSession), times);
        let asked = self.provider.received(Endpoint::EndSession);
        assert!(asked[times - 1].parameters.contains_key("id_token_hint"));
    }

    /// Waits until the demo has answered requests of which this holds.
    pub(crate) async fn wait_for(&self, holds: impl Fn(&[Asked]) -> bool) {
        let mut asked = self.asked.clone();
        let waited = asked.wait_for(|asked| holds(asked));
        let came = tokio::time::timeout(PATIENCE, waited).await.is_ok();
        assert!(came, "{:#?}", self.asked.borrow());
    }

    /// How often the demo was asked for a path by a click.
    pub(crate) fn clicks(&self, path: &str) -> usize {
        let asked = self.asked.borrow();
        let clicked = asked
            .iter()
            .filter(|one| one.path == path && !one.is_prefetch);
        clicked.count()
    }
}

async fn answer(State(front): State<Arc<Front>>, request: Request) -> Response {
    let path = request.uri().path();
    if let Some((_, media_type, policy, text)) = front.files.iter().find(|file| file.0 == path) {
        let mut response = ([("content-type", *media_type)], text.clone()).into_response();
        if !policy.is_empty() {
            let policy = policy.parse().expect("a header's value");
            let headers = response.headers_mut();
            headers.insert("content-security-policy", policy);
        }
        return response;
    }
    front.pass_on(request).await
}

impl Front {
    async fn pass_on(&self, request: Request) -> Response {
        let port = *self.demo.borrow();
        let (head, body) = request.into_parts();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
        let sent = self
            .http
            .request(
                head.method.clone(),
                format!("http://127.0.0.1:{port}{target}"),
            )
            .headers(head.headers.clone())
            .body(body)
            .send();
        let Ok(answer) = sent.await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.unwrap_or_default();
        let one = Asked {
            path: head.uri.path().to_owned(),
            is_prefetch: is_prefetch(&head.headers),
            status: status.as_u16(),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        for (name, value) in &headers {
            if !matches!(
                name.as_str(),
                "content-length" | "transfer-encoding" | "connection"
            ) {
                response.headers_mut().append(name, value.clone());
            }
        }
        debug_assert!(head.headers.contains_key(HOST));
        self.asked.send_modify(|asked| asked.push(one));
        response
    }
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "x-sec-purpose"]
        .into_iter()
        .any(|name| headers.contains_key(name))
}
