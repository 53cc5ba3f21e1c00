//! A login that a third party initiates, such as the provider's own portal (OpenID Connect Core 1.0 §4).

use url::form_urlencoded;

use crate::exchange::Exchange;
use crate::flow::login;
use crate::{
    error::login::FailureReason,
    flow::{hook::AuthFailure, options::LoginOptions},
    receipt::Recorder,
    web::{reply::Reply, request::RequestView},
};
use std::sync::Arc;

const SECTION: &str = "OIDC Core §4";
/// The longest address of a page that is looked at. What is longer than a path to return to leads home, up to here.
const MAX_TARGET: usize = 2048;

/// What the third party asks for. Each parameter may be there once.
#[derive(Default)]
struct Initiation {
    iss: Option<String>,
    target_link_uri: Option<String>,
    login_hint: Option<String>,
}

impl Initiation {
    fn parse(parameters: Option<&[u8]>) -> Result<Self, FailureReason> {
        let parameters = parameters.ok_or(FailureReason::ResponseTooLarge)?;
        let mut initiation = Self::default();
        for (name, value) in form_urlencoded::parse(parameters) {
            let (name, slot) = match name.as_ref() {
                "iss" => ("iss", &mut initiation.iss),
                "target_link_uri" => ("target_link_uri", &mut initiation.target_link_uri),
                "login_hint" => ("login_hint", &mut initiation.login_hint),
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(FailureReason::DuplicateParameter { name });
            }
        }
        Ok(initiation)
    }
}

/// Answers the route for logins that a third party initiates: 303 to the provider, as the login route does.
///
/// It may come from any site, so it does no more than begin a login, and only at our own provider and towards a page of ours.
/// `parameters` is `None` for a body that was too long.
pub(crate) async fn initiate_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    parameters: Option<&[u8]>,
) -> Result<Reply, AuthFailure> {
    exchange.touch();
    if let Some(nothing) = exchange.idle_reply() {
        return Ok(nothing);
    }
    let mut receipt = Recorder::new();
    let options = initiation(exchange, parameters, &mut receipt);
    let options = options.map_err(|reason| AuthFailure::new(reason, None, receipt))?;
    login::start_login_with(exchange, request, options).await
}

fn initiation(
    exchange: &Arc<Exchange>,
    parameters: Option<&[u8]>,
    receipt: &mut Recorder,
) -> Result<LoginOptions, FailureReason> {
    let initiation = Initiation::parse(parameters);
    let initiation = receipt.check("request", SECTION, initiation)?;
    let issuer = check_initiating_issuer(exchange, initiation.iss.as_deref());
    receipt.check("iss", SECTION, issuer)?;
    let target = target(exchange, initiation.target_link_uri.as_deref());
    let return_to = receipt.check("target_link_uri", SECTION, target)?;
    Ok(LoginOptions {
        return_to,
        login_hint: initiation.login_hint.filter(|hint| !hint.is_empty()),
        ..LoginOptions::default()
    })
}

/// The issuer must be ours, exactly: as it is configured, or as the provider's metadata spells it.
fn check_initiating_issuer(
    exchange: &Arc<Exchange>,
    iss: Option<&str>,
) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    let configured = &engine.config.issuer;
    if iss.is_some_and(|iss| engine.provider().has_issuer(iss)) {
        return Ok(());
    }
    Err(FailureReason::InitiationIssuer {
        expected: configured.clone(),
    })
}

/// Where to go after the login. A page of ours that nobody can be returned to, such as the login itself, is home.
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
