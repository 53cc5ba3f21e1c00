//! What an app may ask of one login.

use std::fmt;

use url::form_urlencoded;

/// The most bytes of a text that a login asks for. Real values are far shorter: user ids, language tags, short lists.
pub(crate) const MAX_OPTION: usize = 512;

/// Parameters of the authorization request that are this library's own: [`LoginOptions::extra`] cannot set them.
pub(crate) const RESERVED: [&str; 18] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "registration",
    "claims",
    "id_token_hint",
    "code",
    "iss",
    "dpop_jkt",
];

/// What one login asks for. Everything is optional.
///
/// Each text except [`return_to`](Self::return_to) and [`extra`](Self::extra) may have 512 bytes. A login with a longer
/// one does not start: [`FailureReason::ParameterTooLong`](crate::FailureReason::ParameterTooLong) names the parameter,
/// whether it comes from a link to the login route or from the app's own code.
///
/// `Debug` shows none of the values: hints and user ids are e-mail addresses, and an activation token is a secret.
///
/// ```
/// use miracl_core::LoginOptions;
///
/// let recent = LoginOptions {
///     max_age: Some(300),
///     return_to: Some("/payments".to_owned()),
///     ..LoginOptions::default()
/// };
/// ```
#[derive(Clone, Default)]
pub struct LoginOptions {
    /// The local path to come back to, with the [`Config::public_path`](crate::Config::public_path) in front or
    /// without. By default [`Config::home_path`](crate::Config::home_path), which also replaces a value that is no path
    /// on this site, is longer than 512 bytes, or does not fit into the login's cookie beside the session's.
    pub return_to: Option<String>,
    /// MIRACL: the user id to pre-fill, or the identity to select.
    pub prerollid: Option<String>,
    /// MIRACL: the activation token of a registration that the app started.
    pub acttoken: Option<String>,
    /// MIRACL: the language of its pages: `en`, `ro`, `fr`.
    pub lang: Option<String>,
    /// OpenID Connect Core 1.0 §3.1.2.1: `none`, `login`, `consent`, `select_account`.
    pub prompt: Option<String>,
    /// The most seconds that may have passed since the person last proved who they are. The ID token's `auth_time` is
    /// checked against it.
    pub max_age: Option<u64>,
    /// The authentication context classes that are accepted, separated by spaces. The ID token's `acr` must be one of
    /// them.
    pub acr_values: Option<String>,
    /// A hint of who is going to log in, for the provider's form.
    pub login_hint: Option<String>,
    /// The languages preferred for the provider's pages (BCP 47), separated by spaces.
    pub ui_locales: Option<String>,
    /// Whether the login lasts when the browser is closed: "remember me". By default as
    /// [`Config::session_remember`](crate::Config::session_remember) says.
    ///
    /// In a link or form of the login route it is `remember=1` or `remember=0`; the last one counts, so that a hidden
    /// field may stand before a checkbox. A visitor may choose it: the deadlines of sessions hold in any case.
    pub remember: Option<bool>,
    /// Further parameters of the authorization request. Those that belong to the protocol (`state`, `redirect_uri`,
    /// `scope` ...) cannot be set: they are left out, and the log says so. A link to the login route cannot carry these
    /// parameters. Their length is not checked: shorten what comes from a visitor.
    pub extra: Vec<(String, String)>,
}

impl LoginOptions {
    /// Reads the options that a link to the login route may carry.
    pub(crate) fn from_query(query: &str) -> Self {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let option = match name.as_ref() {
                "return_to" => &mut options.return_to,
                "prerollid" => &mut options.prerollid,
                "acttoken" => &mut options.acttoken,
                "lang" => &mut options.lang,
                "prompt" => &mut options.prompt,
                "max_age" => {
                    options.max_age = value.parse().ok();
                    continue;
                }
                "remember" => {
                    options.remember = remember(&value);
                    continue;
                }
                "acr_values" => &mut options.acr_values,
                "login_hint" => &mut options.login_hint,
                "ui_locales" => &mut options.ui_locales,
                _ => continue,
            };
            *option = Some(value.into_owned()).filter(|value| !value.is_empty());
        }
        options
    }

    /// Returns the parameters that are passed on to the provider.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        [
            ("prerollid", self.prerollid.clone()),
            ("acttoken", self.acttoken.clone()),
            ("lang", self.lang.clone()),
            ("prompt", self.prompt.clone()),
            ("max_age", max_age),
            ("acr_values", self.acr_values.clone()),
            ("login_hint", self.login_hint.clone()),
            ("ui_locales", self.ui_locales.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Reads the choice of a link or a form.
pub(crate) fn remember(text: &str) -> Option<bool> {
    match text {
        "1" | "true" | "on" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

impl fmt::Debug for LoginOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given: Vec<_> = self.parameters().map(|(name, _)| name).collect();
        f.debug_struct("LoginOptions")
            .field("given", &given)
            .finish_non_exhaustive()
    }
}
