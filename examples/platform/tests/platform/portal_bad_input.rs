//! What the portal does with what it cannot take: the form comes back with what was typed, and nothing changes.

use crate::app::start;
use crate::http;
use crate::portal::{see, send};

const EVIL: &str = "\"><script>alert(1)</script>";
const SHOWN: &str = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";

#[tokio::test]
async fn a_form_comes_back_with_what_was_typed_and_the_problem_beside_the_field() {
    let platform = start().await;
    let good_app = [
        ("name", "A"),
        ("base_url", "http://127.0.0.1:5000"),
        ("qr_login", "on"),
    ];
    let good_project = [("pin_length", "4"), ("verification", "custom")];
    let good_account = [("name", "A"), ("permission", "audit")];
    let long = "x".repeat(50_000);
    for (path, good, field) in [
        ("/portal", &good_app[..], "base_url"),
        ("/portal", &good_app, "redirect_uris"),
        ("/portal", &good_app, "post_logout_redirect_uris"),
        ("/portal", &good_app, "backchannel_logout_uri"),
        ("/portal", &good_app, "frontchannel_logout_uri"),
        ("/portal/project", &good_project, "verification_url"),
        ("/portal/project", &good_project, "allowed_origins"),
        ("/portal/accounts", &good_account, "name"),
    ] {
        for typed in [EVIL, &long, "a\u{0}b"] {
            let mut form = good.to_vec();
            form.retain(|(name, _)| *name != field);
            form.push((field, typed));
            let answer = send(&platform, path, &form).await;
            if (field, typed) == ("name", EVIL) {
                assert_eq!(
                    answer.status, 303,
                    "a name may be anything that can be shown"
                );
                continue;
            }
            assert_eq!(answer.status, 400, "{path} {field}");
            assert!(
                answer.body.contains(&format!("id=\"{field}-error\"")),
                "{path} {field}: {}",
                answer.body
            );
            assert!(answer.body.contains("id=\"notice\""), "{path} {field}");
            assert!(!answer.body.contains("<script>alert"), "{path} {field}");
            let kept = if typed == EVIL { SHOWN } else { typed };
            assert!(answer.body.contains(kept), "{path} {field}");
            for (name, value) in form {
                let is_text =
                    !["qr_login", "permission", "pin_length", "verification"].contains(&name);
                assert!(
                    !is_text || name == field || answer.body.contains(value),
                    "{path} {name}"
                );
            }
        }
    }
    assert_eq!(platform.project().allowed_origins, Vec::<String>::new());
    let page = see(&platform, "/portal/accounts").await.body;
    assert!(page.contains(SHOWN) && !page.contains("<script>alert"));
}

#[tokio::test]
async fn an_app_without_a_login_method_and_an_account_without_a_permission_are_refused() {
    let platform = start().await;
    let form = [("name", "A"), ("base_url", "http://127.0.0.1:5000")];
    let answer = send(&platform, "/portal", &form).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("login_methods-error"));
    let answer = send(&platform, "/portal/accounts", &[("name", "A")]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("permission-error"));
}

#[tokio::test]
async fn nothing_that_is_sent_is_an_error_of_the_portal() {
    let platform = start().await;
    for path in [
        "/portal",
        "/portal/apps/app",
        "/portal/apps/nobody",
        "/portal/apps/%00/keys",
        "/portal/apps/%ff",
        "/portal/apps/..%2f..%2f/miracl.json",
        "/portal/project",
        "/portal/accounts",
        "/portal/accounts/nobody",
        "/portal/accounts/nobody/remove",
        "/portal/devices/nothing/revoke",
        "/portal/devices?page=-1&who=%00%ff",
        "/portal/audit?page=x&from=9999-99-99&to=%00&what=%22%3E%3Cscript%3E",
        "/portal/audit?from=99999999999999999999-01-01",
        "/portal/nowhere",
    ] {
        let url = format!("{}{path}", platform.issuer());
        let bodies = ["", "%", "=&&=", "name=%ff%00", &"name=x&".repeat(9000)];
        for body in bodies {
            for kind in [
                "application/x-www-form-urlencoded",
                "application/json",
                "text/plain",
            ] {
                let headers = [("content-type", kind)];
                let answer = http::try_send("POST", &url, &headers, body).await.unwrap();
                assert!(
                    (400..500).contains(&answer.status),
                    "{path}: {}",
                    answer.status
                );
            }
        }
        let answer = http::get(&url, &[]).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        assert!(!answer.body.contains("\"><script>"), "{path}");
    }
}

#[tokio::test]
async fn apps_and_accounts_are_bounded() {
    let platform = start().await;
    let form = [
        ("name", "A"),
        ("base_url", "http://127.0.0.1:5000"),
        ("qr_login", "on"),
    ];
    for _ in 0..200 {
        assert_eq!(send(&platform, "/portal", &form).await.status, 303);
    }
    let answer = send(&platform, "/portal", &form).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("There are 200 apps already"));
    let form = [("name", "A"), ("permission", "audit")];
    for _ in 0..50 {
        assert_eq!(send(&platform, "/portal/accounts", &form).await.status, 303);
    }
    assert_eq!(send(&platform, "/portal/accounts", &form).await.status, 400);
}
