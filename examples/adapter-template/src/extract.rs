//! Filters that extract: who is asking, and the visit.

use std::{ops::Deref, task::Poll};

use warp::{
    Filter, Rejection,
    http::{HeaderMap, request::Parts},
};

use crate::slot::{Slot, asked};

/// Who is logged in, as [`user`] and [`optional_user`] extract it.
///
/// Everything about the person is in [`miracl_core::User`], to which it dereferences. With the layers of several logins
/// around a filter, the innermost login tells who it is.
#[derive(Debug, Clone)]
pub struct User(pub miracl_core::User);

impl Deref for User {
    type Target = miracl_core::User;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Extracts who is logged in, and turns away everybody who is not.
///
/// Anonymous requests are answered by [`Miracl::challenge`](crate::Miracl::challenge): 303 to the login for a browser
/// that navigates, 401 for `fetch` and APIs. When the session cannot be read, the answer is 503. [`optional_user`]
/// accepts everybody, and extracts `None` in both cases.
///
/// ```
/// # use miracl_warp::{User, optional_user, user};
/// # use warp::Filter;
/// let index = warp::path::end()
///     .and(optional_user())
///     .map(|user: Option<User>| if user.is_some() { "Welcome back." } else { "Hello, stranger." });
/// let members = warp::path!("members")
///     .and(user())
///     .map(|user: User| format!("Hello, {}.", user.id()));
/// # let _ = index.or(members);
/// ```
///
/// The answer is final: no filter behind an `or` or a `recover` can give another.
pub fn user() -> impl Filter<Extract = (User,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        if let Poll::Ready(Some(user)) = slot.user_at_once(&headers) {
            return Ok(User(user));
        }
        required_user(&slot, &headers).await.map(User)
    })
}

/// Extracts who is logged in, if anybody is. It refuses nobody.
pub fn optional_user() -> impl Filter<Extract = (Option<User>,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        if let Poll::Ready(user) = slot.user_at_once(&headers) {
            return Ok(user.map(User));
        }
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
        Ok::<_, Rejection>(visit.optional_user().await.map(User))
    })
}

/// The request's view of login, as [`visit`] extracts it.
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

/// Extracts the request's view of login. It refuses nobody.
///
/// ```
/// # use miracl_warp::{Category, Visit, visit};
/// # use warp::Filter;
/// let save = warp::path!("save").and(visit()).map(|visit: Visit| {
///     visit.flash(Category::Success, "Saved.");
///     "saved"
/// });
/// # let _ = save;
/// ```
pub fn visit() -> impl Filter<Extract = (Visit,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        visit.map(Visit).map_err(|no_visit| slot.refuse(no_visit))
    })
}

/// Whose JWT of the MIRACL project the request has, as `Authorization: Bearer` (RFC 6750). It is for an API behind a
/// front end of one's own, which logs people in with MIRACL's client libraries. [`project_user`] extracts it,
/// and turns away everybody else.
///
/// The answer to everybody else is never a redirect: 401 with `WWW-Authenticate: Bearer` where there is no JWT or it is
/// refused, 400 where there are several `Authorization` headers, and 502 to 504 while it cannot be checked. By default
/// a JWT counts once: see [`Config::project_jwt_use`](crate::Config::project_jwt_use). No session is read, and none
/// begins.
///
/// ```
/// # use miracl_warp::{ProjectUser, project_user};
/// # use warp::Filter;
/// let balance = warp::path!("api" / "balance")
///     .and(project_user())
///     .map(|user: ProjectUser| format!("The balance of {} is 7.", user.id()));
/// # let _ = balance;
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

/// Extracts whose project JWT the request has, and turns away everybody else: see [`ProjectUser`].
///
/// The answer is final: no filter behind an `or` or a `recover` can give another.
pub fn project_user() -> impl Filter<Extract = (ProjectUser,), Error = Rejection> + Clone {
    asked().and_then(|slot: Slot, headers: HeaderMap| async move {
        let visit = slot.visit(&headers);
        let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
        let user = visit.project_user(&slot.view(&headers)).await;
        let user = user.map_err(|refusal| slot.refuse(refusal))?;
        Ok::<_, Rejection>(ProjectUser(user))
    })
}

/// Reaches the visit from the head of a request: in hooks, and in services between the layer and the filter.
pub trait RequestExt {
    /// Returns the request's view of login.
    ///
    /// # Panics
    ///
    /// When [`MiraclAuth::layer`](crate::MiraclAuth::layer) is not around the service, or the request has other cookies
    /// than when it came to the layer. Hooks never run without the layer.
    fn visit(&self) -> Visit;
}

impl RequestExt for Parts {
    fn visit(&self) -> Visit {
        let slot = self.extensions.get::<Slot>();
        let slot = slot.expect("`auth.layer()` is around every service that asks for a visit");
        let visit = slot.visit(&self.headers);
        Visit(visit.expect("a request keeps the cookies with which it came to the layer"))
    }
}

/// Asks the visit who is logged in, and turns away everybody who is not.
pub(crate) async fn required_user(
    slot: &Slot,
    headers: &HeaderMap,
) -> Result<miracl_core::User, Rejection> {
    let visit = slot.visit(headers);
    let visit = visit.map_err(|no_visit| slot.refuse(no_visit))?;
    let user = visit.required_user().await;
    user.map_err(|refusal| slot.refuse(refusal))
}
