//! The extractor of the app's own data in the session.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use miracl_core::app::session::AppData;

use crate::{extract::LoginRequired, slot::visit};

/// A value of the app's own that the session of who is logged in has: see [`AppData`]. As an extractor it
/// refuses nobody.
///
/// It is `None` where the session has no such value, when nobody is logged in, and when the value cannot be read, which
/// the log explains. [`Visit::get`](miracl_core::Visit::get) distinguishes them, and
/// [`Visit::set`](miracl_core::Visit::set) keeps another.
///
/// ```
/// use miracl_actix::{SessionValue, session::AppData};
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
/// # fn configure(app: &mut actix_web::web::ServiceConfig) {
/// # app.route("/", actix_web::web::get().to(page));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SessionValue<T>(pub Option<T>);

impl<T: AppData> FromRequest for SessionValue<T> {
    type Error = LoginRequired;
    type Future = Pin<Box<dyn Future<Output = Result<Self, LoginRequired>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visit = visit(req).map_err(|no_visit| LoginRequired::new(req, no_visit));
        Box::pin(async move { Ok(Self(visit?.optional_value().await)) })
    }
}
