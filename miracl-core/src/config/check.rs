//! Finds every mistake in a configuration before anything is started.

use std::time::Duration;

use url::{ParseError, Position, Url};

use crate::base::issuer_template::TENANT;
use crate::base::issuer_template::is_tenant;
use crate::{
    base::loopback::{is_loopback, is_secure},
    config::{
        Config, credentials,
        options::{ClientAuthMethod, ResponseMode},
    },
    error::config::{ConfigError, Problems},
    web::return_to::ReturnTo,
};

/// Where a value of the Portal is found, for error messages.
const PORTAL: &str =
    "you find it at the provider, on the page of this app (MIRACL: Portal, Applications)";

/// The shortest secret that HMAC with SHA-256 may use.
const MIN_HMAC_SECRET: usize = 32;

/// The longest time that anything may last.
const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// What the template of `miracl.json` has before anyone fills it in.
const TEMPLATE: [&str; 4] = ["ISSUER", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"];

/// A configuration without mistakes, with what was parsed on the way.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) config: Config,
    /// The redirect URI's path.
    pub(crate) callback_path: String,
    /// The path of the page after log-out, when it lies on this site.
    pub(crate) signed_out_path: Option<String>,
    /// The redirect URI's origin, as a URL with the path `/`.
    pub(crate) origin: Url,
    /// Origins in their serialised form (RFC 6454 §6.2): ours first.
    pub(crate) allowed_origins: Vec<String>,
    /// Whether cookies are `Secure`.
    pub(crate) secure: bool,
    /// Whether failures may be explained on error pages.
    pub(crate) development: bool,
}

