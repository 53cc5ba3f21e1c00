//! Logging in to a mobile app: it opens the platform's page itself, receives the code, and hands it over. No browser of
//! this site takes part, so there is no session, no `state` to find and no `nonce`.

use std::{fmt, sync::Arc};

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::{
    base::{json, random::random},
    engine::Engine,
    error::{login::FailureReason, provider::ProviderError},
    exchange::Exchange,
    flow::{
        callback::proof::{self, Asked},
        hook::AuthFailure,
        options::{LoginOptions, MAX_OPTION, RESERVED},
        proposal::Proposal,
    },
    provider::{token_request::Grant, tokens::Tokens, user_data::UserData},
    receipt::Recorder,
    session::{asked::AskedFor, identity::User, marked_by::MarkedBy},
    web::{body::is_json, reply::Reply, request::RequestView},
};

/// The longest code that is passed on, in bytes.
const MAX_CODE: usize = 2048;

/// Who logged in to a mobile app, as [`Miracl::validate_code`](crate::Miracl::validate_code) returns it after every
/// check.
///
/// There is no session. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct AppLogin {
    user: User,
    user_data: UserData,
    tokens: Tokens,
}

impl AppLogin {
    /// Returns who logged in.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns everything the provider said about the person.
    pub fn user_data(&self) -> &UserData {
        &self.user_data
    }

    /// Returns the tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

impl fmt::Debug for AppLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppLogin").finish_non_exhaustive()
    }
}

/// Returns the address at which a person logs in to a mobile app, with a `state` that only the app can check.
pub(crate) async fn authorize_url(
    engine: &Engine,
    options: &LoginOptions,
) -> Result<String, AuthFailure> {
    let mut receipt = Recorder::new();
    let url = make_url(engine, options, &mut receipt).await;
    url.map_err(|reason| AuthFailure::new(reason, None, receipt))
}

async fn make_url(
    engine: &Engine,
    options: &LoginOptions,
    receipt: &mut Recorder,
) -> Result<String, FailureReason> {
    let too_long = |(_, value): &(_, String)| value.len() > MAX_OPTION;
    if let Some((name, _)) = options.parameters().find(too_long) {
        let refused = Err(FailureReason::ParameterTooLong { name });
        return receipt.check("request", "OIDC Core §3.1.2.1", refused);
    }
    let provider = engine.provider();
    let asked = async {
        let metadata = provider.metadata_for_login().await?;
        let client_id = provider.client.id().await?;
        let url = Url::parse(&metadata.authorization_endpoint);
        let url = url.map_err(|error| ProviderError::Malformed {
            endpoint: "authorization_endpoint",
            detail: error.to_string(),
        })?;
        Ok::<_, ProviderError>((url, client_id))
    };
    let (mut url, client_id) = receipt.check("discovery", "OIDC Discovery §4", asked.await)?;
    let config = &engine.config;
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", &config.redirect_uri)
            .append_pair("scope", &config.scopes.join(" "))
            .append_pair("state", &URL_SAFE_NO_PAD.encode_to_string(random::<32>()));
        for (name, value) in options.parameters() {
            query.append_pair(name, &value);
        }
        for (name, value) in &options.extra {
            if !RESERVED.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
                query.append_pair(name, value);
            }
        }
    }
    Ok(url.into())
}

/// Exchanges a code, and makes every check of the ID token. `None` where it is about somebody else.
pub(crate) async fn validate_code(
    engine: &Engine,
    code: &str,
    expected_user: &str,
    redirect_uri: Option<&str>,
) -> Result<Option<AppLogin>, AuthFailure> {
    let mut receipt = Recorder::new();
    let login = check(engine, code, expected_user, redirect_uri, &mut receipt).await;
    match login {
        Ok(login) => {
            let receipt = receipt.finish(None);
            let (id, checks, is_expected) = (receipt.id(), receipt.line(), login.is_some());
            tracing::info!(
                id,
                checks,
                is_expected,
                "the code of a mobile app was checked"
            );
            Ok(login)
        }
        Err(reason) => Err(AuthFailure::new(reason, None, receipt)),
    }
}

