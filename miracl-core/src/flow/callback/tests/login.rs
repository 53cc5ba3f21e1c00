//! A browser on its way through one login, at a provider that says what a test tells it to.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{
    Clock, Config, CookieKey, FailureReason, LoginOptions, Miracl, Visit,
    probes::provider::Provider, web::request::tests::Request,
};

pub(crate) const HOST: &str = "127.0.0.1:5000";

/// A browser on its way through one login.
pub(crate) struct Login {
    pub(crate) provider: Provider,
    pub(crate) miracl: Miracl,
    ahead: Arc<Mutex<Duration>>,
    /// The `Cookie` header.
    pub(crate) cookies: String,
    /// What the provider would send the browser back with.
    pub(crate) query: String,
    nonce: String,
}

/// The `Cookie` header after a response to a browser without any.
pub(crate) fn cookies(visit: &Visit) -> String {
    let set = visit.finish().set_cookies;
    let pairs: Vec<&str> = set
        .iter()
        .filter_map(|line| line.split(';').next())
        .collect();
    pairs.join("; ")
}

pub(crate) fn request(path: &str, cookies: &str) -> Request {
    Request::get(path)
        .with("host", HOST)
        .with("cookie", cookies)
}

/// Begins a login whose clock stands still until it is moved.
pub(crate) async fn begin_with(
    provider: Provider,
    options: LoginOptions,
    change: impl FnOnce(&mut Config),
) -> Login {
    let ahead = Arc::<Mutex<Duration>>::default();
    let (now, passed) = (SystemTime::now(), ahead.clone());
    let mut config = Config {
        issuer: provider.issuer.clone(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        redirect_uri: format!("http://{HOST}/login"),
        cookie_keys: vec![CookieKey::generate()],
        clock: Clock::from_fn(move || now + *passed.lock().unwrap()),
        ..Config::default()
    };
    change(&mut config);
    let mut login = Login {
        miracl: Miracl::new(config).unwrap(),
        provider,
        ahead,
        cookies: String::new(),
        query: String::new(),
        nonce: String::new(),
    };
    login.another(options).await;
    let userinfo = json!({ "sub": "alice", "email": "alice@example.com" });
    login.provider.say("/userinfo", &userinfo.to_string());
    login
}

pub(crate) async fn begin() -> Login {
    begin_with(Provider::start().await, LoginOptions::default(), |_| {}).await
}

impl Login {
    /// Begins another login at the same app, in a browser without cookies.
    pub(crate) async fn another(&mut self, options: LoginOptions) {
        let visit = self.miracl.visit(&request("/login/start", ""));
        let url = visit.login_url_with(options).await.unwrap();
        let url = Url::parse(&url).unwrap();
        let parameter = |name: &str| {
            let found = url.query_pairs().find(|(found, _)| found == name);
            found.unwrap().1.into_owned()
        };
        self.query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", "a-code")
            .append_pair("state", &parameter("state"))
            .append_pair("iss", &self.provider.issuer)
            .finish();
        self.nonce = parameter("nonce");
        self.cookies = cookies(&visit);
        self.grant(&json!({}));
    }

    pub(crate) fn now(&self) -> u64 {
        self.miracl.engine().now()
    }

    pub(crate) fn wait(&self, time: Duration) {
        *self.ahead.lock().unwrap() += time;
    }

    /// Has the provider give tokens for the code, with these claims changed in the ID token.
    pub(crate) fn grant(&self, changes: &Value) {
        self.grant_with(changes, &json!({}));
    }

    /// The same, with more in the token response.
    pub(crate) fn grant_with(&self, changes: &Value, more: &Value) {
        let mut claims = json!({
            "iss": self.provider.issuer,
            "sub": "alice",
            "aud": "client",
            "iat": self.now(),
            "exp": self.now() + 3600,
            "nonce": self.nonce,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut tokens = json!({
            "access_token": "an-access-token",
            "token_type": "Bearer",
            "id_token": self.provider.signer.token(&claims),
        });
        for (name, value) in more.as_object().unwrap() {
            tokens[name] = value.clone();
        }
        self.provider.say("/token", &tokens.to_string());
    }

    /// The query with one parameter set, or taken away.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (found, value) in form_urlencoded::parse(self.query.as_bytes()) {
            if found != name {
                query.append_pair(&found, &value);
            }
        }
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        query.finish()
    }

    /// The request that the provider would send the browser back with.
    pub(crate) fn callback(&self) -> Request {
        request(&format!("/login?{}", self.query), &self.cookies)
    }

    pub(crate) fn visit(&self) -> Visit {
        self.miracl.visit(&request("/login", &self.cookies))
    }

    /// The failure of a callback with this query, which must be asked nothing of the provider's.
    pub(crate) async fn refused(&self, query: &str) -> FailureReason {
        let visit = self.visit();
        let failure = visit.complete_login(query).await.unwrap_err();
        assert_eq!(self.provider.asked("/token").len(), 0, "{query}");
        assert!(!visit.is_authenticated().await.unwrap());
        failure.reason().clone()
    }

    /// The failure of a login whose callback is right.
    pub(crate) async fn fails(&self) -> FailureReason {
        let failure = self.visit().complete_login(&self.query).await.unwrap_err();
        failure.reason().clone()
    }
}
