//! A person with a browser, for tests that have neither.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};

use serde_json::json;
use url::Url;

use crate::callback::Callback;
use crate::device_id::DeviceId;
use crate::logout::{self, LogOut};
use crate::mpin_client::{self, MpinClient, MpinError, MpinIdentity};
use crate::shared::{Shared, check_email};
use crate::sync::lock;
use crate::wire;

mod page;

use page::Page;

/// A browser that keeps the platform's cookie and does what a person would do with the pages.
///
/// It speaks to its platform only: a journey ends with the callback URL, which the test visits itself. Clones share
/// the cookie and the identities.
#[derive(Clone)]
pub struct Browser {
    shared: Weak<Shared>,
    address: SocketAddr,
    device: DeviceId,
    /// What its local storage would have, by address.
    identities: Arc<Mutex<HashMap<String, MpinIdentity>>>,
}

/// Where a person got stuck, in the words of the page that they saw.
pub struct JourneyError(String);

/// What a request for a login led to.
enum Begun {
    /// Pages, below this path.
    Pages(String),
    /// A callback at once.
    Over(Callback),
}

impl Browser {
    pub(crate) fn new(shared: &Arc<Shared>, address: SocketAddr, device: DeviceId) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            address,
            device,
            identities: Arc::default(),
        }
    }

    /// Gives this browser an identity with a confirmed address, without the pages.
    ///
    /// # Errors
    /// If `email` is no address, `pin` is not four to six digits, or the platform is gone.
    pub fn register_identity(&self, email: &str, pin: &str) -> Result<(), JourneyError> {
        let shared = self.shared()?;
        let email = check_email(email)?;
        let identity = mpin_client::enrol(&shared, &email, pin)?;
        self.keep(identity);
        Ok(())
    }

    /// Signs a person in at the platform with this browser, without pages and PIN: from now on, requests with
    /// `prompt=none` succeed.
    ///
    /// # Errors
    /// If `email` is no address, or the platform is gone.
    pub fn sign_in(&self, email: &str) -> Result<(), JourneyError> {
        self.shared()?.sign_in(&self.device, email)
    }

    /// Returns the `sid` of the session at the platform in this browser, by which ID tokens and logout tokens name
    /// it.
    pub fn sid(&self) -> Option<String> {
        let session = self.shared.upgrade()?.devices.session(&self.device.key());
        session.map(|session| session.sid)
    }

    /// Registers on the pages (address, message, PIN twice), is thereby logged in, and returns
    /// the callback URL.
    ///
    /// # Errors
    /// Where a person would be stuck.
    pub async fn register(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<String, JourneyError> {
        let login = match self.begin(authorize_url).await? {
            Begun::Pages(login) => login,
            Begun::Over(callback) => return callback.into_url(),
        };
        let (shared, client) = (self.shared()?, self.client());
        let email = check_email(email)?;
        let access_id = self.access_id(&login).await?;
        let known = self.identity(&email);
        let body = json!({
            "userId": email,
            "projectId": shared.trust.project_id,
            "accessId": access_id,
            "deviceName": "Test device",
            "mpinId": known.as_ref().map(MpinIdentity::mpin_id),
        });
        // People who register here are not strangers to each other.
        shared.verifications.may_send_now(&email);
        client.call("/verification/email", &body).await?;
        let messages = shared.inbox.all();
        let message = messages.iter().find(|message| message.to == email);
        let message = message
            .ok_or_else(|| JourneyError::new(format!("no message arrived for {email:?}")))?;
        let body = json!({ "userId": email, "code": message.code });
        let confirmed = client.call("/verification/confirmation", &body).await?;
        let token = confirmed["actToken"].as_str().unwrap_or_default();
        self.keep(client.register(&email, token, pin).await?);
        self.prove(&email, pin, &access_id).await?;
        self.last_step(&login, "finish").await?.into_url()
    }

    /// Picks an identity, enters its PIN, and returns the callback URL.
    ///
    /// # Errors
    /// Where a person would be stuck: at a wrong PIN, a blocked or unknown identity, or a request
    /// that the platform must not answer by redirect. Also if the app asked for a form:
    /// [`log_in_callback`](Self::log_in_callback) returns that.
    pub async fn log_in(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<String, JourneyError> {
        let callback = self.log_in_callback(authorize_url, email, pin).await?;
        callback.into_url()
    }

    /// Picks an identity, enters its PIN, and returns the callback, which with
    /// `response_mode=form_post` is a form.
    ///
    /// # Errors
    /// Where a person would be stuck, as in [`log_in`](Self::log_in).
    pub async fn log_in_callback(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<Callback, JourneyError> {
        let login = match self.begin(authorize_url).await? {
            Begun::Pages(login) => login,
            Begun::Over(callback) => return Ok(callback),
        };
        let email = check_email(email)?;
        let access_id = self.access_id(&login).await?;
        self.prove(&email, pin, &access_id).await?;
        self.last_step(&login, "finish").await
    }

    /// Cancels a login and returns the callback URL.
    ///
    /// # Errors
    /// Where a person would be stuck, or if the app asked for a form.
    pub async fn deny(&self, authorize_url: &str) -> Result<String, JourneyError> {
        self.deny_callback(authorize_url).await?.into_url()
    }

    /// Cancels a login and returns the callback, which with `response_mode=form_post` is a form.
    ///
    /// # Errors
    /// Where a person would be stuck.
    pub async fn deny_callback(&self, authorize_url: &str) -> Result<Callback, JourneyError> {
        match self.begin(authorize_url).await? {
            Begun::Pages(login) => self.last_step(&login, "cancel").await,
            Begun::Over(callback) => Ok(callback),
        }
    }

    /// Visits an authorization URL or a log-out URL, and returns where it leads at once. For requests that show no
    /// page (`prompt=none`, an error, `/oidc/logout`).
    ///
    /// # Errors
    /// If a page is shown.
    pub async fn visit(&self, url: &str) -> Result<String, JourneyError> {
        let page = self.get(&self.local_path(url)?).await?;
        page.location.clone().ok_or_else(|| page.stuck())
    }

    /// Signs this browser out at the platform, as [`Platform::log_out`](crate::Platform::log_out) does with the
    /// platform's own browser.
    pub async fn log_out(&self) -> LogOut {
        match self.shared.upgrade() {
            Some(shared) => logout::end_session(&shared, &self.device.key()).await,
            // A platform that is gone has told no app.
            None => LogOut::default(),
        }
    }

    /// Begins a login.
    async fn begin(&self, authorize_url: &str) -> Result<Begun, JourneyError> {
        let page = self.get(&self.local_path(authorize_url)?).await?;
        let callback = page.callback()?;
        let is_page = callback.form.is_none() && callback.url.starts_with("/login/");
        Ok(if is_page {
            Begun::Pages(callback.url)
        } else {
            Begun::Over(callback)
        })
    }

    /// Sends the form that should end the login.
    async fn last_step(&self, login: &str, action: &str) -> Result<Callback, JourneyError> {
        let page = self.send("POST", &format!("{login}/{action}"), "").await?;
        let callback = page.callback()?;
        if callback.url.starts_with('/') {
            return Err(self.get(&callback.url).await?.stuck());
        }
        Ok(callback)
    }

    /// Proves the PIN of an identity to the session of a login.
    async fn prove(&self, email: &str, pin: &str, access_id: &str) -> Result<(), JourneyError> {
        let unknown = || JourneyError::new(format!("{email:?} is not registered in this browser"));
        let mut identity = self.identity(email).ok_or_else(unknown)?;
        let access_id = Some(access_id);
        self.client()
            .log_in(&mut identity, pin, "oidc", access_id)
            .await?;
        self.keep(identity);
        Ok(())
    }

    /// Returns the session of a login, which its page has: the one of the QR code where the app allows nothing else.
    async fn access_id(&self, login: &str) -> Result<String, JourneyError> {
        let id = login.strip_prefix("/login/").unwrap_or_default();
        let device = self.device.key();
        let shared = self.shared()?;
        let interactions = &shared.interactions;
        if interactions
            .client(id)
            .is_some_and(|app| !app.browser_login)
        {
            // The page makes the code.
            self.get(login).await?;
        }
        let access_id = interactions.with(id, Some(&device), |login| {
            let qr = login.qr.clone();
            let qr = qr.filter(|_| !login.request.client.browser_login);
            qr.unwrap_or_else(|| login.access_id.clone())
        });
        access_id.map_err(|gone| JourneyError::new(format!("the login cannot go on: {gone:?}")))
    }

    fn client(&self) -> MpinClient {
        MpinClient::at(self.address).in_browser(self.device.clone())
    }

    fn identity(&self, email: &str) -> Option<MpinIdentity> {
        lock(&self.identities).get(email).cloned()
    }

    fn keep(&self, identity: MpinIdentity) {
        lock(&self.identities).insert(identity.user_id().to_owned(), identity);
    }

    async fn get(&self, path: &str) -> Result<Page, JourneyError> {
        self.send("GET", path, "").await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Result<Page, JourneyError> {
        let cookie = self.device.cookie_line();
        let headers = [
            ("Cookie", cookie.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = wire::send(self.address, method, path, &headers, body)
            .await
            .map_err(|error| JourneyError::new(format!("no answer: {error}")))?;
        Page::parse(&answer).ok_or_else(|| JourneyError::new("the answer is not HTTP".to_owned()))
    }

    /// Returns the path and query of a URL of this platform.
    fn local_path(&self, url: &str) -> Result<String, JourneyError> {
        let shared = self.shared()?;
        let parsed =
            Url::parse(url).map_err(|error| JourneyError::new(format!("{url:?}: {error}")))?;
        if parsed.origin().ascii_serialization() != shared.issuer() {
            return Err(JourneyError::new(format!(
                "{url:?} is not at {}",
                shared.issuer()
            )));
        }
        Ok(parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    }

    fn shared(&self) -> Result<Arc<Shared>, JourneyError> {
        self.shared
            .upgrade()
            .ok_or_else(|| JourneyError::new("the platform has been shut down".to_owned()))
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Callback {
    fn into_url(self) -> Result<String, JourneyError> {
        match self.form {
            None => Ok(self.url),
            Some(_) => Err(JourneyError::new(
                "the app asked for a form (response_mode=form_post), which is more than a URL"
                    .to_owned(),
            )),
        }
    }
}

impl JourneyError {
    pub(crate) fn new(reason: String) -> Self {
        Self(reason)
    }
}

/// In the words of the page that a person would see.
impl From<MpinError> for JourneyError {
    fn from(error: MpinError) -> Self {
        let MpinError::Refused { code, info, .. } = &error else {
            return Self(error.to_string());
        };
        Self(match code.as_str() {
            "UNSUCCESSFUL_AUTHENTICATION" => format!("stuck: that is not the PIN ({info})"),
            "REVOKED_MPINID" => "stuck: This identity is blocked".to_owned(),
            "EXPIRED_MPINID" => "stuck: This identity is not registered any more".to_owned(),
            _ => format!("stuck: {error}"),
        })
    }
}

impl fmt::Display for JourneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JourneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for JourneyError {}
