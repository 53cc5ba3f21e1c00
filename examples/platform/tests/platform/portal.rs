//! The portal over HTTP: what it sets counts at once, everywhere.

use miracl_platform::{EmailVerification, Platform, PlatformConfig};
use serde_json::{Value, json};

use crate::app::{CALLBACK, EMAIL, PIN, authorize_url, claims, exchange, log_in, start, userinfo};
use crate::http::{self, Answer};
use crate::mpin::{USER, code, registered};

const ORIGIN: &str = "http://127.0.0.1:7000";

pub(crate) async fn see(platform: &Platform, path: &str) -> Answer {
    http::get(&format!("{}{path}", platform.issuer()), &[]).await
}

pub(crate) async fn send(platform: &Platform, path: &str, form: &[(&str, &str)]) -> Answer {
    http::post(&format!("{}{path}", platform.issuer()), &[], form).await
}

/// Sends a form that the portal takes, and returns the path that it leads to.
async fn sent(platform: &Platform, path: &str, form: &[(&str, &str)]) -> String {
    let answer = send(platform, path, form).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    answer.header("location").unwrap().to_owned()
}

/// Returns the text of the element with an id.
fn text_of<'a>(page: &'a str, id: &str) -> &'a str {
    let start = format!("id=\"{id}\"");
    let rest = page.split(start.as_str()).nth(1).expect(id);
    let rest = rest.split_once('>').unwrap().1;
    rest.split('<').next().unwrap()
}

/// An app that the portal made, and its path there.
struct Made {
    path: String,
    settings: Value,
}

impl Made {
    fn get(&self, name: &str) -> &str {
        self.settings[name].as_str().unwrap()
    }
}

async fn downloaded(platform: &Platform, path: String) -> Made {
    let file = see(platform, &format!("{path}/miracl.json")).await;
    let disposition = file.header("content-disposition").unwrap();
    assert!(disposition.contains("miracl.json"), "{disposition}");
    assert_eq!(file.header("cache-control"), Some("no-store"));
    let settings = file.json();
    Made { path, settings }
}

async fn make(platform: &Platform) -> Made {
    let form = [
        ("name", "Shop <b>"),
        ("base_url", "http://127.0.0.1:5000/"),
        ("browser_login", "on"),
        ("qr_login", "on"),
    ];
    let path = sent(platform, "/portal", &form).await;
    downloaded(platform, path).await
}

async fn callback(platform: &Platform, app: &Made) -> String {
    let url = authorize_url(platform, &[("client_id", app.get("client_id"))]);
    platform.log_in(&url, EMAIL, PIN).await.unwrap()
}

async fn token(platform: &Platform, app: &Made, callback: &str) -> Answer {
    let (id, secret) = (app.get("client_id"), app.get("secret"));
    let changes = [("client_id", id), ("client_secret", secret)];
    exchange(platform, callback, &changes).await
}

