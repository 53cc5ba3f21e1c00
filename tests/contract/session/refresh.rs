//! User data is fetched again.

use miracl_tests::{Adapter, Answers, Browser, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::Journey;

scenarios![
    refreshing_fetches_the_user_data_again,
    refreshing_with_an_expired_token_logs_out_cleanly,
    refreshing_while_the_provider_is_ill_keeps_the_old_data,
    refreshing_keeps_the_old_data_when_the_answer_is_about_somebody_else,
    refreshing_without_a_session_leads_home,
];

async fn refreshing_fetches_the_user_data_again(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    journey.provider.set_userinfo(json!({
        "sub": Provider::SUBJECT, "email": "moved@example.com", "email_verified": false, "name": "Renamed",
    }));
    let answer = journey
        .browser
        .open(journey.url("/refresh"))
        .await
        .expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/"));
    let page = journey.browser.follow(answer).await.expect(200);
    assert!(
        page.body.contains("moved@example.com") && !page.body.contains("confirmed"),
        "{}",
        page.body
    );
    let me = journey
        .browser
        .fetch(journey.url("/me"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&me["email"], &me["name"]),
        (&json!("moved@example.com"), &json!("Renamed"))
    );
    assert_eq!(
        journey
            .browser
            .fetch(journey.url("/whoami"))
            .await
            .expect(200)
            .body
            .trim(),
        "moved@example.com"
    );
    assert_eq!(
        journey.provider.count(Endpoint::Token),
        1,
        "no new token is needed"
    );
    // The second time works, too: the token is still there.
    journey
        .browser
        .visit(journey.url("/refresh"))
        .await
        .expect(200);
    assert_eq!(journey.provider.count(Endpoint::Userinfo), 3);
}

async fn refreshing_with_an_expired_token_logs_out_cleanly(adapter: Adapter) {
    for answer in [
        Answers::error(401, "invalid_token"),
        Answers::With(401, "text/plain", String::new()),
    ] {
        let journey = Journey::logged_in(adapter).await;
        journey.provider.set(Endpoint::Userinfo, answer);
        let page = journey
            .browser
            .visit(journey.url("/refresh"))
            .await
            .expect(200);
        assert_eq!(page.url.as_str(), journey.url("/"));
        assert!(page.has_alert("warning", ""), "{:?}", page.alerts());
        journey.assert_nobody().await;
        assert!(!page.body.contains(Provider::EMAIL), "{}", page.body);
    }
}

async fn refreshing_while_the_provider_is_ill_keeps_the_old_data(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for (status, body) in [
        (500, "broken"),
        (503, "{}"),
        (200, "<h1>OK</h1>"),
        (200, ""),
        (429, "{}"),
    ] {
        journey.provider.set(
            Endpoint::Userinfo,
            Answers::With(status, "application/json", body.to_owned()),
        );
        let page = journey
            .browser
            .visit(journey.url("/refresh"))
            .await
            .expect(200);
        assert!(
            page.has_alert("warning", ""),
            "{status} {body:?}: {:?}",
            page.alerts()
        );
        assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
        journey.assert_still_logged_in().await;
    }
    journey.provider.stop();
    let page = journey
        .browser
        .visit(journey.url("/refresh"))
        .await
        .expect(200);
    assert!(page.has_alert("warning", ""), "{:?}", page.alerts());
    journey.assert_still_logged_in().await;
}

async fn refreshing_keeps_the_old_data_when_the_answer_is_about_somebody_else(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for sub in [json!("somebody-else"), Value::Null] {
        journey
            .provider
            .set(Endpoint::Userinfo, Answers::member("sub", sub));
        let page = journey
            .browser
            .visit(journey.url("/refresh"))
            .await
            .expect(200);
        assert!(page.has_alert("warning", ""), "{:?}", page.alerts());
        journey.assert_still_logged_in().await;
    }
}

async fn refreshing_without_a_session_leads_home(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let browser = Browser::new();
    let answer = browser.open(journey.url("/refresh")).await.expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/"));
    assert_eq!(journey.provider.count(Endpoint::Userinfo), 0);
}
