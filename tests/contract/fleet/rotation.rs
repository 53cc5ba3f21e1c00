//! The cookie key of a fleet is changed while people use it, in the three steps of [`Config::cookie_keys`].
//!
//! [`Config::cookie_keys`]: miracl_core::Config::cookie_keys

use std::sync::Arc;

use miracl_tests::{Adapter, Browser, Demo, Front, Provider, scenarios};
use tokio::{sync::watch, task::JoinSet};

use super::replicas::behind;
use crate::journey::key;

scenarios![a_key_is_changed_in_three_steps_that_nobody_notices];

/// How many browsers stay logged in.
const BROWSERS: usize = 4;

/// People who use the fleet all the time.
struct Load {
    people: JoinSet<()>,
    /// How many rounds each of them has completed.
    rounds: Vec<watch::Receiver<usize>>,
}

impl Load {
    /// Starts a person who repeats the same steps until one fails.
    fn add<F>(&mut self, mut round: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let (done, rounds) = watch::channel(0);
        self.rounds.push(rounds);
        self.people.spawn(async move {
            loop {
                round().await;
                done.send_modify(|rounds| *rounds += 1);
            }
        });
    }

    /// Waits until every person has begun and completed another round, and fails when any of them has failed.
    async fn goes_on(&mut self) {
        // A round that began earlier does not count, and every replica must have had its turn.
        let enough: Vec<_> = self.rounds.iter().map(|done| *done.borrow() + 4).collect();
        for (rounds, enough) in self.rounds.iter_mut().zip(enough) {
            if rounds.wait_for(|done| *done >= enough).await.is_err() {
                let failed = self.people.join_next().await;
                panic!("somebody noticed: {failed:?}");
            }
        }
    }
}

async fn log_in(browser: &Browser, front: &Front) {
    let page = browser.visit(front.url("/members")).await.expect(200);
    let greeted = page.has_alert("success", "Successfully logged in!");
    assert!(greeted, "{}", page.body);
}

async fn subject(browser: &Browser, front: &Front) -> Option<String> {
    let me = browser.fetch(front.url("/me")).await;
    assert!(matches!(me.status, 200 | 401), "{} {}", me.status, me.body);
    me.json()["sub"].as_str().map(str::to_owned)
}

async fn assert_logged_in(browser: &Browser, front: &Front) {
    let subject = subject(browser, front).await;
    assert_eq!(subject.as_deref(), Some(Provider::SUBJECT));
}

async fn a_key_is_changed_in_three_steps_that_nobody_notices(adapter: Adapter) {
    let provider = Provider::start();
    let front = Arc::new(Front::start().await);
    let mut demos: Vec<Demo> = adapter
        .rotation()
        .take(3)
        .map(|adapter| behind(&front, adapter, &provider).start())
        .collect();
    front.spread(&demos);

    // A person who logs in and does not come back until all is done.
    let away = Browser::new();
    log_in(&away, &front).await;
    let mut load = Load {
        people: JoinSet::new(),
        rounds: Vec::new(),
    };
    let mut browsers = Vec::new();
    for _ in 0..BROWSERS {
        let browser = Arc::new(Browser::new());
        log_in(&browser, &front).await;
        browsers.push(Arc::clone(&browser));
        let front = Arc::clone(&front);
        load.add(move || {
            let (browser, front) = (Arc::clone(&browser), Arc::clone(&front));
            async move {
                assert_logged_in(&browser, &front).await;
                let me = browser.fetch(front.url("/me")).await.expect(200);
                assert_eq!(me.json()["name"], "Canary of the Tests", "{}", me.body);
                browser.open(front.url("/members")).await.expect(200);
            }
        });
    }
    // Meanwhile others log in, each step at another replica.
    let door = Arc::clone(&front);
    load.add(move || {
        let front = Arc::clone(&door);
        async move {
            let browser = Browser::new();
            log_in(&browser, &front).await;
            assert_logged_in(&browser, &front).await;
        }
    });
    load.goes_on().await;

    let (old, new) = (key(1), key(2));
    for keys in [format!("{old},{new}"), format!("{new},{old}"), new.clone()] {
        for number in 0..demos.len() {
            let others = demos.iter().enumerate();
            front.spread(others.filter(|(at, _)| *at != number).map(|(_, demo)| demo));
            front.drained(&demos[number]).await;
            demos[number].restart_with(|settings| settings.env("COOKIE_KEYS", &keys));
            front.spread(&demos);
            load.goes_on().await;
        }
    }
    load.people.shutdown().await;

    for browser in &browsers {
        assert_logged_in(browser, &front).await;
    }
    let before = away.cookies();
    for _ in &demos {
        assert_eq!(subject(&away, &front).await, None);
    }
    assert_eq!(
        away.cookies(),
        before,
        "a key that is unknown may be another's"
    );
}
