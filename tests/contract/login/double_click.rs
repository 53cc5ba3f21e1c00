//! A double click: the browser gives up the first request of a callback, and sends it again. So do proxies that try
//! again.

use miracl_tests::{Adapter, Answer, Answers, Browser, Endpoint, Request, scenarios};
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use crate::journey::{Journey, assert_refused, give_up, logged, subject};

scenarios![
    the_second_click_logs_in_where_the_browser_has_given_up_the_first,
    one_of_several_that_wait_logs_in_and_the_others_go_where_it_goes,
    the_third_click_logs_in_where_the_browser_has_given_up_two,
    a_login_that_nobody_waits_for_does_not_begin,
    the_second_click_learns_why_the_login_of_the_first_failed,
];

/// A demo whose log tells of callbacks that wait, a login there that leads to `/members`, and a provider that holds its
/// tokens back until it is told.
struct Held {
    adapter: Adapter,
    journey: Journey,
    callback: Url,
    release: watch::Sender<bool>,
}

/// A request that can be given up.
type Sent = JoinHandle<Answer>;

impl Held {
    async fn begin(adapter: Adapter) -> Self {
        let journey = Journey::begin_with(adapter, &[("RUST_LOG", "info,miracl_core=debug")]);
        let start = journey.url("/login/start?return_to=%2Fmembers");
        let start = journey.browser.open(start).await.expect(303);
        let approved = journey.browser.step(&start).await.expect(302);
        let callback = approved.location().expect("the callback");
        let (held, release) = Answers::held();
        journey.provider.set(Endpoint::Token, held);
        Self {
            adapter,
            journey,
            callback,
            release,
        }
    }

    /// Opens the callback in a copy of the browser.
    fn open(&self) -> Sent {
        let (copy, callback) = (self.journey.browser.copy(), self.callback.clone());
        tokio::spawn(async move { copy.send(Request::navigate(callback)).await })
    }

    /// Opens the callback, and waits until its code was sent to the provider.
    async fn first(&self) -> Sent {
        let first = self.open();
        self.journey.provider.has_received(Endpoint::Token, 1).await;
        first
    }

    /// Opens the callback once more, and waits until that request waits for the first: the `number`th to do so.
    async fn another(&self, number: usize) -> Sent {
        let another = self.open();
        self.logged("the second waits for the first", number).await;
        another
    }

    /// Waits until the log has a line so many times.
    async fn logged(&self, line: &str, times: usize) {
        logged(&self.journey.demo, line, times).await;
    }

    /// Gives up a request, the `number`th of this login.
    async fn give_up(&self, sent: Sent, number: usize) {
        give_up(self.adapter, &self.journey.demo, sent, number).await;
    }

    fn release(&self) {
        self.release.send(true).expect("the provider waits");
    }

    fn succeeded(&self) -> usize {
        self.journey.demo.log().matches("login succeeded").count()
    }
}

fn sets_a_session(answer: &Answer) -> bool {
    let set = answer.set_cookies();
    set.iter()
        .any(|cookie| cookie.name.ends_with("-session") && !cookie.deleted)
}

/// Keeps what an answer sets in the browser, which must be logged in then, and shows the message of the hook once.
async fn assert_logged_in(held: &Held, answer: &Answer) {
    let journey = &held.journey;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.location_path().as_deref(), Some("/members"));
    assert!(sets_a_session(answer), "{:?}", answer.headers);
    assert!(answer.is_no_store(), "{:?}", answer.headers);
    assert!(answer.header("clear-site-data").is_some());
    let cookies = answer.set_cookies();
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.name.contains("-login") && cookie.deleted),
        "the pending login stays: {cookies:?}"
    );
    for cookie in cookies {
        journey.browser.keep(cookie);
    }
    let page = journey.browser.open(journey.url("/")).await.expect(200);
    let messages = page.body.matches("Successfully logged in!").count();
    assert_eq!(messages, 1, "{}", page.body);
    journey.assert_still_logged_in().await;
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    held.logged("login succeeded", 1).await;
    assert_eq!(held.succeeded(), 1);
}

async fn the_second_click_logs_in_where_the_browser_has_given_up_the_first(adapter: Adapter) {
    let held = Held::begin(adapter).await;
    let first = held.first().await;
    let second = held.another(1).await;
    held.give_up(first, 1).await;
    held.release();
    let answer = second.await.expect("an answer");
    assert_logged_in(&held, &answer).await;
    // It counts once, as any other callback does.
    let again = Browser::new().open(&held.callback).await;
    assert_refused(&again);
}

async fn one_of_several_that_wait_logs_in_and_the_others_go_where_it_goes(adapter: Adapter) {
    let held = Held::begin(adapter).await;
    let first = held.first().await;
    let mut others = Vec::new();
    for number in 1..=3 {
        others.push(held.another(number).await);
    }
    held.give_up(first, 1).await;
    held.release();
    let mut answers = Vec::new();
    for other in others {
        answers.push(other.await.expect("an answer"));
    }
    let (logged_in, others): (Vec<_>, Vec<_>) = answers.iter().partition(|it| sets_a_session(it));
    assert_eq!(logged_in.len(), 1, "{answers:?}");
    for other in others {
        assert_eq!(other.status, 303, "{other:?}");
        assert_eq!(other.location(), logged_in[0].location());
        assert_eq!(other.set_cookies(), []);
    }
    assert_logged_in(&held, logged_in[0]).await;
}

async fn the_third_click_logs_in_where_the_browser_has_given_up_two(adapter: Adapter) {
    let held = Held::begin(adapter).await;
    let first = held.first().await;
    let second = held.another(1).await;
    held.give_up(first, 1).await;
    let third = held.another(2).await;
    held.give_up(second, 2).await;
    held.release();
    let answer = third.await.expect("an answer");
    assert_logged_in(&held, &answer).await;
}

async fn a_login_that_nobody_waits_for_does_not_begin(adapter: Adapter) {
    let held = Held::begin(adapter).await;
    let first = held.first().await;
    held.give_up(first, 1).await;
    held.release();
    held.logged("nobody waits for what is left of it", 1).await;
    let journey = &held.journey;
    let copy = journey.browser.copy();
    assert_refused(&copy.open(&held.callback).await);
    assert_eq!(subject(&copy, &journey.demo).await, None);
    assert_eq!(journey.provider.count(Endpoint::Token), 1);
    journey.provider.set(Endpoint::Token, Answers::Well);
    journey.log_in().await;
}

async fn the_second_click_learns_why_the_login_of_the_first_failed(adapter: Adapter) {
    let held = Held::begin(adapter).await;
    let refused = Answers::error(401, "invalid_token");
    held.journey.provider.set(Endpoint::Userinfo, refused);
    let first = held.first().await;
    let second = held.another(1).await;
    held.give_up(first, 1).await;
    held.release();
    assert_refused(&second.await.expect("an answer"));
    // The answer may be faster than the log.
    held.logged("login failed", 1).await;
    assert_eq!(held.journey.demo.log().matches("login failed").count(), 1);
    assert_eq!(held.journey.provider.count(Endpoint::Token), 1);
    held.journey.assert_nobody().await;
}
