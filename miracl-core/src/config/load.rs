//! Reads settings from `miracl.json` and the environment.

mod secrets;
mod session;
mod settings;
mod source;
mod stores;
mod values;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Json, Serialized},
    value::Value,
};
use serde::Serialize;

use crate::{
    base::{
        file,
        text::{one_value, without_bom},
    },
    config::{
        Config,
        load::{
            settings::{OTHER_KEYS, SETTINGS},
            source::Source,
        },
        variable::PREFIX,
    },
    error::config::{ConfigError, Problem, Problems},
};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "miracl.json";

impl Config {
    /// Reads `miracl.json`, a JSON object with the Tornado SDK's keys `client_id`, `secret` (or `client_secret`) and
    /// `redirect_uri`, and `issuer`. Every other setting of the table under [`Config::load`] may be there too, by its
    /// key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not a JSON object, or has a value that does not fit. A setting may still be
    /// *missing*: [`Miracl::new`](crate::Miracl::new) reports that, so that it can be filled in first.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        build(Some(path.as_ref()), Environment::Ignored)
    }

    /// Reads the environment's variables, as [`Config::load`] lists them, and no file.
    ///
    /// # Errors
    ///
    /// When a value does not fit. [`Miracl::new`](crate::Miracl::new) reports what is missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        build(None, Environment::Read)
    }

    /// Takes settings from any serializable map with the keys of the file, as [`Config::load`] lists them, such as the
    /// part of an app's own settings that is about login.
    ///
    /// ```
    /// # use miracl_core::Config;
    /// let config = Config::from_serde(&serde_json::json!({
    ///     "issuer": "https://project.miracl.example",
    ///     "scopes": ["openid", "email", "dvs"],
    /// }))?;
    /// assert_eq!(config.scopes.len(), 3);
    /// # Ok::<(), miracl_core::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is not a map, or has a value that does not fit. [`Miracl::new`](crate::Miracl::new) reports what is
    /// missing.
    pub fn from_serde(settings: &impl Serialize) -> Result<Self, ConfigError> {
        match Value::serialize(settings) {
            Ok(map @ Value::Dict(..)) => read(
                &Figment::from(Serialized::globals(map)),
                "settings",
                Environment::Ignored,
            ),
            _ => {
                let mut problems = Problems::default();
                problems.add("settings", "is not a map of settings");
                problems.into_result(None)
            }
        }
    }

    /// Reads settings from a file, then from the environment, which wins.
    ///
    /// The file is `file`; or the one named by the variable `MIRACL_CONFIG`; or `miracl.json` in the working
    /// directory, if there is one. An empty value counts as not given.
    ///
    /// One rule holds for every value, in the environment, in the file, and in a file that holds one value alone such
    /// as that of `CLIENT_SECRET_FILE`:
    ///
    /// * White space at both ends is taken off, a line break or a byte order mark too.
    /// * A value in quotes, such as `"value"` or `'value'` with the quotes in it, is an error: most often something did
    ///   not remove them. Quotes inside, or at one end only, are part of the value. A secret that really begins and
    ///   ends with the same quote is set in code.
    /// * A line break or another control character inside is an error, except between the entries of a list.
    ///
    /// Every variable may have the prefix `MIRACL_`: `MIRACL_ISSUER` is `ISSUER`. If both are given, the one with the
    /// prefix wins. So may every key, as `miracl_issuer`, which is how libraries hand over variables. A message about a
    /// value names the variable as it was given.
    ///
    /// | key in the file | variable | meaning |
    /// |---|---|---|
    /// | `issuer` | `ISSUER` | [`Config::issuer`] |
    /// | `metadata_url` | `METADATA_URL` | [`Config::metadata_url`] |
    /// | `issuer_template` | `ISSUER_TEMPLATE` | [`Config::issuer_template`] |
    /// | `allowed_tenants` | `ALLOWED_TENANTS` | [`Config::allowed_tenants`], separated by spaces |
    /// | `client_id` | `CLIENT_ID` | [`Config::client_id`] |
    /// | `client_id_file` | `CLIENT_ID_FILE` | [`Config::client_id_file`] |
    /// | `client_secret`, `secret` | `CLIENT_SECRET` | [`Config::client_secret`] |
    /// | `client_secret_file` | `CLIENT_SECRET_FILE` | [`Config::client_secret_file`] |
    /// | `client_jwk_file` | `CLIENT_JWK_FILE` | [`Config::client_key`], a file with one private JWK |
    /// | `redirect_uri`, `redirect_url` | `REDIRECT_URL`, `REDIRECT_URI` | [`Config::redirect_uri`] |
    /// | `post_logout_redirect_uri`, `…_url` | `POST_LOGOUT_REDIRECT_URL`, `…_URI` | the `Config` field of that name |
    /// | `end_session_parameters` | `END_SESSION_PARAMETERS` | [`Config::end_session_parameters`], see below |
    /// | `scopes` | `SCOPES` | [`Config::scopes`], separated by spaces |
    /// | `pkce` | `PKCE` | [`Config::pkce`]: `on` or `off` |
    /// | `response_mode` | `RESPONSE_MODE` | [`Config::response_mode`]: `query` or `form_post` |
    /// | `token_endpoint_auth_method` | `TOKEN_ENDPOINT_AUTH_METHOD` | [`Config::token_endpoint_auth_method`] |
    /// | `id_token_signed_response_alg` | `ID_TOKEN_SIGNED_RESPONSE_ALG` | [`Config::id_token_signed_response_alg`] |
    /// | `userinfo_signed_response_alg` | `USERINFO_SIGNED_RESPONSE_ALG` | [`Config::userinfo_signed_response_alg`] |
    /// | `userinfo_requests` | `USERINFO_REQUESTS` | [`Config::userinfo_requests`]: `always`, `when_needed`, `never` |
    /// | `logout_token_rules` | `LOGOUT_TOKEN_RULES` | [`Config::logout_token_rules`]: `final`, `strict` or `lenient` |
    /// | `asks_every_time` | `ASKS_EVERY_TIME` | [`Config::asks_every_time`]: `1` or `0` |
    /// | `trusted_audiences` | `TRUSTED_AUDIENCES` | [`Config::trusted_audiences`], separated by spaces |
    /// | `trusted_origins` | `TRUSTED_ORIGINS` | [`Config::trusted_origins`], separated by spaces |
    /// | `ca_cert` | `CA_CERT` | [`Config::ca_certs`], one file |
    /// | `proxy_host`, `proxy_port` | `PROXY_HOST`, `PROXY_PORT` | [`Config::proxy`] |
    /// | `session_store` | `SESSION_STORE` | [`Config::session_store`]: `cookie`, `memory` or a Redis, see below |
    /// | `session_store_file` | `SESSION_STORE_FILE` | a file with the value of `session_store` alone, see below |
    /// | `marks_store` | `MARKS_STORE` | [`Config::marks_store`]: `memory` or a Redis, see below |
    /// | `marks_store_file` | `MARKS_STORE_FILE` | a file with the value of `marks_store` alone, see below |
    /// | `redis_timeout` | `REDIS_TIMEOUT` | how long one question to a Redis may take, in seconds; by default `1` |
    /// | `session_unavailable` | `SESSION_UNAVAILABLE` | [`Config::session_unavailable`]: `error` or `anonymous` |
    /// | `renewal` | `RENEWAL` | [`Config::renewal`]: `lazy` or `eager` |
    /// | `session_idle_timeout` | `SESSION_IDLE_TIMEOUT` | [`Config::session_idle_timeout`] in seconds |
    /// | `session_absolute_timeout` | `SESSION_ABSOLUTE_TIMEOUT` | [`Config::session_absolute_timeout`] in seconds |
    /// | `session_check_interval` | `SESSION_CHECK_INTERVAL` | [`Config::session_check_interval`] in seconds |
    /// | `session_remember` | `SESSION_REMEMBER` | [`Config::session_remember`]: `1` or `0` |
    /// | `session_quick_claims` | `SESSION_QUICK_CLAIMS` | [`SessionClaims::quick`], separated by spaces |
    /// | `session_keep_claims` | `SESSION_KEEP_CLAIMS` | [`SessionClaims::keep`]: `all`, `none`, or names and spaces |
    /// | `session_keep_id_token` | `SESSION_KEEP_ID_TOKEN` | [`SessionClaims::id_token`]: `1` or `0` |
    /// | `session_keep_tokens` | `SESSION_KEEP_TOKENS` | [`SessionClaims::tokens`]: `1` or `0` |
    /// | `login_timeout` | `LOGIN_TIMEOUT` | [`Config::login_timeout`] in seconds |
    /// | `cookie_keys` | `COOKIE_KEYS` | [`Config::cookie_keys`], base64, separated by commas |
    /// | `cookie_keys_file` | `COOKIE_KEYS_FILE` | a file with the value of `cookie_keys` alone, see below |
    /// | `cookie_prefix` | `COOKIE_PREFIX` | [`Config::cookie_prefix`] |
    /// | `home_path` | `HOME_PATH` | [`Config::home_path`] |
    /// | `public_path` | `PUBLIC_PATH` | [`Config::public_path`]: `/app` where a proxy removes that |
    /// | `project_id` | `PROJECT_ID` | [`Config::project_id`] |
    /// | `project_jwt_use` | `PROJECT_JWT_USE` | [`Config::project_jwt_use`]: `once` or `until_expiry` |
    /// | `mpad_url` | `MPAD_URL` | [`Config::mpad_url`] |
    /// | `development` | `DEVELOPMENT` | [`Config::development`]: `1` or `0` |
    /// | `danger_allow_http` | `DANGER_ALLOW_HTTP` | [`Config::danger`]: `1` or `0`, see below |
    ///
    /// [`SessionClaims::quick`]: crate::app::config::SessionClaims::quick
    /// [`SessionClaims::keep`]: crate::app::config::SessionClaims::keep
    /// [`SessionClaims::id_token`]: crate::app::config::SessionClaims::id_token
    /// [`SessionClaims::tokens`]: crate::app::config::SessionClaims::tokens
    ///
    /// A setting whose feature does not exist yet, or is not switched on, is an error and never ignored. Where a
    /// setting has two names, one is enough; two that differ are an error.
    ///
    /// A secret may lie in a file, as Docker and Kubernetes mount it: `COOKIE_KEYS_FILE` names a file with the value of
    /// `COOKIE_KEYS`. So do `CLIENT_ID_FILE`, `CLIENT_SECRET_FILE`, `SESSION_STORE_FILE` and `MARKS_STORE_FILE`. The
    /// setting and its file are two names of one setting: a variable wins over the file of settings, and a name with
    /// the prefix over one without. If both are given in the same way, that is an error. An empty file, and one that
    /// cannot be read, is an error too. The files are read once; that of the client secret is read again when the
    /// provider refuses the secret.
    ///
    /// `PROXY_PORT=tcp://10.0.0.1:8080` is Kubernetes' own, for a Service named `proxy`. It is ignored, with a line in
    /// the log; `enableServiceLinks: false` in the pod's specification keeps such variables out.
    ///
    /// `end_session_parameters` is an object, or a text as in a query: `logout_uri=https%3A%2F%2Fapp.example%2F`.
    ///
    /// The address of a Redis is `redis://[user:password@]host[:port][/database]`, or `rediss://…` with TLS, which also
    /// trusts the authorities of `CA_CERT`. `RedisStore` describes `redis+sentinel://…` and `redis+cluster://…`. Marks
    /// are kept in the Redis of `session_store` by default, if that is one. A Redis needs this crate's feature `redis`,
    /// which the adapters have by the same name. Keys begin with the cookie prefix: two apps on one Redis need two
    /// prefixes, as two apps on one host do.
    ///
    /// `danger_allow_http` sets [`Danger::allow_http`](crate::Danger::allow_http). **It gives up every promise on the
    /// way.**
    ///
    /// # Errors
    ///
    /// When a file that was named does not exist, when the file cannot be read or is not a JSON object, or when a value
    /// does not fit.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let named = match file {
            Some(file) => Some(file.to_owned()),
            None => named_file()?,
        };
        let default = Path::new(DEFAULT_FILE);
        match &named {
            Some(path) => build(Some(path), Environment::Read),
            None if default.exists() => build(Some(default), Environment::Read),
            None => build(None, Environment::Read),
        }
    }
}

