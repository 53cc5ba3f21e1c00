//! What an app's own decision is told.

use std::{fmt, sync::Arc};

use crate::session::identity::User;

/// A request that an app's own decision is asked about: who sends it, and what it asks for.
///
/// It is owned, and cheap to clone, so that an `async` function can take it. `Debug` shows neither the person nor the
/// path.
///
/// ```
/// use miracl_core::app::access::{AccessRequest, BoxError};
///
/// # async fn rights_of(_issuer: &str, _id: &str) -> Result<Vec<String>, BoxError> { Ok(Vec::new()) }
/// async fn may_write(request: AccessRequest) -> Result<bool, BoxError> {
///     let rights = rights_of(request.user().issuer(), request.user().id()).await?;
///     Ok(request.method() == "GET" || rights.iter().any(|right| right == "write"))
/// }
/// ```
#[derive(Clone)]
pub struct AccessRequest {
    user: User,
    method: Arc<str>,
    path: Arc<str>,
}

impl AccessRequest {
    pub(crate) fn new(user: User, method: &str, path_and_query: &str) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        Self {
            user,
            method: method.into(),
            path: path.into(),
        }
    }

    /// Returns who is logged in.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns the method, such as `GET`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Returns the path as the browser sent it, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Debug for AccessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessRequest").finish_non_exhaustive()
    }
}
