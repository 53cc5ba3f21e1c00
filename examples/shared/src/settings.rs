//! The settings of a demo: where it listens, which provider it uses, where it keeps its data.
//!
//! Everything about the login is read by [`Config::load`]; that one call is all that an app of yours needs. The rest
//! lets a demo run with no settings at all: it then brings its own MIRACL platform, cookie key and database.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use miracl_core::{Config, ConfigError, CookieKey, Miracl};
use tracing::subscriber::{NoSubscriber, with_default};
use url::{Host, Url};

use crate::chain::chain;
use crate::pages::{LoginScript, Pages};
use crate::platform::LocalPlatform;
use crate::users::{Database, Users};

/// The settings of one demo, read and checked, before it listens.
#[derive(Debug)]
pub struct Settings {
    framework: &'static str,
    host: String,
    port: u16,
    database: Database,
    login_script: Option<Url>,
    config: Config,
}

/// What a demo runs with, once its port is known.
#[derive(Debug)]
#[non_exhaustive]
pub struct Demo {
    /// The settings of the login, for [`Miracl::new`].
    pub config: Config,
    /// The pages.
    pub pages: Pages,
    /// The user table.
    pub users: Users,
    /// The local MIRACL platform, where the demo has brought its own. It stops when this is dropped.
    pub platform: Option<LocalPlatform>,
    listening_on: String,
}

impl Settings {
    /// Reads the settings of the demo for `framework`, from `miracl.json` and the environment.
    ///
    /// # Errors
    ///
    /// Everything that is wrong or missing, in one list.
    pub fn load(framework: &'static str) -> Result<Self, SettingsError> {
        Self::read(framework, &|name| env::var_os(name), Config::load(None))
    }

    fn read(
        framework: &'static str,
        environment: &dyn Fn(&str) -> Option<OsString>,
        config: Result<Config, ConfigError>,
    ) -> Result<Self, SettingsError> {
        let mut variables = Variables {
            environment,
            problems: Vec::new(),
        };
        let host = variables.parse("HOST", parse_host);
        let port = variables.parse("PORT", parse_port);
        let database = variables.parse("DATABASE_URL", parse_database);
        let login_script = variables.parse("MPAD_URL", parse_script);

        let loaded = config.is_ok();
        let config = config.unwrap_or_else(|error| {
            variables.problems.extend(lines(&error));
            Config::default()
        });
        let settings = Self {
            framework,
            host: host.unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: port.unwrap_or(5000),
            database: database.unwrap_or_else(|| Database::File("miracl-demo.sqlite".into())),
            login_script,
            config,
        };
        // A rehearsal with stand-ins for what is not known yet, so that everything is told at once and before the demo
        // listens. It must leave no line in the log.
        let rehearse = || Miracl::new(settings.rehearsal());
        if loaded && let Err(error) = with_default(NoSubscriber::new(), rehearse) {
            variables.problems.extend(lines(&error));
        }
        variables.problems.extend(settings.taken_paths());
        match variables.problems {
            problems if problems.is_empty() => Ok(settings),
            problems => Err(SettingsError { problems }),
        }
    }

    /// Mistakes about paths that are pages of the demo already.
    fn taken_paths(&self) -> impl Iterator<Item = String> {
        let config = &self.config;
        let set = [
            ("redirect_uri", "REDIRECT_URL", Some(&config.redirect_uri)),
            (
                "post_logout_redirect_uri",
                "POST_LOGOUT_REDIRECT_URL",
                // `/` is where the page after log-out leads anyway.
                config.post_logout_redirect_uri.as_ref(),
            ),
        ];
        set.into_iter().filter_map(|(key, variable, uri)| {
            let path = Url::parse(uri?).ok()?.path().to_owned();
            let taken = PAGES.contains(&path.trim_end_matches('/'));
            taken.then(|| {
                format!("{key} (variable {variable}): the path `{path}` is a page of the demo already; take another")
            })
        })
    }

    /// Where to listen: host and port. Port 0 takes a free one.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Explains why [`address`](Self::address) cannot be listened on.
    pub fn cannot_listen(&self, error: &io::Error) -> SettingsError {
        SettingsError::new(format!(
            "HOST, PORT: cannot listen on {}:{} ({error}); set them to something else, PORT=0 takes a free port",
            self.host, self.port
        ))
    }

