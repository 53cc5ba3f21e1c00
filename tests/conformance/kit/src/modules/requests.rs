//! Requests that are no navigation, that lie about their origin, or that make no sense.

use reqwest::Method;

use crate::browser::Request;
use crate::judge::Step;
use crate::module::Module;
use crate::profile::Profile::{self, Ours};
use crate::run::Run;
use crate::stop::{Checked, ensure, lacks};

const OURS: &[Profile] = &[Ours];

/// Query strings that have confused parsers.
const ODD_QUERIES: &[&str] = &[
    "&",
    "&&&",
    "=",
    "&=&",
    "?",
    "%",
    "%0",
    "%00",
    "%ff",
    "%zz",
    "state",
    "state=",
    "code=&state=",
    "code&state&iss",
    "error",
    "error=",
    "a[]=1&a[]=2",
    "state[]=x",
    "code[0]=x",
    "+",
    ";",
    "#",
];

pub(crate) fn modules() -> Vec<Module> {
    vec![
        Module::play(
            "ours-a-navigation-is-sent-to-log-in",
            OURS,
            "a navigation to a protected page comes back there after the login",
            |run| Box::pin(navigation(run)),
        ),
        Module::play(
            "ours-a-program-gets-a-401",
            OURS,
            "XHR, fetch, htmx, event streams, WebSockets and API clients get a 401 and no redirect",
            |run| Box::pin(programs(run)),
        ),
        Module::play(
            "ours-spoofed-proxy-headers",
            OURS,
            "headers that only a proxy may set change neither who somebody is nor where the login leads",
            |run| Box::pin(spoofed(run)),
        ),
        Module::play(
            "ours-odd-query-strings",
            OURS,
            "a lone & and its like are refused, break nothing, and nothing is asked of the provider",
            |run| Box::pin(odd_queries(run)),
        ),
        Module::play(
            "ours-head-and-prefetch-change-nothing",
            OURS,
            "what a browser fetches before anybody clicked uses no login up",
            |run| Box::pin(head_and_prefetch(run)),
        ),
        Module::play(
            "ours-pages-set-no-login-cookie",
            OURS,
            "only the start of a login binds one to the browser: a protected page and a 401 set no cookie",
            |run| Box::pin(no_cookie(run)),
        ),
        Module::play(
            "ours-callback-leaves-a-clean-address",
            OURS,
            "a login ends with a redirect away from the address that holds the code",
            |run| Box::pin(clean_address(run)),
        ),
    ]
}

async fn navigation(run: &Run) -> Checked {
    let page = run
        .app()
        .url(lacks(&run.app().protected, "a protected page")?);
    let crate::run::Started::At(url) = run.start_at(page.clone()).await? else {
        return Err(format!("{page} does not lead to a login").into());
    };
    let callback = run.approve(&url).await?;
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.location().as_ref() == Some(&page),
        "the login does not end at {page}: {}",
        answer.line()
    );
    let there = run.browser.open(page).await?;
    ensure!(there.status == 200, "{}", there.line());
    Ok(())
}

async fn programs(run: &Run) -> Checked {
    let page = || {
        run.app()
            .url(run.app().protected.as_deref().unwrap_or_default())
    };
    lacks(&run.app().protected, "a protected page")?;
    let requests = [
        ("fetch", Request::fetch(page())),
        (
            "fetch that wants HTML",
            Request::fetch(page()).header("accept", "text/html"),
        ),
        (
            "XHR",
            Request::bare(page())
                .header("x-requested-with", "XMLHttpRequest")
                .header("accept", "text/html, */*"),
        ),
        (
            "an API client",
            Request::bare(page()).header("accept", "application/json"),
        ),
        (
            "a client that takes anything",
            Request::bare(page()).header("accept", "*/*"),
        ),
        ("a client that says nothing", Request::bare(page())),
        ("htmx", Request::fetch(page()).header("hx-request", "true")),
        (
            "an event stream",
            Request::fetch(page())
                .header("accept", "text/event-stream")
                .header("cache-control", "no-cache"),
        ),
        (
            "a WebSocket",
            Request::bare(page())
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("sec-fetch-mode", "websocket")
                .header("sec-fetch-dest", "websocket")
                .header("sec-fetch-site", "same-origin"),
        ),
        (
            "an image",
            Request::fetch(page())
                .header("sec-fetch-mode", "no-cors")
                .header("sec-fetch-dest", "image"),
        ),
    ];
    for (who, request) in requests {
        let answer = run.browser.send(request).await?;
        ensure!(answer.status == 401, "{who}: {}", answer.line());
        ensure!(
            answer.header("location").is_none(),
            "{who} is sent elsewhere: {}",
            answer.line()
        );
    }
    Ok(())
}

