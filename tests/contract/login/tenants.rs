//! One discovery document for many tenants, as Entra's `common` has it: each token names its tenant's issuer.

use miracl_tests::{Adapter, Answers, Browser, Demo, DemoBuilder, Endpoint, Provider, scenarios};
use serde_json::{Value, json};

use crate::journey::{Journey, assert_provider_ill, assert_refused};

scenarios![
    a_person_of_any_tenant_logs_in_and_the_issuer_is_their_own,
    a_token_that_names_another_tenant_than_its_issuer_is_refused,
    only_the_tenants_that_are_listed_may_log_in,
    a_template_that_was_not_asked_for_is_another_issuer,
    a_third_party_may_name_a_tenant_that_may_log_in,
    a_key_that_is_published_for_a_tenant_signs_for_that_tenant_alone,
];

const TENANT: &str = "9122040d-6c67-4c5b-b112-36a304b66dad";

/// A provider whose metadata has a template for its issuer, and whose tokens are those of one tenant.
fn provider(tid: Value, issued_by: &str) -> Provider {
    let provider = Provider::start();
    let template = json!(format!("{}/{{tenantid}}/v2.0", provider.issuer()));
    let issuer = json!(format!("{}/{issued_by}/v2.0", provider.issuer()));
    let document = Answers::Changed(Box::new(move |document| {
        document["issuer"] = template.clone();
        document["authorization_response_iss_parameter_supported"] = json!(false);
    }));
    provider.set(Endpoint::Discovery, document);
    let token = Answers::Changed(Box::new(move |claims| {
        claims["iss"] = issuer.clone();
        claims["tid"] = tid.clone();
    }));
    provider.set(Endpoint::IdToken, token);
    provider
}

fn begin(
    adapter: Adapter,
    provider: Provider,
    set: impl Fn(DemoBuilder) -> DemoBuilder,
) -> Journey {
    let template = format!("{}/{{tenantid}}/v2.0", provider.issuer());
    let demo = Demo::of(adapter, &provider).env("ISSUER_TEMPLATE", &template);
    Journey {
        demo: set(demo).start(),
        provider,
        browser: Browser::new(),
    }
}

/// Logs in as far as the callback, without `iss`: a provider of many tenants sends none.
async fn callback(journey: &Journey) -> miracl_tests::Answer {
    let callback = journey.callback_url().await;
    let callback = crate::journey::with_parameter(&callback, "iss", None);
    journey.browser.open(callback).await
}

async fn a_person_of_any_tenant_logs_in_and_the_issuer_is_their_own(adapter: Adapter) {
    for tenant in [TENANT, "another-tenant"] {
        let journey = begin(adapter, provider(json!(tenant), tenant), |demo| demo);
        callback(&journey).await.expect(303);
        journey.assert_still_logged_in().await;
    }
}

async fn a_token_that_names_another_tenant_than_its_issuer_is_refused(adapter: Adapter) {
    for (tid, issued_by) in [
        (json!("another-tenant"), TENANT),
        (Value::Null, TENANT),
        (json!(7), TENANT),
        (json!(""), ""),
        (json!("{tenantid}"), "{tenantid}"),
        (json!("a/b"), "a/b"),
    ] {
        let journey = begin(adapter, provider(tid, issued_by), |demo| demo);
        assert_refused(&callback(&journey).await);
        journey.assert_nobody().await;
        assert_eq!(journey.provider.count(Endpoint::Userinfo), 0);
    }
}

async fn only_the_tenants_that_are_listed_may_log_in(adapter: Adapter) {
    let listed = |demo: DemoBuilder| demo.env("ALLOWED_TENANTS", &format!("some-tenant {TENANT}"));
    let journey = begin(adapter, provider(json!(TENANT), TENANT), listed);
    callback(&journey).await.expect(303);
    let journey = begin(adapter, provider(json!("stranger"), "stranger"), listed);
    assert_refused(&callback(&journey).await);
    journey.assert_nobody().await;
}

async fn a_template_that_was_not_asked_for_is_another_issuer(adapter: Adapter) {
    let provider = provider(json!(TENANT), TENANT);
    let journey = Journey {
        demo: Demo::start(adapter, &provider),
        provider,
        browser: Browser::new(),
    };
    let answer = journey.browser.open(journey.url("/login/start")).await;
    assert_provider_ill(&answer);
    assert_eq!(journey.provider.count(Endpoint::Authorize), 0);
}

async fn a_third_party_may_name_a_tenant_that_may_log_in(adapter: Adapter) {
    let listed = |demo: DemoBuilder| demo.env("ALLOWED_TENANTS", TENANT);
    let journey = begin(adapter, provider(json!(TENANT), TENANT), listed);
    // From the second login on, the metadata is known.
    journey.authorize_url().await;
    for (tenant, status) in [(TENANT, 303), ("stranger", 400), ("{tenantid}", 400)] {
        let iss = format!("{}/{tenant}/v2.0", journey.provider.issuer());
        let fields = [("iss", &*iss)];
        let answer = journey
            .browser
            .post(journey.url("/login/initiate"), &fields);
        assert_eq!(answer.await.status, status, "{tenant}");
    }
}

async fn a_key_that_is_published_for_a_tenant_signs_for_that_tenant_alone(adapter: Adapter) {
    let published_for = |journey: &Journey, tenant: &str| {
        let issuer = format!("{}/{tenant}/v2.0", journey.provider.issuer());
        let keys = Answers::Changed(Box::new(move |set: &mut Value| {
            set["keys"][0]["issuer"] = json!(issuer);
        }));
        journey.provider.set(Endpoint::Jwks, keys);
    };
    for (tenant, good) in [("{tenantid}", true), (TENANT, true), ("stranger", false)] {
        let journey = begin(adapter, provider(json!(TENANT), TENANT), |demo| demo);
        published_for(&journey, tenant);
        let answer = callback(&journey).await;
        if good {
            answer.expect(303);
            journey.assert_still_logged_in().await;
        } else {
            assert_refused(&answer);
            journey.assert_nobody().await;
            let said = "publishes its key for the tokens of another issuer";
            journey.demo.wait_for_log(said);
        }
    }
}
