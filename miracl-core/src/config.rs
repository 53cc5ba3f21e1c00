//! What an app says about itself and its provider.

mod check;
mod load;

use std::{fmt, path::PathBuf, time::Duration};

pub(crate) use check::Checked;

use crate::{
    client_auth::ClientKey,
    clock::Clock,
    credentials::CredentialSource,
    marks::MarkStorage,
    secret::{CookieKey, Secret},
    store::SessionStorage,
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
/// The same from `miracl.json` and the environment: [`Config::load`].
#[derive(Clone)]
#[doc(alias = "set_issuer")]
pub struct Config {
    /// The provider, as its discovery document spells it. Required; MIRACL shows it in the Portal as the Project Domain.
    ///
    /// Must be https, except on loopback. A pasted `/.well-known/openid-configuration` at the end is taken off. Where
    /// the document is elsewhere, see [`metadata_url`](Self::metadata_url).
    pub issuer: String,

    /// The address of the provider's metadata, where that is not found at [`issuer`](Self::issuer) with
    /// `/.well-known/openid-configuration` behind it: another host than the issuer's, an issuer that is no URL, or
    /// another way to the provider than people's browsers have. By default none. It is used exactly as it stands here.
    ///
    /// `issuer` is then what the tokens have as `iss`, to the letter, and need not be a URL; it is compared with
    /// tokens, logout tokens and `iss` parameters, and no longer with the document's own `issuer`. Must be https,
    /// except on loopback.
    ///
    /// # Security
    ///
    /// Whoever can change what this address gives can be any user: they name the keys. Over plain http
    /// ([`Danger::allow_http`]), that is everybody on the way.
    pub metadata_url: Option<String>,

    /// What the provider's discovery document has as its `issuer` when one document serves many tenants, with `{tenantid}` where
    /// the tenant's id stands: `https://login.microsoftonline.com/{tenantid}/v2.0` for Entra's `common`, `organizations` and
    /// `consumers`. By default none: the document must name [`issuer`](Self::issuer) itself.
    ///
    /// The ID token's `iss` must then be this template with the token's own `tid` put in, and that is what
    /// [`User::issuer`](crate::User::issuer) returns. A key that the provider publishes for one issuer, as Entra does
    /// by the key's own `issuer`, signs for that issuer alone. See also [`allowed_tenants`](Self::allowed_tenants).
    pub issuer_template: Option<String>,

    /// The tenants whose people may log in, by id, where there is an [`issuer_template`](Self::issuer_template). By default none
    /// are named, and every tenant's may.
    pub allowed_tenants: Vec<String>,

    /// The client id that the provider gave to this app. Required, unless [`client_id_file`](Self::client_id_file) or
    /// [`credential_source`](Self::credential_source) supplies it.
    pub client_id: String,

    /// The client secret that belongs to the client id. Required, unless
    /// [`client_secret_file`](Self::client_secret_file) or [`credential_source`](Self::credential_source) supplies it.
    pub client_secret: Secret,

    /// A file that holds the client id alone, as container platforms mount it. Wins over `client_id`. By default none.
    pub client_id_file: Option<PathBuf>,

    /// A file that holds the client secret alone, as container platforms mount it. Wins over `client_secret`. It is read at
    /// start, and again when the provider refuses the secret, so a rotated secret needs no restart. By default none.
    pub client_secret_file: Option<PathBuf>,

    /// The app's own way to its credentials, such as a vault. Wins over all of the above. By default none.
    pub credential_source: Option<CredentialSource>,

    /// The private key for [`ClientAuthMethod::PrivateKeyJwt`], in place of a secret. By default none.
    pub client_key: Option<ClientKey>,

    /// The absolute URL of the callback route, exactly as registered at the provider. Required.
    ///
    /// Its path is where the adapter mounts the callback. Its scheme and host alone decide how cookies are made: `Secure`
    /// with the `__Host-` prefix on https, neither on http, which is for loopback only.
    /// [`Config::redirect_uri_for`] makes one from a base URL.
    pub redirect_uri: String,

    /// Where the provider sends the browser after log-out, as registered there. By default none: the provider shows
    /// its own page.
    ///
    /// When it lies on this site, the adapter answers its path with a redirect to [`home_path`](Self::home_path).
    pub post_logout_redirect_uri: Option<String>,

    /// Further parameters of the address at which the provider ends its own session, such as `logout_uri` at Amazon
    /// Cognito. By default none. Those of the specification (`id_token_hint`, `client_id`, `post_logout_redirect_uri`,
    /// `state`) are the engine's.
    pub end_session_parameters: Vec<(String, String)>,

    /// How the provider hands its answer to the callback. By default [`ResponseMode::Query`].
    pub response_mode: ResponseMode,

    /// The scopes to ask for. By default `openid` and `email`. `openid` must be among them.
    pub scopes: Vec<String>,

    /// Proof Key for Code Exchange (RFC 7636). By default [`Pkce::S256`].
    pub pkce: Pkce,

    /// How this client authenticates at the token endpoint. By default `None`: `private_key_jwt` where there is a
    /// [`client_key`](Self::client_key), else chosen from the provider's metadata, `client_secret_basic` before
    /// `client_secret_post`.
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,

    /// The one algorithm that ID tokens are signed with, when the client is registered with one. By default `None`: those
    /// that the provider's metadata names, cut down to the asymmetric ones in [`SigningAlgorithm`].
    pub id_token_signed_response_alg: Option<SigningAlgorithm>,

    /// The algorithm that userinfo is signed with, when the client is registered for signed userinfo. By default `None`: userinfo
    /// is plain JSON, and a JWT is refused (OpenID Connect Core 1.0 §5.3.2).
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,

    /// When a login asks for userinfo. By default [`UserinfoRequests::Always`].
    #[doc(alias = "get_claims_from_userinfo_endpoint")]
    pub userinfo_requests: UserinfoRequests,

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

    /// Where is remembered which logins and logout tokens were used and which sessions were ended, and who renews which tokens. By
    /// default in the memory of this process: with several replicas, or after a restart, a copied cookie of a session that was
    /// ended elsewhere or before lives on until its time has passed.
    ///
    /// In a store that the fleet shares all of it counts everywhere within a second. While that store is away, sessions in cookies
    /// cannot be read ([`SessionError::Store`](crate::SessionError::Store)): nobody is taken for logged in who may have logged out.
    ///
    /// With sessions in a store of your own that a fleet shares, set this to a shared one as well: otherwise a log-out
    /// by the provider at one replica does not reach a login that is under way at another. Whether a login or a log-out
    /// was first, where both were in one second of the provider's clock, is told by the clocks of the replicas.
    pub marks_store: MarkStorage,

    /// What a session that cannot be read at the moment counts as. By default [`WhenUnavailable::Error`].
    pub session_unavailable: WhenUnavailable,

    /// When tokens are renewed, where the provider gives refresh tokens. By default [`Renewal::Lazy`].
    pub renewal: Renewal,

    /// The keys that seal cookies: the first seals, every one opens. Required: at least one.
    ///
    /// To change the key of servers that run, without ending a session, one server after the other each time:
    ///
    /// 1. Add the new key *last*. When every server has it, every one can open what the next step seals.
    /// 2. Move it to the front. From now on it seals, and whoever comes has all of their session sealed anew.
    /// 3. After [`session_absolute_timeout`](Self::session_absolute_timeout) remove the old key. Earlier, it ends the sessions
    ///    of those who have not come since.
    ///
    /// A server leaves alone what a key has sealed that it does not know: another server may know it.
    #[doc(alias = "cookie_secret")]
    pub cookie_keys: Vec<CookieKey>,

    /// The beginning of every cookie name. By default `miracl`. Two apps on one host need two prefixes, of which one
    /// may begin with the other.
    pub cookie_prefix: String,

    /// How long a session lives without a request that asks for it. By default 24 hours.
    pub session_idle_timeout: Duration,

    /// How long a session lives at most. By default 7 days.
    pub session_absolute_timeout: Duration,

    /// How long a person may take at the provider. By default 15 minutes.
    pub login_timeout: Duration,

    /// The local path to go to when a login has no other place to return to, and after log-out. By default `/`.
    pub home_path: String,

    /// The paths of the routes that adapters mount.
    pub paths: Paths,

    /// Origins (`https://admin.example`) that may send unsafe requests to this app beside its own. By default none.
    pub trusted_origins: Vec<String>,

    /// PEM files with further certificate authorities to trust for requests to the provider, and to a Redis that the settings name.
    /// By default none.
    pub ca_certs: Vec<PathBuf>,

    /// A proxy for requests to the provider, as `http://host:port`. By default none; proxy variables of the environment are
    /// not used.
    pub proxy: Option<String>,

    /// How long one request to the provider may take. By default 10 seconds.
    pub request_timeout: Duration,

    /// Whether error pages may explain failures in detail. By default `None`: only when the redirect URI is on loopback.
    #[doc(alias = "debug")]
    pub development: Option<bool>,

    /// The time, for tests. By default the system's.
    pub clock: Clock,

    /// What makes the app less safe.
    pub danger: Danger,
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
            login_timeout: Duration::from_secs(15 * 60),
            home_path: "/".to_owned(),
            paths: Paths::default(),
            trusted_origins: Vec::new(),
            ca_certs: Vec::new(),
            proxy: None,
            request_timeout: Duration::from_secs(10),
            development: None,
            clock: Clock::default(),
            danger: Danger::default(),
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
            .finish_non_exhaustive()
    }
}

