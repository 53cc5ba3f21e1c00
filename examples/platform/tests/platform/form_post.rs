//! Callbacks that come as a form (OAuth 2.0 Form Post Response Mode).

use std::collections::HashMap;

use miracl_platform::Callback;

use crate::app::{CALLBACK, EMAIL, PIN, authorize_url, start};
use crate::http;

fn form(callback: &Callback) -> HashMap<&str, &str> {
    assert_eq!(callback.url, CALLBACK, "nothing stands in the URL");
    let fields = callback.form.as_ref().unwrap().iter();
    fields
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_login_ends_in_a_form_that_has_what_the_query_would_have() {
    let platform = start().await;
    let state = "st&te \"with' <odd> &#38; signs";
    let url = authorize_url(
        &platform,
        &[("response_mode", "form_post"), ("state", state)],
    );
    let callback = platform.log_in_callback(&url, EMAIL, PIN).await.unwrap();
    let fields = form(&callback);
    assert_eq!(fields["state"], state);
    assert_eq!(fields["iss"], platform.issuer());
    assert!(!fields["code"].is_empty());
    assert_eq!(fields.len(), 3);
}

#[tokio::test]
async fn errors_come_as_a_form_too() {
    let platform = start().await;
    for (change, error) in [
        (("prompt", "none"), "login_required"),
        (("scope", "email"), "invalid_scope"),
    ] {
        let url = authorize_url(&platform, &[("response_mode", "form_post"), change]);
        let callback = platform.log_in_callback(&url, EMAIL, PIN).await.unwrap();
        assert_eq!(form(&callback)["error"], error);
        assert_eq!(form(&callback)["state"], "st&te");
    }
    let url = authorize_url(&platform, &[("response_mode", "form_post")]);
    let callback = platform.deny_callback(&url).await.unwrap();
    assert_eq!(form(&callback)["error"], "access_denied");
    assert_eq!(form(&callback)["iss"], platform.issuer());
}

#[tokio::test]
async fn a_url_is_not_made_up_for_a_form_and_a_query_needs_none() {
    let platform = start().await;
    let url = authorize_url(&platform, &[("response_mode", "form_post")]);
    let stuck = platform.log_in(&url, EMAIL, PIN).await.unwrap_err();
    assert!(stuck.to_string().contains("form_post"), "{stuck}");
    for mode in ["", "query"] {
        let url = authorize_url(&platform, &[("response_mode", mode)]);
        let callback = platform.log_in_callback(&url, EMAIL, PIN).await.unwrap();
        assert_eq!(callback.form, None);
        assert!(callback.url.contains("code="));
    }
    let url = authorize_url(&platform, &[("response_mode", "fragment")]);
    let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
    assert!(callback.contains("error=invalid_request"), "{callback}");
}

#[tokio::test]
async fn the_page_may_post_to_the_app_and_run_its_own_script_only() {
    let platform = start().await;
    let url = authorize_url(
        &platform,
        &[("response_mode", "form_post"), ("prompt", "none")],
    );
    let page = http::get(&url, &[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:5000;"),
        "{policy}"
    );
    // Without scripts, a person presses the button.
    assert!(page.body.contains("type=\"submit\""));
    assert!(
        !page.body.contains("target="),
        "it stays in the window it is in"
    );
    assert!(
        page.body
            .contains("<script src=\"/form-post.js\" defer></script>")
    );
    let script = http::get(&format!("{}/form-post.js", platform.issuer()), &[]).await;
    assert!(script.body.contains("submit()"));
}

#[tokio::test]
async fn in_a_frame_the_form_opens_the_app_in_the_whole_window() {
    let platform = start().await;
    let begun = http::get(
        &authorize_url(&platform, &[("response_mode", "form_post")]),
        &[],
    )
    .await;
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let cancel = format!(
        "{}{}/cancel",
        platform.issuer(),
        begun.header("location").unwrap()
    );
    let framed = [
        ("cookie", cookie),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "iframe"),
    ];
    let page = http::post(&cancel, &framed, &[]).await;
    assert!(page.body.contains("target=\"_top\"") && page.body.contains("access_denied"));
}
