//! Checks settings that stand alone: parameters, scopes, cookies, durations.

use std::time::Duration;

use url::Url;

use crate::{
    base::{
        cookie_key::{CookieKey, MAKE_A_KEY},
        loopback::is_loopback,
        text::is_project_id,
    },
    config::Config,
    error::config::Problems,
};

/// The longest time that anything may last.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

impl Config {
    pub(super) fn check_end_session_parameters(&self, problems: &mut Problems) {
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

    pub(super) fn check_project_id(&self, problems: &mut Problems) {
        if let Some(id) = &self.project_id
            && !is_project_id(id)
        {
            problems.add(
                "project_id",
                "is no id of a project; set it to the one that the Portal shows under General, or leave it out",
            );
        }
    }

    pub(super) fn check_mpad_url(&self, problems: &mut Problems) {
        let is_address =
            |url: Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
        if let Some(text) = &self.mpad_url
            && !Url::parse(text).is_ok_and(is_address)
        {
            problems.add(
                "mpad_url",
                format!("`{text}` is no http or https URL; set it to that of the script"),
            );
        }
    }

    pub(super) fn check_scopes(&self, problems: &mut Problems) {
        if !self.scopes.iter().any(|scope| scope == "openid") {
            problems.add("scopes", "must contain `openid`");
        }
        // RFC 6749 §3.3: scope-token
        let odd = |c: char| !matches!(c, '!' | '#'..='[' | ']'..='~');
        if let Some(scope) = self.scopes.iter().find(|s| s.is_empty() || s.contains(odd)) {
            problems.add("scopes", format!("`{scope}` is not one scope"));
        }
    }

    pub(super) fn check_cookies(&self, problems: &mut Problems) {
        let makes_its_own = Url::parse(&self.redirect_uri).is_ok_and(|uri| is_loopback(&uri));
        if self.cookie_keys.is_empty() && !makes_its_own {
            problems.add(
                "cookie_keys",
                format!(
                    "is missing; make a key with `{MAKE_A_KEY}` and keep it with the app's other secrets. Only an app \
                     whose redirect URI is on 127.0.0.1 or localhost makes one itself"
                ),
            );
        }
        let ids: Vec<_> = self.cookie_keys.iter().map(CookieKey::id).collect();
        if (1..ids.len()).any(|place| ids[..place].contains(&ids[place])) {
            problems.add("cookie_keys", "has the same key twice");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.cookie_prefix.starts_with("__") {
            problems.add(
                "cookie_prefix",
                "must not begin with `__`, which means something to browsers; `__Host-` is put \
                 before it on https",
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
    }

    pub(super) fn check_durations(&self, problems: &mut Problems) {
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
        let interval = self.session_check_interval;
        if !(Duration::from_secs(1)..=Duration::from_secs(60 * 60)).contains(&interval) {
            problems.add(
                "session_check_interval",
                "must be at least one second, and at most an hour",
            );
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
}
