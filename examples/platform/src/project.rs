//! The project: what MIRACL's portal sets for all apps together.

use std::fmt;

use ring::{digest, hmac};

use crate::random;

/// How an address is confirmed by e-mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailVerification {
    /// By a link.
    #[default]
    Link,
    /// By six digits that are typed where the registration began. Somebody who is registered on another device
    /// gets a link all the same, so that nobody can be talked into reading the digits out.
    Code,
}

/// The settings of the project. A platform has one project, and all its apps belong to it.
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
#[derive(Debug, Clone)]
pub struct Project {
    /// How many digits clients ask for, from 4 to 6; another number counts as the nearest of these. By default 4. The
    /// platform never sees a PIN, so it is a request to them.
    pub pin_length: u8,
    /// How addresses are confirmed. By default by a link.
    pub email_verification: EmailVerification,
    /// Whether a registered device can make a code for another one. By default yes.
    pub quick_code: bool,
    /// Whether clients renew their secret at the next login, once. By default no.
    pub renew_secrets: bool,
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
            quick_code: true,
            renew_secrets: false,
            allowed_origins: Vec::new(),
            service_accounts: Vec::new(),
        }
    }
}

impl Project {
    pub(crate) fn pin_length(&self) -> u8 {
        self.pin_length.clamp(4, 6)
    }
}

/// What a service account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permission {
    /// Confirm a person's user id: `/verification`.
    Verification,
    /// Check signatures: `/dvs/verify`.
    Signatures,
    /// Read the audit log.
    Audit,
    /// Revoke a registered device.
    Revocation,
}

/// A program that uses the back-end API with a token, in place of an app's secret.
#[derive(Clone)]
pub struct ServiceAccount {
    /// The name that people read.
    pub name: String,
    /// What it sends as `Authorization: Bearer`.
    pub token: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Whether its token is good. Switching it off ends the token at once.
    pub active: bool,
}

impl ServiceAccount {
    /// Makes an active account with a token that nobody can guess.
    pub fn new(name: impl Into<String>, permissions: impl Into<Vec<Permission>>) -> Self {
        Self {
            name: name.into(),
            token: random::token(),
            permissions: permissions.into(),
            active: true,
        }
    }

    /// Compares a presented token in a time that does not depend on where the two differ.
    pub(crate) fn has_token(&self, presented: &str) -> bool {
        same_secret(&self.token, presented)
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("name", &self.name)
            .field("token", &"[redacted]")
            .field("permissions", &self.permissions)
            .field("active", &self.active)
            .finish()
    }
}

/// Compares two secrets in a time that does not depend on where they differ.
pub(crate) fn same_secret(expected: &str, presented: &str) -> bool {
    let key = random::bytes::<{ digest::SHA256_OUTPUT_LEN }>();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let expected = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, presented.as_bytes(), expected.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_has_one_token_which_is_not_shown() {
        let account = ServiceAccount::new("backend", [Permission::Audit]);
        assert!(account.has_token(&account.token) && !account.has_token(""));
        assert!(!account.has_token(&account.token[1..]));
        assert!(!format!("{account:?}").contains(&account.token));
    }

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
