//! Callers with a project JWT of the kit.

use super::*;
use crate::access::request::AccessRequest;

fn calling(authorization: &str) -> Request {
    Request::get("/api").with("authorization", authorization)
}

#[tokio::test]
async fn a_caller_of_a_test_is_compared_with_the_same_requirements() {
    let within = || Requirement::logged_in_within(Duration::from_secs(300));
    let admin = || Requirement::claim("roles").contains("admin");
    let alice = || TestUser::new("alice");
    let asks = Requirement::decided_by(async |request: AccessRequest| {
        let caller = request.caller();
        assert!(caller.user().is_none());
        let user = caller.project_user().ok_or("no project user")?;
        Ok((user.id(), caller.id(), caller.issuer()) == ("alice", "alice", "http://127.0.0.1:1"))
    });
    let [miracl, ..] = apps();
    let huge: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    for (user, requirement, kind) in [
        (alice(), Requirement::logged_in(), None),
        (alice().claim("roles", ["admin"]), admin(), None),
        (alice(), admin(), Some(RefusalKind::Denied)),
        (
            alice().claim("roles", "user admin"),
            admin(),
            Some(RefusalKind::Denied),
        ),
        (
            alice().claim("roles", json!({"admin": 1})),
            admin(),
            Some(RefusalKind::Denied),
        ),
        (
            alice().claim("roles", huge),
            admin(),
            Some(RefusalKind::Denied),
        ),
        (
            alice().scope("openid orders"),
            Requirement::scope("orders"),
            None,
        ),
        (
            alice(),
            Requirement::scope("orders"),
            Some(RefusalKind::Denied),
        ),
        (alice().acr("2fa"), Requirement::acr(["2fa"]), None),
        (
            alice(),
            Requirement::acr(["2fa"]),
            Some(RefusalKind::StepUp),
        ),
        (alice(), within(), None),
        (
            alice().logged_in_ago(HOUR),
            within(),
            Some(RefusalKind::StepUp),
        ),
        (
            alice().claim("auth_time", Value::Null),
            within(),
            Some(RefusalKind::StepUp),
        ),
        (
            alice().email("a@b.example"),
            Requirement::email_verified(),
            None,
        ),
        (
            alice(),
            Requirement::email_verified(),
            Some(RefusalKind::Denied),
        ),
        (alice(), asks.clone(), None),
        (TestUser::new("bob"), asks, Some(RefusalKind::Denied)),
        (
            alice().expired(),
            Requirement::logged_in(),
            Some(RefusalKind::InvalidToken),
        ),
        (
            alice().issuer("https://other.example"),
            Requirement::logged_in(),
            Some(RefusalKind::InvalidToken),
        ),
    ] {
        let request = calling(&user.project_jwt(&miracl));
        let visit = miracl.visit(&request);
        let found = visit.authorized_project_user(&requirement, &request).await;
        let found = found.map(|user| user.id().to_owned());
        assert_eq!(
            found.as_ref().err().map(|refusal| refusal.kind()),
            kind,
            "{requirement:?}"
        );
        if let Err(refusal) = found {
            let reply = refusal.reply(&request);
            assert!(reply.headers.iter().all(|(name, _)| *name != "location"));
        }
        assert!(visit.finish().set_cookies.is_empty());
    }
}

#[tokio::test]
async fn a_project_jwt_of_a_test_counts_once_and_begins_no_session() {
    let [miracl, ..] = apps();
    let alice = TestUser::new("alice");
    let authorization = alice.project_jwt(&miracl);
    let request = calling(&authorization);
    let visit = miracl.visit(&request);
    for _ in 0..2 {
        // Within one request it is used once.
        assert!(visit.project_user(&request).await.is_ok());
    }
    let again = miracl.visit(&request).project_user(&request).await;
    assert_eq!(again.unwrap_err().kind(), RefusalKind::InvalidToken);
    assert_ne!(alice.project_jwt(&miracl), authorization);
    // Another app has other keys.
    let [other, ..] = apps();
    let request = calling(&alice.project_jwt(&miracl));
    assert!(other.visit(&request).project_user(&request).await.is_err());
    assert!(!visit.is_authenticated().await.unwrap());
    // A session's cookie is no JWT, and a JWT is no session.
    let cookie = alice.log_in(&miracl).await.unwrap();
    let (_, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    let request = calling(&format!("Bearer {value}"));
    assert!(miracl.visit(&request).project_user(&request).await.is_err());
}

#[tokio::test]
async fn a_provider_that_asks_every_time_makes_a_new_project_jwt_a_fresh_login() {
    let miracl = app(|config| config.asks_every_time = true);
    let within = Requirement::logged_in_within(Duration::from_secs(300));
    let alice = TestUser::new("alice").claim("auth_time", Value::Null);
    let request = calling(&alice.project_jwt(&miracl));
    let visit = miracl.visit(&request);
    assert!(
        visit
            .authorized_project_user(&within, &request)
            .await
            .is_ok()
    );
    // What it says itself counts first.
    let old = TestUser::new("alice").logged_in_ago(HOUR);
    let request = calling(&old.project_jwt(&miracl));
    let visit = miracl.visit(&request);
    assert!(
        visit
            .authorized_project_user(&within, &request)
            .await
            .is_err()
    );
}

#[test]
fn a_caller_for_a_unit_test_is_the_one_that_a_handler_would_see() {
    let caller = TestUser::new("alice")
        .claim("roles", ["admin"])
        .project_user();
    assert_eq!((caller.id(), caller.issuer()), ("alice", ISSUER));
    assert_eq!(caller.claims()["roles"], json!(["admin"]));
    assert!(!format!("{caller:?}").contains("alice"));
}
