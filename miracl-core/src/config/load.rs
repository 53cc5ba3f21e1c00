//! Reads settings from `miracl.json` and the environment.

pub(crate) mod stores;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use figment::{
    Figment,
    providers::{Format, Json, Serialized},
    value::Value,
};
use serde::Serialize;
use url::form_urlencoded;

use crate::error::token::not_accepted;
use crate::{
    base::{cookie_key::CookieKey, secret::Secret, text::without_bom},
    config::{
        Config,
        options::{
            ClientAuthMethod, LogoutTokenRules, Pkce, Renewal, ResponseMode, UserinfoRequests,
            WhenUnavailable,
        },
    },
    error::config::{ConfigError, Problems},
    jose::{algorithm::SigningAlgorithm, client_key::ClientKey},
};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "miracl.json";

/// Every setting: its key in the file, and its variable in the environment.
const SETTINGS: [(&str, &str); 36] = [
    ("issuer", "ISSUER"),
    ("metadata_url", "METADATA_URL"),
    ("issuer_template", "ISSUER_TEMPLATE"),
    ("allowed_tenants", "ALLOWED_TENANTS"),
    ("client_id", "CLIENT_ID"),
    ("client_id_file", "CLIENT_ID_FILE"),
    ("client_secret", "CLIENT_SECRET"),
    ("client_secret_file", "CLIENT_SECRET_FILE"),
    ("client_jwk_file", "CLIENT_JWK_FILE"),
    ("redirect_uri", "REDIRECT_URL"),
    ("post_logout_redirect_uri", "POST_LOGOUT_REDIRECT_URL"),
    ("end_session_parameters", "END_SESSION_PARAMETERS"),
    ("scopes", "SCOPES"),
    ("pkce", "PKCE"),
    ("response_mode", "RESPONSE_MODE"),
    ("token_endpoint_auth_method", "TOKEN_ENDPOINT_AUTH_METHOD"),
    (
        "id_token_signed_response_alg",
        "ID_TOKEN_SIGNED_RESPONSE_ALG",
    ),
    (
        "userinfo_signed_response_alg",
        "USERINFO_SIGNED_RESPONSE_ALG",
    ),
    ("userinfo_requests", "USERINFO_REQUESTS"),
    ("logout_token_rules", "LOGOUT_TOKEN_RULES"),
    ("trusted_audiences", "TRUSTED_AUDIENCES"),
    ("trusted_origins", "TRUSTED_ORIGINS"),
    ("ca_cert", "CA_CERT"),
    ("proxy_host", "PROXY_HOST"),
    ("proxy_port", "PROXY_PORT"),
    ("session_store", "SESSION_STORE"),
    ("marks_store", "MARKS_STORE"),
    ("session_unavailable", "SESSION_UNAVAILABLE"),
    ("renewal", "RENEWAL"),
    ("session_idle_timeout", "SESSION_IDLE_TIMEOUT"),
    ("session_absolute_timeout", "SESSION_ABSOLUTE_TIMEOUT"),
    ("cookie_keys", "COOKIE_KEYS"),
    ("cookie_prefix", "COOKIE_PREFIX"),
    ("home_path", "HOME_PATH"),
    ("development", "DEVELOPMENT"),
    ("danger_allow_http", "DANGER_ALLOW_HTTP"),
];

