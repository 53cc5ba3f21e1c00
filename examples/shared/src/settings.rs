//! The settings of a demo: where it listens, which provider it uses, where it keeps its data.
//!
//! [`Config::load`] reads everything about the login; an app of yours needs only that one call. The rest lets a
//! demo run with no settings at all: it then brings its own MIRACL platform, cookie key and database.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use miracl_core::{Config, ConfigError, CookieKey, Miracl};
use tracing::subscriber::{NoSubscriber, with_default};
use url::Url;

use crate::chain::chain;
use crate::codes::Codes;
use crate::pages::{LoginScript, Pages};
use crate::platform::LocalPlatform;
use crate::users::{Database, Users};

mod address;
mod demo;
mod error;
mod variables;

use address::{authority, reachable, warn_about};
pub use demo::Demo;
pub use error::SettingsError;
use error::lines;
use variables::{Variables, parse_database, parse_host, parse_port};

/// The settings of one demo, read and checked, before it listens.
#[derive(Debug)]
pub struct Settings {
    framework: &'static str,
    host: String,
    port: u16,
    database: Database,
    config: Config,
    /// The demo's own variables, each as it was given.
    names: BTreeMap<&'static str, String>,
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
            names: BTreeMap::new(),
            problems: Vec::new(),
        };
        let host = variables.parse("HOST", parse_host);
        let port = variables.parse("PORT", parse_port);
        let database = variables.parse("DATABASE_URL", parse_database);

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
            config,
            names: std::mem::take(&mut variables.names),
        };
        // A trial run with stand-ins for what is not known yet, so that every mistake is reported at once and
        // before the demo listens. It must leave no line in the log.
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

    /// Mistakes about paths that are already pages of the demo.
    fn taken_paths(&self) -> impl Iterator<Item = String> {
        let config = &self.config;
        let set = [
            ("redirect_uri", "REDIRECT_URL", Some(&config.redirect_uri)),
            (
                "post_logout_redirect_uri",
                "POST_LOGOUT_REDIRECT_URL",
                // The page after log-out leads to `/` anyway.
                config.post_logout_redirect_uri.as_ref(),
            ),
        ];
        set.into_iter().filter_map(|(key, variable, uri)| {
            let path = Url::parse(uri?).ok()?.path().to_owned();
            let public_path = config.public_path.trim_end_matches('/');
            let taken = PAGES.contains(&path.strip_prefix(public_path)?.trim_end_matches('/'));
            taken.then(|| {
                let variable = config.given_by.variable(key).unwrap_or(variable);
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
            "{}, {port}: cannot listen on {}:{} ({error}); set them to something else, {port}=0 takes a free port",
            self.name("HOST"),
            self.host,
            self.port,
            port = self.name("PORT"),
        ))
    }

    /// One of the demo's own variables, as it was given.
    fn name(&self, variable: &'static str) -> &str {
        self.names.get(variable).map_or(variable, String::as_str)
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

        let users = Users::open(&self.database).map_err(|error| {
            let name = self.name("DATABASE_URL");
            SettingsError::new(format!("{name}: {}", chain(&error)))
        })?;
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
        let script = match (&config.mpad_url, &platform) {
            (None, None) => None,
            (None, Some(platform)) => Some(LoginScript::Platform(platform.login_script())),
            (Some(url), Some(platform)) if *url == platform.login_script() => {
                Some(LoginScript::Platform(url.to_string()))
            }
            (Some(url), _) => Some(LoginScript::ThirdParty(url.to_string())),
        };
        let mut pages = Pages::new(self.framework, &config.issuer, script);
        if platform.is_some() {
            pages = pages.at_local_platform(&config.issuer);
        }
        Ok(Demo {
            pages: pages.below(&config.public_path),
            config,
            users,
            codes: Codes::default(),
            platform,
            listening_on,
        })
    }

    /// The settings of the login for a demo that is reached at `base`.
    fn config_at(&self, base: &str) -> Config {
        let mut config = self.config.clone();
        let public_path = config.public_path.trim_end_matches('/');
        if config.redirect_uri.is_empty() {
            config.redirect_uri = Config::redirect_uri_for(&format!("{base}{public_path}"));
        }
        if config.post_logout_redirect_uri.is_none() {
            // On the callback's host: cookies belong to that host, and with them the message "User logged out!".
            let callback = Url::parse(&config.redirect_uri);
            let base = callback.map_or_else(
                |_| base.to_owned(),
                |url| url.origin().ascii_serialization(),
            );
            config.post_logout_redirect_uri = Some(format!("{base}{public_path}/signed-out"));
        }
        // Routes of the login that an app has only if it says where.
        config.paths.login_jwt = Some("/login/jwt".to_owned());
        config.paths.app_login_url = Some("/authzurl".to_owned());
        config.paths.app_token = Some("/authtoken".to_owned());
        config.paths.verify_user = Some("/verify".to_owned());
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

/// The paths of the demo's own pages, `/` aside.
const PAGES: [&str; 23] = [
    "/members",
    "/profile",
    "/profile/delete",
    "/devices",
    "/devices/end",
    "/devices/end-others",
    "/devices/add",
    "/documents/verify",
    "/trust",
    "/trust/login",
    "/trust/sign",
    "/trust/api",
    "/trust/register",
    "/trust.js",
    "/mpin.js",
    "/api/me",
    "/refresh",
    "/me",
    "/whoami",
    "/admins",
    "/public",
    "/health",
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

#[cfg(test)]
mod tests;
