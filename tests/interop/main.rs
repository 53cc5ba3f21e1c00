//! Login at npm's `oidc-provider`, a certified provider by other authors.

use std::process::ExitCode;

use miracl_tests::{Adapter, Answer, Browser, Demo, Need, OidcProvider, Request, scenarios};
use serde_json::json;

mod fleet;
mod logout;

scenarios![
    a_person_logs_in_at_oidc_provider_and_out_again,
    a_login_cancelled_at_oidc_provider_is_refused,
    oidc_provider_takes_the_secret_in_the_body_too,
    oidc_provider_takes_an_assertion_signed_with_the_secret,
    oidc_provider_takes_an_assertion_signed_with_a_private_key,
    oidc_provider_signs_its_userinfo,
    oidc_provider_signs_with_each_algorithm_that_is_registered,
    oidc_provider_posts_its_answer_to_the_callback,
];

fn main() -> ExitCode {
    let [_, redis_logout] = logout::suite().on_servers();
    let [_, redis_fleet] = fleet::suite().on_servers();
    let suites = [
        suite().named("oidc_provider"),
        logout::suite(),
        redis_logout,
        redis_fleet,
        fleet::with_marks(),
    ];
    miracl_tests::run(&suites.map(|suite| suite.needing(Need::Node)))
}

const CLIENT_ID: &str = "the demo: 100% of it";
const CLIENT_SECRET: &str = "a secret with / + = & % and : in it";

/// A demo that is a client of an `oidc-provider`, with additional metadata of the client, which both sides get.
fn start(adapter: Adapter, client: &serde_json::Value) -> (OidcProvider, Demo) {
    let mut provider = OidcProvider::start();
    let mut demo = Demo::builder(adapter)
        .env("ISSUER", provider.issuer())
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", CLIENT_SECRET);
    for (name, value) in client.as_object().into_iter().flatten() {
        demo = demo.env(&name.to_uppercase(), value.as_str().unwrap_or_default());
    }
    let demo = demo.start();
    provider.register(CLIENT_ID, CLIENT_SECRET, demo.origin(), client);
    (provider, demo)
}

/// Signs in as `someone` and consents, on the provider's own pages.
async fn approve(browser: &Browser, origin: &str, mut page: Answer) -> Answer {
    // Sign in, consent, and the form with the answer where it is posted.
    for _ in 0..4 {
        if page.url.as_str().starts_with(origin) {
            return page;
        }
        let form = page
            .forms()
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no form: {}", page.body));
        let form = if form.fields.iter().any(|(name, _)| name == "login") {
            form.with("login", "someone").with("password", "anything")
        } else {
            form
        };
        page = browser.submit(&page, &form).await;
        page = browser.follow(page).await;
    }
    page
}

async fn log_in(browser: &Browser, demo: &Demo) -> Answer {
    log_in_at(browser, demo.origin()).await
}

async fn log_in_at(browser: &Browser, origin: &str) -> Answer {
    let page = browser.visit(format!("{origin}/login/start")).await;
    let page = approve(browser, origin, page.expect(200)).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    page
}

async fn a_person_logs_in_at_oidc_provider_and_out_again(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({}));
    let browser = Browser::new();
    let page = log_in(&browser, &demo).await;
    assert!(page.body.contains(OidcProvider::EMAIL), "{}", page.body);
    let me = browser.fetch(demo.url("/me")).await.expect(200).json();
    assert_eq!(me["sub"], "someone");
    assert_eq!(me["email"], OidcProvider::EMAIL);
    assert_eq!(me["email_verified"], true);
    browser.visit(demo.url("/refresh")).await.expect(200);
    assert!(!provider.log().contains("error"), "{}", provider.log());

    let asked = browser.post(demo.url("/logout"), &[]).await.expect(303);
    assert_eq!(browser.fetch(demo.url("/me")).await.status, 401);
    let page = browser.follow(asked).await.expect(200);
    assert!(
        page.url.as_str().starts_with(provider.issuer()),
        "{}",
        page.url
    );
    let form = page.forms().into_iter().next().expect("the provider asks");
    let page = browser.submit(&page, &form.with("logout", "yes")).await;
    let page = browser.follow(page).await.expect(200);
    assert_eq!(page.url.as_str(), demo.url("/"), "{}", page.body);
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );

    // The user is logged out at the provider as well: it asks for a login.
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    assert!(
        page.forms()
            .iter()
            .any(|form| form.fields.iter().any(|(name, _)| name == "login")),
        "{}",
        page.body
    );
    assert!(!provider.log().contains("error"), "{}", provider.log());
}

