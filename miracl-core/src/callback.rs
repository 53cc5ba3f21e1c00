//! The callback: from the provider's answer to a verified login (OpenID Connect Core 1.0 §3.1.2.5 to §3.1.3.8).
//!
//! In this order: the pending login, `iss`, `error`, `code`; the token request; the ID token; userinfo; the session.

use std::{fmt, sync::Arc};

use url::form_urlencoded;

use crate::{
    config::Pkce,
    error::{AuthFailure, Description, FailureReason, printable},
    id_token::{Expected, IdToken, IdTokenError, Unverified},
    jwks::Verdict,
    login::{PendingLogin, cookie_name, mark},
    seal::Purpose,
    secret::{Secret, random},
    session::{Session, SessionData, User},
    token::{self, TokenResponse, Tokens},
    userinfo::{self, UserData, UserinfoError},
    visit::Visit,
};

/// The most bytes of a callback that are looked at.
const MAX_LEN: usize = 64 * 1024;

/// A login that passed every check, as `on_auth_success` receives it.
///
/// Only the engine makes one: to hold it is the proof. The new session begins when the hook returns `Ok`; on `Err` it
/// is dropped, and the session that was there before stays.
#[derive(Clone)]
#[doc(alias = "on_auth_success")]
pub struct AuthSuccess {
    user: User,
    user_data: UserData,
    tokens: Tokens,
    return_to: String,
}

impl AuthSuccess {
    /// Returns who logged in.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns everything the provider said about them.
    pub fn user_data(&self) -> &UserData {
        &self.user_data
    }

    /// Returns the tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Returns the local path to go to now: where the person was when they were asked to log in, or the home path.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }
}

impl fmt::Debug for AuthSuccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthSuccess")
            .field("return_to", &self.return_to)
            .finish_non_exhaustive()
    }
}

/// The parameters of a callback (RFC 6749 §4.1.2).
#[derive(Default)]
struct Response {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    has_token: bool,
    duplicate: Option<&'static str>,
}

impl Response {
    fn parse(query: &str) -> Self {
        let mut response = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
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
                response.duplicate = Some(name);
            }
        }
        response
    }
}

impl Visit {
    /// Completes a login from the callback's query string, for apps that write their own callback route.
    ///
    /// On success, call [`confirm_login`](Self::confirm_login) to begin the session; without that nothing is kept. The
    /// adapters' own callback route does both, with `on_auth_success` in between.
    ///
    /// # Errors
    ///
    /// [`AuthFailure`] with the check that failed. Whatever session there was before stays.
    #[doc(alias = "perform_access_token_request")]
    pub async fn complete_login(&self, query: &str) -> Result<AuthSuccess, AuthFailure> {
        self.touch();
        let mut return_to = None;
        let completed = self.complete(query, &mut return_to).await;
        completed.map_err(|reason| AuthFailure::new(reason, return_to))
    }

    async fn complete(
        &self,
        query: &str,
        return_to: &mut Option<String>,
    ) -> Result<AuthSuccess, FailureReason> {
        if query.len() > MAX_LEN {
            return Err(FailureReason::ResponseTooLarge);
        }
        let response = Response::parse(query);
        if let Some(name) = response.duplicate {
            return Err(FailureReason::DuplicateParameter { name });
        }
        let login = self.pending_login(response.state.as_deref()).await?;
        *return_to = Some(login.return_to.clone());
        let code = self.authorization_code(response).await?;
        let tokens = self.token_response(&login, &code).await?;
        let (id_token, raw) = self.id_token(&login, &tokens).await?;
        self.new_session(login, tokens, id_token, raw).await
    }

    /// Takes the pending login of this `state` out of the browser. From here on it is used, whatever comes of it.
    async fn pending_login(&self, state: Option<&str>) -> Result<PendingLogin, FailureReason> {
        let engine = self.miracl().engine();
        let state = state
            .filter(|state| !state.is_empty())
            .ok_or(FailureReason::StateMissing)?;
        let binding = engine.binding().await.map_err(FailureReason::Provider)?;
        let mark = mark(state);
        let name = cookie_name(&engine.cookies.login_prefix, &mark);
        let login = engine
            .cookies
            .open(self.header(), Purpose::Login, &name)
            .and_then(|found| PendingLogin::decode(&found.plain, &binding))
            .filter(|login| login.has_state(state))
            .ok_or(FailureReason::StateUnknown)?;
        self.set_cookies([engine.cookies.delete(&name)]);
        let config = &engine.config;
        if login.age(config.clock.now_ms()) >= config.login_timeout {
            return Err(FailureReason::LoginExpired);
        }
        if !engine.marks.use_login(mark) {
            return Err(FailureReason::LoginReplayed);
        }
        Ok(login)
    }

