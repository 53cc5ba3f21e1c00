//! Log-out by the provider, server to server (OpenID Connect Back-Channel Logout 1.0).

use miracl_tests::{
    Adapter, Answer, Answers, Browser, Demo, Endpoint, Provider, Request, scenarios,
};
use serde_json::{Value, json};

use crate::journey::{Journey, log_in, subject};

scenarios![
    a_sid_ends_its_own_session_and_no_other,
    a_subject_ends_every_session_of_that_person,
    a_login_after_the_token_lives,
    a_sid_beside_a_person_ends_no_session_of_somebody_else,
    a_person_beside_a_sid_ends_their_sessions_that_have_none,
    a_copied_cookie_is_dead_as_well,
    a_response_that_comes_late_does_not_bring_the_session_back,
    an_unknown_session_is_no_error,
    a_token_is_used_once,
    a_wrong_token_is_refused_and_ends_nothing,
    a_token_signed_by_another_key_or_algorithm_is_refused,
    an_id_token_is_no_logout_token_and_the_other_way_round,
    a_request_that_is_no_form_of_one_token_is_refused,
    the_route_takes_no_other_method,
    the_route_works_across_sites_and_without_cookies,
    a_new_signing_key_is_found,
    a_storm_of_unknown_keys_leaves_a_login_its_own_fetch,
    strict_rules_require_typ_and_lenient_ones_do_without_exp,
];

/// A journey whose logins belong to a session of this name at the provider.
async fn logged_in(adapter: Adapter, sid: &'static str) -> Journey {
    let journey = Journey::begin(adapter);
    with_sid(&journey, sid);
    journey.log_in().await;
    journey
}

fn with_sid(journey: &Journey, sid: &str) {
    let sid = json!(sid);
    let claims = Answers::Changed(Box::new(move |claims| claims["sid"] = sid.clone()));
    journey.provider.set(Endpoint::IdToken, claims);
}

/// Posts a logout token as a provider does: no browser, no cookie.
async fn post(demo: &Demo, token: &str) -> Answer {
    let form = format!("logout_token={token}");
    let request = Request::script(demo.url("/backchannel-logout"))
        .method("POST")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(&form);
    let answer = Browser::new().send(request).await;
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    assert_eq!(answer.set_cookies().len(), 0);
    answer
}

pub(crate) async fn accepted(demo: &Demo, token: &str) {
    let answer = post(demo, token).await.expect(200);
    assert_eq!(answer.body, "");
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["error"], "invalid_request");
    assert!(answer.json()["error_description"].is_string());
}

fn of(claim: &'static str, value: &str) -> impl FnOnce(&mut Value, &mut Value) + use<> {
    let value = json!(value);
    move |claims, _| claims[claim] = value
}

async fn a_sid_ends_its_own_session_and_no_other(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    with_sid(&journey, "second");
    let other = Browser::new();
    log_in(&other, &journey.demo).await;
    let token = journey.provider.logout_token(|claims, _| {
        claims["sid"] = json!("first");
        claims["sub"] = json!(Provider::SUBJECT);
    });
    accepted(&journey.demo, &token).await;
    journey.assert_nobody().await;
    assert!(subject(&other, &journey.demo).await.is_some());
}

async fn a_subject_ends_every_session_of_that_person(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    with_sid(&journey, "second");
    let other = Browser::new();
    log_in(&other, &journey.demo).await;
    let stranger = journey.provider.logout_token(of("sub", "somebody-else"));
    accepted(&journey.demo, &stranger).await;
    journey.assert_still_logged_in().await;
    let token = journey.provider.logout_token(of("sub", Provider::SUBJECT));
    accepted(&journey.demo, &token).await;
    journey.assert_nobody().await;
    assert_eq!(subject(&other, &journey.demo).await, None);
}

async fn a_login_after_the_token_lives(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    // Also within the same second, and if the provider continues the same session.
    for claim in [("sub", Provider::SUBJECT), ("sid", "first")].repeat(2) {
        let token = journey.provider.logout_token(of(claim.0, claim.1));
        accepted(&journey.demo, &token).await;
        journey.assert_nobody().await;
        journey.log_in().await;
        journey.assert_still_logged_in().await;
    }
}

async fn a_sid_beside_a_person_ends_no_session_of_somebody_else(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let token = journey.provider.logout_token(|claims, _| {
        claims["sid"] = json!("first");
        claims["sub"] = json!("somebody-else");
    });
    accepted(&journey.demo, &token).await;
    journey.assert_still_logged_in().await;
    let token = journey.provider.logout_token(|claims, _| {
        claims["sid"] = json!("first");
        claims["sub"] = json!(Provider::SUBJECT);
    });
    accepted(&journey.demo, &token).await;
    journey.assert_nobody().await;
}

