//! The endpoints of the provider, and the good answer of each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::{
    answers::{Answers, Endpoint},
    key::SigningKey,
    state::{Shared, random},
    tokens::exchange,
};

/// The parameters of a request.
pub(super) type Parameters = HashMap<String, String>;

type At = State<Arc<Shared>>;

/// The routes of the provider.
pub(super) fn routes(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .route("/jwks", get(jwks))
        .route("/end-session", get(end_session))
        .with_state(Arc::clone(shared))
}

impl Shared {
    /// Returns an endpoint's answer: the good one, or what the scenario has set.
    async fn answer(&self, endpoint: Endpoint, status: StatusCode, mut good: Value) -> Response {
        enum Wait {
            For(Duration),
            Until(watch::Receiver<bool>),
        }
        let wait = {
            let state = self.lock();
            match state.answers.get(&endpoint).unwrap_or(&Answers::Well) {
                Answers::Well => return json_response(status, &good),
                Answers::Changed(change) => {
                    change(&mut good);
                    return json_response(status, &good);
                }
                Answers::With(status, content_type, body) => {
                    let status = StatusCode::from_u16(*status).expect("a status code");
                    return (
                        status,
                        [(header::CONTENT_TYPE, *content_type)],
                        body.clone(),
                    )
                        .into_response();
                }
                Answers::Late(delay) => Wait::For(*delay),
                Answers::Held(held) => Wait::Until(held.clone()),
                Answers::Never => Wait::For(Duration::MAX),
            }
        };
        match wait {
            Wait::For(delay) => tokio::time::sleep(delay).await,
            // A scenario that has ended holds nothing back.
            Wait::Until(mut held) => drop(held.wait_for(|released| *released).await),
        }
        json_response(status, &good)
    }
}

async fn discovery(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Discovery, &HashMap::new(), &headers);
    let issuer = &shared.issuer;
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end-session"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    shared
        .answer(Endpoint::Discovery, StatusCode::OK, document)
        .await
}

/// Approves the login at once.
async fn authorize(
    State(shared): At,
    headers: HeaderMap,
    Query(asked): Query<Parameters>,
) -> Response {
    shared.note(Endpoint::Authorize, &asked, &headers);
    let Some(mut target) = asked
        .get("redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
    else {
        return (StatusCode::BAD_REQUEST, "redirect_uri").into_response();
    };
    let code = random("code");
    target
        .query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", asked.get("state").map_or("", String::as_str))
        .append_pair("iss", &shared.issuer);
    let form_post = asked
        .get("response_mode")
        .is_some_and(|mode| mode == "form_post");
    shared.lock().codes.insert(code, asked);
    if form_post {
        return Html(auto_submitted(&target)).into_response();
    }
    (StatusCode::FOUND, [(header::LOCATION, target.to_string())]).into_response()
}

/// The page that posts the parameters of `target` to it (OAuth 2.0 Form Post Response Mode).
fn auto_submitted(target: &Url) -> String {
    let mut action = target.clone();
    action.set_query(None);
    let inputs: String = target
        .query_pairs()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"))
        .collect();
    format!("<form method=\"post\" action=\"{action}\">{inputs}</form>")
}

async fn token(State(shared): At, headers: HeaderMap, Form(sent): Form<Parameters>) -> Response {
    shared.note(Endpoint::Token, &sent, &headers);
    // Where the scenario has set another answer, no code is used up.
    if matches!(
        shared.lock().answers.get(&Endpoint::Token),
        Some(Answers::With(..))
    ) {
        return shared
            .answer(Endpoint::Token, StatusCode::OK, Value::Null)
            .await;
    }
    let (status, answer) = match exchange(&shared, &headers, &sent) {
        Ok(tokens) => (StatusCode::OK, tokens),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
    };
    shared.answer(Endpoint::Token, status, answer).await
}

async fn userinfo(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Userinfo, &HashMap::new(), &headers);
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let (known, claims) = {
        let state = shared.lock();
        let known =
            bearer.is_some_and(|token| state.access_tokens.iter().any(|each| each == token));
        (known, state.userinfo.clone())
    };
    if known {
        shared
            .answer(Endpoint::Userinfo, StatusCode::OK, claims)
            .await
    } else {
        json_response(
            StatusCode::UNAUTHORIZED,
            &json!({ "error": "invalid_token" }),
        )
    }
}

async fn jwks(State(shared): At, headers: HeaderMap) -> Response {
    shared.note(Endpoint::Jwks, &HashMap::new(), &headers);
    let keys: Vec<_> = shared.lock().keys.iter().map(SigningKey::public).collect();
    shared
        .answer(Endpoint::Jwks, StatusCode::OK, json!({ "keys": keys }))
        .await
}

async fn end_session(
    State(shared): At,
    headers: HeaderMap,
    Query(asked): Query<Parameters>,
) -> Response {
    shared.note(Endpoint::EndSession, &asked, &headers);
    let Some(mut target) = asked
        .get("post_logout_redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
    else {
        return (StatusCode::OK, "signed out").into_response();
    };
    if let Some(state) = asked.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    (StatusCode::FOUND, [(header::LOCATION, target.to_string())]).into_response()
}

fn json_response(status: StatusCode, json: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        Body::from(json.to_string()),
    )
        .into_response()
}
