//! The browsers whose cookies are changed: each has a session of its own.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;

use crate::{
    Category, Clock, Config, CookieKey, Miracl, RequestView, Visit,
    base::random::random,
    flow::{callback::tests::cookies as header_of, confirm},
    provider::tokens::Tokens,
    session::{
        data::SessionData,
        identity::{Session, SessionId},
        marked_by::MarkedBy,
        person::Person,
    },
};

const NOW: u64 = 1_800_000_000;
pub(super) const FLASH: &str = "a message";

pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// A session as its browser holds it.
pub(super) struct Original {
    pub(super) jar: Vec<Pair>,
    pub(super) subject: &'static str,
    /// Distinguishes it from every other session, and from itself at another time.
    pub(super) data: Value,
    /// Whether the engine that is asked accepts it.
    pub(super) counts: bool,
}

impl Original {
    /// Makes a session with about this many bytes of user data.
    pub(super) async fn new(
        miracl: &Miracl,
        subject: &'static str,
        bytes: usize,
        counts: bool,
    ) -> Self {
        let data = Value::from("x".repeat(bytes));
        let session = Session {
            id: SessionId(random()),
            generation: 0,
            data: Default::default(),
            created_ms: NOW * 1000,
            seen: NOW,
            issued_at: NOW,
            person: Person::new(
                &miracl.config().issuer,
                subject,
                Some(&format!("{subject}@example.com")),
            ),
            email_verified: true,
            is_doubtful: false,
            marked_by: MarkedBy::new(&miracl.config().issuer, subject, None),
        };
        let tokens = Tokens {
            access_token: subject.into(),
            id_token: "a.e30.c".into(),
            refresh_token: None,
            expires_at: None,
            renew_at: None,
            scope: None,
        };
        let kept = SessionData {
            tokens,
            userinfo: [("data".to_owned(), data.clone())].into_iter().collect(),
            user_agent: None,
            login: None,
            without_tokens: false,
            asked_for: Default::default(),
            app: Default::default(),
        };
        let visit = visit(miracl, &[]);
        let proposed = confirm::propose(visit.exchange(), Arc::new(session), Arc::new(kept), None);
        proposed.await.unwrap();
        visit.confirm_login().await.unwrap();
        visit.flash(Category::Info, FLASH);
        let jar = pairs(&header_of(&visit));
        // The session, its parts, and the message.
        assert_eq!(jar.len(), if bytes > 3000 { 4 } else { 3 }, "{subject}");
        Self {
            jar,
            subject,
            data,
            counts,
        }
    }

    /// Returns this session after its user data changed.
    pub(super) async fn changed(&self, miracl: &Miracl) -> Self {
        let data = Value::from("y".repeat(self.data.as_str().map_or(0, str::len)));
        let visit = visit(miracl, &[join(&self.jar)]);
        let change = |before: &SessionData| {
            let mut changed = before.clone();
            changed.userinfo.insert("data".to_owned(), data.clone());
            Some(changed)
        };
        visit.exchange().change_data(change).await.unwrap();
        let mut jar = pairs(&header_of(&visit));
        jar.extend(self.jar.last().cloned());
        assert_eq!(jar.len(), self.jar.len());
        Self { jar, data, ..*self }
    }
}

pub(super) fn engine(client_id: &str, key: &CookieKey) -> Miracl {
    Miracl::new(Config {
        issuer: "https://issuer.example".into(),
        client_id: client_id.into(),
        client_secret: "secret".into(),
        redirect_uri: "http://127.0.0.1:5000/login".into(),
        cookie_keys: vec![key.clone()],
        clock: Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(NOW)),
        ..Config::default()
    })
    .unwrap()
}

fn pairs(header: &str) -> Vec<Pair> {
    let pairs = header.split("; ").map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

pub(super) fn join(jar: &[Pair]) -> Vec<u8> {
    let cookies: Vec<Vec<u8>> = jar
        .iter()
        .map(|(name, value)| [&name[..], b"=", value].concat())
        .collect();
    cookies.join(&b"; "[..])
}

pub(super) fn visit(miracl: &Miracl, headers: &[Vec<u8>]) -> Visit {
    miracl.visit(&Request(headers))
}

/// A request with these `Cookie` headers.
struct Request<'h>(&'h [Vec<u8>]);

impl RequestView for Request<'_> {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        Cow::Borrowed("/")
    }

    fn host(&self) -> Option<&str> {
        Some("127.0.0.1:5000")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let values = (name == "cookie").then_some(self.0);
        values.into_iter().flatten().map(Vec::as_slice)
    }
}
