//! A fleet in which one replica is set differently: what a failed login says in that replica's log, and whom it blames.

use std::{path::Path, process::Command};

use miracl_tests::{
    Adapter, Answer, Browser, Demo, DemoBuilder, Front, Provider, Request, scenarios,
};

use super::replicas::behind;
use crate::journey::{assert_refused, key};

scenarios![
    other_cookie_keys_are_named_and_called_unproven,
    another_client_is_named,
    another_issuer_is_named,
    another_cookie_prefix_is_named,
    another_redirect_uri_is_named_and_the_login_goes_on_elsewhere,
    another_response_mode_is_named,
    a_clock_that_is_ahead_is_named,
    another_client_secret_is_put_down_to_this_app,
    other_marks_are_named_where_a_code_is_sent_twice,
    another_session_store_is_named_when_logins_go_round,
    other_cookie_keys_are_named_when_logins_go_round,
    logins_that_go_round_are_found_where_each_request_comes_to_the_other_replica,
    other_pkce_locks_nobody_out,
    a_login_that_is_not_there_is_not_put_down_to_the_person_alone,
];

/// Two replicas, of which the second is set differently.
struct Pair {
    provider: Provider,
    front: Front,
    plain: Demo,
    odd: Demo,
    browser: Browser,
}

impl Pair {
    async fn start(
        adapter: Adapter,
        change: impl FnOnce(DemoBuilder, &Front) -> DemoBuilder,
    ) -> Self {
        let provider = Provider::start();
        let front = Front::start().await;
        let other = adapter.rotation().nth(1).expect("several adapters");
        let plain = behind(&front, other, &provider).start();
        let odd = change(behind(&front, adapter, &provider), &front).start();
        Self {
            provider,
            front,
            plain,
            odd,
            browser: Browser::new(),
        }
    }

    /// Begins a login at the plain replica, and has the provider approve it.
    async fn approved(&self) -> Answer {
        self.front.choose(&self.plain);
        let start = self.browser.open(self.front.url("/login/start")).await;
        self.browser.step(&start.expect(303)).await.expect(302)
    }

    /// Begins a login at the plain replica, ends it at the odd one, and returns the page.
    async fn ends_at_odd(&self) -> Answer {
        let approved = self.approved().await;
        self.front.choose(&self.odd);
        self.browser.step(&approved).await
    }

    /// Logs in at each replica in turn, and comes to the other one afterwards, until a page says that this leads
    /// nowhere.
    async fn goes_round(&self) -> Answer {
        let start = self.front.url("/login/start");
        for replica in [&self.odd, &self.plain, &self.odd, &self.plain] {
            self.front.choose(replica);
            let members = self.browser.open(self.front.url("/members")).await;
            assert_eq!(
                members.expect(303).location_path().as_deref(),
                Some("/login/start?return_to=%2Fmembers")
            );
            let begun = self.browser.open(&start).await.expect(303);
            let approved = self.browser.step(&begun).await.expect(302);
            self.browser.step(&approved).await.expect(303);
        }
        self.front.choose(&self.odd);
        self.browser.open(start).await
    }

    /// The line of the odd replica's log about a login that failed. It names the replica, and blames this app.
    fn blames_app(&self, texts: &[&str]) -> String {
        self.odd.wait_for_line(&["login failed"]);
        let log = self.odd.log();
        let line = log.lines().find(|line| line.contains("login failed"));
        let line = line.expect("it was waited for").to_owned();
        for text in texts.iter().chain(&["at_fault=this app"]) {
            assert!(line.contains(text), "no {text:?} in: {line}");
        }
        let replica = format!("/{}\"", self.odd.id());
        assert!(line.contains(&replica), "no replica {replica:?}: {line}");
        assert!(!line.contains("the person or their browser"), "{line}");
        println!("{line}");
        line
    }
}

/// A refused login whose page says that it is no mistake of the person.
fn assert_not_theirs(page: &Answer) {
    assert_refused(page);
    assert!(page.body.contains("no mistake of yours"), "{}", page.body);
}