/// Returns the file that the variable `MIRACL_CONFIG` names.
fn named_file() -> Result<Option<PathBuf>, ConfigError> {
    let Some(name) = env::var_os("MIRACL_CONFIG") else {
        return Ok(None);
    };
    let name = match name.to_str().map(one_value) {
        Some(Ok(name)) => PathBuf::from(name),
        Some(Err(what)) => return Err(ConfigError::of(Problem::new("MIRACL_CONFIG", what))),
        // Not every path is UTF-8.
        None => PathBuf::from(name),
    };
    Ok(Some(name).filter(|name| !name.as_os_str().is_empty()))
}

/// The longest file of settings, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Whether variables of the environment count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Environment {
    Read,
    Ignored,
}

/// Reads settings from a file, if there is one, and from the environment.
fn build(settings: Option<&Path>, environment: Environment) -> Result<Config, ConfigError> {
    let Some(path) = settings else {
        return read(&Figment::new(), "settings", environment);
    };
    let name = path.display().to_string();
    match file::read_text(path, MAX_FILE) {
        Ok(text) => read(
            &Figment::from(Json::string(without_bom(&text))),
            &name,
            environment,
        ),
        Err(error) => {
            let mut problems = Problems::default();
            problems.add(name, format!("cannot be read: {error}"));
            problems.into_result(None)
        }
    }
}