#[tokio::test]
async fn an_app_is_made_from_its_base_url_and_its_file_is_complete() {
    let platform = start().await;
    let app = make(&platform).await;
    let (issuer, settings) = (platform.issuer(), &app.settings);
    assert_eq!(settings["issuer"], issuer);
    assert_eq!(settings["redirect_uri"], CALLBACK);
    assert_eq!(
        settings["post_logout_redirect_uri"],
        "http://127.0.0.1:5000/signed-out"
    );
    assert_eq!(settings["mpad_url"], format!("{issuer}/mpad.js"));
    let page = see(&platform, &app.path).await.body;
    assert_eq!(text_of(&page, "client-id"), app.get("client_id"));
    assert_eq!(text_of(&page, "client-secret"), app.get("secret"));
    assert!(page.contains("Shop &#60;b&#62;") && !page.contains("Shop <b>"));
    assert!(
        see(&platform, "/portal")
            .await
            .body
            .contains("Shop &#60;b&#62;")
    );
    let answer = token(&platform, &app, &callback(&platform, &app).await).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_changed_app_keeps_its_keys_and_an_app_of_the_program_is_not_changed() {
    let platform = start().await;
    let app = make(&platform).await;
    let form = [
        ("name", "Renamed"),
        ("base_url", "http://127.0.0.1:5000"),
        ("redirect_uris", "http://127.0.0.1:5000/c2id"),
        ("id_token_signed_response_alg", "ES256"),
        ("qr_login", "on"),
    ];
    assert_eq!(sent(&platform, &app.path, &form).await, app.path);
    let changed = downloaded(&platform, app.path.clone()).await;
    assert_eq!(changed.settings, app.settings);
    let page = see(&platform, &app.path).await.body;
    assert!(page.contains("http://127.0.0.1:5000/c2id</code>"), "{page}");
    assert!(page.contains("<option selected>ES256</option>"), "{page}");
    assert!(!page.contains("name=\"browser_login\" checked"), "{page}");
    let url = [
        ("client_id", app.get("client_id")),
        ("redirect_uri", "http://127.0.0.1:5000/c2id"),
    ];
    let answer = http::get(&authorize_url(&platform, &url), &[]).await;
    assert_eq!(answer.status, 303);
    for path in ["", "/keys", "/remove"] {
        let path = format!("/portal/apps/app{path}");
        assert_eq!(send(&platform, &path, &form).await.status, 404, "{path}");
    }
    let page = see(&platform, "/portal/apps/app").await.body;
    assert!(page.contains("registered by the program") && !page.contains("danger-zone"));
}

#[tokio::test]
async fn new_keys_end_the_old_pair_and_what_was_issued_to_it_at_once() {
    let platform = start().await;
    let app = make(&platform).await;
    let issued = token(&platform, &app, &callback(&platform, &app).await).await;
    let access = issued.json()["access_token"].as_str().unwrap().to_owned();
    let pending = callback(&platform, &app).await;
    let other = exchange(&platform, &log_in(&platform).await, &[]).await;
    let others_access = other.json()["access_token"].as_str().unwrap().to_owned();
    let basic = |app: &Made| {
        let pair = format!("{}:{}", app.get("client_id"), app.get("secret"));
        format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
    };
    let audit = format!("/api/v1/projects/{}/audit", platform.project_id());
    let read = async |app: &Made| {
        let url = format!("{}{audit}", platform.issuer());
        http::get(&url, &[("authorization", &basic(app))])
            .await
            .status
    };
    assert_eq!(read(&app).await, 200);
    assert_eq!(userinfo(&platform, &access).await.status, 200);

    let question = format!("{}/keys", app.path);
    let asked = see(&platform, &question).await;
    assert!(asked.body.contains("id=\"yes\"") && asked.body.contains("id=\"no\""));
    assert_eq!(read(&app).await, 200, "a question changes nothing");
    let path = sent(&platform, &question, &[]).await;
    let renewed = downloaded(&platform, path).await;
    assert_ne!(renewed.get("client_id"), app.get("client_id"));
    assert_ne!(renewed.get("secret"), app.get("secret"));

    let refused = token(&platform, &app, &pending).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (401, &json!("invalid_client"))
    );
    let half = [
        ("client_id", renewed.get("client_id")),
        ("client_secret", app.get("secret")),
    ];
    assert_eq!(exchange(&platform, &pending, &half).await.status, 401);
    assert_eq!(userinfo(&platform, &access).await.status, 401);
    assert_eq!(read(&app).await, 401);
    assert_eq!(see(&platform, &app.path).await.status, 404);
    let url = authorize_url(&platform, &[("client_id", app.get("client_id"))]);
    assert_eq!(http::get(&url, &[]).await.status, 400);

    assert_eq!(read(&renewed).await, 200);
    let answer = token(&platform, &renewed, &callback(&platform, &renewed).await).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(userinfo(&platform, &others_access).await.status, 200);
}

#[tokio::test]
async fn a_login_under_way_ends_with_the_app() {
    let platform = start().await;
    let app = make(&platform).await;
    let begun = http::get(
        &authorize_url(&platform, &[("client_id", app.get("client_id"))]),
        &[],
    )
    .await;
    let page = format!("{}{}", platform.issuer(), begun.header("location").unwrap());
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let open = async || http::get(&page, &[("cookie", cookie)]).await.status;
    assert_eq!(open().await, 200);
    let question = format!("{}/remove", app.path);
    assert!(see(&platform, &question).await.body.contains("id=\"yes\""));
    assert_eq!(sent(&platform, &question, &[]).await, "/portal");
    assert_eq!(open().await, 410);
    assert_eq!(see(&platform, &app.path).await.status, 404);
}

