//! Checks who the provider is: its issuer, the address of its metadata, and its tenants.

use url::{ParseError, Url};

use crate::{
    base::{
        issuer_template::{TENANT, is_tenant},
        loopback::is_secure,
    },
    config::{
        Config,
        check::{PORTAL, TEMPLATE},
    },
    error::config::Problems,
};

/// Where settings come from, for somebody who has none yet.
const WHERE: &str = "`Config::load` reads settings from `miracl.json` in the working directory and from variables such \
                     as `ISSUER`. Without an account, the local platform writes that file: \
                     `miracl-platform --app http://127.0.0.1:5000`";

impl Config {
    pub(super) fn check_issuer(&mut self, problems: &mut Problems) {
        let trimmed = self.issuer.trim();
        let trimmed = trimmed
            .strip_suffix("/.well-known/openid-configuration")
            .unwrap_or(trimmed);
        self.issuer = trimmed.to_owned();
        let mut add = |message: String| problems.add("issuer", message);
        if self.issuer.is_empty() || TEMPLATE.contains(&self.issuer.as_str()) {
            return add(format!(
                "is missing: the provider's issuer URL; {PORTAL}. {WHERE}"
            ));
        }
        let url = Url::parse(&self.issuer);
        if self.metadata_url.is_some() {
            // The issuer is only a name that tokens carry. Nothing is fetched from it.
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
                "`{}` is not a URL; if the provider's tokens have that as `iss`, set metadata_url \
                 to the address of its discovery document besides",
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

    pub(super) fn check_metadata_url(&mut self, problems: &mut Problems) {
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
                "`{text}` must be https (http is for 127.0.0.1 and localhost): anybody on the \
                 network could replace the provider's keys and log in as any user. On a network \
                 that is yours alone, `danger_allow_http` allows it"
            )),
            Ok(_) => {}
        }
        self.metadata_url = Some(text);
    }

    pub(super) fn check_issuer_template(&self, problems: &mut Problems) {
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
                    "must have `{TENANT}` in it once, as in \
                     `https://login.microsoftonline.com/{TENANT}/v2.0`"
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
}
