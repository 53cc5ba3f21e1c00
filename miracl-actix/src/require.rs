//! The layer for routes that need somebody to be logged in.

use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use miracl_core::Miracl;

use crate::extract::{turn_back, turn_to, user};

/// Lets requests of logged-in people through, and answers all others as the extractor [`User`](crate::User) does.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). Around a
/// route, methods without one stay 405; around a scope, everything below its prefix needs a login, whether there is
/// such a page or not.
#[derive(Clone)]
pub struct LoginRequiredLayer {
    miracl: Miracl,
}

impl LoginRequiredLayer {
    pub(crate) fn new(miracl: Miracl) -> Self {
        Self { miracl }
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
        Box::pin(async move {
            let before = match turn_to(request.request(), &miracl) {
                Ok(before) => before,
                Err(refused) => return Ok(request.error_response(refused)),
            };
            if let Err(refused) = user(request.request()).await {
                let response = request.error_response(refused);
                turn_back(response.request(), before);
                return Ok(response);
            }
            let response = inner.call(request).await?;
            turn_back(response.request(), before);
            Ok(response.map_into_boxed_body())
        })
    }
}
