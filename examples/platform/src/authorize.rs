//! The authorization endpoint: where a login begins, and how the app learns its result.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use url::Url;

use crate::callback::{Callback, ResponseMode};
use crate::device_id::{DeviceId, DeviceKey};
use crate::fault::Fault;
use crate::id_token::Occasion;
use crate::interaction::{Request, Wanted};
use crate::pages::{self, redirect};
use crate::params::Params;
use crate::shared::Shared;
use crate::texts::Lang;
use crate::{access, clock, id_token, identity, random};

mod request;

use request::Prompt;
pub(crate) use request::{Denial, Refused, Wishes, addressee, read};

/// Answers `GET /authorize`.
pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let lang = Lang::of(&params, &headers);
    match read(&shared, &params) {
        Ok(wishes) => begin(&shared, &headers, wishes, lang),
        Err(Refused::Here(reason)) => refuse(&reason),
        Err(Refused::ByCallback(refused)) => {
            let (request, denial) = *refused;
            shared
                .denial(&request, denial)
                .answer(&request.client, lang)
        }
    }
}

fn begin(shared: &Shared, headers: &HeaderMap, wishes: Wishes, lang: Lang) -> Response {
    let Wishes {
        request,
        prompt,
        max_age,
        hint,
        act_token,
    } = wishes;
    if prompt == Prompt::None {
        let session = DeviceId::of(headers).and_then(|id| {
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
            Some((device, session)) => shared.success(&request, Some(&device), session),
            None => shared.denial(
                &request,
                Denial {
                    error: "login_required",
                    description: "nobody is signed in here who fits the request",
                },
            ),
        };
        return callback.answer(&request.client, lang);
    }
    let wanted = Wanted {
        prompt: prompt.name(),
        hint,
        act_token,
        lang,
        document: None,
    };
    begin_page(shared, headers, request, wanted)
}

/// Sends the browser to the page of a login, or of a signature.
pub(crate) fn begin_page(
    shared: &Shared,
    headers: &HeaderMap,
    request: Request,
    wanted: Wanted,
) -> Response {
    let id = DeviceId::of(headers).unwrap_or_else(DeviceId::random);
    let request = Arc::new(request);
    let purpose = access::Purpose::of_page(&request, &wanted);
    let access_id = shared.sessions.begin_page(purpose, id.key());
    let interactions = &shared.interactions;
    let interaction = interactions.begin(id.key(), request, access_id, wanted);
    let mut response = redirect(&format!("/login/{interaction}"));
    for cookie in id.set_cookies() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Says why a request is answered here, and not at an app.
pub(crate) fn refuse(reason: &str) -> Response {
    tracing::warn!(reason, "authorization request refused");
    let problem = pages::Problem {
        title: "This login cannot begin",
        text: "The app sent a request that the platform must not answer, not even with a redirect.",
        detail: reason,
    };
    pages::show(&problem, StatusCode::BAD_REQUEST, pages::Frame::Nobody)
}

impl Shared {
    /// Returns the callback of a login that succeeded, with a new code. Without a device, the person is not signed in
    /// at the platform, and a log-out there does not reach the app.
    pub(crate) fn success(
        &self,
        request: &Request,
        device: Option<&DeviceKey>,
        session: identity::Session,
    ) -> Callback {
        let sub = self.sub(&session.email);
        // Before the code is sent: a log-out in the meantime must reach this app, too.
        if let Some(device) = device {
            self.devices
                .note_login(device, &request.client.client_id, &sub, &session.sid);
        }
        let grant = request.grant(sub, session);
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

    /// Returns the callback of a signature, which is the base64 of its JSON.
    pub(crate) fn signed(&self, request: &Request, signature: String) -> Callback {
        self.callback(request, vec![("signature", signature)])
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
