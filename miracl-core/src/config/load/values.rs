//! Makes a configuration of the settings: what each one may say.

use std::path::PathBuf;

use crate::{
    base::{cookie_key::CookieKey, secret::Secret},
    config::{
        Config,
        load::source::Source,
        options::{
            ClientAuthMethod, LogoutTokenRules, Pkce, ProjectJwtUse, Renewal, ResponseMode,
            UserinfoRequests, WhenUnavailable,
        },
        variable::GivenBy,
    },
    error::token::not_accepted,
    jose::{algorithm::SigningAlgorithm, client_key::ClientKey},
};

impl Source {
    pub(super) fn config(&mut self) -> Config {
        let mut config = Config::default();
        let clear_text = !self.from_env.contains_key("client_secret");
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
        config.asks_every_time = self.yes_or_no("asks_every_time").unwrap_or_default();
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
            // This shortens the default. A value that was set is read next.
            config.session_idle_timeout = config.session_idle_timeout.min(seconds);
        }
        if let Some(seconds) = self.seconds("session_check_interval") {
            config.session_check_interval = seconds;
        }
        if let Some(seconds) = self.seconds("session_idle_timeout") {
            config.session_idle_timeout = seconds;
        }
        self.session(&mut config);
        if let Some(seconds) = self.seconds("login_timeout") {
            config.login_timeout = seconds;
        }
        config.cookie_keys = self.cookie_keys();
        if let Some(prefix) = self.text("cookie_prefix") {
            config.cookie_prefix = prefix;
        }
        (config.session_store, config.marks_store) = self.stores(&config);
        if let Some(path) = self.text("home_path") {
            config.home_path = path;
        }
        config.public_path = self.text("public_path").unwrap_or_default();
        config.project_id = self.text("project_id");
        config.project_jwt_use = self
            .choice(
                "project_jwt_use",
                "`once` or `until_expiry`",
                |value| match value {
                    "once" => Some(ProjectJwtUse::Once),
                    "until_expiry" => Some(ProjectJwtUse::UntilExpiry),
                    _ => None,
                },
            )
            .unwrap_or_default();
        config.mpad_url = self.text("mpad_url");
        config.development = self.yes_or_no("development");
        config.danger.allow_http = self.yes_or_no("danger_allow_http").unwrap_or_default();
        config.given_by = GivenBy(std::mem::take(&mut self.from_env));
        config
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
                    format!(
                        "`{other}` is not known; set it to `client_secret_basic`, \
                        `client_secret_post`, `client_secret_jwt` or `private_key_jwt`, or leave \
                        it out"
                    ),
                );
                None
            }
        }
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
                let why = match self.service_links.contains(&"proxy_port") {
                    true => {
                        "is missing beside the proxy's host: the one in the environment is Kubernetes' own, of a \
                         Service named `proxy`; set it in the container's specification, which wins"
                    }
                    false => "is missing beside the proxy's host",
                };
                self.problems.add(name, why);
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
