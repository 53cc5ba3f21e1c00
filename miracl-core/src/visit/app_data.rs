//! What an app keeps in the session of who is logged in.

use crate::{error::app_data::DataError, flow::app_data, session::app_data::AppData, visit::Visit};

/// The app's own data.
impl Visit {
    /// Returns a value that the app keeps in this session; `None` when it keeps none of the type, and when nobody is
    /// logged in.
    ///
    /// It opens the large part of the session, which costs as much as [`user_data`](Self::user_data). The result is not
    /// kept for a second call.
    ///
    /// ```
    /// # use miracl_core::{Visit, app::{error::DataError, session::AppData}};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Visits(u64);
    ///
    /// impl AppData for Visits {
    ///     const NAME: &'static str = "visits";
    /// }
    ///
    /// async fn count(visit: &Visit) -> Result<u64, DataError> {
    ///     visit.change(|visits: &mut Visits| visits.0 += 1).await?;
    ///     Ok(visit.get::<Visits>().await?.unwrap_or_default().0)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// * [`DataError::Unreadable`] when the session has a value of the name that is not of the type.
    /// * [`DataError::Session`] when the session cannot be read.
    pub async fn get<T: AppData>(&self) -> Result<Option<T>, DataError> {
        app_data::get(&self.exchange).await
    }

    /// Returns a value that the app keeps in this session, for a page that does without it: `None` also when it cannot
    /// be read, and the log says so. [`get`](Self::get) distinguishes the two.
    pub async fn optional_value<T: AppData>(&self) -> Option<T> {
        self.get().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the app's data in a session cannot be read; the request goes on without it");
            None
        })
    }

    /// Keeps a value in this session, in place of the one before.
    ///
    /// Call it before the response begins: the body of a response that is streamed is too late for a cookie.
    ///
    /// Where sessions are kept in a store, the value is there when this returns, and no other change of the session is
    /// lost. **Cookies have no such order**: of two responses to one browser at the same time, the one that comes later
    /// wins, with all values as its request found them. What must not be lost belongs in a store, or in a database.
    ///
    /// The visit of a `HEAD` or a prefetch keeps nothing. A replica of a version before app data that renews this
    /// session's tokens drops the values.
    ///
    /// # Errors
    ///
    /// * [`DataError::NotLoggedIn`] when there is no session.
    /// * [`DataError::ValueTooLarge`] and [`DataError::Unwritable`] when the value cannot be kept.
    /// * [`DataError::Session`] when the session cannot be read or written, and with
    ///   [`SessionError::TooLarge`](crate::app::error::SessionError::TooLarge) when it does not fit into cookies with
    ///   the value.
    pub async fn set<T: AppData>(&self, value: &T) -> Result<(), DataError> {
        app_data::set(&self.exchange, value).await
    }

    /// Drops a value of this session, also one that cannot be read. Where there is none it does nothing.
    ///
    /// # Errors
    ///
    /// [`DataError::Session`] when the session cannot be read or written.
    pub async fn remove<T: AppData>(&self) -> Result<(), DataError> {
        app_data::remove::<T>(&self.exchange).await
    }

    /// Changes a value of this session; where there is none, the default of its type.
    ///
    /// Where sessions are kept in a store, `change` runs again when another request has changed the session in the
    /// meantime, with what that one has left. So two requests at once are counted as two. In cookies the later response
    /// wins, as with [`set`](Self::set).
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`set`](Self::set). The value stays as it was.
    pub async fn change<T: AppData + Default>(
        &self,
        change: impl Fn(&mut T) + Send + Sync,
    ) -> Result<(), DataError> {
        app_data::change(&self.exchange, change).await
    }
}