/// The paths of the routes that adapters mount, beside that of the redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Starts a login: `GET`. By default `/login/start`.
    pub login_start: String,
    /// Starts a login that somebody else asks for, such as the provider's own portal: `GET` and `POST` (OpenID Connect Core 1.0
    /// §4). By default `/login/initiate`.
    pub login_initiate: String,
    /// Ends the session: `POST`; a `GET` asks first. By default `/logout`.
    pub logout: String,
    /// Where the provider itself ends sessions: `POST` (OpenID Connect Back-Channel Logout 1.0). By default
    /// `/backchannel-logout`; register it as `backchannel_logout_uri`.
    pub backchannel_logout: String,
    /// What the provider's log-out page loads in a frame: `GET` (OpenID Connect Front-Channel Logout 1.0). By default
    /// `/frontchannel-logout`; register it as `frontchannel_logout_uri`.
    ///
    /// The request proves nothing. It ends the sessions that `iss` and `sid` name. A session whose ID token had no
    /// `sid` it ends only if its cookie came along and the browser says that it loads a frame (`Sec-Fetch-Dest`), so
    /// that no link logs people out. Browsers say so on https and on this machine, and let the cookie come along where
    /// the provider is of the same site as the app.
    pub frontchannel_logout: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            login_start: "/login/start".to_owned(),
            login_initiate: "/login/initiate".to_owned(),
            logout: "/logout".to_owned(),
            backchannel_logout: "/backchannel-logout".to_owned(),
            frontchannel_logout: "/frontchannel-logout".to_owned(),
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
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode): the code stands in no address, history or log.
    ///
    /// The post comes from the provider's site, and browsers send no `Lax` cookie with it. So the cookie of a login under way is
    /// `SameSite=None; Secure`, and hooks don't see the session that there was before; it ends all the same when a new one begins.
    FormPost,
}

