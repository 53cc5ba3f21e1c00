//! A registration that the app starts for the person at the browser, and that ends with them logged in.

use std::sync::Arc;

use crate::{
    error::trust::TrustError,
    exchange::Exchange,
    flow::{
        login,
        options::LoginOptions,
        pending::{Began, PendingLogin, cookies::keep_login},
    },
    trust::{
        activation,
        api::Caller,
        user_id::check_user_id,
        verification::{self, PendingAt, VerificationOptions},
    },
    web::return_to::ReturnTo,
};

/// Returns the address at which the person registers. With it begins a login of this browser, whose `state` and `nonce`
/// the platform takes over, so that the person is logged in when they have registered.
pub(crate) async fn verification_url(
    exchange: &Arc<Exchange>,
    user_id: &str,
    options: &VerificationOptions,
) -> Result<String, TrustError> {
    verification::check(user_id, options)?;
    let engine = &exchange.engine;
    if exchange.changes_nothing() {
        return Ok(login::login_start_url(engine, &LoginOptions::default()));
    }
    let api = engine.api(Caller::App);
    if exchange.other_host().is_some() {
        tracing::warn!(
            there = engine.site.host(),
            "a registration begins on another host name than the redirect URI's, where the cookie of its login would \
             be lost: it does not end logged in"
        );
        return verification::verification_url(&api, user_id, options, None).await;
    }
    let config = &engine.config;
    let path = options.return_to.as_deref();
    let return_to = path.and_then(|path| engine.site.return_to(path));
    let home = || engine.site.home_path.clone();
    let return_to = return_to.map_or_else(home, ReturnTo::into_string);
    let client_id = engine.provider().client.id().await?;
    let mut login = PendingLogin::new(&LoginOptions::default(), return_to, None, engine.now_ms());
    login.began = Some(Began::new(config, client_id).without_pkce());
    let binding = engine.binding().await?;
    let pending = PendingAt {
        redirect_uri: &config.redirect_uri,
        scopes: &config.scopes,
        state: login.state(),
        nonce: login.nonce(),
    };
    let url = verification::verification_url(&api, user_id, options, Some(pending)).await?;
    keep_login(exchange, login, &binding).map_err(TrustError::Login)?;
    Ok(url)
}

/// Returns the address of a login at which the person registers first: as before custom verification, the app hands the
/// activation token over itself.
pub(crate) async fn activation_url(
    exchange: &Arc<Exchange>,
    user_id: &str,
    device_name: Option<&str>,
) -> Result<String, TrustError> {
    check_user_id(user_id)?;
    let engine = &exchange.engine;
    if exchange.changes_nothing() {
        return Ok(login::login_start_url(engine, &LoginOptions::default()));
    }
    let activation = activation::activate(&engine.api(Caller::App), user_id, device_name).await?;
    let options = LoginOptions {
        prerollid: Some(user_id.to_owned()),
        acttoken: Some(activation.token.expose().to_owned()),
        ..LoginOptions::default()
    };
    let url = login::login_url_with(exchange, options).await;
    url.map_err(|failure| TrustError::Login(failure.into()))
}
