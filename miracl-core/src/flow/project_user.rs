//! Whose project JWT a request has (RFC 6750).

pub(crate) mod rights;
mod test_kit;

use std::sync::Arc;

use crate::{
    engine::Engine,
    error::trust::TrustError,
    exchange::Exchange,
    session::answers::Answers,
    trust::project_jwt::{self, ProjectUser},
    web::{reply::Reply, request::RequestView},
};

#[cfg(feature = "testing")]
pub(crate) use test_kit::sealed;

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
        return Ok(known.0.clone());
    }
    let jwt = bearer(request)?;
    let user = checked(&exchange.engine, &jwt).await;
    let user = user.map_err(NoProjectUser::Refused)?;
    exchange.lock().project_user = Some(Box::new((user.clone(), Answers::default())));
    Ok(user)
}

async fn checked(engine: &Engine, jwt: &str) -> Result<ProjectUser, TrustError> {
    let verified = verify(engine, jwt).await;
    if let Err(error) = &verified {
        match error.status() {
            500.. => tracing::error!(%error, "a project JWT cannot be checked"),
            _ => tracing::info!(%error, "a project JWT was refused"),
        }
    }
    verified
}

/// Checks a JWT of the project, or of the test kit where this build has that.
pub(crate) async fn verify(engine: &Engine, jwt: &str) -> Result<ProjectUser, TrustError> {
    let (provider, marks) = (engine.provider(), &engine.sessions.marks);
    let usage = engine.config.project_jwt_use;
    match test_kit::opened(engine, jwt) {
        Some(claims) => project_jwt::accept(provider, marks, None, claims, jwt, usage).await,
        None => project_jwt::verify(&engine.trust, provider, marks, jwt, usage).await,
    }
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
