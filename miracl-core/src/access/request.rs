//! What an app's own decision is told.

use std::{
    any::{Any, type_name},
    error::Error,
    fmt,
    sync::Arc,
};

use crate::{access::caller::Caller, base::joined::App};

/// An error of an app's own decision.
pub type BoxError = Box<dyn Error + Send + Sync>;

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
///     let rights = rights_of(request.caller().issuer(), request.caller().id()).await?;
///     Ok(request.method() == "GET" || rights.iter().any(|right| right == "write"))
/// }
/// ```
#[derive(Clone)]
pub struct AccessRequest {
    caller: Caller,
    method: Arc<str>,
    path: Arc<str>,
    app: Option<App>,
}

impl AccessRequest {
    pub(crate) fn new(
        caller: Caller,
        method: &str,
        path_and_query: &str,
        app: Option<App>,
    ) -> Self {
        let path = path_and_query.split('?').next().unwrap_or_default();
        Self {
            caller,
            method: method.into(),
            path: path.into(),
            app,
        }
    }

    /// Returns who sends it: by their session, or on a route for project JWTs by their JWT.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the app's own value: the handler that `MiraclAuth::new` of the adapter was given. Its type is named by
    /// the caller.
    ///
    /// ```
    /// use miracl_core::app::access::{AccessRequest, BoxError};
    ///
    /// # struct Database;
    /// # impl Database { async fn is_admin(&self, _: &str, _: &str) -> Result<bool, BoxError> { Ok(false) } }
    /// /// The app's own `AuthHandler`.
    /// struct App {
    ///     database: Database,
    /// }
    ///
    /// async fn is_admin(request: AccessRequest) -> Result<bool, BoxError> {
    ///     let (caller, app) = (request.caller(), request.app::<App>()?);
    ///     app.database.is_admin(caller.issuer(), caller.id()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When the handler is of another type. Returned by a decision, it is answered with 503, and the log has it.
    pub fn app<T: Any>(&self) -> Result<&T, BoxError> {
        let found = self.app.as_ref().and_then(|app| app.downcast_ref());
        found.ok_or_else(|| {
            let name = type_name::<T>();
            format!("`{name}` is not the handler that `MiraclAuth::new` was given").into()
        })
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
