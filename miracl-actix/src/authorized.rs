//! The extractor of somebody who meets a requirement.

use std::{
    fmt,
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use miracl_core::app::access::{Policy, Requirement};

use crate::{
    extract::{LoginRequired, ProjectUser, User, UserFuture},
    request::View,
    slot::{authorized_at_once, visit},
};

/// Who is logged in, and meets the requirement of a [`Policy`]. As an extractor it turns away everybody else.
///
/// [`Requirement`] says what is answered: 403 to somebody who may not, the way to a login where that one is too old or
/// too weak, and the answer of [`User`] where nobody is logged in. `Option<Authorized<Admin>>` accepts everybody: it is
/// `None` for everybody who does not meet the requirement, also where that cannot be told.
///
/// ```
/// # use actix_web::web;
/// use miracl_actix::access::{Policy, Requirement};
/// use miracl_actix::Authorized;
///
/// struct Admin;
///
/// impl Policy for Admin {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("admin")
///     }
/// }
///
/// async fn accounts(user: Authorized<Admin>) -> String {
///     format!("Hello, {}.", user.id())
/// }
/// # fn configure(app: &mut web::ServiceConfig) {
/// # app.route("/accounts", web::get().to(accounts));
/// # }
/// ```
///
/// It dereferences to [`User`].
///
/// # Callers with a project JWT
///
/// `Authorized<Seller, ProjectUser>` is for routes that are called with a project JWT, and dereferences to
/// [`ProjectUser`]. It compares the claims of the JWT with the same policy, and reads no session. Its answer is never a
/// redirect: [`Visit::authorized_project_user`](miracl_core::Visit::authorized_project_user) lists what each
/// requirement means there, and what is answered.
///
/// ```
/// # use actix_web::web;
/// # use miracl_actix::{Authorized, ProjectUser};
/// # use miracl_actix::access::{Policy, Requirement};
/// struct Seller;
///
/// impl Policy for Seller {
///     fn requirement() -> Requirement {
///         Requirement::claim("roles").contains("seller")
///     }
/// }
///
/// async fn orders(user: Authorized<Seller, ProjectUser>) -> String {
///     format!("The orders of {}.", user.id())
/// }
/// # fn configure(app: &mut web::ServiceConfig) {
/// # app.route("/orders", web::get().to(orders));
/// # }
/// ```
pub struct Authorized<P, C = User>(C, PhantomData<fn() -> P>);

impl<P, C> Authorized<P, C> {
    /// Returns the user alone.
    pub fn into_user(self) -> C {
        self.0
    }
}

impl<P, C> Deref for Authorized<P, C> {
    type Target = C;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<P, C: Clone> Clone for Authorized<P, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<P, C> fmt::Debug for Authorized<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").finish_non_exhaustive()
    }
}

impl<P: Policy> FromRequest for Authorized<P> {
    type Error = LoginRequired;
    type Future = AuthorizedFuture<P>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> AuthorizedFuture<P> {
        let requirement = Requirement::of::<P>();
        let user = match authorized_at_once(req, &requirement) {
            Some(user) => UserFuture::known(User(user)),
            None => {
                let req = req.clone();
                let asked = async move { authorized(&requirement, &req).await.map(User) };
                UserFuture::asked(asked)
            }
        };
        AuthorizedFuture(user, PhantomData)
    }
}

impl<P: Policy> FromRequest for Authorized<P, ProjectUser> {
    type Error = LoginRequired;
    type Future = Pin<Box<dyn Future<Output = Result<Self, LoginRequired>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let requirement = Requirement::of::<P>();
            let user = project_user(&requirement, &req).await?;
            Ok(Self(ProjectUser(user), PhantomData))
        })
    }
}

/// The future of the extractor [`Authorized`].
pub struct AuthorizedFuture<P>(UserFuture, PhantomData<fn() -> P>);

impl<P> Future for AuthorizedFuture<P> {
    type Output = Result<Authorized<P>, LoginRequired>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let user = Pin::new(&mut self.0).poll(cx);
        user.map_ok(|user| Authorized(user, PhantomData))
    }
}

impl<P> fmt::Debug for AuthorizedFuture<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizedFuture").finish_non_exhaustive()
    }
}

/// Asks the visit whose project JWT the request has, and turns away everybody who does not meet the requirement.
pub(crate) async fn project_user(
    requirement: &Requirement,
    req: &HttpRequest,
) -> Result<miracl_core::app::trust::ProjectUser, LoginRequired> {
    let visit = visit(req).map_err(|no_visit| LoginRequired::new(req, no_visit))?;
    let view = View::from(req);
    let user = Box::pin(visit.authorized_project_user(requirement, &view)).await;
    user.map_err(|refusal| LoginRequired::new(req, refusal))
}

/// Asks the visit who is logged in, and turns away everybody who does not meet the requirement.
pub(crate) async fn authorized(
    requirement: &Requirement,
    req: &HttpRequest,
) -> Result<miracl_core::User, LoginRequired> {
    let visit = visit(req).map_err(|no_visit| LoginRequired::new(req, no_visit))?;
    let user = visit.authorize(requirement, &View::from(req)).await;
    user.map_err(|refusal| LoginRequired::new(req, refusal))
}