async fn a_person_beside_a_sid_ends_their_sessions_that_have_none(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    with_sid(&journey, "second");
    let other = Browser::new();
    log_in(&other, &journey.demo).await;
    for (sub, lives) in [("somebody-else", true), (Provider::SUBJECT, false)] {
        let token = journey.provider.logout_token(|claims, _| {
            claims["sid"] = json!("first");
            claims["sub"] = json!(sub);
        });
        accepted(&journey.demo, &token).await;
        assert_eq!(journey.subject().await.is_some(), lives, "{sub}");
        let other = subject(&other, &journey.demo).await;
        assert!(other.is_some(), "their session of another sid was ended");
    }
    // Later logins live, with a `sid` and without.
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    journey.provider.set(Endpoint::IdToken, Answers::Well);
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn a_copied_cookie_is_dead_as_well(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let copy = journey.browser.copy();
    accepted(
        &journey.demo,
        &journey.provider.logout_token(of("sid", "first")),
    )
    .await;
    for path in ["/me", "/whoami"] {
        assert_eq!(copy.fetch(journey.url(path)).await.status, 401, "{path}");
    }
    copy.open(journey.url("/members")).await.expect(303);
}

async fn a_response_that_comes_late_does_not_bring_the_session_back(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let copy = journey.browser.copy();
    let before = journey.provider.count(Endpoint::Userinfo);
    let late = Answers::Late(std::time::Duration::from_millis(700));
    journey.provider.set(Endpoint::Userinfo, late);
    let refresh = journey.browser.open(journey.url("/refresh"));
    let log_out = async {
        while journey.provider.count(Endpoint::Userinfo) == before {
            tokio::task::yield_now().await;
        }
        accepted(
            &journey.demo,
            &journey.provider.logout_token(of("sid", "first")),
        )
        .await;
    };
    tokio::join!(refresh, log_out);
    journey.assert_nobody().await;
    assert_eq!(subject(&copy, &journey.demo).await, None);
}

async fn an_unknown_session_is_no_error(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    accepted(
        &journey.demo,
        &journey.provider.logout_token(of("sid", "nobody's")),
    )
    .await;
    accepted(
        &journey.demo,
        &journey.provider.logout_token(of("sub", "nobody")),
    )
    .await;
}

async fn a_token_is_used_once(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let token = journey.provider.logout_token(of("sub", Provider::SUBJECT));
    accepted(&journey.demo, &token).await;
    journey.log_in().await;
    assert_refused(&post(&journey.demo, &token).await);
    journey.assert_still_logged_in().await;
}

async fn a_wrong_token_is_refused_and_ends_nothing(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([Provider::CLIENT_ID, "a-stranger"])),
        ("aud", Value::Null),
        ("iat", Value::Null),
        ("iat", json!("now")),
        ("iat", json!(1_700_000_000)),
        ("iat", json!(4_000_000_000_u64)),
        ("exp", json!(1_700_000_000)),
        ("exp", Value::Null),
        ("jti", Value::Null),
        ("jti", json!(7)),
        ("nonce", json!("a-nonce")),
        ("events", Value::Null),
        ("events", json!({ "http://example.com/another": {} })),
        ("events", json!([event])),
        ("events", json!({ event: true })),
        ("sid", Value::Null),
        ("sid", json!(["first"])),
    ] {
        let token = journey.provider.logout_token(|claims, _| {
            claims["sid"] = json!("first");
            match &value {
                Value::Null => drop(claims.as_object_mut().map(|object| object.remove(claim))),
                value => claims[claim] = value.clone(),
            }
        });
        assert_refused(&post(&journey.demo, &token).await);
        journey.assert_still_logged_in().await;
    }
}

async fn a_token_signed_by_another_key_or_algorithm_is_refused(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let good = journey.provider.logout_token(of("sid", "first"));
    let stranger = Provider::start();
    let issuer = journey.provider.issuer();
    let forged = stranger.logout_token(|claims, _| {
        claims["iss"] = json!(issuer);
        claims["sid"] = json!("first");
    });
    let with_algorithm = |name: &'static str| {
        journey.provider.logout_token(|claims, header| {
            claims["sid"] = json!("first");
            header["alg"] = json!(name);
        })
    };
    let (signed, _) = good.rsplit_once('.').expect("a token");
    let unsigned = with_algorithm("none");
    let (unsigned, _) = unsigned.rsplit_once('.').expect("a token");
    for token in [
        forged,
        with_algorithm("RS256"),
        with_algorithm("HS256"),
        format!("{unsigned}."),
        format!("{signed}."),
        signed.to_owned(),
        "hello".to_owned(),
        String::new(),
    ] {
        assert_refused(&post(&journey.demo, &token).await);
        journey.assert_still_logged_in().await;
    }
    accepted(&journey.demo, &good).await;
    journey.assert_nobody().await;
}

