//! An app that is registered at the platform, and the registry of apps.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Origin, Url};

use crate::algorithm::SigningAlgorithm;
use crate::client_auth::ClientAuthMethod;
use crate::sync::lock;
use crate::{backchannel, folder, frontchannel, random};

/// An app that may log people in: what OpenID Connect calls a client.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The `client_id`, which identifies the app in every request.
    pub client_id: String,
    /// The secret, which proves that a token request is the app's own.
    pub client_secret: String,
    /// Callbacks. The `redirect_uri` of a request must be one of them, character for character.
    pub redirect_uris: Vec<String>,
    /// Where a person may be sent after log-out, compared like [`redirect_uris`](Self::redirect_uris).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// The name that people read on the login page.
    pub name: String,
    /// Where the app is, such as `http://127.0.0.1:5000`. The portal makes the first callback from it. By default none.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Whether people may log in on the browser that shows the login page. By default yes. This or
    /// [`qr_login`](Self::qr_login) must be on.
    #[serde(default = "yes")]
    pub browser_login: bool,
    /// Whether people may log in on another device, which reads a QR code on the login page. By default yes.
    #[serde(default = "yes")]
    pub qr_login: bool,
    /// The algorithm of this app's ID tokens. By default `RS256`.
    #[serde(default)]
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// The algorithm of this app's user info, which is then a token. By default none: it is plain JSON.
    #[serde(default)]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,
    /// The only way in which this app authenticates at the token endpoint. By default either `client_secret_basic`
    /// or `client_secret_post`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// This app's public keys as a JWK set (RFC 7517 §5), for `private_key_jwt`. By default none.
    #[serde(default)]
    pub jwks: Option<Value>,
    /// Where the platform posts a logout token when a session ends that logged in to this app
    /// (OpenID Connect Back-Channel Logout 1.0). It must be `http` and loopback: the platform itself
    /// reaches nothing else. By default none.
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens name the session (`sid`) beside the person (`sub`). By default yes, as with most
    /// providers, though the specification's own default is no.
    #[serde(default = "yes")]
    pub backchannel_logout_session_required: bool,
    /// What the log-out page loads in a frame, unless the back channel has reached this app before (OpenID Connect
    /// Front-Channel Logout 1.0). It must be at the origin of a redirect URI. By default none.
    #[serde(default)]
    pub frontchannel_logout_uri: Option<String>,
    /// Whether the frame's address names the issuer and the session (`iss` and `sid`). By default
    /// yes, though the specification's own default is no.
    #[serde(default = "yes")]
    pub frontchannel_logout_session_required: bool,
}

fn yes() -> bool {
    true
}

impl Client {
    /// Makes a client with one callback, no log-out addresses and `RS256`; its name is its id.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        let client_id = client_id.into();
        Self {
            name: client_id.clone(),
            client_id,
            client_secret: client_secret.into(),
            redirect_uris: vec![redirect_uri.into()],
            post_logout_redirect_uris: Vec::new(),
            base_url: None,
            browser_login: true,
            qr_login: true,
            id_token_signed_response_alg: SigningAlgorithm::default(),
            userinfo_signed_response_alg: None,
            token_endpoint_auth_method: None,
            jwks: None,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: true,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: true,
        }
    }

    /// Makes a client as the portal does: with an id and a secret that nobody can guess.
    pub(crate) fn register(name: String, redirect_uris: Vec<String>) -> Self {
        Self {
            name,
            redirect_uris,
            ..Self::new("", "", "")
        }
        .with_new_keys()
    }

    /// Returns the same app with another id and another secret that nobody can guess.
    pub(crate) fn with_new_keys(self) -> Self {
        let id = random::token();
        let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            client_id: id.get(..16).unwrap_or(&id).to_owned(),
            client_secret: random::token(),
            ..self
        }
    }

    /// Checks the login methods, and every address to which a browser or the platform would go.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.browser_login && !self.qr_login {
            return Err("one of the login methods, browser and QR, must be on".to_owned());
        }
        let mut uris = self
            .redirect_uris
            .iter()
            .chain(&self.post_logout_redirect_uris);
        uris.try_for_each(|uri| check_redirect_uri(uri))?;
        if let Some(uri) = &self.backchannel_logout_uri {
            backchannel::check_uri(uri)?;
        }
        match &self.frontchannel_logout_uri {
            Some(uri) => frontchannel::check_uri(uri, &self.redirect_uris),
            None => Ok(()),
        }
    }

    /// Compares a presented secret in a time that does not depend on where the two differ.
    pub(crate) fn has_secret(&self, presented: &str) -> bool {
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            &random::bytes::<{ digest::SHA256_OUTPUT_LEN }>(),
        );
        let expected = hmac::sign(&key, self.client_secret.as_bytes());
        hmac::verify(&key, presented.as_bytes(), expected.as_ref()).is_ok()
    }

    /// Returns the sources, in the sense of a Content-Security-Policy, that belong to this app:
    /// the origins of its callbacks, or the scheme where a callback has none (a mobile app).
    pub(crate) fn sources(&self) -> Vec<String> {
        let mut sources: Vec<String> = self
            .redirect_uris
            .iter()
            .filter_map(|uri| Url::parse(uri).ok())
            .map(|uri| match uri.origin() {
                origin @ Origin::Tuple(..) => origin.ascii_serialization(),
                Origin::Opaque(_) => format!("{}:", uri.scheme()),
            })
            .collect();
        sources.sort();
        sources.dedup();
        sources
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("client_id", &self.client_id)
            .field("client_secret", &"[redacted]")
            .field("redirect_uris", &self.redirect_uris)
            .field("post_logout_redirect_uris", &self.post_logout_redirect_uris)
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .field("browser_login", &self.browser_login)
            .field("qr_login", &self.qr_login)
            .field(
                "id_token_signed_response_alg",
                &self.id_token_signed_response_alg,
            )
            .field(
                "userinfo_signed_response_alg",
                &self.userinfo_signed_response_alg,
            )
            .field(
                "token_endpoint_auth_method",
                &self.token_endpoint_auth_method,
            )
            .field("jwks", &self.jwks)
            .field("backchannel_logout_uri", &self.backchannel_logout_uri)
            .field(
                "backchannel_logout_session_required",
                &self.backchannel_logout_session_required,
            )
            .field("frontchannel_logout_uri", &self.frontchannel_logout_uri)
            .field(
                "frontchannel_logout_session_required",
                &self.frontchannel_logout_session_required,
            )
            .finish()
    }
}

