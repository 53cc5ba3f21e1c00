//! Reading an authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).

use crate::callback::ResponseMode;
use crate::client::Client;
use crate::discovery::SCOPES;
use crate::interaction::Request;
use crate::params::Params;
use crate::shared::Shared;

/// The parameters that are kept as they are, in memory or in a page.
const KEPT: [&str; 6] = [
    "state",
    "nonce",
    "login_hint",
    "prerollid",
    "acttoken",
    "acr_values",
];

/// The most bytes of each.
const MAX_KEPT: usize = 1024;

/// An error for the app, sent in the callback (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

/// What a checked request says about the person.
pub(crate) struct Wishes {
    pub(crate) request: Request,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<u64>,
    pub(super) hint: Option<String>,
    pub(super) act_token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Log in with the PIN, which every login needs unless the request says `none`.
    Login,
    None,
    SelectAccount,
    Create,
}

impl Prompt {
    /// Returns the name by which the page reads it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login | Self::None => "login",
            Self::SelectAccount => "select_account",
            Self::Create => "create",
        }
    }
}

/// Why a request leads to no login.
pub(crate) enum Refused {
    /// The browser is sent nowhere; the reason is for the app's developer.
    Here(String),
    /// The app learns it.
    ByCallback(Box<(Request, Denial)>),
}

/// Returns the app of a request, and where it wants the browser back. The error is for the app's developer.
pub(crate) fn addressee(shared: &Shared, params: &Params) -> Result<(Client, String), String> {
    // OIDC Core §3.1.2.2: the browser is sent nowhere until client and address are known to match.
    for name in ["client_id", "redirect_uri"] {
        if params.repeats(name) {
            return Err(format!("{name} came more than once."));
        }
    }
    let Some(client_id) = params.get("client_id") else {
        return Err("client_id is missing.".to_owned());
    };
    let Some(client) = shared.clients.find(client_id) else {
        return Err(format!(
            "No app with client_id {client_id:?} is registered here."
        ));
    };
    let Some(redirect_uri) = params.get("redirect_uri") else {
        return Err("redirect_uri is missing.".to_owned());
    };
    if !client
        .redirect_uris
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return Err(format!(
            "redirect_uri {redirect_uri:?} is not registered for {:?}. It must be one of: {}.",
            client.name,
            client.redirect_uris.join(", "),
        ));
    }
    // What is kept until the login ends, or is sent back.
    for name in KEPT {
        if params.get(name).is_some_and(|text| text.len() > MAX_KEPT) {
            return Err(format!("{name} has more than {MAX_KEPT} bytes."));
        }
    }
    let redirect_uri = redirect_uri.to_owned();
    Ok((client, redirect_uri))
}

/// Reads and checks a request.
pub(crate) fn read(shared: &Shared, params: &Params) -> Result<Wishes, Refused> {
    let (client, redirect_uri) = addressee(shared, params).map_err(Refused::Here)?;
    let mut request = Request {
        client,
        redirect_uri,
        // An unknown mode is reported in the query, below.
        response_mode: params
            .get("response_mode")
            .and_then(ResponseMode::parse)
            .unwrap_or_default(),
        scope: Vec::new(),
        state: params
            .get("state")
            .filter(|_| !params.repeats("state"))
            .map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        code_challenge: params.get("code_challenge").map(str::to_owned),
        // OIDC Core §3.1.2.1: in the order of preference.
        acr: params
            .get("acr_values")
            .and_then(|values| values.split_whitespace().next())
            .map(str::to_owned),
    };
    match check(params, shared.config.require_pkce) {
        Ok((prompt, max_age)) => {
            let asked = params.get("scope").unwrap_or("").split(' ');
            request.scope = asked
                .filter(|scope| SCOPES.contains(scope))
                .map(str::to_owned)
                .collect();
            let hint = ["prerollid", "login_hint"]
                .iter()
                .find_map(|name| params.get(name));
            let hint = hint.map(str::to_owned).or_else(|| {
                let token = shared.keys.open_token(params.get("id_token_hint")?)?;
                Some(token["sub"].as_str()?.to_owned())
            });
            Ok(Wishes {
                request,
                prompt,
                max_age,
                hint,
                act_token: params.get("acttoken").map(str::to_owned),
            })
        }
        Err(denial) => Err(Refused::ByCallback(Box::new((request, denial)))),
    }
}

