//! The tokens that a login brings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{base::secret::Secret, provider::token_response::TokenResponse};

/// The tokens of a session: to call an API of the provider's, never needed to know who is logged in.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) id_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) expires_at: Option<u64>,
    /// From when on they are worth renewing: a little before they run out.
    pub(crate) renew_at: Option<u64>,
    pub(crate) scope: Option<String>,
}

impl Tokens {
    /// The tokens after a refresh: what the answer left out stays (RFC 6749 §6).
    pub(crate) fn renewed(&self, response: TokenResponse) -> Self {
        Self {
            access_token: response.access_token,
            id_token: response.id_token.unwrap_or_else(|| self.id_token.clone()),
            refresh_token: response
                .refresh_token
                .or_else(|| self.refresh_token.clone()),
            expires_at: response.expires_at,
            renew_at: response.renew_at,
            scope: response.scope.or_else(|| self.scope.clone()),
        }
    }

    /// Returns the access token, for `Authorization: Bearer`. It is opaque: what it looks like is the provider's business.
    pub fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// Returns the ID token as the provider sent it. It was verified at login.
    pub fn id_token(&self) -> &Secret {
        &self.id_token
    }

    /// Returns the refresh token, when the provider gave one. The engine uses it by itself; a token that was used elsewhere is
    /// worth nothing any more at most providers, and ends the session.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Returns when the access token runs out, as far as the provider said.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
            .and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at)))
    }

    /// Returns the scopes granted, separated by spaces. `None` when the provider did not say, which means those that were
    /// asked for (RFC 6749 §5.1).
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }
}

/// The form in which renewed tokens wait, sealed, for the replicas that come late.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredTokens {
    #[serde(rename = "a")]
    pub(crate) access_token: String,
    #[serde(rename = "i")]
    pub(crate) id_token: String,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) renew_at: Option<u64>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
}

impl From<&Tokens> for StoredTokens {
    fn from(tokens: &Tokens) -> Self {
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            id_token: tokens.id_token.expose().to_owned(),
            refresh_token: tokens
                .refresh_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
            expires_at: tokens.expires_at,
            renew_at: tokens.renew_at,
            scope: tokens.scope.clone(),
        }
    }
}

impl From<StoredTokens> for Tokens {
    fn from(stored: StoredTokens) -> Self {
        Self {
            access_token: stored.access_token.into(),
            id_token: stored.id_token.into(),
            refresh_token: stored.refresh_token.map(Secret::from),
            expires_at: stored.expires_at,
            renew_at: stored.renew_at,
            scope: stored.scope,
        }
    }
}
