//! How sessions end up when requests are cancelled, or log-outs arrive, at any step.

pub(crate) mod gate;

use std::time::Duration;

use gate::Gate;
use serde_json::json;

use crate::{
    Config, FailureReason, LoginOptions, Route, SessionStorage, SessionStore, Visit,
    flow::{
        answer::Answer,
        callback::tests::{Login, begin_with, cookies, request},
    },
    probes::provider::Provider,
    store::sessions::{IndexKey, SessionKey, StoredSession},
    web::request::tests::Request,
};

pub(crate) async fn app(gate: &Gate) -> Login {
    let store = SessionStorage::store(gate.clone());
    let kept = |config: &mut Config| config.session_store = store;
    begin_with(Provider::start().await, LoginOptions::default(), kept).await
}

/// A login that waits to be confirmed, in a browser with these cookies. Its session at the provider is `one`.
pub(crate) async fn completed(app: &mut Login, cookies: &str) -> Visit {
    app.another(LoginOptions::default()).await;
    app.grant(&json!({ "sid": "one" }));
    let callback = request("/login", &format!("{cookies}; {}", app.cookies));
    let visit = app.miracl.visit(&callback);
    visit.complete_login(&app.query).await.unwrap();
    visit
}

/// The cookies of a browser that is logged in.
pub(crate) async fn logged_in(app: &mut Login) -> String {
    let visit = completed(app, "").await;
    visit.confirm_login().await.unwrap();
    cookies(&visit)
}

async fn is_in(app: &Login, cookies: &str) -> bool {
    let visit = app.miracl.visit(&request("/", cookies));
    visit.is_authenticated().await.unwrap()
}

/// How many sessions of the person there are, without those that wait to be confirmed.
async fn sessions(app: &Login, gate: &Gate) -> usize {
    let subject =
        crate::session::marked_by::MarkedBy::new(&app.provider.issuer, "alice", None).subject;
    let listed = SessionStore::list_by_subject(&gate.store, &subject).await;
    let confirmed = |(_, stored): &&(SessionKey, StoredSession)| {
        stored.revision != crate::session::sessions::NEW
    };
    listed.unwrap().iter().filter(confirmed).count()
}

/// The provider's page loads ours, without a cookie.
pub(crate) async fn load_frame(app: &Login) {
    let target = format!("/frontchannel-logout?iss={}&sid=one", app.provider.issuer);
    let frame = request(&target, "");
    let visit = app.miracl.visit(&frame);
    let answer = visit.answer(Route::FrontChannelLogout, &frame, Some(b""));
    assert!(matches!(answer.await, Answer::Reply(reply) if reply.status == 200));
}

