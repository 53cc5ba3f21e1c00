//! The callback: from the provider's answer to a verified login (OpenID Connect Core 1.0 §3.1.2.5 to §3.1.3.8).
//!
//! In this order: the pending login, `iss`, `error`, `code`; the token request; the ID token; userinfo; the session.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::exchange::Exchange;
use crate::flow::confirm::{self, NO_LOG_OUT};
use crate::{
    base::{random::random, secret::Secret, text::printable},
    config::options::Pkce,
    error::{
        description::Description, login::FailureReason, session::SessionError, token::IdTokenError,
    },
    flow::{
        hook::{AuthFailure, AuthSuccess},
        pending::{PendingLogin, STATE_LEN, cookie_name, mark},
    },
    jose::jws::Unverified,
    provider::{
        id_token::{Expected, IdToken},
        issuers::Issuers,
        jwks::Cause,
        metadata::ProviderMetadata,
        token_request::Grant,
        tokens::{TokenResponse, Tokens},
        user_data::UserData,
        userinfo::{self, UserinfoError},
    },
    receipt::{Applied, Recorder},
    session::{
        data::SessionData,
        identity::{Session, SessionId, User},
        marked_by::MarkedBy,
        marks::TakenLogin,
        person::Person,
        seal::Purpose,
    },
    web::route::Route,
};

/// Where it says that a login is used once.
const SINGLE_USE: &str = "RFC 9700 §4.7";

/// The parameters of a callback (RFC 6749 §4.1.2).
#[derive(Default)]
struct Response {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    has_token: bool,
}

impl Response {
    /// Reads the parameters, each of which may be there once (RFC 6749 §3.1).
    fn parse(parameters: &[u8]) -> Result<Self, FailureReason> {
        if parameters.len() > Route::MAX_BODY {
            return Err(FailureReason::ResponseTooLarge);
        }
        let mut response = Self::default();
        for (name, value) in form_urlencoded::parse(parameters) {
            let (name, slot) = match name.as_ref() {
                "state" => ("state", &mut response.state),
                "code" => ("code", &mut response.code),
                "iss" => ("iss", &mut response.iss),
                "error" => ("error", &mut response.error),
                "error_description" => ("error_description", &mut response.error_description),
                "id_token" | "access_token" => {
                    response.has_token = true;
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(FailureReason::DuplicateParameter { name });
            }
        }
        Ok(response)
    }
}

/// What a session has of the login that it comes of, whatever userinfo says.
struct Begun {
    /// When the tokens were asked for, in milliseconds since 1970.
    begun_ms: u64,
    marked_by: MarkedBy,
}

/// Completes a login from the callback's parameters, for apps that write their own callback route: its query string, or with
/// [`ResponseMode::FormPost`](crate::ResponseMode::FormPost) the body of its `POST`.
pub(crate) async fn complete_login(
    exchange: &Arc<Exchange>,
    parameters: impl AsRef<[u8]>,
) -> Result<AuthSuccess, AuthFailure> {
    exchange.touch();
    let response = Response::parse(parameters.as_ref());
    complete_with(exchange, response).await
}

/// The same for a body that was too long to be read.
pub(crate) async fn refuse_body(exchange: &Arc<Exchange>) -> AuthFailure {
    exchange.touch();
    let too_large = Err(FailureReason::ResponseTooLarge);
    let refused = complete_with(exchange, too_large).await;
    refused.expect_err("there is nothing to complete a login with")
}

async fn complete_with(
    exchange: &Arc<Exchange>,
    response: Result<Response, FailureReason>,
) -> Result<AuthSuccess, AuthFailure> {
    let mut return_to = None;
    let mut receipt = Recorder::new();
    match complete(exchange, response, &mut return_to, &mut receipt).await {
        Ok(mut login) => {
            let receipt = receipt.finish(None);
            tracing::info!(
                id = receipt.id(),
                checks = receipt.line(),
                "login succeeded"
            );
            login.receipt = Some(receipt);
            Ok(login)
        }
        Err(reason) => Err(AuthFailure::new(reason, return_to, receipt)),
    }
}

async fn complete(
    exchange: &Arc<Exchange>,
    response: Result<Response, FailureReason>,
    return_to: &mut Option<String>,
    receipt: &mut Recorder,
) -> Result<AuthSuccess, FailureReason> {
    let response = receipt.check("response", "RFC 6749 §3.1", response)?;
    let pending = pending_login(exchange, response.state.as_deref(), receipt).await;
    if let Err(
        FailureReason::StateMissing | FailureReason::StateUnknown | FailureReason::OtherHost { .. },
    ) = pending
    {
        log_unproven(exchange, &response);
    }
    let (login, taken) = pending?;
    *return_to = Some(login.return_to.clone());
    let engine = &exchange.engine;
    let metadata = engine.provider().metadata().await;
    let metadata = receipt.check("discovery", "OIDC Discovery §4", metadata)?;
    let issuers = engine.provider().issuers(&metadata);
    let named = response.iss.clone();
    let code = authorization_code(response, issuers, &metadata, receipt)?;

    let verifier = (engine.config.pkce == Pkce::S256).then(|| login.verifier());
    let grant = Grant::Code {
        code: &code,
        verifier: verifier.as_deref(),
    };
    // The session is as old as this request: what the provider's log-out ends is what was issued before it, and the
    // ID token will be.
    let begun_ms = engine.now_ms();
    let tokens = engine.provider().tokens(&metadata, grant).await;
    let tokens = receipt.check("token request", "OIDC Core §3.1.3", tokens)?;
    let unused = match engine.sessions.marks.use_login(&taken).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(FailureReason::LoginReplayed),
        Err(error) => Err(FailureReason::Session(SessionError::Store(error))),
    };
    if unused.is_err() {
        receipt.check("single use again", SINGLE_USE, unused)?;
    }
    let (id_token, raw) = id_token(exchange, &login, &tokens, &metadata, receipt).await?;
    if named.is_some_and(|iss| iss != id_token.issuer) {
        // Where one document serves many tenants, the answer's tenant must be the token's.
        let other = FailureReason::ResponseIssuer {
            expected: id_token.issuer,
        };
        return receipt.check("iss again", "RFC 9207 §2.4", Err(other));
    }
    let marked_by = MarkedBy::new(&id_token.issuer, &id_token.subject, id_token.sid.as_deref());
    if let Some(sid) = marked_by.sid
        && let Err(error) = engine.sessions.marks.has_session(sid).await
    {
        tracing::warn!(%error, "front-channel log-outs may not be believed for this login");
    }
    let userinfo = userinfo(exchange, &metadata, &tokens, &id_token, receipt).await?;
    let begun = Begun {
        begun_ms,
        marked_by,
    };
    new_session(
        exchange,
        login,
        begun,
        tokens,
        (id_token, raw),
        userinfo,
        receipt,
    )
    .await
}

