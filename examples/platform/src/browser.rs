//! A person with a browser, for tests that have neither.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

use crate::device::DeviceId;
use crate::platform::Shared;

/// A browser that keeps the platform's cookie and does what a person would do with the pages.
///
/// It speaks to its platform only: a journey ends with the callback URL, which is yours to visit.
/// Clones share the cookie, and with it the identities.
#[derive(Clone)]
pub struct Browser {
    shared: Weak<Shared>,
    address: SocketAddr,
    device: DeviceId,
}

/// Where a person got stuck, in the words of the page they saw.
#[derive(Debug)]
pub struct JourneyError(String);

/// An answer of the platform.
struct Page {
    status: u16,
    location: Option<String>,
    body: String,
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
            Ok(login) => login,
            Err(callback) => return Ok(callback),
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
        self.last_step(&login, "pin", &[("pin", pin)]).await
    }

    /// Picks an identity, enters its PIN, and returns the callback URL.
    ///
    /// # Errors
    /// Where a person would be stuck: at a wrong PIN, a blocked or unknown identity, or a request
    /// that the platform must not answer by redirect.
    pub async fn log_in(
        &self,
        authorize_url: &str,
        email: &str,
        pin: &str,
    ) -> Result<String, JourneyError> {
        let login = match self.begin(authorize_url).await? {
            Ok(login) => login,
            Err(callback) => return Ok(callback),
        };
        self.submit(&format!("{login}/identity"), &[("email", email)])
            .await?;
        self.last_step(&login, "pin", &[("pin", pin)]).await
    }

    /// Cancels a login and returns the callback URL.
    ///
    /// # Errors
    /// Where a person would be stuck.
    pub async fn deny(&self, authorize_url: &str) -> Result<String, JourneyError> {
        match self.begin(authorize_url).await? {
            Ok(login) => self.last_step(&login, "cancel", &[]).await,
            Err(callback) => Ok(callback),
        }
    }

    /// Visits an authorization URL, or a log-out URL, and returns where it leads at once; for
    /// requests that show no page (`prompt=none`, an error, `/oidc/logout`).
    ///
    /// # Errors
    /// If a page is shown.
    pub async fn visit(&self, url: &str) -> Result<String, JourneyError> {
        let page = self.get(&self.local_path(url)?).await?;
        page.location.clone().ok_or_else(|| page.stuck())
    }

    /// Begins a login: `Ok` is the path of its pages, `Err` a callback that came at once.
    async fn begin(&self, authorize_url: &str) -> Result<Result<String, String>, JourneyError> {
        let location = self.visit(authorize_url).await?;
        Ok(if location.starts_with("/login/") {
            Ok(location)
        } else {
            Err(location)
        })
    }

    /// Sends the form that should end the login.
    async fn last_step(
        &self,
        login: &str,
        action: &str,
        form: &[(&str, &str)],
    ) -> Result<String, JourneyError> {
        let location = self.submit(&format!("{login}/{action}"), form).await?;
        if location.starts_with('/') {
            return Err(self.get(&location).await?.stuck());
        }
        Ok(location)
    }

    /// Sends a form and returns where it leads.
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> Result<String, JourneyError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let page = self.send("POST", path, &body).await?;
        page.location.clone().ok_or_else(|| page.stuck())
    }

    async fn get(&self, path: &str) -> Result<Page, JourneyError> {
        self.send("GET", path, "").await
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Result<Page, JourneyError> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.device.cookie_line(),
            body.len(),
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answer = exchange
            .await
            .map_err(|error| JourneyError::new(format!("no answer: {error}")))?;
        Page::parse(&String::from_utf8_lossy(&answer))
            .ok_or_else(|| JourneyError::new("the answer is not HTTP".to_owned()))
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

impl Page {
    /// Reads an answer that ends with its connection and is not sent in chunks.
    fn parse(answer: &str) -> Option<Self> {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let location = lines
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, value)| value.to_owned());
        Some(Self {
            status,
            location,
            body: body.to_owned(),
        })
    }

    /// Says what a person reads: the heading, and what the page says went wrong.
    fn stuck(&self) -> JourneyError {
        let text = |start: &str| {
            let (_, rest) = self.body.split_once(start)?;
            let (_, rest) = rest.split_once('>')?;
            Some(rest.split('<').next()?.trim())
        };
        let said: Vec<&str> = ["<h1", "role=\"alert\"", "id=\"tries-left\"", "<code"]
            .into_iter()
            .filter_map(text)
            .collect();
        JourneyError::new(format!(
            "stuck on a page ({}): {}",
            self.status,
            said.join(" / ")
        ))
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

impl Error for JourneyError {}
