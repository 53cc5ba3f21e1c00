//! A login that a third party initiates, such as the provider's own portal (OpenID Connect Core 1.0 §4).

use url::{Url, form_urlencoded};

use crate::{
    error::login::FailureReason,
    flow::{hook::AuthFailure, options::LoginOptions},
    provider::issuers::Issuers,
    receipt::Recorder,
    visit::Visit,
    web::{reply::Reply, request::RequestView, return_to::ReturnTo},
};

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

impl Visit {
    /// Answers the route for logins that a third party initiates: 303 to the provider, as the login route does.
    ///
    /// It may come from any site, so it does no more than begin a login, and only at our own provider and towards a page of ours.
    /// `parameters` is `None` for a body that was too long.
    pub(crate) async fn initiate_login(
        &self,
        request: &impl RequestView,
        parameters: Option<&[u8]>,
    ) -> Result<Reply, AuthFailure> {
        self.touch();
        if let Some(nothing) = self.idle_reply() {
            return Ok(nothing);
        }
        let mut receipt = Recorder::new();
        let options = self.initiation(parameters, &mut receipt);
        let options = options.map_err(|reason| AuthFailure::new(reason, None, receipt))?;
        self.start_login_with(request, options).await
    }

    fn initiation(
        &self,
        parameters: Option<&[u8]>,
        receipt: &mut Recorder,
    ) -> Result<LoginOptions, FailureReason> {
        let initiation = Initiation::parse(parameters);
        let initiation = receipt.check("request", SECTION, initiation)?;
        let issuer = self.check_initiating_issuer(initiation.iss.as_deref());
        receipt.check("iss", SECTION, issuer)?;
        let target = self.target(initiation.target_link_uri.as_deref());
        let return_to = receipt.check("target_link_uri", SECTION, target)?;
        Ok(LoginOptions {
            return_to,
            login_hint: initiation.login_hint.filter(|hint| !hint.is_empty()),
            ..LoginOptions::default()
        })
    }

    /// The issuer must be ours, exactly: as it is configured, or as the provider's metadata spells it.
    fn check_initiating_issuer(&self, iss: Option<&str>) -> Result<(), FailureReason> {
        let engine = self.miracl().engine();
        let configured = &engine.config.issuer;
        let known = engine.discovery.known();
        let ours = |iss: &str| {
            let issuers = known.as_deref();
            let issuers = issuers.map(|metadata| Issuers::new(&engine.config, metadata));
            iss == configured || issuers.is_some_and(|issuers| issuers.contains(iss))
        };
        if iss.is_some_and(ours) {
            return Ok(());
        }
        Err(FailureReason::InitiationIssuer {
            expected: configured.clone(),
        })
    }

    /// Where to go after the login. A page of ours that nobody can be returned to, such as the login itself, is home.
    fn target(&self, target: Option<&str>) -> Result<Option<String>, FailureReason> {
        let engine = self.miracl().engine();
        let Some(target) = target.filter(|target| !target.is_empty()) else {
            return Ok(None);
        };
        if target.len() > MAX_TARGET {
            let name = "target_link_uri";
            return Err(FailureReason::ParameterTooLong { name });
        }
        if let Some(path) = ReturnTo::from_url(target, &engine.origin, &engine.own_paths())
            .or_else(|| engine.return_to(target))
        {
            return Ok(Some(path.into_string()));
        }
        match Url::parse(target) {
            Ok(url) if url.origin() == engine.origin.origin() => Ok(None),
            _ => Err(FailureReason::InitiationTarget),
        }
    }
}

#[cfg(test)]
mod tests;
