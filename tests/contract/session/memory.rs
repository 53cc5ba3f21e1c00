//! Sessions that the server keeps in its memory, behind an opaque id in the browser's cookie.

use miracl_tests::{Adapter, Answers, Browser, Cookie, Endpoint, scenarios};
use serde_json::json;

use crate::journey::{Journey, log_in, session_cookie, subject};

scenarios![
    the_cookie_is_an_id_and_nothing_else,
    a_login_while_logged_in_makes_a_new_id_and_the_old_one_is_dead,
    an_unknown_session_id_logs_nobody_in,
    user_data_of_any_size_fits,
    the_session_ends_with_the_process,
    a_logout_token_of_a_person_reaches_every_browser,
];

pub(crate) async fn the_cookie_is_an_id_and_nothing_else(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.home().await;
    let names: Vec<_> = journey
        .browser
        .cookies()
        .into_iter()
        .map(|c| c.name)
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let cookie = session_cookie(&journey.browser);
    // 256 bits in base64url.
    assert_eq!(cookie.value.len(), 43, "{}", cookie.value);
    assert!(cookie.http_only && cookie.max_age.is_some());
    assert_eq!(cookie.same_site.as_deref(), Some("Lax"));
    let me = journey.browser.fetch(journey.url("/me")).await.expect(200);
    assert!(me.set_cookies().is_empty(), "{:?}", me.set_cookies());
    journey
        .browser
        .fetch(journey.url("/whoami"))
        .await
        .expect(200);
}

pub(crate) async fn a_login_while_logged_in_makes_a_new_id_and_the_old_one_is_dead(
    adapter: Adapter,
) {
    let journey = Journey::logged_in(adapter).await;
    let before = journey.browser.copy();
    journey.log_in().await;
    let (old, new) = (session_cookie(&before), session_cookie(&journey.browser));
    assert_ne!(old.value, new.value);
    assert_eq!(subject(&before, &journey.demo).await, None);
    journey.assert_still_logged_in().await;
}

pub(crate) async fn an_unknown_session_id_logs_nobody_in(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let good = session_cookie(&journey.browser);
    let mut other: Vec<char> = good.value.chars().collect();
    other[7] = if other[7] == 'A' { 'B' } else { 'A' };
    for value in [
        other.into_iter().collect(),
        "A".repeat(43),
        good.value[..42].to_owned(),
        format!("{}A", good.value),
        format!("{}=", good.value),
        String::new(),
        "x".repeat(4000),
        "%00".to_owned(),
    ] {
        let browser = Browser::new();
        let cookie = Cookie {
            value: value.clone(),
            ..good.clone()
        };
        browser.keep(cookie);
        assert_eq!(subject(&browser, &journey.demo).await, None, "{value}");
        // An id that a browser brings along is never adopted: the login makes one of its own.
        log_in(&browser, &journey.demo).await;
        assert_ne!(session_cookie(&browser).value, value);
    }
    journey.assert_still_logged_in().await;
}

pub(crate) async fn user_data_of_any_size_fits(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let groups = json!("group-".repeat(20_000));
    let answers = Answers::member("groups", groups.clone());
    journey.provider.set(Endpoint::Userinfo, answers);
    journey.log_in().await;
    let me = journey.browser.fetch(journey.url("/me")).await.expect(200);
    assert_eq!(me.json()["groups"], groups);
}

async fn the_session_ends_with_the_process(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    journey.demo.restart();
    journey.assert_nobody().await;
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

pub(crate) async fn a_logout_token_of_a_person_reaches_every_browser(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let other = Browser::new();
    log_in(&other, &journey.demo).await;
    let token = journey
        .provider
        .logout_token(|claims, _| claims["sub"] = json!(miracl_tests::Provider::SUBJECT));
    let form = [("logout_token", &*token)];
    let url = journey.url("/backchannel-logout");
    Browser::new().post(url, &form).await.expect(200);
    journey.assert_nobody().await;
    assert_eq!(subject(&other, &journey.demo).await, None);
}