/// Checks an address that a browser may be sent to.
///
/// It must be absolute and without a fragment (RFC 6749 §3.1.2), and it must not be code that a browser would run.
pub(crate) fn check_redirect_uri(uri: &str) -> Result<(), String> {
    let parsed = Url::parse(uri).map_err(|_| format!("{uri:?} is not an absolute address"))?;
    if parsed.fragment().is_some() {
        return Err(format!("{uri:?} has a fragment (#...)"));
    }
    if matches!(
        parsed.scheme(),
        "javascript" | "data" | "blob" | "file" | "about" | "vbscript"
    ) {
        return Err(format!("{uri:?} is not an address to return to"));
    }
    Ok(())
}

/// Every registered app: those of the configuration, and those of the portal, which are kept.
#[derive(Debug)]
pub(crate) struct Clients {
    file: Option<PathBuf>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    configured: Vec<Client>,
    registered: Vec<Client>,
}

impl Clients {
    pub(crate) fn open(configured: Vec<Client>, file: Option<PathBuf>) -> io::Result<Self> {
        let registered = match &file {
            Some(file) => folder::read(file)?.unwrap_or_default(),
            None => Vec::new(),
        };
        let known = Mutex::new(Known {
            configured,
            registered,
        });
        Ok(Self { file, known })
    }

    pub(crate) fn find(&self, client_id: &str) -> Option<Client> {
        let known = lock(&self.known);
        let mut all = known.configured.iter().chain(&known.registered);
        all.find(|client| client.client_id == client_id).cloned()
    }

    /// Returns every client, and whether the portal registered it.
    pub(crate) fn all(&self) -> Vec<(Client, bool)> {
        let known = lock(&self.known);
        let configured = known
            .configured
            .iter()
            .map(|client| (client.clone(), false));
        configured
            .chain(known.registered.iter().map(|client| (client.clone(), true)))
            .collect()
    }

    /// Adds a client for as long as the platform runs, and replaces one with the same id.
    pub(crate) fn configure(&self, client: Client) {
        let mut known = lock(&self.known);
        known
            .configured
            .retain(|other| other.client_id != client.client_id);
        known.configured.push(client);
    }

    /// Adds a client and keeps it.
    pub(crate) fn register(&self, client: Client) -> io::Result<()> {
        self.change(|registered| registered.push(client))
    }

    /// Changes a client that the portal registered. Returns false if there is none of this id.
    pub(crate) fn replace(&self, client_id: &str, client: Client) -> io::Result<bool> {
        self.change(|registered| {
            let mut all = registered.iter_mut();
            let known = all.find(|known| known.client_id == client_id);
            known.map(|known| *known = client).is_some()
        })
    }

    /// Forgets a client that the portal registered.
    pub(crate) fn remove(&self, client_id: &str) -> io::Result<()> {
        self.change(|registered| registered.retain(|client| client.client_id != client_id))
    }

    /// Changes the clients of the portal. What could not be saved does not count.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Client>) -> T) -> io::Result<T> {
        let mut known = lock(&self.known);
        let mut registered = known.registered.clone();
        let result = change(&mut registered);
        if let Some(file) = &self.file {
            folder::write(file, &registered)?;
        }
        known.registered = registered;
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_prints_the_secret() {
        let client = Client::new("id", "hunter2", "http://127.0.0.1/login");
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn an_app_of_an_older_data_folder_has_both_login_methods() {
        let kept =
            r#"{"client_id":"id","client_secret":"s","redirect_uris":["http://a/"],"name":"A"}"#;
        let client: Client = serde_json::from_str(kept).unwrap();
        assert!(client.browser_login && client.qr_login && client.base_url.is_none());
        let without = Client {
            browser_login: false,
            qr_login: false,
            ..client
        };
        assert!(without.check().unwrap_err().contains("login methods"));
    }

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let client = Client::new("id", "hunter2", "http://127.0.0.1/login");
        assert!(client.has_secret("hunter2"));
        for wrong in ["", "hunter", "hunter22", "HUNTER2"] {
            assert!(!client.has_secret(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn sources_are_origins_or_the_scheme_of_a_mobile_app() {
        let mut client = Client::new("id", "s", "http://127.0.0.1:5000/login?x=1");
        client.redirect_uris.push("com.example.app:/done".into());
        client
            .redirect_uris
            .push("http://127.0.0.1:5000/c2id".into());
        assert_eq!(
            client.sources(),
            ["com.example.app:", "http://127.0.0.1:5000"]
        );
    }

    #[test]
    fn relative_scripted_and_fragment_addresses_are_refused() {
        for bad in [
            "/login",
            "",
            "javascript:alert(1)",
            "http://a/#x",
            "data:text/html,x",
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_redirect_uri("http://127.0.0.1:5000/login"), Ok(()));
    }
}
