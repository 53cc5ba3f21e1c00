//! What the probes share. A probe is a small app with what no demo should have: hooks that refuse, panic or never
//! end, routers in routers, and a handler that reads the body before it asks who is logged in.
//!
//! | route | |
//! |---|---|
//! | `GET /me` | `{"sub":"…"}`, for logged-in people |
//! | `GET /optional` | the id or `nobody` |
//! | `GET /nested/members`, `GET /nested/deep/members` | for logged-in people, by extractor, one and two routers deep |
//! | `GET /guarded/members` | the same by `login_required` around the inner router |
//! | `/guarded/any` | the same, for every method |
//! | `GET /lost/members` | by the `login_required` of [another login](other), whose layer is missing |
//! | `GET /other/start` and the like | the routes of that login |
//! | `GET /session`, `POST /session/refresh` | the engine's own, which show `name` and `roles` |
//! | `POST /form` | reads the body, then asks who is there: `id: body` |
//! | `GET /flashes` | the messages, one a line |
//! | `GET /watching/members` | for logged-in people, by `login_required_without_activity` |
//! | `GET /peek` | the id or `nobody`, by a visit without activity |
//! | `GET /private` | the id or `nobody`, with a `Cache-Control` of its own: [`PRIVATE`] |
//! | `GET /private/message` | the same, and leaves a message, which is a cookie |
//! | `GET /rights/admin` | the id, for [`Admin`]s, by extractor |
//! | `GET /rights/optional` | the id or `nobody`, by an optional extractor of [`Admin`]s |
//! | `/rights/strong` | for those who meet [`Strong`], by extractor, every method |
//! | `GET /rights/broken` | for those who meet [`Broken`], by extractor |
//! | `GET /rights/both` | asks for an [`Admin`] by an optional extractor, then for those who meet [`Broken`] |
//! | `GET /stream` | server-sent events, until the session ends: see [`stream`] |
//! | `GET /streams` | how many of them are open |
//! | `GET /asked/members` | how often the table was asked; for [`Listed`] people, by `require` and by extractor |
//! | `GET /data` | the session's notes, by extractor: see [`data`] |
//! | `POST /data/VERB/WORD` | changes the notes: see [`data::change`] |
//! | `/callers/admin`, `/callers/strong`, `/callers/broken` | as `/rights`, by the project JWT of the caller |
//! | `GET /callers/scoped`, `GET /callers/verified` | for callers with [`Scoped`] and [`Verified`] project JWTs |
//! | `GET /callers/optional` | the id or `nobody`, by an optional extractor of [`Admin`]s with a project JWT |
//! | `GET /callers/listed` | how often the table was asked; for [`Listed`] callers, by two extractors |
//! | `GET /called/members`, `/called/any` | for [`Admin`]s, by `require_project_user` around the inner router |
//! | `GET /admins/members`, `/admins/any` | for [`Admin`]s, by `require` around the inner router |
//!
//! The path that a login comes back to tells its hook what to do: see [`obey`].

pub mod data;
pub mod own;
pub mod stream;

use std::{
    error::Error,
    marker::PhantomData,
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use miracl_core::{
    AuthSuccess, Category, Config, CookieKey, Flash, Miracl, Paths, User, Visit,
    app::{
        access::{AccessRequest, BoxError, Policy, Requirement},
        event::AuthEvent,
    },
};
use tracing_subscriber::filter::LevelFilter;

/// The `Cache-Control` of a page that a browser may keep for the person who sees it.
pub const PRIVATE: &str = "private, max-age=60";

/// Somebody whose claim `roles` has `admin`.
#[derive(Debug)]
pub struct Admin;

impl Policy for Admin {
    fn requirement() -> Requirement {
        Requirement::claim("roles").contains("admin")
    }
}

/// An admin who has logged in by the class `strong` within five minutes.
#[derive(Debug)]
pub struct Strong;

impl Policy for Strong {
    fn requirement() -> Requirement {
        Requirement::acr(["strong", "stronger"])
            .and(Requirement::logged_in_within(Duration::from_secs(300)))
            .and(Admin)
    }
}

/// An admin with the scope `orders:write`.
#[derive(Debug)]
pub struct Scoped;

impl Policy for Scoped {
    fn requirement() -> Requirement {
        Requirement::scope("orders:write").and(Admin)
    }
}

/// Somebody whose e-mail address is confirmed.
#[derive(Debug)]
pub struct Verified;

impl Policy for Verified {
    fn requirement() -> Requirement {
        Requirement::email_verified()
    }
}

/// What the app cannot decide.
#[derive(Debug)]
pub struct Broken;

impl Policy for Broken {
    fn requirement() -> Requirement {
        Requirement::decided_by(async |_| Err("the table of rights is gone".into()))
    }
}

/// The app's own table of rights, which is part of its handler. Everybody is in it.
#[derive(Debug, Default)]
pub struct Table;

/// How often a table was asked.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// How often the table was asked by now.
pub fn asked() -> String {
    ASKED.load(Ordering::Relaxed).to_string()
}

/// Somebody whom the table of the handler `H` lists.
#[derive(Debug)]
pub struct Listed<H>(PhantomData<fn() -> H>);

impl<H: AsRef<Table> + Send + Sync + 'static> Policy for Listed<H> {
    fn requirement() -> Requirement {
        Requirement::decided_by(is_listed::<H>)
    }
}

