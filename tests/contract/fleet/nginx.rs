//! Two replicas behind an nginx with the defaults of its package: each request goes to the other one.

use miracl_tests::{
    Adapter, Answers, Browser, Demo, DemoBuilder, Endpoint, Nginx, Provider, Raw, Redis, Wire,
    scenarios,
};
use serde_json::json;

use super::replicas::member;

scenarios![
    a_person_logs_in_refreshes_and_logs_out,
    a_person_logs_in_refreshes_and_logs_out_below_a_path_that_nginx_removes,
    an_upload_that_is_refused_gets_its_answer,
    much_userinfo_passes_nginx_where_sessions_are_in_a_store,
    much_userinfo_in_cookies_is_warned_of_once,
];

/// What nginx says where it gets no answer from a demo.
const BAD_GATEWAY: &str = " 502 ";

struct Fleet {
    provider: Provider,
    nginx: Nginx,
    demos: [Demo; 2],
    browser: Browser,
}

impl Fleet {
    /// Two replicas behind nginx. It removes this path, which is empty or like `/app`.
    fn start(adapter: Adapter, path: &str) -> Self {
        let provider = Provider::start();
        let mut nginx = Nginx::new();
        let replica = || {
            member(adapter, &provider)
                .env("PUBLIC_PATH", path)
                .env("REDIRECT_URL", &nginx.url(&format!("{path}/login")))
                .env(
                    "POST_LOGOUT_REDIRECT_URL",
                    &nginx.url(&format!("{path}/signed-out")),
                )
                .start()
        };
        let demos = [replica(), replica()];
        nginx.serve(&format!("{path}/"), &demos);
        Self {
            provider,
            nginx,
            demos,
            browser: Browser::new(),
        }
    }

    /// Fails unless both replicas have answered, and always.
    fn assert_both_answered(&self) {
        let requests = self.nginx.requests();
        for demo in &self.demos {
            let address = format!("127.0.0.1:{}", demo.port());
            let answered = requests.iter().any(|line| line.ends_with(&address));
            assert!(answered, "{address}: {requests:#?}");
        }
        let broken = requests.iter().any(|line| line.contains(BAD_GATEWAY));
        assert!(!broken, "{requests:#?}");
    }
}

/// A whole journey, below a path that nginx removes.
async fn journey(adapter: Adapter, path: &str) {
    let fleet = Fleet::start(adapter, path);
    let browser = &fleet.browser;
    let url = |name: &str| fleet.nginx.url(&format!("{path}{name}"));
    let me = async || browser.fetch(url("/me")).await;

    let page = browser.visit(url("/members?a=1")).await.expect(200);
    assert_eq!(page.url.as_str(), url("/members?a=1"));
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    for _ in 0..4 {
        let me = me().await.expect(200);
        assert_eq!(me.json()["sub"], Provider::SUBJECT, "{}", me.body);
    }

    let asked = fleet.provider.count(Endpoint::Userinfo);
    let page = browser.visit(url("/refresh")).await.expect(200);
    assert_eq!(page.url.as_str(), url("/"));
    assert!(page.body.contains(Provider::EMAIL), "{}", page.body);
    assert_eq!(fleet.provider.count(Endpoint::Userinfo), asked + 1);

    let form = [("display_name", "Behind nginx")];
    let saved = browser.post(url("/profile"), &form).await;
    browser.follow(saved).await.expect(200);

    let answer = browser.post(url("/logout"), &[]).await.expect(303);
    let provider = answer.location().expect("a location");
    assert!(
        provider.as_str().starts_with(&fleet.provider.issuer()),
        "{provider}"
    );
    let page = browser.follow(answer).await.expect(200);
    assert_eq!(page.url.as_str(), url("/"));
    assert!(page.has_alert("info", "User logged out!"), "{}", page.body);
    for _ in 0..2 {
        me().await.expect(401);
    }
    fleet.assert_both_answered();
}

async fn a_person_logs_in_refreshes_and_logs_out(adapter: Adapter) {
    journey(adapter, "").await;
}

async fn a_person_logs_in_refreshes_and_logs_out_below_a_path_that_nginx_removes(adapter: Adapter) {
    journey(adapter, "/app").await;
}

async fn an_upload_that_is_refused_gets_its_answer(adapter: Adapter) {
    let fleet = Fleet::start(adapter, "");
    // nginx refuses what is longer than 1 MiB by itself.
    for size in [100_000, 1_000_000] {
        for (path, line, status) in [
            ("/profile", "Accept: */*", 401),
            ("/profile", "Sec-Fetch-Site: cross-site", 403),
            ("/backchannel-logout", "Accept: */*", 400),
        ] {
            // To each of the two.
            for _ in 0..2 {
                let answer = upload(&fleet.nginx, path, line, size).await;
                assert_eq!(answer.status, status, "{path}, {line}, {size}: {answer:?}");
            }
        }
    }
    fleet.assert_both_answered();
}

/// Uploads so many bytes, with one line of the head.
async fn upload(nginx: &Nginx, path: &str, line: &str, size: usize) -> Raw {
    let port = nginx.port();
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{line}\r\n\
         Content-Type: multipart/form-data; boundary=a\r\nContent-Length: {size}\r\n\r\n"
    )
    .into_bytes();
    request.resize(request.len() + size, b'a');
    let mut wire = Wire::try_connect(port).await.expect("nginx listens");
    wire.send(request).await;
    wire.answer().await
}

/// One demo behind nginx, at a provider that says so many bytes about everybody.
fn much_userinfo(demo: DemoBuilder, provider: &Provider, bytes: usize) -> (Demo, Nginx) {
    let much = Answers::member("about", json!("x".repeat(bytes)));
    provider.set(Endpoint::Userinfo, much);
    let mut nginx = Nginx::new();
    let demo = demo.env("REDIRECT_URL", &nginx.url("/login")).start();
    nginx.serve("/", std::slice::from_ref(&demo));
    (demo, nginx)
}

async fn much_userinfo_passes_nginx_where_sessions_are_in_a_store(adapter: Adapter) {
    let redis = Redis::start();
    for store in ["memory", &redis.url()] {
        let provider = Provider::start();
        let demo = Demo::of(adapter, &provider).env("SESSION_STORE", store);
        let (demo, nginx) = much_userinfo(demo, &provider, 20_000);
        let browser = Browser::new();
        browser.visit(nginx.url("/members")).await.expect(200);
        browser.fetch(nginx.url("/me")).await.expect(200);
        assert!(!demo.log().contains("proxy_buffer_size"), "{}", demo.log());
    }
}

async fn much_userinfo_in_cookies_is_warned_of_once(adapter: Adapter) {
    let provider = Provider::start();
    let (demo, nginx) = much_userinfo(Demo::of(adapter, &provider), &provider, 3_000);
    for _ in 0..2 {
        // nginx has 4 KB for the headers of an answer.
        let browser = Browser::new();
        let answer = browser.visit(nginx.url("/members")).await;
        assert_eq!(answer.status, 502, "{answer:?}");
    }
    demo.wait_for_line(&["proxy_buffer_size", "SESSION_STORE", "WARN"]);
    assert_eq!(demo.log().matches("proxy_buffer_size").count(), 1);
}