/// Logs the error of an answer that belongs to no login here. Some providers leave `state` out of their errors, and
/// then it is all there is to go by; but anybody can have made it up, so it decides nothing.
fn log_unproven(exchange: &Arc<Exchange>, response: &Response) {
    let engine = &exchange.engine;
    // RFC 9207 §2.4: what another provider says is not even read.
    let from_another = response
        .iss
        .as_deref()
        .is_some_and(|iss| !engine.provider().has_issuer(iss));
    let Some(error) = response.error.as_deref().filter(|_| !from_another) else {
        return;
    };
    tracing::warn!(
        error = printable(error, 64),
        "a callback of no login under way carries this error; that it is the provider's is not proven"
    );
}

/// Takes the pending login of this `state` out of the browser. From here on no other callback can have it, whatever comes of it.
async fn pending_login(
    exchange: &Arc<Exchange>,
    state: Option<&str>,
    receipt: &mut Recorder,
) -> Result<(PendingLogin, TakenLogin), FailureReason> {
    const STATE: &str = "RFC 6749 §10.12";
    let engine = &exchange.engine;
    let binding = engine.binding().await.map_err(FailureReason::Provider)?;
    let found = state
        .filter(|state| !state.is_empty())
        .ok_or(FailureReason::StateMissing)
        .and_then(|state| {
            if state.len() != STATE_LEN {
                return Err(state_unknown(exchange));
            }
            let mark = mark(state);
            let name = cookie_name(&engine.sessions.cookies.login_prefix, &mark);
            let read = |plain: &[u8]| {
                PendingLogin::decode(plain, &binding).filter(|login| login.has_state(state))
            };
            engine
                .sessions
                .cookies
                .open(exchange.header(), Purpose::Login, &name, read)
                .map(|login| (login, mark, name))
                .ok_or_else(|| state_unknown(exchange))
        });
    let (login, mark, name) = receipt.check("state", STATE, found)?;
    exchange.set_cookies([engine.sessions.cookies.delete(&name)]);
    let config = &engine.config;
    let in_time = if login.age(config.clock.now_ms()) < config.login_timeout {
        Ok(())
    } else {
        Err(FailureReason::LoginExpired)
    };
    receipt.check("login timeout", STATE, in_time)?;
    let taken = match engine.sessions.marks.take_login(mark).await {
        Ok(Some(taken)) => Ok(taken),
        Ok(None) => Err(FailureReason::LoginReplayed),
        Err(error) => Err(FailureReason::Session(SessionError::Store(error))),
    };
    let taken = receipt.check("single use", SINGLE_USE, taken)?;
    Ok((login, taken))
}

