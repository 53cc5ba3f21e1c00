//! Sessions that earlier versions sealed, and that this version must open, so that an upgrade logs nobody out; and how
//! a version before reads what this one seals.
//!
//! Each fixture holds what a browser or a store kept after one login, with the key that sealed it. A change of the
//! format replaces a fixture only together with a line in CHANGELOG that tells people they are logged out.

#[path = "versions/before.rs"]
mod before;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::Mutex,
    time::{Duration, UNIX_EPOCH},
};

use miracl_core::{
    Category, Clock, Config, CookieKey, IndexKey, Miracl, RequestView, SessionKey, SessionStorage,
    SessionStore, StoreError, StoredSession, Visit,
    app::{
        access::Requirement,
        config::{KeepClaims, SessionClaims},
        error::{IdTokenError, TrustError},
    },
};
use serde_json::{Value, json};

use before::{Person, VersionBefore};

const WORKS: &str = "the fixture is complete, and its session opens";

/// A request of the browser that the fixture was taken from.
struct Request(String);

impl RequestView for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        "/".into()
    }

    fn host(&self) -> Option<&str> {
        Some("127.0.0.1:5000")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        (name == "cookie").then_some(self.0.as_bytes()).into_iter()
    }
}

/// A store with one session that another process wrote.
struct Fixed(Mutex<HashMap<SessionKey, StoredSession>>);

impl SessionStore for Fixed {
    async fn create(
        &self,
        key: &SessionKey,
        session: StoredSession,
        _: Duration,
    ) -> Result<(), StoreError> {
        self.0.lock().expect(WORKS).insert(*key, session);
        Ok(())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.0.lock().expect(WORKS).get(key).cloned())
    }

    async fn update(
        &self,
        key: &SessionKey,
        expected: u64,
        session: StoredSession,
        _: Duration,
    ) -> Result<bool, StoreError> {
        let mut sessions = self.0.lock().expect(WORKS);
        let found = sessions
            .get_mut(key)
            .filter(|found| found.revision == expected);
        Ok(found.map(|found| *found = session).is_some())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.lock().expect(WORKS).remove(key);
        Ok(())
    }

    async fn delete_by_sid(&self, sid: &IndexKey) -> Result<u64, StoreError> {
        let mut sessions = self.0.lock().expect(WORKS);
        let before = sessions.len();
        sessions.retain(|_, session| session.sid != Some(*sid));
        Ok((before - sessions.len()) as u64)
    }

    async fn delete_by_subject(&self, subject: &IndexKey) -> Result<u64, StoreError> {
        let mut sessions = self.0.lock().expect(WORKS);
        let before = sessions.len();
        sessions.retain(|_, session| session.subject != *subject);
        Ok((before - sessions.len()) as u64)
    }

    async fn list_by_subject(
        &self,
        subject: &IndexKey,
    ) -> Result<Vec<(SessionKey, StoredSession)>, StoreError> {
        let sessions = self.0.lock().expect(WORKS);
        let found = sessions
            .iter()
            .filter(|(_, session)| session.subject == *subject);
        Ok(found
            .map(|(key, session)| (*key, session.clone()))
            .collect())
    }
}

/// The app of a fixture, a minute after its session began.
fn app(fixture: &Value, session_claims: SessionClaims) -> Miracl {
    let text = |name: &str| fixture[name].as_str().expect(WORKS).to_owned();
    let written = Duration::from_secs(fixture["written"].as_u64().expect(WORKS));
    let mut config = Config {
        issuer: text("issuer"),
        client_id: text("client_id"),
        client_secret: "secret".into(),
        redirect_uri: text("redirect_uri"),
        cookie_keys: vec![CookieKey::from_base64(&text("cookie_key")).expect(WORKS)],
        session_claims,
        clock: Clock::from_fn(move || UNIX_EPOCH + written + Duration::from_secs(60)),
        ..Config::default()
    };
    if let Some(record) = fixture.get("record").filter(|record| !record.is_null()) {
        let text = |name: &str| record[name].as_str().expect(WORKS);
        let stored = StoredSession::new(
            record["revision"].as_u64().expect(WORKS),
            IndexKey(bytes(text("subject"))),
            Some(IndexKey(bytes(text("sid")))),
            text("head").as_bytes(),
            text("data").as_bytes(),
        );
        let sessions = HashMap::from([(SessionKey(bytes(text("key"))), stored)]);
        config.session_store = SessionStorage::store(Fixed(Mutex::new(sessions)));
    }
    Miracl::new(config).expect(WORKS)
}

