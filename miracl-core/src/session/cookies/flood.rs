//! Cookies without end: what they cost grows with their bytes and no faster, and the good one among a few junk ones
//! still counts.

use std::fmt::Write as _;
use std::task::Poll;

use crate::{
    Answer, Category, Config, LazyVisit, LoginOptions, MemoryStore, Miracl, RequestView,
    ResponseMode, Route, SessionStorage, Visit,
    flow::callback::tests::{HOST, Login, begin, begin_with, cookies as header_of, request},
    probes::provider::Provider,
    session::cookies::{
        TRIES,
        work::{self, Work},
    },
    web::request::tests::Request,
};

const KIB: usize = 1024;
/// The shorter of the headers that are compared.
const HALF: usize = 32 * KIB;
/// How often a header may be walked over for one request, whatever is in it.
const WALKS: usize = 24;
/// How many values may be opened for one request: each pending login that is looked at, and a few of every other name.
const OPENED: usize = 60;
/// How many characters those may be, whatever the header's length.
const OPENED_BYTES: usize = 160 * KIB;

/// A browser that is logged in.
struct Browser {
    login: Login,
    /// The cookies of its session.
    session: String,
    /// A message, and a login under way that its provider has approved.
    others: String,
}

impl Browser {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
        // Of two parts.
        let userinfo = serde_json::json!({
            "sub": "alice", "email": "alice@example.com", "data": "x".repeat(3000),
        });
        login.provider.say("/userinfo", &userinfo.to_string());
        let mut browser = Self {
            login,
            session: String::new(),
            others: String::new(),
        };
        browser.again().await;
        browser
    }

    /// Logs in, and begins another login.
    async fn again(&mut self) {
        let login = &mut self.login;
        login.another(LoginOptions::default()).await;
        let visit = login.visit();
        visit.complete_login(&login.query).await.unwrap();
        visit.confirm_login().await.unwrap();
        let pairs = header_of(&visit);
        let pairs = pairs.split("; ").filter(|pair| !pair.contains("login"));
        self.session = pairs.collect::<Vec<_>>().join("; ");
        login.another(LoginOptions::default()).await;
        let visit = login.miracl.visit(&request("/", ""));
        visit.flash(Category::Info, "hello");
        self.others = format!("{}; {}", header_of(&visit), login.cookies);
    }

    fn visit(&self, cookies: &str) -> Visit {
        self.login.miracl.visit(&request("/", cookies))
    }

    /// The value of the first cookie whose name has this in it; nothing where sessions are elsewhere.
    fn value(&self, name: &str) -> &str {
        let mut pairs = self.session.split("; ").chain(self.others.split("; "));
        let found = pairs.find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap();
            found.contains(name).then_some(value)
        });
        found.unwrap_or_default()
    }
}

/// A header of so many bytes of the same kind of cookie, each with its number where the kind has one.
fn fill(bytes: usize, each: impl Fn(u32) -> String) -> String {
    let mut header = String::new();
    for number in 0.. {
        let cookie = each(number);
        if header.len() + cookie.len() + 2 > bytes {
            break;
        }
        write!(header, "{cookie}; ").unwrap();
    }
    header.truncate(header.trim_end_matches("; ").len());
    header
}

/// Floods of our names, with junk, with what looks like our own until it is opened, and with copies of what opens.
fn floods(browser: &Browser, bytes: usize) -> Vec<(String, String)> {
    let mut floods = Vec::new();
    let mut add = |kind: &str, each: &dyn Fn(u32) -> String| {
        floods.push((kind.to_owned(), fill(bytes, each)));
    };
    add("logins", &|n| format!("miracl-login-{n:08x}="));
    add("logins of text", &|n| format!("miracl-login-{n}="));
    add("one login", &|_| "miracl-login-00000000=x".to_owned());
    let login = browser.value("login");
    add("logins that look good", &|n| {
        format!("miracl-login-{n:08x}={login}")
    });
    for name in [
        "session",
        "data",
        "data-1",
        "data-2",
        "flash",
        "loop",
        "session-1",
        "x",
    ] {
        add(name, &|n| format!("miracl-{name}={n}"));
        add(&format!("{name}, an id"), &|n| {
            format!("miracl-{name}=AAAA{n:039}")
        });
    }
    for name in ["session", "data", "flash"] {
        // One character of it is another.
        let value = match browser.value(name) {
            "" => continue,
            value => broken(value, 0),
        };
        for part in ["", "-1", "-2"] {
            add(&format!("{name}{part}, broken"), &|_| {
                format!("miracl-{name}{part}={value}")
            });
        }
        let half = value[..30].to_owned();
        add(&format!("{name}, cut"), &|_| {
            format!("miracl-{name}={half}")
        });
    }
    let data = format!(
        "miracl-data={0}; miracl-data-1={0}; miracl-data-2={0}",
        browser.value("data")
    );
    add("parts", &|_| data.clone());
    for len in [700, 4000, bytes / 5] {
        let long = format!("{}{}", &login[..30], "A".repeat(len));
        for name in ["session", "data", "flash"] {
            add(&format!("long {name}"), &|_| {
                format!("miracl-{name}={long}")
            });
        }
        add("long logins", &|n| format!("miracl-login-{n:08x}={long}"));
    }
    add("nothing", &|_| String::new());
    add("quotes", &|_| "miracl-session=\"\"\"\"\"".to_owned());
    floods
}

