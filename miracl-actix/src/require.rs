//! The layer for routes that need somebody to be logged in.

use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use miracl_core::{Miracl, app::access::Requirement};

use crate::{
    authorized::{authorized, project_user},
    extract::{LoginRequired, required_user},
    slot::{authorized_at_once, turn_back, turn_to, user_at_once, without_activity},
};

/// Lets requests of people who are logged in through, and answers all others as the extractor [`User`](crate::User)
/// does. With a requirement ([`MiraclAuth::require`](crate::MiraclAuth::require)) it lets those through who meet it,
/// and for callers with a project JWT ([`MiraclAuth::require_project_user`](crate::MiraclAuth::require_project_user))
/// those whose JWT meets it.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). Around a
/// route, methods without one stay 405; around a scope, everything below its prefix needs a login, whether there is
/// such a page or not.
#[derive(Clone)]
pub struct LoginRequiredLayer {
    miracl: Miracl,
    is_activity: bool,
    /// Besides a login.
    requirement: Option<Requirement>,
    /// Whether a project JWT has to meet it, in place of a login.
    by_project_jwt: bool,
}

impl LoginRequiredLayer {
    pub(crate) fn new(miracl: Miracl, is_activity: bool) -> Self {
        Self {
            miracl,
            is_activity,
            requirement: None,
            by_project_jwt: false,
        }
    }

    pub(crate) fn with(self, requirement: Requirement) -> Self {
        Self {
            requirement: Some(requirement),
            ..self
        }
    }

    pub(crate) fn by_project_jwt(self) -> Self {
        Self {
            by_project_jwt: true,
            ..self
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for LoginRequiredLayer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = LoginRequiredService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(LoginRequiredService {
            miracl: self.miracl.clone(),
            is_activity: self.is_activity,
            requirement: self.requirement.clone(),
            by_project_jwt: self.by_project_jwt,
            inner: Rc::new(inner),
        }))
    }
}

impl fmt::Debug for LoginRequiredLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequiredLayer").finish_non_exhaustive()
    }
}

/// The service that [`LoginRequiredLayer`] makes.
#[derive(Clone)]
pub struct LoginRequiredService<S> {
    miracl: Miracl,
    is_activity: bool,
    requirement: Option<Requirement>,
    by_project_jwt: bool,
    inner: Rc<S>,
}

impl<S: fmt::Debug> fmt::Debug for LoginRequiredService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequiredService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for LoginRequiredService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let inner = Rc::clone(&self.inner);
        let miracl = self.miracl.clone();
        let is_activity = self.is_activity;
        let requirement = self.requirement.clone();
        let by_project_jwt = self.by_project_jwt;
        Box::pin(async move {
            let before = match turn_to(request.request(), &miracl) {
                Ok(before) => before,
                Err(no_visit) => {
                    let refused = LoginRequired::new(request.request(), no_visit);
                    return Ok(request.error_response(refused));
                }
            };
            if !is_activity {
                without_activity(request.request());
            }
            let checked = match (&requirement, by_project_jwt) {
                (Some(requirement), true) => {
                    let user = project_user(requirement, request.request()).await;
                    user.map(drop)
                }
                _ => check(request.request(), requirement.as_ref()).await,
            };
            let response = match checked {
                Ok(()) => inner.call(request).await?.map_into_boxed_body(),
                Err(refused) => request.error_response(refused),
            };
            turn_back(response.request(), before);
            Ok(response)
        })
    }
}

/// Turns away everybody who is not logged in, or does not meet the requirement.
async fn check(req: &HttpRequest, requirement: Option<&Requirement>) -> Result<(), LoginRequired> {
    if let Some(requirement) = requirement {
        return match authorized_at_once(req, requirement) {
            Some(_) => Ok(()),
            None => authorized(requirement, req).await.map(drop),
        };
    }
    match user_at_once(req) {
        Poll::Ready(Some(_)) => Ok(()),
        _ => required_user(req).await.map(drop),
    }
}
