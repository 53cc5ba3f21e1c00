//! A proxy in front removes the beginning of every path: what a browser is told has it, and routes have not.

use miracl_tests::{
    Adapter, Answer, Browser, Demo, DemoBuilder, PathProxy, Provider, Request, scenarios,
};

use crate::journey::{login_button, parameter};

scenarios![
    a_person_logs_in_comes_back_and_logs_out_below_the_public_path,
    every_link_and_form_of_every_page_is_below_the_public_path,
    every_challenge_names_an_address_below_the_public_path,
    a_way_back_is_below_the_public_path_or_home,
    a_login_that_a_third_party_initiates_ends_below_the_public_path,
    another_host_name_is_sent_to_the_address_that_a_browser_opens,
    no_header_of_a_visitor_changes_the_public_path,
    a_public_path_that_does_not_fit_stops_the_start,
];

const PATH: &str = "/app";

struct Behind {
    proxy: PathProxy,
    demo: Demo,
    provider: Provider,
    browser: Browser,
}

/// A demo behind a proxy that removes `/app`.
async fn behind(adapter: Adapter, change: impl FnOnce(DemoBuilder) -> DemoBuilder) -> Behind {
    let proxy = PathProxy::start(PATH).await;
    let provider = Provider::start();
    let settings = Demo::of(adapter, &provider)
        .env("PUBLIC_PATH", PATH)
        .env("REDIRECT_URL", &proxy.url("/login"));
    let demo = change(settings).start();
    proxy.choose(&demo);
    Behind {
        proxy,
        demo,
        provider,
        browser: Browser::new(),
    }
}

async fn demo(adapter: Adapter) -> Behind {
    behind(adapter, |settings| settings).await
}

impl Behind {
    fn url(&self, path: &str) -> String {
        self.proxy.url(path)
    }

    async fn log_in(&self) -> Answer {
        let page = self.browser.visit(self.url("/login/start")).await;
        let page = page.expect(200);
        assert_eq!(page.url.as_str(), self.url("/"));
        page
    }
}