/// Bytes that are written in hexadecimal digits.
fn bytes<const LEN: usize>(digits: &str) -> [u8; LEN] {
    assert_eq!(digits.len(), 2 * LEN, "{digits}");
    let byte = |place| u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).expect(WORKS);
    std::array::from_fn(byte)
}

fn visit(miracl: &Miracl, fixture: &Value) -> Visit {
    let cookies = fixture["cookie"].as_str().expect(WORKS);
    miracl.visit(&Request(cookies.to_owned()))
}

/// Opens a session of the previous version, and checks everything in it.
async fn opens(fixture: &str) {
    opens_with(fixture, SessionClaims::default()).await;
    // Settings of this version are switched on.
    let quick = SessionClaims {
        quick: vec!["name".to_owned(), "acr".to_owned()],
        ..SessionClaims::default()
    };
    opens_with(fixture, quick).await;
}

async fn opens_with(fixture: &str, session_claims: SessionClaims) {
    let fixture: Value = serde_json::from_str(fixture).expect(WORKS);
    let miracl = app(&fixture, session_claims);
    let of_before = visit(&miracl, &fixture);
    let user = of_before.user().await.expect(WORKS).expect(WORKS);
    assert_eq!(user.id(), "alice");
    assert_eq!(user.issuer(), miracl.config().issuer);
    assert_eq!(user.email(), Some("alice@example.com"));
    assert!(user.email_verified());
    let data = of_before.user_data().await.expect(WORKS).expect(WORKS);
    assert_eq!(data.get("name"), Some(&"Alice".into()));
    assert_eq!(data.get("phone_number"), Some(&"+44 20 7946 0000".into()));
    let tokens = of_before.tokens().await.expect(WORKS).expect(WORKS);
    assert_eq!(tokens.access_token().expose(), "an-access-token");
    assert_eq!(
        tokens.refresh_token().map(|token| token.expose()),
        Some("a-refresh-token")
    );
    assert_eq!(tokens.scope(), Some("openid email"));
    let flashes = of_before.take_flashes().await;
    assert_eq!(flashes.len(), 1);
    assert_eq!(
        (flashes[0].category, &*flashes[0].text),
        (Category::Success, "Welcome")
    );

    // What it has no quick claims for is in its large part.
    let named = Requirement::claim("name").equals("Alice");
    let request = Request(fixture["cookie"].as_str().expect(WORKS).to_owned());
    let authorized = visit(&miracl, &fixture).authorize(&named, &request).await;
    assert_eq!(authorized.expect(WORKS).id(), "alice");

    // It can be changed like any other session.
    let changed = visit(&miracl, &fixture);
    changed.clear_user_info().await.expect(WORKS);
    let data = changed.user_data().await.expect(WORKS).expect(WORKS);
    assert_eq!(data.get("phone_number"), None);
    assert_eq!(
        data.get("name"),
        Some(&"Alice".into()),
        "the ID token has it"
    );
}

#[tokio::test]
async fn a_session_in_cookies_of_the_version_before_opens() {
    opens(include_str!("versions/cookies.json")).await;
}

#[tokio::test]
async fn a_session_in_several_cookies_of_the_version_before_opens() {
    opens(include_str!("versions/cookies-large.json")).await;
}

#[tokio::test]
async fn a_session_in_a_store_of_the_version_before_opens() {
    opens(include_str!("versions/store.json")).await;
}

