//! The authorization endpoint: where a login begins, and how the app learns its result.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use url::Url;

use crate::callback::{Callback, ResponseMode};
use crate::device_id::{DeviceId, DeviceKey};
use crate::discovery::SCOPES;
use crate::fault::Fault;
use crate::id_token::Occasion;
use crate::identity::{Identity, parse_email};
use crate::interaction::{Request, Stage};
use crate::pages::{self, redirect};
use crate::params::Params;
use crate::shared::Shared;
use crate::{clock, id_token, identity, random};

/// An error for the app, sent in the callback (RFC 6749 §4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) error: &'static str,
    pub(crate) description: &'static str,
}

/// What a checked request says about the person.
struct Wishes {
    request: Request,
    prompt: Prompt,
    max_age: Option<u64>,
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prompt {
    /// Log in with the PIN, which every login needs unless the request says `none`.
    Login,
    None,
    SelectAccount,
    Create,
}

/// Answers `GET /authorize`.
pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    // OIDC Core §3.1.2.2: the browser is sent nowhere until client and address are known to match.
    for name in ["client_id", "redirect_uri"] {
        if params.repeats(name) {
            return refuse(&format!("{name} came more than once."));
        }
    }
    let Some(client_id) = params.get("client_id") else {
        return refuse("client_id is missing.");
    };
    let Some(client) = shared.clients.find(client_id) else {
        return refuse(&format!(
            "No app with client_id {client_id:?} is registered here."
        ));
    };
    let Some(redirect_uri) = params.get("redirect_uri") else {
        return refuse("redirect_uri is missing.");
    };
    if !client
        .redirect_uris
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return refuse(&format!(
            "redirect_uri {redirect_uri:?} is not registered for {:?}. It must be one of: {}.",
            client.name,
            client.redirect_uris.join(", "),
        ));
    }
    let mut request = Request {
        client: client.clone(),
        redirect_uri: redirect_uri.to_owned(),
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
    match check(&params, shared.config.require_pkce) {
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
            begin(
                &shared,
                &headers,
                Wishes {
                    request,
                    prompt,
                    max_age,
                    hint,
                },
            )
        }
        Err(denial) => shared.denial(&request, denial).answer(&client),
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

fn begin(shared: &Shared, headers: &HeaderMap, wishes: Wishes) -> Response {
    let Wishes {
        request,
        prompt,
        max_age,
        hint,
    } = wishes;
    let known = DeviceId::of(headers);
    if prompt == Prompt::None {
        let session = known.and_then(|id| {
            let device = id.key();
            let session = shared.devices.session(&device)?;
            Some((device, session))
        });
        let session =
            session.filter(|(_, session)| hint.as_ref().is_none_or(|hint| *hint == session.email));
        let session = session.filter(|(_, session)| {
            let age = clock::now().saturating_sub(session.auth_time);
            // OIDC Core §3.1.2.1: zero asks for a new login, however recent the last one is.
            max_age.is_none_or(|max_age| max_age > 0 && age <= max_age)
        });
        let callback = match session {
            Some((device, session)) => shared.success(&request, &device, session),
            None => shared.denial(
                &request,
                Denial {
                    error: "login_required",
                    description: "nobody is signed in here who fits the request",
                },
            ),
        };
        return callback.answer(&request.client);
    }
    let id = known.unwrap_or_else(DeviceId::random);
    let identities = shared.devices.identities(&id.key());
    let stage = first_stage(prompt, hint, &identities);
    let interaction = shared.interactions.begin(id.key(), request, stage);
    let mut response = redirect(&format!("/login/{interaction}"));
    for cookie in id.set_cookies() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Chooses the first page: the shortest way that leaves no doubt who logs in.
fn first_stage(prompt: Prompt, hint: Option<String>, identities: &[Identity]) -> Stage {
    if let Some(hint) = hint.filter(|_| prompt != Prompt::SelectAccount) {
        let email = parse_email(&hint).unwrap_or_else(|| hint.clone());
        return match identities.iter().any(|identity| identity.email == email) {
            true => Stage::EnterPin { email },
            false => Stage::Register { email: hint },
        };
    }
    match identities {
        [] => Stage::Register {
            email: String::new(),
        },
        _ if prompt == Prompt::Create => Stage::Register {
            email: String::new(),
        },
        [only] if prompt == Prompt::Login => Stage::EnterPin {
            email: only.email.clone(),
        },
        _ => Stage::Choose,
    }
}

fn refuse(reason: &str) -> Response {
    tracing::warn!(reason, "authorization request refused");
    let problem = pages::Problem {
        title: "This login cannot begin",
        text: "The app sent a request that the platform must not answer, not even with a redirect.",
        detail: reason,
    };
    pages::show(&problem, StatusCode::BAD_REQUEST, pages::Frame::Nobody)
}

impl Shared {
    /// Returns the callback of a login that succeeded, with a new code.
    pub(crate) fn success(
        &self,
        request: &Request,
        device: &DeviceKey,
        session: identity::Session,
    ) -> Callback {
        // Before the code is sent: a log-out in the meantime must reach this app, too.
        self.devices
            .note_login(device, &request.client.client_id, &session);
        let grant = request.grant(session);
        let mut params = Vec::new();
        let faults = self.faults();
        if faults.has(Fault::CallbackWithTokens) {
            let access_token = random::token();
            let id_token = id_token::issue(
                self,
                &faults,
                &request.client,
                &grant,
                &access_token,
                Occasion::Login,
            );
            params.extend([("id_token", id_token), ("access_token", access_token)]);
        }
        let code = self.grants.issue_code(grant, self.config.code_lifetime);
        params.insert(0, ("code", code));
        self.callback(request, params)
    }

    /// Returns the callback of a login that failed.
    pub(crate) fn denial(&self, request: &Request, denial: Denial) -> Callback {
        let error = ("error", denial.error.to_owned());
        self.callback(
            request,
            vec![error, ("error_description", denial.description.to_owned())],
        )
    }

    /// Adds what every callback carries, and lets the platform's faults change it.
    fn callback(&self, request: &Request, mut params: Vec<(&'static str, String)>) -> Callback {
        if let Some(state) = &request.state {
            params.push(("state", state.clone()));
        }
        if self.config.authorization_response_iss_parameter {
            // RFC 9207 §2: errors carry it, too.
            params.push(("iss", self.issuer().to_owned()));
        }
        self.faults().on_callback(&mut params);
        let url = request.redirect_uri.clone();
        match (request.response_mode, Url::parse(&url)) {
            (ResponseMode::FormPost, _) => {
                let owned = |(name, value): (&str, String)| (name.to_owned(), value);
                let form = Some(params.into_iter().map(owned).collect());
                Callback { url, form }
            }
            (ResponseMode::Query, Ok(mut url)) => {
                // RFC 6749 §3.1.2: a query that the address already has is kept.
                url.query_pairs_mut().extend_pairs(params);
                Callback {
                    url: url.into(),
                    form: None,
                }
            }
            (ResponseMode::Query, Err(_)) => Callback { url, form: None },
        }
    }
}

/// Returns the `Location` of `url`, which is a path of the platform or a parsed address.
pub(crate) fn location(url: &str) -> HeaderValue {
    HeaderValue::try_from(url).unwrap_or_else(|_| HeaderValue::from_static("/"))
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

    #[test]
    fn the_first_page_leaves_no_doubt_who_logs_in() {
        use crate::pin::{HashedPin, PinProof};
        let identity = |email: &str| Identity::new(email, HashedPin.enrol(email, "1234"));
        let stage = |prompt, hint: Option<&str>, emails: &[&str]| {
            let identities: Vec<_> = emails.iter().map(|email| identity(email)).collect();
            first_stage(prompt, hint.map(str::to_owned), &identities).name()
        };
        assert_eq!(stage(Prompt::Login, None, &[]), "register");
        assert_eq!(stage(Prompt::Login, None, &["a@b"]), "enter-pin");
        assert_eq!(stage(Prompt::Login, None, &["a@b", "c@d"]), "choose");
        assert_eq!(
            stage(Prompt::Login, Some("C@d"), &["a@b", "c@d"]),
            "enter-pin"
        );
        assert_eq!(stage(Prompt::Login, Some("x@y"), &["a@b"]), "register");
        assert_eq!(
            stage(Prompt::SelectAccount, Some("a@b"), &["a@b"]),
            "choose"
        );
        assert_eq!(stage(Prompt::Create, None, &["a@b"]), "register");
    }
}
