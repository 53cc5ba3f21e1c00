//! The filter that extracts the app's own data in the session.

use miracl_core::app::session::AppData;
use warp::{Filter, Rejection, http::HeaderMap};

use crate::slot::{Slot, asked};

/// Extracts a value of the app's own that the session of who is logged in has: see [`AppData`]. It refuses nobody.
///
/// It is `None` where the session has no such value, when nobody is logged in, and when the value cannot be read, which
/// the log explains. [`Visit::get`](miracl_core::Visit::get) distinguishes them, and
/// [`Visit::set`](miracl_core::Visit::set) keeps another.
///
/// ```
/// # use warp::Filter;
/// use miracl_warp::{session::AppData, session_value};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Theme(String);
///
/// impl AppData for Theme {
///     const NAME: &'static str = "theme";
/// }
///
/// let page = warp::path::end()
///     .and(session_value())
///     .map(|theme: Option<Theme>| theme.map_or_else(|| "light".to_owned(), |theme| theme.0));
/// # let _ = page;
/// ```
pub fn session_value<T: AppData>() -> impl Filter<Extract = (Option<T>,), Error = Rejection> + Clone
{
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
        Ok::<_, Rejection>(visit.optional_value().await)
    })
}