async fn other_cookie_keys_are_named_and_called_unproven(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("COOKIE_KEYS", &key(2))).await;
    assert_not_theirs(&pair.ends_at_odd().await);
    pair.blames_app(&[
        "`cookie_keys` differs",
        "COOKIE_KEYS",
        "not proven",
        "at_fault=this app or the person",
    ]);
}

async fn another_client_is_named(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("CLIENT_ID", "another-client")).await;
    assert_not_theirs(&pair.ends_at_odd().await);
    let line = pair.blames_app(&["whose `client_id` differs", "CLIENT_ID"]);
    assert!(!line.contains("not proven"), "{line}");
}

async fn another_issuer_is_named(adapter: Adapter) {
    let another = Provider::start();
    let pair = Pair::start(adapter, |odd, _| odd.env("ISSUER", &another.issuer())).await;
    assert_not_theirs(&pair.ends_at_odd().await);
    pair.blames_app(&["whose `issuer` differs", "ISSUER"]);
}

async fn another_cookie_prefix_is_named(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("COOKIE_PREFIX", "odd")).await;
    assert_not_theirs(&pair.ends_at_odd().await);
    let line = pair.blames_app(&["`fleet-…`", "`odd-…`", "COOKIE_PREFIX"]);
    assert!(!line.contains("not proven"), "{line}");
}

async fn another_redirect_uri_is_named_and_the_login_goes_on_elsewhere(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, front| {
        let other = front.url("/login").replace("127.0.0.1", "localhost");
        odd.env("REDIRECT_URL", &other)
    })
    .await;
    let approved = pair.approved().await;
    pair.front.choose(&pair.odd);
    assert_not_theirs(&pair.browser.step(&approved).await);
    pair.blames_app(&["`redirect_uri` differs", "REDIRECT_URL"]);
    // Nothing is used up: the page, loaded again, may come to a replica that is set as the first was.
    pair.front.choose(&pair.plain);
    pair.browser.step(&approved).await.expect(303);
}

async fn another_response_mode_is_named(adapter: Adapter) {
    let mut pair = Pair::start(adapter, |odd, _| odd).await;
    pair.plain
        .restart_with(|plain| plain.env("RESPONSE_MODE", "form_post"));
    pair.front.choose(&pair.plain);
    let start = pair.browser.open(pair.front.url("/login/start")).await;
    let page = pair.browser.step(&start.expect(303)).await.expect(200);
    let form = page.forms().into_iter().next().expect("a form");
    let fields: Vec<_> = form.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let post = Request::form(&form.action, &fields).from_page("https://provider.example/");
    pair.front.choose(&pair.odd);
    pair.browser.send(post.clone()).await.expect(403);
    pair.odd
        .wait_for_line(&["posted a callback", "RESPONSE_MODE", "differs"]);
    // Nothing is used up.
    pair.front.choose(&pair.plain);
    pair.browser.send(post).await.expect(303);
}

/// Builds a library that sets the clock of a program an hour ahead, and returns its path.
fn an_hour_ahead(directory: &Path) -> String {
    const SOURCE: &str = r#"
        #define _GNU_SOURCE
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t clock, struct timespec *time) {
            int failed = syscall(SYS_clock_gettime, clock, time);
            if (!failed && clock == CLOCK_REALTIME) time->tv_sec += 3600;
            return failed;
        }
    "#;
    let (source, library) = (directory.join("ahead.c"), directory.join("ahead.so"));
    std::fs::write(&source, SOURCE).expect("a file");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "the C compiler fails"
    );
    library.to_str().expect("a path").to_owned()
}

async fn a_clock_that_is_ahead_is_named(adapter: Adapter) {
    let directory = tempfile::tempdir().expect("a directory");
    let ahead = an_hour_ahead(directory.path());
    let pair = Pair::start(adapter, |odd, _| odd.env("LD_PRELOAD", &ahead)).await;
    assert_not_theirs(&pair.ends_at_odd().await);
    pair.blames_app(&[
        "the clock, or `login_timeout`, differs",
        "Compare the clocks",
    ]);
    // The other way round the login is in the future, which locks nobody out.
    pair.browser.clear();
    pair.front.choose(&pair.odd);
    let start = pair.browser.open(pair.front.url("/login/start")).await;
    let approved = pair.browser.step(&start.expect(303)).await.expect(302);
    pair.front.choose(&pair.plain);
    pair.browser.step(&approved).await.expect(303);
    pair.plain
        .wait_for_line(&["in the future", "clocks of the replicas differ"]);
}

