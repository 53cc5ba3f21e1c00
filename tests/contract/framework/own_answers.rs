//! Answers and pages of the app's own in place of the engine's, and what it changes about a login. On the probe.

use miracl_tests::{Adapter, Answer, Browser, Demo, Endpoint, Provider, Request, scenarios};
use serde_json::json;

use crate::journey::say;

scenarios![
    every_refusal_can_have_an_answer_of_the_apps_own,
    an_answer_of_the_apps_own_to_another_site_changes_nothing,
    a_login_asks_for_what_the_app_adds_and_leaves_the_protocol_alone,
    a_login_that_the_app_refuses_does_not_begin,
    every_page_has_the_words_of_the_app_in_the_visitors_language,
    a_page_of_the_apps_own_keeps_status_and_headers,
    a_message_has_the_words_of_the_app,
    a_step_up_names_the_person_and_asks_for_the_present_strength,
];

/// A probe whose hooks answer these things themselves.
fn start(adapter: Adapter, own: &str) -> (Provider, Demo) {
    let provider = Provider::start();
    let demo = Demo::of(adapter.probe(), &provider)
        .env("PROBE_OWN", own)
        .start();
    (provider, demo)
}

/// A request that another site made a browser send.
fn from_elsewhere(demo: &Demo) -> Request {
    let form = Request::form(demo.url("/form"), &[("a", "1")]);
    form.header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site")
}

#[track_caller]
fn assert_own(answer: Answer, expected: &str) {
    let answer = answer.expect(418);
    assert!(
        answer.body.starts_with(expected),
        "{} is not {expected}",
        answer.body
    );
}

async fn every_refusal_can_have_an_answer_of_the_apps_own(adapter: Adapter) {
    let (provider, demo) = start(adapter, "refusals");
    let stranger = Browser::new();
    let login = format!("{}?return_to=", demo.url("/login/start"));
    for path in [
        "/me",
        "/guarded/members",
        "/rights/admin",
        "/admins/members",
    ] {
        let back = path.replace('/', "%2F");
        let expected = format!("LoginRequired, 303, {login}{back}");
        assert_own(stranger.open(demo.url(path)).await, &expected);
        let answer = stranger.fetch(demo.url(path)).await;
        assert_own(answer, "LoginRequired, 401, ");
    }
    assert_own(
        stranger.send(from_elsewhere(&demo)).await,
        "CrossOrigin, 403, no login",
    );
    let nobody = stranger
        .open(demo.url("/rights/optional"))
        .await
        .expect(200);
    assert_eq!(nobody.body, "nobody");

    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    for path in ["/rights/admin", "/admins/members"] {
        let answer = browser.open(demo.url(path)).await;
        assert_own(answer, "Denied, 403, no login");
    }
    let answer = browser.open(demo.url("/rights/broken")).await;
    assert_own(answer, "Unavailable, 503, no login");
    say(&provider, &json!({ "roles": ["admin"] }));
    browser.visit(demo.url("/login/start")).await;
    let answer = browser.open(demo.url("/rights/strong")).await;
    assert!(answer.body.contains("max_age=300"), "{}", answer.body);
    assert_own(answer, "StepUp, 303, ");
    // Who passes does not come to the hook.
    browser.open(demo.url("/rights/admin")).await.expect(200);
    assert!(provider.count(Endpoint::Authorize) == 2);
}

async fn an_answer_of_the_apps_own_to_another_site_changes_nothing(adapter: Adapter) {
    let (_provider, demo) = start(adapter, "refusals");
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    browser.open(demo.url("/private/message")).await;
    for cookies in [&browser, &Browser::new()] {
        let answer = cookies.send(from_elsewhere(&demo)).await;
        assert!(
            answer.set_cookies().is_empty(),
            "{:?}",
            answer.set_cookies()
        );
        assert_own(answer, "CrossOrigin, 403, no login");
    }
    let messages = browser.open(demo.url("/flashes")).await.expect(200);
    assert_eq!(messages.body, "A message.\n");
    browser.fetch(demo.url("/me")).await.expect(200);
}