    /// Fills in what depends on the port, and opens what the demo needs: the user table, the cookie key, and the local
    /// MIRACL platform unless a provider is configured.
    ///
    /// # Errors
    ///
    /// What could not be opened or started.
    pub async fn resolve(self, local: SocketAddr) -> Result<Demo, SettingsError> {
        let listening_on = format!("http://{}", authority(&self.host, local.port()));
        let mut config = self.config_at(&format!(
            "http://{}",
            authority(reachable(&self.host), local.port())
        ));
        warn_about(&config, local.port());

        let users = Users::open(&self.database)
            .map_err(|error| SettingsError::new(format!("DATABASE_URL: {}", chain(&error))))?;
        if config.cookie_keys.is_empty() {
            config.cookie_keys = vec![cookie_key(&self.database)?];
        }
        let platform = if has_provider(&config) {
            None
        } else {
            let platform = LocalPlatform::start(self.framework, &config)
                .await
                .map_err(SettingsError::new)?;
            platform.configure(&mut config);
            Some(platform)
        };
        let script = match (&self.login_script, &platform) {
            (None, None) => None,
            (None, Some(platform)) => Some(LoginScript::Platform(platform.login_script())),
            (Some(url), Some(platform)) if url.as_str() == platform.login_script() => {
                Some(LoginScript::Platform(url.to_string()))
            }
            (Some(url), _) => Some(LoginScript::ThirdParty(url.to_string())),
        };
        Ok(Demo {
            pages: Pages::new(self.framework, &config.issuer, script),
            config,
            users,
            platform,
            listening_on,
        })
    }

    /// The settings of the login for a demo that is reached at `base`.
    fn config_at(&self, base: &str) -> Config {
        let mut config = self.config.clone();
        if config.redirect_uri.is_empty() {
            config.redirect_uri = Config::redirect_uri_for(base);
        }
        if config.post_logout_redirect_uri.is_none() {
            // Beside the callback: cookies, and with them the flash "User logged out!", belong to that host.
            let callback = Url::parse(&config.redirect_uri);
            let base = callback.map_or_else(
                |_| base.to_owned(),
                |url| url.origin().ascii_serialization(),
            );
            config.post_logout_redirect_uri = Some(format!("{base}/signed-out"));
        }
        if config.cookie_prefix == Config::default().cookie_prefix {
            config.cookie_prefix = format!("miracl-{}", self.framework);
        }
        config
    }

    fn rehearsal(&self) -> Config {
        let mut config = self.config_at("http://127.0.0.1:5000");
        if config.cookie_keys.is_empty() {
            config.cookie_keys = vec![CookieKey::generate()];
        }
        if !has_provider(&config) {
            config.issuer = "http://127.0.0.1:5001".to_owned();
            config.client_id = "stand-in".to_owned();
            config.client_secret = "stand-in for a secret of any length".into();
        }
        config
    }
}

impl Demo {
    /// What to print once the demo answers. The first line is `listening on http://HOST:PORT`.
    pub fn greeting(&self) -> String {
        let mut text = format!("listening on {}\n", self.listening_on);
        if let Ok(callback) = Url::parse(&self.config.redirect_uri) {
            let home = callback.origin().ascii_serialization();
            text.push_str(&format!("open {home}/ in a browser\n"));
        }
        if let Some(platform) = &self.platform {
            text.push_str(&platform.greeting());
        }
        text
    }
}

/// The paths of the demo's own pages, `/` aside.
const PAGES: [&str; 10] = [
    "/members",
    "/profile",
    "/devices",
    "/devices/end",
    "/devices/end-others",
    "/refresh",
    "/me",
    "/whoami",
    "/public",
    "/style.css",
];

/// Whether any of issuer, client id and secret is set. The local platform stands in for all three or for none.
fn has_provider(config: &Config) -> bool {
    !config.issuer.is_empty()
        || !config.client_id.is_empty()
        || !config.client_secret.expose().is_empty()
        || config.client_id_file.is_some()
        || config.client_secret_file.is_some()
        || config.credential_source.is_some()
        || config.client_key.is_some()
}

/// Keeps the cookie key beside the database, so that sessions outlive a restart of the demo.
fn cookie_key(database: &Database) -> Result<CookieKey, SettingsError> {
    let Database::File(path) = database else {
        tracing::info!(
            "made a cookie key for this run: COOKIE_KEYS is not set, and the database is in memory"
        );
        return Ok(CookieKey::generate());
    };
    let mut file = path.clone().into_os_string();
    file.push("-cookie-key");
    let file = PathBuf::from(file);
    let (key, made_now) = CookieKey::load_or_create(&file).map_err(|error| {
        SettingsError::new(format!(
            "COOKIE_KEYS: is not set, and no key can be kept: {error}"
        ))
    })?;
    let file = file.display();
    if made_now {
        tracing::info!(%file, "made a cookie key and kept it: COOKIE_KEYS is not set");
    } else {
        tracing::info!(%file, "took the cookie key of an earlier run: COOKIE_KEYS is not set");
    }
    Ok(key)
}