async fn is_listed<H: AsRef<Table> + Send + Sync + 'static>(
    request: AccessRequest,
) -> Result<bool, BoxError> {
    let Table = request.app::<H>()?.as_ref();
    ASKED.fetch_add(1, Ordering::Relaxed);
    Ok(!request.caller().id().is_empty())
}

/// How long a slow hook takes.
const SLOW: Duration = Duration::from_secs(1);

/// A free port, and an engine for the app behind it.
///
/// # Errors
///
/// When the settings in the environment are wrong.
pub fn start() -> Result<(TcpListener, Miracl), Box<dyn Error>> {
    // Errors of an app must be found in its log. Some scenarios need more.
    let level = std::env::var("PROBE_LOG").ok();
    let level = level.map_or(Ok(LevelFilter::ERROR), |level| level.parse())?;
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let mut config = Config::from_env()?;
    if config.cookie_keys.is_empty() {
        config.cookie_keys.push(CookieKey::generate());
    }
    let miracl = Miracl::new(Config {
        redirect_uri: Config::redirect_uri_for(&format!("http://{}", listener.local_addr()?)),
        paths: Paths {
            session: Some("/session".to_owned()),
            session_refresh: Some("/session/refresh".to_owned()),
            ..Paths::default()
        },
        session_shows: vec!["name".to_owned(), "roles".to_owned()],
        ..config
    })?;
    Ok((listener, miracl))
}

/// A second engine, at the same provider, with paths and cookies of its own. Its layer is around nothing.
///
/// # Errors
///
/// When the settings in the environment are wrong.
pub fn other(miracl: &Miracl) -> Result<Miracl, Box<dyn Error>> {
    let config = miracl.config();
    let path = |name: &str| format!("/other/{name}");
    Ok(Miracl::new(Config {
        redirect_uri: config.redirect_uri.replace("/login", "/other/login"),
        paths: Paths {
            login_start: path("start"),
            login_initiate: path("initiate"),
            logout: path("logout"),
            backchannel_logout: path("backchannel-logout"),
            frontchannel_logout: path("frontchannel-logout"),
            ..Paths::default()
        },
        cookie_prefix: "other".to_owned(),
        ..config.clone()
    })?)
}

/// Tells the harness that the probe listens.
pub fn greet(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// Does in `on_auth_success` what the scenario asks for by the path that the login comes back to. `false` is a
/// veto.
///
/// # Panics
///
/// When the scenario asks for it.
pub async fn obey(visit: &Visit, login: &AuthSuccess) -> bool {
    let path = login.return_to();
    println!("the hook of {path} began");
    let mut guard = Guard {
        path,
        end: "was dropped",
    };
    match path {
        "/veto" => {
            visit.flash(Category::Danger, "Not you.");
            return false;
        }
        "/panic" => panic!("the hook panics, as asked for"),
        "/slow" => tokio::time::sleep(SLOW).await,
        "/never" => std::future::pending().await,
        _ => {}
    }
    if let Err(error) = data::keep(login) {
        println!("the hook keeps no data: {error}");
        return false;
    }
    guard.end = "ran to its end";
    true
}

/// Prints an event, with whom it is about, where the scenario has set `PROBE_EVENTS`. Below `/admins` it never ends.
pub async fn note(event: AuthEvent) {
    if std::env::var_os("PROBE_EVENTS").is_none() {
        return;
    }
    let (what, person) = match event {
        AuthEvent::LoggedIn { person, .. } => ("logged in".to_owned(), Some(person)),
        AuthEvent::LoginFailed { reason, .. } => (format!("failed: {reason}"), None),
        AuthEvent::LoginRefused { person, .. } => ("refused".to_owned(), Some(person)),
        AuthEvent::LoggedOut { person, by, .. } => (format!("logged out by {by:?}"), person),
        AuthEvent::TokensRenewed { person, .. } => ("renewed".to_owned(), Some(person)),
        AuthEvent::StepUp { person, path, .. } => (format!("step-up at {path}"), Some(person)),
        AuthEvent::Denied { person, path, .. } => (format!("denied at {path}"), Some(person)),
        other => (format!("{other:?}"), None),
    };
    let person = person.map_or_else(|| "nobody".to_owned(), |person| person.id);
    println!("event: {what}, {person}");
    if what.contains("/admins") {
        std::future::pending::<()>().await;
    }
}

/// The messages, one a line.
pub fn lines(flashes: &[Flash]) -> String {
    flashes
        .iter()
        .map(|flash| format!("{}\n", flash.text))
        .collect()
}

/// Who is logged in, without being seen: the id or `nobody`.
pub async fn peek(visit: &Visit) -> String {
    name(visit.without_activity().optional_user().await)
}

/// The id of a user, or `nobody`.
pub fn name(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id().to_owned())
}

/// Who is logged in, and with `message` leaves a message, too.
pub async fn private(visit: &Visit, message: bool) -> String {
    if message {
        visit.flash(Category::Info, "A message.");
    }
    name(visit.optional_user().await)
}

/// Who is logged in, as JSON. The ids of these tests need no escaping.
pub fn me(id: &str) -> String {
    format!("{{\"sub\":\"{id}\"}}")
}

/// Prints how a hook ended. One that the framework dropped says so too.
struct Guard<'a> {
    path: &'a str,
    end: &'a str,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        println!("the hook of {} {}", self.path, self.end);
    }
}
