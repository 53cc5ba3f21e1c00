//! The routes of a login, and where they are mounted.

/// One of the routes that adapters mount. [`Miracl::routes`](crate::Miracl::routes) says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Completes a login. The provider sends the browser here: it is the path of the redirect URI.
    Callback,
    /// Starts a login.
    LoginStart,
    /// Starts a login that a third party asks for (OpenID Connect Core 1.0 §4).
    LoginInitiate,
    /// Ends the session with `POST`; `GET` asks the person first.
    Logout,
    /// Ends sessions when the provider sends a logout token (OpenID Connect Back-Channel Logout 1.0).
    BackChannelLogout,
    /// Ends a session when the provider's log-out page loads it in a frame (OpenID Connect Front-Channel Logout 1.0).
    FrontChannelLogout,
    /// Begins a session by a JWT of the MIRACL project.
    LoginJwt,
    /// Tells a mobile app where a person logs in.
    AppLoginUrl,
    /// Exchanges the code that a mobile app has received.
    AppToken,
    /// Shows the app's own page of custom verification, and takes its form.
    VerifyUser,
    /// Tells a front end whether somebody is logged in.
    Session,
    /// Says that the person is active, and tells the same.
    SessionRefresh,
    /// Redirects to the home path. The provider sends the browser here after log-out.
    SignedOut,
}

impl Route {
    /// The most bytes of a body that an adapter reads for a route: 64 KiB.
    pub const MAX_BODY: usize = 64 * 1024;
}

/// A route and where it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount<'a> {
    /// Which route.
    pub route: Route,
    /// Its exact path: with a slash at its end it would be another.
    pub path: &'a str,
    /// The methods it answers. The framework answers every other one, with a 405 for example.
    pub methods: &'static [&'static str],
}
