//! What each fault does to an answer, and that it leaves the other answers alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use miracl_platform::{Fault, HUGE, SLOW};
use serde_json::{Value, json};
use url::Url;

use crate::app::{certs, start};
use crate::ask::{Ask, Place};

/// What a fault makes of an answer.
#[derive(Debug)]
pub(crate) enum Seen {
    /// This status, and a body that begins like this.
    Answer(u16, &'static str),
    /// The honest answer, with this member changed or removed.
    Member(&'static str, Option<Value>),
    /// The honest answer, and much more of it.
    Huge,
    /// The honest answer, late.
    Late,
    /// A redirect to the honest answer.
    Redirect(u16),
    /// A connection that is closed.
    End,
    /// Nothing, for longer than any honest answer takes.
    Nothing,
}

pub(crate) fn in_answers() -> Vec<(Fault, Place, Seen)> {
    use Place::{Certs, Discovery, Refresh, Token, Userinfo};
    use Seen::{Answer, End, Huge, Late, Member, Nothing, Redirect};

    const BROKEN: Seen = Answer(500, "something broke");
    const HTML: Seen = Answer(200, "<!doctype html>");
    const LIST: Seen = Answer(200, "[");
    const EMPTY: Seen = Answer(204, "");
    let error = |status, error| Answer(status, error);
    vec![
        (Fault::DiscoveryServerError, Discovery, BROKEN),
        (Fault::DiscoveryNotJson, Discovery, HTML),
        (Fault::DiscoveryArray, Discovery, LIST),
        (Fault::DiscoveryNoContent, Discovery, EMPTY),
        (Fault::DiscoveryHuge, Discovery, Huge),
        (Fault::DiscoveryHangs, Discovery, Nothing),
        (Fault::DiscoverySlow, Discovery, Late),
        (Fault::DiscoveryRefused, Discovery, End),
        (Fault::DiscoveryRedirects, Discovery, Redirect(302)),
        (
            Fault::DiscoveryWrongIssuer,
            Discovery,
            Member("issuer", Some(json!("https://issuer.example"))),
        ),
        (
            Fault::DiscoveryHttpEndpoint,
            Discovery,
            Member("token_endpoint", Some(json!("http://issuer.example/token"))),
        ),
        (
            Fault::DiscoveryErrorWithOk,
            Discovery,
            error(200, r#"{"error":"not_found""#),
        ),
        (
            Fault::DiscoveryWithoutTokenEndpoint,
            Discovery,
            Member("token_endpoint", None),
        ),
        (
            Fault::DiscoveryWithoutJwksUri,
            Discovery,
            Member("jwks_uri", None),
        ),
        (
            Fault::DiscoveryAlgorithmsNull,
            Discovery,
            Member("id_token_signing_alg_values_supported", Some(Value::Null)),
        ),
        (
            Fault::DiscoveryIssText,
            Discovery,
            Member(
                "authorization_response_iss_parameter_supported",
                Some(json!("true")),
            ),
        ),
        (
            Fault::DiscoveryRelativeLogout,
            Discovery,
            Member("end_session_endpoint", Some(json!("/oidc/logout"))),
        ),
        (
            Fault::TokenInvalidGrant,
            Token,
            error(400, r#"{"error":"invalid_grant""#),
        ),
        (
            Fault::TokenInvalidClient,
            Token,
            error(401, r#"{"error":"invalid_client""#),
        ),
        (
            Fault::TokenErrorWithOk,
            Token,
            error(200, r#"{"error":"incorrect_client_credentials""#),
        ),
        (
            Fault::TokenCreated,
            Token,
            Answer(201, r#"{"access_token":"#),
        ),
        (
            Fault::TokenScopeArray,
            Token,
            Member("scope", Some(json!(["openid", "email"]))),
        ),
        (Fault::TokenServerError, Token, BROKEN),
        (Fault::TokenNotJson, Token, HTML),
        (Fault::TokenArray, Token, LIST),
        (Fault::TokenNoContent, Token, EMPTY),
        (Fault::TokenHuge, Token, Huge),
        (Fault::TokenHangs, Token, Nothing),
        (Fault::TokenSlow, Token, Late),
        (Fault::TokenRefused, Token, End),
        (Fault::TokenRedirects, Token, Redirect(307)),
        (
            Fault::TokenWithoutAccessToken,
            Token,
            Member("access_token", None),
        ),
        (Fault::TokenWithoutIdToken, Token, Member("id_token", None)),
        (
            Fault::TokenWithoutExpiresIn,
            Token,
            Member("expires_in", None),
        ),
        (
            Fault::TokenExpiresAtOnce,
            Token,
            Member("expires_in", Some(json!(0))),
        ),
        (
            Fault::TokenOddTokenType,
            Token,
            Member("token_type", Some(json!("bEARER"))),
        ),
        (
            Fault::TokenWrongTokenType,
            Token,
            Member("token_type", Some(json!("mac"))),
        ),
        (
            Fault::TokenWithoutTokenType,
            Token,
            Member("token_type", None),
        ),
        (Fault::CertsServerError, Certs, BROKEN),
        (Fault::CertsNotJson, Certs, HTML),
        (Fault::CertsNoContent, Certs, EMPTY),
        (
            Fault::CertsErrorWithOk,
            Certs,
            error(200, r#"{"error":"not_found""#),
        ),
        (Fault::CertsHuge, Certs, Huge),
        (Fault::CertsHangs, Certs, Nothing),
        (Fault::CertsRefused, Certs, End),
        (Fault::CertsRedirects, Certs, Redirect(302)),
        (
            Fault::UserinfoUnauthorizedJson,
            Userinfo,
            error(401, r#"{"error":"invalid_token""#),
        ),
        (Fault::UserinfoUnauthorizedEmpty, Userinfo, error(401, "")),
        (
            Fault::UserinfoErrorWithOk,
            Userinfo,
            error(200, r#"{"error":"invalid_token""#),
        ),
        (Fault::UserinfoServerError, Userinfo, BROKEN),
        (Fault::UserinfoNotJson, Userinfo, HTML),
        (Fault::UserinfoNoContent, Userinfo, EMPTY),
        (Fault::UserinfoArray, Userinfo, LIST),
        (Fault::UserinfoEmptyObject, Userinfo, Answer(200, "{}")),
        (Fault::UserinfoHuge, Userinfo, Huge),
        (Fault::UserinfoHangs, Userinfo, Nothing),
        (Fault::UserinfoSlow, Userinfo, Late),
        (Fault::UserinfoRefused, Userinfo, End),
        (Fault::UserinfoRedirects, Userinfo, Redirect(307)),
        (
            Fault::UserinfoEmailNotVerified,
            Userinfo,
            Member("email_verified", Some(json!(false))),
        ),
        (Fault::UserinfoWithoutSub, Userinfo, Member("sub", None)),
        (
            Fault::UserinfoSubNumber,
            Userinfo,
            Member("sub", Some(json!(42))),
        ),
        (
            Fault::UserinfoOtherSub,
            Userinfo,
            Member("sub", Some(json!("mallory@example.com"))),
        ),
        (
            Fault::RefreshInvalidGrant,
            Refresh,
            error(400, r#"{"error":"invalid_grant""#),
        ),
        (
            Fault::RefreshInvalidGrantWithOk,
            Refresh,
            error(200, r#"{"error":"invalid_grant""#),
        ),
        (Fault::RefreshServerError, Refresh, BROKEN),
        (
            Fault::RefreshWithoutIdToken,
            Refresh,
            Member("id_token", None),
        ),
        (
            Fault::RefreshWithoutRotation,
            Refresh,
            Member("refresh_token", None),
        ),
    ]
}

/// Replaces the values that differ from login to login by their type.
fn plain(mut answer: Value) -> Value {
    for name in ["access_token", "id_token", "refresh_token"] {
        if answer[name].is_string() {
            answer[name] = json!("some token");
        }
    }
    answer
}

#[tokio::test]
async fn a_fault_in_an_answer_does_what_it_says_and_leaves_the_others_alone() {
    let platform = start().await;
    let (mut honest, mut repeatable) = (HashMap::new(), HashMap::new());
    for place in Place::ALL {
        let ask = Ask::new(&platform, place).await;
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status, 200, "{place:?}: {answer:?}");
        honest.insert(place, plain(answer.json()));
        // A request that uses nothing up can be sent again.
        if ask.form.is_none() {
            repeatable.insert(place, ask);
        }
    }
    for (fault, place, seen) in in_answers() {
        let name = fault.name();
        let prepared;
        let ask = match repeatable.get(&place) {
            Some(ask) => ask,
            None => {
                prepared = Ask::new(&platform, place).await;
                &prepared
            }
        };
        platform.set_fault(Some(fault));
        judge(ask, &honest[&place], &seen, name).await;
        if place != Place::Discovery {
            let found = repeatable[&Place::Discovery].send().await.unwrap();
            assert_eq!(found.json(), honest[&Place::Discovery], "{name}");
        }
        if place != Place::Certs {
            assert_eq!(certs(&platform).await, honest[&Place::Certs], "{name}");
        }
        platform.set_fault(None);
    }
}

async fn judge(ask: &Ask, honest: &Value, seen: &Seen, name: &str) {
    // Longer than any honest answer takes on a busy machine, and far shorter than for ever.
    let patience = if matches!(seen, Seen::Nothing) {
        Duration::from_millis(300)
    } else {
        Duration::from_secs(20)
    };
    let begun = Instant::now();
    let sent = tokio::time::timeout(patience, ask.send()).await;
    match seen {
        Seen::Nothing => assert!(sent.is_err(), "{name}: answered"),
        Seen::End => assert!(sent.unwrap().is_none(), "{name}: answered"),
        Seen::Answer(status, start) => {
            let answer = sent.unwrap().unwrap();
            assert_eq!(answer.status, *status, "{name}");
            assert!(answer.body.starts_with(start), "{name}: {answer:?}");
            assert!(
                !start.is_empty() || answer.body.is_empty(),
                "{name}: {answer:?}"
            );
        }
        Seen::Member(member, value) => {
            let answer = sent.unwrap().unwrap();
            assert_eq!(answer.status, 200, "{name}");
            let mut expected = honest.clone();
            let object = expected.as_object_mut().unwrap();
            let before = match value {
                Some(value) => object.insert((*member).to_owned(), value.clone()),
                None => object.remove(*member),
            };
            assert_ne!(before, *value, "{name}: that is honest");
            assert_eq!(plain(answer.json()), expected, "{name}");
        }
        Seen::Huge => {
            let answer = sent.unwrap().unwrap();
            // Cut out as text, because reading so much JSON takes seconds.
            let padding = format!(r#""padding":"{}""#, "x".repeat(HUGE));
            let rest = answer.body.replacen(&padding, r#""padding":null"#, 1);
            assert!(rest.len() < answer.body.len(), "{name}: that is not huge");
            let mut rest: Value = serde_json::from_str(&rest).unwrap();
            rest.as_object_mut().unwrap().remove("padding");
            assert_eq!(plain(rest), *honest, "{name}");
        }
        Seen::Late => {
            let answer = sent.unwrap().unwrap();
            assert!(begun.elapsed() >= SLOW, "{name}");
            assert_eq!(plain(answer.json()), *honest, "{name}");
        }
        Seen::Redirect(status) => {
            let answer = sent.unwrap().unwrap();
            assert_eq!(answer.status, *status, "{name}");
            let there = Url::parse(&ask.url).unwrap();
            let there = there.join(answer.header("location").unwrap()).unwrap();
            assert!(there.path().starts_with("/elsewhere/"), "{name}: {there}");
            let answer = ask.send_to(there.as_str()).await.unwrap();
            assert_eq!(plain(answer.json()), *honest, "{name}");
        }
    }
}