async fn an_id_token_is_no_logout_token_and_the_other_way_round(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let id_token = journey.provider.id_tokens().pop().expect("one was issued");
    assert_refused(&post(&journey.demo, &id_token).await);
    journey.assert_still_logged_in().await;

    let logout_token = journey.provider.logout_token(|claims, _| {
        claims["sub"] = json!(Provider::SUBJECT);
        claims["sid"] = json!("first");
    });
    let answer = Answers::member("id_token", json!(logout_token));
    journey.provider.set(Endpoint::Token, answer);
    let browser = Browser::new();
    let refused = browser.visit(journey.url("/login/start")).await;
    crate::journey::assert_refused(&refused);
}

async fn a_request_that_is_no_form_of_one_token_is_refused(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let token = journey.provider.logout_token(of("sid", "first"));
    let form = "application/x-www-form-urlencoded";
    let long = format!("logout_token={token}&padding={}", "x".repeat(70 * 1024));
    for (kind, body) in [
        (form, String::new()),
        (form, "logout_tokens=a.b.c".to_owned()),
        (form, format!("logout_token={token}&logout_token={token}")),
        (
            "application/json",
            format!("{{\"logout_token\":\"{token}\"}}"),
        ),
        ("text/plain", format!("logout_token={token}")),
        (form, long),
    ] {
        let request = Request::script(journey.url("/backchannel-logout"))
            .method("POST")
            .header("content-type", kind)
            .body(&body);
        let answer = Browser::new().send(request).await;
        assert_refused(&answer);
        assert!(answer.is_no_store());
    }
    let in_the_address = format!("/backchannel-logout?logout_token={token}");
    let request = Request::script(journey.url(&in_the_address)).method("POST");
    assert_refused(&Browser::new().send(request).await);
    journey.assert_still_logged_in().await;
}

async fn the_route_takes_no_other_method(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let token = journey.provider.logout_token(of("sid", "first"));
    let url = journey.url(&format!("/backchannel-logout?logout_token={token}"));
    let answer = Browser::new().send(Request::script(url)).await;
    assert_eq!(answer.status, adapter.wrong_method);
    journey.assert_still_logged_in().await;
}

async fn the_route_works_across_sites_and_without_cookies(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let token = journey.provider.logout_token(of("sid", "first"));
    // Some providers send the user agent of a browser, and one sends an empty one.
    let fields = [("logout_token", &*token), ("more", "ignored")];
    let request = Request::form(journey.url("/backchannel-logout"), &fields)
        .from_page("https://provider.example/")
        .header("user-agent", "");
    Browser::new().send(request).await.expect(200);
    journey.assert_nobody().await;
}

async fn a_new_signing_key_is_found(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    journey.provider.rotate_key("second");
    accepted(
        &journey.demo,
        &journey.provider.logout_token(of("sid", "first")),
    )
    .await;
    journey.assert_nobody().await;
}

async fn a_storm_of_unknown_keys_leaves_a_login_its_own_fetch(adapter: Adapter) {
    let journey = logged_in(adapter, "first").await;
    let before = journey.provider.count(Endpoint::Jwks);
    for number in 0..100 {
        let token = journey.provider.logout_token(|claims, header| {
            claims["sid"] = json!("first");
            header["kid"] = json!(format!("unknown-{number}"));
        });
        assert_refused(&post(&journey.demo, &token).await);
    }
    let fetched = journey.provider.count(Endpoint::Jwks) - before;
    assert!(fetched <= 3, "{fetched} fetches for 100 forged tokens");
    journey.assert_still_logged_in().await;
    journey.provider.rotate_key("really-new");
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn strict_rules_require_typ_and_lenient_ones_do_without_exp(adapter: Adapter) {
    for (rules, untyped, endless) in [
        ("final", 200, 400),
        ("strict", 400, 400),
        ("lenient", 200, 200),
    ] {
        let provider = Provider::start();
        let demo = Demo::of(adapter, &provider)
            .env("LOGOUT_TOKEN_RULES", rules)
            .start();
        let token = provider.logout_token(|claims, header| {
            claims["sid"] = json!("any");
            header.as_object_mut().map(|object| object.remove("typ"));
        });
        assert_eq!(post(&demo, &token).await.status, untyped, "{rules}");
        let token = provider.logout_token(|claims, _| {
            claims["sid"] = json!("any");
            claims.as_object_mut().map(|object| object.remove("exp"));
        });
        assert_eq!(post(&demo, &token).await.status, endless, "{rules}");
    }
}
