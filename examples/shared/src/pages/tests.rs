//! The pages show what they are given, and escape it.

use super::*;

const ISSUER: &str = "https://project.example";

fn pages() -> Pages {
    Pages::new("axum", ISSUER, None)
}

fn link() -> LoginButton {
    LoginButton {
        script: None,
        auth_url: Attribute("http://127.0.0.1:5000/login/start?return_to=%2Fa&lang=en".into()),
        start_url: Attribute("http://127.0.0.1:5000/login/start".into()),
    }
}

fn welcome(login: &LoginButton) -> String {
    pages().welcome(&[], login).html
}

#[test]
fn flash_messages_carry_their_category_and_are_escaped() {
    let pages = pages();
    let page = Message {
        frame: Frame {
            alerts: vec![
                Alert::new("danger", "Login failed!"),
                Alert::new("info", "<script>alert(1)</script>"),
            ],
            ..pages.frame("", None, &[])
        },
        title: "",
        text: "",
    };
    let html = page.render().unwrap();
    assert!(
        html.contains(r#"<div class="alert alert-danger" role="alert">Login failed!</div>"#),
        "{html}"
    );
    assert!(
        html.contains(r#"<div class="alert alert-info" role="status">"#),
        "{html}"
    );
    assert!(!html.contains("<script>"), "{html}");
}

#[test]
fn without_a_script_the_login_button_is_a_link() {
    let html = welcome(&link());
    let url = "http://127.0.0.1:5000/login/start?return_to=%2Fa&amp;lang=en";
    assert!(
        html.contains(&format!(
            r#"<a id="login" data-authurl="{url}" href="{url}""#
        )),
        "{html}"
    );
    assert!(!html.contains("btmpin"), "{html}");
}

#[test]
fn with_a_script_the_login_button_is_the_script_s_and_there_is_a_way_without_it() {
    let html = welcome(&LoginButton {
        script: Some("https://cdn.example/mpad.js".into()),
        ..link()
    });
    let script = concat!(
        r#"<script src="https://cdn.example/mpad.js""#,
        r#" data-authurl="http://127.0.0.1:5000/login/start?return_to=%2Fa&amp;lang=en""#,
        r#" data-element="btmpin"></script>"#,
    );
    assert!(html.contains(r#"<div id="btmpin"></div>"#), "{html}");
    assert!(html.contains(script), "{html}");
    assert_eq!(html.matches("data-authurl").count(), 1);
    assert!(html.contains("<noscript>"), "{html}");
}

#[test]
fn an_email_is_called_confirmed_only_when_it_is() {
    let account = |email, email_verified| {
        let pages = pages();
        let page = Account {
            frame: pages.frame("home", None, &[]),
            id: "alice",
            email,
            email_verified,
        };
        page.render().unwrap()
    };
    assert!(account(Some("a@example.com"), true).contains("confirmed"));
    assert!(!account(Some("a@example.com"), false).contains("confirmed"));
    assert!(!account(None, true).contains("confirmed"));
    assert!(account(None, false).contains("alice"));
}

#[test]
fn the_reason_of_a_failure_is_shown_in_development_only() {
    let failed = |why| {
        let pages = pages();
        let page = LoginFailed {
            frame: pages.frame("", None, &[]),
            title: "Login not completed",
            message: "The login could not be completed.",
            id: "c0ffee",
            why,
            login: &link(),
        };
        page.render().unwrap()
    };
    let shown = failed(Some(Why {
        reason: "the `nonce` is another one".to_owned(),
        at_fault: "the provider".to_owned(),
        advice: "Report it.",
        replica: None,
        failed: None,
        checks: Vec::new(),
    }));
    assert!(
        shown.contains("the `nonce` is another one") && shown.contains("c0ffee"),
        "{shown}"
    );
    assert!(shown.contains(r#"id="login""#), "{shown}");
    assert!(!failed(None).contains("<details"), "{shown}");
}

#[test]
fn the_profile_form_is_filled_in_and_escaped() {
    let pages = pages();
    let page = Profile {
        frame: pages.frame("profile", None, &[]),
        id: "alice",
        email: "alice@example.com",
        display_name: r#""><b>"#,
        max_display_name: MAX_DISPLAY_NAME,
    };
    let html = page.render().unwrap();
    assert!(html.contains(r#"value="alice@example.com""#), "{html}");
    assert!(html.contains(r#"value="alice""#), "{html}");
    assert!(!html.contains("<b>"), "{html}");
}