async fn another_client_secret_is_put_down_to_this_app(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("CLIENT_SECRET", "another-secret")).await;
    assert_refused(&pair.ends_at_odd().await);
    pair.blames_app(&["invalid_client", "secret"]);
}

async fn other_marks_are_named_where_a_code_is_sent_twice(adapter: Adapter) {
    // Each has its own: the memory of its process.
    let pair = Pair::start(adapter, |odd, _| odd).await;
    let approved = pair.approved().await;
    let copy = pair.browser.copy();
    pair.browser.step(&approved).await.expect(303);
    pair.front.choose(&pair.odd);
    assert_refused(&copy.step(&approved).await);
    pair.blames_app(&["invalid_grant", "`marks_store`"]);
}

async fn another_session_store_is_named_when_logins_go_round(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("SESSION_STORE", "memory")).await;
    assert_refused(&pair.goes_round().await);
    pair.blames_app(&["`session_store` differs", "SESSION_STORE"]);
    // Both keep them in memory, and each in its own.
    let pair = Pair::start(adapter, |odd, _| odd.env("SESSION_STORE", "memory")).await;
    let mut pair = pair;
    pair.plain
        .restart_with(|plain| plain.env("SESSION_STORE", "memory"));
    assert_refused(&pair.goes_round().await);
    pair.blames_app(&[
        "does not have the session",
        "`session_store` differs",
        "`memory` is one process's own",
    ]);
}

async fn other_cookie_keys_are_named_when_logins_go_round(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("COOKIE_KEYS", &key(2))).await;
    assert_refused(&pair.goes_round().await);
    pair.blames_app(&["`cookie_keys` differs", "COOKIE_KEYS"]);
}

async fn logins_that_go_round_are_found_where_each_request_comes_to_the_other_replica(
    adapter: Adapter,
) {
    // Each keeps its sessions in its own memory. What is needed for a login is in cookies.
    let mut pair = Pair::start(adapter, |odd, _| odd.env("SESSION_STORE", "memory")).await;
    pair.plain
        .restart_with(|plain| plain.env("SESSION_STORE", "memory"));
    pair.front.spread([&pair.plain, &pair.odd]);
    let mut logins = 0;
    let told = loop {
        let members = pair.browser.open(pair.front.url("/members")).await;
        let begun = pair.browser.step(&members.expect(303)).await;
        if begun.status != 303 {
            break begun;
        }
        assert!(logins < 4, "it goes round for ever");
        let approved = pair.browser.step(&begun).await.expect(302);
        pair.browser.step(&approved).await.expect(303);
        logins += 1;
    };
    assert_refused(&told);
    // The page ends the loop, for those whose replicas have been set right meanwhile.
    let again = pair.browser.open(pair.front.url("/login/start")).await;
    again.expect(303);
}

async fn other_pkce_locks_nobody_out(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd.env("PKCE", "off")).await;
    pair.ends_at_odd().await.expect(303);
    pair.browser.clear();
    pair.front.choose(&pair.odd);
    let start = pair.browser.open(pair.front.url("/login/start")).await;
    let approved = pair.browser.step(&start.expect(303)).await.expect(302);
    pair.front.choose(&pair.plain);
    pair.browser.step(&approved).await.expect(303);
    assert_eq!(pair.provider.count(miracl_tests::Endpoint::Token), 2);
}

async fn a_login_that_is_not_there_is_not_put_down_to_the_person_alone(adapter: Adapter) {
    let pair = Pair::start(adapter, |odd, _| odd).await;
    let approved = pair.approved().await;
    pair.browser.clear();
    pair.front.choose(&pair.odd);
    assert_refused(&pair.browser.step(&approved).await);
    pair.blames_app(&["cannot be told apart", "REDIRECT_URL", "reloaded"]);
}
