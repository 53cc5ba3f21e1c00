//! What a callback must be like, and what comes of one that is as it must.

mod login;

use std::{sync::Mutex, time::Duration};

use serde_json::json;

pub(crate) use login::{HOST, Login, begin, begin_with, cookies, request};

use super::*;
use crate::{
    Config, IdTokenError, Lease, LeaseOwner, LoginOptions, MarkKey, MarkStorage, MarkStore,
    MemoryMarkStore, Miracl, NoteList, Notes, ProviderError, SigningAlgorithm, StoreError,
    UserinfoRequests, flow::answer::Answer, probes::provider::Provider,
    provider::http::body::tests::gzip, web::request::tests::Request,
};

#[tokio::test]
async fn a_login_that_went_well_tells_who_it_is_and_where_to_go() {
    let options = LoginOptions {
        return_to: Some("/members?page=2".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options, |_| {}).await;
    let visit = login.visit();
    let success = visit.complete_login(&login.query).await.unwrap();
    assert_eq!(success.user().id(), "alice");
    assert_eq!(success.user().issuer(), login.provider.issuer);
    assert_eq!(
        success.user_data().get("email").unwrap(),
        "alice@example.com"
    );
    assert_eq!(success.tokens().access_token().expose(), "an-access-token");
    assert_eq!(success.return_to(), "/members?page=2");
    let printed = format!("{success:?}");
    assert!(
        printed.contains("/members") && !printed.contains("alice"),
        "{printed}"
    );
    let receipt = success.receipt().to_string();
    assert!(receipt.contains("userinfo sub"), "{receipt}");

    let asked = &login.provider.asked("/token")[0].body;
    for part in [
        "grant_type=authorization_code",
        "code=a-code",
        "code_verifier=",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    let asked = &login.provider.asked("/userinfo")[0].head;
    assert!(
        asked.contains("authorization: bearer an-access-token"),
        "{asked}"
    );
}

#[tokio::test]
async fn a_session_begins_when_it_is_confirmed_and_ends_when_nobody_comes() {
    let login = begin().await;
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    assert!(!visit.is_authenticated().await.unwrap());
    visit.confirm_login().await.unwrap();
    let cookies = cookies(&visit);
    let idle = login.miracl.config().session_idle_timeout;
    for (wait, alive) in [
        (idle - Duration::from_secs(1), true),
        (Duration::from_secs(1), false),
    ] {
        login.wait(wait);
        let later = login.miracl.visit(&request("/", &cookies));
        assert_eq!(later.is_authenticated().await.unwrap(), alive, "{wait:?}");
    }
}

#[tokio::test]
async fn without_pkce_no_verifier_is_sent() {
    let off = |config: &mut Config| config.pkce = Pkce::Off;
    let login = begin_with(Provider::start().await, LoginOptions::default(), off).await;
    login.visit().complete_login(&login.query).await.unwrap();
    let asked = &login.provider.asked("/token")[0].body;
    assert!(!asked.contains("code_verifier"), "{asked}");
}

#[tokio::test]
async fn logins_ask_for_nothing_twice_and_only_what_carries_a_secret_has_a_connection_of_its_own() {
    const LOGINS: usize = 10;
    let mut login = begin().await;
    assert_eq!(
        login
            .provider
            .asked("/.well-known/openid-configuration")
            .len(),
        1
    );
    for number in 1..=LOGINS {
        let before = |path: &str| login.provider.asked(path).len();
        let metadata = before("/.well-known/openid-configuration");
        let visit = login.visit();
        visit.complete_login(&login.query).await.unwrap();
        visit.confirm_login().await.unwrap();
        let asked = |path: &str| login.provider.asked(path).len();
        assert_eq!(asked("/.well-known/openid-configuration"), metadata);
        assert_eq!((asked("/token"), asked("/userinfo")), (number, number));
        assert_eq!(asked("/jwks"), 1);
        login.another(LoginOptions::default()).await;
    }
    assert_eq!(login.provider.connections(), 1 + 2 * LOGINS);
}

#[tokio::test]
async fn a_connection_that_is_reset_when_it_is_used_again_costs_nobody_their_login() {
    let login = begin().await;
    login.provider.reset_what_is_used_again();
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    visit.refresh_user_data().await.unwrap();
    // A code is sent once.
    assert_eq!(login.provider.asked("/token").len(), 1);
    assert_eq!(login.provider.asked("/jwks").len(), 1);
    assert_eq!(login.provider.asked("/userinfo").len(), 2);
}

#[tokio::test]
async fn a_document_is_asked_for_once_more_when_a_connection_breaks_and_a_code_is_never_sent_again()
{
    for (path, times) in [("/token", 1), ("/jwks", 2), ("/userinfo", 1)] {
        let login = begin().await;
        login.provider.say_as(path, 0, "", "");
        let reason = login.fails().await;
        let broke = matches!(
            reason,
            FailureReason::Provider(ProviderError::Unreachable { .. })
        );
        assert!(broke, "{path}: {reason}");
        assert_eq!(login.provider.asked(path).len(), times, "{path}");
    }
    // Nor a refresh token.
    let login = begin().await;
    login.grant_with(
        &json!({}),
        &json!({ "refresh_token": "r", "expires_in": 0 }),
    );
    let visit = login.visit();
    visit.complete_login(&login.query).await.unwrap();
    visit.confirm_login().await.unwrap();
    login.provider.say_as("/token", 0, "", "");
    assert!(visit.tokens().await.unwrap().is_some());
    assert_eq!(login.provider.asked("/token").len(), 2);
}

/// The paths that a login asks at, and what a good answer at each always has.
const ASKED: [(&str, &str); 4] = [
    ("/.well-known/openid-configuration", "issuer"),
    ("/token", "access_token"),
    ("/jwks", "keys"),
    ("/userinfo", "sub"),
];

/// Logs in at a provider whose answers at one path, or at all, are changed before anything of it is known.
async fn log_in_where(change: impl Fn(&Provider, &str)) -> Result<AuthSuccess, AuthFailure> {
    let login = begin().await;
    for (path, _) in ASKED {
        change(&login.provider, path);
    }
    // An engine that knows nothing yet, and opens the cookie of the login all the same.
    let miracl = Miracl::new(login.miracl.config().clone()).unwrap();
    let visit = miracl.visit(&request("/login", &login.cookies));
    visit.complete_login(&login.query).await
}

#[tokio::test]
async fn answers_are_read_as_real_providers_and_the_proxies_before_them_send_them() {
    const GZIP: &str = "application/json\r\ncontent-encoding: gzip";
    const TWICE: &str = "application/json\r\nContent-Encoding: GZIP\r\ncontent-encoding: identity";
    type Change = fn(&Provider, &str, Vec<u8>);
    let changes: [(&str, Change); 6] = [
        ("201", |provider, path, said| {
            provider.say_bytes(path, 201, "application/json", &said);
        }),
        ("203", |provider, path, said| {
            provider.say_bytes(path, 203, "application/json", &said);
        }),
        ("a byte order mark", |provider, path, said| {
            let said = [b"\xef\xbb\xbf", said.as_slice()].concat();
            provider.say_bytes(path, 200, "application/json", &said);
        }),
        ("gzip", |provider, path, said| {
            provider.say_bytes(path, 200, GZIP, &gzip(&said));
        }),
        ("gzip, in other words", |provider, path, said| {
            provider.say_bytes(path, 200, TWICE, &gzip(&said));
        }),
        ("UTF-16", |provider, path, said| {
            let text = String::from_utf8(said).unwrap();
            let said: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let media_type = "application/json ; charset=\"UTF-16LE\"";
            provider.say_bytes(path, 200, media_type, &said);
        }),
    ];
    for (what, change) in changes {
        let login = log_in_where(|provider, path| change(provider, path, provider.said(path)));
        let login = login
            .await
            .unwrap_or_else(|failure| panic!("{what}: {failure}"));
        assert_eq!(login.user().email(), Some("alice@example.com"), "{what}");
    }
    let latin = |provider: &Provider, path: &str| {
        if path == "/userinfo" {
            let said = b"{\"sub\":\"alice\",\"name\":\"Andr\xe9\"}";
            provider.say_bytes(path, 200, "application/json; Charset=ISO-8859-1", said);
        }
    };
    let login = log_in_where(latin).await.unwrap();
    assert_eq!(login.user_data().get("name").unwrap(), "André");
}

#[tokio::test]
async fn what_was_compressed_otherwise_or_too_well_is_refused_and_says_so() {
    for (path, _) in ASKED {
        let brotli = |provider: &Provider, at: &str| {
            if at == path {
                let media_type = "application/json\r\ncontent-encoding: br";
                provider.say_bytes(path, 200, media_type, b"{}");
            }
        };
        let failure = log_in_where(brotli).await.unwrap_err();
        assert!(
            failure.to_string().contains("`Content-Encoding: br`"),
            "{failure}"
        );
        let bomb = |provider: &Provider, at: &str| {
            if at == path {
                let media_type = "application/json\r\ncontent-encoding: gzip";
                let packed = gzip(&vec![b' '; 8 * 1024 * 1024]);
                provider.say_bytes(path, 200, media_type, &packed);
            }
        };
        let failure = log_in_where(bomb).await.unwrap_err();
        let too_large = matches!(
            failure.reason(),
            FailureReason::Provider(ProviderError::TooLarge { .. })
        );
        assert!(too_large, "{path}: {failure}");
    }
}

#[tokio::test]
async fn an_error_under_a_status_of_success_is_that_error_at_every_endpoint() {
    for (path, needed) in ASKED {
        for (body, code) in [
            (
                r#"{"error":"incorrect_client_credentials"}"#,
                "incorrect_client_credentials",
            ),
            (r#"{"ok":false,"error":"invalid_code"}"#, "invalid_code"),
            (r#"{"error":{"code":7,"message":"no"}}"#, "7"),
            ("error=bad_verification_code", "bad_verification_code"),
        ] {
            let failure = log_in_where(|provider, at| {
                if at == path {
                    provider.say(path, body);
                }
            });
            let failure = failure.await.unwrap_err();
            let found = match failure.reason() {
                FailureReason::Provider(ProviderError::Refused { error, .. }) => error.as_str(),
                other => panic!("{path} {body}: {other:?}"),
            };
            assert_eq!(found, code, "{path} {body}");
            // As with a 4xx: only these two judge the login.
            let judges = ["/token", "/userinfo"].contains(&path);
            assert_eq!(
                failure.status(),
                if judges { 403 } else { 502 },
                "{path} {body}"
            );
        }
        // Beside what was asked for, `error` is a member like any other.
        let login = log_in_where(|provider, at| {
            let mut said: Value = serde_json::from_slice(&provider.said(at)).unwrap();
            assert!(at != path || said.get(needed).is_some());
            said["error"] = json!("harmless");
            provider.say(at, &said.to_string());
        });
        assert!(login.await.is_ok(), "{path}");
    }
    // A provider that says it is ill is not put down to the person.
    let failure = log_in_where(|provider, at| {
        if at == "/token" {
            provider.say(at, r#"{"error":"temporarily_unavailable"}"#);
        }
    });
    assert_eq!(failure.await.unwrap_err().status(), 503);
}

#[tokio::test]
async fn a_refresh_that_is_told_with_200_that_its_grant_is_worth_nothing_ends_the_session() {
    for (body, ends) in [
        (r#"{"error":"invalid_grant"}"#, true),
        (r#"{"error":"bad_refresh_token"}"#, true),
        (r#"{"ok":false,"error":"invalid_refresh_token"}"#, true),
        ("error=invalid_grant", true),
        (r#"{"error":"unauthorized_client"}"#, false),
        (r#"{"error":"temporarily_unavailable"}"#, false),
        ("{}", false),
    ] {
        let login = begin().await;
        login.grant_with(
            &json!({}),
            &json!({ "refresh_token": "r", "expires_in": 0 }),
        );
        let visit = login.visit();
        visit.complete_login(&login.query).await.unwrap();
        visit.confirm_login().await.unwrap();
        login.provider.say("/token", body);
        let refreshed = visit.refresh_user_data().await;
        assert_eq!(
            visit.is_authenticated().await.unwrap(),
            !ends,
            "{body}: {refreshed:?}"
        );
        assert_eq!(visit.tokens().await.unwrap().is_some(), !ends, "{body}");
        // Nobody asks again for a session that has ended.
        let asked = login.provider.asked("/token").len();
        drop(visit.tokens().await);
        if ends {
            assert_eq!(asked, 2, "{body}");
            assert_eq!(login.provider.asked("/token").len(), 2, "{body}");
        }
    }
}

#[tokio::test]
async fn what_the_provider_says_of_a_client_it_refuses_reaches_the_hook_without_the_clients_secrets()
 {
    let login = begin().await;
    let said = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The secret 'secret' of bob@example.com is expired; the code was a-code.",
        "error_codes": [7000222],
    });
    login
        .provider
        .say_as("/token", 401, "application/json", &said.to_string());
    let reason = login.fails().await;
    let FailureReason::Provider(error @ ProviderError::Refused { description, .. }) = &reason
    else {
        panic!("{reason}");
    };
    let text = description.text().unwrap();
    assert!(text.starts_with("AADSTS7000222: "), "{text}");
    assert!(text.ends_with("(error_codes 7000222)"), "{text}");
    assert!(
        !text.contains("'secret'") && !text.contains("a-code"),
        "{text}"
    );
    let logged = error.words().unwrap();
    assert!(
        logged.starts_with("AADSTS7000222: ") && logged.contains("expired"),
        "{logged}"
    );
    assert!(!logged.contains("bob"), "{logged}");
    assert!(
        !format!("{reason} {reason:?}").contains("AADSTS"),
        "{reason:?}"
    );
}

#[test]
fn words_for_the_log_are_without_addresses_tokens_and_the_beginnings_of_secrets() {
    let mut description = Description(Some(format!(
        "For alice@example.com or alice%40example.com: {} 9122040d-6c67-4c5b-b112-36a304b66dad at AADSTS1",
        "x".repeat(33)
    )));
    assert_eq!(
        description.for_log().unwrap(),
        "For [...] or [...] [...] [...] at AADSTS1"
    );
    description.leave_out(&["", "36a304b66dad"]);
    assert!(!description.text().unwrap().contains("36a3"));
    let mut cut = Description(Some("the secret was abcdefgh".to_owned()));
    cut.leave_out(&["abcdefghijkl"]);
    assert_eq!(cut.text(), Some("the secret was [...]"));
}

#[tokio::test]
async fn userinfo_is_asked_for_as_the_setting_says() {
    use UserinfoRequests::{Always, Never, WhenNeeded};
    let (email, name) = (json!("alice@example.com"), json!("Alice"));
    let of_email = json!({ "email": email, "email_verified": true });
    let of_both = json!({ "email": email, "email_verified": false, "name": name });
    for (setting, scopes, claims, requests) in [
        (Always, "openid email", &of_email, 1),
        (WhenNeeded, "openid email", &of_email, 0),
        (WhenNeeded, "openid email", &json!({ "email": email }), 1),
        (WhenNeeded, "openid offline_access", &json!({}), 0),
        (WhenNeeded, "openid email profile", &of_email, 1),
        (WhenNeeded, "openid email profile", &of_both, 0),
        (WhenNeeded, "openid phone", &of_both, 1),
        (WhenNeeded, "openid address", &of_both, 1),
        (WhenNeeded, "openid email dvs", &of_both, 1),
        (Never, "openid email profile", &json!({}), 0),
    ] {
        let change = |config: &mut Config| {
            config.userinfo_requests = setting;
            config.scopes = scopes.split(' ').map(str::to_owned).collect();
        };
        let provider = Provider::start().await;
        let login = begin_with(provider, LoginOptions::default(), change).await;
        login.grant(claims);
        let visit = login.visit();
        let success = visit.complete_login(&login.query).await.unwrap();
        let case = format!("{setting:?} {scopes} {claims}");
        assert_eq!(login.provider.asked("/userinfo").len(), requests, "{case}");
        let known = requests > 0 || claims.get("email").is_some();
        assert_eq!(success.user().email().is_some(), known, "{case}");
        // Who asks for it gets what is new, but for an app that never wants it.
        visit.confirm_login().await.unwrap();
        visit.refresh_user_data().await.unwrap();
        let more = usize::from(setting != Never);
        assert_eq!(
            login.provider.asked("/userinfo").len(),
            requests + more,
            "{case}"
        );
    }
}

#[tokio::test]
async fn a_login_belongs_to_the_browser_that_began_it() {
    let login = begin().await;
    let unknown = |reason| matches!(reason, FailureReason::StateUnknown);
    // No cookie at all, and that of another login.
    let stranger = login.miracl.visit(&request("/login", ""));
    let failure = stranger.complete_login(&login.query).await.unwrap_err();
    assert!(unknown(failure.reason().clone()));
    let other = login.miracl.visit(&request("/login/start", ""));
    other.login_url().await.unwrap();
    let other = login.miracl.visit(&request("/login", &cookies(&other)));
    let failure = other.complete_login(&login.query).await.unwrap_err();
    assert!(unknown(failure.reason().clone()));
    // Another state of this browser's.
    assert!(unknown(
        login.refused(&login.with("state", Some("another"))).await
    ));
    for state in [None, Some("")] {
        let reason = login.refused(&login.with("state", state)).await;
        assert!(matches!(reason, FailureReason::StateMissing));
    }
    // None of this has used it up.
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn a_pending_login_counts_for_its_own_state_and_not_for_its_cookies_name() {
    let login = begin().await;
    let engine = login.miracl.engine();
    let (name, header) = (
        login.cookies.split('=').next().unwrap(),
        login.cookies.as_bytes(),
    );
    let read = |plain: &[u8]| Some(plain.to_owned());
    let opened = engine
        .sessions
        .cookies
        .open(header, Purpose::Login, name, read);
    // The name holds a few bits of the state only: another state can have the same.
    let other = cookie_name(&engine.sessions.cookies.login_prefix, &mark("another"));
    let keep = crate::session::cookies::set_cookie::Keep::Seconds(60);
    let sealed = engine
        .sessions
        .cookies
        .seal(Purpose::Login, &other, &opened.unwrap(), keep);
    let sealed = sealed.unwrap().remove(0).line;
    let visit = login
        .miracl
        .visit(&request("/login", sealed.split(';').next().unwrap()));
    let query = login.with("state", Some("another"));
    let failure = visit.complete_login(query).await.unwrap_err();
    assert!(matches!(failure.reason(), FailureReason::StateUnknown));
}

#[tokio::test]
async fn a_login_is_used_once_whatever_came_of_it() {
    for query in [
        |login: &Login| login.query.clone(),
        |login: &Login| login.with("iss", None),
    ] {
        let login = begin().await;
        let first = login.visit();
        drop(first.complete_login(query(&login)).await);
        let set = first.finish().set_cookies;
        let name = login.cookies.split('=').next().unwrap();
        let deleted = set
            .iter()
            .filter(|line| line.starts_with(&format!("{name}=;")));
        assert_eq!(deleted.count(), 1, "{set:?}");
        let reason = login.fails().await;
        assert!(matches!(reason, FailureReason::LoginReplayed), "{reason}");
    }
}

/// A store of marks that notes for how long it is asked to keep what.
#[derive(Clone, Default)]
struct Noted {
    store: Arc<MemoryMarkStore>,
    kept: Arc<Mutex<Vec<(&'static str, Duration)>>>,
}

impl Noted {
    fn note(&self, what: &'static str, ttl: Duration) {
        self.kept.lock().unwrap().push((what, ttl));
    }
}

impl MarkStore for Noted {
    async fn use_once(&self, key: &MarkKey, ttl: Duration) -> Result<bool, StoreError> {
        self.note("used", ttl);
        MarkStore::use_once(&*self.store, key, ttl).await
    }

    async fn forget(&self, key: &MarkKey) -> Result<(), StoreError> {
        MarkStore::forget(&*self.store, key).await
    }

    async fn note(&self, list: NoteList, note: &[u8], ttl: Duration) -> Result<(), StoreError> {
        self.note("noted", ttl);
        MarkStore::note(&*self.store, list, note, ttl).await
    }

    async fn notes_since(&self, list: NoteList, at: Option<&[u8]>) -> Result<Notes, StoreError> {
        MarkStore::notes_since(&*self.store, list, at).await
    }

    async fn lease(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        ttl: Duration,
    ) -> Result<Lease, StoreError> {
        self.note("leased", ttl);
        MarkStore::lease(&*self.store, key, owner, ttl).await
    }

    async fn settle(
        &self,
        key: &MarkKey,
        owner: &LeaseOwner,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        self.note("settled", ttl);
        MarkStore::settle(&*self.store, key, owner, value, ttl).await
    }

    async fn release(&self, key: &MarkKey, owner: &LeaseOwner) -> Result<(), StoreError> {
        MarkStore::release(&*self.store, key, owner).await
    }
}

/// Longer than a callback may last with the default of ten seconds for a request, and far less than the fifteen minutes of a login.
const A_MOMENT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_login_that_fails_is_remembered_for_a_moment_only_and_not_tried_again_meanwhile() {
    type Query = fn(&Login) -> String;
    let refused: [(&str, Query); 5] = [
        ("error", |login| login.with("error", Some("access_denied"))),
        ("no code", |login| login.with("code", None)),
        ("iss", |login| {
            login.with("iss", Some("https://evil.example"))
        }),
        ("a token", |login| login.with("id_token", Some("x"))),
        ("junk code", |login| login.with("code", Some("junk"))),
    ];
    for (what, query) in refused {
        let marks = Noted::default();
        let store = MarkStorage::store(marks.clone());
        let change = |config: &mut Config| config.marks_store = store;
        let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
        let invalid = json!({ "error": "invalid_grant" }).to_string();
        let granted = what != "junk code";
        if !granted {
            let json = "application/json";
            login.provider.say_as("/token", 400, json, &invalid);
        }
        let failed = login.visit().complete_login(query(&login)).await;
        assert!(failed.is_err(), "{what}");
        assert_eq!(
            *marks.kept.lock().unwrap(),
            [("leased", A_MOMENT)],
            "{what}"
        );
        // Not even with the right answer, by somebody who has kept the cookie.
        let asked = login.provider.asked("/token").len();
        assert_eq!(asked, usize::from(!granted), "{what}");
        let reason = login.fails().await;
        assert!(
            matches!(reason, FailureReason::LoginReplayed),
            "{what}: {reason}"
        );
        assert_eq!(login.provider.asked("/token").len(), asked, "{what}");
    }
}

#[tokio::test]
async fn a_login_whose_browser_went_away_is_remembered_for_a_moment_only() {
    let marks = Noted::default();
    let store = MarkStorage::store(marks.clone());
    let change = |config: &mut Config| config.marks_store = store;
    let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
    let visit = login.visit();
    let mut callback = Box::pin(visit.complete_login(&login.query));
    // As far as the token request, which waits for the network.
    while marks.kept.lock().unwrap().is_empty() {
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(callback.as_mut().poll(context).is_ready())
        });
        assert!(!polled.await, "it is not complete yet");
        tokio::task::yield_now().await;
    }
    drop(callback);
    assert_eq!(*marks.kept.lock().unwrap(), [("leased", A_MOMENT)]);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::LoginReplayed), "{reason}");
}

#[tokio::test]
async fn a_login_whose_code_was_taken_is_remembered_for_as_long_as_its_cookie_could_open() {
    for claims in [json!({}), json!({ "nonce": "another" })] {
        let marks = Noted::default();
        let store = MarkStorage::store(marks.clone());
        let change = |config: &mut Config| config.marks_store = store;
        let login = begin_with(Provider::start().await, LoginOptions::default(), change).await;
        login.grant(&claims);
        let completed = login.visit().complete_login(&login.query).await;
        assert_eq!(completed.is_ok(), claims == json!({}));
        let timeout = login.miracl.config().login_timeout;
        let kept = marks.kept.lock().unwrap().clone();
        let expected = [("leased", A_MOMENT), ("settled", timeout + A_MOMENT)];
        assert_eq!(kept, expected);
    }
}

#[tokio::test]
async fn a_login_may_take_until_its_timeout() {
    let login = begin().await;
    let timeout = login.miracl.config().login_timeout;
    login.wait(timeout - Duration::from_millis(1));
    assert!(login.visit().complete_login(&login.query).await.is_ok());

    let login = begin().await;
    login.wait(timeout);
    let reason = login.refused(&login.query).await;
    assert!(matches!(reason, FailureReason::LoginExpired), "{reason}");
}

#[tokio::test]
async fn each_parameter_may_be_there_once() {
    let login = begin().await;
    for name in ["state", "code", "iss", "error", "error_description"] {
        let query = format!("{}&{name}=a&{name}=a", login.with(name, None));
        let reason = login.refused(&query).await;
        let found =
            matches!(reason, FailureReason::DuplicateParameter { name: found } if found == name);
        assert!(found, "{name}: {reason}");
    }
    // What is none of ours may be there as often as it likes.
    let query = format!("{}&session_state=1&session_state=2", login.query);
    assert!(login.visit().complete_login(query).await.is_ok());
}

#[tokio::test]
async fn a_callback_of_64_kib_is_read_and_a_longer_one_is_not() {
    let login = begin().await;
    let fill = |len: usize| {
        format!(
            "{}&x={}",
            login.query,
            "x".repeat(len - login.query.len() - 3)
        )
    };
    let reason = login.refused(&fill(Route::MAX_BODY + 1)).await;
    assert!(matches!(reason, FailureReason::ResponseTooLarge));
    assert!(
        login
            .visit()
            .complete_login(fill(Route::MAX_BODY))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_body_that_could_not_be_read_completes_no_login() {
    let login = begin().await;
    let request = Request::post("/login")
        .with("host", HOST)
        .with("cookie", &login.cookies)
        .with("content-type", "application/x-www-form-urlencoded");
    let visit = login.miracl.visit(&request);
    let answer = visit.answer(Route::Callback, &request, None).await;
    let Answer::Failure(failure) = answer else {
        panic!("{answer:?}");
    };
    assert!(matches!(failure.reason(), FailureReason::ResponseTooLarge));
    assert_eq!(failure.status(), 413);
    assert!(visit.finish().no_store);
}

#[tokio::test]
async fn tokens_in_a_callback_are_refused_whichever_they_are() {
    for name in ["id_token", "access_token"] {
        let login = begin().await;
        let reason = login.refused(&login.with(name, Some("x"))).await;
        assert!(matches!(reason, FailureReason::TokenInResponse), "{name}");
    }
}

#[tokio::test]
async fn an_issuer_is_there_where_it_is_promised_and_right_wherever_it_is() {
    for (promised, iss, right) in [
        (true, None, false),
        (true, Some("https://other.example"), false),
        (false, Some("https://other.example"), false),
        (false, Some(""), false),
        (false, None, true),
    ] {
        let provider = Provider::start().await;
        let mut document = provider.document();
        document["authorization_response_iss_parameter_supported"] = json!(promised);
        provider.publish(&document);
        let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
        let query = login.with("iss", iss);
        if right {
            assert!(login.visit().complete_login(query).await.is_ok());
            continue;
        }
        let reason = login.refused(&query).await;
        let missing = matches!(reason, FailureReason::ResponseIssuerMissing);
        let other = matches!(reason, FailureReason::ResponseIssuer { .. });
        assert!(
            if iss.is_none() { missing } else { other },
            "{iss:?}: {reason}"
        );
    }
}

#[tokio::test]
async fn the_answers_tenant_is_the_tokens() {
    let provider = Provider::start().await;
    let issuer = provider.issuer.clone();
    let template = format!("{issuer}/{{tenantid}}");
    let mut document = provider.document();
    document["issuer"] = json!(template);
    provider.publish(&document);
    let many = |config: &mut Config| config.issuer_template = Some(template.clone());
    let login = begin_with(provider, LoginOptions::default(), many).await;
    let of = |tenant: &str| format!("{issuer}/{tenant}");
    login.grant(&json!({ "iss": of("one"), "tid": "one" }));
    let other = login.with("iss", Some(&of("two")));
    let failure = login.visit().complete_login(other).await.unwrap_err();
    let expected = of("one");
    assert!(
        matches!(failure.reason(), FailureReason::ResponseIssuer { expected: found } if *found == expected)
    );
    assert_eq!(login.provider.asked("/userinfo").len(), 0);
}

#[tokio::test]
async fn an_error_ends_the_login_even_beside_a_code() {
    let options = LoginOptions {
        return_to: Some("/members".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options, |_| {}).await;
    let query = login.with("error", Some("access_denied"));
    let query = format!("{query}&error_description=not+today");
    let failure = login.visit().complete_login(query).await.unwrap_err();
    let FailureReason::Denied { error, description } = failure.reason() else {
        panic!("{failure}");
    };
    assert_eq!(error, "access_denied");
    assert_eq!(description.text(), Some("not today"));
    assert_eq!(failure.return_to(), Some("/members"));
    assert_eq!(login.provider.asked("/token").len(), 0);
}

#[tokio::test]
async fn an_answer_without_a_code_logs_nobody_in() {
    for code in [None, Some("")] {
        let login = begin().await;
        let reason = login.refused(&login.with("code", code)).await;
        assert!(matches!(reason, FailureReason::CodeMissing), "{reason}");
    }
}

#[tokio::test]
async fn a_callback_on_another_host_name_says_which() {
    let login = begin().await;
    let elsewhere = Request::get("/login").with("host", "localhost:5000");
    let visit = login.miracl.visit(&elsewhere);
    let failure = visit.complete_login(&login.query).await.unwrap_err();
    let FailureReason::OtherHost { here, there } = failure.reason() else {
        panic!("{failure}");
    };
    assert!(here.contains("localhost") && there.contains("127.0.0.1"));
}

#[tokio::test]
async fn what_a_login_asked_for_is_checked_when_it_ends() {
    let options = || LoginOptions {
        max_age: Some(100),
        acr_values: Some("gold silver".to_owned()),
        ..LoginOptions::default()
    };
    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "gold", "auth_time": login.now() - 161 }));
    let reason = login.fails().await;
    let old = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::AuthTime { .. })
    );
    assert!(old, "{reason}");

    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "bronze", "auth_time": login.now() }));
    let reason = login.fails().await;
    let weak = matches!(reason, FailureReason::IdToken(IdTokenError::Acr { .. }));
    assert!(weak, "{reason}");

    let login = begin_with(Provider::start().await, options(), |_| {}).await;
    login.grant(&json!({ "acr": "silver", "auth_time": login.now() - 160 }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn the_id_token_is_for_this_login_and_this_access_token() {
    for changes in [
        json!({ "nonce": "of-another-login" }),
        json!({ "at_hash": "of-another-token" }),
        json!({ "aud": "another-client" }),
        json!({ "aud": ["client", "another-client"], "azp": "client" }),
        json!({ "iss": "https://other.example" }),
        json!({ "exp": 1 }),
    ] {
        let login = begin().await;
        login.grant(&changes);
        let reason = login.fails().await;
        assert!(
            matches!(reason, FailureReason::IdToken(_)),
            "{changes}: {reason}"
        );
        assert_eq!(login.provider.asked("/userinfo").len(), 0);
    }
    let login = begin().await;
    let hash = ring::digest::digest(&ring::digest::SHA256, b"an-access-token");
    let half = base64_simd::URL_SAFE_NO_PAD.encode_to_string(&hash.as_ref()[..16]);
    login.grant(&json!({ "at_hash": half }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());

    let trusts = |config: &mut Config| config.trusted_audiences = vec!["another-client".into()];
    let login = begin_with(Provider::start().await, LoginOptions::default(), trusts).await;
    login.grant(&json!({ "aud": ["client", "another-client"], "azp": "client" }));
    assert!(login.visit().complete_login(&login.query).await.is_ok());
}

#[tokio::test]
async fn the_registered_algorithm_is_the_only_one() {
    let registered = |config: &mut Config| {
        config.id_token_signed_response_alg = Some(SigningAlgorithm::RS256);
    };
    let login = begin_with(Provider::start().await, LoginOptions::default(), registered).await;
    let reason = login.fails().await;
    let other = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::Algorithm { .. })
    );
    assert!(other, "{reason}");
    // Without one, what the metadata offers.
    let provider = Provider::start().await;
    let mut document = provider.document();
    document["id_token_signing_alg_values_supported"] = json!(["RS256", "EdDSA"]);
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    let reason = login.fails().await;
    let other = matches!(
        reason,
        FailureReason::IdToken(IdTokenError::Algorithm { .. })
    );
    assert!(other, "{reason}");
}

#[tokio::test]
async fn a_token_response_without_an_id_token_logs_nobody_in() {
    let login = begin().await;
    login.provider.say("/token", r#"{"access_token":"a"}"#);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::IdTokenMissing), "{reason}");
}

#[tokio::test]
async fn userinfo_is_about_the_same_person_where_there_is_any() {
    let login = begin().await;
    login.provider.say("/userinfo", r#"{"sub":"bob"}"#);
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::UserinfoSubject), "{reason}");

    let login = begin().await;
    login.provider.say_as("/userinfo", 401, "text/plain", "");
    let reason = login.fails().await;
    assert!(matches!(reason, FailureReason::Provider(_)), "{reason}");

    let provider = Provider::start().await;
    let mut document = provider.document();
    document
        .as_object_mut()
        .unwrap()
        .remove("userinfo_endpoint");
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    let success = login.visit().complete_login(&login.query).await.unwrap();
    assert!(success.user_data().get("email").is_none());
    let receipt = success.receipt().to_string();
    assert!(receipt.contains("not applicable userinfo"), "{receipt}");
}

#[tokio::test]
async fn a_session_that_fits_no_cookies_is_no_login() {
    let login = begin().await;
    let much: Vec<u64> = (0..20_000).collect();
    let userinfo = json!({ "sub": "alice", "groups": much });
    login.provider.say("/userinfo", &userinfo.to_string());
    let reason = login.fails().await;
    assert!(
        matches!(reason, FailureReason::SessionTooLarge(_)),
        "{reason}"
    );
}

#[tokio::test]
async fn a_token_of_another_form_is_told_from_one_of_another_algorithm() {
    for (raw, check) in [
        ("hello", "id_token form"),
        // {"alg":"none"}
        ("eyJhbGciOiJub25lIn0.e30.", "id_token alg"),
    ] {
        let login = begin().await;
        let tokens = json!({ "access_token": "a", "id_token": raw });
        login.provider.say("/token", &tokens.to_string());
        let failure = login
            .visit()
            .complete_login(&login.query)
            .await
            .unwrap_err();
        assert_eq!(failure.receipt().failed().unwrap().name, check);
    }
}
