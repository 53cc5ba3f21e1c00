//! A login that a third party initiates, such as the provider's own portal (OpenID Connect Core 1.0 §4).

use std::sync::Arc;

use crate::{
    error::login::FailureReason,
    exchange::Exchange,
    flow::{
        hook::AuthFailure,
        login::{self, Started, Wanted},
        options::LoginOptions,
        parameters::read_once,
    },
    receipt::Recorder,
    web::request::RequestView,
};

const SECTION: &str = "OIDC Core §4";

/// The most bytes of a `target_link_uri`. A shorter one that is still too long to return to leads to the home path.
const MAX_TARGET: usize = 2048;

/// Answers the route for logins that a third party initiates, as the login route does.
///
/// The request may come from any site, so it can only begin a login, at the configured provider, that leads to a page
/// of this site. `parameters` is `None` for a body that could not be read.
pub(crate) async fn initiate_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    parameters: Option<&[u8]>,
) -> Result<Started, AuthFailure> {
    exchange.touch();
    if let Some(nothing) = exchange.changes_nothing_reply() {
        return Ok(Started::Reply(nothing));
    }
    let mut receipt = Recorder::new();
    let options = initiation(exchange, parameters, &mut receipt);
    let options = options.map_err(|reason| AuthFailure::new(reason, None, receipt))?;
    let wanted = Wanted {
        options,
        is_again: false,
    };
    login::start_login_with(exchange, request, wanted).await
}

/// Checks what the third party asks for.
fn initiation(
    exchange: &Arc<Exchange>,
    parameters: Option<&[u8]>,
    receipt: &mut Recorder,
) -> Result<LoginOptions, FailureReason> {
    let names = ["iss", "target_link_uri", "login_hint"];
    let parameters = parameters.ok_or(FailureReason::ResponseTooLarge);
    let parameters = parameters.and_then(|parameters| read_once(parameters, names));
    let [iss, target_link_uri, login_hint] = receipt.check("request", SECTION, parameters)?;
    let issuer = check_issuer(exchange, iss.as_deref());
    receipt.check("iss", SECTION, issuer)?;
    let target = target(exchange, target_link_uri.as_deref());
    let return_to = receipt.check("target_link_uri", SECTION, target)?;
    Ok(LoginOptions {
        return_to,
        login_hint: login_hint.filter(|hint| !hint.is_empty()),
        ..LoginOptions::default()
    })
}

/// Checks that the issuer is exactly the provider's: as it is configured, or as the provider's metadata spells it.
fn check_issuer(exchange: &Arc<Exchange>, iss: Option<&str>) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    if iss.is_some_and(|iss| engine.provider().has_issuer(iss)) {
        return Ok(());
    }
    Err(FailureReason::InitiationIssuer {
        expected: engine.config.issuer.clone(),
    })
}

/// Returns where to go after the login: `None`, which means the home path, also for a page of this site that nobody can
/// be sent back to, such as the login itself.
fn target(exchange: &Arc<Exchange>, target: Option<&str>) -> Result<Option<String>, FailureReason> {
    let engine = &exchange.engine;
    let Some(target) = target.filter(|target| !target.is_empty()) else {
        return Ok(None);
    };
    if target.len() > MAX_TARGET {
        let name = "target_link_uri";
        return Err(FailureReason::ParameterTooLong { name });
    }
    let site = &engine.site;
    let path = site.return_to_url(target);
    match path.or_else(|| site.return_to(target)) {
        Some(path) => Ok(Some(path.into_string())),
        None if site.is_here(target) => Ok(None),
        None => Err(FailureReason::InitiationTarget),
    }
}

#[cfg(test)]
mod tests;
