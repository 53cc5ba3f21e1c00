//! The platform: starting and stopping it, and what a test may ask it to do.

mod rotation;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use crate::access::Sessions;
use crate::app_settings;
use crate::audit::Audit;
use crate::backchannel;
use crate::browser::{Browser, JourneyError};
use crate::callback::Callback;
use crate::claims::Claims;
use crate::client::{Client, Clients};
use crate::client_auth::{ClientAuthMethod, UsedAssertions};
use crate::config::{PlatformConfig, StartError};
use crate::device::Devices;
use crate::device_id::DeviceId;
use crate::exchange::Exchanges;
use crate::fault::{Fault, Faults};
use crate::grant::Grants;
use crate::inbox::Inbox;
use crate::interaction::Interactions;
use crate::keys::{KeyRing, Keys};
use crate::logout::LogOut;
use crate::mpin_client::MpinClient;
use crate::pending::Pending;
use crate::project::Project;
use crate::project::kept::KeptProject;
use crate::record::{RecordedRequest, Recorder};
use crate::registration::Registrations;
use crate::server::{issuer_ip, listen, router};
use crate::shared::{Shared, check_email};
use crate::sync::lock;
use crate::trust::Trust;
use crate::verification::Verifications;

/// How long a shutdown waits for requests under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running local MIRACL platform.
///
/// It stops when it is dropped; [`shutdown`](Self::shutdown) also waits until it has.
///
/// ```
/// use miracl_platform::{Platform, PlatformConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let platform = Platform::start(PlatformConfig::default()).await?;
/// assert!(platform.issuer().starts_with("http://127.0.0.1:"));
/// platform.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Platform {
    shared: Arc<Shared>,
    address: SocketAddr,
    browser: Browser,
    close: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Platform {
    /// Starts a platform on the current Tokio runtime; it serves until it is shut down or dropped.
    ///
    /// It takes less than half a second, also in a build without optimisation. With a
    /// [`data_dir`](PlatformConfig::data_dir), a [`keys_file`](PlatformConfig::keys_file) or
    /// [`allow_network`](PlatformConfig::allow_network), the first start makes an RSA key, which takes up to a second
    /// or two, and a minute where `rsa` and `num-bigint-dig` are compiled without optimisation. Without them, the RSA
    /// key is one that everybody knows, for tests.
    ///
    /// # Errors
    /// [`StartError`] says which setting or file is the cause.
    pub async fn start(config: PlatformConfig) -> Result<Self, StartError> {
        for client in &config.clients {
            check_client(client)?;
        }
        let listener = listen(&config.host, config.port, config.allow_network).await?;
        let listening = listener.local_addr().map_err(StartError::Data)?;
        // Apps and browsers of this machine come by loopback, wherever else it listens.
        let address = SocketAddr::new(issuer_ip(listening.ip()), listening.port());
        let host = match config.host.parse() {
            Ok(IpAddr::V4(_)) => address.ip().to_string(),
            Ok(IpAddr::V6(_)) => format!("[{}]", address.ip()),
            Err(_) => config.host.clone(),
        };
        let issuer = format!("http://{host}:{}", address.port());

        let file = config.keys_file.clone();
        let file = file.or_else(|| config.data_file("keys.json"));
        let on_network = config.allow_network;
        let has_own = on_network || file.is_some();
        let keys = make_keys(move || match (file, on_network) {
            (None, false) => Keys::of_tests(),
            (None, true) => Keys::generate(),
            (Some(file), _) => Keys::open(&file),
        });
        let keys = keys.await?;

        let trust = Trust::open(config.data_file("mpin.json").as_deref());
        let trust = trust.map_err(StartError::Data)?;
        let registrations = Registrations::open(config.data_file("registrations.json"));

        let person = DeviceId::random();
        let (close, closing) = watch::channel(false);
        let shared = Arc::new(Shared {
            claims: Claims::default(),
            clients: Clients::open(config.clients.clone(), config.data_file("clients.json"))
                .map_err(StartError::Data)?,
            devices: Devices::open(config.data_file("identities.json"), person.key())
                .map_err(StartError::Data)?,
            registrations: registrations.map_err(StartError::Data)?,
            trust,
            project: KeptProject::open(config.data_file("project.json"), config.project.clone())
                .map_err(StartError::Data)?,
            new_tokens: Pending::new(60, 100),
            verifications: Verifications::default(),
            sessions: Sessions::default(),
            exchanges: Exchanges::default(),
            audit: Audit::default(),
            issuer,
            address: listening,
            config,
            keys: KeyRing::new(keys, has_own),
            grants: Grants::default(),
            assertions: UsedAssertions::default(),
            interactions: Interactions::default(),
            inbox: Inbox::default(),
            recorder: Recorder::default(),
            faults: Mutex::default(),
            closing,
        });
        let router = router(&shared);
        let until = Arc::clone(&shared);
        let server = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let serving = axum::serve(listener, service)
                .with_graceful_shutdown(async move { until.closed().await });
            if let Err(error) = serving.await {
                tracing::error!(%error, "the local MIRACL platform stopped");
            }
        });
        let browser = Browser::new(&shared, address, person);
        Ok(Self {
            shared,
            address,
            browser,
            close,
            server,
        })
    }

    /// Returns the issuer: the URL under which everything is served, without a slash at its end.
    pub fn issuer(&self) -> &str {
        self.shared.issuer()
    }

    /// Returns the URL of the login button's script.
    pub fn mpad_url(&self) -> String {
        format!("{}/mpad.js", self.issuer())
    }

    /// Returns the loopback address that the platform answers at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Registers an app with this callback, as the portal does, and returns it. An app with this callback alone that
    /// was registered before is returned as it is. Beside the callback are expected what the adapters of this project
    /// mount there: the page after log-out and both channels of log-out.
    ///
    /// # Errors
    /// [`StartError::Client`] if no browser may be sent to the address, [`StartError::Data`] if the app cannot be kept.
    pub fn register_app(&self, redirect_uri: &str) -> Result<Client, StartError> {
        let all = self.shared.clients.all();
        let known = all.into_iter().find(|(client, registered)| {
            *registered
                && client.redirect_uris.len() == 1
                && client.redirect_uris[0] == redirect_uri
        });
        if let Some((client, _)) = known {
            return Ok(client);
        }
        let at = |name| app_settings::beside(redirect_uri, name);
        let mut client = Client::register("My app".to_owned(), vec![redirect_uri.to_owned()]);
        let base = redirect_uri.strip_suffix("/login");
        let base = base.filter(|base| Url::parse(base).is_ok_and(|url| url.has_host()));
        client.base_url = base.map(str::to_owned);
        client.post_logout_redirect_uris.extend(at("signed-out"));
        client.frontchannel_logout_uri = at("frontchannel-logout");
        client.backchannel_logout_uri =
            at("backchannel-logout").filter(|uri| backchannel::check_uri(uri).is_ok());
        check_client(&client)?;
        let kept = self.shared.clients.register(client.clone());
        kept.map_err(StartError::Data)?;
        Ok(client)
    }

    /// Writes the settings of an app to a file, for `Config::load` of the app: issuer, client id and secret, redirect
    /// URI, the page after log-out, the login button's script. A file that has them already stays as it is.
    ///
    /// # Errors
    /// When the file cannot be written, or is that of another app.
    pub fn write_settings(&self, client: &Client, path: &Path) -> io::Result<()> {
        app_settings::write(path, &app_settings::of(client, self.issuer()))
    }

    /// Returns the URL of the local inbox, where confirmation messages arrive.
    pub fn inbox_url(&self) -> String {
        format!("{}/inbox", self.issuer())
    }

    /// Adds an app while the platform runs, and replaces a configured one with the same id. The app is forgotten
    /// when the platform stops.
    ///
    /// # Errors
    /// [`StartError::Client`] if a browser may not be sent to one of its addresses, or if it should authenticate
    /// with keys and has none.
    pub fn add_client(&self, client: Client) -> Result<(), StartError> {
        check_client(&client)?;
        self.shared.clients.configure(client);
        Ok(())
    }

    /// Returns the id of the project, a UUID.
    pub fn project_id(&self) -> &str {
        &self.shared.trust.project_id
    }

    /// Returns the settings of the project as they are now.
    pub fn project(&self) -> Project {
        (*self.shared.project()).clone()
    }

    /// Changes the settings of the project, from now on, and keeps them in the data folder. If that fails, nothing
    /// changes, and the log says so.
    pub fn set_project(&self, project: Project) {
        let set = |now: &mut Project| {
            *now = project;
            Ok::<_, io::Error>(())
        };
        if let Err(error) = self.shared.project.change(set) {
            tracing::warn!(%error, "the settings of the project could not be saved");
        }
    }

    /// Returns every request since the start or since the last [`clear_requests`](Self::clear_requests), the oldest
    /// first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.recorder.all()
    }

    /// Returns how many requests there were for exactly this path.
    pub fn count(&self, path: &str) -> usize {
        self.shared.recorder.count(path)
    }

    /// Forgets the requests recorded so far.
    pub fn clear_requests(&self) {
        self.shared.recorder.clear();
    }

    /// Makes the platform misbehave from now on, or (with `None`) behave again.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.set_faults(fault);
    }

    /// Makes the platform misbehave in several ways at once from now on, in place of earlier faults. Where two of
    /// them change the same thing, the later one wins, except that the first one decides who signs an ID token.
    pub fn set_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        *lock(&self.shared.faults) = Faults::new(faults);
    }

    /// Gives the platform's own [`Browser`] an identity with a confirmed address, as a person does once, without
    /// the pages.
    ///
    /// # Errors
    /// [`JourneyError`] if `email` is no address or `pin` is not four to six digits.
    pub fn register_identity(&self, email: &str, pin: &str) -> Result<(), JourneyError> {
        self.browser.register_identity(email, pin)
    }

    /// Registers an identity as [`register_identity`](Self::register_identity) does, of whom tokens, project JWTs and
    /// user info say these claims, whatever the scopes are. They replace those of the same name, and `null` takes one
    /// away: a login without `auth_time` is that of a provider that does not tell it. Claims of the token itself
    /// (`iss`, `sub`, `aud`, `exp`, `iat`, `nbf`, `nonce`, `azp`, `at_hash`, `c_hash`, `jti`, `sid`) stay the
    /// platform's own.
    ///
    /// The claims count from the next token on, and until the platform stops. A second call replaces them.
    ///
    /// ```
    /// # use miracl_platform::{Platform, PlatformConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let platform = Platform::start(PlatformConfig::default()).await?;
    /// use serde_json::json;
    ///
    /// let claims = [("roles", json!(["admin"])), ("name", json!("Alice Liddell"))];
    /// platform.register_identity_with_claims("alice@example.com", "1234", claims)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`JourneyError`] if `email` is no address or `pin` is not four to six digits.
    pub fn register_identity_with_claims<N: Into<String>>(
        &self,
        email: &str,
        pin: &str,
        claims: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<(), JourneyError> {
        self.register_identity(email, pin)?;
        let claims = claims.into_iter();
        let claims = claims.map(|(name, value)| (name.into(), value)).collect();
        self.shared.claims.set(check_email(email)?, claims);
        Ok(())
    }

    /// Logs in with a registered identity, and returns the callback URL, unvisited: everything that a person would
    /// do, in one call, over real HTTP. An error that is sent to the app by redirect is a callback, too.
    ///
    /// # Errors
    /// [`JourneyError`] where a person would be stuck on a page.
    pub async fn log_in(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<String, JourneyError> {
        self.browser.log_in(authorize_url, email, pin).await
    }

    /// Logs in as [`log_in`](Self::log_in) does and returns the whole callback, which with
    /// `response_mode=form_post` is a form.
    ///
    /// # Errors
    /// [`JourneyError`] where a person would be stuck on a page.
    pub async fn log_in_callback(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<Callback, JourneyError> {
        self.browser
            .log_in_callback(authorize_url, email, pin)
            .await
    }

    /// Cancels a login and returns the callback URL, unvisited.
    ///
    /// # Errors
    /// [`JourneyError`] where a person would be stuck on a page.
    pub async fn deny(&self, authorize_url: &str) -> Result<String, JourneyError> {
        self.browser.deny(authorize_url).await
    }

    /// Cancels a login and returns the whole callback, as
    /// [`log_in_callback`](Self::log_in_callback) does.
    ///
    /// # Errors
    /// [`JourneyError`] where a person would be stuck on a page.
    pub async fn deny_callback(&self, authorize_url: &str) -> Result<Callback, JourneyError> {
        self.browser.deny_callback(authorize_url).await
    }

    /// Visits a URL that shows no page, such as `/oidc/logout`, with the platform's own browser, and returns where
    /// it leads.
    ///
    /// # Errors
    /// [`JourneyError`] if a page is shown.
    pub async fn visit(&self, url: &str) -> Result<String, JourneyError> {
        self.browser.visit(url).await
    }

    /// Signs the platform's own browser out, as `/oidc/logout` does: tells every app that was logged in to through
    /// the back channel, and returns the results, and what a browser would load through the front channel.
    ///
    /// It returns after two seconds at the latest, whether or not the apps have answered.
    pub async fn log_out(&self) -> LogOut {
        self.browser.log_out().await
    }

    /// Makes a logout token for an app about a session (`sid`) of a person (`sub`), under the present faults, and
    /// sends it nowhere. Returns none if no such app is registered.
    pub fn logout_token(&self, client_id: &str, sub: &str, sid: &str) -> Option<String> {
        let client = self.shared.clients.find(client_id)?;
        let faults = self.shared.faults();
        Some(backchannel::issue(&self.shared, &faults, &client, sub, sid))
    }

    /// Lets the time of every login that is under way run out, and that of every QR code, as if a quarter of an hour
    /// had passed.
    pub fn expire_logins(&self) {
        self.shared.interactions.expire();
        self.shared.sessions.expire();
    }

    /// Lets the time of every QR code run out that a login page shows, but not the login's.
    pub fn expire_qr_codes(&self) {
        for access_id in self.shared.interactions.qr_ids() {
            self.shared.sessions.expire_one(&access_id);
        }
    }

    /// Returns a client of M-Pin, as a phone has one.
    pub fn mpin_client(&self) -> MpinClient {
        MpinClient::at(self.address)
    }

    /// Returns the links and the digits of the messages to an address, the newest first. None of them has been used.
    pub fn mail_to(&self, email: &str) -> Vec<String> {
        let messages = self.shared.inbox.all();
        let unused = messages
            .into_iter()
            .filter(|message| message.to == email && !message.used);
        unused
            .map(|message| message.link.unwrap_or(message.code))
            .collect()
    }

    /// Returns a new browser without any identity.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.shared, self.address, DeviceId::random())
    }

    /// Stops the platform. Afterwards its port is free. Requests under way get two seconds.
    pub async fn shutdown(mut self) {
        self.close.send_replace(true);
        if tokio::time::timeout(PATIENCE, &mut self.server)
            .await
            .is_err()
        {
            self.server.abort();
            // Waits for the abort, which drops the listener if it is still there.
            let _ = (&mut self.server).await;
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.close.send_replace(true);
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

/// Makes or reads keys outside the runtime's threads: both take a while.
async fn make_keys(
    make: impl FnOnce() -> io::Result<Arc<Keys>> + Send + 'static,
) -> Result<Arc<Keys>, StartError> {
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(io::Error::from)
        .flatten()
        .map_err(StartError::Data)
}

fn check_client(client: &Client) -> Result<(), StartError> {
    let refuse = |reason: String| StartError::Client {
        client_id: client.client_id.clone(),
        reason,
    };
    client.check().map_err(refuse)?;
    let has_keys = || {
        let keys = client.jwks.as_ref().and_then(|set| set["keys"].as_array());
        keys.is_some_and(|keys| !keys.is_empty())
    };
    if client.token_endpoint_auth_method == Some(ClientAuthMethod::PrivateKeyJwt) && !has_keys() {
        return Err(refuse(
            "private_key_jwt needs the client's public keys in jwks".to_owned(),
        ));
    }
    Ok(())
}
