//! A person logs out: here first, then at the provider.

use miracl_tests::{Adapter, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::{Value, json};
use url::Url;

use crate::journey::{Journey, parameter, subject};

scenarios![
    a_form_field_that_names_a_method_ends_nothing_from_another_site,
    a_page_that_leads_on_is_no_answer_to_an_image_or_a_prefetch,
    logging_out_ends_the_session_here_and_at_the_provider,
    a_get_asks_for_confirmation,
    the_confirmation_logs_out,
    logging_out_works_while_the_provider_is_away,
    without_a_logout_endpoint_the_way_leads_home,
    the_apps_own_parameters_go_to_the_provider,
    an_id_token_too_long_for_a_url_is_not_sent,
    a_log_out_without_a_session_reaches_the_provider,
    a_double_click_and_a_second_tab_log_out_at_the_provider_too,
    a_session_that_has_run_out_logs_out_at_the_provider_too,
    a_head_and_a_prefetch_of_the_log_out_end_nothing,
    the_signed_out_page_leads_home_with_any_state,
    logging_in_again_works,
    a_copied_cookie_is_dead_after_the_logout,
];

async fn logging_out_ends_the_session_here_and_at_the_provider(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let answer = journey
        .browser
        .post(journey.url("/logout"), &[])
        .await
        .expect(303);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    journey.assert_nobody().await;
    let url = answer.location().expect("a location");
    assert!(
        url.as_str()
            .starts_with(&format!("{}/end-session?", journey.provider.issuer())),
        "{url}"
    );
    assert_eq!(
        parameter(&url, "client_id").as_deref(),
        Some(Provider::CLIENT_ID)
    );
    assert_eq!(
        parameter(&url, "post_logout_redirect_uri"),
        Some(journey.url("/signed-out"))
    );
    assert!(
        parameter(&url, "id_token_hint").is_some_and(|token| token.split('.').count() == 3),
        "{url}"
    );
    assert!(
        parameter(&url, "state").is_some_and(|state| !state.is_empty()),
        "{url}"
    );
    let page = journey.browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    assert!(!page.body.contains(Provider::EMAIL), "{}", page.body);
    journey.home().await;
    let left: Vec<_> = journey.browser.cookies();
    assert!(left.is_empty(), "cookies are left: {left:?}");
}

async fn a_get_asks_for_confirmation(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let page = journey
        .browser
        .open(journey.url("/logout"))
        .await
        .expect(200);
    assert!(
        page.forms().iter().any(|form| form.method == "post"),
        "{}",
        page.body
    );
    journey.assert_still_logged_in().await;
    assert!(page.is_no_store(), "{:?}", page.headers);
}

async fn the_confirmation_logs_out(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let page = journey
        .browser
        .open(journey.url("/logout"))
        .await
        .expect(200);
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.method == "post")
        .expect("a form");
    let page = journey.browser.submit(&page, &form).await;
    let page = journey.browser.follow(page).await.expect(200);
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    journey.assert_nobody().await;
}

async fn logging_out_works_while_the_provider_is_away(adapter: Adapter) {
    let mut journey = Journey::logged_in(adapter).await;
    journey.provider.stop();
    // Nothing about the provider is known from before.
    journey.demo.restart();
    let answer = journey
        .browser
        .post(journey.url("/logout"), &[])
        .await
        .expect(303);
    journey.assert_nobody().await;
    assert!(answer.location().is_some());
}

async fn without_a_logout_endpoint_the_way_leads_home(adapter: Adapter) {
    let provider = Provider::start();
    provider.set(
        Endpoint::Discovery,
        Answers::member("end_session_endpoint", Value::Null),
    );
    let journey = Journey {
        demo: Demo::start(adapter, &provider),
        provider,
        browser: Browser::new(),
    };
    journey.log_in().await;
    let answer = journey
        .browser
        .post(journey.url("/logout"), &[])
        .await
        .expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/"));
    let page = journey.browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    journey.assert_nobody().await;
}