async fn check(
    engine: &Engine,
    code: &str,
    expected_user: &str,
    redirect_uri: Option<&str>,
    receipt: &mut Recorder,
) -> Result<Option<AppLogin>, FailureReason> {
    let fits = (1..=MAX_CODE).contains(&code.len());
    let found = if fits {
        Ok(())
    } else {
        Err(FailureReason::CodeMissing)
    };
    receipt.check("response", "RFC 6749 §4.1.2", found)?;
    let provider = engine.provider();
    let metadata = provider.metadata().await;
    let metadata = receipt.check("discovery", "OIDC Discovery §4", metadata)?;
    let asked_ms = engine.now_ms();
    let grant = Grant::Code {
        code,
        verifier: None,
        redirect_uri: redirect_uri.unwrap_or(&engine.config.redirect_uri),
    };
    let tokens = provider.tokens(&metadata, grant).await;
    let tokens = receipt.check("token request", "OIDC Core §3.1.3", tokens)?;
    let proven = proof::id_token(engine, Asked::default(), &tokens, &metadata, receipt).await?;
    let (id_token, raw_id_token) = proven;
    if id_token.subject != expected_user {
        return Ok(None);
    }
    let userinfo = proof::userinfo(engine, &metadata, &tokens, &id_token, receipt).await?;
    let marked_by = MarkedBy::new(&id_token.issuer, &id_token.subject, id_token.sid.as_deref());
    let proposal = Proposal {
        asked_ms,
        issuer: id_token.issuer,
        subject: id_token.subject,
        issued_at: id_token.issued_at,
        marked_by,
        tokens: Tokens::new(tokens, raw_id_token),
        claims: id_token.claims,
        userinfo,
        asked_for: AskedFor::default(),
        remember: None,
    };
    let (user, user_data) = proposal.person(&engine.config, engine.now());
    Ok(Some(AppLogin {
        user,
        user_data,
        tokens: proposal.tokens,
    }))
}

/// Answers the route that tells a mobile app where to log in.
pub(crate) async fn answer_url(exchange: &Arc<Exchange>) -> Reply {
    exchange.touch();
    match authorize_url(&exchange.engine, &LoginOptions::default()).await {
        Ok(url) => Reply::address("authorizeURL", &url),
        Err(failure) => refused(&failure),
    }
}

/// Answers the route that exchanges a mobile app's code: 200 with the access token, 401, or 400 for another body.
pub(crate) async fn answer_token(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    body: Option<&[u8]>,
) -> Reply {
    exchange.touch();
    let fields = body.filter(|_| is_json(request)).map(json::object);
    let Some(Ok(fields)) = fields else {
        return bad_body();
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let given = text("code").zip(text("userID").or_else(|| text("userId")));
    let Some((code, user_id)) =
        given.filter(|(code, user)| (1..=MAX_CODE).contains(&code.len()) && !user.is_empty())
    else {
        return bad_body();
    };
    match validate_code(&exchange.engine, code, user_id, None).await {
        Ok(Some(login)) => token_reply(&exchange.engine, &login),
        Ok(None) => unauthorized(),
        Err(failure) if failure.status() < 500 => unauthorized(),
        Err(failure) => refused(&failure),
    }
}

/// The access token, as a token endpoint answers it (RFC 6749 §5.1).
fn token_reply(engine: &Engine, login: &AppLogin) -> Reply {
    let mut answer = json!({
        "access_token": login.tokens.access_token.expose(),
        "token_type": "Bearer",
    });
    if let Some(at) = login.tokens.expires_at {
        answer["expires_in"] = at.saturating_sub(engine.now()).into();
    }
    Reply::json(200, &answer)
}

fn unauthorized() -> Reply {
    let title = "The code is not this person's, or is not valid";
    // A 401 says how to authenticate (RFC 9110 §15.5.2).
    Reply::problem(401, title, []).with("www-authenticate", "Bearer")
}

fn bad_body() -> Reply {
    Reply::problem(400, "The body must be JSON with `code` and `userID`", [])
}

fn refused(failure: &AuthFailure) -> Reply {
    let id = ("id", failure.id().to_owned());
    Reply::problem(failure.status(), failure.message(), [id])
}
