//! A session by a JWT of the project: a front end of one's own has logged the person in, and posts the proof.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    base::json,
    config::options::ProjectJwtUse,
    error::{login::FailureReason, session::SessionError, token::IdTokenError, trust::TrustError},
    exchange::Exchange,
    flow::{
        answer::Answer,
        elsewhere,
        hook::{AuthFailure, AuthSuccess},
        options::remember,
        parameters::all_once,
        proposal::Proposal,
    },
    provider::{claims::time, tokens::Tokens},
    receipt::Recorder,
    session::{asked::AskedFor, marked_by::MarkedBy, proposed::CompletedLogin},
    trust::project_jwt,
    web::{
        body::{is_form, is_json},
        reply::Reply,
        request::RequestView,
        return_to::ReturnTo,
    },
};

const SECTION: &str = "RFC 8725 §3";

/// What a front end posts.
struct Posted<'a> {
    jwt: Cow<'a, str>,
    return_to: Option<Cow<'a, str>>,
    remember: Option<bool>,
}

/// Answers the route: the login is the hook's to conclude, as at the callback.
pub(crate) async fn answer(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    body: Option<&[u8]>,
) -> Answer {
    exchange.touch();
    if let Some(nothing) = exchange.changes_nothing_reply() {
        return Answer::Reply(nothing);
    }
    // No other site may log a visitor in as somebody: the adapter has checked it, and this route must not rest on that.
    if let Err(refused) = elsewhere::check_origin(&exchange.engine, request) {
        return Answer::Reply(refused);
    }
    let fields = body.and_then(|body| fields(request, body));
    let Some(posted) = fields.as_ref().and_then(posted) else {
        let title = "The body must be a form or JSON with `jwt`";
        return Answer::Reply(Reply::problem(400, title, []));
    };
    let mut receipt = Recorder::new();
    match Box::pin(check(exchange, &posted, &mut receipt)).await {
        Ok(login) => {
            let receipt = receipt.finish(None);
            let (id, checks) = (receipt.id(), receipt.line());
            tracing::info!(id, checks, "login by a project JWT succeeded");
            Answer::Success(AuthSuccess::new(login, receipt))
        }
        Err(reason) => Answer::Failure(AuthFailure::new(reason, None, receipt)),
    }
}

/// Reads the body as its type says.
fn fields(request: &impl RequestView, body: &[u8]) -> Option<Map<String, Value>> {
    if is_json(request) {
        return json::object(body).ok();
    }
    is_form(request).then(|| all_once(body)).flatten()
}

fn posted(fields: &Map<String, Value>) -> Option<Posted<'_>> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(Cow::from);
    Some(Posted {
        jwt: text("jwt").filter(|jwt| !jwt.is_empty())?,
        return_to: text("return_to"),
        remember: match fields.get("remember") {
            Some(Value::Bool(remember)) => Some(*remember),
            Some(Value::String(text)) => remember(text),
            _ => None,
        },
    })
}

/// Checks the JWT, and proposes the session.
async fn check(
    exchange: &Arc<Exchange>,
    posted: &Posted<'_>,
    receipt: &mut Recorder,
) -> Result<CompletedLogin, FailureReason> {
    let engine = &exchange.engine;
    let asked_ms = engine.now_ms();
    let (provider, marks) = (engine.provider(), &engine.sessions.marks);
    let once = ProjectJwtUse::Once;
    let verified = project_jwt::verify(&engine.trust, provider, marks, &posted.jwt, once).await;
    let user = receipt.check("project JWT", SECTION, verified.map_err(reason))?;
    // A `sub` that no ID token could have is no person of a session.
    let is_subject = user.id().is_ascii();
    let invalid = || FailureReason::ProjectJwt(IdTokenError::Invalid { claim: "sub" });
    receipt.check(
        "project JWT sub",
        "OIDC Core §2",
        is_subject.then_some(()).ok_or_else(invalid),
    )?;
    let issued_at = time(user.claims(), "iat").ok().flatten();
    let proposal = Proposal {
        asked_ms,
        issuer: user.issuer().to_owned(),
        subject: user.id().to_owned(),
        issued_at: issued_at.unwrap_or_else(|| engine.now()),
        marked_by: MarkedBy::new(user.issuer(), user.id(), None),
        tokens: Tokens::of_project_jwt(&posted.jwt),
        claims: user.claims().clone(),
        userinfo: Map::new(),
        asked_for: AskedFor::default(),
        remember: posted.remember,
    };
    let path = posted.return_to.as_deref();
    let return_to = path.and_then(|path| engine.site.return_to(path));
    let home = || engine.site.home_path.clone();
    let return_to = return_to.map_or_else(home, ReturnTo::into_string);
    proposal.propose(exchange, None, return_to, receipt).await
}

/// Tells why a JWT begins no session, in the words of a login.
fn reason(error: TrustError) -> FailureReason {
    match error {
        TrustError::ProjectJwt(error) => FailureReason::ProjectJwt(error),
        TrustError::Provider(error) => FailureReason::Provider(error),
        TrustError::Store(error) => FailureReason::Session(SessionError::Store(error)),
        _ => FailureReason::ProjectJwtReplayed,
    }
}
