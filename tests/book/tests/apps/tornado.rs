//! The Tornado guide's app, in each framework: log in, refresh, log out, and a login that fails.

use miracl_tests::Answer;

use crate::{
    apps,
    site::{EMAIL, Place, Site},
};

fn assert_alert(page: &Answer, category: &str, text: &str) {
    let alert = format!("<p class='alert alert-{category}'>{text}</p>");
    assert!(page.body.contains(&alert), "{}", page.body);
}

/// What the guide promises, with the texts of its sample.
async fn assert_as_in_the_guide(site: Site) {
    let home = site.open("/").await.expect(200);
    assert!(home.body.contains(">Log in</a>"), "{}", home.body);
    site.post("/refresh", &[]).await.expect(303);
    let home = site.open("/").await.expect(200);
    assert!(!home.body.contains("alert"), "{}", home.body);

    // Denied: the page is shown again, with the alert on it, and offers another try.
    site.open("/login/start").await.expect(303);
    let failed = site.open("/login?error=access_denied").await;
    assert!((400..500).contains(&failed.status), "{failed:?}");
    assert_alert(&failed, "danger", "Login failed!");
    assert!(failed.body.contains(">Try again</a>"), "{}", failed.body);

    for number in ["1", "2"] {
        let page = site.log_in("/login/start").await.expect(200);
        assert_alert(&page, "success", "Successfully logged in!");
        let logins = format!("This is login number {number}.");
        assert_alert(&page, "info", &logins);
        for text in ["E-mail: ", "User ID: "] {
            let shown = format!("<p>{text}{EMAIL}</p>");
            assert!(page.body.contains(&shown), "{}", page.body);
        }
        let home = site.open("/").await.expect(200);
        assert!(!home.body.contains("alert"), "{}", home.body);

        let answer = site.post("/refresh", &[]).await.expect(303);
        let page = site.browser.follow(answer).await.expect(200);
        assert_alert(&page, "success", "User data refreshed.");

        site.log_out().await;
        let home = site.open("/").await.expect(200);
        assert_alert(&home, "info", "User logged out!");
        assert!(home.body.contains(">Log in</a>"), "{}", home.body);
    }
}

#[tokio::test]
async fn the_app_of_the_guide_in_axum_does_what_the_sample_did() {
    let place = Place::new().await;
    assert_as_in_the_guide(place.axum(apps::tornado_axum::app)).await;
}

#[tokio::test]
async fn the_app_of_the_guide_in_actix_web_does_what_the_sample_did() {
    let place = Place::new().await;
    let auth = apps::tornado_actix::auth(place.config()).expect("complete settings");
    assert_as_in_the_guide(place.actix(auth, apps::tornado_actix::routes)).await;
}

#[tokio::test]
async fn the_app_of_the_guide_in_rocket_does_what_the_sample_did() {
    let place = Place::new().await;
    let app = apps::tornado_rocket::app(place.config());
    assert_as_in_the_guide(place.rocket(app).await).await;
}
