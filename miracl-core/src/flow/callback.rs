//! The callback: from the provider's answer to a verified login (OpenID Connect Core 1.0 §3.1.2.5 to §3.1.3.8).
//!
//! [`check`] makes the checks in the order in which the crate's documentation lists them; each has a file of its own.

pub(crate) mod proof;
pub(crate) mod repeated;
mod response;
mod single_use;
mod still_here;

use std::sync::Arc;

use crate::{
    config::options::Pkce,
    error::login::FailureReason,
    exchange::Exchange,
    flow::{
        callback::{proof::Asked, response::AuthorizationResponse},
        hook::{AuthFailure, AuthSuccess},
        lost_form,
        pending::{Began, PendingLogin},
        proposal::Proposal,
    },
    provider::{
        id_token::IdToken, metadata::ProviderMetadata, token_request::Grant,
        token_response::TokenResponse, tokens::Tokens,
    },
    receipt::Recorder,
    session::{asked::AskedFor, marked_by::MarkedBy, proposed::CompletedLogin},
};

pub(crate) use response::Callback;

/// Completes a login from what its callback came with.
pub(crate) async fn complete_login(
    exchange: &Arc<Exchange>,
    callback: Callback<'_>,
) -> Result<AuthSuccess, AuthFailure> {
    exchange.touch();
    let mut return_to = None;
    let mut receipt = Recorder::new();
    match check(exchange, callback.parameters, &mut return_to, &mut receipt).await {
        Ok(login) => {
            let receipt = receipt.finish(None);
            tracing::info!(
                id = receipt.id(),
                checks = receipt.line(),
                "login succeeded"
            );
            Ok(AuthSuccess::new(login, receipt))
        }
        Err(reason) => {
            let logged_in = still_here::look(exchange, &reason, callback).await;
            Err(AuthFailure::with(reason, return_to, receipt, logged_in))
        }
    }
}

/// Checks a login, step by step. `return_to` is filled in as soon as it is known, for a login that fails after that.
async fn check(
    exchange: &Arc<Exchange>,
    parameters: Option<&[u8]>,
    return_to: &mut Option<String>,
    receipt: &mut Recorder,
) -> Result<CompletedLogin, FailureReason> {
    let engine = &exchange.engine;

    // 1. The `state`: a login that this browser began, that is not too old and was not used before.
    let response = AuthorizationResponse::parse(parameters);
    let response = receipt.check("response", "RFC 6749 §3.1", response)?;
    let found = single_use::find(exchange, response.state.as_deref(), receipt).await;
    if found.is_err() {
        response.log_unproven_error(engine.provider());
    }
    let (pending, taken) = single_use::take(exchange, found?, receipt).await?;
    *return_to = Some(pending.return_to.clone());

    // 2. `iss`, and what else the response says: an error, or a code.
    let metadata = engine.provider().metadata().await;
    let metadata = receipt.check("discovery", "OIDC Discovery §4", metadata)?;
    let issuers = engine.provider().issuers(&metadata);
    let response_issuer = response.iss.clone();
    let code = response.into_code(issuers, &metadata, receipt)?;

    // 3. The code is exchanged. The session is as old as this request: a log-out by the provider ends what was issued
    //    before the log-out, and the ID token is issued from here on.
    let asked_ms = engine.now_ms();
    let tokens = exchange_code(exchange, &code, &pending, &metadata, receipt).await?;
    single_use::settle(exchange, &pending, &taken, receipt).await?;

    // 4. The ID token.
    let nonce = pending.nonce();
    let asked = Asked {
        nonce: Some(&nonce),
        max_age: pending.max_age,
        acr_values: pending.acr_values.as_deref(),
    };
    let id_token = proof::id_token(engine, asked, &tokens, &metadata, receipt).await?;
    let (id_token, raw_id_token) = id_token;
    check_tenant(response_issuer, &id_token, receipt)?;
    let marked_by = MarkedBy::new(&id_token.issuer, &id_token.subject, id_token.sid.as_deref());
    note_sid(exchange, &marked_by).await;

    // 5. Userinfo, about the same `sub`.
    let userinfo = proof::userinfo(engine, &metadata, &tokens, &id_token, receipt).await?;

    // 6. The app's hook decides: until then the session is only proposed.
    let proposal = Proposal {
        asked_ms,
        issuer: id_token.issuer,
        subject: id_token.subject,
        issued_at: id_token.issued_at,
        marked_by,
        tokens: Tokens::new(tokens, raw_id_token),
        claims: id_token.claims,
        userinfo,
        asked_for: AskedFor {
            max_age: pending.max_age,
            acr_values: pending.acr_values.clone(),
        },
        remember: pending.began.and_then(Began::remember),
    };
    if pending.began.is_some_and(Began::has_lost_form) {
        lost_form::tell_again(exchange);
    }
    proposal
        .propose(exchange, pending.replaces, pending.return_to, receipt)
        .await
}

/// Exchanges the code for tokens, with the client's secret and the PKCE verifier.
async fn exchange_code(
    exchange: &Arc<Exchange>,
    code: &str,
    login: &PendingLogin,
    metadata: &ProviderMetadata,
    receipt: &mut Recorder,
) -> Result<TokenResponse, FailureReason> {
    let engine = &exchange.engine;
    // As the authorization request was: a replica at which the login began may have `pkce` set differently.
    let configured = engine.config.pkce == Pkce::S256;
    let pkce = login.began.map_or(configured, Began::has_pkce);
    let verifier = pkce.then(|| login.verifier());
    let grant = Grant::Code {
        code,
        verifier: verifier.as_deref(),
        redirect_uri: &engine.config.redirect_uri,
    };
    let tokens = engine.provider().tokens(metadata, grant).await;
    receipt.check("token request", "OIDC Core §3.1.3", tokens)
}

/// Where one metadata document serves many tenants, the response's tenant must be the token's.
fn check_tenant(
    response_issuer: Option<String>,
    id_token: &IdToken,
    receipt: &mut Recorder,
) -> Result<(), FailureReason> {
    if response_issuer.is_none_or(|iss| iss == id_token.issuer) {
        return Ok(());
    }
    let other = FailureReason::ResponseIssuer {
        expected: id_token.issuer.clone(),
    };
    receipt.check("iss again", "RFC 9207 §2.4", Err(other))
}

/// Notes that a session of this `sid` exists, so that a front-channel log-out that names it is believed.
async fn note_sid(exchange: &Arc<Exchange>, marked_by: &MarkedBy) {
    if let Some(sid) = marked_by.sid
        && let Err(error) = exchange.engine.sessions.marks.has_session(sid).await
    {
        tracing::warn!(%error, "front-channel log-outs may not be believed for this login");
    }
}

#[cfg(test)]
pub(crate) mod tests;
