//! Requests that are no plain navigation: by `fetch`, htmx, Turbo and service workers, in frames, and for a part of a
//! page. A script cannot follow a redirect to another site.

use miracl_tests::{Adapter, Answer, Browser, Request, scenarios};
use url::Url;

use crate::journey::{Journey, parameter};

scenarios![
    fetch_is_told_the_address_of_login_and_log_out,
    htmx_is_told_the_address_of_login_and_log_out,
    a_boosted_link_comes_back_to_its_own_page,
    turbo_loads_the_login_as_a_document,
    a_turbo_frame_and_a_turbo_form_come_back_to_the_page_the_user_was_on,
    a_log_out_by_turbo_leads_on_from_our_own_page,
    nobody_else_can_make_our_page_lead_on,
    a_service_worker_gets_a_page,
    a_frame_gets_a_page_and_no_redirect,
    a_part_of_a_page_is_not_redirected_and_begins_no_login,
    a_form_can_ask_for_a_page_that_leads_on,
];

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn htmx(url: String) -> Request {
    Request::fetch(url).header("hx-request", "true")
}

fn turbo(url: String) -> Request {
    Request::fetch(url)
        .header("accept", "text/html, application/xhtml+xml")
        .header("x-turbo-request-id", "ae52e6f1")
}

/// A form that a script sends.
fn by_script(request: Request) -> Request {
    request
        .header("sec-fetch-mode", "cors")
        .header("sec-fetch-dest", "empty")
}

/// The member of an answer that is JSON.
fn member(answer: &Answer, name: &str) -> Url {
    let json = answer.json();
    let url = json[name].as_str().expect("an address");
    Url::parse(url).expect("an absolute address")
}

/// The address that a page leads on to, by its link.
fn link(page: &Answer) -> Url {
    let kind = page.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/html"), "{kind}: {}", page.body);
    let tags = page.tags();
    let href = tags.iter().find_map(|tag| tag.get("href"));
    page.url.join(href.expect("a link")).expect("an address")
}

fn refreshes(page: &Answer) -> bool {
    page.body.contains("http-equiv=\"refresh\"")
}

fn reloads(page: &Answer) -> bool {
    page.body
        .contains("<meta name=\"turbo-visit-control\" content=\"reload\">")
}

/// Whether an address is the provider's end-session endpoint, with the session's ID token.
#[track_caller]
fn assert_end_session(journey: &Journey, url: &Url, with_hint: bool) {
    let end = format!("{}/end-session?", journey.provider.issuer());
    assert!(url.as_str().starts_with(&end), "{url}");
    assert_eq!(
        parameter(url, "id_token_hint").is_some(),
        with_hint,
        "{url}"
    );
}

/// Logs out at the provider, and comes back.
async fn comes_back(journey: &Journey, url: Url) {
    let page = journey.browser.visit(url).await.expect(200);
    assert_eq!(page.url.as_str(), journey.url("/"));
    assert!(
        page.has_alert("info", "User logged out!"),
        "{:?}",
        page.alerts()
    );
    journey.assert_nobody().await;
}

async fn fetch_is_told_the_address_of_login_and_log_out(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let xhr = |url| Request::script(url).header("x-requested-with", "XMLHttpRequest");
    let json = |url| Request::script(url).header("accept", "application/json");
    let kinds: [fn(String) -> Request; 3] = [Request::fetch, xhr, json];
    for kind in kinds {
        let start = journey.url("/login/start?return_to=%2Fmembers");
        let answer = journey.browser.send(kind(start)).await.expect(200);
        assert!(answer.is_no_store());
        let page = journey.browser.visit(member(&answer, "login_url")).await;
        assert_eq!(page.expect(200).url.as_str(), journey.url("/members"));
        let post = kind(journey.url("/logout")).method("POST");
        let answer = journey.browser.send(post).await.expect(200);
        assert!(answer.is_no_store());
        journey.assert_nobody().await;
        let url = member(&answer, "logout_url");
        assert_end_session(&journey, &url, true);
        comes_back(&journey, url).await;
        // Nobody is logged in any more.
        let post = kind(journey.url("/logout")).method("POST");
        let answer = journey.browser.send(post).await.expect(200);
        assert_end_session(&journey, &member(&answer, "logout_url"), false);
    }
    // What says nothing of itself is redirected, as ever.
    let program = Request::script(journey.url("/login/start"));
    journey.browser.send(program).await.expect(303);
}

async fn htmx_is_told_the_address_of_login_and_log_out(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for boosted in ["true", "false"] {
        let htmx = |url| htmx(url).header("hx-boosted", boosted);
        let start = journey.url("/login/start?return_to=%2Fmembers");
        let answer = journey.browser.send(htmx(start)).await.expect(200);
        let to = answer.header("hx-redirect").expect("HX-Redirect");
        let page = journey.browser.visit(to).await.expect(200);
        assert_eq!(page.url.as_str(), journey.url("/members"));
        let post = by_script(Request::form(journey.url("/logout"), &[]));
        let post = post
            .header("hx-request", "true")
            .header("hx-boosted", boosted);
        let answer = journey.browser.send(post).await.expect(200);
        journey.assert_nobody().await;
        let to = answer.header("hx-redirect").expect("HX-Redirect");
        let to = Url::parse(to).expect("an address");
        assert_end_session(&journey, &to, true);
        comes_back(&journey, to).await;
    }
}