impl Config {
    /// Reads `miracl.json`, a JSON object with the Tornado SDK's keys `client_id`, `secret` (or `client_secret`) and
    /// `redirect_uri`, and `issuer`. Every other setting of the table under [`Config::load`] may stand there too, by
    /// its key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not a JSON object, or has a value that does not fit. What is *missing* is told by
    /// [`Miracl::new`](crate::Miracl::new), so that the rest can still be filled in.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        build(Some(path.as_ref()), false)
    }

    /// Reads the environment's variables, as [`Config::load`] lists them, and no file.
    ///
    /// # Errors
    ///
    /// When a value does not fit. What is missing is told by [`Miracl::new`](crate::Miracl::new).
    pub fn from_env() -> Result<Self, ConfigError> {
        build(None, true)
    }

    /// Takes settings from any value of serde's that is a map with the keys of the file, as [`Config::load`] lists them: the
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
    /// When it is no map, or has a value that does not fit. What is missing is told by [`Miracl::new`](crate::Miracl::new).
    pub fn from_serde(settings: &impl Serialize) -> Result<Self, ConfigError> {
        match Value::serialize(settings) {
            Ok(map @ Value::Dict(..)) => {
                read(Figment::from(Serialized::globals(map)), "settings", false)
            }
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
    /// | `redirect_uri` | `REDIRECT_URL` | [`Config::redirect_uri`] |
    /// | `post_logout_redirect_uri` | `POST_LOGOUT_REDIRECT_URL` | [`Config::post_logout_redirect_uri`] |
    /// | `end_session_parameters` | `END_SESSION_PARAMETERS` | [`Config::end_session_parameters`]: an object, or as in a query: `logout_uri=https%3A%2F%2Fapp.example%2F` |
    /// | `scopes` | `SCOPES` | [`Config::scopes`], separated by spaces |
    /// | `pkce` | `PKCE` | [`Config::pkce`]: `on` or `off` |
    /// | `response_mode` | `RESPONSE_MODE` | [`Config::response_mode`]: `query` or `form_post` |
    /// | `token_endpoint_auth_method` | `TOKEN_ENDPOINT_AUTH_METHOD` | [`Config::token_endpoint_auth_method`] |
    /// | `id_token_signed_response_alg` | `ID_TOKEN_SIGNED_RESPONSE_ALG` | [`Config::id_token_signed_response_alg`] |
    /// | `userinfo_signed_response_alg` | `USERINFO_SIGNED_RESPONSE_ALG` | [`Config::userinfo_signed_response_alg`] |
    /// | `userinfo_requests` | `USERINFO_REQUESTS` | [`Config::userinfo_requests`]: `always`, `when_needed` or `never` |
    /// | `logout_token_rules` | `LOGOUT_TOKEN_RULES` | [`Config::logout_token_rules`]: `final`, `strict` or `lenient` |
    /// | `trusted_audiences` | `TRUSTED_AUDIENCES` | [`Config::trusted_audiences`], separated by spaces |
    /// | `trusted_origins` | `TRUSTED_ORIGINS` | [`Config::trusted_origins`], separated by spaces |
    /// | `ca_cert` | `CA_CERT` | [`Config::ca_certs`], one file |
    /// | `proxy_host`, `proxy_port` | `PROXY_HOST`, `PROXY_PORT` | [`Config::proxy`] |
    /// | `session_store` | `SESSION_STORE` | [`Config::session_store`]: `cookie`, `memory`, or the address of a Redis (see below) |
    /// | `marks_store` | `MARKS_STORE` | [`Config::marks_store`]: `memory`, or the address of a Redis; by default that of `session_store`, if that is one |
    /// | `session_unavailable` | `SESSION_UNAVAILABLE` | [`Config::session_unavailable`]: `error` or `anonymous` |
    /// | `renewal` | `RENEWAL` | [`Config::renewal`]: `lazy` or `eager` |
    /// | `session_idle_timeout` | `SESSION_IDLE_TIMEOUT` | [`Config::session_idle_timeout`] in seconds |
    /// | `session_absolute_timeout` | `SESSION_ABSOLUTE_TIMEOUT` | [`Config::session_absolute_timeout`] in seconds |
    /// | `cookie_keys` | `COOKIE_KEYS` | [`Config::cookie_keys`], base64, separated by commas |
    /// | `cookie_prefix` | `COOKIE_PREFIX` | [`Config::cookie_prefix`] |
    /// | `home_path` | `HOME_PATH` | [`Config::home_path`] |
    /// | `development` | `DEVELOPMENT` | [`Config::development`]: `1` or `0` |
    /// | `danger_allow_http` | `DANGER_ALLOW_HTTP` | [`Danger::allow_http`](crate::Danger::allow_http): `1` or `0`. **It gives up every promise on the way** |
    ///
    /// A setting whose feature does not exist yet, or is not switched on, is an error and never ignored.
    ///
    /// The address of a Redis is `redis://[user:password@]host[:port][/database]`, or `rediss://…` with TLS, and with the authorities of
    /// `CA_CERT` besides the system's; `redis+sentinel://…` and `redis+cluster://…` are those that `RedisStore` describes. It needs this crate's feature `redis`, which the adapters have by the same
    /// name. Keys begin with the cookie prefix: two apps on one Redis need two, as two apps on one host do.
    ///
    /// # Errors
    ///
    /// As [`Config::from_file`]; a file that was named must exist.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let named = file.map(Path::to_owned).or_else(|| {
            env::var_os("MIRACL_CONFIG")
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        });
        let default = Path::new(DEFAULT_FILE);
        match &named {
            Some(path) => build(Some(path), true),
            None if default.exists() => build(Some(default), true),
            None => build(None, true),
        }
    }
}

