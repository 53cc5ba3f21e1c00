//! What each fault does to an answer or a callback, and that all faults are tested.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use miracl_platform::{Fault, HUGE, Platform, SLOW};
use serde_json::{Value, json};
use url::Url;

use crate::app::{
    CALLBACK, EMAIL, PIN, VERIFIER, authorize_url, certs, claims, log_in, params, start,
};
use crate::http::{self, Answer};
use crate::refresh::offline;
use crate::verify::{candidates, header, verifies};
use crate::{degrees, id_token_faults, key_faults, logout};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Discovery,
    Token,
    Certs,
    Userinfo,
    Refresh,
}

impl Place {
    const ALL: [Self; 5] = [
        Self::Discovery,
        Self::Token,
        Self::Certs,
        Self::Userinfo,
        Self::Refresh,
    ];
}

/// What comes back.
#[derive(Debug)]
enum Seen {
    /// This status, and a body that begins so.
    Answer(u16, &'static str),
    /// The honest answer with this member changed or gone.
    Member(&'static str, Option<Value>),
    /// The honest answer, and much more of it.
    Huge,
    /// The honest answer, late.
    Late,
    /// A redirect to the honest answer.
    Redirect(u16),
    /// A connection that ends.
    End,
    /// Nothing, for longer than anything honest takes.
    Nothing,
}

fn in_answers() -> Vec<(Fault, Place, Seen)> {
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

/// Parameters of the callback under a fault, in alphabetical order, with values of every login
/// written by their name.
fn in_callbacks() -> Vec<(Fault, &'static str)> {
    vec![
        (
            Fault::CallbackWrongState,
            "code=CODE iss=ISSUER state=another-state",
        ),
        (Fault::CallbackWithoutState, "code=CODE iss=ISSUER"),
        (
            Fault::CallbackDuplicateState,
            "code=CODE iss=ISSUER state=STATE state=STATE",
        ),
        (
            Fault::CallbackWrongIssuer,
            "code=CODE iss=https://issuer.example state=STATE",
        ),
        (Fault::CallbackWithoutIssuer, "code=CODE state=STATE"),
        (
            Fault::CallbackDuplicateIssuer,
            "code=CODE iss=ISSUER iss=ISSUER state=STATE",
        ),
        (Fault::CallbackWithoutCode, "iss=ISSUER state=STATE"),
        (
            Fault::CallbackDuplicateCode,
            "code=CODE code=CODE iss=ISSUER state=STATE",
        ),
        (
            Fault::CallbackErrorAndCode,
            "code=CODE error=access_denied iss=ISSUER state=STATE",
        ),
        (
            Fault::CallbackWithTokens,
            "access_token=TOKEN code=CODE id_token=TOKEN iss=ISSUER state=STATE",
        ),
        (
            Fault::CallbackLoginRequired,
            "error=login_required iss=ISSUER state=STATE",
        ),
        (
            Fault::CallbackServerError,
            "error=server_error iss=ISSUER state=STATE",
        ),
        (
            Fault::CallbackErrorWithoutIssuer,
            "error=access_denied state=STATE",
        ),
    ]
}

/// Faults that have a test of their own below.
const ALONE: &[Fault] = &[
    Fault::AccessTokenExpired,
    Fault::UserinfoWithoutEmail,
    Fault::UserinfoSigned,
    Fault::UserinfoSignedOtherIssuer,
    Fault::UserinfoSignedOtherAudience,
    Fault::UserinfoSignedBadSignature,
    Fault::UserinfoSignedUnsigned,
];

#[test]
fn every_fault_is_tested() {
    let mut tested: Vec<Fault> = Vec::new();
    tested.extend(in_answers().iter().map(|(fault, ..)| *fault));
    tested.extend(in_callbacks().iter().map(|(fault, _)| *fault));
    tested.extend(ALONE);
    tested.extend(degrees::TESTED);
    tested.extend(id_token_faults::in_claims().iter().map(|(fault, _)| *fault));
    tested.extend(
        id_token_faults::in_refreshed_claims()
            .iter()
            .map(|(fault, _)| *fault),
    );
    tested.extend(id_token_faults::IN_FORM);
    tested.extend(key_faults::TESTED);
    tested.extend(logout::in_claims().iter().map(|(fault, _)| *fault));
    tested.extend(logout::TESTED);
    for fault in Fault::ALL {
        let times = tested.iter().filter(|other| *other == fault).count();
        assert_eq!(times, 1, "{}", fault.name());
    }
    let different: HashSet<_> = tested.into_iter().collect();
    assert_eq!(different.len(), Fault::ALL.len());
}

/// A request with everything right.
struct Ask {
    url: String,
    bearer: Option<String>,
    form: Option<Vec<(&'static str, String)>>,
}

impl Ask {
    /// Prepares a request. What it needs is got before, honestly.
    async fn new(platform: &Platform, place: Place) -> Self {
        let at = |path: &str| format!("{}{path}", platform.issuer());
        let secret = |form: &[(&'static str, &str)]| {
            let mut form: Vec<_> = form.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
            form.push(("client_id", "app".to_owned()));
            form.push(("client_secret", "s3cret".to_owned()));
            Some(form)
        };
        let (url, bearer, form) = match place {
            Place::Discovery => (at("/.well-known/openid-configuration"), None, None),
            Place::Certs => (at("/oidc/certs"), None, None),
            Place::Token => {
                let code = params(&log_in(platform).await)["code"].clone();
                let form = secret(&[
                    ("grant_type", "authorization_code"),
                    ("code", &code),
                    ("redirect_uri", CALLBACK),
                    ("code_verifier", VERIFIER),
                ]);
                (at("/oidc/token"), None, form)
            }
            Place::Refresh => {
                let tokens = offline(platform).await;
                let form = secret(&[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
                ]);
                (at("/oidc/token"), None, form)
            }
            Place::Userinfo => {
                let tokens = Self::new_boxed(platform, Place::Token).await.send().await;
                let token = tokens.unwrap().json()["access_token"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                (at("/oidc/userinfo"), Some(format!("Bearer {token}")), None)
            }
        };
        Self { url, bearer, form }
    }

    async fn new_boxed(platform: &Platform, place: Place) -> Self {
        Box::pin(Self::new(platform, place)).await
    }

    async fn send(&self) -> Option<Answer> {
        self.send_to(&self.url).await
    }

    async fn send_to(&self, url: &str) -> Option<Answer> {
        let headers: Vec<_> = self
            .bearer
            .iter()
            .map(|it| ("authorization", it.as_str()))
            .collect();
        match &self.form {
            None => http::try_send("GET", url, &headers, "").await,
            Some(form) => {
                let form: Vec<_> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
                http::try_post(url, &headers, &form).await
            }
        }
    }
}

/// Writes what differs from login to login by its type.
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
        // What uses nothing up can be asked for again.
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
    // Longer than anything honest takes on a busy machine, and far shorter than for ever.
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
            // Cut out as text: to read so much JSON takes seconds.
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

#[tokio::test]
async fn a_fault_in_a_callback_changes_the_parameters_it_says() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (fault, expected) in in_callbacks() {
        platform.set_fault(Some(fault));
        let url = authorize_url(&platform, &[]);
        let callback = platform.log_in(&url, EMAIL, PIN).await.unwrap();
        platform.set_fault(None);
        let callback = Url::parse(&callback).unwrap();
        let mut found: Vec<_> = callback
            .query_pairs()
            .map(|(name, value)| match (name.as_ref(), value.as_ref()) {
                ("iss", value) if value == platform.issuer() => "iss=ISSUER".to_owned(),
                ("state", "st&te") => "state=STATE".to_owned(),
                ("code", _) => "code=CODE".to_owned(),
                ("id_token" | "access_token", _) => format!("{name}=TOKEN"),
                _ => format!("{name}={value}"),
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found.join(" "), expected, "{}", fault.name());

        if fault == Fault::CallbackWithTokens {
            let pairs: BTreeMap<_, _> = callback.query_pairs().collect();
            let token = &pairs["id_token"];
            assert_eq!(claims(token)["nonce"], "n0nce");
            assert!(verifies(candidates(&keys, token)[0], token));
        }
        if fault == Fault::CallbackDuplicateCode {
            let codes: Vec<_> = callback
                .query_pairs()
                .filter(|(name, _)| name == "code")
                .collect();
            assert_eq!(codes[0], codes[1]);
        }
    }
}

#[tokio::test]
async fn faults_of_callbacks_reach_forms_too() {
    let platform = start().await;
    platform.set_fault(Some(Fault::CallbackWrongState));
    let url = authorize_url(&platform, &[("response_mode", "form_post")]);
    let callback = platform.log_in_callback(&url, EMAIL, PIN).await.unwrap();
    let state = ("state".to_owned(), "another-state".to_owned());
    assert!(callback.form.unwrap().contains(&state));
}

#[tokio::test]
async fn an_access_token_may_be_dead_on_arrival_and_an_address_may_be_missing() {
    let platform = start().await;
    let ask = Ask::new(&platform, Place::Userinfo).await;
    platform.set_fault(Some(Fault::UserinfoWithoutEmail));
    assert_eq!(ask.send().await.unwrap().json(), json!({ "sub": EMAIL }));
    platform.set_fault(None);
    assert_eq!(ask.send().await.unwrap().status, 200);
    platform.set_fault(Some(Fault::AccessTokenExpired));
    assert_eq!(ask.send().await.unwrap().status, 401);
}

#[tokio::test]
async fn signed_user_info_is_wrong_in_one_point() {
    let platform = start().await;
    let keys = certs(&platform).await;
    let ask = Ask::new(&platform, Place::Userinfo).await;
    let honest = json!({
        "iss": platform.issuer(), "aud": "app",
        "sub": EMAIL, "email": EMAIL, "email_verified": true,
    });
    for (fault, change, is_signed) in [
        (Fault::UserinfoSigned, None, true),
        (
            Fault::UserinfoSignedOtherIssuer,
            Some(("iss", "https://issuer.example")),
            true,
        ),
        (
            Fault::UserinfoSignedOtherAudience,
            Some(("aud", "another-client")),
            true,
        ),
        (Fault::UserinfoSignedBadSignature, None, false),
        (Fault::UserinfoSignedUnsigned, None, false),
    ] {
        platform.set_fault(Some(fault));
        let answer = ask.send().await.unwrap();
        let name = fault.name();
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/jwt"),
            "{name}"
        );
        let mut expected = honest.clone();
        if let Some((claim, value)) = change {
            expected[claim] = json!(value);
        }
        assert_eq!(claims(&answer.body), expected, "{name}");
        if fault == Fault::UserinfoSignedUnsigned {
            assert_eq!(header(&answer.body)["alg"], "none");
            assert!(answer.body.ends_with('.'));
        } else {
            let key = candidates(&keys, &answer.body)[0];
            assert_eq!(verifies(key, &answer.body), is_signed, "{name}");
        }
    }
}

#[tokio::test]
async fn several_faults_at_once_are_all_there_and_go_away_together() {
    let platform = start().await;
    let token = Ask::new(&platform, Place::Token).await;
    let discovery = Ask::new(&platform, Place::Discovery).await;
    platform.set_faults([
        Fault::DiscoveryNoContent,
        Fault::TokenWithoutExpiresIn,
        Fault::IdTokenWrongAudience,
        Fault::IdTokenHmacWithSecret,
    ]);
    assert_eq!(discovery.send().await.unwrap().status, 204);
    let tokens = token.send().await.unwrap().json();
    assert_eq!(tokens.get("expires_in"), None);
    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(claims(id_token)["aud"], "another-client");
    assert_eq!(header(id_token)["alg"], "HS256");
    platform.set_faults([]);
    assert_eq!(discovery.send().await.unwrap().status, 200);
}