async fn the_apps_own_parameters_go_to_the_provider(adapter: Adapter) {
    let parameters = "logout_uri=https%3A%2F%2Fapp.example%2F%3Fa%3D1&federated=";
    let journey = Journey::begin_with(adapter, &[("END_SESSION_PARAMETERS", parameters)]);
    journey.log_in().await;
    let answer = journey.browser.post(journey.url("/logout"), &[]).await;
    journey.browser.follow(answer).await.expect(200);
    let received = &journey.provider.received(Endpoint::EndSession)[0].parameters;
    assert_eq!(received["logout_uri"], "https://app.example/?a=1");
    assert_eq!(received["federated"], "");
    assert_eq!(received["client_id"], Provider::CLIENT_ID);
    assert!(received.contains_key("id_token_hint"));
}

async fn an_id_token_too_long_for_a_url_is_not_sent(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    journey.provider.set(
        Endpoint::IdToken,
        Answers::member("padding", json!("x".repeat(3200))),
    );
    journey.log_in().await;
    let answer = journey.browser.post(journey.url("/logout"), &[]).await;
    let url = answer.location().expect("a location");
    assert!(url.as_str().len() < 4096, "{url}");
    assert_eq!(parameter(&url, "id_token_hint"), None);
    assert_eq!(
        parameter(&url, "client_id").as_deref(),
        Some(Provider::CLIENT_ID)
    );
    assert_eq!(
        parameter(&url, "post_logout_redirect_uri"),
        Some(journey.url("/signed-out"))
    );
    journey.browser.follow(answer).await.expect(200);
    journey.assert_nobody().await;
}

async fn a_log_out_without_a_session_reaches_the_provider(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let answer = journey.browser.open(journey.url("/logout")).await;
    assert_eq!(answer.expect(303).location_path().as_deref(), Some("/"));
    // They may be logged in at the provider, and then the next login would not ask them.
    let url = post(&journey.browser, &journey).await;
    assert_eq!(parameter(&url, "id_token_hint"), None);
    let page = journey.browser.visit(url).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    let alerts = page.alerts();
    assert!(alerts.is_empty(), "nobody was logged out: {alerts:?}");
    // Nothing about the provider is known from before.
    let mut journey = journey;
    journey.demo.restart();
    post(&journey.browser, &journey).await;
}

/// Logs out, and returns the address that the browser is sent to: the provider's.
async fn post(browser: &Browser, journey: &Journey) -> Url {
    let answer = browser.post(journey.url("/logout"), &[]).await.expect(303);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    let url = answer.location().expect("a location");
    let end = format!("{}/end-session?", journey.provider.issuer());
    assert!(url.as_str().starts_with(&end), "{url}");
    let client = parameter(&url, "client_id");
    assert_eq!(client.as_deref(), Some(Provider::CLIENT_ID));
    let back = parameter(&url, "post_logout_redirect_uri");
    assert_eq!(back, Some(journey.url("/signed-out")));
    assert!(parameter(&url, "state").is_some_and(|state| !state.is_empty()));
    url
}

async fn a_double_click_and_a_second_tab_log_out_at_the_provider_too(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    // The second click comes with the cookies of the first.
    let second = journey.browser.copy();
    let url = post(&journey.browser, &journey).await;
    assert!(parameter(&url, "id_token_hint").is_some(), "{url}");
    let url = post(&second, &journey).await;
    let page = second.visit(url).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    assert_eq!(subject(&second, &journey.demo).await, None);
    // Another tab still shows the button, without a cookie.
    post(&journey.browser, &journey).await;
    journey.assert_nobody().await;
}

async fn a_session_that_has_run_out_logs_out_at_the_provider_too(adapter: Adapter) {
    let settings = [("SESSION_IDLE_TIMEOUT", "1")];
    let journey = Journey::begin_with(adapter, &settings);
    let callback = journey.callback_url().await;
    journey.browser.open(callback).await.expect(303);
    // The browser keeps its cookies, as one with a wrong clock does. Each question would move the deadline.
    let kept = journey.browser.copy();
    let begun = kept.cookies();
    while journey.subject().await.is_some() {
        journey.browser.clear();
        for cookie in &begun {
            journey.browser.keep(cookie.clone());
        }
    }
    let url = post(&kept, &journey).await;
    kept.visit(url).await.expect(200);
    assert!(journey.subject().await.is_none());
}

