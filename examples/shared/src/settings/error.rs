//! What keeps a demo from starting, by the names that its user knows.

use std::fmt;

use miracl_core::ConfigError;

/// Everything that keeps a demo from starting: one line for each mistake, with the setting's name. `Debug` is
/// `Display`, for a `main` that returns it.
#[derive(Default)]
pub struct SettingsError {
    pub(super) problems: Vec<String>,
}

impl SettingsError {
    pub(super) fn new(problem: String) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SettingsError {}

/// The engine's mistakes, by the names a demo's user knows: the key in `miracl.json` and the variable.
pub(super) fn lines(error: &ConfigError) -> impl Iterator<Item = String> {
    error.problems().iter().map(|problem| {
        let variable = match problem.key.as_str() {
            _ if problem.variable.is_some() => problem.variable.clone().unwrap_or_default(),
            key @ ("issuer"
            | "client_id"
            | "client_secret"
            | "cookie_keys"
            | "cookie_prefix"
            | "scopes"
            | "client_id_file"
            | "client_secret_file"
            | "home_path"
            | "public_path"
            | "trusted_origins"
            | "metadata_url"
            | "end_session_parameters"
            | "project_id"
            | "mpad_url") => key.to_uppercase(),
            "client_key" => "CLIENT_JWK_FILE".to_owned(),
            "ca_certs" => "CA_CERT".to_owned(),
            "redirect_uri" => "REDIRECT_URL".to_owned(),
            "proxy" => "PROXY_HOST".to_owned(),
            key @ ("session_idle_timeout" | "session_absolute_timeout") => key.to_uppercase(),
            "post_logout_redirect_uri" => "POST_LOGOUT_REDIRECT_URL".to_owned(),
            key => return format!("{key}: {}", problem.message),
        };
        format!("{} (variable {variable}): {}", problem.key, problem.message)
    })
}