/// The form of the project with these changes.
fn project<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("pin_length", "4"), ("verification", "link")];
    form.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
    form.extend(changes);
    form
}

#[tokio::test]
async fn the_settings_of_the_project_count_at_once_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = PlatformConfig {
        data_dir: Some(folder.path().to_owned()),
        ..PlatformConfig::default()
    };
    let platform = Platform::start(config.clone()).await.unwrap();
    let page = see(&platform, "/portal/project").await.body;
    assert_eq!(text_of(&page, "project-id"), platform.project_id());
    assert_eq!(text_of(&page, "issuer"), platform.issuer());
    let preflight = async || {
        let url = format!("{}/rps/v2/session", platform.issuer());
        let headers = [
            ("origin", ORIGIN),
            ("access-control-request-method", "POST"),
        ];
        http::try_send("OPTIONS", &url, &headers, "")
            .await
            .unwrap()
            .status
    };
    let client = platform.mpin_client();
    let email = async |user: &str| {
        let body = json!({ "userId": user, "projectId": platform.project_id() });
        client.call("/verification/email", &body).await
    };
    assert_eq!(preflight().await, 403);
    assert_eq!(email("a@example.com").await.unwrap()["method"], "link");

    let form = project(&[
        ("pin_length", "6"),
        ("verification", "code"),
        ("allowed_origins", ORIGIN),
        ("renew_secrets", "on"),
    ]);
    sent(&platform, "/portal/project", &form).await;
    assert_eq!(preflight().await, 204);
    assert_eq!(email("b@example.com").await.unwrap()["method"], "code");
    let known = see(&platform, "/.well-known/project-configuration")
        .await
        .json();
    assert_eq!(known["pinLength"], 6);
    let set = platform.project();
    assert!(!set.quick_code && set.renew_secrets);

    let form = project(&[
        ("verification", "custom"),
        ("verification_url", "http://127.0.0.1:5000/verify"),
        ("pin_length", "6"),
    ]);
    sent(&platform, "/portal/project", &form).await;
    assert_eq!(preflight().await, 403);
    assert_eq!(code(email("c@example.com").await), "FORBIDDEN");
    let kept = platform.project();
    platform.shutdown().await;

    let mut second = config;
    second.project.email_verification = EmailVerification::Code;
    let second = Platform::start(second).await.unwrap();
    assert_eq!(second.project(), kept);
    assert_eq!(second.project().pin_length, 6);
}

#[tokio::test]
async fn sub_is_the_address_or_a_name_that_says_nothing() {
    let platform = start().await;
    let subs = async |platform: &Platform| {
        let answer = exchange(platform, &log_in(platform).await, &[])
            .await
            .json();
        let access = answer["access_token"].as_str().unwrap();
        let info = userinfo(platform, access).await.json();
        assert_eq!(info["email"], EMAIL);
        let id = claims(answer["id_token"].as_str().unwrap());
        assert_eq!(id["sub"], info["sub"]);
        id["sub"].as_str().unwrap().to_owned()
    };
    assert_eq!(subs(&platform).await, EMAIL);
    sent(
        &platform,
        "/portal/project",
        &project(&[("opaque_sub", "on")]),
    )
    .await;
    let opaque = subs(&platform).await;
    assert!(opaque.len() == 22 && !opaque.contains("alice"), "{opaque}");
    assert_eq!(subs(&platform).await, opaque);
    sent(&platform, "/portal/project", &project(&[])).await;
    assert_eq!(subs(&platform).await, EMAIL);
    let other = start().await;
    sent(&other, "/portal/project", &project(&[("opaque_sub", "on")])).await;
    assert_ne!(subs(&other).await, opaque);
}