const IN_COOKIES: &str = "in cookies";
const IN_MEMORY: &str = "in memory";
const BY_FORM: &str = "in cookies, by form";

/// What a page may ask.
const ASKS: [&str; 7] = [
    "user",
    "tokens",
    "user_data",
    "take_flashes",
    "flash",
    "login_url",
    "at once",
];

/// What an adapter's layer leaves in this request.
fn lazy(miracl: &Miracl, request: &Request) -> LazyVisit<Vec<u8>> {
    let cookies = request.cookie_headers().map(<[u8]>::to_vec);
    LazyVisit::new(miracl.clone(), cookies)
}

/// Plays every route and everything that a page may ask, each with a visit of its own, and returns what each of them
/// did. What ends the session comes last.
async fn play(browser: &Browser, header: &str) -> Vec<(String, Work)> {
    let miracl = &browser.login.miracl;
    let mut done = Vec::new();
    work::take();
    for ask in ASKS {
        let request = request("/", header);
        let visit = miracl.visit(&request);
        match ask {
            "user" => drop(visit.user().await),
            "tokens" => drop(visit.tokens().await),
            "user_data" => drop(visit.user_data().await),
            "take_flashes" => drop(visit.take_flashes().await),
            "flash" => visit.flash(Category::Info, "x"),
            "login_url" => drop(visit.login_url().await),
            _ => drop(lazy(miracl, &request).user_at_once(&request)),
        }
        visit.finish();
        done.push((ask.to_owned(), work::take()));
    }
    let issuer = &browser.login.provider.issuer;
    for (route, method, path) in [
        (Route::Callback, "GET", "/login?state=x&code=y".to_owned()),
        (Route::LoginStart, "GET", "/login/start".to_owned()),
        (
            Route::LoginInitiate,
            "GET",
            format!("/login/initiate?iss={issuer}"),
        ),
        (
            Route::BackChannelLogout,
            "POST",
            "/backchannel-logout".to_owned(),
        ),
        (
            Route::FrontChannelLogout,
            "GET",
            format!("/frontchannel-logout?iss={issuer}&sid=x"),
        ),
        (Route::SignedOut, "GET", "/signed-out".to_owned()),
        (
            Route::Callback,
            "GET",
            format!("/login?{}", browser.login.query),
        ),
        (Route::Logout, "POST", "/logout".to_owned()),
    ] {
        let request = Request {
            method,
            ..request(&path, header)
        };
        let visit = miracl.visit(&request);
        match visit.answer(route, &request, Some(b"")).await {
            // Not confirmed where somebody is logged in: the session is to be there for the log-out.
            Answer::Success(_) if visit.user().await.unwrap().is_some() => visit.reject_login(),
            Answer::Success(_) => visit.confirm_login().await.unwrap(),
            Answer::Failure(_) => visit.flash(Category::Danger, "it failed"),
            _ => {}
        }
        visit.finish();
        done.push((format!("{route:?} {path}"), work::take()));
    }
    done
}

/// Every mode in which cookies are read otherwise.
async fn browsers() -> Vec<(&'static str, Browser)> {
    let in_memory = |config: &mut Config| {
        config.session_store = SessionStorage::store(MemoryStore::default());
    };
    let by_form = |config: &mut Config| {
        config.redirect_uri = format!("https://{HOST}/login");
        config.response_mode = ResponseMode::FormPost;
    };
    vec![
        (IN_COOKIES, Browser::new(|_| {}).await),
        (IN_MEMORY, Browser::new(in_memory).await),
        (BY_FORM, Browser::new(by_form).await),
    ]
}

#[tokio::test]
async fn what_cookies_cost_grows_with_their_bytes_and_no_faster_on_every_route() {
    for (mode, mut browser) in browsers().await {
        let kinds = floods(&browser, KIB).len();
        for kind in 0..kinds {
            // By form, only the pending logins are others.
            let (name, _) = floods(&browser, KIB).swap_remove(kind);
            if mode == BY_FORM && !name.contains("login") {
                continue;
            }
            for has_session in [false, true] {
                if !has_session && mode != IN_COOKIES {
                    continue;
                }
                let mut halves = Vec::new();
                for bytes in [HALF, 2 * HALF] {
                    let (name, flood) = floods(&browser, bytes).swap_remove(kind);
                    // The good ones last: nothing is found early.
                    let Browser {
                        session, others, ..
                    } = &browser;
                    let header = match has_session {
                        false => format!("{flood}; {others}"),
                        true => format!("{flood}; {session}; {others}"),
                    };
                    let done = play(&browser, &header).await;
                    for (at, (what, work)) in done.into_iter().enumerate() {
                        let case = format!("{what} {mode}, {name} of {bytes}: {work:?}");
                        assert!(work.bytes <= WALKS * (header.len() + 1), "{case}");
                        assert!(work.opened <= OPENED, "{case}");
                        assert!(work.opened_bytes <= OPENED_BYTES, "{case}");
                        match bytes {
                            HALF => halves.push(work.opened),
                            _ => assert!(work.opened <= 2 * halves[at] + TRIES, "{case}"),
                        }
                    }
                    browser.again().await;
                }
            }
        }
    }
}