/// How strictly logout tokens are read (OpenID Connect Back-Channel Logout 1.0 §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogoutTokenRules {
    /// As the final specification has it. The header's `typ` may be missing, or `JWT`.
    #[default]
    Final,
    /// The header's `typ` must be `logout+jwt` (OWASP ASVS 5.0, 10.5.5).
    Strict,
    /// For providers of the drafts' time: `exp` may be missing. The token must then be no older than ten minutes all the same.
    Lenient,
}

/// What a session counts as that cannot be read, because a store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenUnavailable {
    /// An error: 503 where a user is needed. Nobody is sent to log in who is logged in.
    #[default]
    Error,
    /// Nobody: pages are shown as to people who are not logged in, and the cookie stays for when the store is back.
    Anonymous,
}

/// When a session's tokens are renewed by its refresh token (OpenID Connect Core 1.0 §12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Renewal {
    /// When [`Visit::tokens`](crate::Visit::tokens) is asked for them and their time has come.
    #[default]
    Lazy,
    /// By every request that asks who is logged in, once their time has come: a provider that no longer accepts the refresh token so
    /// ends the session here. It opens the large part of the session on each of these requests.
    Eager,
}

/// When userinfo is asked for (OpenID Connect Core 1.0 §5.3), which is one request more for each login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UserinfoRequests {
    /// By every login, where the provider has it.
    #[default]
    Always,
    /// By a login whose ID token lacks something that the scopes ask for (§5.4): `email` with `email_verified`, `name` of `profile`,
    /// `phone_number` of `phone`, or `address`. A scope of any other kind always needs it, since nobody knows what it is for.
    WhenNeeded,
    /// Never, not even by [`Visit::refresh_user_data`](crate::Visit::refresh_user_data), which then returns what is known. User data
    /// is what the ID token says.
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
    /// `client_secret_jwt`: an assertion signed by HMAC with the secret, which stays here. The secret must have at least 32
    /// bytes (RFC 7518 §3.2).
    ClientSecretJwt,
    /// `private_key_jwt`: an assertion signed with [`Config::client_key`]. No secret is needed.
    PrivateKeyJwt,
}

