//! Answers of real providers that the specification does not foresee. A deviation that endangers nobody does not
//! prevent a login; but no answer confirms an e-mail address that the provider has not confirmed.

use miracl_tests::{Adapter, Answers, Browser, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, assert_provider_ill, assert_refused};

scenarios![
    claims_that_are_null_are_absent,
    a_required_claim_that_is_null_is_missing,
    claims_that_nobody_asked_for_may_be_of_any_type,
    a_refreshed_id_token_with_null_or_another_time_of_authentication_ends_no_session,
    a_refreshed_id_token_with_another_nonce_ends_the_session,
    metadata_that_is_null_or_of_another_type_locks_nobody_out,
    metadata_that_is_needed_and_wrong_is_named_in_the_log,
    an_unusable_end_session_endpoint_blocks_no_login,
    keys_with_members_that_are_null_are_good,
    a_malformed_key_is_called_unreadable_in_the_log,
    a_key_for_the_tokens_of_another_issuer_is_no_key,
    a_repeated_member_of_userinfo_counts_if_its_values_agree,
    an_id_token_confirms_no_address_but_its_own,
    a_confirmation_without_an_address_confirms_nothing,
];

/// Changes members of a JSON answer; `null` stays `null`.
fn members(changes: Value) -> Answers {
    Answers::Changed(Box::new(move |json| {
        for (name, value) in changes.as_object().expect("an object") {
            json[name] = value.clone();
        }
    }))
}

async fn log_in_with(adapter: Adapter, endpoint: Endpoint, changes: Value) -> Journey {
    let journey = Journey::begin(adapter);
    journey.provider.set(endpoint, members(changes));
    journey.log_in().await;
    journey.assert_still_logged_in().await;
    journey
}

async fn claims_that_are_null_are_absent(adapter: Adapter) {
    let null = json!({
        "azp": null, "at_hash": null, "acr": null, "auth_time": null, "nbf": null, "sid": null, "c_hash": null,
    });
    log_in_with(adapter, Endpoint::IdToken, null).await;
}

async fn a_required_claim_that_is_null_is_missing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for claim in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
        let null = members(json!({ claim: null }));
        journey.provider.set(Endpoint::IdToken, null);
        let callback = journey.callback_url().await;
        assert_refused(&journey.browser.open(callback).await);
        journey.demo.wait_for_log(&format!("`{claim}` is missing"));
    }
    journey.assert_nobody().await;
}

async fn claims_that_nobody_asked_for_may_be_of_any_type(adapter: Adapter) {
    let odd =
        json!({ "acr": { "values": ["urn:example"] }, "auth_time": "yesterday", "sid": 4711 });
    let journey = log_in_with(adapter, Endpoint::IdToken, odd).await;
    // The number still names the session.
    let token = |sid: Value| {
        let token = move |claims: &mut Value, _: &mut Value| claims["sid"] = sid;
        journey.provider.logout_token(token)
    };
    for (sid, ends) in [(json!(4712), false), (json!(4711), true)] {
        let raw = token(sid);
        let fields = [("logout_token", &*raw)];
        let provider = Browser::new();
        let answer = provider.post(journey.url("/backchannel-logout"), &fields);
        answer.await.expect(200);
        assert_eq!(journey.subject().await.is_none(), ends);
    }
}

/// A user whose access token has expired, at a provider whose next ID token is changed.
async fn refreshed(adapter: Adapter, first: Value, then: Value) -> Journey {
    let journey = Journey::begin(adapter);
    journey.provider.give_refresh_tokens(0);
    journey.provider.set(Endpoint::IdToken, members(first));
    journey.log_in().await;
    journey.provider.set(Endpoint::IdToken, members(then));
    journey.browser.visit(journey.url("/refresh")).await;
    assert!(journey.provider.refreshes() > 0);
    journey
}

async fn a_refreshed_id_token_with_null_or_another_time_of_authentication_ends_no_session(
    adapter: Adapter,
) {
    let login = json!({ "auth_time": 1_700_000_000, "at_hash": null });
    for then in [
        json!({ "at_hash": null, "nonce": null, "auth_time": null, "azp": null, "sid": null }),
        json!({ "auth_time": 1_700_000_001 }),
    ] {
        let journey = refreshed(adapter, login.clone(), then).await;
        journey.assert_still_logged_in().await;
        assert!(!journey.demo.log().contains("is not this session's"));
    }
}

async fn a_refreshed_id_token_with_another_nonce_ends_the_session(adapter: Adapter) {
    let journey = refreshed(adapter, json!({}), json!({ "nonce": "another" })).await;
    journey.assert_nobody().await;
}

async fn metadata_that_is_null_or_of_another_type_locks_nobody_out(adapter: Adapter) {
    for changes in [
        json!({
            "end_session_endpoint": null, "token_endpoint_auth_methods_supported": null,
            "authorization_response_iss_parameter_supported": null, "scopes_supported": null,
        }),
        json!({
            "id_token_signing_alg_values_supported": "ES256", "scopes_supported": 7,
            "token_endpoint_auth_methods_supported": "client_secret_post",
            "authorization_response_iss_parameter_supported": "true",
        }),
        json!({ "id_token_signing_alg_values_supported": ["ESP256", null, 7] }),
    ] {
        log_in_with(adapter, Endpoint::Discovery, changes).await;
    }
}

async fn metadata_that_is_needed_and_wrong_is_named_in_the_log(adapter: Adapter) {
    for (name, value, said) in [
        ("token_endpoint", json!(null), "`token_endpoint` is missing"),
        (
            "jwks_uri",
            json!(["https://i"]),
            "`jwks_uri` is a JSON array",
        ),
    ] {
        let journey = Journey::begin(adapter);
        let changed = members(json!({ name: value }));
        journey.provider.set(Endpoint::Discovery, changed);
        let answer = journey.browser.open(journey.url("/login/start")).await;
        assert_provider_ill(&answer);
        journey.demo.wait_for_log(said);
    }
}

