//! An engine without a framework, and logins at a local platform that has threads of its own.

use std::{borrow::Cow, time::Duration};

use miracl_core::{AuthSuccess, Config, CookieKey, Miracl, RequestView, SigningAlgorithm, Visit};
use miracl_platform::{Client, Platform, PlatformConfig};
use tokio::runtime::Runtime;

use crate::cpu;

pub(crate) const CLIENT_ID: &str = "bench";
const SECRET: &str = "a secret of the bench";
const ORIGIN: &str = "http://127.0.0.1:1";
const EMAIL: &str = "bob@example.com";
const PIN: &str = "2468";

/// The app.
pub(crate) struct App {
    pub(crate) miracl: Miracl,
    pub(crate) platform: Platform,
    /// The runtime of the platform.
    others: Runtime,
    /// The runtime of the engine, on the calling thread.
    own: Runtime,
}

/// A login that succeeded.
pub(crate) struct LoggedIn {
    pub(crate) login: AuthSuccess,
    /// The `Cookie` header that it leaves.
    pub(crate) cookies: String,
    /// The engine's CPU time: for the callback until the app is asked, and for the session afterwards.
    pub(crate) callback: Duration,
    pub(crate) confirm: Duration,
}

impl App {
    /// Starts both. The provider signs with this algorithm.
    pub(crate) fn start(algorithm: SigningAlgorithm) -> Self {
        let others = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let own = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut client = Client::new(CLIENT_ID, SECRET, format!("{ORIGIN}/login"));
        let signs = miracl_platform::SigningAlgorithm::ALL.iter();
        let signs = signs
            .copied()
            .find(|known| known.as_str() == algorithm.name());
        client.id_token_signed_response_alg = signs.expect("an algorithm that the platform knows");
        let config = PlatformConfig {
            clients: vec![client],
            ..PlatformConfig::default()
        };
        let platform = others
            .block_on(Platform::start(config))
            .expect("a platform");
        platform.register_identity(EMAIL, PIN).expect("a person");
        let miracl = Miracl::new(Config {
            issuer: platform.issuer().into(),
            client_id: CLIENT_ID.into(),
            client_secret: SECRET.into(),
            redirect_uri: format!("{ORIGIN}/login"),
            cookie_keys: vec![CookieKey::generate()],
            id_token_signed_response_alg: Some(algorithm),
            ..Config::default()
        });
        Self {
            miracl: miracl.expect("a good configuration"),
            platform,
            others,
            own,
        }
    }

    /// Logs the one person in.
    pub(crate) fn log_in(&self) -> LoggedIn {
        let visit = self.visit("/login/start", "");
        let url = self.own.block_on(visit.login_url()).expect("a login");
        let pending = cookies(&visit);
        let callback = self.platform.log_in(&url, EMAIL, PIN);
        let callback = self.others.block_on(callback).expect("a callback");
        let target = callback.strip_prefix(ORIGIN).expect("a path of the app's");
        let query = target.split_once('?').map_or("", |(_, query)| query);

        let began = cpu::used();
        let visit = self.visit(target, &pending);
        let login = self.own.block_on(visit.complete_login(query));
        let completed = cpu::used();
        let login = login.expect("a login that ends well");
        self.own.block_on(visit.confirm_login()).expect("a session");
        let cookies = cookies(&visit);
        let confirmed = cpu::used();
        LoggedIn {
            login,
            cookies,
            callback: completed - began,
            confirm: confirmed - completed,
        }
    }

    /// Logs the one person in for a JWT of the project, and has the engine check it once, which fetches the keys.
    pub(crate) fn project_jwt(&self) -> String {
        let client = self.platform.mpin_client();
        let jwt = self.others.block_on(async {
            let body = serde_json::json!({ "userId": EMAIL, "deviceName": "Bench" });
            let begun = client.call_as_app(CLIENT_ID, SECRET, "/activate/initiate", &body);
            let begun = begun.await.expect("a registration");
            let token = begun["actToken"].as_str().expect("a token");
            let device = client.register(EMAIL, token, PIN).await;
            let mut device = device.expect("a device");
            let login = client.log_in(&mut device, PIN, "jwt", None).await;
            let login = login.expect("a login");
            login["jwt"].as_str().expect("a JWT").to_owned()
        });
        let user = self.own.block_on(self.miracl.verify_project_jwt(&jwt));
        assert_eq!(user.expect("a good JWT").id(), EMAIL);
        jwt
    }

    fn visit(&self, target: &str, cookies: &str) -> Visit {
        self.miracl.visit(&Get::with_cookies(target, cookies))
    }
}

/// The `Cookie` header of a browser that has received this answer and nothing before.
fn cookies(visit: &Visit) -> String {
    let set = visit.finish().set_cookies;
    let pairs = set.iter().filter(|line| !line.contains("Max-Age=0"));
    let pairs: Vec<&str> = pairs.filter_map(|line| line.split(';').next()).collect();
    pairs.join("; ")
}

/// A request.
pub(crate) struct Get {
    target: String,
    cookies: String,
}

impl Get {
    pub(crate) fn with_cookies(target: &str, cookies: &str) -> Self {
        Self {
            target: target.to_owned(),
            cookies: cookies.to_owned(),
        }
    }
}

impl RequestView for Get {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.target)
    }

    fn host(&self) -> Option<&str> {
        ORIGIN.strip_prefix("http://")
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let cookies = (name == "cookie" && !self.cookies.is_empty()).then_some(&self.cookies);
        cookies.into_iter().map(|cookies| cookies.as_bytes())
    }
}
