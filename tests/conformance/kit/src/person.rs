//! The person who logs in, as the provider and the app know them.

use std::sync::atomic::{AtomicBool, Ordering};

use miracl_platform::{JourneyError, Platform};
use url::Url;

use crate::browser::Browser;
use crate::stop::Checked;

/// The person who logs in.
pub(crate) const EMAIL: &str = "alice@example.com";
const PIN: &str = "2468";

/// A person with an identity at the provider, who stays signed in there: checking a PIN is slow.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) at_provider: miracl_platform::Browser,
    /// Whether they have an identity with a PIN, for requests that require one.
    has_pin: AtomicBool,
    /// The first browser in which they use the app.
    pub(crate) at_app: Browser,
}

impl Person {
    /// Signs a person in at the provider.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub(crate) fn new(platform: &Platform) -> Checked<Self> {
        let at_provider = platform.browser();
        at_provider
            .sign_in(EMAIL)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            at_provider,
            has_pin: AtomicBool::new(false),
            at_app: Browser::new(),
        })
    }

    /// Answers an authorization request, without the PIN unless the request requires it.
    pub(crate) async fn log_in(
        &self,
        authorize_url: &Url,
    ) -> Result<miracl_platform::Callback, JourneyError> {
        let open = authorize_url
            .query_pairs()
            .all(|(name, _)| name != "prompt" && name != "max_age");
        if open {
            return answer_without_pin(&self.at_provider, authorize_url).await;
        }
        if !self.has_pin.swap(true, Ordering::Relaxed) {
            self.at_provider.register_identity(EMAIL, PIN)?;
        }
        self.at_provider
            .log_in_callback(authorize_url.as_str(), EMAIL, PIN)
            .await
    }
}

/// Answers an authorization request for a person who is signed in.
pub(crate) async fn answer_without_pin(
    at_provider: &miracl_platform::Browser,
    authorize_url: &Url,
) -> Result<miracl_platform::Callback, JourneyError> {
    let mut url = authorize_url.clone();
    url.query_pairs_mut().append_pair("prompt", "none");
    at_provider.log_in_callback(url.as_str(), EMAIL, PIN).await
}
