//! The layer for routes that need somebody to be logged in.

use std::{
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::{Method, header::ACCESS_CONTROL_REQUEST_METHOD},
};

use crate::extract::user;

/// Lets requests of logged-in people through, and answers all others as the extractor [`User`](crate::User) does.
///
/// CORS preflights pass, since browsers send them without cookies. Around a route, methods without one stay 405; around a
/// scope, everything below its prefix needs a login, whether there is such a page or not.
#[derive(Debug, Clone)]
pub struct LoginRequiredLayer(());

impl LoginRequiredLayer {
    pub(crate) fn new() -> Self {
        Self(())
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
            inner: Rc::new(inner),
        }))
    }
}

/// The service that [`LoginRequiredLayer`] makes.
#[derive(Debug, Clone)]
pub struct LoginRequiredService<S> {
    inner: Rc<S>,
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
        Box::pin(async move {
            if !is_preflight(&request)
                && let Err(refused) = user(request.request()).await
            {
                return Ok(request.error_response(refused));
            }
            let response = inner.call(request).await?;
            Ok(response.map_into_boxed_body())
        })
    }
}

/// A browser's question whether it may send a cross-origin request (Fetch, CORS-preflight).
fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
