//! The extractor of the app's own data in the session.

use axum::{extract::FromRequestParts, http::request::Parts};
use miracl_core::app::session::AppData;

use crate::{extract::LoginRequired, request::View, slot::visit};

/// A value of the app's own that the session of who is logged in has: see [`AppData`]. As an extractor it
/// refuses nobody.
///
/// It is `None` where the session has no such value, when nobody is logged in, and when the value cannot be read, which
/// the log explains. [`Visit::get`](miracl_core::Visit::get) distinguishes them, and
/// [`Visit::set`](miracl_core::Visit::set) keeps another.
///
/// ```
/// use miracl_axum::{SessionValue, session::AppData};
/// use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Theme(String);
///
/// impl AppData for Theme {
///     const NAME: &'static str = "theme";
/// }
///
/// async fn page(SessionValue(theme): SessionValue<Theme>) -> String {
///     theme.map_or_else(|| "light".to_owned(), |theme| theme.0)
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(page));
/// ```
#[derive(Debug, Clone)]
pub struct SessionValue<T>(pub Option<T>);

impl<S: Sync, T: AppData> FromRequestParts<S> for SessionValue<T> {
    type Rejection = LoginRequired;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LoginRequired> {
        let visit = visit(&View::from(&*parts))?;
        Ok(Self(Box::pin(visit.optional_value()).await))
    }
}
