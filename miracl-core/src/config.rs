//! What an app says about itself and its provider.

pub(crate) mod check;
pub(crate) mod credentials;
mod load;
pub(crate) mod options;
pub(crate) mod session_claims;
pub(crate) mod variable;

use std::{fmt, path::PathBuf, time::Duration};

use crate::{
    base::{clock::Clock, cookie_key::CookieKey, secret::Secret},
    config::{
        credentials::CredentialSource,
        options::{
            ClientAuthMethod, Danger, LogoutTokenRules, Paths, Pkce, ProjectJwtUse, Renewal,
            ResponseMode, UserinfoRequests, WhenUnavailable,
        },
        session_claims::SessionClaims,
        variable::GivenBy,
    },
    jose::{algorithm::SigningAlgorithm, client_key::ClientKey},
    store::storage::{MarkStorage, SessionStorage},
};

/// The settings of one client at one provider.
///
/// A plain struct: fill in what is yours and take the rest from [`Config::default`]. Nothing is checked before
/// [`Miracl::new`](crate::Miracl::new), which names every mistake at once.
///
/// ```
/// use miracl_core::{Config, CookieKey, Miracl};
///
/// let miracl = Miracl::new(Config {
///     issuer: "https://project.miracl.example".into(),
///     client_id: "my-client-id".into(),
///     client_secret: "my-client-secret".into(),
///     redirect_uri: "http://127.0.0.1:5000/login".into(),
///     cookie_keys: vec![CookieKey::generate()],
///     ..Config::default()
/// })?;
/// # Ok::<(), miracl_core::ConfigError>(())
/// ```
///
/// [`Config::load`] reads the settings from `miracl.json` and the environment.
#[derive(Clone)]
#[doc(alias = "set_issuer")]
pub struct Config {
    /// The provider, exactly as in its discovery document. Required; MIRACL shows it in the Portal as the Project
    /// Domain.
    ///
    /// Must be https, except on loopback. A pasted `/.well-known/openid-configuration` at the end is removed. If the
    /// document is elsewhere, see [`metadata_url`](Self::metadata_url).
    pub issuer: String,

    /// The address of the provider's metadata, if it is not [`issuer`](Self::issuer) followed by
    /// `/.well-known/openid-configuration`: for metadata on another host than the issuer's, for an issuer that is not a
    /// URL, or where this app reaches the provider at another address than people's browsers do. By default none. It is
    /// used exactly as written here.
    ///
    /// `issuer` is then exactly what the tokens contain as `iss`, and need not be a URL; it is compared with tokens,
    /// logout tokens and `iss` parameters, and no longer with the document's own `issuer`. Must be https, except on
    /// loopback.
    ///
    /// # Security
    ///
    /// Anyone who can change the document at this address can log in as any user, because it names the keys. Over plain
    /// http ([`Danger::allow_http`]), that is anybody on the network.
    pub metadata_url: Option<String>,

    /// The `issuer` of the provider's discovery document when one document serves many tenants, with `{tenantid}` in
    /// place of the tenant's id: `https://login.microsoftonline.com/{tenantid}/v2.0` for Entra's `common`,
    /// `organizations` and `consumers`. By default none: the document must name [`issuer`](Self::issuer) itself.
    ///
    /// The ID token's `iss` must then be this template with the token's own `tid` put in, and that is what
    /// [`User::issuer`](crate::User::issuer) returns. If the provider publishes a key for one issuer, as Entra does
    /// with the key's own `issuer`, the key is valid for that issuer only. See also
    /// [`allowed_tenants`](Self::allowed_tenants).
    pub issuer_template: Option<String>,

    /// The ids of the tenants whose people may log in, where there is an [`issuer_template`](Self::issuer_template). By
    /// default none are named, and people of every tenant may log in.
    pub allowed_tenants: Vec<String>,

    /// The client id that the provider gave to this app. Required, unless [`client_id_file`](Self::client_id_file) or
    /// [`credential_source`](Self::credential_source) supplies it.
    pub client_id: String,

    /// The client secret that belongs to the client id. Required, unless
    /// [`client_secret_file`](Self::client_secret_file) or [`credential_source`](Self::credential_source) supplies it.
    pub client_secret: Secret,

    /// A file that holds the client id alone, as container platforms mount it. In code, it takes precedence over
    /// `client_id`. By default none.
    pub client_id_file: Option<PathBuf>,

    /// A file that holds the client secret alone, as container platforms mount it. In code, it takes precedence over
    /// `client_secret`. It is read at the start, and again when the provider refuses the secret, so a rotated secret
    /// needs no restart. By default none.
    pub client_secret_file: Option<PathBuf>,

