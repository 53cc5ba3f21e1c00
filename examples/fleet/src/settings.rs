//! The settings of this fleet, and those of each of its replicas.

use std::env;
use std::ffi::OsString;
use std::io;

use base64_simd::URL_SAFE_NO_PAD;
use miracl_platform::variable;
use ring::rand::{SecureRandom, SystemRandom};

/// The fleet's name at the platform, and the prefix of its cookies.
pub(crate) const CLIENT_ID: &str = "fleet";

/// The settings in the environment.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    sessions: Place,
    /// By default where the sessions are, and in Redis where sessions are in cookies.
    marks: Option<Place>,
}

/// Where sessions or marks are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In the browser's cookies.
    Cookie,
    /// In the memory of each replica.
    Memory,
    /// In the Redis that is started here.
    OwnRedis,
    /// In another one.
    Redis(String),
}

/// What all replicas share, besides the settings of the fleet.
pub(crate) struct Shared<'a> {
    /// The address at which browsers find the fleet.
    pub(crate) origin: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) client_secret: &'a str,
    pub(crate) cookie_key: &'a str,
    /// The URL of the Redis that was started here, if one was.
    pub(crate) redis: Option<&'a str>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// Names the variable that is wrong.
    pub(crate) fn load() -> Result<Self, String> {
        Self::read(|name| env::var_os(name))
    }

    fn read(environment: impl Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        let given = |name: &str| variable(name, &environment);
        let port = given("PORT")?.map_or(Ok(5000), |(name, port)| {
            port.parse()
                .map_err(|_| format!("{name}: `{port}` is no port"))
        })?;
        let sessions = match given("SESSION_STORE")? {
            None => Place::OwnRedis,
            Some((name, text)) => match place(&text) {
                Some(Place::Memory) => {
                    return Err(format!(
                        "{name}: with `memory`, each replica would know its own sessions only; \
                         set it to `redis`, to the URL of a Redis, or to `cookie`"
                    ));
                }
                place => place.ok_or_else(|| {
                    format!("{name}: set it to `redis`, to the URL of a Redis, or to `cookie`")
                })?,
            },
        };
        let marks = match given("MARKS_STORE")? {
            None => None,
            Some((name, text)) => match place(&text) {
                None | Some(Place::Cookie) => {
                    return Err(format!(
                        "{name}: set it to `redis`, to the URL of a Redis, or to `memory`"
                    ));
                }
                place => place,
            },
        };
        Ok(Self {
            port,
            sessions,
            marks,
        })
    }

    /// Where marks are kept, if that has to be set.
    fn marks(&self) -> Option<Place> {
        let shared = (self.sessions == Place::Cookie).then_some(Place::OwnRedis);
        self.marks.clone().or(shared)
    }

    /// Whether to start a Redis here.
    pub(crate) fn needs_redis(&self) -> bool {
        self.sessions == Place::OwnRedis || self.marks() == Some(Place::OwnRedis)
    }

    /// The settings of each replica: the same for all, except for the port, which each replica chooses itself.
    pub(crate) fn environment(&self, shared: &Shared<'_>) -> Vec<(&'static str, String)> {
        let store = |place: &Place| match place {
            Place::Cookie => "cookie".to_owned(),
            Place::Memory => "memory".to_owned(),
            Place::OwnRedis => shared.redis.unwrap_or_default().to_owned(),
            Place::Redis(url) => url.clone(),
        };
        let mut environment = vec![
            // One app at the provider, with one callback: at the address in front.
            ("ISSUER", shared.issuer.to_owned()),
            ("CLIENT_ID", CLIENT_ID.to_owned()),
            ("CLIENT_SECRET", shared.client_secret.to_owned()),
            ("REDIRECT_URL", format!("{}/login", shared.origin)),
            (
                "POST_LOGOUT_REDIRECT_URL",
                format!("{}/signed-out", shared.origin),
            ),
            // One session for every replica: the same keys under the same names.
            ("COOKIE_KEYS", shared.cookie_key.to_owned()),
            ("COOKIE_PREFIX", CLIENT_ID.to_owned()),
            ("SESSION_STORE", store(&self.sessions)),
            // One user table.
            ("DATABASE_URL", "sqlite:fleet.sqlite".to_owned()),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
        ];
        if let Some(marks) = self.marks() {
            environment.push(("MARKS_STORE", store(&marks)));
        }
        environment
    }

    /// One line about where sessions are kept.
    pub(crate) fn summary(&self) -> String {
        let sessions = match &self.sessions {
            Place::Cookie | Place::Memory => "sealed in the browser's cookies",
            Place::OwnRedis => "in a Redis that was started here",
            Place::Redis(_) => "in the Redis of SESSION_STORE",
        };
        let marks = match self.marks() {
            None => "",
            Some(Place::Cookie | Place::Memory) => {
                "; what was ended is known to the replica that ended it alone"
            }
            Some(Place::OwnRedis) => "; what was ended is kept in a Redis that was started here",
            Some(Place::Redis(_)) => "; what was ended is kept in the Redis of MARKS_STORE",
        };
        format!("sessions are {sessions}{marks}")
    }

    /// Explains why the port cannot be listened on.
    pub(crate) fn cannot_listen(&self, error: &io::Error) -> String {
        format!(
            "PORT: cannot listen on 127.0.0.1:{} ({error}); set it to another port, or to 0 for a free one",
            self.port
        )
    }
}

