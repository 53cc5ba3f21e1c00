//! Requirements: the vocabulary.

use std::{borrow::Cow, fmt, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    access::{
        claim::{Claim, ClaimValue, Test},
        request::{AccessRequest, BoxError},
        step_up::Acr,
    },
    session::answers::Asked,
};

pub(crate) type Decided = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send>>;

/// The app's own decision.
#[derive(Clone)]
pub(crate) struct Decide {
    pub(crate) id: Asked,
    pub(crate) ask: Arc<dyn Fn(AccessRequest) -> Decided + Send + Sync>,
}

/// What a request must have: somebody who is logged in, and what is required of them.
///
/// Every requirement includes [`logged_in`](Self::logged_in). Where nobody is, the answer is that of
/// [`Miracl::challenge`](crate::Miracl::challenge). For somebody who is logged in there are four outcomes:
///
/// | outcome | page | `fetch`, API |
/// |---|---|---|
/// | met | the request goes on | the request goes on |
/// | denied: a claim, a scope or the app itself says no | 403, a page | 403 `application/problem+json` |
/// | a stronger or newer login would do | 303 with `max_age` and `acr_values`, and back | 401, `login_url` |
/// | it cannot be told: the session cannot be read, or the app's decision failed | 503, a page | 503 |
///
/// A caller with a project JWT is compared with the same requirements, by the claims of the JWT:
/// [`Visit::authorized_project_user`](crate::Visit::authorized_project_user) says what each of them means there, and
/// what is answered.
///
/// Of several requirements that must all be met, a denial counts first: nobody logs in again for a page that they may
/// not see anyway.
///
/// ```
/// use std::time::Duration;
///
/// use miracl_core::app::access::Requirement;
///
/// let payments = Requirement::acr(["2fa", "pin"])
///     .and(Requirement::logged_in_within(Duration::from_secs(300)))
///     .and(Requirement::claim("roles").contains("admin").or(Requirement::scope("payments")));
/// ```
///
/// # Security
///
/// The claims are those of the session. What a visitor adds to an address or takes off it, such as `acr_values`, never
/// counts. `acr`, `auth_time` and `amr` count from the ID token of the login alone.
#[derive(Clone)]
pub struct Requirement {
    pub(crate) rule: Rule,
    /// The name of the policy that it belongs to, for the log.
    pub(crate) policy: Option<&'static str>,
}

#[derive(Clone)]
pub(crate) enum Rule {
    LoggedIn,
    EmailVerified,
    Claim(Claim),
    Scope(Cow<'static, str>),
    Acr(Vec<Acr>),
    Within(Duration),
    Decided(Decide),
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

impl Requirement {
    const fn new(rule: Rule) -> Self {
        Self { rule, policy: None }
    }

    /// Requires that somebody is logged in, and nothing else.
    pub const fn logged_in() -> Self {
        Self::new(Rule::LoggedIn)
    }

    /// Requires that the person's e-mail address is confirmed, as
    /// [`User::email_verified`](crate::User::email_verified) says.
    pub const fn email_verified() -> Self {
        Self::new(Rule::EmailVerified)
    }

    /// Begins a requirement on a claim of the ID token or of userinfo. If both have it, userinfo's counts, except for
    /// `acr`, `auth_time` and `amr`.
    ///
    /// A name that begins with `/` is a JSON pointer (RFC 6901) into claims that are objects: `/realm_access/roles`.
    ///
    /// A claim that [`Config::session_claims`](crate::Config::session_claims) names as quick is found in the small part
    /// of a session, any other in the large part, which is slower: the log says so once for each policy. A claim that
    /// sessions do not keep is a mistake of the app. The answer is 500, and the log names claim, policy and setting.
    pub fn claim(name: impl Into<Cow<'static, str>>) -> ClaimTest {
        ClaimTest::new(name.into())
    }

    /// Requires one scope among those that the provider granted at the login. A provider that names none has granted
    /// those that were asked for (RFC 6749 §5.1).
    pub fn scope(scope: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Rule::Scope(scope.into()))
    }

    /// Requires that the person logged in by one of these authentication context classes: the `acr` claim (OpenID
    /// Connect Core 1.0 §2). Otherwise they are sent to log in again with these `acr_values`.
    ///
    /// A class has no spaces in it. All of them together, separated by spaces, may have 512 bytes.
    pub fn acr<T: Into<Cow<'static, str>>>(any_of: impl IntoIterator<Item = T>) -> Self {
        Self::new(Rule::Acr(any_of.into_iter().map(Into::into).collect()))
    }

    /// Requires that the person last proved who they are at most this long ago: the `auth_time` claim, with the
    /// tolerance of [`Config::clock_skew`](crate::Config::clock_skew), and of ten seconds at least. Otherwise they are
    /// sent to log in again with `max_age`. Parts of a second are dropped.
    ///
    /// A provider whose ID tokens have no `auth_time` cannot prove it: such a login fails, and its page says so. If it
    /// asks the person every time, [`Config::asks_every_time`](crate::Config::asks_every_time) makes the time of the
    /// login at this app count in its place.
    pub const fn logged_in_within(time: Duration) -> Self {
        Self::new(Rule::Within(time))
    }