    /// The app's own source of its credentials, such as a vault. It takes precedence over all of the above. By default
    /// none.
    pub credential_source: Option<CredentialSource>,

    /// The private key for [`ClientAuthMethod::PrivateKeyJwt`], instead of a secret. By default none.
    pub client_key: Option<ClientKey>,

    /// The absolute URL of the callback route, exactly as registered at the provider. Required.
    ///
    /// Its path is where the adapter mounts the callback, without the [`public_path`](Self::public_path) where there is
    /// one. Its scheme and host decide the attributes of cookies: `Secure` and the `__Host-` prefix on https, neither
    /// on http, which is for loopback only. [`Config::redirect_uri_for`] makes one from a base URL.
    pub redirect_uri: String,

    /// Where the provider sends the browser after log-out, as registered there. By default none: the provider shows
    /// its own page.
    ///
    /// When it lies on this site, below the [`public_path`](Self::public_path), the adapter answers its path with a
    /// redirect to [`home_path`](Self::home_path).
    pub post_logout_redirect_uri: Option<String>,

    /// Further parameters of the address at which the provider ends its own session, such as `logout_uri` at Amazon
    /// Cognito. By default none. Those of the specification (`id_token_hint`, `client_id`, `post_logout_redirect_uri`,
    /// `state`) are the engine's.
    pub end_session_parameters: Vec<(String, String)>,

    /// How the provider sends its answer to the callback. By default [`ResponseMode::Query`].
    pub response_mode: ResponseMode,

    /// The scopes to ask for. By default `openid` and `email`. `openid` must be among them.
    pub scopes: Vec<String>,

    /// Proof Key for Code Exchange (RFC 7636). By default [`Pkce::S256`].
    pub pkce: Pkce,

    /// How this client authenticates at the token endpoint. By default `None`: `private_key_jwt` where there is a
    /// [`client_key`](Self::client_key), else chosen from the provider's metadata, `client_secret_basic` before
    /// `client_secret_post`.
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,

    /// The only algorithm of ID tokens, if the client is registered with one. By default `None`: all algorithms that
    /// the provider's metadata names, if they are among the asymmetric ones in [`SigningAlgorithm`].
    pub id_token_signed_response_alg: Option<SigningAlgorithm>,

    /// The algorithm that userinfo is signed with, when the client is registered for signed userinfo. By default
    /// `None`: userinfo is plain JSON, and a JWT is refused (OpenID Connect Core 1.0 §5.3.2).
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,

    /// When a login asks for userinfo. By default [`UserinfoRequests::Always`].
    #[doc(alias = "get_claims_from_userinfo_endpoint")]
    pub userinfo_requests: UserinfoRequests,

    /// Whether the provider asks the person at every login, so that a login at this app proves that they were there. By
    /// default `false`.
    ///
    /// Set it for a provider that does so and whose ID tokens have no `auth_time`, such as MIRACL.
    /// [`Requirement::logged_in_within`](crate::app::access::Requirement::logged_in_within) then counts from the login
    /// at this app, and a login with [`max_age`](crate::LoginOptions::max_age) is accepted without an `auth_time`.
    /// Where an ID token has one, that counts.
    ///
    /// # Security
    ///
    /// At a provider that has a session of its own, and does not ask again, everybody is then fresh.
    pub asks_every_time: bool,

    /// Further audiences an ID token may name beside this client. By default none, and a token with any is refused
    /// (OpenID Connect Core 1.0 §3.1.3.7, step 3).
    pub trusted_audiences: Vec<String>,

    /// How strictly logout tokens are read, which end sessions through the back channel. By default
    /// [`LogoutTokenRules::Final`].
    pub logout_token_rules: LogoutTokenRules,

    /// How far the provider's clock may differ from ours. By default 60 seconds.
    pub clock_skew: Duration,

    /// Where sessions are kept. By default sealed in the browser's cookies.
    pub session_store: SessionStorage,

    /// Where marks are kept. They record which logins and logout tokens were used, which sessions have ended, and which
    /// replica renews which tokens. By default this is the memory of this process. With several replicas, or after a
    /// restart, a copied cookie of a session that was ended elsewhere or earlier then stays valid until it expires.
    ///
    /// In a store that all replicas share, every mark takes effect everywhere within a second. While that store cannot
    /// be reached, sessions in cookies cannot be read ([`SessionError::Store`](crate::SessionError::Store)), since they
    /// may have been ended.
    ///
    /// If sessions are in your own store and replicas share it, share the marks as well. Otherwise a log-out by the
    /// provider at one replica does not reach a login that is under way at another. If a login and a log-out happen in
    /// the same second of the provider's clock, the clocks of the replicas decide which was first.
    pub marks_store: MarkStorage,

