//! Two replicas behind an nginx that speaks HTTP/2 by TLS: what sites on the internet look like to a browser.

use miracl_tests::{Adapter, Chrome, Demo, Nginx, Provider, scenarios};

scenarios![a_person_logs_in_refreshes_and_logs_out_by_http_2];

/// A cookie key that both replicas have.
const KEY: &str = "a2V5IG9mIHR3byByZXBsaWNhcywgMzIgYnl0ZXMgISE=";

async fn a_person_logs_in_refreshes_and_logs_out_by_http_2(adapter: Adapter) {
    let provider = Provider::start();
    let mut nginx = Nginx::with_tls();
    let replica = || {
        Demo::of(adapter, &provider)
            .env("COOKIE_KEYS", KEY)
            .env("COOKIE_PREFIX", "fleet")
            .env("REDIRECT_URL", &nginx.url("/login"))
            .env("POST_LOGOUT_REDIRECT_URL", &nginx.url("/signed-out"))
            .start()
    };
    let demos = [replica(), replica()];
    nginx.serve("/", &demos);
    let chrome = Chrome::start_trusting_any_certificate().await;

    chrome.open(&nginx.url("/members")).await;
    chrome.wait_for_text("Successfully logged in!").await;
    chrome.wait_for_text("You are").await;
    chrome.open(&nginx.url("/refresh")).await;
    chrome.wait_for_text(Provider::EMAIL).await;
    // Cookies that only https has.
    let cookies = chrome.client().get_all_cookies().await.expect("cookies");
    let ours = cookies
        .iter()
        .filter(|cookie| cookie.name().contains("fleet"));
    assert!(ours.clone().count() > 0, "{cookies:?}");
    for cookie in ours {
        assert!(cookie.name().starts_with("__Host-"), "{cookie:?}");
        assert_eq!(cookie.secure(), Some(true), "{cookie:?}");
    }

    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_text("User logged out!").await;
    chrome.open(&nginx.url("/whoami")).await;
    assert!(!chrome.text().await.contains(Provider::EMAIL));

    let requests = nginx.requests();
    for demo in &demos {
        let address = format!("127.0.0.1:{}", demo.port());
        let answered = requests.iter().any(|line| line.ends_with(&address));
        assert!(answered, "{address}: {requests:#?}");
    }
    for request in &requests {
        assert!(request.starts_with("HTTP/2.0 "), "{request}");
        assert!(!request.contains(" 502 "), "{request}");
    }
}