fn place(text: &str) -> Option<Place> {
    match text {
        "cookie" => Some(Place::Cookie),
        "memory" => Some(Place::Memory),
        "redis" => Some(Place::OwnRedis),
        url => {
            let (scheme, _) = url.split_once("://")?;
            let known = matches!(
                &*scheme.to_ascii_lowercase(),
                "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster"
            );
            known.then(|| Place::Redis(url.to_owned()))
        }
    }
}

/// Makes 256 random bits, in letters that need no escaping in a URL or in a settings file.
pub(crate) fn random_key() -> Result<String, String> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the operating system has no random numbers to give".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(sessions: &str, marks: &str) -> Result<Settings, String> {
        Settings::read(|name| {
            let value = match name {
                "SESSION_STORE" => sessions,
                "MARKS_STORE" => marks,
                _ => "",
            };
            Some(value.into())
        })
    }

    fn stores(sessions: &str, marks: &str) -> (bool, Vec<(&'static str, String)>) {
        let settings = settings(sessions, marks).unwrap();
        let shared = Shared {
            origin: "http://127.0.0.1:5000",
            issuer: "http://127.0.0.1:5001",
            client_secret: "secret",
            cookie_key: "key",
            redis: settings.needs_redis().then_some("redis://own"),
        };
        let mut stores = settings.environment(&shared);
        stores.retain(|(name, _)| name.ends_with("STORE"));
        (settings.needs_redis(), stores)
    }

    #[test]
    fn a_redis_is_started_where_one_is_needed_and_none_is_named() {
        let own = || "redis://own".to_owned();
        let other = || "rediss://other".to_owned();
        let sessions = |store| ("SESSION_STORE", store);
        let marks = |store| ("MARKS_STORE", store);
        for (sessions_at, marks_at) in [
            ("redis+sentinel://h/main", "rediss+sentinel://i/main"),
            ("redis+cluster://h,i", "redis://j"),
        ] {
            let named = vec![sessions(sessions_at.into()), marks(marks_at.into())];
            assert_eq!(stores(sessions_at, marks_at), (false, named));
        }
        for (given, expected) in [
            (("", ""), (true, vec![sessions(own())])),
            (("redis", ""), (true, vec![sessions(own())])),
            (("rediss://other", ""), (false, vec![sessions(other())])),
            (
                ("cookie", ""),
                (true, vec![sessions("cookie".into()), marks(own())]),
            ),
            (
                ("cookie", "rediss://other"),
                (false, vec![sessions("cookie".into()), marks(other())]),
            ),
            (
                ("cookie", "memory"),
                (
                    false,
                    vec![sessions("cookie".into()), marks("memory".into())],
                ),
            ),
        ] {
            assert_eq!(stores(given.0, given.1), expected, "{given:?}");
        }
    }

    #[test]
    fn what_makes_no_fleet_is_refused_by_its_name() {
        for (sessions, marks, named) in [
            ("memory", "", "SESSION_STORE: "),
            ("postgres://x", "", "SESSION_STORE: "),
            ("redis", "cookie", "MARKS_STORE: "),
            ("redis", "yes", "MARKS_STORE: "),
            ("redis", "rediss+cluster://h", "MARKS_STORE: "),
        ] {
            let refused = settings(sessions, marks).unwrap_err();
            assert!(refused.starts_with(named), "{refused}");
        }
        for name in ["PORT", "MIRACL_PORT"] {
            let one = |asked: &str| (asked == name).then(|| "a port".into());
            let refused = Settings::read(one).unwrap_err();
            assert!(refused.starts_with(&format!("{name}: ")), "{refused}");
        }
    }
}