async fn a_person_logs_in_comes_back_and_logs_out_below_the_public_path(adapter: Adapter) {
    let behind = demo(adapter).await;
    let browser = &behind.browser;
    let challenge = browser.open(behind.url("/members?a=1")).await.expect(303);
    let start = challenge.location().expect("a location");
    assert!(
        start.as_str().starts_with(&behind.url("/login/start?")),
        "{start}"
    );
    assert_eq!(
        parameter(&start, "return_to").as_deref(),
        Some("/app/members?a=1")
    );
    let away = browser.step(&challenge).await.expect(303);
    let provider = away.location().expect("a location");
    assert_eq!(
        parameter(&provider, "redirect_uri"),
        Some(behind.url("/login"))
    );
    let page = browser.follow(away).await.expect(200);
    assert_eq!(page.url.as_str(), behind.url("/members?a=1"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    // The page that asks before it logs anybody out.
    let asks = browser.open(behind.url("/logout")).await.expect(200);
    assert!(
        asks.body.contains(r#"action="/app/logout""#),
        "{}",
        asks.body
    );
    assert!(
        asks.body
            .contains(&format!(r#"href="{}""#, behind.url("/"))),
        "{}",
        asks.body
    );
    let form = asks.forms().remove(0);
    let left = browser.submit(&asks, &form).await.expect(303);
    let end_session = left.location().expect("a location");
    let back = parameter(&end_session, "post_logout_redirect_uri");
    assert_eq!(back, Some(behind.url("/signed-out")));
    let home = browser
        .open(behind.url("/signed-out?state=x"))
        .await
        .expect(303);
    assert_eq!(
        home.location().expect("a location").as_str(),
        behind.url("/")
    );
    let home = browser.follow(home).await.expect(200);
    assert!(home.has_alert("info", "User logged out!"), "{}", home.body);
    behind.demo.wait_for_log("a proxy removes `/app`");
}

async fn every_link_and_form_of_every_page_is_below_the_public_path(adapter: Adapter) {
    let behind = behind(adapter, |settings| settings.env("SESSION_STORE", "memory")).await;
    let browser = &behind.browser;
    let check = |page: &Answer| {
        let tags = page.tags();
        let found = tags.iter().flat_map(|tag| {
            ["href", "action", "src", "data-authurl"].map(|name| tag.get(name).map(str::to_owned))
        });
        let mut links = 0;
        for link in found.flatten().filter(|link| !link.starts_with("data:")) {
            let url = page.url.join(&link).expect("an address");
            assert!(
                url.as_str().starts_with(&behind.url("/")),
                "{} has {link}",
                page.url
            );
            links += 1;
        }
        assert!(links > 4, "{}", page.body);
    };
    let page = browser.open(behind.url("/")).await.expect(200);
    check(&page);
    check(&browser.open(behind.url("/no-such-page")).await.expect(404));
    let failed = browser
        .open(behind.url("/login?code=x&state=y"))
        .await
        .expect(400);
    assert!(login_button(&failed).is_some(), "{}", failed.body);
    check(&failed);
    check(&behind.log_in().await);
    // A second browser, so that there is a device to end.
    let other = Browser::new();
    other.visit(behind.url("/login/start")).await.expect(200);
    for path in ["/members", "/profile", "/devices"] {
        check(&browser.open(behind.url(path)).await.expect(200));
    }
    let style = browser.open(behind.url("/style.css")).await.expect(200);
    assert!(
        style
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/css"))
    );
    // What the app's own handlers redirect to.
    for (path, fields, to) in [
        ("/profile", &[("display_name", "Alice")][..], "/profile"),
        ("/devices/end", &[("id", "none")], "/devices"),
        ("/devices/end-others", &[], "/devices"),
    ] {
        let answer = browser.post(behind.url(path), fields).await.expect(303);
        assert_eq!(
            answer.location().expect("a location").as_str(),
            behind.url(to),
            "{path}"
        );
    }
    let refreshed = browser.open(behind.url("/refresh")).await.expect(303);
    assert_eq!(
        refreshed.location().expect("a location").as_str(),
        behind.url("/")
    );
}

async fn every_challenge_names_an_address_below_the_public_path(adapter: Adapter) {
    let behind = demo(adapter).await;
    let browser = &behind.browser;
    let members = behind.url("/members");
    let page = behind.url("/members?page=2");
    let fetched = browser
        .send(Request::fetch(&members).header("referer", &page))
        .await
        .expect(401);
    let told = fetched.json()["login_url"].as_str().map(str::to_owned);
    let htmx = browser
        .send(
            Request::fetch(&members)
                .header("hx-request", "true")
                .header("hx-current-url", &page),
        )
        .await
        .expect(401);
    let form = browser
        .send(
            Request::form(behind.url("/profile"), &[("display_name", "x")])
                .header("referer", &page),
        )
        .await
        .expect(303);
    for told in [
        told.as_deref(),
        htmx.header("hx-redirect"),
        form.header("location"),
    ] {
        let url: url::Url = told.expect("an address").parse().expect("an address");
        assert!(
            url.as_str().starts_with(&behind.url("/login/start?")),
            "{url}"
        );
        assert_eq!(
            parameter(&url, "return_to").as_deref(),
            Some("/app/members?page=2")
        );
    }
    // A page of the host that is not this app's.
    let elsewhere = format!("{}/shop/members", behind.proxy.origin());
    let fetched = browser
        .send(Request::fetch(&members).header("referer", &elsewhere))
        .await
        .expect(401);
    assert_eq!(fetched.json()["login_url"], behind.url("/login/start"));
}

async fn a_way_back_is_below_the_public_path_or_home(adapter: Adapter) {
    let behind = demo(adapter).await;
    for (return_to, ends_at) in [
        ("/members", "/members"),
        ("/app/members", "/members"),
        ("/app", "/"),
        ("/app/", "/"),
        ("/members?next=%2Fapp%2Fx", "/members?next=%2Fapp%2Fx"),
        ("/app/../shop", "/"),
        ("/../shop", "/"),
        ("//evil.example/app/members", "/"),
        ("/app/logout", "/"),
        ("/logout", "/"),
        ("/app/login/start", "/"),
    ] {
        let browser = Browser::new();
        // The page's own button carries it on, and the route takes it from anywhere.
        let given = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect::<String>();
        let home = browser
            .open(behind.url(&format!("/?return_to={given}")))
            .await
            .expect(200);
        let button = login_button(&home).expect("a login button");
        for start in [
            button,
            behind.url(&format!("/login/start?return_to={given}")),
        ] {
            let browser = Browser::new();
            let away = browser.open(&start).await.expect(303);
            let callback = browser.step(&away).await.expect(302);
            let answer = browser.step(&callback).await.expect(303);
            let mut location = answer.location().expect("a location").to_string();
            if location == behind.proxy.origin() + "/app" {
                location.push('/');
            }
            assert_eq!(location, behind.url(ends_at), "{return_to} by {start}");
        }
    }
}

async fn a_login_that_a_third_party_initiates_ends_below_the_public_path(adapter: Adapter) {
    let behind = demo(adapter).await;
    let issuer = behind.provider.issuer();
    let origin = behind.proxy.origin();
    let initiate = |target: &str| {
        let mut url: url::Url = behind.url("/login/initiate").parse().expect("an address");
        url.query_pairs_mut()
            .append_pair("iss", &issuer)
            .append_pair("target_link_uri", target);
        url
    };
    let page = behind
        .browser
        .visit(initiate(&behind.url("/members")))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), behind.url("/members"));
    let page = Browser::new()
        .visit(initiate(&behind.url("/logout")))
        .await
        .expect(200);
    assert_eq!(page.url.as_str(), behind.url("/"));
    for elsewhere in [
        format!("{origin}/members"),
        format!("{origin}/application/members"),
    ] {
        let answer = Browser::new().open(initiate(&elsewhere)).await.expect(400);
        assert!(
            answer.has_alert("danger", "Login failed!"),
            "{}",
            answer.body
        );
    }
}

async fn another_host_name_is_sent_to_the_address_that_a_browser_opens(adapter: Adapter) {
    let behind = demo(adapter).await;
    // As nginx does without `proxy_set_header Host`.
    let request = Request::navigate(behind.url("/login/start?return_to=/members"));
    let sent = behind
        .browser
        .send(request.header("host", "upstream"))
        .await
        .expect(303);
    let there = sent.location().expect("a location");
    assert!(
        there.as_str().starts_with(&behind.url("/login/start?")),
        "{there}"
    );
    assert_eq!(
        parameter(&there, "return_to").as_deref(),
        Some("/app/members")
    );
    let again = Request::navigate(there).header("host", "upstream");
    let away = behind.browser.send(again).await.expect(303);
    let redirect_uri = parameter(&away.location().expect("a location"), "redirect_uri");
    assert_eq!(redirect_uri, Some(behind.url("/login")));
}

async fn no_header_of_a_visitor_changes_the_public_path(adapter: Adapter) {
    let behind = demo(adapter).await;
    for name in [
        "x-forwarded-prefix",
        "x-forwarded-path",
        "x-forwarded-uri",
        "x-original-url",
        "x-script-name",
        "forwarded",
    ] {
        let request = Request::navigate(behind.url("/members")).header(name, "/evil");
        let challenge = behind.browser.send(request).await.expect(303);
        let start = challenge.location().expect("a location");
        assert!(
            start.as_str().starts_with(&behind.url("/login/start?")),
            "{name}: {start}"
        );
        assert_eq!(
            parameter(&start, "return_to").as_deref(),
            Some("/app/members"),
            "{name}"
        );
    }
}

async fn a_public_path_that_does_not_fit_stops_the_start(adapter: Adapter) {
    let provider = Provider::start();
    for (public_path, redirect_url, named) in [
        ("app", "http://127.0.0.1:5000/app/login", "PUBLIC_PATH"),
        (
            "https://app.example/app",
            "https://app.example/app/login",
            "PUBLIC_PATH",
        ),
        ("/app", "http://127.0.0.1:5000/login", "REDIRECT_URL"),
        ("/app", "http://127.0.0.1:5000/app/members", "REDIRECT_URL"),
    ] {
        let refused = Demo::of(adapter, &provider)
            .env("PUBLIC_PATH", public_path)
            .env("REDIRECT_URL", redirect_url)
            .try_start()
            .map(|demo| demo.log())
            .expect_err("a start that should have been refused");
        assert!(refused.log.contains(named), "{refused}");
    }
}
