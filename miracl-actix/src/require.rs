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
use miracl_core::Miracl;

use crate::{
    extract::{LoginRequired, required_user},
    slot::{turn_back, turn_to, user_at_once, without_activity},
};

/// Lets requests of people who are logged in through, and answers all others as the extractor [`User`](crate::User)
/// does.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). Around a
/// route, methods without one stay 405; around a scope, everything below its prefix needs a login, whether there is
/// such a page or not.
#[derive(Clone)]
pub struct LoginRequiredLayer {
    miracl: Miracl,
    is_activity: bool,
}

impl LoginRequiredLayer {
    pub(crate) fn new(miracl: Miracl, is_activity: bool) -> Self {
        Self {
            miracl,
            is_activity,
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
            let response = match check(request.request()).await {
                Ok(()) => inner.call(request).await?.map_into_boxed_body(),
                Err(refused) => request.error_response(refused),
            };
            turn_back(response.request(), before);
            Ok(response)
        })
    }
}

/// Turns away everybody who is not logged in.
async fn check(req: &HttpRequest) -> Result<(), LoginRequired> {
    match user_at_once(req) {
        Poll::Ready(Some(_)) => Ok(()),
        _ => required_user(req).await.map(drop),
    }
}
