//! The address in front: each request goes to the next replica.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use crate::demos::Replica;

/// The header that names the replica that answered.
const REPLICA: HeaderName = HeaderName::from_static("x-replica");

/// Headers that concern one connection only (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

struct Proxy {
    client: Client<HttpConnector, Body>,
    replicas: Vec<Replica>,
    next: AtomicUsize,
}

/// Serves the replicas at one address.
///
/// # Errors
///
/// When it cannot accept connections any more.
pub(crate) async fn serve(listener: TcpListener, replicas: Vec<Replica>) -> io::Result<Infallible> {
    let proxy = Proxy {
        client: Client::builder(TokioExecutor::new()).build_http(),
        replicas,
        next: AtomicUsize::new(0),
    };
    let router = Router::new().fallback(forward).with_state(Arc::new(proxy));
    axum::serve(listener, router).await?;
    Err(io::Error::other("nobody is served any more"))
}

async fn forward(State(proxy): State<Arc<Proxy>>, mut request: Request) -> Response {
    let turn = proxy.next.fetch_add(1, Ordering::Relaxed);
    let replica = &proxy.replicas[turn % proxy.replicas.len()];
    let Some(uri) = at(replica.address, request.uri()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // `Host` stays as the browser sent it: the replicas know the fleet by that name.
    *request.uri_mut() = uri;
    remove_hop_by_hop(request.headers_mut());
    let mut response = match proxy.client.request(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            eprintln!("demo-fleet: {} does not answer: {error}", replica.framework);
            StatusCode::BAD_GATEWAY.into_response()
        }
    };
    remove_hop_by_hop(response.headers_mut());
    let name = HeaderValue::from_static(replica.framework);
    response.headers_mut().insert(REPLICA, name);
    response
}

/// The path and query of a request, at a replica.
fn at(address: SocketAddr, uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.clone();
    Uri::builder()
        .scheme("http")
        .authority(address.to_string())
        .path_and_query(path)
        .build()
        .ok()
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // `Connection` names more of them.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}
