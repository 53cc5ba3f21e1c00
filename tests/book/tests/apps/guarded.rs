//! Who may see what: "Require a login", "Decide by role".

use actix_web::web::Data;
use miracl_axum::{Config, config::CookieKey};
use miracl_tests::{Browser, Provider};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    apps,
    site::{EMAIL, Place, Site},
};

/// What the page promises of a page, a group and an API, for every framework.
async fn assert_login_required(site: Site) {
    let home = site.open("/").await.expect(200);
    assert!(home.body.contains("Log in</a>"), "{}", home.body);
    for path in ["/orders", "/account", "/account/address"] {
        let answer = site.open(path).await.expect(303);
        let to = answer.location_path().expect("a way to the login");
        assert!(to.starts_with("/login/start?return_to="), "{to}");
    }
    let refused = site.fetch("/api/orders").await.expect(401);
    assert!(refused.json()["login_url"].is_string(), "{}", refused.body);

    let page = site.log_in("/orders").await.expect(200);
    assert_eq!(page.url.path(), "/orders");
    assert_eq!(page.body, format!("Orders of {EMAIL}."));
    let api = site.fetch("/api/orders").await.expect(200);
    assert_eq!(api.json(), json!({ "of": EMAIL, "orders": [] }));
    assert_eq!(
        site.open("/account/address").await.expect(200).body,
        "Your address."
    );
    let home = site.open("/").await.expect(200);
    assert!(home.body.contains("Log out</button>"), "{}", home.body);
    site.log_out().await;
    site.fetch("/api/orders").await.expect(401);
    site.open("/account").await.expect(303);
}

#[tokio::test]
async fn an_app_of_axum_requires_a_login_for_a_page_a_group_and_an_api() {
    let place = Place::new().await;

    assert_login_required(place.axum(apps::require_login_axum::app)).await;
}

#[tokio::test]
async fn an_app_of_actix_web_requires_a_login_for_a_page_a_group_and_an_api() {
    let place = Place::new().await;
    let auth = apps::require_login_actix::auth(place.config()).expect("complete settings");
    assert_login_required(place.actix(auth, apps::require_login_actix::routes)).await;
}

#[tokio::test]
async fn an_app_of_rocket_requires_a_login_for_a_page_a_group_and_an_api() {
    let place = Place::new().await;
    let app = apps::require_login_rocket::app(place.config());
    assert_login_required(place.rocket(app).await).await;
}

/// Fails unless Alice is who the app says she is, and everybody who is not logged in is sent to log in.
async fn assert_role(site: Site, is_admin: bool) {
    site.open("/admin").await.expect(303);
    site.fetch("/admin").await.expect(401);
    let page = site.log_in("/members").await.expect(200);
    assert_eq!(page.body, format!("Hello, {EMAIL}."));
    let admin = site.open("/admin").await;
    if is_admin {
        assert_eq!(admin.expect(200).body, format!("Admin {EMAIL}."));
    } else {
        admin.expect(403);
    }
    site.log_out().await;
    site.fetch("/admin").await.expect(401);
}

/// Ids that are given as those of admins, and whether the person is one of them.
const ADMINS: [(&str, bool); 2] = [
    ("bob@example.com", false),
    ("bob@example.com alice@example.com", true),
];

#[tokio::test]
async fn an_app_of_axum_lets_admins_in_and_answers_403_to_others() {
    use apps::roles_axum::{Roles, app};
    for (ids, is_admin) in ADMINS {
        let place = Place::new().await;
        let config = place.config();
        let roles = Roles::admins(&config.issuer, ids);
        assert_role(place.axum(|_| app(config, roles)), is_admin).await;
    }
}

#[tokio::test]
async fn an_app_of_actix_web_lets_admins_in_and_answers_403_to_others() {
    use apps::roles_actix::{Roles, auth, routes};
    for (ids, is_admin) in ADMINS {
        let place = Place::new().await;
        let config = place.config();
        let roles = Data::new(Roles::admins(&config.issuer, ids));
        let auth = auth(config).expect("complete settings");
        let site = place.actix(auth, move |app, auth| routes(app, auth, &roles));
        assert_role(site, is_admin).await;
    }
}

#[tokio::test]
async fn an_app_of_rocket_lets_admins_in_and_answers_403_to_others() {
    use apps::roles_rocket::{Roles, app};
    for (ids, is_admin) in ADMINS {
        let place = Place::new().await;
        let config = place.config();
        let roles = Roles::admins(&config.issuer, ids);
        assert_role(place.rocket(app(config, roles)).await, is_admin).await;
    }
}

/// Claims of any shape, from a provider whose claims a test chooses.
#[tokio::test]
async fn an_app_lets_a_group_of_the_provider_in_and_answers_403_to_others() {
    use apps::roles_axum::{Roles, app};
    for (groups, status) in [
        (json!(["reports", "sales"]), 200),
        (json!(["sales"]), 403),
        (json!("reports"), 403),
        (json!(null), 403),
    ] {
        let provider = Provider::start();
        let claims = json!({ "sub": Provider::SUBJECT, "groups": groups });
        provider.set_userinfo(claims);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let config = Config {
            issuer: provider.issuer(),
            client_id: Provider::CLIENT_ID.to_owned(),
            client_secret: Provider::CLIENT_SECRET.into(),
            redirect_uri: Config::redirect_uri_for(&format!("http://{address}")),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        let app = app(config, Roles::default()).expect("complete settings");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let browser = Browser::new();
        let page = browser.visit(format!("http://{address}/reports")).await;
        assert_eq!(page.status, status, "{groups}: {}", page.body);
    }
}