/// The fixtures are sessions that the test kit of this version made, with the keys of an app.
#[tokio::test]
async fn a_session_of_the_test_kit_counts_only_in_a_build_with_the_kit() {
    for fixture in [
        include_str!("versions/test-kit-cookies.json"),
        include_str!("versions/test-kit-store.json"),
    ] {
        let fixture: Value = serde_json::from_str(fixture).expect(WORKS);
        let miracl = app(&fixture, SessionClaims::default());
        let visit = visit(&miracl, &fixture);
        let user = visit.user().await.expect(WORKS);
        let id = user.map(|user| user.id().to_owned());
        let expected = cfg!(feature = "testing").then(|| "alice".to_owned());
        assert_eq!(id, expected);
        let has_tokens = visit.tokens().await.expect(WORKS).is_some();
        assert_eq!(has_tokens, expected.is_some());
    }
}

#[tokio::test]
async fn a_project_jwt_of_the_test_kit_counts_only_in_a_build_with_the_kit() {
    let fixture = include_str!("versions/test-kit-cookies.json");
    let fixture: Value = serde_json::from_str(fixture).expect(WORKS);
    let miracl = app(&fixture, SessionClaims::default());
    let jwt = fixture["project_jwt"].as_str().expect(WORKS);
    match miracl.verify_project_jwt(jwt).await {
        Ok(user) => assert!(cfg!(feature = "testing") && user.id() == "alice"),
        Err(error) => assert!(
            !cfg!(feature = "testing")
                && matches!(
                    error,
                    TrustError::ProjectJwt(IdTokenError::Malformed { .. })
                ),
            "{error:?}"
        ),
    }
}

const QUICK: &str = include_str!("versions/quick-cookies.json");
const BROWSER: &str = include_str!("versions/browser-cookies.json");
const KEPT: &str = include_str!("versions/kept-cookies.json");
const STORED: &str = include_str!("versions/extended-store.json");

/// The settings with which the fixtures of extended sessions were made.
fn quick() -> SessionClaims {
    SessionClaims {
        quick: ["roles", "acr", "auth_time", "name"]
            .map(str::to_owned)
            .into(),
        ..SessionClaims::default()
    }
}

fn kept() -> SessionClaims {
    SessionClaims {
        quick: vec!["roles".to_owned()],
        keep: KeepClaims::Only(vec!["name".to_owned()]),
        id_token: false,
        tokens: false,
    }
}

/// Opens a session with an extension, and checks what is in it. Whatever the settings of the replica are, it is the
/// same person with the same rights.
async fn opens_extended(fixture: &str, settings: [SessionClaims; 2]) -> Vec<Visit> {
    let fixture: Value = serde_json::from_str(fixture).expect(WORKS);
    let mut visits = Vec::new();
    for session_claims in settings {
        let miracl = app(&fixture, session_claims);
        let visit = visit(&miracl, &fixture);
        let user = visit.user().await.expect(WORKS).expect(WORKS);
        assert_eq!(
            (user.id(), user.issuer()),
            ("alice", &*miracl.config().issuer)
        );
        assert_eq!(user.email(), Some("alice@example.com"));
        assert!(user.email_verified());
        let request = Request(fixture["cookie"].as_str().expect(WORKS).to_owned());
        for (requirement, is_met) in [
            (Requirement::claim("roles").contains("admin"), true),
            (Requirement::claim("roles").contains("owner"), false),
            (Requirement::claim("name").equals("Alice"), true),
            (Requirement::acr(["2fa"]), true),
            (Requirement::acr(["pin"]), false),
            (
                Requirement::logged_in_within(Duration::from_secs(300)),
                true,
            ),
        ] {
            let authorized = visit.authorize(&requirement, &request).await;
            assert_eq!(authorized.is_ok(), is_met, "{requirement:?}");
        }
        let data = visit.user_data().await.expect(WORKS).expect(WORKS);
        assert_eq!(data.get("roles"), Some(&json!(["admin", "reader"])));
        assert_eq!(visit.take_flashes().await.len(), 1);
        visits.push(visit);
    }
    visits
}