async fn a_head_and_a_prefetch_of_the_log_out_end_nothing(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let url = journey.url("/logout");
    let head = journey
        .browser
        .send(Request::navigate(&url).method("HEAD"))
        .await;
    assert!(
        head.status < 500 && head.set_cookies().is_empty(),
        "{head:?}"
    );
    let prefetch = journey
        .browser
        .send(Request::navigate(&url).header("sec-purpose", "prefetch"))
        .await;
    assert!(
        prefetch.status == 503 && prefetch.set_cookies().is_empty(),
        "{prefetch:?}"
    );
    journey.assert_still_logged_in().await;
}

async fn the_signed_out_page_leads_home_with_any_state(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    for query in [
        "",
        "?state=",
        "?state=made-up",
        "?state=a&state=b",
        "?state=%00%ff",
        "?error=x",
    ] {
        let answer = journey
            .browser
            .open(journey.url(&format!("/signed-out{query}")))
            .await
            .expect(303);
        assert_eq!(answer.location_path().as_deref(), Some("/"), "{query}");
    }
    journey.assert_still_logged_in().await;
}

async fn logging_in_again_works(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let answer = journey.browser.post(journey.url("/logout"), &[]).await;
    journey.browser.follow(answer).await.expect(200);
    let page = journey.log_in().await;
    assert!(
        !page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    journey.assert_still_logged_in().await;
}

async fn a_copied_cookie_is_dead_after_the_logout(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let stolen = journey.browser.copy();
    assert!(subject(&stolen, &journey.demo).await.is_some());
    journey
        .browser
        .post(journey.url("/logout"), &[])
        .await
        .expect(303);
    assert_eq!(subject(&stolen, &journey.demo).await, None);
    for path in ["/members", "/refresh"] {
        stolen.open(journey.url(path)).await.expect(303);
    }
    // Another session of the same person is not ended.
    let other = Browser::new();
    crate::journey::log_in(&other, &journey.demo).await;
    assert_eq!(subject(&stolen, &journey.demo).await, None);
}

async fn a_form_field_that_names_a_method_ends_nothing_from_another_site(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    // Rocket takes the method from such a field. Whatever it makes of it, nobody is logged out.
    for method in [
        "get", "head", "put", "patch", "delete", "options", "trace", "connect", "post",
    ] {
        for path in ["/logout", "/devices/end-others", "/refresh"] {
            let form = [("_method", method)];
            let post = Request::form(journey.url(path), &form);
            let post = post.from_page("https://evil.example/");
            let answer = match journey.browser.try_send(post).await {
                Ok(answer) => answer,
                // Rocket leaves out the body of what it takes for a `HEAD`, and the client waits for it.
                Err(_) if method == "head" => continue,
                Err(error) => panic!("{method} {path}: {error}"),
            };
            let changes = ["post", "put", "patch", "delete", "connect"].contains(&method);
            assert!(
                !changes || matches!(answer.status, 403..=405),
                "{method} {path}: {answer:?}"
            );
        }
        journey.assert_still_logged_in().await;
    }
    assert_eq!(journey.provider.count(Endpoint::EndSession), 0);
}

async fn a_page_that_leads_on_is_no_answer_to_an_image_or_a_prefetch(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let turbo = [("x-turbo-request-id", "1")];
    let post = Request::form(journey.url("/logout"), &[]).header(turbo[0].0, turbo[0].1);
    let own = journey.browser.send(post).await.expect(303);
    let own = own.location().expect("the page that leads on");
    let get = |headers: &[(&'static str, &str)]| {
        let request = Request::fetch(&own);
        headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    };
    for headers in [
        &[("sec-fetch-dest", "image"), ("sec-fetch-mode", "no-cors")][..],
        &[("sec-fetch-dest", "iframe"), ("sec-fetch-mode", "navigate")],
        &[("x-turbo-request-id", "1"), ("x-sec-purpose", "prefetch")],
    ] {
        let answer = journey.browser.send(get(headers)).await;
        let onward = answer
            .location()
            .is_some_and(|to| to.as_str().contains("id_token_hint"));
        assert!(
            !onward && !answer.body.contains("id_token_hint"),
            "{answer:?}"
        );
    }
    let page = journey.browser.send(get(&turbo)).await.expect(200);
    assert!(page.body.contains("id_token_hint"), "{}", page.body);
}
