use super::*;
use crate::{
    Config, CookieKey, MemoryStore, SessionStorage, SessionStore, access::requirement::Requirement,
    exchange::session::tests::gate::Gate, flow::refused::RefusalKind, session::seal::Purpose,
    visit::Visit, web::request::tests::Request,
};

mod callers;

const HOUR: Duration = Duration::from_secs(3600);

fn app(change: impl FnOnce(&mut Config)) -> Miracl {
    let mut config = Config {
        issuer: "http://127.0.0.1:1".into(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1/login".into(),
        cookie_keys: vec![CookieKey::generate()],
        ..Config::default()
    };
    change(&mut config);
    Miracl::new(config).unwrap()
}

/// An app for each place where sessions may be kept. The last store is outside of the process.
fn apps() -> [Miracl; 3] {
    let outside = SessionStorage::store(Gate::default());
    [
        app(|_| {}),
        app(|config| config.session_store = SessionStorage::store(MemoryStore::default())),
        app(|config| config.session_store = outside),
    ]
}

fn visit(miracl: &Miracl, cookie: &str) -> Visit {
    miracl.visit(&Request::get("/").with("cookie", cookie))
}

async fn meets(miracl: &Miracl, user: &TestUser, requirement: Requirement) -> bool {
    let cookie = user.log_in(miracl).await.unwrap();
    let request = Request::get("/").with("cookie", &cookie);
    let visit = miracl.visit(&request);
    visit.authorize(&requirement, &request).await.is_ok()
}

#[tokio::test]
async fn a_test_user_is_logged_in_wherever_sessions_are_kept() {
    for miracl in apps() {
        let alice = TestUser::new("alice")
            .email("alice@example.com")
            .claim("roles", ["admin"])
            .access_token("an access token")
            .scope("openid orders");
        let cookie = alice.log_in(&miracl).await.unwrap();
        let visit = visit(&miracl, &cookie);
        let user = visit.user().await.unwrap().unwrap();
        assert_eq!((user.id(), user.issuer()), ("alice", "http://127.0.0.1:1"));
        assert_eq!(user.email(), Some("alice@example.com"));
        assert!(user.email_verified());
        let data = visit.user_data().await.unwrap().unwrap();
        assert_eq!(data.get("roles"), Some(&json!(["admin"])));
        let tokens = visit.tokens().await.unwrap().unwrap();
        assert_eq!(tokens.access_token().expose(), "an access token");
        assert_eq!(tokens.scope(), Some("openid orders"));
        assert!(visit.finish().set_cookies.is_empty());

        // Each log-in is a session of its own, and one that can end.
        let other = alice.log_in(&miracl).await.unwrap();
        assert_ne!(other, cookie);
        let ended = super::tests::visit(&miracl, &cookie);
        ended.logout().await.unwrap();
        for (cookie, is_in) in [(&cookie, false), (&other, true)] {
            let visit = super::tests::visit(&miracl, cookie);
            assert_eq!(visit.is_authenticated().await.unwrap(), is_in);
        }
    }
}

#[test]
fn without_a_runtime_sessions_in_cookies_and_in_memory_begin_at_once() {
    let [cookies, memory, _] = apps();
    for miracl in [cookies, memory] {
        let cookie = TestUser::new("alice").log_in_now(&miracl);
        let visit = visit(&miracl, &cookie);
        let mut user = pin!(visit.user());
        match user.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Some(user))) => assert_eq!(user.id(), "alice"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
#[should_panic(expected = "await `log_in` in a runtime")]
async fn a_store_that_has_to_wait_says_which_method_to_use() {
    let gate = Gate::default();
    gate.shut("update");
    let store = SessionStorage::store(gate);
    TestUser::new("alice").log_in_now(app(|config| config.session_store = store));
}

#[tokio::test]
async fn a_test_user_is_as_fresh_and_as_strong_as_the_test_says() {
    let fresh = || Requirement::logged_in_within(Duration::from_secs(300));
    let strong = || Requirement::acr(["2fa"]);
    let alice = || TestUser::new("alice");
    for miracl in apps() {
        for (user, requirement, is_met) in [
            (alice(), fresh(), true),
            (alice().logged_in_ago(HOUR), fresh(), false),
            (alice().claim("auth_time", Value::Null), fresh(), false),
            (alice(), strong(), false),
            (alice().acr("2fa"), strong(), true),
            (alice().acr("1fa"), strong(), false),
            (alice().acr("2fa").acr("1fa"), strong(), false),
            (
                alice().amr(["pwd", "otp"]),
                Requirement::claim("amr").contains("otp"),
                true,
            ),
            (alice(), Requirement::email_verified(), false),
            (
                alice().email("a@b.example"),
                Requirement::email_verified(),
                true,
            ),
            (
                alice().email("a@b.example").claim("email_verified", false),
                Requirement::email_verified(),
                false,
            ),
            (alice(), Requirement::scope("openid"), true),
            (alice().scope("orders"), Requirement::scope("openid"), false),
        ] {
            assert_eq!(meets(&miracl, &user, requirement).await, is_met, "{user:?}");
        }
    }
}

#[tokio::test]
async fn a_session_of_a_test_ends_when_it_is_old_enough() {
    for miracl in apps() {
        let limit = miracl.config().session_absolute_timeout;
        let alice = TestUser::new("alice");
        for (user, is_in) in [
            (alice.clone().logged_in_ago(limit - HOUR / 2), true),
            (alice.clone().logged_in_ago(limit), false),
            (alice.clone().logged_in_ago(Duration::MAX), false),
            (alice.expired(), false),
        ] {
            let cookie = user.log_in(&miracl).await.unwrap();
            let visit = visit(&miracl, &cookie);
            assert_eq!(visit.is_authenticated().await.unwrap(), is_in);
        }
    }
}

#[tokio::test]
async fn claims_that_do_not_fit_into_cookies_are_an_error_as_at_a_login() {
    let roles: Vec<String> = (0..1000)
        .map(|_| format!("{:?}", test_kit::new_id().0))
        .collect();
    let alice = TestUser::new("alice").claim("roles", roles);
    let [cookies, memory, outside] = apps();
    let refused = alice.log_in(&cookies).await;
    assert!(matches!(refused, Err(SessionError::TooLarge(_))));
    for miracl in [memory, outside] {
        assert!(alice.log_in(&miracl).await.is_ok());
    }
}

#[tokio::test]
async fn what_the_protocol_says_of_a_login_cannot_be_set_as_a_claim() {
    let [miracl, ..] = apps();
    let alice = TestUser::new("alice")
        .claim("sub", "bob")
        .claim("iss", "https://other.example");
    let cookie = alice.log_in(&miracl).await.unwrap();
    let user = visit(&miracl, &cookie).user().await.unwrap().unwrap();
    assert_eq!((user.id(), user.issuer()), ("alice", "http://127.0.0.1:1"));
    let of_tenant = TestUser::new("alice").issuer("https://tenant.example");
    let cookie = of_tenant.log_in(&miracl).await.unwrap();
    let user = visit(&miracl, &cookie).user().await.unwrap().unwrap();
    assert_eq!(user.issuer(), "https://tenant.example");
    assert_eq!(of_tenant.user().issuer(), "https://tenant.example");
}

/// Whether the cookies of a session were sealed for this purpose.
fn is_sealed_for(miracl: &Miracl, cookie: &str, purpose: Purpose) -> bool {
    let cookies = &miracl.engine().sessions.cookies;
    let name = match purpose {
        Purpose::Data | Purpose::TestData => &cookies.data,
        _ => &cookies.session,
    };
    cookies
        .open(cookie.as_bytes(), purpose, name, |_| Some(()))
        .is_some()
}

#[tokio::test]
async fn a_session_of_the_kit_stays_one_whatever_is_sealed_of_it_later() {
    let [miracl, ..] = apps();
    let idle = miracl.config().session_idle_timeout;
    let clock_at = std::sync::Arc::new(std::sync::Mutex::new(Duration::ZERO));
    let now = std::time::SystemTime::now();
    let passed = Arc::clone(&clock_at);
    let miracl = app(|config| {
        config.cookie_keys = miracl.config().cookie_keys.clone();
        config.clock = Clock::from_fn(move || now + *passed.lock().unwrap());
    });
    let cookie = TestUser::new("alice").log_in(&miracl).await.unwrap();
    *clock_at.lock().unwrap() = idle / 2;
    // The deadline moves, and then the data changes.
    let moved = visit(&miracl, &cookie);
    assert!(moved.is_authenticated().await.unwrap());
    let changed = visit(&miracl, &cookie);
    changed.clear_user_info().await.unwrap();
    for visit in [moved, changed] {
        let set = visit.finish().set_cookies;
        let pairs: Vec<&str> = set
            .iter()
            .map(|line| line.split(';').next().unwrap())
            .collect();
        let again = pairs.join("; ");
        assert!(
            is_sealed_for(&miracl, &again, Purpose::TestSession),
            "{again}"
        );
        assert!(!is_sealed_for(&miracl, &again, Purpose::Session));
    }
    for (purpose, is_it) in [
        (Purpose::Session, false),
        (Purpose::Data, false),
        (Purpose::TestSession, true),
        (Purpose::TestData, true),
    ] {
        assert_eq!(
            is_sealed_for(&miracl, &cookie, purpose),
            is_it,
            "{purpose:?}"
        );
    }
}

#[tokio::test]
async fn a_log_out_from_outside_ends_a_session_of_the_kit() {
    let gate = Gate::default();
    let store = SessionStorage::store(gate.clone());
    let miracl = app(|config| config.session_store = store);
    let cookie = TestUser::new("alice")
        .claim("sid", "one")
        .log_in(&miracl)
        .await
        .unwrap();
    let sid = MarkedBy::new("http://127.0.0.1:1", "alice", Some("one"))
        .sid
        .unwrap();
    assert!(visit(&miracl, &cookie).is_authenticated().await.unwrap());
    assert_eq!(SessionStore::delete_by_sid(&gate, &sid).await.unwrap(), 1);
    assert!(!visit(&miracl, &cookie).is_authenticated().await.unwrap());
}

#[test]
fn a_user_for_a_unit_test_is_the_one_that_a_handler_would_see() {
    let alice = TestUser::new("alice")
        .email("alice@example.com")
        .claim("name", "Alice");
    let user = alice.user();
    assert_eq!((user.id(), user.issuer()), ("alice", ISSUER));
    assert_eq!(user.email(), Some("alice@example.com"));
    assert!(user.email_verified());
    assert_eq!(alice.user_data().get("name"), Some(&"Alice".into()));
    let shown = format!("{alice:?}{user:?}");
    assert!(
        !shown.contains("alice@example.com") && !shown.contains("Alice"),
        "{shown}"
    );
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Colour(String);

impl AppData for Colour {
    const NAME: &'static str = "colour";
}

#[tokio::test]
async fn a_value_of_the_apps_own_is_in_the_session_from_the_beginning() {
    for miracl in apps() {
        let alice = TestUser::new("alice").set(&Colour("red".to_owned()));
        let cookie = alice.log_in(&miracl).await.unwrap();
        let colour = visit(&miracl, &cookie).get::<Colour>().await.unwrap();
        assert_eq!(colour.map(|colour| colour.0).as_deref(), Some("red"));
        let other = TestUser::new("alice").log_in(&miracl).await.unwrap();
        let none = visit(&miracl, &other).get::<Colour>().await.unwrap();
        assert!(none.is_none());
    }
}

#[tokio::test]
async fn a_login_that_was_fresh_enough_and_has_aged_is_sent_to_log_in_again() {
    let miracl = app(|_| {});
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (within, minutes) = (Requirement::logged_in_within(HOUR), |count: u64| count * 60);
    for (proved_ago, kind) in [
        // When the session began, half an hour ago, it was less than an hour ago.
        (Some(minutes(80)), RefusalKind::StepUp),
        (Some(minutes(100)), RefusalKind::Denied),
        (None, RefusalKind::Denied),
    ] {
        let at = proved_ago.map_or(Value::Null, |ago: u64| (now - ago).into());
        let alice = TestUser {
            asked_for: AskedFor {
                max_age: Some(HOUR.as_secs()),
                acr_values: None,
            },
            ..TestUser::new("alice").logged_in_ago(HOUR / 2)
        };
        let cookie = alice.claim("auth_time", at).log_in(&miracl).await.unwrap();
        let request = Request::get("/").with("cookie", &cookie);
        let visit = miracl.visit(&request);
        let refusal = visit.authorize(&within, &request).await.unwrap_err();
        assert_eq!(refusal.kind(), kind, "{proved_ago:?}");
    }
}

#[tokio::test]
async fn a_login_that_was_asked_for_all_of_it_in_vain_is_refused_and_not_sent_to_log_in_again() {
    let strong = || Requirement::acr(["gold", "silver"]);
    let fresh = || Requirement::logged_in_within(HOUR).and(strong());
    let asked = |max_age, acr_values: Option<&str>| AskedFor {
        max_age,
        acr_values: acr_values.map(str::to_owned),
    };
    let old = HOUR * 2;
    for (asked_for, age, requirement, kind) in [
        (
            asked(None, Some("gold")),
            HOUR,
            strong(),
            RefusalKind::Denied,
        ),
        (
            asked(None, Some("gold silver")),
            HOUR,
            strong(),
            RefusalKind::Denied,
        ),
        (
            asked(None, Some("bronze")),
            HOUR,
            strong(),
            RefusalKind::StepUp,
        ),
        (asked(None, None), HOUR, strong(), RefusalKind::StepUp),
        (
            asked(Some(60), Some("gold")),
            HOUR,
            fresh(),
            RefusalKind::Denied,
        ),
        // By now it is worth another login.
        (
            asked(Some(60), Some("gold")),
            old,
            fresh(),
            RefusalKind::StepUp,
        ),
        (
            asked(None, Some("gold")),
            HOUR,
            fresh(),
            RefusalKind::StepUp,
        ),
    ] {
        for miracl in apps() {
            let alice = TestUser {
                asked_for: asked_for.clone(),
                ..TestUser::new("alice").logged_in_ago(age)
            };
            let cookie = alice.log_in(&miracl).await.unwrap();
            let request = Request::get("/").with("cookie", &cookie);
            let request = request.with("sec-fetch-dest", "document");
            let visit = miracl.visit(&request);
            let refusal = visit.authorize(&requirement, &request).await.unwrap_err();
            assert_eq!(refusal.kind(), kind, "{asked_for:?}");
            let reply = refusal.reply(&request);
            let expected = match kind {
                RefusalKind::Denied => 403,
                _ => 303,
            };
            assert_eq!(reply.status, expected);
            let says_so = reply.body.contains("has not confirmed what it needs");
            assert_eq!(says_so, kind == RefusalKind::Denied);
        }
    }
}
