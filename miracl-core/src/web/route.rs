//! The routes of a login, and where they are mounted.

/// One of the routes that adapters mount. [`Miracl::routes`] says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Where the provider sends the browser back to: the path of the redirect URI.
    Callback,
    /// Starts a login.
    LoginStart,
    /// Starts a login that somebody else asks for (OpenID Connect Core 1.0 §4).
    LoginInitiate,
    /// Ends the session: `POST`; `GET` asks first.
    Logout,
    /// Where the provider itself ends sessions (OpenID Connect Back-Channel Logout 1.0).
    BackChannelLogout,
    /// What the provider's log-out page loads in a frame (OpenID Connect Front-Channel Logout 1.0).
    FrontChannelLogout,
    /// Where the provider sends the browser back to after log-out.
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
    /// Its path, exactly: with a slash more it is another.
    pub path: &'a str,
    /// The methods it answers. Every other is a 405, or whatever the framework answers then.
    pub methods: &'static [&'static str],
}
