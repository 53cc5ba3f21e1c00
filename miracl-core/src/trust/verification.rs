//! Custom verification: the app itself has made sure of a person, and asks for the address at which they register.

use std::{fmt, time::Duration};

use serde_json::{Value, json};
use url::Url;

use crate::{
    error::trust::TrustError,
    trust::{
        api::{Api, check_host, text},
        user_id::{check_name, check_user_id},
    },
};

const ENDPOINT: &str = "/verification";

/// The longest time that a verification URL may be good for.
const MAX_EXPIRY: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What a verification URL is to be like. Everything is optional.
///
/// `Debug` shows none of the texts: the name of a device may be personal.
#[derive(Clone, Default)]
pub struct VerificationOptions {
    /// The name of the device that is to be registered, for the person's list of devices. By default the platform makes
    /// one.
    pub device_name: Option<String>,
    /// How long the URL is to be good for. By default as long as the platform says.
    pub expires_in: Option<Duration>,
    /// The login at the platform that is to go on after the registration: `accessId` of a login that another device
    /// shows as a QR code. By default none.
    pub access_id: Option<String>,
    /// For [`Visit::verification_url`](crate::Visit::verification_url): the local path to come back to, as
    /// [`LoginOptions::return_to`](crate::LoginOptions::return_to).
    pub return_to: Option<String>,
}

impl fmt::Debug for VerificationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationOptions")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The login in which a registration ends.
pub(crate) struct PendingAt<'a> {
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) state: String,
    pub(crate) nonce: String,
}

/// Checks what is asked for, before anything is begun.
pub(crate) fn check(user_id: &str, options: &VerificationOptions) -> Result<(), TrustError> {
    check_user_id(user_id)?;
    check_name("device_name", options.device_name.as_deref())?;
    check_name("access_id", options.access_id.as_deref())?;
    match options.expires_in {
        Some(time) if time > MAX_EXPIRY || time.is_zero() => Err(TrustError::argument(
            "expires_in",
            "more than nothing and at most a year",
        )),
        _ => Ok(()),
    }
}

/// Asks for a verification URL.
pub(crate) async fn verification_url(
    api: &Api<'_>,
    user_id: &str,
    options: &VerificationOptions,
    login: Option<PendingAt<'_>>,
) -> Result<String, TrustError> {
    check(user_id, options)?;
    let client = &api.provider.client;
    let client_id = client.id().await?;
    let body = body(client_id, user_id, options, login, client.now());
    let answer = api.post(ENDPOINT, ENDPOINT, &body).await?;
    let found = text(ENDPOINT, &answer, "verificationURL")?;
    let url = Url::parse(found);
    let url = url.map_err(|_| TrustError::malformed(ENDPOINT, "`verificationURL` is no URL"))?;
    check_host(api.provider, &url)?;
    // Otherwise the app has verified one spelling, and somebody registers as another.
    let mut pairs = url.query_pairs();
    if pairs.any(|(name, value)| name == "user_id" && value != user_id) {
        return Err(TrustError::argument(
            "user_id",
            "spelled as the platform spells it, which is in small letters for an e-mail address",
        ));
    }
    tracing::debug!("a verification URL was made");
    Ok(url.into())
}

/// The request, field by field.
fn body(
    client_id: &str,
    user_id: &str,
    options: &VerificationOptions,
    login: Option<PendingAt<'_>>,
    now: u64,
) -> Value {
    let mut body = json!({ "userId": user_id, "delivery": "no", "clientId": client_id });
    if let Some(name) = &options.device_name {
        body["deviceName"] = name.as_str().into();
    }
    if let Some(id) = &options.access_id {
        body["accessId"] = id.as_str().into();
    }
    if let Some(time) = options.expires_in {
        // Rounded up, so that a short time is not over at once.
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        body["expiration"] = now.saturating_add(seconds).into();
    }
    if let Some(login) = login {
        body["redirectURI"] = login.redirect_uri.into();
        body["scope"] = login.scopes.into();
        body["state"] = login.state.into();
        body["nonce"] = login.nonce.into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_the_fields_of_the_reference() {
        let options = VerificationOptions {
            device_name: Some("Phone".to_owned()),
            expires_in: Some(Duration::from_millis(60_500)),
            access_id: Some("access".to_owned()),
            return_to: Some("/members".to_owned()),
        };
        let login = PendingAt {
            redirect_uri: "https://app.example/login",
            scopes: &["openid".to_owned(), "email".to_owned()],
            state: "state".to_owned(),
            nonce: "nonce".to_owned(),
        };
        assert_eq!(
            body("client", "a&b#c", &options, Some(login), 1000),
            json!({
                "userId": "a&b#c",
                "delivery": "no",
                "clientId": "client",
                "deviceName": "Phone",
                "accessId": "access",
                "expiration": 1061,
                "redirectURI": "https://app.example/login",
                "scope": ["openid", "email"],
                "state": "state",
                "nonce": "nonce",
            })
        );
        assert_eq!(
            body(
                "client",
                "alice",
                &VerificationOptions::default(),
                None,
                1000
            ),
            json!({ "userId": "alice", "delivery": "no", "clientId": "client" })
        );
    }

    #[test]
    fn what_cannot_be_right_is_not_sent() {
        let with = |expires_in| VerificationOptions {
            expires_in: Some(expires_in),
            ..VerificationOptions::default()
        };
        for (good, seconds) in [(true, 1), (true, 86_400), (false, 0), (false, u64::MAX)] {
            let checked = check("alice", &with(Duration::from_secs(seconds)));
            assert_eq!(checked.is_ok(), good, "{seconds}");
        }
        let named = VerificationOptions {
            device_name: Some("a\nb".to_owned()),
            ..VerificationOptions::default()
        };
        assert!(check("alice", &named).is_err());
        assert!(!format!("{named:?}").contains("b\""));
    }
}
