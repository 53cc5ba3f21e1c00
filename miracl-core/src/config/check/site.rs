//! Checks where this app is: the redirect URI, its paths and the origins that it trusts.

use url::{Position, Url};

use crate::{
    base::loopback::{is_loopback, is_secure},
    config::{
        Config,
        check::{Checked, TEMPLATE},
        options::ResponseMode,
    },
    error::config::Problems,
    web::{public_path, return_to::ReturnTo},
};

/// The home path may be a route of the login's own.
const NO_PATHS: &[&str] = &[];

/// White space and control characters, some of which a URL's parser drops, while the provider compares them.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

impl Config {
    pub(super) fn check_redirect_uri(&self, problems: &mut Problems) -> Option<Url> {
        let mut add = |message: String| problems.add("redirect_uri", message);
        if self.redirect_uri.is_empty() || TEMPLATE.contains(&self.redirect_uri.as_str()) {
            add(
                "is missing; set it to the URL of this app's callback route as registered at the \
                 provider, such as `http://127.0.0.1:5000/login`"
                    .to_owned(),
            );
            return None;
        }
        match Url::parse(&self.redirect_uri) {
            Err(error) => add(format!("`{}` is not a URL ({error})", self.redirect_uri)),
            Ok(_) if self.redirect_uri.contains(is_space) => {
                add("must have no white space in it".to_owned());
            }
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                add("must be an http or https URL".to_owned());
            }
            Ok(url) if url.fragment().is_some() => add("must have no fragment".to_owned()),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                add("must have no user name and no password".to_owned());
            }
            Ok(url) if url.path() == "/" || url.path().contains("//") => add(format!(
                "`{}` has the path `{}`, where no route of its own can be; give it one, such as \
                 `/login`",
                self.redirect_uri,
                url.path()
            )),
            Ok(url) if url.query().is_some() => add(
                "must have no query; use LoginOptions::return_to to remember where to go"
                    .to_owned(),
            ),
            Ok(url) if !self.danger.allow_http && !is_secure(&url) => add(format!(
                "`{}` must be https (http is for 127.0.0.1 and localhost): on plain http anyone on \
                 the way can take over sessions",
                self.redirect_uri
            )),
            Ok(url) => return Some(url),
        }
        None
    }

    /// Checks what depends on the redirect URI, and puts together what was parsed.
    pub(super) fn into_checked(
        mut self,
        redirect: &Url,
        problems: &mut Problems,
    ) -> Option<Checked> {
        let mut origin = redirect.clone();
        origin.set_path("/");
        let callback_path = self.check_public_path(redirect, problems)?;
        let signed_out_path = self.check_post_logout_redirect_uri(&origin, problems);
        self.check_paths(&callback_path, signed_out_path.as_deref(), problems);
        let allowed_origins = self.check_origins(&origin, problems);
        if ReturnTo::parse(&self.home_path, &origin, NO_PATHS).is_none() {
            problems.add(
                "home_path",
                format!("`{}` is not a path on this site", self.home_path),
            );
        }
        let home = public_path::without(&self.public_path, &self.home_path);
        let home = home.unwrap_or(&self.home_path);
        if home != "/" && signed_out_path.as_deref() == Some(home) {
            problems.add(
                "home_path",
                "is the path of post_logout_redirect_uri, which redirects there",
            );
        }
        if self.response_mode == ResponseMode::FormPost && !is_secure(redirect) {
            problems.add(
                "response_mode",
                "`form_post` needs https: browsers send the cookie of a login under way from \
                 another site only if it is `Secure`",
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

    /// Takes the slash at the end of the public path off, and returns the path at which the callback is mounted.
    fn check_public_path(&mut self, redirect: &Url, problems: &mut Problems) -> Option<String> {
        let public_path = self.public_path.trim_end_matches('/').to_owned();
        let odd = |segment: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            matches!(segment, "" | "." | "..") || !segment.chars().all(plain)
        };
        let is_path = match public_path.strip_prefix('/') {
            Some(segments) => !segments.split('/').any(odd),
            None => public_path.is_empty(),
        };
        if !is_path {
            problems.add(
                "public_path",
                format!(
                    "`{}` must be a path such as `/app`, with letters, digits and `-._~` only; scheme and host are \
                     those of redirect_uri",
                    self.public_path
                ),
            );
            return None;
        }
        let callback = public_path::without(&public_path, redirect.path());
        self.public_path = public_path;
        if let Some(path) = callback.filter(|path| *path != "/") {
            return Some(path.to_owned());
        }
        let mut example = redirect.clone();
        example.set_path(&format!("{}/login", self.public_path));
        problems.add(
            "redirect_uri",
            format!(
                "the path `{}` is not below the public_path `{}`; give the address that a browser opens, such as \
                 `{example}`",
                redirect.path(),
                self.public_path
            ),
        );
        None
    }

    /// Returns the path of the page after log-out, when it lies on this site, without the public path.
    fn check_post_logout_redirect_uri(
        &self,
        origin: &Url,
        problems: &mut Problems,
    ) -> Option<String> {
        if let Some(uri) = &self.post_logout_redirect_uri {
            match Url::parse(uri) {
                Err(error) => problems.add(
                    "post_logout_redirect_uri",
                    format!("`{uri}` is not a URL ({error})"),
                ),
                Ok(_) if uri.contains(is_space) => {
                    problems.add("post_logout_redirect_uri", "must have no white space in it")
                }
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    problems.add("post_logout_redirect_uri", "must be an http or https URL")
                }
                Ok(url) if url.origin() == origin.origin() => {
                    let path = public_path::without(&self.public_path, url.path());
                    return path.map(str::to_owned);
                }
                Ok(_) => {}
            }
        }
        None
    }

    /// Checks that every route has a path of its own.
    fn check_paths(
        &self,
        callback_path: &str,
        signed_out_path: Option<&str>,
        problems: &mut Problems,
    ) {
        let paths = [
            ("paths.login_start", Some(self.paths.login_start.as_str())),
            (
                "paths.login_initiate",
                Some(self.paths.login_initiate.as_str()),
            ),
            ("paths.logout", Some(self.paths.logout.as_str())),
            (
                "paths.backchannel_logout",
                Some(self.paths.backchannel_logout.as_str()),
            ),
            (
                "paths.frontchannel_logout",
                Some(self.paths.frontchannel_logout.as_str()),
            ),
            ("paths.login_jwt", self.paths.login_jwt.as_deref()),
            ("paths.app_login_url", self.paths.app_login_url.as_deref()),
            ("paths.app_token", self.paths.app_token.as_deref()),
            ("paths.verify_user", self.paths.verify_user.as_deref()),
            ("paths.session", self.paths.session.as_deref()),
            (
                "paths.session_refresh",
                self.paths.session_refresh.as_deref(),
            ),
            ("redirect_uri", Some(callback_path)),
            (
                "post_logout_redirect_uri",
                signed_out_path.filter(|path| *path != "/"),
            ),
        ];
        for (place, (key, path)) in paths.iter().enumerate() {
            let Some(path) = path else { continue };
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
            if !path.starts_with('/') || !path.chars().all(plain) {
                problems.add(
                    *key,
                    format!(
                        "the path `{path}` must begin with `/` and have letters, digits and \
                        `-._~` only"
                    ),
                );
            }
            if let Some((other, _)) = paths[..place]
                .iter()
                .find(|(_, other)| *other == Some(*path))
            {
                problems.add(*key, format!("has the same path `{path}` as {other}"));
            }
        }
    }

    /// Returns the origins that may send unsafe requests to this app: its own first.
    fn check_origins(&self, origin: &Url, problems: &mut Problems) -> Vec<String> {
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
        allowed_origins
    }
}
