//! The test kit: people who are logged in without a provider, for an app's own tests.

use std::{
    borrow::Cow,
    fmt,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value, json};

use crate::{
    base::clock::Clock,
    config::Config,
    error::session::SessionError,
    exchange::Exchange,
    flow::{project_user, proposal::Proposal},
    miracl::Miracl,
    provider::{tokens::Tokens, user_data::UserData},
    session::{
        app_data::{AppData, AppValues},
        asked::AskedFor,
        cookies::set_cookie::SetCookie,
        identity::{Session, User},
        marked_by::MarkedBy,
        test_kit,
    },
    trust::project_jwt::ProjectUser,
    web::request::RequestView,
};

/// The issuer of a [`TestUser::user`] that was given no other.
const ISSUER: &str = "https://issuer.example";
/// How long a project JWT lasts, in seconds.
const PROJECT_JWT_LIFE: u64 = 60;

/// A person who is logged in without a provider, for the tests of an app.
///
/// [`log_in`](Self::log_in) returns the `Cookie` header for a request to the app under test. It begins the same session
/// as a login does, in cookies, in memory, in Redis or in a store of your own, and asks no provider. By default the
/// person has just logged in, has neither an e-mail address nor any other claim, and their issuer is
/// [`Config::issuer`](crate::Config::issuer).
///
/// ```
/// use miracl_core::app::testing::TestUser;
/// use miracl_core::{Config, CookieKey, Miracl};
/// # use miracl_core::adapter::RequestView;
/// # use std::borrow::Cow;
/// # struct Request(String);
/// # impl RequestView for Request {
/// #     fn method(&self) -> &str { "GET" }
/// #     fn path_and_query(&self) -> Cow<'_, str> { "/admin".into() }
/// #     fn host(&self) -> Option<&str> { Some("app.example") }
/// #     fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
/// #         (name == "cookie").then_some(self.0.as_bytes()).into_iter()
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let miracl = Miracl::new(Config {
/// #     issuer: "https://login.example".to_owned(),
/// #     client_id: "my-app".to_owned(),
/// #     client_secret: "secret".into(),
/// #     redirect_uri: "https://app.example/login".to_owned(),
/// #     cookie_keys: vec![CookieKey::generate()],
/// #     ..Config::default()
/// # })?;
/// let cookie = TestUser::new("alice").claim("roles", ["admin"]).log_in(&miracl).await?;
///
/// // Where an adapter would make the request, with this header.
/// let visit = miracl.visit(&Request(cookie));
/// assert_eq!(visit.user().await?.map(|user| user.id().to_owned()), Some("alice".to_owned()));
/// # Ok(())
/// # }
/// ```
///
/// # Who they are, and how they logged in
///
/// | wanted | how |
/// |---|---|
/// | a role | `.claim("roles", ["admin"])` |
/// | a confirmed e-mail address | `.email("alice@example.com")` |
/// | one that is not confirmed | `.email("alice@example.com").claim("email_verified", false)` |
/// | a fresh login | the default: `auth_time` is now |
/// | a login of an hour ago | `.logged_in_ago(Duration::from_secs(3600))` |
/// | a strong login | `.acr("2fa")`, `.amr(["pwd", "otp"])` |
/// | a provider that does not say when the person logged in | `.claim("auth_time", Value::Null)` |
/// | a value of the app's own | `.set(&Colour("red".to_owned()))` |
/// | granted scopes | `.scope("openid orders")`; by default all that the app asks for |
/// | a session or a project JWT that has ended | `.expired()` |
///
/// # Security
///
/// It needs the feature `testing`, which belongs under `[dev-dependencies]`. A session of the kit is sealed with the
/// app's own cookie keys, but for a purpose of its own: a build without the feature takes it for nobody's, in cookies
/// and in stores. The same holds for a project JWT of the kit. A build with the feature writes a warning to the log
/// when the engine is made.
#[derive(Clone)]
pub struct TestUser {
    subject: String,
    issuer: Option<String>,
    claims: Map<String, Value>,
    logged_in_ago: Duration,
    is_expired: bool,
    asked_for: AskedFor,
    app: AppValues,
    access_token: String,
    scope: Option<String>,
}

impl TestUser {
    /// Makes a person with this id at the provider: the `sub` claim.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            issuer: None,
            claims: Map::new(),
            logged_in_ago: Duration::ZERO,
            is_expired: false,
            asked_for: AskedFor::default(),
            app: AppValues::default(),
            access_token: "access-token-of-a-test".to_owned(),
            scope: None,
        }
    }

    /// Sets a claim of the ID token, such as `roles`, `name` or `sid`. A later value replaces an earlier one, and
    /// `null` leaves the claim out.
    ///
    /// `iss`, `sub`, `aud`, `iat` and `exp` are the kit's own: what is set for them here has no effect.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Sets the e-mail address, as one that the provider has confirmed: the claims `email` and `email_verified`.
    #[must_use]
    pub fn email(self, address: impl Into<String>) -> Self {
        let address: String = address.into();
        self.claim("email", address).claim("email_verified", true)
    }

    /// Sets the class of the login: the claim `acr`, as [`Requirement::acr`](crate::app::access::Requirement::acr) asks
    /// for it.
    #[must_use]
    pub fn acr(self, class: impl Into<String>) -> Self {
        let class: String = class.into();
        self.claim("acr", class)
    }

    /// Sets by which means the person logged in: the claim `amr`.
    #[must_use]
    pub fn amr<M: Into<String>>(self, means: impl IntoIterator<Item = M>) -> Self {
        let means: Vec<String> = means.into_iter().map(Into::into).collect();
        self.claim("amr", means)
    }

    /// Sets how long ago the person logged in: when the session began, and the claim `auth_time`. By default they log
    /// in now.
    ///
    /// The person has been active since then. A session that is older than
    /// [`Config::session_absolute_timeout`](crate::Config::session_absolute_timeout) has ended.
    #[must_use]
    pub fn logged_in_ago(mut self, time: Duration) -> Self {
        self.logged_in_ago = time;
        self
    }

    /// Makes a session that has ended, at its absolute deadline: its cookie is nobody's.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.is_expired = true;
        self
    }

    /// Sets who says all this: the `iss` claim. By default it is the app's [`Config::issuer`](crate::Config::issuer).
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the access token that [`Visit::tokens`](crate::Visit::tokens) returns. It does not expire, and there is no
    /// refresh token.
    #[must_use]
    pub fn access_token(mut self, token: impl Into<String>) -> Self {
        self.access_token = token.into();
        self
    }

    /// Puts a value of the app's own into the session, as `login.set` of the hook does: a person who has chosen
    /// something before the test begins.
    ///
    /// ```
    /// use miracl_core::app::session::AppData;
    /// use miracl_core::app::testing::TestUser;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Colour(String);
    ///
    /// impl AppData for Colour {
    ///     const NAME: &'static str = "colour";
    /// }
    ///
    /// let alice = TestUser::new("alice").set(&Colour("red".to_owned()));
    /// ```
    ///
    /// # Panics
    ///
    /// When the value cannot be kept: it is no JSON, or has more than 64 KiB.
    #[must_use]
    #[track_caller]
    pub fn set<T: AppData>(mut self, value: &T) -> Self {
        if let Err(error) = self.app.set(value) {
            panic!("the test user cannot keep the value: {error}");
        }
        self
    }

    /// Sets the granted scopes, separated by spaces. By default the provider has not named them, so that they are those
    /// of [`Config::scopes`](crate::Config::scopes).
    #[must_use]
    pub fn scope(mut self, scopes: impl Into<String>) -> Self {
        self.scope = Some(scopes.into());
        self
    }

    /// Begins a session of this person, and returns the `Cookie` header of a browser that has it. Each call begins
    /// another session. The app is a `Miracl` or an adapter's `MiraclAuth`.
    ///
    /// No request goes to the provider. The app's own hook `on_auth_success` does not run, because there is no login.
    ///
    /// # Errors
    ///
    /// [`SessionError::TooLarge`] when the claims do not fit into cookies, as at a login, and what the app's own store
    /// or source of credentials fails with.
    pub async fn log_in(&self, app: impl AsRef<Miracl>) -> Result<String, SessionError> {
        self.begin(app.as_ref()).await
    }

    /// Does what [`log_in`](Self::log_in) does without a runtime, for sessions in cookies and in memory. It is for
    /// tests that are not `async`, such as those with Rocket's blocking client.
    ///
    /// # Panics
    ///
    /// Where `log_in` fails, and where the app's store or source of credentials has to wait for something, as Redis
    /// does.
    #[track_caller]
    pub fn log_in_now(&self, app: impl AsRef<Miracl>) -> String {
        let log_in = pin!(self.begin(app.as_ref()));
        match log_in.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(cookie)) => cookie,
            Poll::Ready(Err(error)) => panic!("the test user cannot log in: {error}"),
            Poll::Pending => panic!(
                "the app's session store or its source of credentials has to wait: await `log_in` in a runtime"
            ),
        }
    }

    /// Makes the user that handlers and hooks see, for a unit test that calls a function of the app directly. There is
    /// no session behind it.
    ///
    /// An adapter's extractor holds it: `User(TestUser::new("alice").user())`. Its issuer is `https://issuer.example`
    /// unless [`issuer`](Self::issuer) says otherwise.
    ///
    /// ```
    /// use miracl_core::app::testing::TestUser;
    /// use miracl_core::User;
    ///
    /// fn greeting(user: &User) -> String {
    ///     format!("Hello, {}.", user.email().unwrap_or(user.id()))
    /// }
    ///
    /// let alice = TestUser::new("alice").email("alice@example.com").user();
    /// assert_eq!(greeting(&alice), "Hello, alice@example.com.");
    /// ```
    pub fn user(&self) -> User {
        self.without_session().0
    }

    /// Makes what the provider says about the person, for a unit test of a function that takes it.
    ///
    /// ```
    /// use miracl_core::app::testing::TestUser;
    ///
    /// let data = TestUser::new("alice").claim("roles", ["admin"]).user_data();
    /// assert_eq!(data.get("roles"), Some(&serde_json::json!(["admin"])));
    /// ```
    pub fn user_data(&self) -> UserData {
        self.without_session().1
    }

    /// Makes the value of the `Authorization` header of a caller who has a project JWT: `Bearer` and the JWT. It is for
    /// routes with `ProjectUser`. The app is a `Miracl` or an adapter's `MiraclAuth`.
    ///
    /// Nothing is asked of the platform. The claims are those of the person, and `scope` is one where
    /// [`scope`](Self::scope) has set it. The JWT is issued now, or more than 60 seconds ago where it is
    /// [`expired`](Self::expired). All checks of its claims are made but that of `aud`. Each call makes another JWT,
    /// which counts as often as [`Config::project_jwt_use`](crate::Config::project_jwt_use) says: by default once.
    ///
    /// It is sealed with the app's cookie keys, for a purpose of its own: a build without the feature takes it for no
    /// JWT. It begins no session at [`Paths::login_jwt`](crate::app::config::Paths::login_jwt), in no build.
    ///
    /// ```
    /// use miracl_core::app::testing::TestUser;
    /// # use miracl_core::{Config, CookieKey, Miracl};
    /// # fn test(miracl: &Miracl) {
    /// let authorization = TestUser::new("alice").claim("roles", ["seller"]).project_jwt(miracl);
    /// assert!(authorization.starts_with("Bearer "));
    /// # }
    /// ```
    pub fn project_jwt(&self, app: impl AsRef<Miracl>) -> String {
        let engine = app.as_ref().engine();
        let issuer = self.issuer.as_deref().unwrap_or(&engine.config.issuer);
        let claims = self.project_claims(engine.now(), issuer);
        format!("Bearer {}", project_user::sealed(engine, &claims))
    }

    /// Makes the caller that handlers of routes with project JWTs see, for a unit test that calls a function of the app
    /// directly.
    ///
    /// An adapter's extractor holds it: `ProjectUser(TestUser::new("alice").project_user())`. Its issuer is
    /// `https://issuer.example` unless [`issuer`](Self::issuer) says otherwise.
    ///
    /// ```
    /// use miracl_core::app::testing::TestUser;
    ///
    /// let alice = TestUser::new("alice").claim("roles", ["seller"]).project_user();
    /// assert_eq!((alice.id(), &alice.claims()["roles"][0]), ("alice", &"seller".into()));
    /// ```
    pub fn project_user(&self) -> ProjectUser {
        let issuer = self.issuer.as_deref().unwrap_or(ISSUER);
        let claims = self.project_claims(Clock::default().now(), issuer);
        ProjectUser::new(self.subject.clone(), issuer.to_owned(), claims)
    }

    /// The claims of a project JWT of this person.
    fn project_claims(&self, now: u64, issuer: &str) -> Map<String, Value> {
        let issued_at = match self.is_expired {
            true => now.saturating_sub(2 * PROJECT_JWT_LIFE),
            false => now,
        };
        let logged_in_at = issued_at.saturating_sub(self.logged_in_ago.as_secs());
        let mut claims = self.claims.clone();
        claims
            .entry("auth_time")
            .or_insert_with(|| logged_in_at.into());
        if let Some(scope) = &self.scope {
            claims.insert("scope".to_owned(), scope.as_str().into());
        }
        claims.insert("iss".to_owned(), issuer.into());
        claims.insert("sub".to_owned(), self.subject.as_str().into());
        claims.insert("aud".to_owned(), "project-of-a-test".into());
        claims.insert("iat".to_owned(), issued_at.into());
        let ends = issued_at.saturating_add(PROJECT_JWT_LIFE);
        claims.insert("exp".to_owned(), ends.into());
        claims.retain(|_, value| !value.is_null());
        claims
    }

    fn without_session(&self) -> (User, UserData) {
        let clock = Clock::default();
        let issuer = self.issuer.as_deref().unwrap_or(ISSUER);
        let proposal = self.proposal(clock.now_ms(), issuer, "client", self.logged_in_ago);
        proposal.person(&Config::default(), clock.now())
    }

    /// Begins the session as a login does that passed every check, and whose hook has agreed.
    async fn begin(&self, miracl: &Miracl) -> Result<String, SessionError> {
        let engine = miracl.engine();
        let client = &engine.provider().client;
        let client_id = client.id().await.map_err(SessionError::Credentials)?;
        let issuer = self.issuer.as_deref().unwrap_or(&engine.config.issuer);
        let age = match self.is_expired {
            true => Duration::from_secs(engine.sessions.timeouts.absolute),
            false => self.logged_in_ago,
        };
        let proposal = self.proposal(engine.now_ms(), issuer, client_id, age);
        let (user, _) = proposal.person(&engine.config, engine.now());
        let session = Session {
            id: test_kit::new_id(),
            ..(*user.0).clone()
        };
        if let Some(sid) = session.marked_by.sid {
            let noted = engine.sessions.marks.has_session(sid).await;
            noted.map_err(SessionError::Store)?;
        }
        let exchange = Exchange::new(Arc::clone(engine), &NoRequest);
        let data = proposal.data(&exchange).with_app(self.app.clone());
        let data = Arc::new(data);
        let (current, cookies) = exchange.keep_new(Arc::new(session), data).await?;
        match engine.sessions.time_left(&current.session).is_zero() {
            // A store has no session whose time has passed.
            true => exchange.delete_stored(current.session.id).await?,
            false => exchange.confirm_stored(&current).await?,
        }
        Ok(header(&cookies))
    }

    /// What a login of this person would have brought.
    fn proposal(&self, now_ms: u64, issuer: &str, client_id: &str, age: Duration) -> Proposal {
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let asked_ms = now_ms.saturating_sub(age_ms);
        let issued_at = asked_ms / 1000;
        let mut claims = self.claims.clone();
        claims
            .entry("auth_time")
            .or_insert_with(|| issued_at.into());
        claims.insert("iss".to_owned(), issuer.into());
        claims.insert("sub".to_owned(), self.subject.as_str().into());
        claims.insert("aud".to_owned(), client_id.into());
        claims.insert("iat".to_owned(), issued_at.into());
        claims.insert("exp".to_owned(), issued_at.saturating_add(300).into());
        claims.retain(|_, value| !value.is_null());
        let sid = claims.get("sid").and_then(Value::as_str);
        Proposal {
            asked_ms,
            issuer: issuer.to_owned(),
            subject: self.subject.clone(),
            issued_at,
            marked_by: MarkedBy::new(issuer, &self.subject, sid),
            tokens: Tokens {
                access_token: self.access_token.as_str().into(),
                id_token: unsigned(&claims).into(),
                refresh_token: None,
                expires_at: None,
                renew_at: None,
                scope: self.scope.clone(),
            },
            claims,
            userinfo: Map::new(),
            asked_for: self.asked_for.clone(),
            remember: None,
        }
    }
}

impl fmt::Debug for TestUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.claims.keys().collect();
        f.debug_struct("TestUser")
            .field("claims", &names)
            .finish_non_exhaustive()
    }
}

/// An ID token with these claims and without a signature: nothing checks it again.
fn unsigned(claims: &Map<String, Value>) -> String {
    let encode = |part: &Value| BASE64.encode_to_string(part.to_string());
    let claims = Value::Object(claims.clone());
    format!(
        "{}.{}.",
        encode(&json!({ "alg": "none", "typ": "JWT" })),
        encode(&claims)
    )
}

/// The header by which a browser sends these cookies.
fn header(cookies: &[SetCookie]) -> String {
    let pair = |cookie: &'_ SetCookie| cookie.line[..cookie.len].to_owned();
    let pairs: Vec<String> = cookies.iter().map(pair).collect();
    pairs.join("; ")
}

/// The request of nobody, in whose place a session begins.
struct NoRequest;

impl RequestView for NoRequest {
    fn method(&self) -> &str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        "/".into()
    }

    fn host(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, _: &'a str) -> impl Iterator<Item = &'a [u8]> {
        std::iter::empty()
    }
}

#[cfg(test)]
mod tests;