impl Config {
    /// Finds every mistake, as [`Miracl::new`](crate::Miracl::new) does, without making anything.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the mistakes, each with its key and what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.clone().parse().map(drop)
    }

    /// Takes the configuration apart and names every mistake.
    pub(crate) fn parse(mut self) -> Result<Checked, ConfigError> {
        let mut problems = Problems::default();
        self.check_issuer(&mut problems);
        self.check_metadata_url(&mut problems);
        self.check_issuer_template(&mut problems);
        self.check_credentials(&mut problems);
        self.check_end_session_parameters(&mut problems);
        self.check_values(&mut problems);
        let redirect = self.check_redirect_uri(&mut problems);
        let checked = redirect.and_then(|redirect| self.into_checked(&redirect, &mut problems));
        problems.into_result(checked)
    }

    fn check_issuer(&mut self, problems: &mut Problems) {
        let trimmed = self.issuer.trim();
        let trimmed = trimmed
            .strip_suffix("/.well-known/openid-configuration")
            .unwrap_or(trimmed);
        self.issuer = trimmed.to_owned();
        let mut add = |message: String| problems.add("issuer", message);
        if self.issuer.is_empty() || TEMPLATE.contains(&self.issuer.as_str()) {
            return add(format!("is missing: the provider's issuer URL; {PORTAL}"));
        }
        let url = Url::parse(&self.issuer);
        if self.metadata_url.is_some() {
            // A name that tokens carry, and nothing is fetched from it.
            match url {
                Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                    self.issuer.clear();
                    add("must have no user name and no password".to_owned());
                }
                _ if self
                    .issuer
                    .contains(|c: char| c.is_whitespace() || c.is_control()) =>
                {
                    add("must be one word, as the tokens have it in `iss`".to_owned());
                }
                _ => {}
            }
            return;
        }
        match url {
            Err(ParseError::RelativeUrlWithoutBase) => add(format!(
                "`{}` is not a URL; if the provider's tokens have that as `iss`, set metadata_url to the address of its discovery document besides",
                self.issuer
            )),
            Err(error) => add(format!("`{}` is not a URL ({error})", self.issuer)),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                add("must have no query and no fragment".to_owned());
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.issuer.clear();
                add("must have no user name and no password".to_owned());
            }
            Ok(url) if !self.danger.allow_http && !is_secure(&url) => add(format!(
                "`{}` must be https (http is for 127.0.0.1 and localhost)",
                self.issuer
            )),
            Ok(_) => {}
        }
    }

    fn check_metadata_url(&mut self, problems: &mut Problems) {
        let Some(text) = self.metadata_url.take() else {
            return;
        };
        let text = text.trim().to_owned();
        let mut add = |message: String| problems.add("metadata_url", message);
        match Url::parse(&text) {
            Err(error) => add(format!("`{text}` is not a URL ({error})")),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                return add("must have no user name and no password".to_owned());
            }
            Ok(url) if url.fragment().is_some() => add("must have no fragment".to_owned()),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                add(format!("`{text}` must be an http or https URL"));
            }
            Ok(url) if !self.danger.allow_http && !is_secure(&url) => add(format!(
                "`{text}` must be https (http is for 127.0.0.1 and localhost): whoever is on the way could name keys of their own, and be any user; in a network that is yours alone, danger_allow_http allows it"
            )),
            Ok(_) => {}
        }
        self.metadata_url = Some(text);
    }

    fn check_end_session_parameters(&self, problems: &mut Problems) {
        const OURS: [&str; 5] = [
            "id_token_hint",
            "client_id",
            "client_secret",
            "post_logout_redirect_uri",
            "state",
        ];
        let mut add = |message: String| problems.add("end_session_parameters", message);
        let parameters = &self.end_session_parameters;
        for (place, (name, _)) in parameters.iter().enumerate() {
            if name.is_empty() {
                add("has a parameter without a name".to_owned());
            } else if name.eq_ignore_ascii_case("post_logout_redirect_uri") {
                add("`post_logout_redirect_uri` has a setting of its own".to_owned());
            } else if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
                // Some providers do not look at the case of a name.
                add(format!("`{name}` is not yours to set"));
            } else if parameters[..place].iter().any(|(other, _)| other == name) {
                add(format!("has `{name}` twice"));
            }
        }
    }

    fn check_issuer_template(&self, problems: &mut Problems) {
        let Some(template) = &self.issuer_template else {
            if !self.allowed_tenants.is_empty() {
                problems.add(
                    "allowed_tenants",
                    "means nothing without issuer_template, since one issuer is one tenant",
                );
            }
            return;
        };
        if template.matches(TENANT).count() != 1 {
            problems.add(
                "issuer_template",
                format!(
                    "must have `{TENANT}` in it once, as in `https://login.microsoftonline.com/{TENANT}/v2.0`"
                ),
            );
        }
        let some_issuer = template.replace(TENANT, "tenant");
        match Url::parse(&some_issuer) {
            Err(error) => problems.add(
                "issuer_template",
                format!("`{template}` is not a URL ({error})"),
            ),
            Ok(url) if !self.danger.allow_http && !is_secure(&url) => {
                problems.add("issuer_template", format!("`{template}` must be https"));
            }
            Ok(_) => {}
        }
        if let Some(odd) = self.allowed_tenants.iter().find(|id| !is_tenant(id)) {
            problems.add("allowed_tenants", format!("`{odd}` is not a tenant's id"));
        }
    }

    fn check_credentials(&mut self, problems: &mut Problems) {
        if let Some(path) = &self.client_id_file {
            match credentials::read(path) {
                Ok(id) => self.client_id = id,
                Err(error) => return problems.add("client_id_file", no_file(&error)),
            }
        }
        if let Some(path) = &self.client_secret_file {
            match credentials::read(path) {
                Ok(secret) => self.client_secret = secret.into(),
                Err(error) => return problems.add("client_secret_file", no_file(&error)),
            }
        }
        if self.credential_source.is_some() {
            return;
        }
        if self.client_id.trim().is_empty() || TEMPLATE.contains(&self.client_id.as_str()) {
            problems.add("client_id", format!("is missing; {PORTAL}"));
        }
        let secret = self.client_secret.expose();
        let by_key = match self.token_endpoint_auth_method {
            Some(method) => method == ClientAuthMethod::PrivateKeyJwt,
            None => self.client_key.is_some(),
        };
        if by_key {
            if self.client_key.is_none() {
                problems.add(
                    "client_key",
                    "is missing; `private_key_jwt` needs the private key whose public half is registered at the provider",
                );
            }
        } else if self.token_endpoint_auth_method == Some(ClientAuthMethod::ClientSecretJwt)
            && (1..MIN_HMAC_SECRET).contains(&secret.len())
        {
            problems.add(
                "client_secret",
                format!("is shorter than {MIN_HMAC_SECRET} bytes, too short for `client_secret_jwt` (RFC 7518 §3.2)"),
            );
        } else if secret.trim().is_empty() || TEMPLATE.contains(&secret) {
            problems.add(
                "client_secret",
                format!("is missing; {PORTAL}, shown once, when the app is made"),
            );
        }
    }

    fn check_values(&self, problems: &mut Problems) {
        if !self.scopes.iter().any(|scope| scope == "openid") {
            problems.add("scopes", "must contain `openid`");
        }
        // RFC 6749 §3.3: scope-token
        let odd = |c: char| !matches!(c, '!' | '#'..='[' | ']'..='~');
        if let Some(scope) = self.scopes.iter().find(|s| s.is_empty() || s.contains(odd)) {
            problems.add("scopes", format!("`{scope}` is not one scope"));
        }
        if self.cookie_keys.is_empty() {
            problems.add(
                "cookie_keys",
                format!(
                    "is missing; make a key with `{}` and keep it with the app's other secrets",
                    crate::base::cookie_key::MAKE_A_KEY
                ),
            );
        }
        let ids: Vec<_> = self.cookie_keys.iter().map(crate::CookieKey::id).collect();
        if (1..ids.len()).any(|place| ids[..place].contains(&ids[place])) {
            problems.add("cookie_keys", "has the same key twice");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.cookie_prefix.starts_with("__") {
            problems.add(
                "cookie_prefix",
                "must not begin with `__`, which means something to browsers; `__Host-` is put before it on https",
            );
        }
        if self.cookie_prefix.is_empty()
            || self.cookie_prefix.len() > 32
            || !self.cookie_prefix.chars().all(plain)
        {
            problems.add(
                "cookie_prefix",
                "must be 1 to 32 letters, digits, `-` or `_`",
            );
        }
        for (key, duration) in [
            ("session_idle_timeout", self.session_idle_timeout),
            ("session_absolute_timeout", self.session_absolute_timeout),
            ("login_timeout", self.login_timeout),
        ] {
            if duration.as_secs() == 0 {
                problems.add(key, "must be at least one second");
            }
        }
        for (key, duration) in [
            ("session_idle_timeout", self.session_idle_timeout),
            ("session_absolute_timeout", self.session_absolute_timeout),
            ("login_timeout", self.login_timeout),
            ("request_timeout", self.request_timeout),
            ("clock_skew", self.clock_skew),
        ] {
            if duration > MAX_DURATION {
                problems.add(key, "must be at most ten years");
            }
        }
        if self.request_timeout.is_zero() {
            problems.add("request_timeout", "must not be zero");
        }
        if self.session_idle_timeout > self.session_absolute_timeout {
            problems.add(
                "session_idle_timeout",
                "must not be longer than session_absolute_timeout",
            );
        }
    }

    fn check_redirect_uri(&self, problems: &mut Problems) -> Option<Url> {
        let mut add = |message: String| problems.add("redirect_uri", message);
        if self.redirect_uri.is_empty() || TEMPLATE.contains(&self.redirect_uri.as_str()) {
            add(
                "is missing; set it to the URL of this app's callback route as registered at the provider, such as `http://127.0.0.1:5000/login`"
                    .to_owned(),
            );
            return None;
        }
        match Url::parse(&self.redirect_uri) {
            Err(error) => add(format!("`{}` is not a URL ({error})", self.redirect_uri)),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                add("must be an http or https URL".to_owned());
            }
            Ok(url) if url.fragment().is_some() => add("must have no fragment".to_owned()),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                add("must have no user name and no password".to_owned());
            }
            Ok(url) if url.path() == "/" || url.path().contains("//") => add(format!(
                "`{}` has the path `{}`, where no route of its own can be; give it one, such as `/login`",
                self.redirect_uri,
                url.path()
            )),
            Ok(url) if url.query().is_some() => add(
                "must have no query; use LoginOptions::return_to to remember where to go"
                    .to_owned(),
            ),
            Ok(url) if !self.danger.allow_http && !is_secure(&url) => add(format!(
                "`{}` must be https (http is for 127.0.0.1 and localhost): on plain http anyone on the way can take over sessions",
                self.redirect_uri
            )),
            Ok(url) => return Some(url),
        }
        None
    }

    fn into_checked(self, redirect: &Url, problems: &mut Problems) -> Option<Checked> {
        let mut origin = redirect.clone();
        origin.set_path("/");
        let callback_path = redirect.path().to_owned();
        let mut signed_out_path = None;
        if let Some(uri) = &self.post_logout_redirect_uri {
            match Url::parse(uri) {
                Err(error) => problems.add(
                    "post_logout_redirect_uri",
                    format!("`{uri}` is not a URL ({error})"),
                ),
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    problems.add("post_logout_redirect_uri", "must be an http or https URL")
                }
                Ok(url) if url.origin() == origin.origin() => {
                    signed_out_path = Some(url.path().to_owned());
                }
                Ok(_) => {}
            }
        }
        let paths = [
            ("paths.login_start", Some(&self.paths.login_start)),
            ("paths.login_initiate", Some(&self.paths.login_initiate)),
            ("paths.logout", Some(&self.paths.logout)),
            (
                "paths.backchannel_logout",
                Some(&self.paths.backchannel_logout),
            ),
            (
                "paths.frontchannel_logout",
                Some(&self.paths.frontchannel_logout),
            ),
            ("redirect_uri", Some(&callback_path)),
            (
                "post_logout_redirect_uri",
                signed_out_path.as_ref().filter(|path| *path != "/"),
            ),
        ];
        for (place, (key, path)) in paths.iter().enumerate() {
            let Some(path) = path else { continue };
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
            if !path.starts_with('/') || !path.chars().all(plain) {
                problems.add(
                    *key,
                    format!("the path `{path}` must begin with `/` and have letters, digits and `-._~` only"),
                );
            }
            if let Some((other, _)) = paths[..place]
                .iter()
                .find(|(_, other)| *other == Some(*path))
            {
                problems.add(*key, format!("has the same path `{path}` as {other}"));
            }
        }
        let mut allowed_origins = vec![origin.origin().ascii_serialization()];
        for trusted in &self.trusted_origins {
            match Url::parse(trusted) {
                Ok(url)
                    if matches!(url.scheme(), "http" | "https")
                        && url[Position::BeforePath..].trim_end_matches('/').is_empty() =>
                {
                    allowed_origins.push(url.origin().ascii_serialization());
                }
                _ => problems.add(
                    "trusted_origins",
                    format!("`{trusted}` is not an origin such as `https://admin.example`"),
                ),
            }
        }
        if ReturnTo::parse(&self.home_path, &origin, &[]).is_none() {
            problems.add(
                "home_path",
                format!("`{}` is not a path on this site", self.home_path),
            );
        }
        if self.signed_out_loops(&signed_out_path) {
            problems.add(
                "home_path",
                "is the path of post_logout_redirect_uri, which redirects there",
            );
        }
        if self.response_mode == ResponseMode::FormPost && !is_secure(redirect) {
            problems.add(
                "response_mode",
                "`form_post` needs https: browsers send the cookie of a login under way from another site only if it is `Secure`",
            );
        }
        let secure = redirect.scheme() == "https";
        let development = self.development.unwrap_or_else(|| is_loopback(redirect));
        Some(Checked {
            callback_path,
            signed_out_path: signed_out_path.filter(|path| *path != "/"),
            origin,
            allowed_origins,
            secure,
            development,
            config: self,
        })
    }

    fn signed_out_loops(&self, signed_out_path: &Option<String>) -> bool {
        self.home_path != "/" && signed_out_path.as_deref() == Some(&self.home_path)
    }
}

