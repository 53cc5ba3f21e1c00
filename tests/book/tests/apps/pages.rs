//! How pages and scripts talk to the login: an SPA, htmx, Turbo, a WebSocket, any tower service.

use miracl_tests::Request;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    apps,
    site::{EMAIL, Place, Site},
};

#[tokio::test]
async fn an_spa_learns_where_to_log_in_and_where_to_go_after_the_log_out() {
    let place = Place::new().await;
    let site = place.axum(apps::scripts::app);
    let page = site.open("/").await.expect(200);
    assert!(page.body.contains("login_url"), "{}", page.body);
    let refused = site.fetch("/api/me").await.expect(401).json();
    let login = refused["login_url"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert!(login.contains("/login/start"), "{login}");
    site.log_in("/login/start").await.expect(200);
    assert_eq!(site.fetch("/api/me").await.expect(200).json()["id"], EMAIL);

    let log_out = Request::fetch(site.url("/logout")).method("POST");
    let left = site.browser.send(log_out).await.expect(200).json();
    let to = left["logout_url"].as_str().expect("an address");
    assert!(to.starts_with(site.platform.issuer()), "{to}");
    site.fetch("/api/me").await.expect(401);
}

#[tokio::test]
async fn htmx_and_turbo_are_told_in_their_own_way() {
    let place = Place::new().await;
    let site = place.axum(apps::scripts::app);
    let part = || Request::fetch(site.url("/parts/orders"));
    let htmx = site.browser.send(part().header("hx-request", "true")).await;
    let htmx = htmx.expect(401);
    let to = htmx.header("hx-redirect").expect("an address");
    assert!(to.contains("/login/start"), "{to}");
    let frame = part()
        .header("turbo-frame", "orders")
        .header("x-turbo-request-id", "1");
    let frame = site
        .browser
        .send(frame.header("accept", "text/html"))
        .await
        .expect(303);
    let to = frame.location_path().expect("an address");
    assert!(to.contains("/login/start"), "{to}");
    site.log_in("/login/start").await.expect(200);
    let part = site
        .browser
        .send(part().header("hx-request", "true"))
        .await
        .expect(200);
    assert!(part.body.contains("confirmed: true"), "{}", part.body);
    site.log_out().await;
}

/// Asks for the socket as a browser does, for a page of this origin.
async fn open_socket(site: &Site, origin: &str) -> (TcpStream, String) {
    let address = site.url("").replace("http://", "");
    let cookies: Vec<String> = site
        .browser
        .cookies()
        .iter()
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    let mut stream = TcpStream::connect(&address).await.expect("the app listens");
    let request = format!(
        "GET /socket HTTP/1.1\r\nhost: {address}\r\norigin: {origin}\r\ncookie: {}\r\n\
         connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        cookies.join("; ")
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the app reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.expect("an answer");
        head.push(byte);
    }
    (stream, String::from_utf8(head).expect("a head in ASCII"))
}

#[tokio::test]
async fn a_socket_opens_for_people_who_are_logged_in_and_ends_with_their_session_at_the_provider() {
    let place = Place::new().await;
    let site = place.axum(apps::websocket::app);
    let own = site.url("");
    let (_, head) = open_socket(&site, &own).await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    site.log_in("/members").await.expect(200);
    let (_, head) = open_socket(&site, "https://evil.example").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (mut socket, head) = open_socket(&site, &own).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");

    // RFC 6455 §5.2: a text of two letters, masked with zeros.
    socket
        .write_all(b"\x81\x82\0\0\0\0hi")
        .await
        .expect("the app reads");
    let text = format!("{EMAIL}: hi");
    let mut frame = vec![0; text.len() + 2];
    socket.read_exact(&mut frame).await.expect("an answer");
    assert_eq!(&frame[2..], text.as_bytes());

    site.platform.log_out().await;
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.expect("the end");
    site.fetch("/members").await.expect(401);
}

#[tokio::test]
async fn a_tower_service_behind_bare_hyper_is_for_people_who_are_logged_in() {
    let place = Place::new().await;
    let app = apps::tower_service::app(place.config()).expect("complete settings");
    let site = place.served_by(|listener| {
        tokio::spawn(async move {
            let ended = apps::tower_service::serve(listener, app).await;
            ended.map_err(|error| error.to_string())
        });
    });
    site.assert_in_and_out("/any/file", &format!("/any/file for {EMAIL}"))
        .await;
}