/// Whether the session's cookies end with the browser, after something in it has changed.
async fn ends_with_browser(visit: &Visit) -> bool {
    visit.clear_user_info().await.expect(WORKS);
    let set = visit.finish().set_cookies;
    let session = set.iter().find(|line| line.starts_with("miracl-session="));
    !session.expect(WORKS).contains("Max-Age")
}

#[tokio::test]
async fn a_session_with_quick_claims_opens_in_every_later_version() {
    for visit in opens_extended(QUICK, [quick(), SessionClaims::default()]).await {
        let tokens = visit.tokens().await.expect(WORKS).expect(WORKS);
        assert_eq!(tokens.access_token().expose(), "an-access-token");
        assert!(!ends_with_browser(&visit).await);
    }
}

#[tokio::test]
async fn a_session_that_ends_with_the_browser_opens_in_every_later_version() {
    for visit in opens_extended(BROWSER, [SessionClaims::default(), quick()]).await {
        assert!(visit.tokens().await.expect(WORKS).is_some());
        assert!(ends_with_browser(&visit).await);
    }
}

#[tokio::test]
async fn a_session_that_keeps_little_opens_in_every_later_version() {
    for visit in opens_extended(KEPT, [kept(), SessionClaims::default()]).await {
        let data = visit.user_data().await.expect(WORKS).expect(WORKS);
        assert_eq!(data.get("phone_number"), None);
        let tokens = visit.tokens().await.expect(WORKS);
        assert!(tokens.is_none_or(|tokens| tokens.access_token().expose().is_empty()));
        assert!(ends_with_browser(&visit).await);
    }
}

#[tokio::test]
async fn an_extended_session_in_a_store_opens_in_every_later_version() {
    for visit in opens_extended(STORED, [quick(), SessionClaims::default()]).await {
        let tokens = visit.tokens().await.expect(WORKS).expect(WORKS);
        assert_eq!(
            tokens.refresh_token().map(|token| token.expose()),
            Some("a-refresh-token")
        );
    }
}

/// Who is logged in, as a replica of the version before reads it.
fn before(fixture: &str) -> Option<Person> {
    let fixture: Value = serde_json::from_str(fixture).expect(WORKS);
    let text = |value: &Value| value.as_str().expect(WORKS).to_owned();
    let [key, issuer, client] =
        ["cookie_key", "issuer", "client_id"].map(|name| text(&fixture[name]));
    let replica = VersionBefore::new(&key, &issuer, &client).expect(WORKS);
    let record = &fixture["record"];
    let opened = match record.is_null() {
        true => {
            let header = text(&fixture["cookie"]);
            let opened = header.split("; ").find_map(|pair| {
                let value = pair.strip_prefix("miracl-session=")?;
                replica.open(before::IN_COOKIE, "miracl-session", value)
            });
            let by_cookies = replica.by_cookies(&header, "miracl-session");
            assert_eq!(by_cookies, replica.person(opened.as_ref().expect(WORKS)));
            opened
        }
        false => {
            let name = format!("head {}", text(&record["key"]));
            replica.open("stored session", &name, &text(&record["head"]))
        }
    };
    // It opens: what is inside of it decides.
    let person = replica.person(&opened.expect(WORKS));
    assert!(person.as_ref().is_none_or(|person| person.issuer == issuer));
    person
}

#[test]
fn a_replica_of_the_version_before_reads_sessions_as_the_same_person_or_as_nobody() {
    for same in [
        include_str!("versions/cookies.json"),
        include_str!("versions/cookies-large.json"),
        include_str!("versions/store.json"),
    ] {
        assert_eq!(before(same).expect(WORKS).id, "alice");
    }
    for extended in [QUICK, BROWSER, KEPT, STORED] {
        assert_eq!(before(extended), None);
    }
}