    /// Requires that a function of the app's own returns `true`: its database may know more than the provider.
    ///
    /// It is asked only if the outcome still depends on it, and once for each request: a layer and an extractor share
    /// the answer, if it is the same function without captured values, or a clone of the same requirement. `Err` is
    /// answered with 503, never with access: the log has its text. [`AccessRequest::app`] gives it the app's own value.
    ///
    /// ```
    /// use miracl_core::app::access::{AccessRequest, BoxError, Requirement};
    ///
    /// # #[derive(Clone)] struct Database;
    /// # impl Database { async fn is_admin(&self, _: &str, _: &str) -> Result<bool, BoxError> { Ok(true) } }
    /// fn admins(database: Database) -> Requirement {
    ///     Requirement::decided_by(move |request: AccessRequest| {
    ///         let database = database.clone();
    ///         async move { database.is_admin(request.caller().issuer(), request.caller().id()).await }
    ///     })
    /// }
    /// ```
    pub fn decided_by<F, A>(decide: F) -> Self
    where
        F: Fn(AccessRequest) -> A + Send + Sync + 'static,
        A: Future<Output = Result<bool, BoxError>> + Send + 'static,
    {
        Self::new(Rule::Decided(Decide {
            id: Asked::new::<F>(),
            ask: Arc::new(move |request| Box::pin(decide(request))),
        }))
    }

    /// Requires all of these. Of none: that somebody is logged in.
    pub fn all(of: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Rule::All(of.into_iter().collect()))
    }

    /// Requires at least one of these. Of none: what nobody has.
    pub fn any(of: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Rule::Any(of.into_iter().collect()))
    }

    /// Requires both.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self::all([self, other.into()])
    }

    /// Requires at least one of the two.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        Self::any([self, other.into()])
    }
}

/// A claim whose test is still to be named. [`Requirement::claim`] makes one.
///
/// A claim that is absent, `null` or of another type passes no test.
#[derive(Clone, Debug)]
#[must_use = "it requires nothing until a test is named: `equals`, `contains` or `matches`"]
pub struct ClaimTest {
    name: Cow<'static, str>,
}

impl ClaimTest {
    pub(crate) fn new(name: Cow<'static, str>) -> Self {
        Self { name }
    }

    /// Requires that the claim is this value.
    ///
    /// ```
    /// # use miracl_core::app::access::Requirement;
    /// let staff = Requirement::claim("tenant").equals("example.org");
    /// ```
    pub fn equals(self, value: impl Into<ClaimValue>) -> Requirement {
        self.tested(Test::Equals(value.into()))
    }

    /// Requires that the claim is this value, or a list that has it. A text is never split: `"admin user"` is one
    /// value.
    ///
    /// ```
    /// # use miracl_core::app::access::Requirement;
    /// let admin = Requirement::claim("roles").contains("admin");
    /// // Keycloak keeps them inside of an object.
    /// let admin = Requirement::claim("/realm_access/roles").contains("admin");
    /// ```
    pub fn contains(self, value: impl Into<ClaimValue>) -> Requirement {
        self.tested(Test::Contains(value.into()))
    }

    /// Requires that this function returns `true` for the claim. It is not called where the claim is absent or `null`.
    ///
    /// ```
    /// # use miracl_core::app::access::Requirement;
    /// /// Some providers send roles as one text with spaces.
    /// let admin = Requirement::claim("roles").matches(|roles| {
    ///     roles.as_str().is_some_and(|roles| roles.split(' ').any(|role| role == "admin"))
    /// });
    /// ```
    pub fn matches(self, test: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Requirement {
        self.tested(Test::Matches(Arc::new(test)))
    }

    fn tested(self, test: Test) -> Requirement {
        Requirement::new(Rule::Claim(Claim {
            name: self.name,
            test,
        }))
    }
}

/// Shows what is required, without the values.
impl fmt::Debug for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, of: &[Self]| {
            f.write_str(word)?;
            f.debug_list().entries(of).finish()
        };
        match &self.rule {
            Rule::LoggedIn => f.write_str("logged in"),
            Rule::EmailVerified => f.write_str("email_verified"),
            Rule::Claim(claim) => claim.fmt(f),
            Rule::Scope(scope) => write!(f, "scope {scope}"),
            Rule::Acr(values) => write!(f, "acr {}", values.join(" ")),
            Rule::Within(time) => write!(f, "logged in within {} s", time.as_secs()),
            Rule::Decided(_) => f.write_str("the app's decision"),
            Rule::All(of) => list(f, "all", of),
            Rule::Any(of) => list(f, "any", of),
        }
    }
}