async fn a_boosted_link_comes_back_to_its_own_page(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let current = journey.url("/?tab=2");
    let get = || htmx(journey.url("/members?page=3")).header("hx-current-url", &current);
    let post = by_script(Request::form(
        journey.url("/profile"),
        &[("display_name", "lost")],
    ));
    let post = post
        .header("hx-request", "true")
        .header("hx-boosted", "true")
        .header("hx-current-url", &current);
    for (request, back) in [
        (get().header("hx-boosted", "true"), "/members?page=3"),
        (
            get().header("hx-history-restore-request", "true"),
            "/members?page=3",
        ),
        (get(), "/?tab=2"),
        (get().header("hx-boosted", "false"), "/?tab=2"),
        (post, "/?tab=2"),
    ] {
        let answer = journey.browser.send(request).await.expect(401);
        let to = answer.header("hx-redirect").expect("HX-Redirect");
        let page = journey.browser.visit(to).await.expect(200);
        assert_eq!(page.url.as_str(), journey.url(back));
        journey.browser.clear();
    }
}

async fn turbo_loads_the_login_as_a_document(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    // What Turbo prefetches it shows after the click: so the answer is the same.
    for purpose in [None, Some("prefetch")] {
        for path in [
            "/members?page=2",
            "/profile",
            "/login/start?return_to=%2Fmembers",
        ] {
            let mut request = turbo(journey.url(path));
            if let Some(purpose) = purpose {
                request = request.header("x-sec-purpose", purpose);
            }
            let page = journey.browser.send(request).await.expect(200);
            assert!(reloads(&page), "{path}: {}", page.body);
            assert!(page.is_no_store(), "{path}");
            assert!(page.set_cookies().is_empty(), "{path}: it begins no login");
            assert_eq!(page.header("location"), None);
            assert!(link(&page).path() == "/login/start", "{path}");
        }
    }
    // A version from before the header.
    let request = Request::fetch(journey.url("/login/start")).header("accept", HTML);
    let page = journey.browser.send(request).await.expect(200);
    assert!(reloads(&page), "{}", page.body);
}

async fn a_turbo_frame_and_a_turbo_form_come_back_to_the_page_the_user_was_on(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let on = journey.url("/?tab=2");
    let form = by_script(Request::form(
        journey.url("/profile"),
        &[("display_name", "lost")],
    ));
    let form = form.header(
        "accept",
        "text/vnd.turbo-stream.html, text/html, application/xhtml+xml",
    );
    for request in [
        turbo(journey.url("/members")).header("turbo-frame", "list"),
        form,
    ] {
        let request = request.header("referer", &on);
        let answer = journey.browser.send(request).await.expect(303);
        let start = answer.location().expect("a location");
        assert_eq!(
            start.path(),
            "/login/start",
            "Turbo can follow: it is our own page"
        );
        assert_eq!(parameter(&start, "return_to").as_deref(), Some("/?tab=2"));
        let page = journey.browser.step(&answer).await.expect(200);
        assert!(reloads(&page), "{}", page.body);
    }
}

async fn a_log_out_by_turbo_leads_on_from_our_own_page(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let post = by_script(Request::form(journey.url("/logout"), &[]))
        .header(
            "accept",
            "text/vnd.turbo-stream.html, text/html, application/xhtml+xml",
        )
        .header("x-turbo-request-id", "ae52e6f1");
    let answer = journey.browser.send(post).await.expect(303);
    journey.assert_nobody().await;
    let own = answer.location().expect("a location");
    assert_eq!(own.origin().ascii_serialization(), journey.demo.origin());
    assert!(own.as_str().len() < 8000, "{}", own.as_str().len());
    // It carries no token that anybody could read: a JWT has dots, and what is sealed has none.
    let sealed = own.query().expect("a sealed address");
    assert!(!sealed.contains('.'), "{own}");
    let page = journey.browser.step(&answer).await.expect(200);
    assert!(reloads(&page), "{}", page.body);
    assert_end_session(&journey, &link(&page), true);
    // Turbo loads it as a document.
    let document = journey.browser.open(own).await.expect(303);
    assert!(document.is_no_store());
    let to = document.location().expect("a location");
    assert_end_session(&journey, &to, true);
    comes_back(&journey, to).await;
}

async fn nobody_else_can_make_our_page_lead_on(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    let evil = "https%3A%2F%2Fevil.example%2F";
    for query in [
        format!("to={evil}"),
        format!("to=AQE{evil}"),
        "to=".to_owned(),
        "to=AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        let answer = journey
            .browser
            .open(journey.url(&format!("/logout?{query}")));
        let answer = answer.await.expect(303);
        assert_eq!(answer.location_path().as_deref(), Some("/"), "{query}");
        assert!(!answer.body.contains("evil"));
    }
}