async fn a_login_asks_for_what_the_app_adds_and_leaves_the_protocol_alone(adapter: Adapter) {
    let (provider, demo) = start(adapter, "logins");
    let issuer = provider.issuer();
    let initiated = format!("/login/initiate?iss={issuer}&login_hint=alice");
    for path in ["/login/start?login_hint=alice", &*initiated] {
        let browser = Browser::new();
        let sent = browser.open(demo.url(path)).await.expect(303);
        let to = sent.location().expect("a location");
        let all = |wanted: &str| -> Vec<String> {
            let pairs = to.query_pairs();
            let found = pairs.filter(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned()).collect()
        };
        assert_eq!(all("audience"), ["orders"], "{path}");
        assert_eq!(all("ui_locales"), ["rm"], "{path}");
        assert_eq!(all("login_hint"), ["alice"], "{path}");
        let state = all("state");
        assert!(state.len() == 1 && state[0] != "of my own", "{state:?}");
        browser.follow(sent).await;
        browser.fetch(demo.url("/me")).await.expect(200);
    }
    // Only paths of this site, also from the hook, and no text that is too long.
    for (path, lands) in [("/moved", "/me"), ("/elsewhere", "/")] {
        let browser = Browser::new();
        let start = format!("/login/start?return_to={path}");
        let page = browser.visit(demo.url(&start)).await;
        assert_eq!(page.url.path(), lands, "{path}");
        browser.fetch(demo.url("/me")).await.expect(200);
    }
    let long = Browser::new();
    let failed = long.open(demo.url("/login/start?return_to=/long")).await;
    assert_eq!(failed.status, 400);
}

async fn a_login_that_the_app_refuses_does_not_begin(adapter: Adapter) {
    let (provider, demo) = start(adapter, "logins");
    let browser = Browser::new();
    let barred = "/login/start?return_to=/barred";
    let refused = browser.open(demo.url(barred)).await.expect(403);
    assert!(
        refused.set_cookies().is_empty(),
        "{:?}",
        refused.set_cookies()
    );
    assert_eq!(provider.count(Endpoint::Authorize), 0);
    // What begins nothing is not asked about.
    let prefetch = Request::navigate(demo.url(barred)).header("sec-purpose", "prefetch");
    browser.send(prefetch).await.expect(503);
}

/// What leads to the pages of the engine: the kind, the request, and its status.
fn pages(demo: &Demo) -> [(&'static str, Request, u16); 5] {
    let open = |path: &str| Request::navigate(demo.url(path));
    [
        ("LogoutQuestion", open("/logout"), 200),
        ("Denied", open("/rights/admin"), 403),
        ("Undecided", open("/rights/broken"), 503),
        ("LoginFailed", open("/login?code=x&state=x&iss=x"), 400),
        ("CrossOrigin", from_elsewhere(demo), 403),
    ]
}

async fn every_page_has_the_words_of_the_app_in_the_visitors_language(adapter: Adapter) {
    let (provider, demo) = start(adapter, "words");
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    for (kind, request, status) in pages(&demo) {
        let request = request.header("accept-language", "rm-CH, <de>");
        let page = browser.send(request).await.expect(status);
        for expected in [
            &*format!("<h1>&lt;{kind}&gt;</h1>"),
            "<html lang=\"rm-CH, &lt;de&gt;\">",
            "In rm-CH, &lt;de&gt;.",
            ">Onward &amp; upward<",
        ] {
            assert!(page.body.contains(expected), "{kind}: {}", page.body);
        }
    }
    // A header that no browser sends is not passed on.
    let long = "de,".repeat(200);
    let request = Request::navigate(demo.url("/logout")).header("accept-language", &long);
    let page = browser.send(request).await.expect(200);
    assert!(page.body.contains("In en."), "{}", page.body);
    let begun = browser.open(demo.url("/login/start")).await.expect(303);
    let to = begun.location().expect("a location");
    let mut pairs = to.query_pairs();
    let state = pairs.find(|(name, _)| name == "state").expect("a state").1;
    let iss = provider.issuer();
    let cancel = format!("/login?error=access_denied&state={state}&iss={iss}");
    let cancelled = browser.open(demo.url(&cancel)).await.expect(403);
    assert!(cancelled.body.contains("&lt;LoginCancelled&gt;"));
}

async fn a_page_of_the_apps_own_keeps_status_and_headers(adapter: Adapter) {
    let (_provider, demo) = start(adapter, "pages");
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    for (kind, request, status) in pages(&demo) {
        let page = browser.send(request).await.expect(status);
        let expected = format!("<!doctype html>\n{kind}: ");
        assert!(page.body.starts_with(&expected), "{kind}: {}", page.body);
        let header = |name: &str| page.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert_eq!(header("content-security-policy"), "default-src 'self'");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("referrer-policy").contains("-"), "{kind}");
        if kind != "CrossOrigin" {
            assert!(page.is_no_store(), "{kind}");
        }
        // Programs get what they can read.
    }
    let problem = browser.fetch(demo.url("/rights/admin")).await.expect(403);
    assert!(problem.body.contains("\"title\":\"Not allowed\""));
}

