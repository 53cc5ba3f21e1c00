//! What becomes of a session: its tokens, its end, its messages, its table.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use miracl_axum::config::Clock;
use miracl_tests::{Browser, http_client};

use crate::{
    apps,
    site::{EMAIL, Place, Site},
};

#[tokio::test]
async fn an_app_calls_an_api_with_the_token_of_the_person_who_is_logged_in() {
    let place = Place::new().await;
    let api = apps::call_api::Api {
        url: format!("{}/oidc/userinfo", place.platform.issuer()),
        client: http_client(),
    };
    let site = place.axum(|config| apps::call_api::app(config, api));
    site.fetch("/orders").await.expect(401);
    let page = site.log_in("/orders").await.expect(200);
    assert_eq!(page.json()["email"], EMAIL);
    site.log_out().await;
    site.fetch("/orders").await.expect(401);
}

#[tokio::test]
async fn an_app_whose_api_is_away_answers_502_and_nobody_is_logged_out() {
    let place = Place::new().await;
    let url = format!("{}/nowhere", place.platform.issuer());
    let client = http_client();
    let site =
        place.axum(|config| apps::call_api::app(config, apps::call_api::Api { url, client }));
    site.log_in("/orders").await.expect(502);
    site.fetch("/orders").await.expect(502);
}

#[tokio::test]
async fn an_app_logs_out_one_device_and_all_of_them() {
    let place = Place::new().await;

    let mut site = place.axum(apps::log_out_everywhere::app);
    site.fetch("/devices").await.expect(401);
    site.log_in("/devices").await.expect(200);
    let laptop = std::mem::replace(&mut site.browser, Browser::new());
    site.log_in("/devices").await.expect(200);
    let phone = std::mem::replace(&mut site.browser, Browser::new());
    let page = site.log_in("/devices").await.expect(200);
    let is_in = async |browser: &Browser| browser.fetch(site.url("/devices")).await.status == 200;
    assert!(is_in(&laptop).await && is_in(&phone).await);

    let other = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/devices/end");
    assert_eq!(page.body.matches("another one").count(), 2, "{}", page.body);
    assert!(other.is_some());
    let list = page.forms();
    // This one stands first.
    site.browser.submit(&page, &list[1]).await.expect(303);
    assert!(is_in(&laptop).await != is_in(&phone).await);
    assert!(is_in(&site.browser).await);

    let left = site.post("/log-out-everywhere", &[]).await.expect(303);
    let to = left.location().expect("a way on");
    assert!(to.as_str().starts_with(site.platform.issuer()), "{to}");
    for browser in [&laptop, &phone, &site.browser] {
        assert!(!is_in(browser).await);
    }
}

#[tokio::test]
async fn an_app_shows_pages_and_messages_of_its_own() {
    let place = Place::new().await;

    let site = place.axum(apps::customise::app);
    let away = site.leave_for_login("/login/start").await;
    let cancelled = site.platform.deny(&away).await.expect("a way back");
    let page = site.browser.visit(cancelled).await.expect(403);
    for text in [
        "<h1>My shop</h1>",
        "You have cancelled the login.",
        "Try again",
        "Reference: ",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    site.open("/login?code=x&state=y").await.expect(400);
    let refused = site.open("/api/orders").await.expect(401);
    assert_eq!(refused.body, r#"{"error":"log in first"}"#);

    let home = site.log_in("/login/start").await.expect(200);
    assert!(home.body.contains("You are logged in."), "{}", home.body);
    assert!(home.body.contains("Log out</button>"), "{}", home.body);
    site.open("/api/orders").await.expect(200);
    let question = site.open("/logout").await.expect(200);
    assert!(question.body.contains("<h1>Leaving the shop?</h1>"));
    assert!(question.body.contains("Your basket stays as it is."));
    // Back after the login: nothing has failed.
    let back = site.open("/login?code=x&state=y").await.expect(303);
    assert_eq!(back.location_path().as_deref(), Some("/"));
    site.log_out().await;
    let home = site
        .browser
        .visit(site.url("/signed-out"))
        .await
        .expect(200);
    assert!(home.body.contains("You are logged out."), "{}", home.body);
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_without_activity_and_after_a_day_of_work() {
    let place = Place::new().await;
    let passed = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&passed);
    let config = miracl_axum::Config {
        clock: Clock::from_fn(move || {
            SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed))
        }),
        ..place.config()
    };
    let site = place.axum(|_| apps::session_lifetime::app(config));
    let wait = |minutes: u64| passed.fetch_add(minutes * 60, Ordering::Relaxed);
    site.log_in("/members").await.expect(200);
    wait(25);
    site.fetch("/members").await.expect(200);
    wait(25);
    site.fetch("/members").await.expect(200);
    // News is no activity.
    wait(25);
    site.fetch("/news").await.expect(200);
    wait(6);
    site.fetch("/news").await.expect(401);
    site.fetch("/members").await.expect(401);
    // The platform has the system's clock, so this begins there again.
    passed.store(0, Ordering::Relaxed);
    site.browser.clear();
    site.log_in("/members").await.expect(200);
    for _ in 0..24 {
        site.fetch("/members").await.expect(200);
        wait(20);
    }
    wait(1);
    site.fetch("/members").await.expect(401);
}

#[tokio::test]
async fn an_app_asks_again_who_it_is() {
    let place = Place::new().await;
    let site = place.axum(apps::session_lifetime::app);
    let away = site.leave_for_login("/confirm").await;
    assert!(away.contains("max_age=60"), "{away}");
}

/// What the page promises of data in the session, for every framework.
async fn assert_data(site: Site) {
    site.open("/tenant").await.expect(303);
    let page = site.log_in("/tenant").await.expect(200);
    assert_eq!(page.body, "north");
    let refused = site.post("/tenant", &[("name", "east")]).await;
    refused.expect(403);
    let chosen = site.post("/tenant", &[("name", "south")]).await;
    assert_eq!(
        chosen.expect(303).location_path().as_deref(),
        Some("/tenant")
    );
    assert_eq!(site.fetch("/tenant").await.expect(200).body, "south");
    site.log_out().await;
    site.fetch("/tenant").await.expect(401);
    assert_eq!(site.log_in("/tenant").await.expect(200).body, "north");
}

#[tokio::test]
async fn an_app_of_axum_keeps_data_of_its_own_in_the_session() {
    let place = Place::new().await;
    assert_data(place.axum(apps::session_data_axum::app)).await;
}

#[tokio::test]
async fn an_app_of_actix_web_keeps_data_of_its_own_in_the_session() {
    let place = Place::new().await;
    let auth = apps::session_data_actix::auth(place.config()).expect("complete settings");
    assert_data(place.actix(auth, apps::session_data_actix::routes)).await;
}

#[tokio::test]
async fn an_app_of_rocket_keeps_data_of_its_own_in_the_session() {
    let place = Place::new().await;
    let app = apps::session_data_rocket::app(place.config());
    assert_data(place.rocket(app).await).await;
}
