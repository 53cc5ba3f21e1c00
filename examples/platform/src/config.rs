//! Settings of a platform, and why it may not start.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::client::Client;
use crate::project::Project;

/// Settings of a [`Platform`](crate::Platform).
///
/// ```
/// use miracl_platform::{Client, PlatformConfig};
///
/// let config = PlatformConfig {
///     clients: vec![Client::new("demo", "secret", "http://127.0.0.1:5000/login")],
///     ..PlatformConfig::default()
/// };
/// assert_eq!(config.port, 0);
/// ```
#[derive(Debug, Clone)]
pub struct PlatformConfig {
    /// The host in the issuer's URL, and the address to listen on: `localhost` or a loopback address. By default
    /// `127.0.0.1`. With [`allow_network`](Self::allow_network) it may be `0.0.0.0` or `::` as well, and the host in
    /// the issuer's URL is `127.0.0.1` or `::1`. Anything else is refused.
    pub host: String,
    /// Whether the platform may listen on all addresses of this machine, so that a phone reaches its login pages. By
    /// default no. The portal, the inbox, the audit log and the rest of the back-end API answer this machine alone
    /// nevertheless. Only for a network in which you trust everybody: it is plain HTTP.
    pub allow_network: bool,
    /// The port to listen on. By default 0, which takes a free one.
    pub port: u16,
    /// Where keys, identities and the portal's apps are kept. By default nowhere: a restart
    /// forgets them.
    pub data_dir: Option<PathBuf>,
    /// Where the signing keys are kept, if not in `data_dir`. By default, without either, the platform signs with an
    /// RSA key that everybody knows, so that a test need not make one. With [`allow_network`](Self::allow_network) it
    /// makes one nevertheless.
    pub keys_file: Option<PathBuf>,
    /// Apps that are registered from the start. More can be added while the platform runs.
    pub clients: Vec<Client>,
    /// The groups of people, by their e-mail addresses: the claim `groups`, whatever the scopes are. By default nobody
    /// is in one and the claim is missing. Addresses are compared in lower case, as the platform keeps them.
    pub groups: BTreeMap<String, Vec<String>>,
    /// The settings of the project, to which all apps belong. Where the data folder keeps settings already, those
    /// count.
    pub project: Project,
    /// Lifetime of a code, in whole seconds. By default 60 s.
    pub code_lifetime: Duration,
    /// Lifetime of an access token, in whole seconds. By default 900 s, as at MIRACL.
    pub access_token_lifetime: Duration,
    /// Lifetime of an ID token, in whole seconds. By default 900 s, as at MIRACL.
    pub id_token_lifetime: Duration,
    /// Whether callbacks carry the issuer (`iss`, RFC 9207) and discovery says so. By default yes.
    pub authorization_response_iss_parameter: bool,
    /// Whether a login without a `code_challenge` (PKCE, RFC 7636) is refused. By default no.
    pub require_pkce: bool,
}

impl Default for PlatformConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            allow_network: false,
            port: 0,
            data_dir: None,
            keys_file: None,
            clients: Vec::new(),
            groups: BTreeMap::new(),
            project: Project::default(),
            code_lifetime: Duration::from_secs(60),
            access_token_lifetime: Duration::from_secs(900),
            id_token_lifetime: Duration::from_secs(900),
            authorization_response_iss_parameter: true,
            require_pkce: false,
        }
    }
}

impl PlatformConfig {
    /// Returns the groups of a person.
    pub(crate) fn groups_of(&self, email: &str) -> Vec<&str> {
        let own = self
            .groups
            .iter()
            .filter(|(of, _)| of.trim().to_lowercase() == email);
        own.flat_map(|(_, groups)| groups.iter().map(String::as_str))
            .collect()
    }

    /// Returns the file of the data folder with that name.
    pub(crate) fn data_file(&self, name: &str) -> Option<PathBuf> {
        self.data_dir.as_ref().map(|folder| folder.join(name))
    }
}

/// Why a platform did not start. `Debug` is `Display` with what the operating system said, for a `main` that returns
/// it.
#[non_exhaustive]
pub enum StartError {
    /// The host is not on loopback, and is not all addresses where the network is allowed.
    NotLoopback {
        /// The host in the settings.
        host: String,
    },
    /// The address cannot be listened on, most often because another process does.
    Bind {
        /// The `host:port` in the settings.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of the data folder cannot be read or written.
    Data(io::Error),
    /// A configured client has an address to which no browser may be sent.
    Client {
        /// The client's id.
        client_id: String,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback { host } => write!(
                f,
                "the local MIRACL platform listens on loopback only, and {host:?} is not: use 127.0.0.1 or localhost, \
                 or allow the network (PLATFORM_ALLOW_NETWORK=1) and use 0.0.0.0"
            ),
            Self::Bind { address, source } if source.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "{address} is in use already: stop what listens there, or choose another port (0 takes a free one)"
            ),
            Self::Bind { address, .. } => write!(f, "cannot listen on {address}"),
            Self::Data(_) => f.write_str("the platform's data cannot be read or written"),
            Self::Client { client_id, reason } => write!(f, "client {client_id:?}: {reason}"),
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source() {
            Some(source) => write!(f, "{self}: {source}"),
            None => fmt::Display::fmt(self, f),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Data(source) => Some(source),
            Self::NotLoopback { .. } | Self::Client { .. } => None,
        }
    }
}
