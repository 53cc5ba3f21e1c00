//! The authorization request (OpenID Connect Core 1.0 §3.1.2.1).

use std::sync::Arc;

use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use crate::{
    base::text::printable,
    config::options::{Pkce, ResponseMode},
    error::provider::ProviderError,
    exchange::Exchange,
    flow::{
        lost_form,
        options::{LoginOptions, RESERVED},
        pending::{Began, PendingLogin, cookies::page_login},
        user,
    },
    session::binding::Binding,
};

/// Where the URL of a login goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// The browser is sent there at once.
    Now,
    /// Onto a page, where it may wait for a click.
    OnPage,
}

/// A URL to send the browser to, and the pending login to be kept in its cookie.
pub(super) struct AuthorizationRequest {
    pub(super) url: String,
    /// `None` where the browser has its cookie already.
    pub(super) login: Option<PendingLogin>,
    /// The issuer and client that the pending login counts for.
    pub(super) binding: Binding,
}

impl AuthorizationRequest {
    /// Makes the request for a new login, which returns to the path `return_to`.
    pub(super) async fn new(
        exchange: &Arc<Exchange>,
        options: &LoginOptions,
        return_to: &str,
        goes: Goes,
    ) -> Result<Self, ProviderError> {
        let engine = &exchange.engine;
        let config = &engine.config;
        let metadata = engine.provider().metadata_for_login().await?;
        let client_id = engine.provider().client.id().await?;
        let malformed = |detail: String| ProviderError::Malformed {
            endpoint: "authorization_endpoint",
            detail,
        };
        let mut url = Url::parse(&metadata.authorization_endpoint)
            .map_err(|error| malformed(error.to_string()))?;
        // Our cookies do not come with a form that the provider's page posts. The pending login tells the callback
        // which session it has to end, and which message it has to repeat.
        let (replaces, loses_form) = match config.response_mode {
            ResponseMode::Query => (None, false),
            ResponseMode::FormPost => {
                let user = user::user(exchange).await.ok().flatten();
                (user.map(|user| user.0.id), lost_form::waits(exchange))
            }
        };
        let now_ms = config.clock.now_ms();
        let mut login = PendingLogin::new(options, return_to.to_owned(), replaces, now_ms);
        let began = Began::new(config, client_id)
            .remembering(options.remember)
            .losing_form(loses_form);
        let binding = engine.binding().await?;
        let mut is_kept = false;
        login.began = Some(match goes {
            Goes::Now => began,
            Goes::OnPage => began.for_page(),
        });
        if goes == Goes::OnPage
            && let Some(mut found) = page_login(exchange, &login, &binding)
        {
            is_kept = found.replaces == login.replaces;
            found.replaces = login.replaces;
            login = found;
            // The page depends on the cookie.
            exchange.touch();
        }
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", client_id)
                .append_pair("redirect_uri", &config.redirect_uri)
                .append_pair("scope", &config.scopes.join(" "))
                .append_pair("state", &login.state())
                .append_pair("nonce", &login.nonce());
            if config.response_mode == ResponseMode::FormPost {
                query.append_pair("response_mode", "form_post");
            }
            if config.pkce == Pkce::S256 {
                let verifier = PkceCodeVerifier::new(login.verifier());
                let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
                query
                    .append_pair("code_challenge", challenge.as_str())
                    .append_pair("code_challenge_method", "S256");
            }
            for (name, value) in options.parameters() {
                query.append_pair(name, &value);
            }
            for (name, value) in &options.extra {
                // To some providers a name in capitals is the same parameter.
                if RESERVED.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
                    tracing::warn!(
                        name = printable(name, 64),
                        "a reserved parameter cannot be set and is left out"
                    );
                } else {
                    query.append_pair(name, value);
                }
            }
        }
        Ok(Self {
            url: url.into(),
            login: (!is_kept).then_some(login),
            binding,
        })
    }
}