fn no_file(error: &std::io::Error) -> String {
    format!("{error}; put the value into that file, alone, and let the app read it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CookieKey;

    fn good() -> Config {
        Config {
            issuer: "https://issuer.example".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirect_uri: "https://app.example/login".into(),
            post_logout_redirect_uri: Some("https://app.example/signed-out".into()),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        }
    }

    fn problems(config: Config) -> Vec<String> {
        match config.parse() {
            Ok(_) => Vec::new(),
            Err(error) => error.problems().iter().map(|p| p.key.clone()).collect(),
        }
    }

    #[test]
    fn a_good_configuration_is_taken_apart() {
        let checked = good().parse().unwrap();
        assert_eq!(checked.callback_path, "/login");
        assert_eq!(checked.signed_out_path.as_deref(), Some("/signed-out"));
        assert_eq!(checked.allowed_origins, ["https://app.example"]);
        assert!(checked.secure && !checked.development);
    }

    #[test]
    fn an_empty_configuration_names_everything_that_is_missing() {
        assert_eq!(
            problems(Config::default()),
            [
                "issuer",
                "client_id",
                "client_secret",
                "cookie_keys",
                "redirect_uri"
            ]
        );
    }

    #[test]
    fn the_untouched_template_counts_as_missing() {
        let config = Config {
            client_id: "CLIENT_ID".into(),
            client_secret: "CLIENT_SECRET".into(),
            ..good()
        };
        assert_eq!(problems(config), ["client_id", "client_secret"]);
    }

    #[test]
    fn the_pasted_address_of_the_discovery_document_is_trimmed_to_the_issuer() {
        let config = Config {
            issuer: "https://issuer.example/x/.well-known/openid-configuration".into(),
            ..good()
        };
        assert_eq!(
            config.parse().unwrap().config.issuer,
            "https://issuer.example/x"
        );
    }

    #[test]
    fn with_an_address_of_the_metadata_the_issuer_is_whatever_tokens_carry() {
        for (issuer, metadata_url) in [
            (
                "acme.com",
                "https://i.example/.well-known/openid-configuration",
            ),
            ("https://i.example/", "https://other.example/x?p=signin"),
            ("http://i.example", "https://i.example/metadata"),
            ("https://i.example/?q", "http://127.0.0.1:8080/metadata"),
        ] {
            let config = Config {
                issuer: issuer.into(),
                metadata_url: Some(format!(" {metadata_url}\n")),
                ..good()
            };
            let checked = config.parse().unwrap().config;
            assert_eq!(checked.issuer, issuer);
            assert_eq!(checked.metadata_url.as_deref(), Some(metadata_url));
        }
        // Without one, who has such an issuer is told of it.
        let config = Config {
            issuer: "acme.com".into(),
            ..good()
        };
        let told = config.parse().unwrap_err().to_string();
        assert!(told.contains("metadata_url"), "{told}");
        // A network inside of which there is no https.
        let mut config = Config {
            metadata_url: Some("http://keycloak:8080/metadata".into()),
            ..good()
        };
        let told = config.clone().parse().unwrap_err().to_string();
        assert!(told.contains("danger_allow_http"), "{told}");
        config.danger.allow_http = true;
        assert!(problems(config).is_empty());
    }

    #[test]
    fn http_is_for_loopback_unless_the_danger_is_accepted() {
        let http = |uri: &str| Config {
            redirect_uri: uri.into(),
            post_logout_redirect_uri: None,
            ..good()
        };
        assert!(problems(http("http://127.0.0.1:5000/login")).is_empty());
        assert!(problems(http("http://localhost/login")).is_empty());
        assert_eq!(problems(http("http://app.example/login")), ["redirect_uri"]);
        let mut config = http("http://app.example/login");
        config.danger.allow_http = true;
        assert!(problems(config).is_empty());
        let config = Config {
            issuer: "http://issuer.example".into(),
            ..good()
        };
        assert_eq!(problems(config), ["issuer"]);
    }

    #[test]
    fn each_wrong_value_is_named_by_its_key() {
        let key = CookieKey::generate();
        let wrong: Vec<(&str, Config)> = vec![
            (
                "issuer",
                Config {
                    issuer: "not a url".into(),
                    ..good()
                },
            ),
            (
                "issuer",
                Config {
                    issuer: "https://i.example/?q".into(),
                    ..good()
                },
            ),
            (
                "metadata_url",
                Config {
                    metadata_url: Some("/metadata".into()),
                    ..good()
                },
            ),
            (
                "metadata_url",
                Config {
                    metadata_url: Some("http://keycloak:8080/metadata".into()),
                    ..good()
                },
            ),
            (
                "metadata_url",
                Config {
                    metadata_url: Some("https://u:p@i.example/metadata".into()),
                    ..good()
                },
            ),
            (
                "issuer",
                Config {
                    issuer: "two words".into(),
                    metadata_url: Some("https://i.example/metadata".into()),
                    ..good()
                },
            ),
            (
                "end_session_parameters",
                Config {
                    end_session_parameters: vec![("id_token_hint".into(), "x".into())],
                    ..good()
                },
            ),
            (
                "end_session_parameters",
                Config {
                    end_session_parameters: vec![("Client_ID".into(), "x".into())],
                    ..good()
                },
            ),
            (
                "end_session_parameters",
                Config {
                    end_session_parameters: vec![("POST_LOGOUT_REDIRECT_URI".into(), "x".into())],
                    ..good()
                },
            ),
            (
                "end_session_parameters",
                Config {
                    end_session_parameters: vec![
                        ("a".into(), "1".into()),
                        ("a".into(), "2".into()),
                    ],
                    ..good()
                },
            ),
            (
                "redirect_uri",
                Config {
                    redirect_uri: "/login".into(),
                    ..good()
                },
            ),
            (
                "redirect_uri",
                Config {
                    redirect_uri: "https://a.example/login#x".into(),
                    ..good()
                },
            ),
            (
                "redirect_uri",
                Config {
                    redirect_uri: "https://u:p@a.example/login".into(),
                    ..good()
                },
            ),
            (
                "redirect_uri",
                Config {
                    redirect_uri: "https://app.example/logout".into(),
                    ..good()
                },
            ),
            (
                "post_logout_redirect_uri",
                Config {
                    post_logout_redirect_uri: Some("https://app.example/login".into()),
                    ..good()
                },
            ),
            (
                "scopes",
                Config {
                    scopes: vec!["email".into()],
                    ..good()
                },
            ),
            (
                "scopes",
                Config {
                    scopes: vec!["openid".into(), "a b".into()],
                    ..good()
                },
            ),
            (
                "cookie_keys",
                Config {
                    cookie_keys: vec![key.clone(), key],
                    ..good()
                },
            ),
            (
                "cookie_prefix",
                Config {
                    cookie_prefix: "a=b".into(),
                    ..good()
                },
            ),
            (
                "home_path",
                Config {
                    home_path: "//evil.example".into(),
                    ..good()
                },
            ),
            (
                "trusted_origins",
                Config {
                    trusted_origins: vec!["https://a.example/path".into()],
                    ..good()
                },
            ),
            (
                "login_timeout",
                Config {
                    login_timeout: std::time::Duration::ZERO,
                    ..good()
                },
            ),
            (
                "session_idle_timeout",
                Config {
                    session_idle_timeout: std::time::Duration::from_secs(10_000_000),
                    ..good()
                },
            ),
            (
                "client_key",
                Config {
                    token_endpoint_auth_method: Some(ClientAuthMethod::PrivateKeyJwt),
                    ..good()
                },
            ),
            (
                "client_secret",
                Config {
                    token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretJwt),
                    ..good()
                },
            ),
            (
                "client_secret_file",
                Config {
                    client_secret_file: Some("/nowhere/secret".into()),
                    ..good()
                },
            ),
        ];
        for (key, config) in wrong {
            assert_eq!(problems(config), [key]);
        }
    }

    #[test]
    fn a_time_that_no_sum_could_hold_is_refused() {
        type Set = fn(&mut Config, Duration);
        let set: [(&str, Set); 5] = [
            ("session_idle_timeout", |config, time| {
                config.session_idle_timeout = time;
                config.session_absolute_timeout = MAX_DURATION;
            }),
            ("session_absolute_timeout", |config, time| {
                config.session_absolute_timeout = time;
            }),
            ("login_timeout", |config, time| config.login_timeout = time),
            ("request_timeout", |config, time| {
                config.request_timeout = time;
            }),
            ("clock_skew", |config, time| config.clock_skew = time),
        ];
        for (key, set) in set {
            for (time, is_refused) in [
                (MAX_DURATION, false),
                (MAX_DURATION + Duration::from_nanos(1), true),
                (Duration::from_secs(u64::MAX), true),
                (Duration::MAX, true),
            ] {
                let mut config = good();
                set(&mut config, time);
                let problems = problems(config);
                assert_eq!(
                    problems.iter().any(|problem| problem == key),
                    is_refused,
                    "{key}"
                );
                assert_eq!(problems.is_empty(), !is_refused, "{problems:?}");
            }
        }
    }
}