pub(crate) async fn post_logout_token(app: &Login, sid: Option<&str>, sub: Option<&str>) -> u16 {
    let now = app.now();
    let mut claims = json!({
        "iss": app.provider.issuer,
        "aud": "client",
        "iat": now,
        "exp": now + 120,
        "jti": format!("{:?}", crate::base::random::random::<16>()),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    for (name, value) in [("sid", sid), ("sub", sub)] {
        if let Some(value) = value {
            claims[name] = json!(value);
        }
    }
    let header = json!({ "alg": "ES256", "typ": "logout+jwt" });
    let raw = app.provider.signer.sign(&header, &claims.to_string());
    let post = Request::post("/backchannel-logout")
        .with("content-type", "application/x-www-form-urlencoded");
    let visit = app.miracl.visit(&post);
    let form = format!("logout_token={raw}");
    match visit
        .answer(Route::BackChannelLogout, &post, Some(form.as_bytes()))
        .await
    {
        Answer::LoggedOut(_, reply) | Answer::Reply(reply) => reply.status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_login_that_is_given_up_while_it_is_confirmed_leaves_one_session() {
    for (question, old_lives) in [("load", true), ("delete", false), ("update", false)] {
        let gate = Gate::default();
        let mut app = app(&gate).await;
        let old = logged_in(&mut app).await;
        let visit = completed(&mut app, &old).await;
        gate.give_up_at(&app, question, visit.confirm_login()).await;
        assert_eq!(sessions(&app, &gate).await, 1, "given up at {question}");
        assert_eq!(is_in(&app, &old).await, old_lives, "given up at {question}");
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_is_followed_by_no_other() {
    let gate = Gate::default();
    let mut app = app(&gate).await;
    let old = logged_in(&mut app).await;
    let visit = completed(&mut app, &old).await;
    // As a log-out of the waiting session does.
    let waiting =
        crate::session::marked_by::MarkedBy::new(&app.provider.issuer, "alice", Some("one"));
    let sid = waiting.sid.unwrap();
    SessionStore::delete_by_sid(&gate.store, &sid)
        .await
        .unwrap();
    let failure = visit.confirm_login().await.unwrap_err();
    assert!(matches!(failure.reason(), FailureReason::Session(_)));
    assert_eq!(sessions(&app, &gate).await, 0);
    assert!(!is_in(&app, &cookies(&visit)).await);
}

#[tokio::test]
async fn a_log_out_at_any_step_of_a_login_reaches_it() {
    for (sid, sub) in [
        (Some("one"), None),
        (None, Some("alice")),
        (Some("one"), Some("alice")),
    ] {
        for question in ["", "load", "update"] {
            let gate = Gate::default();
            let mut app = app(&gate).await;
            let old = logged_in(&mut app).await;
            let visit = completed(&mut app, &old).await;
            let log_out = post_logout_token(&app, sid, sub);
            let confirmed = if question.is_empty() {
                assert_eq!(log_out.await, 200);
                visit.confirm_login().await
            } else {
                gate.shut(question);
                let log_out = async {
                    gate.reached.notified().await;
                    assert_eq!(log_out.await, 200);
                    gate.opened.notify_one();
                };
                tokio::join!(visit.confirm_login(), log_out).0
            };
            let failure = confirmed.unwrap_err();
            // From the last look on, the session that waits is gone.
            let is_seen = matches!(failure.reason(), FailureReason::LoggedOut);
            assert_eq!(is_seen, question != "update", "{sid:?} {sub:?} {question}");
            assert!(!is_in(&app, &cookies(&visit)).await);
            assert_eq!(sessions(&app, &gate).await, 0, "{sid:?} {sub:?} {question}");
        }
    }
}

#[tokio::test]
async fn a_log_out_that_is_given_up_is_done_all_the_same() {
    let gate = Gate::default();
    let mut app = app(&gate).await;
    let at = |app: &Login, cookies: &str| app.miracl.visit(&request("/", cookies));

    let here = logged_in(&mut app).await;
    let visit = at(&app, &here);
    gate.give_up_at(&app, "delete", visit.logout()).await;
    assert!(!is_in(&app, &here).await, "log-out");

    let (here, there) = (logged_in(&mut app).await, logged_in(&mut app).await);
    let visit = at(&app, &here);
    gate.give_up_at(&app, "delete", visit.end_other_sessions())
        .await;
    assert!(is_in(&app, &here).await && !is_in(&app, &there).await);

    let there = logged_in(&mut app).await;
    let visit = at(&app, &here);
    gate.give_up_at(&app, "delete by subject", visit.logout_everywhere())
        .await;
    assert!(!is_in(&app, &here).await && !is_in(&app, &there).await);

    for (question, sid, sub) in [
        ("delete by sid", Some("one"), None),
        ("list", None, Some("alice")),
        ("delete", None, Some("alice")),
        ("delete", Some("one"), Some("alice")),
    ] {
        app.wait(Duration::from_secs(1));
        let (here, there) = (logged_in(&mut app).await, logged_in(&mut app).await);
        let told = post_logout_token(&app, sid, sub);
        gate.give_up_at(&app, question, told).await;
        let left = [is_in(&app, &here).await, is_in(&app, &there).await];
        assert_eq!(left, [false; 2], "{question} {sid:?} {sub:?}");
    }

    app.wait(Duration::from_secs(1));
    let here = logged_in(&mut app).await;
    gate.give_up_at(&app, "delete by sid", load_frame(&app))
        .await;
    assert!(!is_in(&app, &here).await, "front channel");
}

#[tokio::test]
async fn a_frame_ends_a_session_from_before_a_restart_among_made_up_ones() {
    let mut app = begin_with(Provider::start().await, LoginOptions::default(), |_| {}).await;
    let here = logged_in(&mut app).await;
    app.miracl = crate::Miracl::new(app.miracl.config().clone()).unwrap();
    app.wait(app.miracl.config().session_idle_timeout / 2);
    assert!(is_in(&app, &here).await);
    let until = crate::session::ended::until::Until::by_clock(app.now() * 1000);
    for number in 0..10_050_u32 {
        let mut sid = IndexKey([0xff; 16]);
        sid.0[..4].copy_from_slice(&number.to_le_bytes());
        let marks = &app.miracl.engine().sessions.marks;
        marks.end_sid_unproven(sid, until, false).await.unwrap();
    }
    load_frame(&app).await;
    assert!(!is_in(&app, &here).await);
}
