//! `demo-fleet`: three replicas, a Redis and a platform by one command.

use std::{
    collections::BTreeSet,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use miracl_tests::{Adapter, Answer, Browser, Demo, DemoBuilder, Need, Redis, person, scenarios};
use tokio::task::JoinSet;

scenarios![
    a_person_is_logged_in_at_every_replica_and_logged_out_of_every_one,
    a_log_out_at_the_platform_reaches_every_replica,
    under_load_every_answer_is_right,
    sessions_in_cookies_need_no_redis,
    sessions_in_cookies_end_everywhere_within_a_second_where_marks_are_shared,
    when_one_part_ends_the_others_end_and_the_output_names_it,
    when_it_is_asked_to_stop_no_process_stays,
    when_it_is_killed_no_process_stays,
    without_redis_it_says_how_to_install_it,
    a_setting_that_no_fleet_can_have_is_refused,
];

/// The fleet has no adapter of its own: it is started like a demo.
const FLEET: Adapter = Adapter {
    name: "demo",
    demo: "demo-fleet",
    wrong_method: 404,
    goes_on: false,
};

/// How long the fleet may take to stop.
const STOP: Duration = Duration::from_secs(20);

/// How long it may take until a log-out is known everywhere, and how much longer on a busy machine.
const SOON: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_secs(4);

/// How many people use a fleet under load at the same time, and how often each comes back before the log-out.
const PEOPLE: usize = 12;
const VISITS: usize = 30;

fn main() -> ExitCode {
    miracl_tests::run_on(&[FLEET], &[suite().needing(Need::Redis)])
}

/// A running fleet. Dropping it kills it, and all its parts end with it.
struct Fleet(Demo);

impl Fleet {
    fn start(fleet: Adapter) -> Self {
        Self::of(Demo::builder(fleet))
    }

    fn of(fleet: DemoBuilder) -> Self {
        let fleet = fleet.start();
        // The last of the lines that a person reads first, and the last of each replica's own start: its log comes
        // through another pipe than its greeting.
        fleet.wait_for_log("Ctrl-C stops all of it");
        for replica in ["demo-axum", "demo-actix", "demo-rocket"] {
            fleet.wait_for_line(&[replica, "login with"]);
        }
        Self(fleet)
    }

    /// The processes that it started, replicas and Redis, as it prints them.
    fn processes(&self) -> Vec<String> {
        let log = self.0.log();
        let named = |line: &str| {
            let (_, process) = line.split_once("(process ")?;
            Some(process.trim_end_matches(')').to_owned())
        };
        log.lines().filter_map(named).collect()
    }

    async fn stop(&mut self) {
        let processes = self.processes();
        self.0.terminate();
        assert_eq!(self.0.wait_for_end(STOP), Some(0), "{}", self.0.log());
        assert_gone(&processes).await;
    }
}

/// Fails unless these processes end soon.
async fn assert_gone(processes: &[String]) {
    let deadline = Instant::now() + STOP;
    for process in processes {
        while signal("-0", process) {
            assert!(
                Instant::now() < deadline,
                "process {process} is still there"
            );
            tokio::task::yield_now().await;
        }
    }
}

/// Sends a signal, and returns whether the process was there to get it.
fn signal(signal: &str, process: &str) -> bool {
    let kill = Command::new("sh")
        .args(["-c", &format!("kill {signal} {process}")])
        .stderr(Stdio::null())
        .status();
    kill.is_ok_and(|status| status.success())
}

/// The replica that answered, by the header that the proxy adds.
fn replica(answer: &Answer) -> String {
    answer.header("x-replica").expect("x-replica").to_owned()
}

/// Asks every replica who is logged in, and returns what they say.
async fn everywhere(browser: &Browser, fleet: &Demo) -> BTreeSet<(String, u16)> {
    let mut answers = BTreeSet::new();
    for _ in 0..3 {
        let me = browser.fetch(fleet.url("/me")).await;
        answers.insert((replica(&me), me.status));
    }
    answers
}

/// What [`everywhere`] returns when all say the same.
fn all(status: u16) -> BTreeSet<(String, u16)> {
    ["axum", "actix", "rocket"]
        .into_iter()
        .map(|name| (name.to_owned(), status))
        .collect()
}

async fn log_in(browser: &Browser, fleet: &Demo) {
    let page = browser.visit(fleet.url("/login/start")).await.expect(200);
    let page = person::approve(browser, page, fleet.origin(), &mut Vec::new()).await;
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    assert!(page.body.contains(person::EMAIL), "{}", page.body);
}

async fn a_person_is_logged_in_at_every_replica_and_logged_out_of_every_one(fleet: Adapter) {
    let mut fleet = Fleet::start(fleet);
    let browser = Browser::new();
    assert_eq!(everywhere(&browser, &fleet.0).await, all(401));
    log_in(&browser, &fleet.0).await;
    assert_eq!(everywhere(&browser, &fleet.0).await, all(200));
    let copy = browser.copy();
    let left = browser.post(fleet.0.url("/logout"), &[]).await.expect(303);
    for browser in [&browser, &copy] {
        assert_eq!(everywhere(browser, &fleet.0).await, all(401));
    }
    let page = browser.follow(left).await.expect(200);
    assert_eq!(page.url.as_str(), fleet.0.url("/"));
    assert!(page.has_alert("info", "User logged out!"), "{}", page.body);
    fleet.stop().await;
}

async fn a_log_out_at_the_platform_reaches_every_replica(fleet: Adapter) {
    let mut fleet = Fleet::start(fleet);
    let browser = Browser::new();
    log_in(&browser, &fleet.0).await;
    let log = fleet.0.log();
    let platform = log
        .lines()
        .find_map(|line| line.strip_prefix("a local MIRACL platform runs at "))
        .expect("the platform's address");
    browser.visit(format!("{platform}oidc/logout")).await;
    assert_eq!(everywhere(&browser, &fleet.0).await, all(401));
    fleet.stop().await;
}

/// People log in, come back many times and log out, all at once and for a while: the seconds in
/// `FLEET_LOAD_SECONDS`, 5 by default.
async fn under_load_every_answer_is_right(fleet: Adapter) {
    let seconds = std::env::var("FLEET_LOAD_SECONDS").map_or(5, |seconds| {
        let seconds = seconds.parse();
        seconds.expect("FLEET_LOAD_SECONDS is a number of seconds")
    });
    let fleet = Arc::new(Fleet::start(fleet));
    let ends = Instant::now() + Duration::from_secs(seconds);
    let before = fleet.0.log().len();
    // This person is known at the platform, and logged in nowhere.
    let known = Browser::new();
    log_in(&known, &fleet.0).await;
    let left = known.post(fleet.0.url("/logout"), &[]).await;
    known.follow(left).await.expect(200);
    let mut people = JoinSet::new();
    for _ in 0..PEOPLE {
        people.spawn(come_and_go(fleet.clone(), known.copy(), ends));
    }
    let (mut logins, mut requests) = (0, 0);
    for (more_logins, more_requests) in people.join_all().await {
        logins += more_logins;
        requests += more_requests;
    }
    println!(
        "{logins} logins, and {requests} requests of those who were logged in, in {seconds} s"
    );
    let mut fleet = Arc::into_inner(fleet).expect("all of them have left");
    let log = fleet.0.log();
    let under_load = log.get(before..).unwrap_or_default();
    for sign in [" WARN ", " ERROR ", "panicked"] {
        assert!(!under_load.contains(sign), "{under_load}");
    }
    fleet.stop().await;
}

/// One person. Returns how many logins, and how many requests in between, they made.
async fn come_and_go(fleet: Arc<Fleet>, known: Browser, ends: Instant) -> (u64, u64) {
    let fleet = &fleet.0;
    let (mut logins, mut requests) = (0, 0);
    // Every replica at least once.
    while logins == 0 || Instant::now() < ends {
        let browser = known.copy();
        log_in(&browser, fleet).await;
        logins += 1;
        for _ in 0..VISITS {
            let (whoami, public, me) = tokio::join!(
                browser.fetch(fleet.url("/whoami")),
                browser.fetch(fleet.url("/public")),
                browser.fetch(fleet.url("/me")),
            );
            assert_eq!((whoami.status, whoami.body.as_str()), (200, person::EMAIL));
            assert_eq!((public.status, me.status), (200, 200));
            assert_eq!(me.json()["email"], person::EMAIL);
            requests += 3;
        }
        browser.post(fleet.url("/logout"), &[]).await.expect(303);
        for _ in 0..3 {
            assert_eq!(browser.fetch(fleet.url("/me")).await.status, 401);
        }
    }
    (logins, requests)
}

async fn sessions_in_cookies_need_no_redis(fleet: Adapter) {
    let settings = Demo::builder(fleet).env("SESSION_STORE", "cookie");
    let mut fleet = Fleet::of(settings.env("MARKS_STORE", "memory"));
    assert_eq!(fleet.processes().len(), 3, "{}", fleet.0.log());
    let browser = Browser::new();
    log_in(&browser, &fleet.0).await;
    assert_eq!(everywhere(&browser, &fleet.0).await, all(200));
    browser.post(fleet.0.url("/logout"), &[]).await.expect(303);
    assert_eq!(everywhere(&browser, &fleet.0).await, all(401));
    fleet.stop().await;
}

async fn sessions_in_cookies_end_everywhere_within_a_second_where_marks_are_shared(fleet: Adapter) {
    let redis = Redis::start();
    let settings = Demo::builder(fleet).env("SESSION_STORE", "cookie");
    let mut fleet = Fleet::of(settings.env("MARKS_STORE", &redis.url()));
    assert_eq!(fleet.processes().len(), 3, "{}", fleet.0.log());
    // The replica that is told of the log-out, and the one before it in turn.
    for (before, told) in [("rocket", "axum"), ("axum", "actix"), ("actix", "rocket")] {
        let browser = Browser::new();
        log_in(&browser, &fleet.0).await;
        // Every replica has read the marks, and knows that the session lives.
        assert_eq!(everywhere(&browser, &fleet.0).await, all(200));
        let (copy, late) = (browser.copy(), browser.copy());
        while replica(&browser.fetch(fleet.0.url("/me")).await) != before {}
        let left = browser.post(fleet.0.url("/logout"), &[]).await.expect(303);
        assert_eq!(replica(&left), told);
        let began = Instant::now();
        while everywhere(&copy.copy(), &fleet.0).await != all(401) {
            assert!(began.elapsed() < SOON + BUSY, "{}", fleet.0.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for browser in [&browser, &copy, &late] {
            assert_eq!(everywhere(browser, &fleet.0).await, all(401));
        }
        log_in(&browser, &fleet.0).await;
        assert_eq!(everywhere(&browser, &fleet.0).await, all(200));
        assert_eq!(everywhere(&late, &fleet.0).await, all(401));
    }
    fleet.stop().await;
}

async fn when_one_part_ends_the_others_end_and_the_output_names_it(fleet: Adapter) {
    for part in 0..4 {
        let mut fleet = Fleet::start(fleet);
        let mut processes = fleet.processes();
        let killed = processes.remove(part);
        assert!(signal("-KILL", &killed));
        assert_eq!(fleet.0.wait_for_end(STOP), Some(1), "{}", fleet.0.log());
        let name = ["demo-axum", "demo-actix", "demo-rocket", "redis-server"][part];
        let said = format!("demo-fleet stops: {name} ended (signal: 9");
        assert!(fleet.0.log().contains(&said), "{said}: {}", fleet.0.log());
        assert_gone(&processes).await;
    }
}

async fn when_it_is_asked_to_stop_no_process_stays(fleet: Adapter) {
    let mut fleet = Fleet::of(Demo::builder(fleet).env("TMPDIR", "."));
    assert_eq!(fleet.processes().len(), 4, "{}", fleet.0.log());
    let folder = fleet.0.directory().to_owned();
    let files = || std::fs::read_dir(&folder).map(Iterator::count).ok();
    assert_eq!(files(), Some(2));
    fleet.stop().await;
    // The `redis-server` that the test has put there.
    assert_eq!(files(), Some(1));
}

async fn when_it_is_killed_no_process_stays(fleet: Adapter) {
    let fleet = Fleet::of(Demo::builder(fleet).env("TMPDIR", "."));
    let processes = fleet.processes();
    assert_eq!(processes.len(), 4, "{}", fleet.0.log());
    drop(fleet);
    assert_gone(&processes).await;
}

async fn without_redis_it_says_how_to_install_it(fleet: Adapter) {
    let refused = refused(Demo::builder(fleet).env("PATH", ""));
    for said in [
        "redis-server is not installed",
        "apt-get install redis-server",
    ] {
        assert!(refused.contains(said), "{refused}");
    }
}

async fn a_setting_that_no_fleet_can_have_is_refused(fleet: Adapter) {
    for (name, value) in [
        ("SESSION_STORE", "memory"),
        ("MARKS_STORE", "x"),
        ("MARKS_STORE", "redis+unix:///x"),
        ("PORT", "x"),
    ] {
        let refused = refused(Demo::builder(fleet).env(name, value));
        assert!(refused.contains(&format!("{name}: ")), "{refused}");
    }
}

/// What it prints when it does not start.
fn refused(fleet: DemoBuilder) -> String {
    match fleet.try_start() {
        Ok(fleet) => panic!("it started: {}", Fleet(fleet).0.log()),
        Err(refused) => {
            assert_eq!(refused.code, Some(1), "{refused}");
            refused.log
        }
    }
}
