//! What stays open: "Keep an event stream open".

use std::time::Duration;

use miracl_tests::http_client;

use crate::{
    apps,
    site::{Place, Site},
};

/// Opens the stream, and waits for its first event.
async fn open(site: &Site) -> (reqwest::Response, String) {
    let cookies = site.browser.cookies();
    let pair = |cookie: &miracl_tests::Cookie| format!("{}={}", cookie.name, cookie.value);
    let cookies: Vec<_> = cookies.iter().map(pair).collect();
    let asked = http_client()
        .get(site.url("/news"))
        .header("cookie", cookies.join("; "));
    let mut stream = asked.send().await.expect("an answer");
    assert_eq!(stream.status().as_u16(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    // Rocket may send a comment first.
    while !text.contains('1') {
        text += &read(&mut stream).await.expect("an event");
    }
    (stream, text)
}

async fn read(stream: &mut reqwest::Response) -> Option<String> {
    let read = tokio::time::timeout(Duration::from_secs(60), stream.chunk());
    let read = read.await.expect("news in time").expect("a stream");
    read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// What the page promises of a stream, for every framework.
async fn assert_ends_with_the_session(site: Site) {
    site.fetch("/news").await.expect(401);
    for by_provider in [false, true] {
        site.log_in("/members").await.expect(200);
        let (mut stream, mut text) = open(&site).await;
        if by_provider {
            site.platform.log_out().await;
        } else {
            site.log_out().await;
        }
        while let Some(more) = read(&mut stream).await {
            text.push_str(&more);
        }
        let text = text.replace(": ", ":");
        assert!(text.contains("event:ended"), "{text}");
        assert!(text.contains("data:bye"), "{text}");
        site.fetch("/news").await.expect(401);
    }
}

#[tokio::test]
async fn an_event_stream_of_axum_ends_with_its_session() {
    let place = Place::new().await;
    assert_ends_with_the_session(place.axum(apps::open_connections_axum::app)).await;
}

#[tokio::test]
async fn an_event_stream_of_actix_web_ends_with_its_session() {
    let place = Place::new().await;
    let auth = apps::open_connections_actix::auth(place.config()).expect("complete settings");
    assert_ends_with_the_session(place.actix(auth, apps::open_connections_actix::routes)).await;
}

#[tokio::test]
async fn an_event_stream_of_rocket_ends_with_its_session() {
    let place = Place::new().await;
    let app = apps::open_connections_rocket::app(place.config());
    assert_ends_with_the_session(place.rocket(app).await).await;
}