/// No login of this state is under way in this browser: under this host name, at least.
fn state_unknown(exchange: &Arc<Exchange>) -> FailureReason {
    match exchange.other_host() {
        Some(here) => FailureReason::OtherHost {
            here: printable(here, 200),
            there: exchange.engine.site.host().to_owned(),
        },
        None => FailureReason::StateUnknown,
    }
}

/// Verifies the ID token.
async fn id_token(
    exchange: &Arc<Exchange>,
    login: &PendingLogin,
    tokens: &TokenResponse,
    metadata: &ProviderMetadata,
    receipt: &mut Recorder,
) -> Result<(IdToken, Secret), FailureReason> {
    let engine = &exchange.engine;
    let (config, provider) = (&engine.config, engine.provider());
    let raw = tokens.id_token.clone().ok_or(FailureReason::IdTokenMissing);
    let raw = receipt.check("id_token", "OIDC Core §3.1.3.3", raw)?;
    let allowed = provider.id_token_algorithms(metadata);
    let id_token = Unverified::parse(raw.expose(), &allowed);
    let form = match &id_token {
        Err(error) if !matches!(error, IdTokenError::Algorithm { .. }) => Err(error.clone()),
        _ => Ok(()),
    };
    receipt.check("id_token form", "RFC 7515 §7.1", form)?;
    let id_token = receipt.check("id_token alg", "OIDC Core §3.1.3.7 (7)", id_token)?;
    let verdict = provider.signature(metadata, &id_token, Cause::Login, receipt);
    let verdict = verdict.await?;
    let expected = Expected {
        issuers: provider.issuers(metadata),
        client_id: provider.client.id().await?,
        trusted_audiences: &config.trusted_audiences,
        nonce: &login.nonce(),
        access_token: tokens.access_token.expose(),
        max_age: login.max_age,
        acr_values: login.acr_values.as_deref(),
        now: engine.now(),
        skew: config.clock_skew,
    };
    let algorithm = id_token.algorithm();
    let verified = IdToken::verify(id_token, verdict, &expected, receipt)?;
    provider.saw(algorithm);
    Ok((verified, raw))
}

/// Fetches userinfo, where the provider has it and the login needs it.
async fn userinfo(
    exchange: &Arc<Exchange>,
    metadata: &ProviderMetadata,
    tokens: &TokenResponse,
    id_token: &IdToken,
    receipt: &mut Recorder,
) -> Result<Map<String, Value>, FailureReason> {
    const NAME: &str = "userinfo";
    const SECTION: &str = "OIDC Core §5.3";
    let engine = &exchange.engine;
    let token = tokens.access_token.expose();
    let fetched = if userinfo::is_needed(&engine.config, &id_token.claims) {
        engine
            .provider()
            .userinfo(metadata, token, &id_token.subject)
            .await
    } else {
        Ok(None)
    };
    let fine = Ok::<_, FailureReason>(Applied::Yes);
    match fetched {
        Ok(None) => {
            receipt.check_if(NAME, SECTION, Ok::<_, FailureReason>(Applied::No))?;
            Ok(Map::new())
        }
        Ok(Some(userinfo)) => {
            receipt.check_if(NAME, SECTION, fine)?;
            let same = Ok::<_, FailureReason>(userinfo);
            receipt.check("userinfo sub", "OIDC Core §5.3.2", same)
        }
        Err(UserinfoError::Subject) => {
            receipt.check_if(NAME, SECTION, fine)?;
            let other = Err(FailureReason::UserinfoSubject);
            receipt.check("userinfo sub", "OIDC Core §5.3.2", other)
        }
        Err(UserinfoError::Token(error)) => {
            receipt.check(NAME, SECTION, Err(FailureReason::UserinfoToken(error)))
        }
        Err(UserinfoError::Unauthorized(error) | UserinfoError::Provider(error)) => {
            receipt.check(NAME, SECTION, Err(error))
        }
    }
}

