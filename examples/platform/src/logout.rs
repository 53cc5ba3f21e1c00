//! Log-out at the platform (OpenID Connect RP-Initiated Logout 1.0), and the apps that it reaches.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use url::Url;

use crate::backchannel::{self, SentLogoutToken};
use crate::device_id::{DeviceId, DeviceKey};
use crate::frontchannel;
use crate::pages::{self, Frame, redirect, show_framing};
use crate::params::Params;
use crate::shared::Shared;

/// What a log-out did, and what is left for the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOut {
    /// The logout tokens that were sent, in the order in which the apps were logged in to.
    pub back_channel: Vec<SentLogoutToken>,
    /// The addresses that a browser loads in frames: those of apps that the back channel did not reach.
    pub front_channel: Vec<String>,
    /// The ids of apps that were logged in to and could not be told: they have no back channel or did not accept
    /// its token, and have no front channel.
    pub untold: Vec<String>,
}

/// Where the browser goes on to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) app: String,
    pub(crate) url: String,
}

/// Answers `GET` and `POST /oidc/logout`.
pub(crate) async fn logout(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let params = match method {
        Method::POST => Params::of_form(&body),
        _ => Params::of_query(uri.query()),
    };
    let done = match DeviceId::of(&headers) {
        Some(id) => end_session(&shared, &id.key()).await,
        None => LogOut::default(),
    };
    let (back, problem) = match return_url(&shared, &params) {
        Ok(back) => (back, ""),
        Err(problem) => (None, problem),
    };
    match &back {
        Some(back) if done.front_channel.is_empty() => redirect(&back.url),
        _ => page(
            &shared,
            &done,
            asking(&shared, &params).as_deref(),
            back.as_ref(),
            problem,
        ),
    }
}

/// Signs a browser out, and tells every app that it logged in to.
pub(crate) async fn end_session(shared: &Shared, device: &DeviceKey) -> LogOut {
    let logins = shared.devices.sign_out(device);
    let mut done = LogOut::default();
    let sent = backchannel::tell(shared, &logins).await;
    for (login, sent) in logins.iter().zip(sent) {
        let was_taken = sent.iter().any(SentLogoutToken::was_taken);
        done.back_channel.extend(sent);
        let client = shared.clients.find(&login.client_id);
        let Some(client) = client.filter(|_| !was_taken) else {
            continue;
        };
        match frontchannel::frame(&client, shared.issuer(), &login.sid) {
            Some(url) => done.front_channel.push(url.into()),
            None if done.untold.contains(&client.client_id) => {}
            None => done.untold.push(client.client_id),
        }
    }
    done
}

/// Returns the id of the app that asks for the log-out, if it says so.
fn asking(shared: &Shared, params: &Params) -> Option<String> {
    let hint = params.get("id_token_hint");
    let claims = hint.and_then(|token| shared.keys.open_token(token));
    let hinted = claims.and_then(|claims| claims["aud"].as_str().map(str::to_owned));
    hinted.or_else(|| params.get("client_id").map(str::to_owned))
}

/// Shows what was done. The app that asks has logged the person out itself, so it is not listed.
fn page(
    shared: &Shared,
    done: &LogOut,
    asking: Option<&str>,
    back: Option<&Back>,
    problem: &str,
) -> Response {
    let name = |id: &str| {
        let client = shared.clients.find(id)?;
        (asking != Some(id)).then_some(client.name)
    };
    let taken = done.back_channel.iter().filter(|sent| sent.was_taken());
    let mut told: Vec<String> = taken.filter_map(|sent| name(&sent.client_id)).collect();
    told.dedup();
    let untold: Vec<String> = done.untold.iter().filter_map(|id| name(id)).collect();
    let urls = done.front_channel.iter();
    let mut origins: Vec<String> = urls
        .filter_map(|url| Url::parse(url).ok())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.sort();
    origins.dedup();
    let page = pages::SignedOut {
        back,
        problem,
        told: &told,
        untold: &untold,
        frames: &done.front_channel,
    };
    let status = match problem {
        "" => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    show_framing(&page, status, Frame::Nobody, &origins)
}

/// Works out where to go back to. A reason not to go there keeps nobody signed in.
fn return_url(shared: &Shared, params: &Params) -> Result<Option<Back>, &'static str> {
    if params.repeated().is_some() {
        return Err("A parameter came more than once.");
    }
    let hinted = match params.get("id_token_hint") {
        None => None,
        Some(token) => {
            let claims = shared
                .keys
                .open_token(token)
                .ok_or("id_token_hint is not a token of this platform.")?;
            claims["aud"].as_str().map(str::to_owned)
        }
    };
    let client_id = match (hinted, params.get("client_id")) {
        (Some(hinted), Some(named)) if hinted != named => {
            return Err("id_token_hint belongs to another client_id.");
        }
        (hinted, named) => hinted.or(named.map(str::to_owned)),
    };
    let Some(uri) = params.get("post_logout_redirect_uri") else {
        return Ok(None);
    };
    let client_id = client_id
        .ok_or("post_logout_redirect_uri needs an id_token_hint or a client_id beside it.")?;
    let client = shared
        .clients
        .find(&client_id)
        .ok_or("No such app is registered here.")?;
    if !client
        .post_logout_redirect_uris
        .iter()
        .any(|registered| registered == uri)
    {
        return Err("post_logout_redirect_uri is not registered for this app.");
    }
    let mut url = Url::parse(uri).map_err(|_| "post_logout_redirect_uri is not an address.")?;
    if let Some(state) = params.get("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(Some(Back {
        app: client.name,
        url: url.into(),
    }))
}
