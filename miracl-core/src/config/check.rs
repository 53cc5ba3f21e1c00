//! Finds every mistake in a configuration before anything is started.

mod credentials;
mod issuer;
mod session_claims;
mod site;
mod values;

use std::path::Path;

use url::Url;

use crate::{
    base::cookie_key::CookieKey,
    config::Config,
    error::config::{ConfigError, Problem, Problems},
};

/// Where the provider shows a value, for error messages.
const PORTAL: &str =
    "you find it at the provider, on the page of this app (MIRACL: Portal, Applications)";

/// The values in the template of `miracl.json` before it is filled in.
const TEMPLATE: [&str; 4] = ["ISSUER", "CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"];

/// A configuration without mistakes, with what was parsed on the way.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) config: Config,
    /// The redirect URI's path, without the public path.
    pub(crate) callback_path: String,
    /// The path of the page after log-out, when it lies on this site, without the public path.
    pub(crate) signed_out_path: Option<String>,
    /// The redirect URI's origin, as a URL with the path `/`.
    pub(crate) origin: Url,
    /// Origins in their serialised form (RFC 6454 §6.2): this app's own first.
    pub(crate) allowed_origins: Vec<String>,
    /// Whether cookies are `Secure`.
    pub(crate) secure: bool,
    /// Whether failures may be explained on error pages.
    pub(crate) development: bool,
}

impl Config {
    /// Finds every mistake, as [`Miracl::new`](crate::Miracl::new) does, without starting anything.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the mistakes, each with its key and what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.clone().parse().map(drop)
    }

    /// Takes off what an app's own way to read settings leaves around them, such as the line break at the end of a
    /// file.
    fn trim(&mut self) {
        let given = [
            &mut self.client_id,
            &mut self.redirect_uri,
            &mut self.home_path,
            &mut self.public_path,
            &mut self.cookie_prefix,
        ];
        let maybe = [
            &mut self.issuer_template,
            &mut self.post_logout_redirect_uri,
            &mut self.proxy,
            &mut self.project_id,
            &mut self.mpad_url,
        ];
        for text in given.into_iter().chain(maybe.into_iter().flatten()) {
            *text = text.trim().to_owned();
        }
        self.client_secret = std::mem::take(&mut self.client_secret).trimmed();
    }

    /// Parses the configuration and names every mistake.
    pub(crate) fn parse(mut self) -> Result<Checked, ConfigError> {
        let mut problems = Problems::default();
        self.trim();
        self.check_issuer(&mut problems);
        self.check_metadata_url(&mut problems);
        self.check_issuer_template(&mut problems);
        self.check_credentials(&mut problems);
        self.check_end_session_parameters(&mut problems);
        self.check_scopes(&mut problems);
        self.check_cookies(&mut problems);
        self.check_durations(&mut problems);
        self.check_session_claims(&mut problems);
        self.check_project_id(&mut problems);
        self.check_mpad_url(&mut problems);
        let given_by = self.given_by.clone();
        let redirect = self.check_redirect_uri(&mut problems);
        let checked = redirect.and_then(|redirect| self.into_checked(&redirect, &mut problems));
        problems.name_variables(|field| given_by.variable(field));
        problems.into_result(checked)
    }
}

impl Checked {
    /// Has a cookie key made and kept where the settings have none.
    ///
    /// # Errors
    ///
    /// When the file of the key holds something else.
    pub(crate) fn with_cookie_keys(mut self) -> Result<Self, ConfigError> {
        if self.config.cookie_keys.is_empty() {
            let key = CookieKey::of_working_directory(Path::new(""));
            let key = key.map_err(|error| {
                ConfigError::of(Problem::new(
                    "cookie_keys",
                    format!("is missing, and the key that was kept is unusable: {error}"),
                ))
            })?;
            self.config.cookie_keys.push(key);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
