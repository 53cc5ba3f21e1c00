//! Log-out by the provider itself (OpenID Connect Back-Channel Logout 1.0): the logout token, and the route that takes it.

use url::form_urlencoded;

use crate::{
    flow::{answer::Answer, hook::LogoutKind},
    jose::jws::Unverified,
    miracl::Engine,
    provider::{
        issuers::Issuers,
        jwks::Cause,
        logout_token::{Expected, LogoutError, LogoutToken},
    },
    receipt::Recorder,
    session::{binding::Binding, ended::Until, marked_by::name_mark},
    visit::Visit,
    web::reply::Reply,
};

impl Visit {
    /// Answers the back channel (§2.7, §2.8): 200 and nothing, or 400 and why.
    pub(crate) async fn backchannel_logout(&self, form: Option<&[u8]>) -> Answer {
        self.touch();
        let no_store = |reply: Reply| reply.with("cache-control", "no-store");
        match self.take_logout_token(form).await {
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

    async fn take_logout_token(&self, form: Option<&[u8]>) -> Result<LogoutToken, LogoutError> {
        let engine = self.miracl().engine();
        let config = &engine.config;
        let raw = logout_token(form)?;
        let metadata = engine.discovery.metadata(&engine.http).await?;
        let allowed = match config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => engine.seen_algorithms.cut(metadata.signing_algorithms()),
        };
        let token = Unverified::parse(&raw, &allowed)?;
        let (http, uri) = (&engine.http, &metadata.jwks_uri);
        let cause = Cause::LogoutToken;
        let verdict = engine
            .jwks
            .check(http, uri, &token, cause, &mut Recorder::new())
            .await?;
        let expected = Expected {
            issuers: Issuers::new(config, &metadata),
            client_id: engine.credentials.client_id(&engine.http).await?,
            trusted_audiences: &config.trusted_audiences,
            rules: config.logout_token_rules,
            now: engine.now(),
            skew: config.clock_skew.as_secs(),
        };
        let token = LogoutToken::verify(&token, verdict, &expected)?;
        let binding = engine.binding().await?;
        let miracl = self.miracl().clone();
        // A provider that waits no longer has not taken back what it said.
        let obeyed = engine.to_its_end(async move {
            miracl.engine().obey(&token, &binding).await?;
            Ok(token)
        });
        obeyed.await.map_err(LogoutError::Store).flatten()
    }
}

impl Engine {
    /// Ends the sessions that a logout token names, unless it was used before: those of the `sid`, those of the person
    /// `sub`, or where it has both, those of the person that are of the `sid`, or of none.
    ///
    /// The mark comes first: a login under way that looks for it before its session is stored has it deleted here.
    async fn obey(&self, token: &LogoutToken, binding: &Binding) -> Result<(), LogoutError> {
        let marks = &self.marks;
        let mark = |kind, name: &str| name_mark(kind, &token.issuer, name);
        let used = mark("jti", &token.id);
        if !marks.use_token(used).await.map_err(LogoutError::Store)? {
            return Err(LogoutError::Replayed);
        }
        let until = Until::by_token(token.issued_at, self.config.clock.now_ms());
        let sid = token.sid.as_deref().map(|sid| mark("sid", sid));
        let subject = token.subject.as_deref().map(|sub| mark("sub", sub));
        let end = async {
            match (sid, subject) {
                (Some(sid), None) => {
                    marks.end_sid(sid, until).await?;
                    self.end_stored_sid(sid).await.map(drop)
                }
                (Some(sid), Some(subject)) => {
                    marks.end_sid_of(sid, subject, until).await?;
                    self.end_stored_subject(subject, Some(sid), until, binding)
                        .await
                }
                (None, Some(subject)) => {
                    marks.end_subject(subject, until).await?;
                    self.end_stored_subject(subject, None, until, binding).await
                }
                // `verify` takes none such.
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
}

/// Takes the one `logout_token` out of a form; what else is there does not matter (§2.5).
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
