//! Request guards: who is asking, and the visit.

use std::{ops::Deref, task::Poll};

use miracl_core::{NoVisit, Refusal};
use rocket::{
    Ignite, Request, Rocket, Sentinel,
    http::Status,
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

use crate::{
    refused::answer,
    slot::{Slot, missing_fairing, user_at_once, visit},
};

/// The status by which the guards [`User`] and [`ProjectUser`] fail. It never leaves the app.
///
/// A plain 401 could not be told from one that a handler with an `Option<User>` answers by itself.
pub(crate) const REFUSED: Status = Status { code: 441 };

/// Who is logged in. As a request guard it refuses everybody who is not logged in.
///
/// Anonymous requests are answered by [`Miracl::challenge`](crate::Miracl::challenge): 303 to the login for a browser
/// that navigates, 401 for `fetch` and APIs. When the session cannot be read, the answer is 503. `Option<User>` accepts
/// everybody, and is `None` in both cases.
///
/// ```
/// # use miracl_rocket::User;
/// # use rocket::get;
/// #[get("/")]
/// fn index(user: Option<User>) -> &'static str {
///     if user.is_some() { "Welcome back." } else { "Hello, stranger." }
/// }
///
/// #[get("/members")]
/// fn members(user: User) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # rocket::routes![index, members];
/// ```
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct User(pub miracl_core::User);

impl Deref for User {
    type Target = miracl_core::User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        if let Poll::Ready(Some(user)) = user_at_once(request) {
            return Outcome::Success(Self(user));
        }
        // On the heap: what most requests wait in stays small.
        match Box::pin(required_user(request)).await {
            Ok(user) => Outcome::Success(Self(user)),
            // `Option<User>` comes here too, so this status must be one that no route answers with by itself.
            Err(refused) => Outcome::Error((REFUSED, refused)),
        }
    }
}

impl Sentinel for User {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// The request's view of login, as a request guard. It refuses nobody.
///
/// ```
/// # use miracl_rocket::{Category, Visit};
/// # use rocket::post;
/// #[post("/save")]
/// fn save(visit: Visit) {
///     visit.flash(Category::Success, "Saved.");
/// }
/// # rocket::routes![save];
/// ```
///
/// Everything it does is in [`miracl_core::Visit`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct Visit(pub miracl_core::Visit);

impl Deref for Visit {
    type Target = miracl_core::Visit;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Visit {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        match visit(request) {
            Ok(visit) => Outcome::Success(Self(visit)),
            Err(no_visit) => Outcome::Error((Status::InternalServerError, no_visit.into())),
        }
    }
}

impl Sentinel for Visit {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// Whose JWT of the MIRACL project the request has, as `Authorization: Bearer` (RFC 6750). It is for an API behind a
/// front end of one's own, which logs people in with MIRACL's client libraries. As a request guard it turns
/// away everybody else.
///
/// The answer to everybody else is never a redirect: 401 with `WWW-Authenticate: Bearer` where there is no JWT or it is
/// refused, 400 where there are several `Authorization` headers, and 502 to 504 while it cannot be checked. By default
/// a JWT counts once: see [`Config::project_jwt_use`](crate::Config::project_jwt_use). No session is read, and none
/// begins.
///
/// ```
/// # use miracl_rocket::ProjectUser;
/// # use rocket::get;
/// #[get("/api/balance")]
/// fn balance(user: ProjectUser) -> String {
///     format!("The balance of {} is 7.", user.id())
/// }
/// # rocket::routes![balance];
/// ```
///
/// Everything about the person is in [`miracl_core::app::trust::ProjectUser`], to which it dereferences.
#[derive(Debug, Clone)]
pub struct ProjectUser(pub miracl_core::app::trust::ProjectUser);

impl Deref for ProjectUser {
    type Target = miracl_core::app::trust::ProjectUser;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ProjectUser {
    type Error = LoginRequired;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, LoginRequired> {
        let slot = Slot::of(request);
        let user = match visit(request) {
            Ok(visit) => Box::pin(visit.project_user(&slot.view(request))).await,
            Err(no_visit) => Err(no_visit.into()),
        };
        match user {
            Ok(user) => Outcome::Success(Self(user)),
            Err(refusal) => Outcome::Error((REFUSED, LoginRequired(slot.refuse(refusal)))),
        }
    }
}

impl Sentinel for ProjectUser {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        missing_fairing(rocket)
    }
}

/// Reaches the visit from a request, where there are no guards: in hooks, in catchers and in fairings.
///
/// ```
/// # use miracl_rocket::RequestExt;
/// # use rocket::{Request, catch};
/// #[catch(404)]
/// async fn not_found(request: &Request<'_>) -> &'static str {
///     match request.visit().user().await {
///         Ok(Some(_)) => "There is no such page. Go back to your profile.",
///         _ => "There is no such page. Maybe it is for members: log in and try again.",
///     }
/// }
/// # rocket::catchers![not_found];
/// ```
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::fairing`](crate::MiraclAuth::fairing) is not attached, or the request has other cookies than
    /// when its visit was first asked for. An app with a guard does not launch without the fairing.
    fn visit(&self) -> Visit;
}

impl RequestExt for Request<'_> {
    fn visit(&self) -> Visit {
        Visit(visit(self).expect("a request keeps the cookies with which somebody asked first"))
    }
}

/// The answer to a request that a guard or [`login_required`](crate::MiraclAuth::login_required) turned away.
///
/// The answer is made when it is asked for: `Option<User>` never asks.
#[derive(Debug, Clone)]
pub struct LoginRequired(pub(crate) Refusal);

impl<'r> Responder<'r, 'static> for LoginRequired {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let refused = self.0.refused(&Slot::of(request).view(request));
        Ok(answer(request, refused))
    }
}

impl From<NoVisit> for LoginRequired {
    fn from(no_visit: NoVisit) -> Self {
        Self(no_visit.into())
    }
}

/// Asks the visit who is logged in, and turns away everybody who is not. The catcher finds the reason in the slot.
pub(crate) async fn required_user(
    request: &Request<'_>,
) -> Result<miracl_core::User, LoginRequired> {
    let user = match visit(request) {
        Ok(visit) => visit.required_user().await,
        Err(no_visit) => Err(no_visit.into()),
    };
    user.map_err(|refusal| LoginRequired(Slot::of(request).refuse(refusal)))
}