    /// How a session that cannot be read at the moment is treated. By default [`WhenUnavailable::Error`].
    pub session_unavailable: WhenUnavailable,

    /// When tokens are renewed, where the provider gives refresh tokens. By default [`Renewal::Lazy`].
    pub renewal: Renewal,

    /// The keys that seal cookies: the first seals, every one opens. Required: at least one, unless the redirect URI is
    /// on loopback.
    ///
    /// On loopback, [`Miracl::new`](crate::Miracl::new) makes a missing key and keeps it in the file
    /// `.miracl/cookie-key` of the working directory, readable by its owner only, so that sessions outlive a restart.
    /// The log says where the file is. Processes that start at the same time use the same key. If the file cannot be
    /// written, the log warns, and the key is lost when the process ends. Everywhere else a missing key is an error,
    /// because a server that makes its own key ends every session when it moves, and a second replica cannot read the
    /// sessions of the first.
    ///
    /// To change the key of running servers without ending a session, finish each step on all servers before you begin
    /// the next:
    ///
    /// 1. Add the new key *last*. Every server can then open what the next step seals.
    /// 2. Move it to the front. It now seals, and each session is sealed again when it is used.
    /// 3. After [`session_absolute_timeout`](Self::session_absolute_timeout) remove the old key. If you remove it
    ///    earlier, sessions that were not used since step 2 end.
    ///
    /// A server does not touch values that were sealed with a key it does not know: another server may know the key.
    #[doc(alias = "cookie_secret")]
    pub cookie_keys: Vec<CookieKey>,

    /// The beginning of every cookie name. By default `miracl`. Two apps on one host need two prefixes. One prefix may
    /// be the beginning of the other.
    pub cookie_prefix: String,

    /// How long a session lives without a request that asks for it. By default 24 hours.
    pub session_idle_timeout: Duration,

    /// How long a session lives at most. By default 7 days.
    pub session_absolute_timeout: Duration,

    /// How often a session whose end is [waited for](crate::Visit::ended) is looked up in the store, to notice what
    /// other replicas have ended. By default 30 seconds. At least one second, at most an hour.
    pub session_check_interval: Duration,

    /// Which claims and tokens a session keeps. By default all of them.
    pub session_claims: SessionClaims,

    /// Whether a login lasts when the browser is closed, where
    /// [`LoginOptions::remember`](crate::LoginOptions::remember) does not say it. By default `true`. Both deadlines
    /// hold in any case.
    ///
    /// With `false` the session's cookies have no `Max-Age`. Browsers that open the tabs of last time keep such
    /// cookies, too. With several replicas, deploy a version that knows this setting everywhere first, as for
    /// [`SessionClaims::quick`].
    pub session_remember: bool,

    /// How long a person may take at the provider. By default 15 minutes.
    pub login_timeout: Duration,

    /// The local path to go to when a login has no other place to return to, and after log-out. By default `/`. It may
    /// be written with the [`public_path`](Self::public_path) or without.
    pub home_path: String,

    /// The path below which browsers reach this app, if a proxy removes it before the app sees the request: `/app` with
    /// nginx's `location /app/ { proxy_pass http://app:5000/; }`. By default none. A slash at its end does not matter.
    ///
    /// Every path that is sent to a browser begins with it: redirects,
    /// [`login_start_url`](crate::Miracl::login_start_url), the path that a login returns to, the home path, forms and
    /// links of pages. [`redirect_uri`](Self::redirect_uri) and
    /// [`post_logout_redirect_uri`](Self::post_logout_redirect_uri) are opened by browsers, so they contain it. The
    /// framework's routes do not contain it: with `https://app.example/app/login` the callback is mounted at `/login`,
    /// and [`paths`](Self::paths) are as the app sees them. For links and redirects of your own there is
    /// [`Miracl::link_to`](crate::Miracl::link_to).
    ///
    /// A login returns to paths below it only. [`LoginOptions::return_to`](crate::LoginOptions::return_to) may have it
    /// in front or not. It is never taken from a request's headers, such as `X-Forwarded-Prefix`, which a visitor can
    /// write.
    ///
    /// Cookies keep `Path=/`, since names with `__Host-` demand it (RFC 6265bis §4.1.3.2): two apps on one host need
    /// two [`cookie_prefix`](Self::cookie_prefix)es also where their public paths differ.
    ///
    /// Leave it empty if the proxy passes the path on (`proxy_pass` without a slash at its end). The path is then part
    /// of the app's own routes.
    #[doc(alias = "path_base")]
    #[doc(alias = "root_path")]
    pub public_path: String,

