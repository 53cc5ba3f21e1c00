//! The choices that a configuration offers, one type each.

/// The paths of the routes that adapters mount, beside that of the redirect URI: as the app sees them, without its
/// [`public_path`](crate::Config::public_path).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Starts a login: `GET`. By default `/login/start`.
    pub login_start: String,
    /// Starts a login that a third party asks for, such as the provider's own portal: `GET` and `POST` (OpenID Connect
    /// Core 1.0 §4). By default `/login/initiate`.
    pub login_initiate: String,
    /// Ends the session: `POST`; a `GET` asks first. By default `/logout`.
    pub logout: String,
    /// Where the provider itself ends sessions: `POST` (OpenID Connect Back-Channel Logout 1.0). By default
    /// `/backchannel-logout`; register it as `backchannel_logout_uri`.
    pub backchannel_logout: String,
    /// What the provider's log-out page loads in a frame: `GET` (OpenID Connect Front-Channel Logout 1.0). By default
    /// `/frontchannel-logout`; register it as `frontchannel_logout_uri`.
    ///
    /// The request proves nothing. It ends the sessions that `iss` and `sid` name. It ends a session whose ID token had
    /// no `sid` only if the session's cookie is sent along and the browser says that it loads a frame
    /// (`Sec-Fetch-Dest`), so that no link logs people out. Browsers say so on https and on this machine, and send the
    /// cookie along where the provider is of the same site as the app.
    pub frontchannel_logout: String,
    /// Begins a session by a project JWT, which a front end of one's own posts: `POST`, from this site's own pages. By
    /// default none. Usually `/login/jwt`.
    ///
    /// The body is a form or JSON with `jwt`, with `return_to` if the login is to lead to a page, and with `remember`
    /// as in [`LoginOptions::remember`](crate::LoginOptions::remember). The adapter calls `on_auth_success`, or
    /// `on_auth_failed`, as at the callback. A JWT begins one session, whatever
    /// [`Config::project_jwt_use`](crate::Config::project_jwt_use) says.
    pub login_jwt: Option<String>,
    /// Tells a mobile app where a person logs in: `POST`, answered with `{"authorizeURL": ...}`. By default none. The
    /// other libraries of MIRACL have it at `/authzurl`. [`Miracl::authorize_url_for_app`] makes the address.
    ///
    /// [`Miracl::authorize_url_for_app`]: crate::Miracl::authorize_url_for_app
    pub app_login_url: Option<String>,
    /// Exchanges the code that a mobile app has received: `POST` of JSON with `code` and `userID`. By default none. The
    /// other libraries of MIRACL have it at `/authtoken`.
    ///
    /// The answer is 200 with the access token (RFC 6749 §5.1) if the code is that person's, 401 if it is not, and 400
    /// for another body. [`Miracl::validate_code`](crate::Miracl::validate_code) does the same for a route of your own.
    pub app_token: Option<String>,
    /// Shows the app's own page of custom verification, and takes its form: `GET`, and `POST` from this site's own
    /// pages. By default none. Usually `/verify`; enter its URL in the Portal as the custom verification URL.
    ///
    /// The adapter calls `on_verify_user`, which decides. A person whom it has verified is redirected to the platform,
    /// registers there, and comes back logged in.
    pub verify_user: Option<String>,
    /// Tells a front end whether somebody is logged in: `GET`. By default none. Usually `/session`.
    ///
    /// The answer is always 200 with JSON: `logged_in`, and `login_url`. With `logged_in` there are `claims`, those
    /// that [`Config::session_shows`](crate::Config::session_shows) lists; `expires_in`, the seconds until the session
    /// ends without another request; and `logout_url`, for a `POST`. It is 503 while the session cannot be read. Asking
    /// is no activity of the person, so a page may ask again and again.
    pub session: Option<String>,
    /// Says that the person is active, and renews the session's tokens if that is due: `POST`, from this site's own
    /// pages. By default none. Usually `/session/refresh`. The answer is that of [`session`](Self::session).
    pub session_refresh: Option<String>,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            login_start: "/login/start".to_owned(),
            login_initiate: "/login/initiate".to_owned(),
            logout: "/logout".to_owned(),
            backchannel_logout: "/backchannel-logout".to_owned(),
            frontchannel_logout: "/frontchannel-logout".to_owned(),
            login_jwt: None,
            app_login_url: None,
            app_token: None,
            verify_user: None,
            session: None,
            session_refresh: None,
        }
    }
}