async fn a_login_cancelled_at_oidc_provider_is_refused(adapter: Adapter) {
    let (provider, demo) = start(adapter, &json!({}));
    let browser = Browser::new();
    let page = browser.visit(demo.url("/login/start")).await.expect(200);
    let abort = page
        .tags()
        .into_iter()
        .find_map(|tag| {
            tag.get("href")
                .filter(|href| href.ends_with("/abort"))
                .map(str::to_owned)
        })
        .expect("a way out");
    let answer = browser
        .send(Request::navigate(page.url.join(&abort).expect("an address")).from_page(&page.url))
        .await;
    let answer = browser.follow(answer).await;
    assert!(
        answer.url.as_str().starts_with(demo.origin()),
        "{}",
        answer.url
    );
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    assert!(
        answer.has_alert("danger", "Login failed!"),
        "{}",
        answer.body
    );
    assert_eq!(browser.fetch(demo.url("/me")).await.status, 401);
    drop(provider);
}

async fn oidc_provider_takes_an_assertion_signed_with_the_secret(adapter: Adapter) {
    let (provider, demo) = start(
        adapter,
        &json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
    );
    log_in(&Browser::new(), &demo).await;
    provider.wait_for_log("grant.success");
}

async fn oidc_provider_takes_an_assertion_signed_with_a_private_key(adapter: Adapter) {
    // The key of RFC 7515, appendix A.3.
    let mut key = json!({
        "kty": "EC",
        "crv": "P-256",
        "kid": "app",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    });
    let mut provider = OidcProvider::start();
    let demo = Demo::builder(adapter)
        .env("ISSUER", provider.issuer())
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_JWK_FILE", "app.jwk.json")
        .file("app.jwk.json", &key.to_string())
        .start();
    let members = key.as_object_mut().expect("an object");
    members.remove("d");
    let client =
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key] } });
    provider.register(CLIENT_ID, CLIENT_SECRET, demo.origin(), &client);
    log_in(&Browser::new(), &demo).await;
    provider.wait_for_log("grant.success");
}

async fn oidc_provider_signs_with_each_algorithm_that_is_registered(adapter: Adapter) {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let client = json!({ "id_token_signed_response_alg": algorithm });
        let (provider, demo) = start(adapter, &client);
        log_in(&Browser::new(), &demo).await;
        assert!(!provider.log().contains("error"), "{}", provider.log());
    }
}

async fn oidc_provider_posts_its_answer_to_the_callback(adapter: Adapter) {
    let mut provider = OidcProvider::start();
    let demo = Demo::builder(adapter)
        .env("ISSUER", provider.issuer())
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", CLIENT_SECRET)
        .env("RESPONSE_MODE", "form_post")
        .start();
    provider.register(CLIENT_ID, CLIENT_SECRET, demo.origin(), &json!({}));
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    browser.fetch(demo.url("/me")).await.expect(200);
    // Errors are posted as well: nobody may be asked, and the hint names somebody else.
    let url = demo.url("/login/start?prompt=none&login_hint=nobody&max_age=0");
    let page = browser.visit(url).await;
    let form = page.forms().into_iter().next().expect("a form");
    let refused = browser.submit(&page, &form).await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert!(refused.body.contains("login_required"), "{}", refused.body);
    browser.fetch(demo.url("/me")).await.expect(200);
}

async fn oidc_provider_signs_its_userinfo(adapter: Adapter) {
    let client = json!({ "userinfo_signed_response_alg": "RS256" });
    let (provider, demo) = start(adapter, &client);
    let browser = Browser::new();
    log_in(&browser, &demo).await;
    let me = browser.fetch(demo.url("/me")).await.expect(200).json();
    assert_eq!(me["email"], OidcProvider::EMAIL);
    browser.visit(demo.url("/refresh")).await.expect(200);
    assert!(!provider.log().contains("error"), "{}", provider.log());
}

async fn oidc_provider_takes_the_secret_in_the_body_too(adapter: Adapter) {
    let (provider, demo) = start(
        adapter,
        &json!({ "token_endpoint_auth_method": "client_secret_post" }),
    );
    log_in(&Browser::new(), &demo).await;
    provider.wait_for_log("grant.success");
}
