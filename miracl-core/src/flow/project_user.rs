//! Whose project JWT a request has (RFC 6750).

use std::sync::Arc;

use crate::{
    error::trust::TrustError,
    exchange::Exchange,
    trust::project_jwt::{self, ProjectUser},
    web::{reply::Reply, request::RequestView},
};

/// Why a request is turned away that needs a project JWT.
#[derive(Debug, Clone)]
pub(crate) enum NoProjectUser {
    /// There is none.
    Missing,
    /// The request has several `Authorization` headers, or one that cannot be read.
    Unreadable,
    /// It was refused, or could not be checked.
    Refused(TrustError),
}

impl NoProjectUser {
    /// The answer: never a redirect, because programs ask.
    pub(crate) fn reply(&self) -> Reply {
        match self {
            // Without credentials there is no error to tell (§3.1).
            Self::Missing => challenge(401, "A project JWT is needed", "Bearer".to_owned()),
            Self::Unreadable => {
                let title = "There must be one `Authorization: Bearer` header";
                challenge(400, title, "Bearer error=\"invalid_request\"".to_owned())
            }
            Self::Refused(error) => match error.status() {
                status @ 500.. => Reply::problem(
                    status,
                    "The project JWT cannot be checked at the moment",
                    [],
                )
                .with("retry-after", "5"),
                _ => {
                    let why = match error {
                        TrustError::Replayed => "the token was used before",
                        _ => "the token is not valid",
                    };
                    let header =
                        format!("Bearer error=\"invalid_token\", error_description=\"{why}\"");
                    challenge(401, "The project JWT was refused", header)
                }
            },
        }
    }
}

fn challenge(status: u16, title: &str, header: String) -> Reply {
    Reply::problem(status, title, []).with("www-authenticate", header)
}

/// Returns whose project JWT the request has. However often it is asked, the JWT is used once.
pub(crate) async fn project_user(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
) -> Result<ProjectUser, NoProjectUser> {
    if let Some(known) = &exchange.lock().project_user {
        return Ok((**known).clone());
    }
    let found = match bearer(request) {
        Ok(jwt) => verify(exchange, &jwt).await.map_err(NoProjectUser::Refused),
        Err(refused) => Err(refused),
    };
    match &found {
        Ok(user) => exchange.lock().project_user = Some(Box::new(user.clone())),
        Err(_) => exchange.refuse(),
    }
    found
}

async fn verify(exchange: &Arc<Exchange>, jwt: &str) -> Result<ProjectUser, TrustError> {
    let engine = &exchange.engine;
    let (provider, marks) = (engine.provider(), &engine.sessions.marks);
    let usage = engine.config.project_jwt_use;
    let verified = project_jwt::verify(&engine.trust, provider, marks, jwt, usage).await;
    if let Err(error) = &verified {
        match error.status() {
            500.. => tracing::error!(%error, "a project JWT cannot be checked"),
            _ => tracing::info!(%error, "a project JWT was refused"),
        }
    }
    verified
}

/// Returns the token of the `Authorization` header (§2.1). One in the query or in a form does not count: addresses are
/// logged.
fn bearer(request: &impl RequestView) -> Result<String, NoProjectUser> {
    let mut headers = request.header_values("authorization");
    let header = headers.next().ok_or(NoProjectUser::Missing)?;
    if headers.next().is_some() {
        return Err(NoProjectUser::Unreadable);
    }
    let header = std::str::from_utf8(header).map_err(|_| NoProjectUser::Unreadable)?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(NoProjectUser::Missing);
    }
    match token.trim_matches(' ') {
        "" => Err(NoProjectUser::Unreadable),
        token if token.contains(' ') => Err(NoProjectUser::Unreadable),
        token => Ok(token.to_owned()),
    }
}
