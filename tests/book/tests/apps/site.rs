//! A running app of the book, a platform that it is a client of, and a browser.

use std::{collections::BTreeMap, fmt::Debug, net::Ipv4Addr};

use actix_web::{App, HttpServer, web::ServiceConfig};
use axum::Router;
use miracl_actix::MiraclAuth;
use miracl_axum::{Config, config::CookieKey};
use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{Answer, Browser};
use rocket::{Build, Rocket};
use tokio::net::TcpListener;

/// Who logs in.
pub(crate) const EMAIL: &str = "alice@example.com";

/// Her PIN.
const PIN: &str = "1234";

/// What the app is at the platform.
pub(crate) const CLIENT: (&str, &str) = ("app", "secret-of-the-app");

/// An app that runs, and a browser in front of it.
pub(crate) struct Site {
    pub(crate) platform: Platform,
    pub(crate) browser: Browser,
    origin: String,
}

/// A place for an app: a port that it will listen on, and a platform that knows it.
pub(crate) struct Place {
    pub(crate) platform: Platform,
    listener: TcpListener,
    origin: String,
}

impl Place {
    /// Takes a free port, and registers an app there. `public_path` is in front of its paths, as browsers see them.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        Self::at(listener, format!("http://{address}")).await
    }

    /// The same, with a person whom the platform puts into a group.
    pub(crate) async fn with_group(group: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let groups = BTreeMap::from([(EMAIL.to_owned(), vec![group.to_owned()])]);
        Self::made(listener, format!("http://{address}"), groups).await
    }

    /// The same, for an app that browsers find at another address than its own.
    pub(crate) async fn at(listener: TcpListener, origin: String) -> Self {
        Self::made(listener, origin, BTreeMap::new()).await
    }

    async fn made(
        listener: TcpListener,
        origin: String,
        groups: BTreeMap<String, Vec<String>>,
    ) -> Self {
        let (id, secret) = CLIENT;
        let mut client = Client::new(id, secret, Config::redirect_uri_for(&origin));
        client.backchannel_logout_uri = Some(format!("{origin}/backchannel-logout"));
        client.post_logout_redirect_uris = vec![format!("{origin}/signed-out")];
        let platform = Platform::start(PlatformConfig {
            clients: vec![client],
            groups,
            ..PlatformConfig::default()
        });
        let platform = platform.await.expect("the platform starts");
        platform
            .register_identity(EMAIL, PIN)
            .expect("a person with a PIN");
        Self {
            platform,
            listener,
            origin,
        }
    }

    /// The settings of the app.
    pub(crate) fn config(&self) -> Config {
        let (id, secret) = CLIENT;
        Config {
            issuer: self.platform.issuer().to_owned(),
            client_id: id.to_owned(),
            client_secret: secret.into(),
            redirect_uri: Config::redirect_uri_for(&self.origin),
            post_logout_redirect_uri: Some(format!("{}/signed-out", self.origin)),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        }
    }

    /// Serves an app of axum.
    pub(crate) fn axum<E: Debug>(self, app: impl FnOnce(Config) -> Result<Router, E>) -> Site {
        let app = app(self.config()).expect("complete settings");
        self.served_by(|listener| {
            tokio::spawn(async move { axum::serve(listener, app).await });
        })
    }

    /// Serves an app by a function of its page.
    pub(crate) fn served_by(self, serve: impl FnOnce(TcpListener)) -> Site {
        serve(self.listener);
        Site {
            platform: self.platform,
            browser: Browser::new(),
            origin: self.origin,
        }
    }

    /// Serves an app of actix-web, on a thread with a runtime of its own.
    pub(crate) fn actix(
        self,
        auth: MiraclAuth,
        routes: impl Fn(&mut ServiceConfig, &MiraclAuth) + Clone + Send + 'static,
    ) -> Site {
        self.served_by(|listener| {
            let listener = listener.into_std().expect("a socket");
            std::thread::spawn(move || {
                let app = move || {
                    let routes = routes.clone();
                    App::new()
                        .configure(|app| routes(app, &auth))
                        .wrap(auth.layer())
                };
                let server = HttpServer::new(app).workers(1).disable_signals();
                let server = server.listen(listener).expect("a socket").run();
                actix_web::rt::System::new().block_on(server)
            });
        })
    }

    /// Serves an app of Rocket, which takes no socket but opens its own.
    pub(crate) async fn rocket<E: Debug>(self, app: Result<Rocket<Build>, E>) -> Site {
        let port = self.listener.local_addr().expect("a bound socket").port();
        let settings = rocket::Config::figment()
            .merge(("port", port))
            .merge(("log_level", "off"));
        let app = app.expect("complete settings").configure(settings);
        let (launched, launch) = tokio::sync::oneshot::channel();
        let launched = std::sync::Mutex::new(Some(launched));
        let app = app.attach(rocket::fairing::AdHoc::on_liftoff("Tell", move |_| {
            let launched = launched
                .lock()
                .ok()
                .and_then(|mut launched| launched.take());
            Box::pin(async move {
                let _ = launched.map(|launched| launched.send(()));
            })
        }));
        let site = self.served_by(drop);
        tokio::spawn(app.launch());
        launch.await.expect("Rocket launches");
        site
    }
}

impl Site {
    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Opens a page as a person does.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        self.browser.open(self.url(path)).await
    }

    /// Asks as a script of a page does.
    pub(crate) async fn fetch(&self, path: &str) -> Answer {
        self.browser.fetch(self.url(path)).await
    }

    /// Sends a form of a page.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.browser.post(self.url(path), form).await
    }

    /// Opens a page that leads to the platform, and returns the address there.
    pub(crate) async fn leave_for_login(&self, path: &str) -> String {
        let mut answer = self.open(path).await;
        loop {
            let to = answer.location();
            let to = to.unwrap_or_else(|| panic!("{path} leads to no login: {answer:?}"));
            if !to.as_str().starts_with(&self.origin) {
                return to.into();
            }
            answer = self.browser.step(&answer).await;
        }
    }

    /// Opens a page that needs a login, logs Alice in, and returns what she sees in the end.
    pub(crate) async fn log_in(&self, path: &str) -> Answer {
        let away = self.leave_for_login(path).await;
        let callback = self.platform.log_in(&away, EMAIL, PIN).await;
        self.browser.visit(callback.expect("a login")).await
    }

    /// Presses the button that logs out.
    pub(crate) async fn log_out(&self) {
        let answer = self.post("/logout", &[]).await.expect(303);
        let to = answer.location().expect("a way on");
        assert!(to.as_str().starts_with(self.platform.issuer()), "{to}");
    }

    /// Logs in from this page, and out. Before and after it, a script gets a 401.
    pub(crate) async fn assert_in_and_out(&self, path: &str, page: &str) {
        self.fetch(path).await.expect(401);
        let seen = self.log_in(path).await.expect(200);
        assert_eq!((seen.url.path(), seen.body.as_str()), (path, page));
        self.log_out().await;
        self.fetch(path).await.expect(401);
    }
}