/// The same value with one character changed, so that it opens no more.
fn broken(value: &str, number: usize) -> String {
    let mut changed = value.to_owned();
    let place = value.len() - 8 + number;
    let other = match value.as_bytes()[place] {
        b'A' => "B",
        _ => "A",
    };
    changed.replace_range(place..=place, other);
    changed
}

/// A header with junk of every name before each good cookie: what another app's are like, and changed copies of the
/// good one. Parts multiply, so there is less before each of them.
fn with_junk(header: &str, copies: usize) -> String {
    let mut pairs = Vec::new();
    for pair in header.split("; ") {
        let (name, value) = pair.split_once('=').unwrap();
        let copies = if name.contains("data") {
            copies.min(1)
        } else {
            copies
        };
        if !name.contains("data-") {
            pairs.extend((0..30).map(|number| format!("{name}=of-another-app-{number}")));
        }
        pairs.extend((0..copies).map(|number| format!("{name}={}", broken(value, number))));
        pairs.push(pair.to_owned());
    }
    pairs.join("; ")
}

#[tokio::test]
async fn the_good_cookie_counts_behind_junk_of_its_name() {
    for copies in 0..TRIES {
        for (mode, browser) in browsers().await {
            let case = format!("{copies} copies, sessions {mode}");
            let header = with_junk(&format!("{}; {}", browser.session, browser.others), copies);
            let user = browser.visit(&header).user().await.unwrap();
            assert_eq!(user.expect(&case).id(), "alice");
            let tokens = browser.visit(&header).tokens().await.unwrap();
            let tokens = tokens.expect(&case);
            assert_eq!(tokens.access_token().expose(), "an-access-token");
            let flashes = browser.visit(&header).take_flashes().await;
            assert_eq!(flashes.len(), 1, "{case}");
            let request = request("/", &header);
            let seen = lazy(&browser.login.miracl, &request).user_at_once(&request);
            assert!(matches!(seen, Poll::Ready(Some(_))), "{case}");
            // And it ends behind junk as well.
            browser.visit(&header).logout().await.unwrap();
            for cookies in [&header, &browser.session] {
                let user = browser.visit(cookies).user().await.unwrap();
                assert!(user.is_none(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn another_browsers_half_of_a_session_does_not_hide_ours() {
    let mut browser = Browser::new(|_| {}).await;
    let [theirs, ours] = [browser.session.clone(), {
        browser.again().await;
        browser.session.clone()
    }];
    let named = |header: &str, wanted: &str| {
        let mut pairs = header.split("; ");
        let found = pairs.find(|pair| pair.split('=').next() == Some(wanted));
        found.unwrap().to_owned()
    };
    for junk in [
        named(&theirs, "miracl-session"),
        named(&theirs, "miracl-data"),
        named(&theirs, "miracl-data-1"),
    ] {
        for header in [format!("{junk}; {ours}"), format!("{ours}; {junk}")] {
            let visit = browser.visit(&header);
            let tokens = visit.tokens().await.unwrap();
            assert!(tokens.is_some(), "{header}");
            assert!(visit.finish().set_cookies.is_empty());
        }
    }
    // Both whole: the first counts.
    let visit = browser.visit(&format!("{theirs}; {ours}"));
    assert!(visit.tokens().await.unwrap().is_some());
    // A half alone is nobody's, and is forgotten.
    let visit = browser.visit(&named(&ours, "miracl-session"));
    assert!(visit.user().await.unwrap().is_none());
    assert_eq!(visit.finish().set_cookies.len(), 1);
}

#[tokio::test]
async fn a_session_that_has_ended_does_not_hide_the_one_that_lives() {
    for (mode, mut browser) in browsers().await {
        let ended = browser.session.clone();
        browser.visit(&ended).logout().await.unwrap();
        browser.again().await;
        let header = format!("{ended}; {}", browser.session);
        let user = browser.visit(&header).user().await.unwrap();
        assert!(user.is_some(), "{mode}");
    }
}

#[tokio::test]
async fn a_login_is_completed_behind_junk_of_its_name() {
    for copies in 0..TRIES {
        let login = begin().await;
        let header = with_junk(&login.cookies, copies);
        let visit = login.miracl.visit(&request("/login", &header));
        let success = visit.complete_login(&login.query).await;
        assert_eq!(success.unwrap().user().id(), "alice", "{copies}");
    }
}
