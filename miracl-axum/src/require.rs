//! The layer for routes that need somebody to be logged in.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{Method, Request, header::ACCESS_CONTROL_REQUEST_METHOD},
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};

use crate::{
    extract::{answer, find, user_at_once},
    reply::missing_layer,
    request::View,
};

/// Lets requests of logged-in people through, and answers all others as the extractor [`User`](crate::User) does.
///
/// CORS preflights pass, since browsers send them without cookies. For `Router::route_layer`, so that unknown paths stay 404.
#[derive(Debug, Clone)]
pub struct LoginRequiredLayer(());

impl LoginRequiredLayer {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for LoginRequiredLayer {
    type Service = LoginRequiredService<S>;

    fn layer(&self, inner: S) -> LoginRequiredService<S> {
        LoginRequiredService { inner }
    }
}

/// The service that [`LoginRequiredLayer`] makes.
#[derive(Debug, Clone)]
pub struct LoginRequiredService<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for LoginRequiredService<S>
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was found ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            if !is_preflight(&request) {
                let seen = user_at_once(request.extensions(), &View::from(&request));
                if !matches!(seen, Some(Some(_))) {
                    let Some(visit) = find(request.extensions(), &View::from(&request)) else {
                        return Ok(missing_layer());
                    };
                    let user = visit.user().await;
                    if let Err(refused) = answer(&visit, &View::from(&request), user) {
                        return Ok(refused.into_response());
                    }
                }
            }
            inner.call(request).await.map(IntoResponse::into_response)
        })
    }
}

/// A browser's question whether it may send a cross-origin request (Fetch, CORS-preflight).
fn is_preflight(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