fn build(file: Option<&Path>, with_env: bool) -> Result<Config, ConfigError> {
    let Some(path) = file else {
        return read(Figment::new(), "settings", with_env);
    };
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read(
            Figment::from(Json::string(without_bom(&text))),
            &name,
            with_env,
        ),
        Err(error) => {
            let mut problems = Problems::default();
            problems.add(name, format!("cannot be read: {error}"));
            problems.into_result(None)
        }
    }
}

/// Reads settings from what a file or another source had, called `name` in mistakes, and from the environment.
fn read(figment: Figment, name: &str, with_env: bool) -> Result<Config, ConfigError> {
    let mut problems = Problems::default();
    // figment's own reader of the environment would take `0123` for a number; a secret is text, whatever it looks like.
    let mut variables: BTreeMap<&str, String> = BTreeMap::new();
    for (key, variable) in SETTINGS.iter().filter(|_| with_env) {
        match env::var(variable) {
            Ok(value) if !value.is_empty() => {
                variables.insert(*key, value);
            }
            Ok(_) | Err(env::VarError::NotPresent) => {}
            Err(env::VarError::NotUnicode(_)) => problems.add(*variable, "is not UTF-8"),
        }
    }
    let from_env: Vec<&str> = variables.keys().copied().collect();
    let merged = figment
        .merge(Serialized::globals(variables))
        .extract::<BTreeMap<String, Value>>();
    let mut values = match merged {
        Ok(values) => values,
        Err(error) => {
            problems.add(name, format!("is not a JSON object of settings: {error}"));
            return problems.into_result(None);
        }
    };
    // The Tornado SDK's name for it.
    let legacy = values.remove("secret");
    if let Some(secret) = legacy
        && !from_env.contains(&"client_secret")
    {
        values.insert("client_secret".to_owned(), secret);
    }
    for key in values.keys() {
        if !SETTINGS.iter().any(|(known, _)| known == key) {
            tracing::warn!(key, "unknown setting in the configuration file");
        }
    }
    let mut source = Source {
        values,
        from_env,
        problems,
    };
    let config = source.config();
    source.problems.into_result(Some(config))
}

/// The merged values, taken out one by one.
struct Source<'a> {
    values: BTreeMap<String, Value>,
    from_env: Vec<&'a str>,
    problems: Problems,
}

