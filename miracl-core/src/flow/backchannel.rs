//! Log-out by the provider itself: the route that takes its logout token (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use url::form_urlencoded;

use crate::{
    engine::{
        Engine,
        events::{AuthEvent, EventPerson},
    },
    exchange::Exchange,
    flow::{answer::Answer, hook::LogoutKind},
    jose::jws::Unverified,
    provider::{
        jwks::Cause,
        logout_token::{ExpectedLogoutToken, LogoutError, LogoutToken},
    },
    receipt::Recorder,
    session::{binding::Binding, end::EndedBy, ended::until::Until, marked_by::index_key},
    web::reply::Reply,
};

/// Answers the back channel (§2.7, §2.8): an empty 200, or a 400 that says why.
pub(crate) async fn backchannel_logout(exchange: &Arc<Exchange>, form: Option<&[u8]>) -> Answer {
    exchange.touch();
    let no_store = |reply: Reply| reply.with("cache-control", "no-store");
    match take_logout_token(exchange, form).await {
        Ok(token) => {
            let kind = LogoutKind::BackChannel {
                issuer: token.issuer,
                sub: token.subject,
                sid: token.sid,
            };
            tracing::info!("sessions were ended by the provider, through the back channel");
            Answer::LoggedOut(kind, no_store(Reply::empty(200)))
        }
        Err(error) => {
            tracing::warn!(%error, "a logout token was refused");
            Answer::Reply(no_store(Reply::oauth_error(
                "invalid_request",
                &error.to_string(),
            )))
        }
    }
}

/// Verifies the logout token of a form, and ends the sessions that it names.
async fn take_logout_token(
    exchange: &Arc<Exchange>,
    form: Option<&[u8]>,
) -> Result<LogoutToken, LogoutError> {
    let engine = &exchange.engine;
    let config = &engine.config;
    let raw = logout_token(form)?;
    let metadata = engine.provider().metadata().await?;
    let provider = engine.provider();
    let allowed = provider.logout_token_algorithms(&metadata);
    let token = Unverified::parse(&raw, &allowed)?;
    let (cause, mut receipt) = (Cause::LogoutToken, Recorder::new());
    let verdict = provider.check_signature(&metadata, &token, cause, &mut receipt);
    let verdict = verdict.await?;
    let expected = ExpectedLogoutToken {
        issuers: provider.issuers(&metadata),
        client_id: provider.client.id().await?,
        trusted_audiences: &config.trusted_audiences,
        rules: config.logout_token_rules,
        now: engine.now(),
        skew: config.clock_skew.as_secs(),
    };
    let token = LogoutToken::verify(&token, verdict, &expected)?;
    let binding = engine.binding().await?;
    let shared = Arc::clone(engine);
    // The log-out counts even if the provider does not wait for the answer.
    let obeyed = engine.to_its_end(async move {
        obey(&shared, &token, &binding).await?;
        shared.tell(|| AuthEvent::LoggedOut {
            person: token.subject.as_ref().map(|id| EventPerson {
                issuer: token.issuer.clone(),
                id: id.clone(),
            }),
            by: EndedBy::BackChannel,
        });
        Ok(token)
    });
    obeyed.await.map_err(LogoutError::Store).flatten()
}

/// Ends the sessions that a logout token names, unless it was used before: those of the `sid`, those of the person
/// `sub`, or where it has both, those of the person that have this `sid` or none.
///
/// The mark is written before stored sessions are deleted. So a login under way either finds the mark, or has stored
/// its session already, and the session is deleted here.
async fn obey(engine: &Engine, token: &LogoutToken, binding: &Binding) -> Result<(), LogoutError> {
    let marks = &engine.sessions.marks;
    let mark = |kind, name: &str| index_key(kind, &token.issuer, name);
    let used = mark("jti", &token.id);
    if !marks.use_token(used).await.map_err(LogoutError::Store)? {
        return Err(LogoutError::Replayed);
    }
    let until = Until::by_token(token.issued_at, engine.now_ms());
    let sid = token.sid.as_deref().map(|sid| mark("sid", sid));
    let subject = token.subject.as_deref().map(|sub| mark("sub", sub));
    let end = async {
        match (sid, subject) {
            (Some(sid), None) => {
                marks.end_sid(sid, until).await?;
                engine.sessions.end_stored_sid(sid).await.map(drop)
            }
            (Some(sid), Some(subject)) => {
                marks.end_sid_of(sid, subject, until).await?;
                engine
                    .sessions
                    .end_stored_subject(subject, Some(sid), until, binding)
                    .await
            }
            (None, Some(subject)) => {
                marks
                    .end_subject(subject, until, EndedBy::BackChannel)
                    .await?;
                engine
                    .sessions
                    .end_stored_subject(subject, None, until, binding)
                    .await
            }
            // `LogoutToken::verify` refuses such a token.
            (None, None) => Ok(()),
        }
    };
    if let Err(error) = end.await {
        // The provider may send it again.
        marks.forget_token(used).await;
        return Err(LogoutError::Store(error));
    }
    Ok(())
}

/// Returns the one `logout_token` of a form; other parameters are ignored (§2.5).
pub(crate) fn logout_token(form: Option<&[u8]>) -> Result<String, LogoutError> {
    let form = form.ok_or(LogoutError::Request("the body is longer than 64 KiB"))?;
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token.into_owned()),
        (Some(_), Some(_)) => Err(LogoutError::Request(
            "there is more than one `logout_token`",
        )),
        (None, _) => Err(LogoutError::Request("there is no `logout_token` in a form")),
    }
}

#[cfg(test)]
mod tests;
