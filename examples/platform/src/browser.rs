//! A person with a browser, for tests that have neither.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use url::{Url, form_urlencoded};

use crate::callback::Callback;
use crate::device_id::DeviceId;
use crate::logout::{self, LogOut};
use crate::shared::Shared;
use crate::wire;

mod page;

use page::Page;

/// A browser that keeps the platform's cookie and does what a person would do with the pages.
///
/// It speaks to its platform only: a journey ends with the callback URL, which the test visits itself. Clones share
/// the cookie, and with it the identities.
#[derive(Clone)]
pub struct Browser {
    shared: Weak<Shared>,
    address: SocketAddr,
    device: DeviceId,
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
        }
    }

    /// Gives this browser an identity with a confirmed address, without the pages.
    ///
    /// # Errors
    /// If `email` is no address, `pin` is not four digits, or the platform is gone.
    pub fn register_identity(&self, email: &str, pin: &str) -> Result<(), JourneyError> {
        self.shared()?.enrol(&self.device, email, pin)
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
        self.submit(&format!("{login}/register"), &[("email", email)])
            .await?;
        let messages = self.shared()?.inbox.all();
        let message = messages
            .iter()
            .find(|message| login.ends_with(&message.interaction));
        let Some(message) = message else {
            return Err(JourneyError::new(format!(
                "no message arrived for {email:?}"
            )));
        };
        self.get(&format!("/confirm?code={}", message.code)).await?;
        self.submit(&format!("{login}/pin"), &[("pin", pin)])
            .await?;
        let callback = self.last_step(&login, "pin", &[("pin", pin)]).await?;
        callback.into_url()
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
        self.submit(&format!("{login}/identity"), &[("email", email)])
            .await?;
        self.last_step(&login, "pin", &[("pin", pin)]).await
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
            Begun::Pages(login) => self.last_step(&login, "cancel", &[]).await,
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
    async fn last_step(
        &self,
        login: &str,
        action: &str,
        form: &[(&str, &str)],
    ) -> Result<Callback, JourneyError> {
        let page = self.post(&format!("{login}/{action}"), form).await?;
        let callback = page.callback()?;
        if callback.url.starts_with('/') {
            return Err(self.get(&callback.url).await?.stuck());
        }
        Ok(callback)
    }

    /// Sends a form and returns where it leads.
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Result<String, JourneyError> {
        let page = self.post(path, form).await?;
        page.location.clone().ok_or_else(|| page.stuck())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Page, JourneyError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.send("POST", path, &body).await
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