    /// Reads the provider's answer: `iss` (RFC 9207 §2.4), then `error`, then `code`.
    async fn authorization_code(&self, response: Response) -> Result<String, FailureReason> {
        if response.has_token {
            return Err(FailureReason::TokenInResponse);
        }
        let engine = self.miracl().engine();
        let metadata = engine
            .discovery
            .metadata(&engine.http)
            .await
            .map_err(FailureReason::Provider)?;
        match response.iss {
            Some(iss) if iss != metadata.issuer => {
                return Err(FailureReason::ResponseIssuer {
                    expected: metadata.issuer.clone(),
                });
            }
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(FailureReason::ResponseIssuerMissing);
            }
            _ => {}
        }
        if let Some(error) = response.error {
            let description = response.error_description.map(|text| printable(&text, 200));
            return Err(FailureReason::Denied {
                error: printable(&error, 64),
                description: Description(description),
            });
        }
        response
            .code
            .filter(|code| !code.is_empty())
            .ok_or(FailureReason::CodeMissing)
    }

    async fn token_response(
        &self,
        login: &PendingLogin,
        code: &str,
    ) -> Result<TokenResponse, FailureReason> {
        let engine = self.miracl().engine();
        let metadata = engine
            .discovery
            .metadata(&engine.http)
            .await
            .map_err(FailureReason::Provider)?;
        let verifier = (engine.config.pkce == Pkce::S256).then(|| login.verifier());
        token::exchange(engine, &metadata, code, verifier.as_deref())
            .await
            .map_err(FailureReason::Provider)
    }

    /// Verifies the ID token, fetching the provider's keys again when it names one that is not known.
    async fn id_token(
        &self,
        login: &PendingLogin,
        tokens: &TokenResponse,
    ) -> Result<(IdToken, Secret), FailureReason> {
        let engine = self.miracl().engine();
        let config = &engine.config;
        let raw = tokens
            .id_token
            .clone()
            .ok_or(FailureReason::IdTokenMissing)?;
        let provider = FailureReason::Provider;
        let metadata = engine
            .discovery
            .metadata(&engine.http)
            .await
            .map_err(provider)?;
        let allowed = match config.id_token_signed_response_alg {
            Some(registered) => vec![registered],
            None => metadata.signing_algorithms(),
        };
        let id_token = Unverified::parse(raw.expose(), &allowed).map_err(FailureReason::IdToken)?;
        let taken = engine
            .jwks
            .keys(&engine.http, &metadata.jwks_uri)
            .await
            .map_err(provider)?;
        let mut verdict = id_token.signature(&taken.keys);
        if verdict == Verdict::NoKey {
            let newer = engine
                .jwks
                .newer(&taken, &engine.http, &metadata.jwks_uri)
                .await
                .map_err(provider)?;
            verdict = id_token.signature(&newer);
        }
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: engine.credentials.client_id().await.map_err(provider)?,
            trusted_audiences: &config.trusted_audiences,
            nonce: &login.nonce(),
            access_token: tokens.access_token.expose(),
            max_age: login.max_age,
            acr_values: login.acr_values.as_deref(),
            now: engine.now(),
            skew: config.clock_skew,
        };
        let verified = id_token
            .verify(verdict, &expected)
            .map_err(FailureReason::IdToken)?;
        Ok((verified, raw))
    }

    /// Fetches userinfo and makes the new session, which waits to be confirmed.
    async fn new_session(
        &self,
        login: PendingLogin,
        tokens: TokenResponse,
        id_token: IdToken,
        raw: Secret,
    ) -> Result<AuthSuccess, FailureReason> {
        let engine = self.miracl().engine();
        let metadata = engine
            .discovery
            .metadata(&engine.http)
            .await
            .map_err(FailureReason::Provider)?;
        let userinfo = match &metadata.userinfo_endpoint {
            Some(url) => {
                let token = tokens.access_token.expose();
                userinfo::fetch(&engine.http, url, token, &id_token.subject)
                    .await
                    .map_err(|error| match error {
                        UserinfoError::Subject => FailureReason::UserinfoSubject,
                        UserinfoError::Unauthorized(error) | UserinfoError::Provider(error) => {
                            FailureReason::Provider(error)
                        }
                    })?
            }
            None => serde_json::Map::new(),
        };
        let user_data = UserData::new(&id_token.claims, &userinfo);
        let tokens = Tokens {
            access_token: tokens.access_token,
            id_token: raw,
            expires_at: tokens.expires_at,
            scope: tokens.scope,
        };
        let now = engine.now();
        let session = Arc::new(Session {
            id: random(),
            generation: 0,
            created: now,
            seen: now,
            issued_at: id_token.issued_at,
            issuer: id_token.issuer,
            subject: id_token.subject,
            email: user_data.email(),
            email_verified: user_data.email_verified(),
            sid: id_token.sid,
        });
        let data = Arc::new(SessionData {
            tokens: tokens.clone(),
            userinfo,
        });
        self.propose(session.clone(), data)
            .await
            .map_err(|error| match error {
                crate::SessionError::TooLarge(error) => FailureReason::SessionTooLarge(error),
                error => FailureReason::Session(error),
            })?;
        Ok(AuthSuccess {
            user: User(session),
            user_data,
            tokens,
            return_to: login.return_to,
        })
    }
}

impl From<IdTokenError> for FailureReason {
    fn from(error: IdTokenError) -> Self {
        Self::IdToken(error)
    }
}