/// Whether logins use Proof Key for Code Exchange (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pkce {
    /// A `code_challenge` with the method `S256`. There is no `plain`.
    #[default]
    S256,
    /// None, for servers that refuse unknown parameters.
    Off,
}

/// How the provider hands its answer to the callback (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a redirect. Nothing is asked for: it is the default of the code flow.
    #[default]
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode): the code appears in no address, history or
    /// log.
    ///
    /// The post comes from the provider's site, and browsers send no `Lax` cookie with it. So the cookie of a login
    /// under way is `SameSite=None; Secure`, and hooks do not see the session that existed before. That session still
    /// ends when a new one begins.
    FormPost,
}

/// How strictly logout tokens are read (OpenID Connect Back-Channel Logout 1.0 §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogoutTokenRules {
    /// As the final specification says. The header's `typ` may be missing, or `JWT`.
    #[default]
    Final,
    /// The header's `typ` must be `logout+jwt` (OWASP ASVS 5.0, 10.5.5).
    Strict,
    /// For providers that follow a draft: `exp` may be missing. The token must then be no older than ten minutes.
    Lenient,
}

/// How a session is treated that cannot be read because a store cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenUnavailable {
    /// An error: 503 where a user is needed. Nobody who is logged in is sent to log in again.
    #[default]
    Error,
    /// As no session: pages are shown as to people who are not logged in, and the cookie stays for when the store is
    /// back.
    Anonymous,
}

/// When a session's tokens are renewed by its refresh token (OpenID Connect Core 1.0 §12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// When [`Visit::tokens`](crate::Visit::tokens) is called and they are about to expire.
    #[default]
    Lazy,
    /// On every request that asks who is logged in, once they are about to expire. A provider that no longer accepts
    /// the refresh token thereby ends the session here. Each of these requests opens the large part of the session.
    Eager,
}

/// How often a JWT of the project counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ProjectJwtUse {
    /// Once, as far as [`Config::marks_store`](crate::Config::marks_store) reaches: a JWT that somebody copies from a
    /// log is worth nothing. The front end logs in again for each.
    #[default]
    Once,
    /// As often as it is sent, until it expires after a minute. For a front end that calls several routes with one JWT.
    UntilExpiry,
}

/// When userinfo is requested (OpenID Connect Core 1.0 §5.3), which is one more request for each login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UserinfoRequests {
    /// By every login, where the provider has it.
    #[default]
    Always,
    /// By a login whose ID token lacks something that the scopes ask for (§5.4): `email` with `email_verified`, `name`
    /// of `profile`, `phone_number` of `phone`, or `address`. A scope of any other kind always needs it, since nobody
    /// knows what it is for.
    WhenNeeded,
    /// Never, not even by [`Visit::refresh_user_data`](crate::Visit::refresh_user_data), which then returns what is
    /// known. User data is what the ID token says.
    Never,
}

/// How a client proves who it is at the token endpoint (OpenID Connect Core 1.0 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// `client_secret_basic`: id and secret in the `Authorization` header, form-encoded (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: id and secret in the request body.
    ClientSecretPost,
    /// `client_secret_jwt`: an assertion signed by HMAC with the secret, which stays here. The secret must have at
    /// least 32 bytes (RFC 7518 §3.2).
    ClientSecretJwt,
    /// `private_key_jwt`: an assertion signed with [`Config::client_key`](crate::Config::client_key). No secret is
    /// needed.
    PrivateKeyJwt,
}

/// Settings that make an app less safe. Each is off by default, and has a name that stands out in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Danger {
    /// Allows http off loopback, for the redirect URI and for the provider: `DANGER_ALLOW_HTTP=1`. The log warns of it
    /// at every start. It is meant for a network that is yours alone, such as that of a Compose file.
    ///
    /// # Security
    ///
    /// Anyone on the way can read codes, tokens and session cookies, and be any user.
    pub allow_http: bool,
}
