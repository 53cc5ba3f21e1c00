//! What the platform serves at which path, and where it listens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::{Router, get, post};
use tokio::net::{TcpListener, lookup_host};

use crate::config::StartError;
use crate::fault::ELSEWHERE;
use crate::shared::Shared;
use crate::{assets, authorize, discovery, guard, login, logout, portal, token, userinfo};

/// The routes of a platform.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    // Everything for programs is served at a second place, too, to which faults redirect.
    for base in ["", ELSEWHERE] {
        let at = |path| format!("{base}{path}");
        router = router
            .route(
                &at("/.well-known/openid-configuration"),
                get(discovery::configuration),
            )
            .route(&at("/oidc/token"), post(token::token))
            .route(
                &at("/oidc/userinfo"),
                get(userinfo::userinfo).post(userinfo::userinfo),
            )
            .route(&at("/oidc/certs"), get(discovery::certs));
    }
    router
        .route("/authorize", get(authorize::authorize))
        .route("/oidc/logout", get(logout::logout).post(logout::logout))
        .route("/login/{id}", get(login::page))
        .route("/login/{id}/stage", get(login::stage))
        .route("/login/{id}/register", post(login::register))
        .route("/login/{id}/identity", post(login::identity))
        .route("/login/{id}/remove", post(login::remove))
        .route("/login/{id}/pin", post(login::pin))
        .route("/login/{id}/cancel", post(login::cancel))
        .route("/confirm", get(login::confirm))
        .route("/", get(portal::home))
        .route("/inbox", get(portal::inbox))
        .route("/portal", get(portal::portal).post(portal::register))
        .route("/portal/{client_id}", get(portal::app))
        .route("/portal/{client_id}/remove", post(portal::remove))
        .route("/style.css", get(assets::style))
        .route("/pin.js", get(assets::pin))
        .route("/mail.js", get(assets::mail))
        .route("/done.js", get(assets::done))
        .route("/form-post.js", get(assets::form_post))
        .route("/signed-out.js", get(assets::signed_out))
        .route("/mpad.js", get(assets::mpad))
        .fallback(portal::not_found)
        .layer(from_fn_with_state(Arc::clone(shared), guard::guard))
        .with_state(Arc::clone(shared))
}

/// Listens on a loopback address of `host`, the IPv4 one if there are two.
pub(crate) async fn listen(host: &str, port: u16) -> Result<TcpListener, StartError> {
    let not_loopback = || StartError::NotLoopback {
        host: host.to_owned(),
    };
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        // No other name: its address could change between this check and the next one.
        Err(_) if host == "localhost" => lookup_host((host, port))
            .await
            .map_err(|_| not_loopback())?
            .collect(),
        Err(_) => return Err(not_loopback()),
    };
    let loopback = addresses
        .iter()
        .filter(|address| address.ip().is_loopback());
    let address = *loopback
        .min_by_key(|address| address.is_ipv6())
        .ok_or_else(not_loopback)?;
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Bind {
            address: format!("{host}:{port}"),
            source,
        })
}