/// Checks what can be wrong once the address of the callback is known.
fn check(params: &Params, require_pkce: bool) -> Result<(Prompt, Option<u64>), Denial> {
    let invalid = |description| Denial {
        error: "invalid_request",
        description,
    };
    if params.repeated().is_some() {
        return Err(invalid("a parameter came more than once"));
    }
    if params.get("request").is_some() {
        return Err(Denial {
            error: "request_not_supported",
            description: "request objects are not supported",
        });
    }
    if params.get("request_uri").is_some() {
        return Err(Denial {
            error: "request_uri_not_supported",
            description: "request_uri is not supported",
        });
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => {
            return Err(Denial {
                error: "unsupported_response_type",
                description: "only code is supported",
            });
        }
        None => return Err(invalid("response_type is missing")),
    }
    if params
        .get("response_mode")
        .is_some_and(|mode| ResponseMode::parse(mode).is_none())
    {
        return Err(invalid(
            "only the response_modes query and form_post are supported",
        ));
    }
    if !params
        .get("scope")
        .unwrap_or("")
        .split(' ')
        .any(|scope| scope == "openid")
    {
        return Err(Denial {
            error: "invalid_scope",
            description: "scope must contain openid",
        });
    }
    match (
        params.get("code_challenge"),
        params.get("code_challenge_method"),
    ) {
        (None, None) if require_pkce => {
            return Err(invalid("code_challenge is missing, and PKCE is required"));
        }
        (None, None) => {}
        (Some(challenge), Some("S256")) if crate::random::is_token(challenge) => {}
        (Some(_), Some("S256")) => {
            return Err(invalid("code_challenge is not a SHA-256 in base64url"));
        }
        (Some(_), _) => return Err(invalid("only the code_challenge_method S256 is supported")),
        (None, Some(_)) => return Err(invalid("code_challenge is missing")),
    }
    let max_age = params.get("max_age").map(str::parse).transpose();
    let max_age = max_age.map_err(|_| invalid("max_age is not a number of seconds"))?;
    let prompt = match params.get("prompt") {
        None | Some("login" | "consent") => Prompt::Login,
        Some("none") => Prompt::None,
        Some("create") => Prompt::Create,
        Some(values) => {
            let mut values = values.split(' ');
            if !values
                .clone()
                .all(|value| matches!(value, "login" | "consent" | "select_account"))
            {
                return Err(invalid(
                    "prompt has an unknown value, or none together with others",
                ));
            }
            if values.any(|value| value == "select_account") {
                Prompt::SelectAccount
            } else {
                Prompt::Login
            }
        }
    };
    Ok((prompt, max_age))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "response_type=code&scope=openid email&state=s";

    fn error(query: &str) -> Option<&'static str> {
        check(&Params::of_query(Some(query)), false)
            .err()
            .map(|denial| denial.error)
    }

    #[test]
    fn a_plain_request_passes() {
        assert_eq!(error(GOOD), None);
        assert_eq!(
            error(&format!(
                "{GOOD}&lang=en&acttoken=x&prerollid=a@b&max_age=0&response_mode=form_post"
            )),
            None
        );
    }

    #[test]
    fn every_refusal_has_its_error_code() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for (query, expected) in [
            ("scope=openid".to_owned(), "invalid_request"),
            (
                "response_type=token&scope=openid".to_owned(),
                "unsupported_response_type",
            ),
            ("response_type=code&scope=email".to_owned(), "invalid_scope"),
            (format!("{GOOD}&scope=openid"), "invalid_request"),
            (format!("{GOOD}&request=x"), "request_not_supported"),
            (format!("{GOOD}&request_uri=x"), "request_uri_not_supported"),
            (format!("{GOOD}&response_mode=fragment"), "invalid_request"),
            (
                format!("{GOOD}&code_challenge={challenge}"),
                "invalid_request",
            ),
            (
                format!("{GOOD}&code_challenge={challenge}&code_challenge_method=plain"),
                "invalid_request",
            ),
            (
                format!("{GOOD}&code_challenge=short&code_challenge_method=S256"),
                "invalid_request",
            ),
            (
                format!("{GOOD}&code_challenge_method=S256"),
                "invalid_request",
            ),
            (format!("{GOOD}&max_age=soon"), "invalid_request"),
            (format!("{GOOD}&prompt=none login"), "invalid_request"),
            (format!("{GOOD}&prompt=whatever"), "invalid_request"),
        ] {
            assert_eq!(error(&query), Some(expected), "{query}");
        }
    }

    #[test]
    fn without_a_challenge_a_request_passes_unless_pkce_is_required() {
        let params = Params::of_query(Some(GOOD));
        assert!(check(&params, false).is_ok());
        assert_eq!(
            check(&params, true).err().map(|denial| denial.error),
            Some("invalid_request")
        );
    }
}