async fn a_service_worker_gets_a_page(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for mode in ["same-origin", "cors"] {
        let worker = |path: &str| {
            Request::fetch(journey.url(path))
                .header("sec-fetch-mode", mode)
                .header("accept", HTML)
        };
        let page = journey
            .browser
            .send(worker("/members?page=2"))
            .await
            .expect(401);
        let start = link(&page);
        assert_eq!(start.path(), "/login/start");
        assert_eq!(
            parameter(&start, "return_to").as_deref(),
            Some("/members?page=2")
        );
        assert!(refreshes(&page), "{}", page.body);
        // The worker stands before the login, too. It does not stand before the provider.
        let path = &start.as_str()[journey.demo.origin().len()..];
        let page = journey.browser.send(worker(path)).await.expect(200);
        let provider = link(&page);
        assert!(
            provider.as_str().starts_with(&journey.provider.issuer()),
            "{provider}"
        );
        assert!(refreshes(&page), "{}", page.body);
        let page = journey.browser.visit(provider).await.expect(200);
        assert_eq!(page.url.as_str(), journey.url("/members?page=2"));
        let post = Request::form(journey.url("/logout"), &[])
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", "empty");
        let page = journey.browser.send(post).await.expect(200);
        let to = link(&page);
        assert_end_session(&journey, &to, true);
        comes_back(&journey, to).await;
    }
}

/// How many logins are under way in a browser.
fn pending(browser: &Browser) -> usize {
    browser.cookies_named("login").len()
}

async fn a_frame_gets_a_page_and_no_redirect(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for destination in ["iframe", "frame"] {
        let frame = Request::navigate(journey.url("/members"))
            .header("sec-fetch-dest", destination)
            .header("referer", &journey.url("/?tab=2"));
        let page = journey.browser.send(frame).await.expect(401);
        assert_eq!(page.header("location"), None);
        assert!(!refreshes(&page), "it would begin a login in the frame");
        assert!(page.body.contains("target=\"_top\""), "{}", page.body);
        assert_eq!(
            parameter(&link(&page), "return_to").as_deref(),
            Some("/?tab=2")
        );
        assert_eq!(pending(&journey.browser), 0);
    }
}

async fn a_part_of_a_page_is_not_redirected_and_begins_no_login(adapter: Adapter) {
    let journey = Journey::begin(adapter);
    for destination in [
        "audio",
        "embed",
        "font",
        "image",
        "manifest",
        "object",
        "report",
        "script",
        "serviceworker",
        "sharedworker",
        "style",
        "track",
        "video",
        "worker",
        "xslt",
        "fencedframe",
    ] {
        for mode in ["no-cors", "cors", "same-origin", "navigate"] {
            for accept in ["*/*", "image/avif,image/webp,*/*;q=0.8", HTML] {
                let part = |path: &str| {
                    Request::fetch(journey.url(path))
                        .header("sec-fetch-dest", destination)
                        .header("sec-fetch-mode", mode)
                        .header("accept", accept)
                };
                let answer = journey.browser.send(part("/members")).await.expect(401);
                assert_eq!(answer.header("location"), None, "{destination}");
                let answer = journey.browser.send(part("/login/start")).await.expect(403);
                assert!(answer.set_cookies().is_empty(), "{destination}");
                assert_eq!(answer.header("location"), None, "{destination}");
            }
        }
    }
    // A script of another site, which cannot read the answer.
    let blind = Request::fetch(journey.url("/login/start"))
        .header("sec-fetch-dest", "empty")
        .header("sec-fetch-mode", "no-cors")
        .header("accept", "*/*");
    let answer = journey.browser.send(blind).await.expect(403);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(pending(&journey.browser), 0);
    let issuer = journey.provider.issuer();
    let initiate = journey.url(&format!("/login/initiate?iss={issuer}"));
    let image = Request::fetch(initiate).header("sec-fetch-dest", "image");
    let answer = journey.browser.send(image).await.expect(403);
    assert!(answer.set_cookies().is_empty());
    assert_eq!(journey.provider.count(miracl_tests::Endpoint::Authorize), 0);
}

async fn a_form_can_ask_for_a_page_that_leads_on(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let form = Request::form(journey.url("/logout?via=page"), &[]);
    let page = journey.browser.send(form).await.expect(200);
    journey.assert_nobody().await;
    assert!(page.is_no_store());
    assert!(refreshes(&page), "{}", page.body);
    let to = link(&page);
    assert_end_session(&journey, &to, true);
    comes_back(&journey, to).await;
    for query in ["", "?via=", "?via=redirect", "?page"] {
        journey.log_in().await;
        let form = Request::form(journey.url(&format!("/logout{query}")), &[]);
        let answer = journey.browser.send(form).await.expect(303);
        assert_end_session(&journey, &answer.location().expect("a location"), true);
    }
}
