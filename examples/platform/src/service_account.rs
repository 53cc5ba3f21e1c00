//! Service accounts: programs that use the back-end API with a token, in place of an app's secret.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::{hex, random};

/// What a service account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl Permission {
    /// Every permission, in the order of the portal.
    pub const ALL: [Self; 4] = [
        Self::Verification,
        Self::Signatures,
        Self::Audit,
        Self::Revocation,
    ];

    /// Returns the name in forms.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Signatures => "signatures",
            Self::Audit => "audit",
            Self::Revocation => "revocation",
        }
    }

    /// Says what it allows.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Verification => "Verify people",
            Self::Signatures => "Check signatures",
            Self::Audit => "Read the audit log",
            Self::Revocation => "Revoke devices",
        }
    }
}

/// A program that uses the back-end API with a token, in place of an app's secret. What it sends as
/// `Authorization: Bearer` is shown when the account is made, and only its hash is kept.
///
/// ```
/// use miracl_platform::{Permission, Project, ServiceAccount};
///
/// let (account, token) = ServiceAccount::new("back end", [Permission::Audit]);
/// assert!(!token.is_empty());
/// let project = Project {
///     service_accounts: vec![account],
///     ..Project::default()
/// };
/// assert!(project.service_accounts[0].active);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Names the account in the portal's addresses.
    id: String,
    /// The name that people read.
    pub name: String,
    /// The SHA-256 of the token, in hexadecimal. The token is as long as the hash and random, so nothing more is
    /// needed to keep it secret.
    token_hash: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// Whether its token is good. Switching it off ends the token at once.
    pub active: bool,
}

impl ServiceAccount {
    /// Makes an active account with a token that nobody can guess, and returns both. The token cannot be read again.
    pub fn new(name: impl Into<String>, permissions: impl Into<Vec<Permission>>) -> (Self, String) {
        let token = random::token();
        let account = Self {
            id: hex::encode(&random::bytes::<8>()),
            name: name.into(),
            token_hash: hash(&token),
            permissions: permissions.into(),
            active: true,
        };
        (account, token)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether a presented token is this account's. The time that it takes says nothing about the token,
    /// because hashes are compared.
    pub(crate) fn has_token(&self, presented: &str) -> bool {
        self.token_hash == hash(presented)
    }
}

fn hash(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()).as_ref())
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("token_hash", &"[redacted]")
            .field("permissions", &self.permissions)
            .field("active", &self.active)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_has_one_token_which_is_neither_shown_nor_kept() {
        let (account, token) = ServiceAccount::new("backend", [Permission::Audit]);
        assert!(account.has_token(&token) && !account.has_token(""));
        assert!(!account.has_token(&token[1..]));
        let shown = format!("{account:?}");
        assert!(!shown.contains(&token) && !shown.contains(&account.token_hash));
        assert!(!serde_json::to_string(&account).unwrap().contains(&token));
    }
}