    /// The paths of the routes that adapters mount.
    pub paths: Paths,

    /// The claims that [`Paths::session`] shows to the page that asks, each by its name, or by a JSON pointer. By
    /// default none: whoever can run a script in a page of this site can read them.
    pub session_shows: Vec<String>,

    /// Origins (`https://admin.example`) that may send unsafe requests to this app, besides its own origin. By default
    /// none.
    pub trusted_origins: Vec<String>,

    /// PEM files with further certificate authorities to trust for requests to the provider, and to a Redis that the
    /// settings name. By default none.
    pub ca_certs: Vec<PathBuf>,

    /// A proxy for requests to the provider, as `http://host:port`. By default none; proxy variables of the environment
    /// are not used.
    pub proxy: Option<String>,

    /// How long one request to the provider may take. By default 10 seconds.
    pub request_timeout: Duration,

    /// The id of the MIRACL project: the audience of its JWTs, and a part of the addresses of the platform's API. By
    /// default none: the platform is asked for it, once an hour at most. Set it where the issuer is not the project's
    /// own domain.
    pub project_id: Option<String>,

    /// How often a project JWT counts. By default [`ProjectJwtUse::Once`].
    pub project_jwt_use: ProjectJwtUse,

    /// The address of MIRACL's script `mpad.js`, which shows the login button, as an absolute http or https URL. By
    /// default none. It is for the app's own pages; the engine does not use it.
    pub mpad_url: Option<String>,

    /// Whether error pages may explain failures in detail. By default `None`: only when the redirect URI is on
    /// loopback.
    #[doc(alias = "debug")]
    pub development: Option<bool>,

    /// The time, for tests. By default the system's.
    pub clock: Clock,

    /// Settings that make the app less safe.
    pub danger: Danger,

    /// Which variable gave which of these settings, for messages. By default none.
    pub given_by: GivenBy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            metadata_url: None,
            issuer_template: None,
            allowed_tenants: Vec::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            client_id_file: None,
            client_secret_file: None,
            credential_source: None,
            client_key: None,
            redirect_uri: String::new(),
            post_logout_redirect_uri: None,
            end_session_parameters: Vec::new(),
            response_mode: ResponseMode::default(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            pkce: Pkce::default(),
            token_endpoint_auth_method: None,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            userinfo_requests: UserinfoRequests::default(),
            asks_every_time: false,
            trusted_audiences: Vec::new(),
            logout_token_rules: LogoutTokenRules::default(),
            clock_skew: Duration::from_secs(60),
            session_store: SessionStorage::default(),
            marks_store: MarkStorage::default(),
            session_unavailable: WhenUnavailable::default(),
            renewal: Renewal::default(),
            cookie_keys: Vec::new(),
            cookie_prefix: "miracl".to_owned(),
            session_idle_timeout: Duration::from_secs(24 * 60 * 60),
            session_absolute_timeout: Duration::from_secs(7 * 24 * 60 * 60),
            session_check_interval: Duration::from_secs(30),
            session_claims: SessionClaims::default(),
            session_remember: true,
            login_timeout: Duration::from_secs(15 * 60),
            home_path: "/".to_owned(),
            public_path: String::new(),
            paths: Paths::default(),
            session_shows: Vec::new(),
            trusted_origins: Vec::new(),
            ca_certs: Vec::new(),
            proxy: None,
            request_timeout: Duration::from_secs(10),
            project_id: None,
            project_jwt_use: ProjectJwtUse::default(),
            mpad_url: None,
            development: None,
            clock: Clock::default(),
            danger: Danger::default(),
            given_by: GivenBy::default(),
        }
    }
}

impl Config {
    /// Returns the usual redirect URI of an app at `base_url`: the base with `/login` behind it.
    ///
    /// ```
    /// # use miracl_core::Config;
    /// assert_eq!(Config::redirect_uri_for("https://app.example/"), "https://app.example/login");
    /// ```
    pub fn redirect_uri_for(base_url: &str) -> String {
        format!("{}/login", base_url.trim_end_matches('/'))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("issuer", &self.issuer)
            .field("metadata_url", &self.metadata_url)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("redirect_uri", &self.redirect_uri)
            .field("post_logout_redirect_uri", &self.post_logout_redirect_uri)
            .field("scopes", &self.scopes)
            .field("cookie_keys", &self.cookie_keys)
            .field("cookie_prefix", &self.cookie_prefix)
            .field("public_path", &self.public_path)
            .finish_non_exhaustive()
    }
}
