//! The layer for routes that need somebody to be logged in.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::Request,
    response::{IntoResponse, Response},
};
use miracl_core::{Miracl, Refusal, app::access::Requirement};
use tower::{Layer, Service};

use crate::{
    authorized::{authorized, project_user},
    extract::{LoginRequired, required_user},
    request::View,
    slot::{authorized_at_once, turn_to, user_at_once, without_activity},
};

/// Lets requests of people who are logged in through, and answers all others as the extractor [`User`](crate::User)
/// does. With a requirement ([`MiraclAuth::require`](crate::MiraclAuth::require)) it lets those through who meet it,
/// and for callers with a project JWT ([`MiraclAuth::require_project_user`](crate::MiraclAuth::require_project_user))
/// those whose JWT meets it.
///
/// That includes CORS preflights: see [`MiraclAuth::login_required`](crate::MiraclAuth::login_required). For
/// `Router::route_layer`, so that unknown paths stay 404.
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

impl<S> Layer<S> for LoginRequiredLayer {
    type Service = LoginRequiredService<S>;

    fn layer(&self, inner: S) -> LoginRequiredService<S> {
        LoginRequiredService {
            miracl: self.miracl.clone(),
            is_activity: self.is_activity,
            requirement: self.requirement.clone(),
            by_project_jwt: self.by_project_jwt,
            inner,
        }
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
    inner: S,
}

impl<S: fmt::Debug> fmt::Debug for LoginRequiredService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequiredService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
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

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The service that was found ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let miracl = self.miracl.clone();
        let is_activity = self.is_activity;
        let requirement = self.requirement.clone();
        let by_project_jwt = self.by_project_jwt;
        Box::pin(async move {
            let requirement = requirement.as_ref();
            let checked = match (requirement, by_project_jwt) {
                (Some(requirement), true) => check_jwt(&miracl, requirement, &mut request).await,
                _ => check(&miracl, is_activity, requirement, &mut request).await,
            };
            match checked {
                Ok(()) => inner.call(request).await.map(IntoResponse::into_response),
                Err(refusal) => {
                    let (parts, _) = request.into_parts();
                    Ok(LoginRequired::new(&parts, &refusal).into_response())
                }
            }
        })
    }
}

/// Turns away everybody who has no project JWT that meets the requirement.
async fn check_jwt(
    miracl: &Miracl,
    requirement: &Requirement,
    request: &mut Request<Body>,
) -> Result<(), Refusal> {
    turn_to(request.extensions_mut(), miracl)?;
    project_user(requirement, View::from(&*request))
        .await
        .map(drop)
}

/// Turns away everybody who is not logged in by this engine, or does not meet the requirement.
async fn check(
    miracl: &Miracl,
    is_activity: bool,
    requirement: Option<&Requirement>,
    request: &mut Request<Body>,
) -> Result<(), Refusal> {
    turn_to(request.extensions_mut(), miracl)?;
    if !is_activity {
        without_activity(request.extensions());
    }
    let view = View::from(&*request);
    if let Some(requirement) = requirement {
        return match authorized_at_once(&view, requirement) {
            Some(_) => Ok(()),
            None => authorized(requirement, view).await.map(drop),
        };
    }
    match user_at_once(&view) {
        Poll::Ready(Some(_)) => Ok(()),
        _ => required_user(view).await.map(drop),
    }
}
