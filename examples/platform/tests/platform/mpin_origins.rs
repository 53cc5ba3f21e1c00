//! Which pages may call the endpoints of M-Pin.

use miracl_platform::{Platform, Project};

use crate::app::{authorize_url, start};
use crate::http::{self, Answer};

const PAGE: &str = "http://127.0.0.1:5000";

const PATHS: [&str; 16] = [
    "/rps/v2/session",
    "/rps/v2/access",
    "/rps/v2/codeStatus",
    "/rps/v2/user",
    "/rps/v2/signature/00",
    "/rps/v2/share",
    "/rps/v2/pass1",
    "/rps/v2/authenticate",
    "/pushauth",
    "/verification",
    "/verification/email",
    "/verification/confirmation",
    "/registration",
    "/dvs/verify",
    "/authorize",
    "/api/v1/projects/1/audit",
];

async fn preflight(platform: &Platform, path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "content-type,x-miracl-cid,x-miracl-client",
        ),
    ];
    let url = format!("{}{path}", platform.issuer());
    http::try_send("OPTIONS", &url, &headers, "").await.unwrap()
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_no_others() {
    let platform = start().await;
    platform.set_project(Project {
        allowed_origins: vec![PAGE.to_owned()],
        ..Project::default()
    });
    for path in PATHS {
        let answer = preflight(&platform, path, PAGE).await;
        assert_eq!(
            (answer.status, allowed(&answer)),
            (204, Some(PAGE)),
            "{path}"
        );
        let headers = answer.header("access-control-allow-headers").unwrap();
        for name in [
            "Content-Type",
            "Authorization",
            "X-MIRACL-CID",
            "X-MIRACL-CLIENT",
        ] {
            assert!(headers.contains(name), "{name}");
        }
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(
            ["GET", "POST", "PUT"]
                .iter()
                .all(|method| methods.contains(method))
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let others = [
            "http://127.0.0.1:5001",
            "https://127.0.0.1:5000",
            "null",
            "http://127.0.0.1:5000/",
        ];
        for other in others {
            let answer = preflight(&platform, path, other).await;
            assert_eq!(
                (answer.status, allowed(&answer)),
                (403, None),
                "{path} from {other}"
            );
            assert_eq!(answer.json()["error"], "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn a_call_of_another_page_has_no_effect_and_an_error_can_be_read() {
    let platform = start().await;
    let body = format!(r#"{{"projectId":"{}"}}"#, platform.project_id());
    let url = format!("{}/rps/v2/session?project_id=1", platform.issuer());
    let from = async |origin: &str, body: &str| {
        http::try_send("POST", &url, &[("origin", origin)], body)
            .await
            .unwrap()
    };
    let own = platform.issuer();
    assert_eq!(from(own, &body).await.status, 200);
    assert_eq!(from(PAGE, &body).await.status, 403);
    platform.set_project(Project {
        allowed_origins: vec![PAGE.to_owned()],
        ..Project::default()
    });
    let good = from(PAGE, &body).await;
    assert_eq!((good.status, allowed(&good)), (200, Some(PAGE)));
    let bad = from(PAGE, "x").await;
    assert_eq!((bad.status, allowed(&bad)), (400, Some(PAGE)));
}

#[tokio::test]
async fn other_endpoints_and_the_login_page_are_not_opened_to_pages() {
    let platform = start().await;
    platform.set_project(Project {
        allowed_origins: vec![PAGE.to_owned()],
        ..Project::default()
    });
    for path in ["/oidc/token", "/login/x/finish", "/portal"] {
        let answer = preflight(&platform, path, PAGE).await;
        assert_eq!(allowed(&answer), None, "{path}");
    }
    let page = http::get(&authorize_url(&platform, &[]), &[("origin", PAGE)]).await;
    assert_eq!((page.status, allowed(&page)), (303, None));
}

#[tokio::test]
async fn a_program_begins_a_login_with_a_cookie_or_without_and_gets_none() {
    let platform = start().await;
    let callback_cookie = http::get(&authorize_url(&platform, &[]), &[]).await;
    let cookie = callback_cookie
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    for cookie in [None, Some(("cookie", cookie.as_str()))] {
        let headers: Vec<_> = cookie.into_iter().collect();
        let url = authorize_url(&platform, &[]);
        let answer = http::try_send("POST", &url, &headers, "null")
            .await
            .unwrap();
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    }
}

#[tokio::test]
async fn what_does_not_exist_is_told_in_json() {
    let platform = start().await;
    for (method, path, status) in [
        ("GET", "/rps/v2/pass1", 405),
        ("DELETE", "/registration", 405),
        ("GET", "/rps/v2/nothing", 404),
        ("POST", "/dvs/nothing", 404),
        ("GET", "/api/v1/nothing", 404),
    ] {
        let url = format!("{}{path}", platform.issuer());
        let answer = http::try_send(method, &url, &[], "").await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["error"].is_string());
    }
}
