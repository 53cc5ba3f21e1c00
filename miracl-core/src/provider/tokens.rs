//! The tokens that a login brings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{base::secret::Secret, provider::token_response::TokenResponse};

/// The tokens of a session, for calls to an API. They are never needed to know who is logged in.
///
/// ```
/// use miracl_core::Tokens;
///
/// fn authorization(tokens: &Tokens) -> String {
///     format!("Bearer {}", tokens.access_token().expose())
/// }
/// ```
///
/// `Debug` prints no token.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) id_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) expires_at: Option<u64>,
    /// When they are worth renewing: a little before they expire.
    pub(crate) renew_at: Option<u64>,
    pub(crate) scope: Option<String>,
}

impl Tokens {
    /// Takes the tokens of a login's token response, whose ID token was verified.
    pub(crate) fn new(response: TokenResponse, id_token: Secret) -> Self {
        Self {
            access_token: response.access_token,
            id_token,
            refresh_token: response.refresh_token,
            expires_at: response.expires_at,
            renew_at: response.renew_at,
            scope: response.scope,
        }
    }

    /// The tokens of a session that a project JWT began: there are none, and the JWT says who it is.
    pub(crate) fn of_project_jwt(jwt: &str) -> Self {
        Self {
            access_token: Secret::default(),
            id_token: jwt.into(),
            refresh_token: None,
            expires_at: None,
            renew_at: None,
            scope: None,
        }
    }

    /// Whether the session began without tokens, by a project JWT.
    pub(crate) fn are_none(&self) -> bool {
        self.access_token.is_empty()
    }

    /// Returns the tokens after a refresh. What the response left out stays as it was (RFC 6749 §6).
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

    /// Returns the access token, for `Authorization: Bearer`. It is opaque: its format is the provider's business.
    pub fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// Returns the ID token as the provider sent it. It was verified at login.
    pub fn id_token(&self) -> &Secret {
        &self.id_token
    }

    /// Returns the refresh token, if the provider issued one.
    ///
    /// The engine uses it by itself. Do not use it elsewhere: most providers accept a refresh token only once, and the
    /// session then ends.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Returns when the access token expires, if the provider said so.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
            .and_then(|at| UNIX_EPOCH.checked_add(Duration::from_secs(at)))
    }

    /// Returns the granted scopes, separated by spaces. `None` means that the provider did not name them and granted
    /// those that were requested (RFC 6749 §5.1).
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }
}

/// The form in which renewed tokens are sealed for other replicas that need them a moment later.
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