/// The signature algorithms that an ID token may use (RFC 7518 §3.1, RFC 8037). All are asymmetric; `none` and the HMAC
/// family do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl SigningAlgorithm {
    pub(crate) const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in JOSE headers and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Finds the algorithm of this name, if it is one of the supported. RFC 9864 has further names for some of them:
    /// `Ed25519` is [`EdDSA`](Self::EdDSA) with the one curve that is supported, and `ESP256` and `ESP384` are
    /// [`ES256`](Self::ES256) and [`ES384`](Self::ES384).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Ed25519" => Some(Self::EdDSA),
            "ESP256" => Some(Self::ES256),
            "ESP384" => Some(Self::ES384),
            _ => Self::ALL.into_iter().find(|alg| alg.name() == name),
        }
    }
}

/// Whether an algorithm is an HMAC (RFC 7518 §3.2), whose key the provider and this client would share.
pub(crate) fn is_shared_key(algorithm: &str) -> bool {
    let names = ["HS256", "HS384", "HS512"];
    names
        .iter()
        .any(|name| algorithm.eq_ignore_ascii_case(name))
}

/// Why an algorithm that every provider knows is not accepted, on purpose; `None` for every other.
pub(crate) fn not_accepted(algorithm: &str) -> Option<&'static str> {
    if is_shared_key(algorithm) {
        Some("not accepted here: shared-key signature")
    } else if algorithm.eq_ignore_ascii_case("none") {
        Some("not accepted here: no signature")
    } else {
        None
    }
}

/// Settings that make an app less safe. Each is off by default, and its name is to be noticed in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Danger {
    /// Allows http off loopback, for the redirect URI and for the provider: `DANGER_ALLOW_HTTP=1`. The log warns of it
    /// at every start. It is meant for a network that is yours alone, such as that of a Compose file.
    ///
    /// # Security
    ///
    /// Whoever is on the way can read codes, tokens and session cookies, and be any user.
    pub allow_http: bool,
}

/// Everything that is wrong with a configuration.
///
/// `Display` has one line for each mistake: the key, what is wrong with it, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub(crate) problems: Vec<Problem>,
}

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The setting, as it is called where it was read from: a field of [`Config`], a key of `miracl.json`, or a variable of
    /// the environment.
    pub key: String,
    /// What is wrong and what to do about it. It never repeats a secret.
    pub message: String,
}

impl ConfigError {
    /// Returns the mistakes, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Problem { key, message }) in self.problems.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{key}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Collects mistakes so that all are told at once.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            key: key.into(),
            message: message.into(),
        });
    }

    pub(crate) fn into_result<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.0 }),
        }
    }
}
