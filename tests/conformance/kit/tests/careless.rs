//! The kit finds the mistakes of an app that believes everything it is told, and accepts what that app does right.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use miracl_conformance::{App, Outcome, Profile, ProviderSettings, Suite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::{Url, form_urlencoded};

/// An app that looks at `state`, and at nothing else.
struct Careless {
    provider: ProviderSettings,
    origin: String,
    http: reqwest::Client,
}

/// Stops the app when dropped.
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start(provider: ProviderSettings) -> App {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    let http = reqwest::Client::builder().tls_backend_preconfigured(tls);
    let app = Arc::new(Careless {
        provider,
        origin: origin.clone(),
        http: http.no_proxy().build().unwrap(),
    });
    let router = Router::new()
        .route("/login/start", get(begin))
        .route("/login", get(callback))
        .route("/me", get(me))
        .route("/deaf", get(nod).post(nod))
        .with_state(app);
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    App::at(&origin).probe("/me").hold(Server(server))
}

async fn begin(State(app): State<Arc<Careless>>) -> Response {
    let mut to = Url::parse(&format!("{}/authorize", app.provider.issuer)).unwrap();
    // A test needs no chance, only a new value each time.
    let state = format!("state-{:p}-{:?}", &to, std::time::Instant::now());
    let state: String = state.chars().filter(char::is_ascii_alphanumeric).collect();
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &app.provider.client_id)
        .append_pair("redirect_uri", &format!("{}/login", app.origin))
        .append_pair("scope", &app.provider.scopes)
        .append_pair("nonce", &format!("nonce-{state}"))
        .append_pair("state", &state);
    let cookie = format!("state={state}; Path=/; HttpOnly; SameSite=Lax");
    let headers = [
        (header::LOCATION, to.to_string()),
        (header::SET_COOKIE, cookie),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

async fn callback(State(app): State<Arc<Careless>>, headers: HeaderMap, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let (Some(state), Some(code)) = (query.get("state"), query.get("code")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !has_cookie(&headers, &format!("state={state}")) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match app.log_in(code).await {
        Some(()) => {
            let headers = [
                (header::LOCATION, "/"),
                (
                    header::SET_COOKIE,
                    "session=somebody; Path=/; HttpOnly; SameSite=Lax",
                ),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn me(headers: HeaderMap) -> StatusCode {
    if has_cookie(&headers, "session=somebody") {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}

/// Says yes to everything the provider tells it, and does nothing.
async fn nod() -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers).into_response()
}

fn has_cookie(headers: &HeaderMap, pair: &str) -> bool {
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok());
    cookies.is_some_and(|cookies| cookies.split("; ").any(|cookie| cookie == pair))
}

impl Careless {
    async fn log_in(&self, code: &str) -> Option<()> {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let (id, secret) = (&self.provider.client_id, &self.provider.client_secret);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("redirect_uri", &format!("{}/login", self.origin))
            .append_pair("code", code)
            .finish();
        let tokens = self
            .http
            .post(format!("{}/oidc/token", self.provider.issuer))
            .basic_auth(encode(id), Some(encode(secret)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let tokens = tokens.send().await.ok()?.text().await.ok()?;
        let tokens: serde_json::Value = serde_json::from_str(&tokens).ok()?;
        let userinfo = self
            .http
            .get(format!("{}/oidc/userinfo", self.provider.issuer))
            .bearer_auth(tokens["access_token"].as_str()?);
        userinfo.send().await.ok()?.error_for_status().ok()?;
        Some(())
    }
}

#[tokio::test]
async fn an_app_that_verifies_nothing_is_found_out() {
    let report = Suite::new(Profile::Basic).run(start).await;
    let named = |wanted: fn(&Outcome) -> bool| -> Vec<&str> {
        let outcomes = report.outcomes().filter(|(_, outcome)| wanted(outcome));
        outcomes
            .map(|(name, _)| name.strip_prefix("oidcc-client-test").unwrap())
            .collect()
    };
    let found_out = [
        "-invalid-iss",
        "-missing-sub",
        "-invalid-aud",
        "-missing-iat",
        "-idtoken-sig-none",
        "-invalid-sig-rs256",
        "-userinfo-invalid-sub",
        "-nonce-invalid",
    ];
    assert_eq!(
        named(|outcome| matches!(outcome, Outcome::Failed(_))),
        found_out,
        "{report}"
    );
    let right = [
        "",
        "-kid-absent-single-jwks",
        "-kid-absent-multiple-jwks",
        "-idtoken-sig-rs256",
        "-client-secret-basic",
    ];
    assert_eq!(
        named(|outcome| *outcome == Outcome::Passed),
        right,
        "{report}"
    );
    // It shows no claims anywhere.
    let left_out = named(|outcome| matches!(outcome, Outcome::Skipped(_)));
    assert_eq!(left_out, ["-scope-userinfo-claims"], "{report}");
    let asked = report.to_string();
    assert!(
        asked.contains("POST /oidc/token (Basic) grant_type=authorization_code"),
        "{report}"
    );
}

#[tokio::test]
async fn an_app_that_logs_nobody_out_is_found_out() {
    let deaf = async |provider: ProviderSettings| {
        let app = start(provider).await;
        app.backchannel_logout("/deaf").frontchannel_logout("/deaf")
    };
    let report = Suite::new(Profile::BackChannel).run(deaf).await;
    let counts = report.counts(Profile::BackChannel);
    assert_eq!((counts.failed, counts.passed), (8, 0), "{report}");
    let report = Suite::new(Profile::FrontChannel).run(deaf).await;
    let counts = report.counts(Profile::FrontChannel);
    // It has no log-out of its own that could begin the other module.
    assert_eq!((counts.failed, counts.skipped), (1, 1), "{report}");
}

#[tokio::test]
async fn an_app_that_no_provider_can_reach_is_left_out() {
    for (plan, modules) in [(Profile::BackChannel, 8), (Profile::FrontChannel, 2)] {
        let report = Suite::new(plan).run(start).await;
        assert_eq!(report.counts(plan).skipped, modules, "{report}");
        let why = report.to_string();
        assert!(why.contains("does not say that it has a"), "{report}");
    }
}
