//! Who may see what: "Require a login", "Decide by role".

use serde_json::json;

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

/// What a person may see: a page for admins, and a page for those whom the app lists.
const RIGHTS: [(&str, &str, bool, bool); 3] = [
    ("sales", "bob@example.com", false, false),
    ("admins", "", true, false),
    ("sales", "bob@example.com alice@example.com", false, true),
];

/// Fails unless Alice sees what she may, others that are logged in get 403, and everybody else is sent to log in.
async fn assert_rights(site: Site, is_admin: bool, is_listed: bool) {
    for path in ["/admin", "/reports"] {
        site.open(path).await.expect(303);
        site.fetch(path).await.expect(401);
    }
    let page = site.log_in("/members").await.expect(200);
    assert_eq!(page.body, format!("Hello, {EMAIL}."));
    for (path, may, body) in [
        ("/admin", is_admin, format!("Admin {EMAIL}.")),
        ("/reports", is_listed, "Reports.".to_owned()),
    ] {
        let answer = site.open(path).await;
        match may {
            true => assert_eq!(answer.expect(200).body, body),
            false => assert!(answer.expect(403).body.contains("Not allowed"), "{path}"),
        }
    }
    site.log_out().await;
    site.fetch("/admin").await.expect(401);
}

#[tokio::test]
async fn an_app_of_axum_decides_by_a_group_and_by_a_table_of_its_own() {
    use apps::roles_axum::{Reporters, app};
    for (group, ids, is_admin, is_listed) in RIGHTS {
        let place = Place::with_group(group).await;
        let config = place.config();
        let reporters = Reporters::listed(&config.issuer, ids);
        let site = place.axum(|_| app(config, &reporters));
        assert_rights(site, is_admin, is_listed).await;
    }
}

#[tokio::test]
async fn an_app_of_actix_web_decides_by_a_group_and_by_a_table_of_its_own() {
    use apps::roles_actix::{Reporters, auth, routes};
    for (group, ids, is_admin, is_listed) in RIGHTS {
        let place = Place::with_group(group).await;
        let config = place.config();
        let reporters = Reporters::listed(&config.issuer, ids);
        let auth = auth(config).expect("complete settings");
        let site = place.actix(auth, move |app, auth| routes(app, auth, &reporters));
        assert_rights(site, is_admin, is_listed).await;
    }
}

#[tokio::test]
async fn an_app_of_rocket_decides_by_a_group_and_by_a_table_of_its_own() {
    use apps::roles_rocket::{Reporters, app};
    for (group, ids, is_admin, is_listed) in RIGHTS {
        let place = Place::with_group(group).await;
        let config = place.config();
        let reporters = Reporters::listed(&config.issuer, ids);
        let site = place.rocket(app(config, &reporters)).await;
        assert_rights(site, is_admin, is_listed).await;
    }
}
