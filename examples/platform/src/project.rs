//! The project: what MIRACL's portal sets for all apps together.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::service_account::ServiceAccount;

pub(crate) mod kept;

/// How an address is confirmed by e-mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EmailVerification {
    /// By a link.
    #[default]
    Link,
    /// By six digits that are typed where the registration began. Somebody who is registered on another device
    /// gets a link all the same, so that nobody can be talked into reading the digits out.
    Code,
}

/// The settings of the project. A platform has one project, and all its apps belong to it. The portal changes them
/// while the platform runs, and each of them counts from the next request on.
///
/// ```
/// use miracl_platform::{EmailVerification, Project};
///
/// let project = Project {
///     email_verification: EmailVerification::Code,
///     allowed_origins: vec!["http://127.0.0.1:5000".to_owned()],
///     ..Project::default()
/// };
/// assert_eq!(project.pin_length, 4);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    /// How many digits clients ask for, from 4 to 6; another number counts as the nearest of these. By default 4. The
    /// platform never sees a PIN, so it is a request to them.
    pub pin_length: u8,
    /// How addresses are confirmed. By default by a link.
    pub email_verification: EmailVerification,
    /// A page of an app that verifies people itself and then calls `/verification`, in place of messages. By default
    /// none. With it, `/verification/email` is refused, and names this address.
    pub verification_url: Option<String>,
    /// Whether a registered device can make a code for another one. By default yes.
    pub quick_code: bool,
    /// Whether clients renew their secret at the next login, once. By default no.
    pub renew_secrets: bool,
    /// Whether `sub` in tokens and in user info is a name that says nothing about the person. By default no: it is
    /// the e-mail address, as at MIRACL. The same person has the same `sub` in all apps, and after a restart with the
    /// same data folder.
    pub opaque_sub: bool,
    /// The origins whose pages may call the endpoints of M-Pin, such as `http://127.0.0.1:5000`. By default none
    /// but the platform's own.
    pub allowed_origins: Vec<String>,
    /// Programs that may use the back-end API. By default none; apps may use it with their secrets.
    pub service_accounts: Vec<ServiceAccount>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            pin_length: 4,
            email_verification: EmailVerification::default(),
            verification_url: None,
            quick_code: true,
            renew_secrets: false,
            opaque_sub: false,
            allowed_origins: Vec::new(),
            service_accounts: Vec::new(),
        }
    }
}

/// How many digits a PIN may have.
pub(crate) const PIN_LENGTHS: RangeInclusive<u8> = 4..=6;

impl Project {
    pub(crate) fn pin_length(&self) -> u8 {
        self.pin_length
            .clamp(*PIN_LENGTHS.start(), *PIN_LENGTHS.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_has_four_to_six_digits() {
        for (asked, length) in [(0, 4), (4, 4), (5, 5), (6, 6), (255, 6)] {
            let project = Project {
                pin_length: asked,
                ..Project::default()
            };
            assert_eq!(project.pin_length(), length);
        }
    }
}
