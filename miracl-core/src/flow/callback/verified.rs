//! A login whose checks have all passed, and the session that is proposed to the app's hook.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    base::{random::random, secret::Secret},
    error::{login::FailureReason, session::SessionError},
    exchange::Exchange,
    flow::{
        confirm::{self, NO_LOG_OUT},
        pending::PendingLogin,
    },
    provider::{
        id_token::IdToken, token_response::TokenResponse, tokens::Tokens, user_data::UserData,
    },
    receipt::Recorder,
    session::{
        data::SessionData,
        identity::{Session, SessionId, User},
        marked_by::MarkedBy,
        person::Person,
        proposed::CompletedLogin,
    },
};

/// What a login that passed every check has brought.
pub(super) struct VerifiedLogin {
    pub(super) pending: PendingLogin,
    /// When the tokens were asked for, in milliseconds since 1970.
    pub(super) asked_ms: u64,
    pub(super) tokens: TokenResponse,
    pub(super) id_token: IdToken,
    pub(super) raw_id_token: Secret,
    pub(super) marked_by: MarkedBy,
    pub(super) userinfo: Map<String, Value>,
}

impl VerifiedLogin {
    /// Makes the new session, which waits for the app's hook to be confirmed.
    pub(super) async fn propose(
        self,
        exchange: &Arc<Exchange>,
        receipt: &mut Recorder,
    ) -> Result<CompletedLogin, FailureReason> {
        let id_token = self.id_token;
        let user_data = UserData::new(&id_token.claims, &self.userinfo);
        let tokens = Tokens {
            access_token: self.tokens.access_token,
            id_token: self.raw_id_token,
            refresh_token: self.tokens.refresh_token,
            expires_at: self.tokens.expires_at,
            renew_at: self.tokens.renew_at,
            scope: self.tokens.scope,
        };
        let engine = &exchange.engine;
        let session = Arc::new(Session {
            id: SessionId(random()),
            generation: 0,
            // Known once the data is sealed.
            data: Default::default(),
            created_ms: self.asked_ms,
            seen: engine.now(),
            issued_at: id_token.issued_at,
            person: Person::new(
                &id_token.issuer,
                &id_token.subject,
                user_data.email().as_deref(),
            ),
            email_verified: user_data.email_verified(),
            is_doubtful: false,
            marked_by: self.marked_by,
        });
        let data = Arc::new(SessionData {
            tokens: tokens.clone(),
            userinfo: self.userinfo,
            user_agent: exchange.user_agent().map(str::to_owned),
            login: None,
        });
        // Before the hook, and once more after it: only then is it a check that was passed.
        if engine.sessions.marks.is_ended(&session) {
            let (check, section) = NO_LOG_OUT;
            receipt.check(check, section, Err::<(), _>(FailureReason::LoggedOut))?;
        }
        let replaces = self.pending.replaces;
        let proposed = confirm::propose(exchange, session.clone(), data, replaces).await;
        let proposed = proposed.map_err(|error| match error {
            SessionError::TooLarge(error) => FailureReason::SessionTooLarge(error),
            error => FailureReason::Session(error),
        });
        receipt.check("session", "RFC 6265 §6.1", proposed)?;
        Ok(CompletedLogin {
            user: User(session),
            user_data,
            tokens,
            return_to: self.pending.return_to,
        })
    }
}
