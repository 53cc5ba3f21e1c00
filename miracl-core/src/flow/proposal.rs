//! A login whose checks have all passed, and the session that is proposed to the app's hook.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    base::random::random,
    config::Config,
    error::login::FailureReason,
    exchange::Exchange,
    flow::confirm::{self, NO_LOG_OUT},
    provider::{login_claims::login_claims, tokens::Tokens, user_data::UserData},
    receipt::Recorder,
    session::{
        app_data::AppValues,
        asked::AskedFor,
        data::SessionData,
        extension::{Claims, extension},
        identity::{Session, SessionId, User},
        marked_by::MarkedBy,
        person::Person,
        proposed::CompletedLogin,
    },
};

/// What a login that passed every check has brought.
pub(crate) struct Proposal {
    /// When the tokens were asked for, in milliseconds since 1970.
    pub(crate) asked_ms: u64,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The `iat` of the token that says who it is, on the provider's clock.
    pub(crate) issued_at: u64,
    pub(crate) marked_by: MarkedBy,
    pub(crate) tokens: Tokens,
    /// The claims of that token.
    pub(crate) claims: Map<String, Value>,
    pub(crate) userinfo: Map<String, Value>,
    /// What the login was asked for.
    pub(crate) asked_for: AskedFor,
    /// Whether the session outlives the browser. By default as the settings say.
    pub(crate) remember: Option<bool>,
}

impl Proposal {
    /// Returns who it is since now, in seconds since 1970, and what is known about them.
    pub(crate) fn person(&self, config: &Config, now: u64) -> (User, UserData) {
        let user_data = UserData::new(&self.claims, &self.userinfo);
        let ends_with_browser = !self.remember.unwrap_or(config.session_remember);
        let claims = Claims {
            person: &user_data,
            login: &login_claims(&self.claims),
        };
        let extension = extension(ends_with_browser, &config.session_claims, &claims);
        let person = Person::new(&self.issuer, &self.subject, user_data.email());
        let session = Session {
            id: SessionId(random()),
            generation: 0,
            // Known once the data is sealed.
            data: Default::default(),
            created_ms: self.asked_ms,
            seen: now,
            issued_at: self.issued_at,
            person: person.extended(&extension),
            email_verified: user_data.email_verified(),
            is_doubtful: false,
            marked_by: self.marked_by,
        };
        (User(Arc::new(session)), user_data)
    }

    /// Returns the large part of the session.
    pub(crate) fn data(self, exchange: &Exchange) -> SessionData {
        let data = SessionData {
            tokens: self.tokens,
            userinfo: self.userinfo,
            user_agent: exchange.user_agent().map(str::to_owned),
            login: None,
            without_tokens: false,
            asked_for: self.asked_for,
            app: AppValues::default(),
        };
        data.kept(&exchange.engine.config.session_claims)
    }

    /// Makes the new session, which waits for the app's hook to be confirmed.
    pub(crate) async fn propose(
        self,
        exchange: &Arc<Exchange>,
        replaces: Option<SessionId>,
        return_to: String,
        receipt: &mut Recorder,
    ) -> Result<CompletedLogin, FailureReason> {
        let engine = &exchange.engine;
        let (user, user_data) = self.person(&engine.config, engine.now());
        let tokens = self.tokens.clone();
        let data = Arc::new(self.data(exchange));
        // Before the hook, and once more after it: only then is it a check that was passed.
        if engine.sessions.marks.is_ended(&user.0) {
            let (check, section) = NO_LOG_OUT;
            receipt.check(check, section, Err::<(), _>(FailureReason::LoggedOut))?;
        }
        let proposed = confirm::propose(exchange, Arc::clone(&user.0), data, replaces).await;
        let proposed = proposed.map_err(FailureReason::from);
        let draft = receipt.check("session", "RFC 6265 §6.1", proposed)?;
        Ok(CompletedLogin {
            user,
            user_data,
            tokens,
            return_to,
            draft,
        })
    }
}
