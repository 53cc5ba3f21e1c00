//! The authorization response: the parameters with which the provider sends the browser back (RFC 6749 §4.1.2).

use url::form_urlencoded;

use crate::{
    base::text::printable,
    error::{description::Description, login::FailureReason},
    flow::parameters::read_once,
    provider::{Provider, issuers::Issuers, metadata::ProviderMetadata},
    receipt::{Recorder, check::Pass},
    web::route::Route,
};

/// What a callback came with.
#[derive(Clone, Copy)]
pub(crate) struct Callback<'a> {
    /// Its query string, or with [`ResponseMode::FormPost`](crate::ResponseMode::FormPost) the body of its `POST`.
    /// `None` stands for a body that could not be read.
    pub(crate) parameters: Option<&'a [u8]>,
    /// Whether it is known to be a `POST`.
    pub(crate) posted: bool,
}

/// The parameters of a callback.
pub(super) struct AuthorizationResponse {
    pub(super) state: Option<String>,
    pub(super) iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    has_token: bool,
}

impl AuthorizationResponse {
    /// Reads the parameters; `None` stands for a body that could not be read.
    pub(super) fn parse(parameters: Option<&[u8]>) -> Result<Self, FailureReason> {
        let parameters = parameters
            .filter(|parameters| parameters.len() <= Route::MAX_BODY)
            .ok_or(FailureReason::ResponseTooLarge)?;
        let names = ["state", "code", "iss", "error", "error_description"];
        let [state, code, iss, error, error_description] = read_once(parameters, names)?;
        let has_token = form_urlencoded::parse(parameters)
            .any(|(name, _)| matches!(&*name, "id_token" | "access_token"));
        Ok(Self {
            state,
            code,
            iss,
            error,
            error_description,
            has_token,
        })
    }

    /// Whether it is what a provider sends back after a login that went well, as far as that can be told without the
    /// login: nothing in it needs to be told to the person.
    pub(super) fn is_plain(&self, provider: &Provider) -> bool {
        let own = self
            .iss
            .as_deref()
            .is_none_or(|iss| provider.has_issuer(iss));
        own && self.error.is_none() && !self.has_token
    }

    /// Checks the response and returns its code: no token in it, then `iss` (RFC 9207 §2.4), `error` and `code`.
    pub(super) fn into_code(
        self,
        issuers: Issuers<'_>,
        metadata: &ProviderMetadata,
        receipt: &mut Recorder,
    ) -> Result<String, FailureReason> {
        let no_token = if self.has_token {
            Err(FailureReason::TokenInResponse)
        } else {
            Ok(())
        };
        receipt.check("no token in response", "OIDC Core §3.1.2.5", no_token)?;
        let issuer = match self.iss {
            Some(iss) if issuers.contains(&iss) => Ok(Pass::Checked),
            Some(_) => Err(FailureReason::ResponseIssuer {
                expected: issuers.written().to_owned(),
            }),
            None if metadata.authorization_response_iss_parameter_supported => {
                Err(FailureReason::ResponseIssuerMissing)
            }
            None => Ok(Pass::NotApplicable),
        };
        receipt.check_if("iss", "RFC 9207 §2.4", issuer)?;
        let granted = match self.error {
            Some(error) => Err(FailureReason::Denied {
                error: printable(&error, 64),
                description: Description(self.error_description.map(|text| printable(&text, 200))),
            }),
            None => Ok(()),
        };
        receipt.check("error", "OIDC Core §3.1.2.6", granted)?;
        let code = self.code.filter(|code| !code.is_empty());
        let code = code.ok_or(FailureReason::CodeMissing);
        receipt.check("code", "RFC 6749 §4.1.2", code)
    }

    /// Logs the error of a response that belongs to no login in this browser. Some providers leave `state` out of their
    /// errors, and then it is the only trace of the cause. Anybody can make up such a response, so it decides nothing.
    pub(super) fn log_unproven_error(&self, provider: &Provider) {
        // RFC 9207 §2.4: what another provider says is not even read.
        let from_another = self
            .iss
            .as_deref()
            .is_some_and(|iss| !provider.has_issuer(iss));
        let Some(error) = self.error.as_deref().filter(|_| !from_another) else {
            return;
        };
        tracing::warn!(
            error = printable(error, 64),
            "a callback of no login under way carries this error; that it is the provider's is not proven"
        );
    }
}

#[cfg(test)]
mod tests;
