//! The app under test, seen from outside.

use std::any::Any;
use std::fmt;
use std::sync::Mutex;

use url::Url;

/// A running app: where it is, and which of its paths do what.
///
/// Only [`at`](Self::at) is required. What an app does not have is not judged: modules that need it are reported as
/// skipped.
///
/// ```
/// use miracl_conformance::App;
///
/// let app = App::at("http://127.0.0.1:5000").callback("/login").login("/login/start").probe("/me");
/// ```
pub struct App {
    origin: Url,
    pub(crate) callback: String,
    pub(crate) login: String,
    pub(crate) probe: Option<String>,
    pub(crate) claims: Option<String>,
    pub(crate) protected: Option<String>,
    pub(crate) logout: Option<String>,
    pub(crate) signed_out: Option<String>,
    pub(crate) backchannel_logout: Option<String>,
    pub(crate) frontchannel_logout: Option<String>,
    pub(crate) initiate: Option<String>,
    pub(crate) return_to: Option<String>,
    pub(crate) refresh: Option<String>,
    pub(crate) passes_on: bool,
    held: Option<Mutex<Box<dyn Any + Send>>>,
}

impl App {
    /// An app at this origin, such as `http://127.0.0.1:5000`, that starts a login at `/login/start` and has its
    /// callback at `/login`. It must be on loopback, since the provider is.
    ///
    /// # Panics
    ///
    /// When `origin` is no http or https URL.
    pub fn at(origin: &str) -> Self {
        let parsed = Url::parse(origin).ok().filter(Url::has_host);
        Self {
            origin: parsed.unwrap_or_else(|| panic!("{origin:?} is no URL of an app")),
            callback: "/login".to_owned(),
            login: "/login/start".to_owned(),
            probe: None,
            claims: None,
            protected: None,
            logout: None,
            signed_out: None,
            backchannel_logout: None,
            frontchannel_logout: None,
            initiate: None,
            return_to: None,
            refresh: None,
            passes_on: false,
            held: None,
        }
    }

    /// Where the provider sends the browser back to: the path of the redirect URI. By default `/login`.
    #[must_use]
    pub fn callback(mut self, path: &str) -> Self {
        path.clone_into(&mut self.callback);
        self
    }

    /// Where a `GET` starts a login. By default `/login/start`.
    #[must_use]
    pub fn login(mut self, path: &str) -> Self {
        path.clone_into(&mut self.login);
        self
    }

    /// Where `GET` answers 200 to a logged-in person, and 401, 403 or a redirect to everybody else.
    ///
    /// Without it, a login counts as accepted when the callback answers with a redirect or a 200 and keeps a
    /// cookie.
    #[must_use]
    pub fn probe(mut self, path: &str) -> Self {
        self.probe = Some(path.to_owned());
        self
    }

    /// Where `GET` shows a logged-in person all that the provider said about them, as text that contains the
    /// values.
    #[must_use]
    pub fn claims(mut self, path: &str) -> Self {
        self.claims = Some(path.to_owned());
        self
    }

    /// A page for logged-in people: others are sent to log in when they navigate there, and get a 401 otherwise.
    #[must_use]
    pub fn protected(mut self, path: &str) -> Self {
        self.protected = Some(path.to_owned());
        self
    }

    /// Where a `POST` logs out, and goes on to the provider.
    #[must_use]
    pub fn logout(mut self, path: &str) -> Self {
        self.logout = Some(path.to_owned());
        self
    }

    /// Where the provider sends the browser back to after log-out: the path of the `post_logout_redirect_uri`.
    #[must_use]
    pub fn signed_out(mut self, path: &str) -> Self {
        self.signed_out = Some(path.to_owned());
        self
    }

    /// Where the provider posts logout tokens to: the path of the `backchannel_logout_uri` (OpenID Connect
    /// Back-Channel Logout 1.0). The provider speaks plain http only.
    #[must_use]
    pub fn backchannel_logout(mut self, path: &str) -> Self {
        self.backchannel_logout = Some(path.to_owned());
        self
    }

    /// What the provider loads in a frame: the path of the `frontchannel_logout_uri` (OpenID Connect Front-Channel
    /// Logout 1.0).
    #[must_use]
    pub fn frontchannel_logout(mut self, path: &str) -> Self {
        self.frontchannel_logout = Some(path.to_owned());
        self
    }

    /// The path of the `initiate_login_uri` (OpenID Connect Core 1.0 §4).
    #[must_use]
    pub fn initiate(mut self, path: &str) -> Self {
        self.initiate = Some(path.to_owned());
        self
    }

    /// Where a `GET` makes the app ask for userinfo with its access token. It renews the token first when that has
    /// expired.
    #[must_use]
    pub fn refresh(mut self, path: &str) -> Self {
        self.refresh = Some(path.to_owned());
        self
    }

    /// The parameter of the login path that says where to go afterwards.
    #[must_use]
    pub fn return_to(mut self, parameter: &str) -> Self {
        self.return_to = Some(parameter.to_owned());
        self
    }

    /// Says that the login path passes `max_age` and `acr_values` on to the provider, and checks what comes back.
    #[must_use]
    pub fn passes_parameters_on(mut self) -> Self {
        self.passes_on = true;
        self
    }

    /// Keeps a value for as long as the kit uses the app: the handle that stops it when dropped.
    #[must_use]
    pub fn hold(mut self, handle: impl Any + Send) -> Self {
        self.held = Some(Mutex::new(Box::new(handle)));
        self
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> Url {
        // An invalid path leads nowhere, and the module that uses it says so.
        self.origin
            .join(path)
            .unwrap_or_else(|_| self.origin.clone())
    }

    pub(crate) fn redirect_uri(&self) -> String {
        self.url(&self.callback).into()
    }

    pub(crate) fn post_logout_redirect_uri(&self) -> Option<String> {
        Some(self.url(self.signed_out.as_deref()?).into())
    }

    /// Also `None` where it cannot be registered.
    pub(crate) fn backchannel_logout_uri(&self) -> Option<String> {
        let url = self.url(self.backchannel_logout.as_deref()?);
        (url.scheme() == "http").then(|| url.into())
    }

    pub(crate) fn frontchannel_logout_uri(&self) -> Option<String> {
        Some(self.url(self.frontchannel_logout.as_deref()?).into())
    }

    /// Whether a URL is one of the app's own.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.origin.origin()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("origin", &self.origin.as_str())
            .field("callback", &self.callback)
            .field("login", &self.login)
            .field("probe", &self.probe)
            .field("held", &self.held.is_some())
            .finish_non_exhaustive()
    }
}