/// Makes the new session, which waits to be confirmed.
async fn new_session(
    exchange: &Arc<Exchange>,
    login: PendingLogin,
    Begun {
        begun_ms,
        marked_by,
    }: Begun,
    tokens: TokenResponse,
    (id_token, raw): (IdToken, Secret),
    userinfo: Map<String, Value>,
    receipt: &mut Recorder,
) -> Result<AuthSuccess, FailureReason> {
    let user_data = UserData::new(&id_token.claims, &userinfo);
    let tokens = Tokens {
        access_token: tokens.access_token,
        id_token: raw,
        refresh_token: tokens.refresh_token,
        expires_at: tokens.expires_at,
        renew_at: tokens.renew_at,
        scope: tokens.scope,
    };
    let engine = &exchange.engine;
    let session = Arc::new(Session {
        id: SessionId(random()),
        generation: 0,
        // Known once the data is sealed.
        data: Default::default(),
        created_ms: begun_ms,
        seen: engine.now(),
        issued_at: id_token.issued_at,
        person: Person::new(
            &id_token.issuer,
            &id_token.subject,
            user_data.email().as_deref(),
        ),
        email_verified: user_data.email_verified(),
        is_doubtful: false,
        marked_by,
    });
    let data = Arc::new(SessionData {
        tokens: tokens.clone(),
        userinfo,
        user_agent: exchange.user_agent().map(str::to_owned),
    });
    // Before the hook, and once more after it: only then is it a check that was passed.
    if engine.sessions.marks.is_ended(&session) {
        let (check, section) = NO_LOG_OUT;
        receipt.check(check, section, Err::<(), _>(FailureReason::LoggedOut))?;
    }
    let proposed = confirm::propose(exchange, session.clone(), data, login.replaces).await;
    let proposed = proposed.map_err(|error| match error {
        SessionError::TooLarge(error) => FailureReason::SessionTooLarge(error),
        error => FailureReason::Session(error),
    });
    receipt.check("session", "RFC 6265 §6.1", proposed)?;
    Ok(AuthSuccess {
        user: User(session),
        user_data,
        tokens,
        return_to: login.return_to,
        // Put in when the receipt is complete.
        receipt: None,
    })
}

/// Reads the provider's answer: `iss` (RFC 9207 §2.4), then `error`, then `code`.
fn authorization_code(
    response: Response,
    issuers: Issuers<'_>,
    metadata: &ProviderMetadata,
    receipt: &mut Recorder,
) -> Result<String, FailureReason> {
    let no_token = if response.has_token {
        Err(FailureReason::TokenInResponse)
    } else {
        Ok(())
    };
    receipt.check("no token in response", "OIDC Core §3.1.2.5", no_token)?;
    let issuer = match response.iss {
        Some(iss) if issuers.contains(&iss) => Ok(Applied::Yes),
        Some(_) => Err(FailureReason::ResponseIssuer {
            expected: issuers.written().to_owned(),
        }),
        None if metadata.authorization_response_iss_parameter_supported => {
            Err(FailureReason::ResponseIssuerMissing)
        }
        None => Ok(Applied::No),
    };
    receipt.check_if("iss", "RFC 9207 §2.4", issuer)?;
    let granted = match response.error {
        Some(error) => Err(FailureReason::Denied {
            error: printable(&error, 64),
            description: Description(response.error_description.map(|text| printable(&text, 200))),
        }),
        None => Ok(()),
    };
    receipt.check("error", "OIDC Core §3.1.2.6", granted)?;
    let code = response.code.filter(|code| !code.is_empty());
    let code = code.ok_or(FailureReason::CodeMissing);
    receipt.check("code", "RFC 6749 §4.1.2", code)
}

#[cfg(test)]
pub(crate) mod tests;