/// Reads settings from a source that errors call `name`, and from the environment.
fn read(figment: &Figment, name: &str, environment: Environment) -> Result<Config, ConfigError> {
    let variable = |name: &str| match environment {
        Environment::Read => env::var_os(name),
        Environment::Ignored => None,
    };
    read_with(figment, name, &variable)
}

/// Reads settings from a source that errors call `name`, and from these variables.
fn read_with(
    figment: &Figment,
    name: &str,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Config, ConfigError> {
    let mut problems = Problems::default();
    let mut values = match figment.extract::<BTreeMap<String, Value>>() {
        Ok(values) => values,
        Err(error) => {
            problems.add(name, format!("is not a JSON object of settings: {error}"));
            return problems.into_result(None);
        }
    };
    let prefixed = without_prefix(&mut values);
    one_name_each(&mut values, &mut problems);
    for key in values.keys() {
        if !SETTINGS.iter().any(|(known, _)| known == key) {
            tracing::warn!(key, "unknown setting in the configuration file");
        }
    }
    let mut source = Source {
        values,
        from_env: BTreeMap::new(),
        prefixed,
        service_links: Vec::new(),
        problems,
    };
    for (key, _) in SETTINGS {
        source.take_variables(key, variable);
    }
    source.take_secrets();
    let config = source.config();
    source.problems.into_result(Some(config))
}

/// Takes the prefix off the keys of a file that have it, as those of a library that hands over the environment. Such a
/// key wins over the one without, unless it is empty. Returns how each of them was written.
fn without_prefix(values: &mut BTreeMap<String, Value>) -> BTreeMap<&'static str, String> {
    let mut written = BTreeMap::new();
    let plain = |key: &'static str| {
        let others = OTHER_KEYS.iter().filter(move |(known, _)| *known == key);
        std::iter::once(key).chain(others.map(|(_, other)| *other))
    };
    for (key, _) in SETTINGS {
        let mut won = Vec::new();
        for name in plain(key) {
            let prefixed = format!("{}{name}", PREFIX.to_lowercase());
            match values.remove(&prefixed) {
                Some(value) if !is_empty(&value) => won.push((name, prefixed, value)),
                _ => {}
            }
        }
        if !won.is_empty() {
            plain(key).for_each(|name| drop(values.remove(name)));
        }
        for (name, prefixed, value) in won {
            values.insert(name.to_owned(), value);
            written.entry(key).or_insert(prefixed);
        }
    }
    written
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Empty(..)) || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Gives each setting of a file its own name. Two names that do not say the same are a mistake.
fn one_name_each(values: &mut BTreeMap<String, Value>, problems: &mut Problems) {
    let plain = |value: &Value| value.as_str().map_or("", str::trim).to_owned();
    for (key, other) in OTHER_KEYS {
        let Some(value) = values.remove(other) else {
            continue;
        };
        match values.get(key).map(plain) {
            Some(known) if !known.is_empty() => {
                if !matches!(plain(&value), same if same.is_empty() || same == known) {
                    problems.add(
                        other,
                        format!("differs from {key}, which means the same; set one of them"),
                    );
                }
            }
            _ => {
                values.insert(key.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