/// Warns about a callback that a browser would not find here.
fn warn_about(config: &Config, port: u16) {
    let Ok(callback) = Url::parse(&config.redirect_uri) else {
        return;
    };
    if is_loopback(&callback) && callback.port_or_known_default() != Some(port) {
        tracing::warn!(
            redirect_uri = %callback,
            listening_on = port,
            "REDIRECT_URL names another port of this machine than the one listened on: the callback will not arrive here"
        );
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A host that a browser can open: a wildcard is none.
fn reachable(host: &str) -> &str {
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => "127.0.0.1",
        _ => host,
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn parse_host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() || matches!(Host::parse(bare), Ok(Host::Domain(_))) {
        Ok(bare.to_owned())
    } else {
        Err(format!(
            "`{text}` is no host; set it to an address or a name, without a port"
        ))
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| {
        format!("`{text}` is no port; set it to a number up to 65535, or to 0 for a free one")
    })
}

fn parse_database(text: &str) -> Result<Database, String> {
    let path = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
        .unwrap_or(text);
    // The text is not repeated: a database URL may hold a password.
    if path.contains("://") {
        Err(
            "is no SQLite database; set it to a file, such as `sqlite:miracl-demo.sqlite`"
                .to_owned(),
        )
    } else if path.contains('?') {
        Err("has options behind a `?`, and none is known; set it to a file alone".to_owned())
    } else if path.is_empty() || Path::new(path).is_dir() {
        Err("names no file; set it to one, such as `sqlite:miracl-demo.sqlite`".to_owned())
    } else if path == ":memory:" {
        Ok(Database::Memory)
    } else {
        Ok(Database::File(PathBuf::from(path)))
    }
}

fn parse_script(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(format!(
            "`{text}` is no http or https URL; set it to that of the script"
        )),
    }
}

struct Variables<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    problems: Vec<String>,
}

impl Variables<'_> {
    /// Reads a variable; an empty one counts as not given.
    fn parse<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let text = (self.environment)(name).filter(|text| !text.is_empty())?;
        let parsed = text
            .to_str()
            .ok_or_else(|| "is not UTF-8".to_owned())
            .and_then(parse);
        parsed
            .map_err(|problem| self.problems.push(format!("{name}: {problem}")))
            .ok()
    }
}

/// Everything that keeps a demo from starting: one line for each mistake, with the setting's name.
#[derive(Debug, Default)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl SettingsError {
    fn new(problem: String) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for SettingsError {}