impl Source<'_> {
    fn config(&mut self) -> Config {
        let mut config = Config::default();
        let clear_text = !self.from_env.contains(&"client_secret");
        config.issuer = self.text("issuer").unwrap_or_default();
        config.metadata_url = self.text("metadata_url");
        config.issuer_template = self.text("issuer_template");
        config.allowed_tenants = self.list("allowed_tenants").unwrap_or_default();
        config.client_id = self.text("client_id").unwrap_or_default();
        config.client_id_file = self.text("client_id_file").map(PathBuf::from);
        config.client_secret = match self.text("client_secret") {
            Some(secret) if clear_text => Secret::from_clear_text(secret),
            Some(secret) => secret.into(),
            None => Secret::default(),
        };
        config.client_secret_file = self.text("client_secret_file").map(PathBuf::from);
        config.redirect_uri = self.text("redirect_uri").unwrap_or_default();
        config.post_logout_redirect_uri = self.text("post_logout_redirect_uri");
        config.end_session_parameters = self.parameters("end_session_parameters");
        config.response_mode = self
            .choice(
                "response_mode",
                "`query` or `form_post`",
                |value| match value {
                    "query" => Some(ResponseMode::Query),
                    "form_post" => Some(ResponseMode::FormPost),
                    _ => None,
                },
            )
            .unwrap_or_default();
        if let Some(scopes) = self.list("scopes") {
            config.scopes = scopes;
        }
        config.pkce = self
            .choice("pkce", "`on` or `off`", |value| match value {
                "on" => Some(Pkce::S256),
                "off" => Some(Pkce::Off),
                _ => None,
            })
            .unwrap_or_default();
        config.client_key = self.client_key();
        config.token_endpoint_auth_method = self.token_endpoint_auth_method();
        config.id_token_signed_response_alg = self.algorithm("id_token_signed_response_alg");
        config.userinfo_signed_response_alg = self.algorithm("userinfo_signed_response_alg");
        config.userinfo_requests = self
            .choice(
                "userinfo_requests",
                "`always`, `when_needed` or `never`",
                |value| match value {
                    "always" => Some(UserinfoRequests::Always),
                    "when_needed" => Some(UserinfoRequests::WhenNeeded),
                    "never" => Some(UserinfoRequests::Never),
                    _ => None,
                },
            )
            .unwrap_or_default();
        config.logout_token_rules = self
            .choice(
                "logout_token_rules",
                "`final`, `strict` or `lenient`",
                |value| match value {
                    "final" => Some(LogoutTokenRules::Final),
                    "strict" => Some(LogoutTokenRules::Strict),
                    "lenient" => Some(LogoutTokenRules::Lenient),
                    _ => None,
                },
            )
            .unwrap_or_default();
        config.trusted_audiences = self.list("trusted_audiences").unwrap_or_default();
        config.trusted_origins = self.list("trusted_origins").unwrap_or_default();
        config.ca_certs = self
            .text("ca_cert")
            .map(PathBuf::from)
            .into_iter()
            .collect();
        config.proxy = self.proxy();
        config.session_unavailable = self
            .choice(
                "session_unavailable",
                "`error` or `anonymous`",
                |value| match value {
                    "error" => Some(WhenUnavailable::Error),
                    "anonymous" => Some(WhenUnavailable::Anonymous),
                    _ => None,
                },
            )
            .unwrap_or_default();
        config.renewal = self
            .choice("renewal", "`lazy` or `eager`", |value| match value {
                "lazy" => Some(Renewal::Lazy),
                "eager" => Some(Renewal::Eager),
                _ => None,
            })
            .unwrap_or_default();
        if let Some(seconds) = self.seconds("session_absolute_timeout") {
            config.session_absolute_timeout = seconds;
            // The default, not what somebody set.
            config.session_idle_timeout = config.session_idle_timeout.min(seconds);
        }
        if let Some(seconds) = self.seconds("session_idle_timeout") {
            config.session_idle_timeout = seconds;
        }
        config.cookie_keys = self.cookie_keys();
        if let Some(prefix) = self.text("cookie_prefix") {
            config.cookie_prefix = prefix;
        }
        (config.session_store, config.marks_store) = self.stores(&config);
        if let Some(path) = self.text("home_path") {
            config.home_path = path;
        }
        config.development = self.yes_or_no("development");
        config.danger.allow_http = self.yes_or_no("danger_allow_http").unwrap_or_default();
        config
    }

    /// The name under which the person knows a setting: the variable's when it came from there.
    fn name(&self, key: &str) -> String {
        SETTINGS
            .iter()
            .find(|(known, _)| *known == key && self.from_env.contains(known))
            .map_or(key, |(_, variable)| variable)
            .to_owned()
    }

    /// The name of a setting that is missing beside another: a variable's where the other came from there.
    fn name_beside(&self, key: &str, other: &str) -> String {
        SETTINGS
            .iter()
            .find(|(known, _)| *known == key && self.from_env.contains(&other))
            .map_or(key, |(_, variable)| variable)
            .to_owned()
    }

    fn refuse(&mut self, key: &str, message: impl Into<String>) {
        let name = self.name(key);
        self.problems.add(name, message);
    }

    /// A text. In the file, a number or boolean counts as its text.
    fn text(&mut self, key: &str) -> Option<String> {
        let text = match self.values.remove(key)? {
            Value::String(_, text) => text,
            Value::Bool(_, value) => value.to_string(),
            Value::Num(_, number) => {
                let whole = number.to_u128().map(|value| value.to_string());
                let signed = || number.to_i128().map(|value| value.to_string());
                let real = || number.to_f64().map(|value| value.to_string());
                whole.or_else(signed).or_else(real).unwrap_or_default()
            }
            Value::Empty(..) => return None,
            _ => {
                self.refuse(key, "must be a text");
                return None;
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A list: an array in the file, or a text with spaces between.
    fn list(&mut self, key: &str) -> Option<Vec<String>> {
        if let Some(Value::Array(_, values)) = self.values.get(key) {
            let texts = values
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect();
            self.values.remove(key);
            if let Some(texts) = texts {
                return Some(texts);
            }
            self.refuse(key, "must be a list of texts");
            return None;
        }
        self.text(key)
            .map(|text| text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    fn choice<T>(
        &mut self,
        key: &str,
        choices: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.refuse(key, format!("`{text}` is not known; set it to {choices}"));
        }
        value
    }

    fn yes_or_no(&mut self, key: &str) -> Option<bool> {
        self.choice(key, "`1` or `0`", |value| match value {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        })
    }

    /// Parameters of a URL: an object of texts in the file, or a text as in a query.
    fn parameters(&mut self, key: &str) -> Vec<(String, String)> {
        if let Some(Value::Dict(_, values)) = self.values.get(key) {
            let pair =
                |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            let pairs: Option<Vec<_>> = values.iter().map(pair).collect();
            self.values.remove(key);
            if pairs.is_none() {
                self.refuse(key, "must be an object of texts");
            }
            return pairs.unwrap_or_default();
        }
        let text = self.text(key).unwrap_or_default();
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    fn algorithm(&mut self, key: &str) -> Option<SigningAlgorithm> {
        let name = self.text(key)?;
        let algorithm = SigningAlgorithm::from_name(&name);
        if algorithm.is_none() {
            let why = not_accepted(&name).unwrap_or("not known");
            let choices = SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", ");
            self.refuse(
                key,
                format!("`{name}` is {why}; set it to one of {choices}"),
            );
        }
        algorithm
    }

    fn seconds(&mut self, key: &str) -> Option<Duration> {
        self.choice(key, "a number of seconds", |text| text.parse().ok())
            .map(Duration::from_secs)
    }

    fn client_key(&mut self) -> Option<ClientKey> {
        const KEY: &str = "client_jwk_file";
        match ClientKey::from_file(self.text(KEY)?) {
            Ok(key) => Some(key),
            Err(error) => {
                self.refuse(KEY, error.to_string());
                None
            }
        }
    }

    fn token_endpoint_auth_method(&mut self) -> Option<ClientAuthMethod> {
        const KEY: &str = "token_endpoint_auth_method";
        match self.text(KEY)?.as_str() {
            "client_secret_basic" => Some(ClientAuthMethod::ClientSecretBasic),
            "client_secret_post" => Some(ClientAuthMethod::ClientSecretPost),
            "client_secret_jwt" => Some(ClientAuthMethod::ClientSecretJwt),
            "private_key_jwt" => Some(ClientAuthMethod::PrivateKeyJwt),
            other => {
                self.refuse(
                    KEY,
                    format!("`{other}` is not known; set it to `client_secret_basic`, `client_secret_post`, `client_secret_jwt` or `private_key_jwt`, or leave it out"),
                );
                None
            }
        }
    }

    fn proxy(&mut self) -> Option<String> {
        let (host, port) = (self.text("proxy_host"), self.text("proxy_port"));
        match (host, port) {
            (None, None) => None,
            (Some(host), Some(port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => {
                let host = host.strip_prefix("http://").unwrap_or(&host);
                Some(format!("http://{host}:{port}"))
            }
            (Some(_), Some(port)) => {
                self.refuse("proxy_port", format!("`{port}` is not a port"));
                None
            }
            (Some(_), None) => {
                let name = self.name_beside("proxy_port", "proxy_host");
                self.problems
                    .add(name, "is missing beside the proxy's host");
                None
            }
            (None, Some(_)) => {
                let name = self.name_beside("proxy_host", "proxy_port");
                self.problems
                    .add(name, "is missing beside the proxy's port");
                None
            }
        }
    }

    fn cookie_keys(&mut self) -> Vec<CookieKey> {
        let texts: Vec<String> = match self.list("cookie_keys") {
            Some(texts) => texts
                .iter()
                .flat_map(|text| text.split(','))
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
                .collect(),
            None => return Vec::new(),
        };
        if texts.is_empty() {
            self.refuse("cookie_keys", "has no key in it");
        }
        let mut keys = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            match CookieKey::from_base64(text) {
                Ok(key) => keys.push(key),
                Err(error) => self.refuse("cookie_keys", format!("key {} is {error}", place + 1)),
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests;
