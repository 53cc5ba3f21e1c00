//! A service account: a program of the project that is no app.

use std::fmt;

use crate::base::secret::Secret;

/// A service account of the project: a program that calls the platform's API with a token of its own, in place of an
/// app's client id and secret.
///
/// The Portal makes it, with the permissions that it needs and no more, and shows its token once. Where it is switched
/// off there, its token ends at once. `Debug` does not show the token.
///
/// ```
/// use miracl_core::app::trust::{AuditQuery, ServiceAccount};
/// use miracl_core::Miracl;
///
/// # async fn report(miracl: &Miracl, token: String) -> Result<(), miracl_core::app::error::TrustError> {
/// let account = ServiceAccount::new(token);
/// let page = miracl.with_service_account(&account).audit(AuditQuery::default()).await?;
/// println!("{} events", page.total);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServiceAccount(Secret);

impl ServiceAccount {
    /// Takes the token. White space around it, such as a line break at the end of a file, is taken off.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self(token.into().trimmed())
    }

    pub(super) fn token(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceAccount([redacted])")
    }
}