/// The engine's mistakes, by the names a demo's user knows: the key in `miracl.json` and the variable.
fn lines(error: &ConfigError) -> impl Iterator<Item = String> {
    error.problems().iter().map(|problem| {
        let variable = match problem.key.as_str() {
            key @ ("issuer"
            | "client_id"
            | "client_secret"
            | "cookie_keys"
            | "cookie_prefix"
            | "scopes"
            | "client_id_file"
            | "client_secret_file"
            | "home_path"
            | "trusted_origins"
            | "metadata_url"
            | "end_session_parameters") => key.to_uppercase(),
            "client_key" => "CLIENT_JWK_FILE".to_owned(),
            "ca_certs" => "CA_CERT".to_owned(),
            "redirect_uri" => "REDIRECT_URL".to_owned(),
            "proxy" => "PROXY_HOST".to_owned(),
            key @ ("session_idle_timeout" | "session_absolute_timeout") => key.to_uppercase(),
            "post_logout_redirect_uri" => "POST_LOGOUT_REDIRECT_URL".to_owned(),
            key => return format!("{key}: {}", problem.message),
        };
        format!("{} (variable {variable}): {}", problem.key, problem.message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: &[(&str, &str)], config: Config) -> Result<Settings, SettingsError> {
        let environment = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Settings::read("axum", &environment, Ok(config))
    }

    fn refusal(environment: &[(&str, &str)], config: Config) -> String {
        settings(environment, config).unwrap_err().to_string()
    }

    fn provider() -> Config {
        Config {
            issuer: "https://project.example".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        }
    }

    #[test]
    fn a_demo_needs_no_settings() {
        let settings = settings(&[], Config::default()).unwrap();
        assert_eq!(settings.address(), ("127.0.0.1", 5000));
        assert_eq!(
            settings.database,
            Database::File("miracl-demo.sqlite".into())
        );
        let config = settings.config_at("http://127.0.0.1:5000");
        assert_eq!(config.redirect_uri, "http://127.0.0.1:5000/login");
        assert_eq!(
            config.post_logout_redirect_uri.as_deref(),
            Some("http://127.0.0.1:5000/signed-out")
        );
        assert_eq!(config.cookie_prefix, "miracl-axum");
    }

    #[tokio::test]
    async fn the_port_listened_on_and_not_the_wildcard_host_is_in_the_callback() {
        for (host, base, line) in [
            (
                "0.0.0.0",
                "http://127.0.0.1:4711",
                "listening on http://0.0.0.0:4711\n",
            ),
            (
                "::",
                "http://127.0.0.1:4711",
                "listening on http://[::]:4711\n",
            ),
            (
                "[::1]",
                "http://[::1]:4711",
                "listening on http://[::1]:4711\n",
            ),
            (
                "localhost",
                "http://localhost:4711",
                "listening on http://localhost:4711\n",
            ),
        ] {
            let environment = [
                ("HOST", host),
                ("PORT", "0"),
                ("DATABASE_URL", "sqlite::memory:"),
            ];
            let settings = settings(&environment, provider()).unwrap();
            let demo = settings
                .resolve(([127, 0, 0, 1], 4711).into())
                .await
                .unwrap();
            assert_eq!(demo.config.redirect_uri, format!("{base}/login"));
            assert_eq!(
                demo.config.post_logout_redirect_uri,
                Some(format!("{base}/signed-out"))
            );
            assert!(demo.greeting().starts_with(line), "{}", demo.greeting());
            assert!(demo.platform.is_none());
        }
    }

    #[tokio::test]
    async fn values_that_were_given_are_kept() {
        let config = Config {
            redirect_uri: "http://localhost:5000/c2id".into(),
            cookie_prefix: "mine".into(),
            ..provider()
        };
        let settings = settings(&[("DATABASE_URL", ":memory:")], config).unwrap();
        let demo = settings
            .resolve(([127, 0, 0, 1], 5000).into())
            .await
            .unwrap();
        assert_eq!(demo.config.redirect_uri, "http://localhost:5000/c2id");
        assert_eq!(
            demo.config.post_logout_redirect_uri.as_deref(),
            Some("http://localhost:5000/signed-out")
        );
        assert_eq!(demo.config.cookie_prefix, "mine");
        assert!(demo.greeting().contains("open http://localhost:5000/"));
    }

    #[tokio::test]
    async fn the_cookie_key_is_kept_beside_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("users.sqlite");
        let mut keys = Vec::new();
        for _ in 0..2 {
            let config = Config {
                cookie_keys: Vec::new(),
                ..provider()
            };
            let settings =
                settings(&[("DATABASE_URL", database.to_str().unwrap())], config).unwrap();
            let demo = settings
                .resolve(([127, 0, 0, 1], 5000).into())
                .await
                .unwrap();
            keys.push(format!("{:?}", demo.config.cookie_keys[0]));
        }
        assert_eq!(keys[0], keys[1]);
        assert!(folder.path().join("users.sqlite-cookie-key").exists());
    }

    #[test]
    fn every_mistake_is_told_at_once_by_its_name() {
        let environment = [
            ("HOST", "http://x"),
            ("PORT", "abc"),
            ("DATABASE_URL", "postgres://me:hunter2@db/users"),
            ("MPAD_URL", "mpad.js"),
        ];
        let config = Config {
            client_secret: "".into(),
            ..provider()
        };
        let told = refusal(&environment, config);
        for name in [
            "HOST",
            "PORT",
            "DATABASE_URL",
            "MPAD_URL",
            "client_secret (variable CLIENT_SECRET)",
        ] {
            assert!(
                told.lines()
                    .any(|line| line.starts_with(&format!("{name}: "))),
                "{name}: {told}"
            );
        }
        assert_eq!(told.lines().count(), 5, "{told}");
        assert!(!told.contains("hunter2"));
    }

    #[test]
    fn some_of_issuer_id_and_secret_are_not_enough_and_no_platform_is_started() {
        let told = refusal(
            &[],
            Config {
                issuer: "https://project.example".into(),
                ..Config::default()
            },
        );
        assert!(
            told.contains("client_id") && told.contains("client_secret"),
            "{told}"
        );
        assert!(!told.contains("issuer"), "{told}");
    }

    #[test]
    fn the_untouched_template_stops_the_start() {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../miracl.example.json");
        let told = refusal(&[], Config::from_file(template).unwrap());
        for key in ["issuer", "client_id", "client_secret"] {
            assert!(told.contains(key), "{told}");
        }
    }

    #[test]
    fn databases_are_named_in_three_ways() {
        let file = |path: &str| Ok(Database::File(path.into()));
        assert_eq!(parse_database("sqlite:a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite://a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite:///tmp/a.db"), file("/tmp/a.db"));
        assert_eq!(parse_database("a.db"), file("a.db"));
        assert_eq!(parse_database("sqlite::memory:"), Ok(Database::Memory));
        for wrong in ["sqlite:", "mysql://h/d", "sqlite:a.db?mode=ro", "/"] {
            assert!(parse_database(wrong).is_err(), "{wrong}");
        }
    }
}