async fn a_message_has_the_words_of_the_app(adapter: Adapter) {
    let (provider, demo) = start(adapter, "words");
    say(&provider, &json!({ "roles": ["admin"] }));
    let browser = Browser::new();
    browser.visit(demo.url("/login/start")).await;
    let form = Request::form(demo.url("/rights/strong"), &[("amount", "1")])
        .header("referer", &demo.url("/flashes"))
        .header("accept-language", "rm");
    browser.send(form).await.expect(303);
    let messages = browser.open(demo.url("/flashes")).await.expect(200);
    assert_eq!(messages.body, "In rm.\n");
}

async fn a_step_up_names_the_person_and_asks_for_the_present_strength(adapter: Adapter) {
    let provider = Provider::start();
    let demo = Demo::start(adapter.probe(), &provider);
    let (browser, stranger) = (Browser::new(), Browser::new());
    let claims = json!({ "roles": ["admin"], "acr": "gold", "preferred_username": "ali+ce" });
    say(&provider, &claims);
    browser.visit(demo.url("/login/start")).await;
    let sent = browser.open(demo.url("/rights/strong")).await.expect(303);
    let here = sent.location().expect("a location");
    // The address of our own login has no personal data: it may be logged.
    assert!(!here.as_str().contains("ali"), "{here}");
    let asked = |answer: &Answer, wanted: &str| -> Option<String> {
        let to = answer.location().expect("a location");
        let mut pairs = to.query_pairs();
        let found = pairs.find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    };
    let to = browser.open(here).await.expect(303);
    assert_eq!(asked(&to, "login_hint").as_deref(), Some("ali+ce"));
    assert_eq!(asked(&to, "acr_values").as_deref(), Some("strong stronger"));
    // Where nothing else is asked for, the present class is, and the login may come back without it.
    let fresh = "/login/start?max_age=0&again=1";
    let to = browser.open(demo.url(fresh)).await.expect(303);
    assert_eq!(asked(&to, "acr_values").as_deref(), Some("gold"));
    say(
        &provider,
        &json!({ "auth_time": provider.last_issued_at() }),
    );
    browser.follow(to).await;
    browser.fetch(demo.url("/me")).await.expect(200);
    // Nobody has a name, and a plain login names nobody.
    let to = stranger.open(demo.url(fresh)).await.expect(303);
    assert_eq!(asked(&to, "login_hint"), None);
    let to = browser.open(demo.url("/login/start")).await.expect(303);
    assert_eq!(asked(&to, "login_hint"), None);
}
