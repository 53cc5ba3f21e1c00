//! A provider whose metadata is not where its issuer is: Oracle, Azure AD B2C, FusionAuth, Apple, and Keycloak inside a
//! network.

use miracl_tests::{Adapter, Answers, Browser, Demo, DemoBuilder, Endpoint, Provider, scenarios};
use serde_json::json;

use crate::journey::{Journey, assert_provider_ill, assert_refused, with_parameter};

scenarios![
    metadata_at_another_address_is_found_and_its_issuer_counts_everywhere,
    the_metadata_may_name_another_issuer_and_tokens_may_not,
    the_document_of_another_issuer_says_which_settings_help,
    plain_http_inside_a_network_needs_the_danger_setting,
];

/// FusionAuth's default issuer, which is no URL at all.
const ISSUER: &str = "acme.example";

fn metadata_url(provider: &Provider) -> String {
    format!("{}/.well-known/openid-configuration", provider.issuer())
}

/// A provider that calls itself `document` in its metadata, and `token` in its ID tokens.
fn provider(document: &'static str, token: &'static str) -> Provider {
    let provider = Provider::start();
    provider.set(
        Endpoint::Discovery,
        Answers::member("issuer", json!(document)),
    );
    provider.set(Endpoint::IdToken, Answers::member("iss", json!(token)));
    provider
}

fn begin(adapter: Adapter, provider: Provider, issuer: &str) -> Journey {
    let demo = Demo::of(adapter, &provider)
        .env("ISSUER", issuer)
        .env("METADATA_URL", &metadata_url(&provider));
    Journey {
        demo: demo.start(),
        provider,
        browser: Browser::new(),
    }
}

/// Logs in as far as the callback, and sets its `iss`.
async fn callback(journey: &Journey, iss: &str) -> miracl_tests::Answer {
    let callback = journey.callback_url().await;
    let callback = with_parameter(&callback, "iss", Some(iss));
    journey.browser.open(callback).await
}

async fn metadata_at_another_address_is_found_and_its_issuer_counts_everywhere(adapter: Adapter) {
    for issuer in [ISSUER, "https://identity.example/"] {
        let journey = begin(adapter, provider(issuer, issuer), issuer);
        let other = journey.provider.issuer();
        assert_refused(&callback(&journey, &other).await);
        callback(&journey, issuer).await.expect(303);
        journey.assert_still_logged_in().await;
        // RFC 9207, a login that a third party initiates, and a logout token: all go by the name in the tokens.
        let stranger = Browser::new();
        for (iss, status) in [(issuer, 303), (&*other, 400)] {
            let fields = [("iss", iss)];
            let answer = stranger.post(journey.url("/login/initiate"), &fields);
            assert_eq!(answer.await.status, status, "{iss}");
        }
        for (iss, status) in [(&*other, 400), (issuer, 200)] {
            let token = journey.provider.logout_token(|claims, _| {
                claims["iss"] = json!(iss);
                claims["sub"] = json!(Provider::SUBJECT);
                // Later than the login, which may have been in any second.
                claims["iat"] = json!(claims["iat"].as_u64().map(|now| now + 1));
            });
            let fields = [("logout_token", &*token)];
            let answer = stranger.post(journey.url("/backchannel-logout"), &fields);
            assert_eq!(answer.await.status, status, "{iss}");
        }
        journey.assert_nobody().await;
    }
}

async fn the_metadata_may_name_another_issuer_and_tokens_may_not(adapter: Adapter) {
    // As Apple did for some days.
    let journey = begin(adapter, provider("https://new.example", ISSUER), ISSUER);
    callback(&journey, ISSUER).await.expect(303);
    journey.assert_still_logged_in().await;
    journey.demo.wait_for_log("names another issuer");
    for token in ["https://new.example", "acme.example/", "Acme.example"] {
        let journey = begin(adapter, provider("https://new.example", token), ISSUER);
        assert_refused(&callback(&journey, ISSUER).await);
        journey.assert_nobody().await;
    }
}

async fn the_document_of_another_issuer_says_which_settings_help(adapter: Adapter) {
    let provider = provider(ISSUER, ISSUER);
    let journey = Journey {
        demo: Demo::start(adapter, &provider),
        provider,
        browser: Browser::new(),
    };
    assert_provider_ill(&journey.browser.open(journey.url("/login/start")).await);
    journey.demo.wait_for_log("metadata_url");
}

async fn plain_http_inside_a_network_needs_the_danger_setting(adapter: Adapter) {
    let provider = Provider::start();
    // The name that other services of a Compose file use.
    let inside = |demo: DemoBuilder| {
        demo.env("ISSUER", "https://login.example/realms/app")
            .env("METADATA_URL", "http://keycloak.invalid:8080/realms/app")
    };
    let refused = inside(Demo::of(adapter, &provider))
        .try_start()
        .map(|demo| demo.log())
        .expect_err("a start that should have been refused");
    assert!(refused.log.contains("METADATA_URL"), "{refused}");
    assert!(refused.log.contains("danger_allow_http"), "{refused}");
    let demo = inside(Demo::of(adapter, &provider)).env("DANGER_ALLOW_HTTP", "1");
    let demo = demo.start();
    demo.wait_for_log("plain http is allowed");
    // The metadata is fetched from there, and from nowhere else.
    let answer = Browser::new().open(demo.url("/login/start")).await;
    assert_provider_ill(&answer);
    assert_eq!(provider.count(Endpoint::Discovery), 0);
}