async fn spoofed(run: &Run) -> Checked {
    let headers = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-server", "evil.example"),
        ("x-forwarded-prefix", "//evil.example"),
        ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("x-real-ip", "127.0.0.1"),
        ("x-original-url", "/public"),
        ("x-original-uri", "/public"),
        ("x-rewrite-url", "/public"),
        ("x-forwarded-uri", "/public"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-http-method-override", "OPTIONS"),
        ("x-forwarded-user", "alice@example.com"),
        ("x-forwarded-email", "alice@example.com"),
        ("x-auth-request-user", "alice@example.com"),
        ("remote-user", "alice@example.com"),
        ("authorization", "Basic YWxpY2U6YWxpY2U="),
        ("user-agent", "kube-probe/1.0 GoogleHC/1.0"),
    ];
    let spoof = |mut request: Request| {
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request
    };
    let login = run
        .browser
        .send(spoof(Request::navigate(run.app().url(&run.app().login))))
        .await?;
    let mut target = login.location().ok_or_else(|| login.line())?;
    if run.app().owns(&target) {
        let next = run.browser.send(spoof(Request::navigate(target))).await?;
        target = next.location().ok_or_else(|| next.line())?;
    }
    ensure!(
        target.origin().ascii_serialization() == run.platform().issuer(),
        "the login leads to {target}"
    );
    // Every authorization request is checked for the registered `redirect_uri`.
    let callback = run.approve(&target).await?;
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.status < 400,
        "the login is refused: {}",
        answer.line()
    );
    super::redirects::ensure_stays(run, answer, "a login behind a proxy that does not exist")
        .await?;
    let stranger = run.browser.another();
    let paths = [run.app().probe.as_deref(), run.app().protected.as_deref()];
    for path in paths.into_iter().flatten() {
        let answer = stranger
            .send(spoof(Request::fetch(run.app().url(path))))
            .await?;
        ensure!(
            answer.status == 401 || answer.status == 403,
            "a stranger with headers: {}",
            answer.line()
        );
        ensure!(
            !answer.body.contains("evil.example"),
            "a header is repeated: {}",
            answer.body
        );
    }
    Ok(())
}

async fn odd_queries(run: &Run) -> Checked {
    run.authorize_url().await?;
    let app = run.app();
    for query in ODD_QUERIES {
        let mut callback = app.url(&app.callback);
        callback.set_query(Some(query));
        let answer = run.browser.open(callback).await?;
        ensure!((400..500).contains(&answer.status), "{}", answer.line());
        let others = [
            Some(app.login.as_str()),
            app.probe.as_deref(),
            app.protected.as_deref(),
            app.signed_out.as_deref(),
        ];
        for path in others.into_iter().flatten() {
            let mut url = app.url(path);
            url.set_query(Some(query));
            let answer = run.browser.open(url).await?;
            ensure!(answer.status < 500, "{}", answer.line());
        }
    }
    let count = run.count(Step::Token);
    ensure!(count == 0, "tokens were asked for {count} times");
    Ok(())
}

async fn head_and_prefetch(run: &Run) -> Checked {
    let callback = run.callback().await?;
    let issuer = run.platform().issuer();
    let visit = || Request::navigate(callback.url.clone()).sent_by(issuer);
    let requests = [
        visit().method(Method::HEAD),
        visit().header("sec-purpose", "prefetch"),
        visit().header("sec-purpose", "prefetch;prerender"),
        visit().header("purpose", "prefetch"),
    ];
    for request in requests {
        let answer = run.browser.send(request).await?;
        // A 503 is what browsers do not keep of a prefetch.
        ensure!(
            answer.status < 500 || answer.status == 503,
            "{}",
            answer.line()
        );
        ensure!(
            answer.set_cookies().is_empty(),
            "it changes cookies: {}",
            answer.line()
        );
    }
    let count = run.count(Step::Token);
    ensure!(count == 0, "the code was sent before anybody clicked");
    let answer = run.deliver(&callback).await?;
    ensure!(
        answer.status < 400,
        "the login was used up: {}",
        answer.line()
    );
    run.ensure_logged_in("after a prefetched callback").await
}

async fn no_cookie(run: &Run) -> Checked {
    let path = lacks(&run.app().protected, "a protected page")?;
    for request in [
        Request::navigate(run.app().url(path)),
        Request::fetch(run.app().url(path)),
    ] {
        let answer = run.browser.send(request).await?;
        ensure!(
            answer.set_cookies().is_empty(),
            "{} sets a cookie",
            answer.line()
        );
    }
    let count = run.count(Step::Authorization);
    ensure!(count == 0, "the provider was asked");
    Ok(())
}

async fn clean_address(run: &Run) -> Checked {
    let answer = run.log_in().await?;
    ensure!(
        answer.status == 303 || answer.status == 302,
        "RFC 9700 §4.2.4, §4.11: {}",
        answer.line()
    );
    let target = answer.location().ok_or_else(|| answer.line())?;
    ensure!(
        !target
            .query_pairs()
            .any(|(name, _)| name == "code" || name == "state"),
        "the code is still in the address: {target}"
    );
    Ok(())
}