#[tokio::test]
async fn a_service_account_shows_its_token_once_and_is_switched_off_at_once() {
    let platform = start().await;
    let form = [("name", "Back end"), ("permission", "audit")];
    let path = sent(&platform, "/portal/accounts", &form).await;
    let page = see(&platform, &path).await.body;
    let token = text_of(&page, "token").to_owned();
    assert_eq!(token.len(), 43);
    assert!(!see(&platform, &path).await.body.contains(&token), "once");
    assert!(!format!("{:?}", platform.project()).contains(&token));
    let call = async |path: &str| {
        let bearer = format!("Bearer {token}");
        let url = format!("{}{path}", platform.issuer());
        http::try_send(
            if path == "/dvs/verify" { "POST" } else { "GET" },
            &url,
            &[("authorization", &bearer)],
            "{}",
        )
        .await
        .unwrap()
        .status
    };
    let audit = format!("/api/v1/projects/{}/audit", platform.project_id());
    assert_eq!((call(&audit).await, call("/dvs/verify").await), (200, 403));
    // The project's own form leaves accounts alone.
    sent(&platform, "/portal/project", &project(&[])).await;
    assert_eq!(call(&audit).await, 200);
    let form = [
        ("name", "Renamed"),
        ("permission", "signatures"),
        ("active", "on"),
    ];
    sent(&platform, &path, &form).await;
    assert_eq!((call(&audit).await, call("/dvs/verify").await), (403, 400));
    sent(&platform, &path, &form[..2]).await;
    assert_eq!(call("/dvs/verify").await, 401);
    assert!(
        see(&platform, "/portal/accounts")
            .await
            .body
            .contains("inactive")
    );
    sent(&platform, &path, &form).await;
    assert_eq!(call("/dvs/verify").await, 400);
    sent(&platform, &format!("{path}/remove"), &[]).await;
    assert_eq!(call("/dvs/verify").await, 401);
    assert_eq!(see(&platform, &path).await.status, 404);
}

#[tokio::test]
async fn a_device_is_revoked_at_once_and_the_log_says_so() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let page = see(&platform, "/portal/devices?who=ANN").await.body;
    let is_listed = |page: &str, user: &str| page.contains(&format!("data-user=\"{user}\""));
    assert!(is_listed(&page, USER) && !is_listed(&page, EMAIL) && page.contains(">never<"));
    client
        .log_in(&mut ann, crate::mpin::PIN, "dvs-auth", None)
        .await
        .unwrap();
    let page = see(&platform, "/portal/devices").await.body;
    assert!(is_listed(&page, USER) && is_listed(&page, EMAIL), "{page}");
    let page = see(&platform, "/portal/devices?who=ann").await.body;
    assert!(!page.contains(">never<") && page.contains(">active<"));
    let path = page.split("class=\"revoke\" href=\"").nth(1).unwrap();
    let path = path.split('"').next().unwrap();
    assert!(see(&platform, path).await.body.contains(USER));
    for _ in 0..2 {
        assert_eq!(sent(&platform, path, &[]).await, "/portal/devices");
    }
    let login = client
        .log_in(&mut ann, crate::mpin::PIN, "dvs-auth", None)
        .await;
    assert_eq!(code(login), "REVOKED_MPINID");
    let page = see(&platform, "/portal/devices?who=ann").await.body;
    assert!(page.contains(">revoked<") && !page.contains("class=\"revoke\""));

    let entries = async |query: &str| {
        let page = see(&platform, &format!("/portal/audit{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        page.body.matches("class=\"entry\"").count()
    };
    assert_eq!(entries("?what=revocation_success").await, 1);
    assert_eq!(entries("?what=authenticate_success&who=ann").await, 1);
    assert_eq!(entries("?who=nobody").await, 0);
    assert_eq!(entries("?from=2000-01-01&to=2000-01-02").await, 0);
    assert!(entries("?from=2000-01-01").await >= 4);
}

#[tokio::test]
async fn long_lists_have_pages() {
    let platform = start().await;
    let client = platform.mpin_client();
    for number in 0..60 {
        registered(&client, &format!("user{number}@example.com")).await;
    }
    let rows = async |path: &str, class: &str| {
        let page = see(&platform, path).await.body;
        (
            page.matches(&format!("class=\"{class}\"")).count(),
            page.contains("page-before"),
            page.contains("page-after"),
        )
    };
    for (path, class) in [("/portal/devices", "device"), ("/portal/audit", "entry")] {
        assert_eq!(rows(path, class).await, (50, false, true), "{path}");
        let (count, before, after) = rows(&format!("{path}?page=2"), class).await;
        assert!(count >= 10 && before && !after, "{path}: {count}");
        let beyond = rows(&format!("{path}?page=18446744073709551615"), class).await;
        assert_eq!(beyond, (0, true, false), "{path}");
    }
}