async fn an_unusable_end_session_endpoint_blocks_no_login(adapter: Adapter) {
    for url in [
        json!(""),
        json!("/out"),
        json!("http://i.example/out"),
        json!(7),
    ] {
        let changes = json!({ "end_session_endpoint": url });
        let journey = log_in_with(adapter, Endpoint::Discovery, changes).await;
        let answer = journey.browser.post(journey.url("/logout"), &[]).await;
        assert_eq!(answer.expect(303).location_path().as_deref(), Some("/"));
        journey.assert_nobody().await;
        assert_eq!(journey.provider.count(Endpoint::EndSession), 0);
        let said = "end_session_endpoint is no https URL";
        journey.demo.wait_for_log(said);
        assert_eq!(journey.demo.log().matches(said).count(), 1);
    }
}

/// Changes members of each published key.
fn keys(changes: Value) -> Answers {
    Answers::Changed(Box::new(move |set| {
        for key in set["keys"].as_array_mut().expect("keys") {
            for (name, value) in changes.as_object().expect("an object") {
                key[name] = value.clone();
            }
        }
    }))
}

async fn keys_with_members_that_are_null_are_good(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let null =
        keys(json!({ "use": null, "alg": null, "x5c": null, "key_ops": null, "issuer": null }));
    journey.provider.set(Endpoint::Jwks, null);
    journey.log_in().await;
    journey.assert_still_logged_in().await;
}

async fn refused_for_its_key(adapter: Adapter, changes: Value, said: &str) {
    let journey = Journey::begin(adapter);
    journey.provider.set(Endpoint::Jwks, keys(changes));
    let callback = journey.callback_url().await;
    assert_refused(&journey.browser.open(callback).await);
    journey.assert_nobody().await;
    journey.demo.wait_for_log(said);
    let log = journey.demo.log();
    assert!(!log.contains("attack"), "{log}");
}

async fn a_malformed_key_is_called_unreadable_in_the_log(adapter: Adapter) {
    for changes in [
        json!({ "y": null }),
        json!({ "x": "AAAA" }),
        json!({ "crv": 256 }),
    ] {
        refused_for_its_key(adapter, changes, "is unreadable").await;
    }
}

async fn a_key_for_the_tokens_of_another_issuer_is_no_key(adapter: Adapter) {
    for issuer in ["https://other.example", "https://other.example/{tenantid}"] {
        let changes = json!({ "issuer": issuer });
        refused_for_its_key(adapter, changes, "for the tokens of another issuer").await;
    }
    let journey = Journey::begin(adapter);
    let own = keys(json!({ "issuer": journey.provider.issuer() }));
    journey.provider.set(Endpoint::Jwks, own);
    journey.log_in().await;
}

async fn a_repeated_member_of_userinfo_counts_if_its_values_agree(adapter: Adapter) {
    let body = |second: &str| {
        let sub = Provider::SUBJECT;
        let body = format!(r#"{{"sub":"{sub}","name":"First","sub":"{second}","name":"Last"}}"#);
        Answers::With(200, "application/json", body)
    };
    let journey = Journey::begin(adapter);
    journey
        .provider
        .set(Endpoint::Userinfo, body(Provider::SUBJECT));
    journey.log_in().await;
    let me = journey.browser.fetch(journey.url("/me")).await.json();
    assert_eq!(me["name"], "Last");
    let journey = Journey::begin(adapter);
    journey
        .provider
        .set(Endpoint::Userinfo, body("somebody-else"));
    let callback = journey.callback_url().await;
    assert_provider_ill(&journey.browser.open(callback).await);
    journey.demo.wait_for_log("the member `sub` twice");
}

/// Fails unless this address is shown everywhere, and everywhere as confirmed or as not confirmed.
async fn assert_address(journey: &Journey, email: &str, verified: bool) {
    let me = journey.browser.fetch(journey.url("/me")).await.json();
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!(email), &json!(verified))
    );
    let home = journey.home().await;
    assert!(home.body.contains(email));
    assert_eq!(home.body.contains("confirmed"), verified, "{}", home.body);
}

async fn an_id_token_confirms_no_address_but_its_own(adapter: Adapter) {
    let confirmed = || members(json!({ "email": "alice@a.example", "email_verified": true }));
    let says = |email: &str| json!({ "sub": Provider::SUBJECT, "email": email });
    let journey = Journey::begin(adapter);
    journey.provider.set(Endpoint::IdToken, confirmed());
    journey.provider.set_userinfo(says("victim@v.example"));
    journey.log_in().await;
    assert_address(&journey, "victim@v.example", false).await;

    // The very same address stays confirmed until it changes.
    let journey = Journey::begin(adapter);
    journey.provider.set(Endpoint::IdToken, confirmed());
    journey.provider.set_userinfo(says("alice@a.example"));
    journey.log_in().await;
    assert_address(&journey, "alice@a.example", true).await;
    journey.provider.set_userinfo(says("victim@v.example"));
    journey
        .browser
        .visit(journey.url("/refresh"))
        .await
        .expect(200);
    assert_address(&journey, "victim@v.example", false).await;
}

async fn a_confirmation_without_an_address_confirms_nothing(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let unconfirmed = members(json!({ "email": "victim@v.example" }));
    journey.provider.set(Endpoint::IdToken, unconfirmed);
    let userinfo = json!({ "sub": Provider::SUBJECT, "email_verified": true, "email": null });
    journey.provider.set_userinfo(userinfo);
    journey.log_in().await;
    assert_address(&journey, "victim@v.example", false).await;
}
