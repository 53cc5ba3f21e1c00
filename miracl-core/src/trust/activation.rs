//! Registration that the app starts, by the API that was there before custom verification (`/activate/initiate`).

use std::fmt;

use serde_json::json;

use crate::{
    base::secret::Secret,
    error::trust::TrustError,
    trust::{
        api::{Api, any_text, text},
        user_id::{check_name, check_user_id},
    },
};

const ENDPOINT: &str = "/activate/initiate";

/// A registration that the app has started, for a person of whom it has made sure itself.
///
/// `Debug` shows nothing of it: anybody who has the token can register as that person.
#[derive(Clone)]
#[non_exhaustive]
pub struct Activation {
    /// The activation token: `acttoken` of a login.
    pub token: Secret,
    /// The id of the new registration, as hexadecimal text; empty where the platform gives none.
    pub mpin_id: String,
    /// When the token expires, in seconds since 1970, if the platform says so.
    pub expires_at: Option<u64>,
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Starts a registration.
pub(crate) async fn activate(
    api: &Api<'_>,
    user_id: &str,
    device_name: Option<&str>,
) -> Result<Activation, TrustError> {
    check_user_id(user_id)?;
    check_name("device_name", device_name)?;
    let mut body = json!({ "userId": user_id });
    if let Some(name) = device_name {
        body["deviceName"] = name.into();
    }
    let answer = api.post(ENDPOINT, ENDPOINT, &body).await?;
    Ok(Activation {
        token: text(ENDPOINT, &answer, "actToken")?.into(),
        mpin_id: any_text(&answer, "mpinId"),
        expires_at: answer.get("expireTime").and_then(serde_json::Value::as_u64),
    })
}
