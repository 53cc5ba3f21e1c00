//! Where an app runs: below a path, behind a proxy, in a container, beside another app, with secrets from a store.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, http::HeaderMap, routing::get};
use miracl_axum::Config;
use miracl_tests::{PathProxy, Request, http_client};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    apps,
    site::{CLIENT, EMAIL, Place},
};

#[tokio::test]
async fn an_app_below_a_path_that_a_proxy_removes_links_below_it() {
    let proxy = PathProxy::start("/app").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    proxy.choose_port(listener.local_addr().expect("a bound socket").port());
    let place = Place::at(listener, proxy.url("")).await;
    let config = Config {
        public_path: "/app".to_owned(),
        ..place.config()
    };
    let site = place.axum(|_| apps::sub_path::app(config));
    let home = site.open("/").await.expect(200);
    assert!(
        home.body.contains(r#"href="/app/login/start""#),
        "{}",
        home.body
    );
    let page = site.log_in("/members").await.expect(200);
    assert_eq!(page.url.as_str(), site.url("/members"));
    assert_eq!(page.body, format!("Hello, {EMAIL}."));
    let moved = site.open("/old").await.expect(303);
    assert_eq!(moved.location_path().as_deref(), Some("/app/members"));
    let home = site.open("/").await.expect(200);
    assert!(
        home.body.contains(r#"action="/app/logout""#),
        "{}",
        home.body
    );
    site.log_out().await;
    site.fetch("/members").await.expect(401);
}

#[tokio::test]
async fn an_app_behind_a_proxy_believes_the_proxy_alone() {
    let place = Place::new().await;
    let site = place.axum(apps::proxy::app);
    let health = site.fetch("/healthz").await.expect(200);
    assert_eq!(health.body, "ok");
    assert!(health.set_cookies().is_empty() && health.header("cache-control").is_none());
    let page = format!("Hello, {EMAIL}, from this machine.");
    site.log_in("/members").await.expect(200);
    assert_eq!(site.fetch("/members").await.expect(200).body, page);
    let through =
        Request::fetch(site.url("/members")).header("x-forwarded-for", "192.0.2.66, 192.0.2.7");
    let through = through.header("x-forwarded-host", "evil.example");
    let through = site.browser.send(through).await.expect(200);
    assert_eq!(through.body, format!("Hello, {EMAIL}, from 192.0.2.7."));
    site.log_out().await;
    let refused = Request::fetch(site.url("/members")).header("x-forwarded-host", "evil.example");
    let refused = site.browser.send(refused).await.expect(401);
    assert!(!refused.body.contains("evil"), "{}", refused.body);
}

#[tokio::test]
async fn an_app_in_kubernetes_is_healthy_without_its_provider_and_stops_when_told() {
    let place = Place::new().await;
    let app = apps::kubernetes::app(place.config()).expect("complete settings");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (tell, ended) = tokio::sync::oneshot::channel();
    let site = place.served_by(|listener| {
        tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            let _ = tell.send(apps::kubernetes::serve(listener, app, stop).await.is_ok());
        });
    });
    site.assert_in_and_out("/members", &format!("Hello, {EMAIL}."))
        .await;
    let asked = site.platform.requests().len();
    assert_eq!(site.fetch("/healthz").await.expect(200).body, "ok");
    assert_eq!(site.platform.requests().len(), asked);
    stop.send(()).expect("the app waits for it");
    assert_eq!(ended.await, Ok(true));
}

#[tokio::test]
async fn an_app_asks_a_vault_for_its_secret_and_asks_again_when_the_secret_was_changed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let secret = async move |headers: HeaderMap| {
        assert_eq!(headers["x-vault-token"], "token-of-the-app");
        let (id, secret) = CLIENT;
        // The first answer is one from before the change.
        let secret = match count.fetch_add(1, Ordering::SeqCst) {
            0 => "old-secret",
            _ => secret,
        };
        let values = json!({ "client_id": id, "client_secret": secret });
        Json(json!({ "data": { "data": values, "metadata": {} } }))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let vault = Router::new().route("/v1/secret/data/my-app", get(secret));
    tokio::spawn(async move { axum::serve(listener, vault).await });

    let place = Place::new().await;
    let config = Config {
        client_id: String::new(),
        client_secret: "".into(),
        ..place.config()
    };
    let vault = apps::secrets::Vault {
        url: format!("http://{address}/v1/secret/data/my-app"),
        token: "token-of-the-app".to_owned(),
        client: http_client(),
    };
    let site = place.axum(|_| apps::secrets::app(config, vault));
    site.assert_in_and_out("/members", &format!("Hello, {EMAIL}."))
        .await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn two_apps_on_one_host_keep_their_sessions_apart() {
    let (shop, forum) = (Place::new().await, Place::new().await);
    let shop = shop.axum(|config| apps::two_apps::app(config, "shop"));
    let mut forum = forum.axum(|config| apps::two_apps::app(config, "forum"));
    let page = shop.log_in("/members").await.expect(200);
    assert_eq!(page.body, format!("{EMAIL} in the shop."));
    // Cookies belong to a host and not to its port: the same browser.
    forum.browser = shop.browser.copy();
    forum.fetch("/members").await.expect(401);
    let page = forum.log_in("/members").await.expect(200);
    assert_eq!(page.body, format!("{EMAIL} in the forum."));
    let of_shop = async || forum.browser.fetch(shop.url("/members")).await;
    of_shop().await.expect(200);
    forum.log_out().await;
    forum.fetch("/members").await.expect(401);
    of_shop().await.expect(200);
}
