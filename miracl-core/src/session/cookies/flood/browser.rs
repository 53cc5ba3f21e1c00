//! Browsers that are logged in, one for each way in which cookies are read.

use crate::{
    Category, Config, LazyVisit, LoginOptions, MemoryStore, Miracl, RequestView, ResponseMode,
    SessionStorage, Visit,
    flow::callback::tests::{HOST, Login, begin_with, cookies as header_of, request},
    probes::provider::Provider,
    web::request::tests::Request,
};

pub(super) const IN_COOKIES: &str = "in cookies";
const IN_MEMORY: &str = "in memory";
pub(super) const BY_FORM: &str = "in cookies, by form";

/// A browser that is logged in.
pub(super) struct Browser {
    pub(super) login: Login,
    /// The cookies of its session.
    pub(super) session: String,
    /// A message, and a login under way that its provider has approved.
    pub(super) others: String,
}

impl Browser {
    pub(super) async fn new(change: impl FnOnce(&mut Config)) -> Self {
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
    pub(super) async fn again(&mut self) {
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

    pub(super) fn visit(&self, cookies: &str) -> Visit {
        self.login.miracl.visit(&request("/", cookies))
    }

    /// The value of the first cookie whose name has this in it; nothing where sessions are elsewhere.
    pub(super) fn value(&self, name: &str) -> &str {
        let mut pairs = self.session.split("; ").chain(self.others.split("; "));
        let found = pairs.find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap();
            found.contains(name).then_some(value)
        });
        found.unwrap_or_default()
    }
}

/// One browser for each way in which cookies are read.
pub(super) async fn browsers() -> Vec<(&'static str, Browser)> {
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

/// What an adapter's layer leaves in this request.
pub(super) fn lazy(miracl: &Miracl, request: &Request) -> LazyVisit<Vec<u8>> {
    let cookies = request.cookie_headers().map(<[u8]>::to_vec);
    LazyVisit::new(miracl.clone(), cookies)
}
