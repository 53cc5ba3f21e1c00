//! The request guard of the app's own data in the session.

use miracl_core::app::session::AppData;
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    http::Status,
    request::{FromRequest, Outcome},
};

use crate::{
    extract::LoginRequired,
    slot::{missing_fairing, visit},
};

/// A value of the app's own that the session of who is logged in has: see [`AppData`]. As a request guard it
/// refuses nobody.
///
/// It is `None` where the session has no such value, when nobody is logged in, and when the value cannot be read, which
/// the log explains. [`Visit::get`](miracl_core::Visit::get) distinguishes them, and
/// [`Visit::set`](miracl_core::Visit::set) keeps another.
///
/// ```
/// use miracl_rocket::{SessionValue, session::AppData};
/// use serde::{Deserialize, Serialize};
/// # use rocket::get;
/// #[derive(Serialize, Deserialize)]
/// struct Theme(String);
///
/// impl AppData for Theme {
///     const NAME: &'static str = "theme";
/// }
///
/// #[get("/")]
/// fn page(theme: SessionValue<Theme>) -> String {
///     theme.0.map_or_else(|| "light".to_owned(), |theme| theme.0)
/// }
/// # rocket::routes![page];
/// ```
#[derive(Debug, Clone)]
pub struct SessionValue<T>(pub Option<T>);

#[rocket::async_trait]
impl<'r, T: AppData> FromRequest<'r> for SessionValue<T> {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        match visit(request) {
            Ok(visit) => Outcome::Success(Self(Box::pin(visit.optional_value()).await)),
            Err(no_visit) => Outcome::Error((Status::InternalServerError, no_visit.into())),
        }
    }
}

impl<T: AppData> Sentinel for SessionValue<T> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}
