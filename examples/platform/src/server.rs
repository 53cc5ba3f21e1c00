//! What the platform serves at which path, and where it listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get, post};
use tokio::net::{TcpListener, lookup_host};

use crate::config::StartError;
use crate::fault::ELSEWHERE;
use crate::shared::Shared;
use crate::{
    api, assets, authorize, discovery, guard, login, logout, portal, sign, texts, token, userinfo,
};

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
        .merge(api::router())
        .route("/authorize", get(authorize::authorize).post(api::authorize))
        .route(
            "/verification/confirmation",
            get(login::confirmation).post(api::verification::confirm),
        )
        .route("/oidc/logout", get(logout::logout).post(logout::logout))
        .route("/sign", get(sign::sign))
        .route("/qr", get(login::other_device))
        .route("/quick-code", get(login::quick_code))
        .route("/login/{id}", get(login::page))
        .route("/login/{id}/stage", get(login::stage))
        .route("/login/{id}/finish", post(login::finish))
        .route("/login/{id}/cancel", post(login::cancel))
        .merge(portal::router())
        .route("/style.css", get(assets::style))
        .route("/texts/{file}", get(texts::texts))
        .route("/login.js", get(assets::login))
        .route("/login-steps.js", get(assets::login_steps))
        .route("/login-texts.js", get(assets::login_texts))
        .route("/login-identities.js", get(assets::login_identities))
        .route("/login-other-device.js", get(assets::login_other_device))
        .route("/login-quick-code.js", get(assets::login_quick_code))
        .route("/mpin.js", get(assets::mpin))
        .route("/done.js", get(assets::done))
        .route("/form-post.js", get(assets::form_post))
        .route("/signed-out.js", get(assets::signed_out))
        .route("/portal.js", get(assets::portal))
        .route("/mpad.js", get(assets::mpad))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(shared), api::cors::cors))
        .layer(from_fn_with_state(Arc::clone(shared), guard::guard))
        .with_state(Arc::clone(shared))
}

async fn not_found(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match api::is_api(&parts) {
        true => api::ApiError::not_found("there is no such endpoint").into_response(),
        false => portal::not_found().await,
    }
}

async fn method_not_allowed(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match api::is_api(&parts) {
        true => api::ApiError::method().into_response(),
        false => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Listens on `host`: a loopback address, the IPv4 one if there are two, or any other address where that is allowed.
pub(crate) async fn listen(
    host: &str,
    port: u16,
    allow_network: bool,
) -> Result<TcpListener, StartError> {
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
    // Of other addresses only "all of them" is of use: the issuer is on loopback.
    let allowed = addresses.iter().filter(|address| {
        let ip = address.ip();
        ip.is_loopback() || (allow_network && ip.is_unspecified())
    });
    let address = *allowed
        .min_by_key(|address| address.is_ipv6())
        .ok_or_else(not_loopback)?;
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Bind {
            address: format!("{host}:{port}"),
            source,
        })
}

/// Returns the address in the issuer of a platform that listens on `ip`.
pub(crate) fn issuer_ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
