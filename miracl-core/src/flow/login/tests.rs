//! What a login asks the provider for, and what the login route answers.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    Config, CookieKey, Miracl, Visit,
    config::options::{Pkce, ResponseMode},
    flow::{
        callback::tests::{HOST, begin, cookies, request},
        options::RESERVED,
    },
    probes::provider::Provider,
    web::request::tests::Request,
};

/// Begins what a login route has come to.
pub(crate) async fn begun(
    exchange: &Arc<Exchange>,
    started: Result<Started, AuthFailure>,
) -> Result<Reply, AuthFailure> {
    match started? {
        Started::Reply(reply) => Ok(reply),
        Started::Ready(start) => super::begin(exchange, start).await,
    }
}

/// Answers the login route, of an app whose hook changes nothing.
async fn start_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
) -> Result<Reply, AuthFailure> {
    begun(exchange, super::start_login(exchange, request).await).await
}

pub(crate) async fn engine(change: impl FnOnce(&mut Config)) -> (Provider, Miracl) {
    let provider = Provider::start().await;
    let mut config = Config {
        issuer: provider.issuer.clone(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        redirect_uri: format!("http://{HOST}/login"),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    };
    change(&mut config);
    (provider, Miracl::new(config).unwrap())
}

/// The parameters of an address, each once.
fn parameters(url: &str) -> BTreeMap<String, String> {
    let url = Url::parse(url).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let parameters: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(parameters.len(), pairs.len(), "{url}");
    parameters
}

async fn authorize(miracl: &Miracl, options: LoginOptions) -> BTreeMap<String, String> {
    let visit = miracl.visit(&request("/login/start", ""));
    parameters(&visit.login_url_with(options).await.unwrap())
}

/// Every option but `extra`, which no link can carry.
fn all_options() -> LoginOptions {
    let some = |text: &str| Some(text.to_owned());
    LoginOptions {
        return_to: some("/members"),
        prerollid: some("id"),
        acttoken: some("token"),
        lang: some("fr"),
        prompt: some("login"),
        max_age: Some(60),
        acr_values: some("gold silver"),
        login_hint: some("a@b"),
        ui_locales: some("fr ro"),
        remember: Some(false),
        extra: Vec::new(),
    }
}

#[tokio::test]
async fn a_login_asks_for_what_the_client_is_and_for_new_random_values_each_time() {
    let (provider, miracl) = engine(|_| {}).await;
    let (one, two) = (
        authorize(&miracl, LoginOptions::default()).await,
        authorize(&miracl, LoginOptions::default()).await,
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client"),
        ("redirect_uri", "http://127.0.0.1:5000/login"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(one[name], value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        // 256 bits in base64url.
        assert_eq!(one[name].len(), 43, "{name}");
        assert_ne!(one[name], two[name], "{name}");
    }
    assert_eq!(one.len(), 8, "{one:?}");
    let visit = miracl.visit(&request("/", ""));
    let url = visit.login_url().await.unwrap();
    assert!(
        url.starts_with(&format!("{}/authorize?", provider.issuer)),
        "{url}"
    );
}

#[tokio::test]
async fn the_form_and_the_lack_of_pkce_are_asked_for_only_where_they_are_set() {
    let (_provider, miracl) = engine(|config| config.pkce = Pkce::Off).await;
    let asked = authorize(&miracl, LoginOptions::default()).await;
    assert!(!asked.contains_key("code_challenge") && !asked.contains_key("response_mode"));
    let secure = |config: &mut Config| {
        config.redirect_uri = "https://app.example/login".into();
        config.response_mode = ResponseMode::FormPost;
    };
    let (_provider, miracl) = engine(secure).await;
    let visit = miracl.visit(&Request::get("/").with("host", "app.example"));
    let asked = parameters(&visit.login_url().await.unwrap());
    assert_eq!(asked["response_mode"], "form_post");
}

#[tokio::test]
async fn options_are_passed_on_and_reserved_parameters_are_not() {
    let (_provider, miracl) = engine(|_| {}).await;
    let mut options = all_options();
    let reserved = |name: &str| (name.to_owned(), "x".to_owned());
    options.extra = RESERVED.map(reserved).to_vec();
    // To some providers these are the same names.
    let capitals = RESERVED.map(|name| reserved(&name.to_uppercase()));
    options.extra.extend(capitals);
    options
        .extra
        .push(("resource".to_owned(), "https://api.example".to_owned()));
    let asked = authorize(&miracl, options).await;
    for (name, value) in [
        ("prerollid", "id"),
        ("acttoken", "token"),
        ("lang", "fr"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("acr_values", "gold silver"),
        ("login_hint", "a@b"),
        ("ui_locales", "fr ro"),
        ("resource", "https://api.example"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert!(!asked.contains_key("return_to"));
    assert!(asked.values().all(|value| value != "x"), "{asked:?}");
}

#[tokio::test]
async fn a_link_to_the_login_route_carries_every_option_there_and_back() {
    let (_provider, miracl) = engine(|_| {}).await;
    let url = miracl.login_start_url(&all_options());
    assert!(
        url.starts_with("http://127.0.0.1:5000/login/start?"),
        "{url}"
    );
    let (_, query) = url.split_once('?').unwrap();
    let read = LoginOptions::from_query(query);
    assert_eq!(miracl.login_start_url(&read), url);
    assert_eq!(parameters(&url).len(), 10);
    assert_eq!(read.remember, Some(false));
    // A checkbox behind a hidden field: the last one counts.
    for (query, remember) in [
        ("remember=0&remember=1", Some(true)),
        ("remember=on", Some(true)),
        ("remember=0", Some(false)),
        ("remember=", None),
        ("remember=perhaps", None),
        ("", None),
    ] {
        assert_eq!(
            LoginOptions::from_query(query).remember,
            remember,
            "{query}"
        );
    }
    let read = LoginOptions::from_query("lang=&max_age=soon&client_id=x");
    assert_eq!(read.parameters().count(), 0);
    let printed = format!("{:?}", all_options());
    assert!(
        printed.contains("acttoken") && !printed.contains("a@b"),
        "{printed}"
    );
}

/// The names of the cookies that a response sets and deletes.
pub(crate) fn set_and_deleted(visit: &Visit) -> (Vec<String>, Vec<String>) {
    let lines = visit.finish().set_cookies;
    let name = |line: &String| line.split('=').next().unwrap().to_owned();
    let (deleted, set): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.contains("Max-Age=0"));
    (
        set.into_iter().map(name).collect(),
        deleted.into_iter().map(name).collect(),
    )
}

#[tokio::test]
async fn a_visitor_on_another_host_name_is_sent_to_the_right_one_once() {
    let (_provider, miracl) = engine(|_| {}).await;
    let there = Request::get("/login/start?return_to=/members").with("host", "localhost:5000");
    let reply = start_login(miracl.visit(&there).exchange(), &there)
        .await
        .unwrap();
    let (_, location) = reply
        .headers
        .iter()
        .find(|(name, _)| *name == "location")
        .unwrap();
    assert!(
        location.starts_with("http://127.0.0.1:5000/login/start?"),
        "{location}"
    );
    assert_eq!(parameters(location)["return_to"], "/members");
    let url = miracl.visit(&there).login_url().await.unwrap();
    assert!(url.contains(HOST_MARK), "{url}");
    // A proxy changes the host: the mark shows that the browser is where it should be.
    let marked =
        Request::get(&format!("/login/start?{HOST_MARK}=localhost")).with("host", "localhost:5000");
    let visit = miracl.visit(&marked);
    let reply = start_login(visit.exchange(), &marked).await.unwrap();
    let (_, location) = reply
        .headers
        .iter()
        .find(|(name, _)| *name == "location")
        .unwrap();
    assert!(location.contains("/authorize?"), "{location}");
    assert_eq!(set_and_deleted(&visit).0.len(), 1);
    // Here, nobody is sent anywhere else.
    let here = request("/login/start", "");
    let reply = start_login(miracl.visit(&here).exchange(), &here)
        .await
        .unwrap();
    assert_eq!(reply.status, 303);
    assert!(reply.headers[0].1.contains("/authorize?"));
}

#[tokio::test]
async fn a_browser_that_was_logged_in_in_vain_three_times_is_told_so() {
    let login = begin().await;
    let engine = login.miracl.engine();
    let counted = |logins: u32| {
        format!(
            "{}={logins}-{}",
            engine.sessions.cookies.loops,
            engine.now()
        )
    };
    for (logins, stops) in [(2, false), (3, true)] {
        let here = request("/login/start", &counted(logins));
        let visit = login.miracl.visit(&here);
        match start_login(visit.exchange(), &here).await {
            Ok(reply) => assert!(!stops && reply.status == 303),
            Err(failure) => {
                assert!(stops && matches!(failure.reason(), FailureReason::LoginLoop(_)));
                // It may begin anew.
                let (_, deleted) = set_and_deleted(&visit);
                assert!(deleted.len() == 1 && deleted[0] == engine.sessions.cookies.loops);
            }
        }
    }
    // Whoever is logged in goes in no circles.
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    let here = request(
        "/login/start",
        &format!("{}; {}", cookies(&visit), counted(3)),
    );
    assert!(
        start_login(login.miracl.visit(&here).exchange(), &here)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_head_a_prefetch_or_a_part_of_a_page_begins_nothing() {
    let (provider, miracl) = engine(|_| {}).await;
    let start = || request("/login/start", "");
    let head = Request {
        method: "HEAD",
        ..start()
    };
    for (request, status) in [
        (head, 204),
        (start().with("sec-purpose", "prefetch"), 503),
        (start().with("sec-fetch-dest", "image"), 403),
        (start().with("x-turbo-request-id", "1"), 200),
    ] {
        let visit = miracl.visit(&request);
        let reply = start_login(visit.exchange(), &request).await.unwrap();
        assert_eq!(reply.status, status);
        let outcome = visit.finish();
        assert!(outcome.set_cookies.is_empty() && outcome.no_store);
    }
    assert_eq!(provider.asked("/.well-known/openid-configuration").len(), 0);
}

#[tokio::test]
async fn a_text_of_more_than_512_bytes_begins_no_login_and_is_named() {
    let (_provider, miracl) = engine(|_| {}).await;
    let names = [
        "prerollid",
        "acttoken",
        "lang",
        "prompt",
        "acr_values",
        "login_hint",
        "ui_locales",
    ];
    for name in names {
        for (len, fits) in [(512, true), (513, false), (30 * 1024, false)] {
            let query = format!("{name}={}", "x".repeat(len));
            let here = request(&format!("/login/start?{query}"), "");
            let visit = miracl.visit(&here);
            let by_link = start_login(visit.exchange(), &here).await.map(drop);
            let set = visit.finish().set_cookies;
            assert_eq!(set.len(), usize::from(fits), "{name} {len}");
            assert!(set.iter().all(|line| line.len() < 4096), "{name} {len}");
            let options = LoginOptions::from_query(&query);
            let visit = miracl.visit(&request("/", ""));
            let by_code = visit.login_url_with(options).await.map(drop);
            // Nobody is sent to the right host with it either.
            let elsewhere = Request::get(&here.path).with("host", "localhost:5000");
            let visit = miracl.visit(&elsewhere);
            let by_other_host = start_login(visit.exchange(), &elsewhere).await.map(drop);
            for begun in [by_link, by_code, by_other_host] {
                let Err(failure) = begun else {
                    assert!(fits, "{name} {len}");
                    continue;
                };
                let FailureReason::ParameterTooLong { name: found } = failure.reason() else {
                    panic!("{name} {len}: {failure}");
                };
                assert!(*found == name && !fits, "{name} {len}: {failure}");
                assert_eq!(failure.status(), 400);
                assert!(failure.to_string().contains(name), "{failure}");
                assert!(!failure.to_string().contains("xx"), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_to_return_to_that_is_too_long_leads_home_also_by_another_host() {
    let (_provider, miracl) = engine(|_| {}).await;
    let path = format!(
        "/login/start?return_to=/{}&max_age={}",
        "x".repeat(30 * 1024),
        "9".repeat(30 * 1024)
    );
    for host in [HOST, "localhost:5000"] {
        let here = Request::get(&path).with("host", host);
        let visit = miracl.visit(&here);
        let reply = start_login(visit.exchange(), &here).await.unwrap();
        assert_eq!(reply.status, 303);
        assert!(reply.headers[0].1.len() < 1024, "{}", reply.headers[0].1);
        let bytes: usize = visit.finish().set_cookies.iter().map(String::len).sum();
        assert!(bytes < 1024, "{bytes}");
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_not_passed_on() {
    let (_provider, miracl) = engine(|_| {}).await;
    let here = Request::get("/login/start").with("host", &"x".repeat(30 * 1024));
    let visit = miracl.visit(&here);
    let reply = start_login(visit.exchange(), &here).await.unwrap();
    assert!(reply.headers[0].1.len() < 1024, "{}", reply.headers[0].1);
}

#[tokio::test]
async fn a_query_of_very_many_parameters_is_read_once() {
    let mut query = "x=y&".repeat(10_000);
    query.push_str("lang=fr&lang=ro");
    let options = LoginOptions::from_query(&query);
    assert_eq!(options.lang.as_deref(), Some("ro"));
    assert_eq!(options.parameters().count(), 1);
}

#[tokio::test]
async fn the_address_on_a_page_outlives_the_page_and_is_shared_while_it_is_young() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let login = begin().await;
    let page = async |cookies: &str| {
        let visit = login.miracl.visit(&request("/", cookies));
        let url = visit.page_login_url(LoginOptions::default()).await.unwrap();
        (url, visit.finish())
    };
    let (first, outcome) = page("").await;
    let line = &outcome.set_cookies[0];
    assert!(line.contains("Max-Age=86400"), "{line}");
    let kept = line.split(';').next().unwrap().to_owned();
    let (again, outcome) = page(&kept).await;
    assert_eq!((again, outcome.set_cookies.len()), (first.clone(), 0));
    assert!(outcome.no_store, "it depends on the cookie");
    // Other options, another browser, and a login that is not for a page have one of their own.
    let other = login.miracl.visit(&request("/", &kept));
    let to = LoginOptions {
        return_to: Some("/members".to_owned()),
        ..LoginOptions::default()
    };
    assert_ne!(other.page_login_url(to).await.unwrap(), first);
    assert_ne!(page("").await.0, first);
    let other = login.miracl.visit(&request("/", &kept));
    assert_ne!(other.login_url().await.unwrap(), first);
    // Later pages have a new one, and the old address works to the end of its day.
    login.wait(12 * HOUR);
    assert_ne!(page(&kept).await.0, first);
    login.wait(12 * HOUR - Duration::from_secs(1));
    let state = Url::parse(&first).unwrap();
    let state = state.query_pairs().find(|(name, _)| name == "state");
    let query = login.with("state", Some(&state.unwrap().1));
    for (wait, lives) in [(0, true), (1, false)] {
        login.wait(Duration::from_secs(wait));
        let visit = login.miracl.visit(&request("/login", &kept));
        let denied = format!("{query}&error=access_denied");
        let failure = visit.complete_login(denied).await.unwrap_err();
        let is_denied = matches!(failure.reason(), FailureReason::Denied { .. });
        assert_eq!(is_denied, lives, "{failure}");
    }
}
