//! Which logins a third party may begin, and where they may lead.

use serde_json::json;
use url::form_urlencoded;

use super::*;
use crate::{
    LoginOptions,
    flow::{
        callback::tests::{Login, begin, begin_with, request},
        login::tests::begun,
    },
    probes::provider::Provider,
    web::reply::Reply,
};

/// Answers the route, of an app whose hook changes nothing.
async fn initiate_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    parameters: Option<&[u8]>,
) -> Result<Reply, AuthFailure> {
    begun(
        exchange,
        super::initiate_login(exchange, request, parameters).await,
    )
    .await
}

/// What an initiation with these parameters asks for.
fn read(login: &Login, parameters: &[(&str, &str)]) -> Result<LoginOptions, FailureReason> {
    let parameters = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let visit = login.miracl.visit(&request("/login/initiate", ""));
    initiation(
        visit.exchange(),
        Some(parameters.as_bytes()),
        &mut Recorder::new(),
    )
}

#[tokio::test]
async fn an_initiation_names_our_own_provider() {
    let login = begin().await;
    let issuer = &*login.provider.issuer;
    assert!(read(&login, &[("iss", issuer)]).is_ok());
    for parameters in [
        &[][..],
        &[("iss", "")],
        &[("iss", "https://other.example")],
        &[("iss", &format!("{issuer}/"))],
        &[("target_link_uri", "/members")],
    ] {
        let found = read(&login, parameters);
        assert!(
            matches!(found, Err(FailureReason::InitiationIssuer { .. })),
            "{parameters:?}"
        );
    }
}

#[tokio::test]
async fn an_issuer_counts_as_the_metadata_spells_it_too() {
    let provider = Provider::start().await;
    let mut document = provider.document();
    let spelt = format!("{}/", provider.issuer);
    document["issuer"] = json!(spelt);
    provider.publish(&document);
    let login = begin_with(provider, LoginOptions::default(), |_| {}).await;
    assert!(read(&login, &[("iss", &spelt)]).is_ok());
    assert!(read(&login, &[("iss", &login.provider.issuer)]).is_ok());
    assert!(read(&login, &[("iss", "https://other.example")]).is_err());
}

#[tokio::test]
async fn an_initiation_leads_to_a_page_of_this_site_or_nowhere() {
    let login = begin().await;
    let of = |target: &str| {
        let iss = ("iss", &*login.provider.issuer);
        read(&login, &[iss, ("target_link_uri", target)]).map(|options| options.return_to)
    };
    for (target, path) in [
        (
            "http://127.0.0.1:5000/members?page=2",
            Some("/members?page=2"),
        ),
        ("/members", Some("/members")),
        ("", None),
        // Pages of ours that nobody can be sent back to.
        ("http://127.0.0.1:5000/login", None),
        ("http://127.0.0.1:5000/logout", None),
    ] {
        assert_eq!(of(target).unwrap().as_deref(), path, "{target}");
    }
    for target in [
        "https://evil.example/",
        "http://127.0.0.1:5001/members",
        "https://127.0.0.1:5000/members",
        "//evil.example",
        "javascript:alert(1)",
        "members",
    ] {
        assert!(
            matches!(of(target), Err(FailureReason::InitiationTarget)),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_hint_is_passed_on_and_an_empty_one_is_none() {
    let login = begin().await;
    let iss = ("iss", &*login.provider.issuer);
    let hint = |hint| {
        read(&login, &[iss, ("login_hint", hint)])
            .unwrap()
            .login_hint
    };
    assert_eq!(hint("a@b").as_deref(), Some("a@b"));
    assert_eq!(hint(""), None);
}

#[tokio::test]
async fn each_parameter_may_be_there_once_and_a_body_must_have_been_read() {
    let login = begin().await;
    for name in ["iss", "target_link_uri", "login_hint"] {
        let found = read(&login, &[(name, "a"), (name, "a")]);
        let twice = matches!(found, Err(FailureReason::DuplicateParameter { name: found }) if found == name);
        assert!(twice, "{name}");
    }
    let visit = login.miracl.visit(&request("/login/initiate", ""));
    let unread = initiation(visit.exchange(), None, &mut Recorder::new());
    assert!(matches!(unread, Err(FailureReason::ResponseTooLarge)));
}

#[tokio::test]
async fn an_initiation_begins_a_login_and_a_prefetch_of_it_nothing() {
    let login = begin().await;
    let query = format!("iss={}&login_hint=a", login.provider.issuer);
    let path = format!("/login/initiate?{query}");
    let here = request(&path, "");
    let visit = login.miracl.visit(&here);
    let reply = initiate_login(visit.exchange(), &here, Some(query.as_bytes()))
        .await
        .unwrap();
    assert_eq!(reply.status, 303);
    let location = &reply.headers[0].1;
    assert!(
        location.contains("/authorize?") && location.contains("login_hint=a"),
        "{location}"
    );
    assert_eq!(visit.finish().set_cookies.len(), 1);

    let visit = login.miracl.visit(&here);
    let failure = initiate_login(visit.exchange(), &here, Some(b"iss=x"))
        .await
        .unwrap_err();
    assert_eq!(failure.status(), 400);
    assert!(visit.finish().set_cookies.is_empty());

    let prefetch = request(&path, "").with("sec-purpose", "prefetch");
    let visit = login.miracl.visit(&prefetch);
    let reply = initiate_login(visit.exchange(), &prefetch, Some(query.as_bytes()))
        .await
        .unwrap();
    assert_eq!(reply.status, 503);
    assert!(visit.finish().set_cookies.is_empty());
}

#[tokio::test]
async fn what_a_third_party_asks_for_has_a_length() {
    let login = begin().await;
    let issuer = &*login.provider.issuer;
    let long = format!("http://127.0.0.1:5000/{}", "x".repeat(2048));
    let target = read(&login, &[("iss", issuer), ("target_link_uri", &long)]);
    let named = |name| FailureReason::ParameterTooLong { name };
    let is = |reason: &FailureReason, name| reason.to_string() == named(name).to_string();
    assert!(is(&target.unwrap_err(), "target_link_uri"));
    // Longer than a path to return to, and a page of ours.
    let longer = format!("http://127.0.0.1:5000/{}", "x".repeat(1000));
    let target = read(&login, &[("iss", issuer), ("target_link_uri", &longer)]);
    assert_eq!(target.unwrap().return_to, None);
    for (len, fits) in [(512, true), (513, false)] {
        let query = format!("iss={issuer}&login_hint={}", "x".repeat(len));
        let here = request("/login/initiate", "");
        let visit = login.miracl.visit(&here);
        match initiate_login(visit.exchange(), &here, Some(query.as_bytes())).await {
            Ok(_) => assert!(fits),
            Err(failure) => assert!(!fits && is(failure.reason(), "login_hint")),
        }
        assert_eq!(visit.finish().set_cookies.len(), usize::from(fits));
    }
}
