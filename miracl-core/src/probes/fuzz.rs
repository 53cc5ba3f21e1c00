//! What the fuzz targets of `tests/fuzz` run: every parser that reads something from outside, with what must hold for
//! any input.
//!
//! They are here because the parsers are private. Only a fuzzer's build and the tests contain them; the tests run these
//! functions on the fuzzer's seeds and on changed copies. Each function returns whether it accepted its input.

use std::{
    borrow::Cow,
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
    time::{Duration, UNIX_EPOCH},
};

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use url::{Position, Url, form_urlencoded};

use crate::{
    Answer, Category, Clock, Config, CookieKey, FailureReason, LogoutTokenRules, Miracl, Reply,
    RequestView, Route,
    base::{json, loopback},
    flow::backchannel,
    jose::{
        algorithm::SigningAlgorithm,
        jws::Unverified,
        keys::{KeySet, SignatureCheck},
    },
    provider::{
        discovery::document::MetadataDocument,
        http::{body, response::Response},
        id_token::{IdToken, expected::ExpectedIdToken},
        issuers::Issuers,
        logout_token::{ExpectedLogoutToken, LogoutToken},
        token_response::TokenResponse,
        userinfo,
    },
    receipt::Recorder,
    web::return_to::ReturnTo,
};

/// A function that takes an input, and panics if it finds something wrong.
pub type Target = fn(&[u8]) -> bool;

/// Every target, by the name it has in `tests/fuzz`.
pub const TARGETS: &[(&str, Target)] = &[
    ("return_to", return_to),
    ("request", request),
    ("id_token", id_token),
    ("logout_token", logout_token),
    ("jwks", jwks),
    ("json", json),
    ("answers", answers),
    ("body", body),
];

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "http://127.0.0.1:1";
const ORIGIN: &str = "http://127.0.0.1:5000";
const LOGIN_START: &str = "/login/start";

const ALGORITHMS: &[SigningAlgorithm] = {
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    &[
        RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA,
    ]
};

/// The engine of an app, and a value that it sealed for a browser.
struct App {
    miracl: Miracl,
    flash: String,
}

static APP: LazyLock<App> = LazyLock::new(|| {
    let config = Config {
        issuer: ISSUER.into(),
        client_id: "client".into(),
        client_secret: "secret".into(),
        redirect_uri: format!("{ORIGIN}/login"),
        cookie_keys: vec![CookieKey::generate()],
        clock: Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(NOW)),
        ..Config::default()
    };
    let miracl = Miracl::new(config).expect("a good configuration");
    let visit = miracl.visit(&Request::parse(b"GET /"));
    visit.flash(Category::Info, "hello");
    let line = visit.finish().set_cookies.remove(0);
    let flash = line.split(['=', ';']).nth(1).expect("a value").to_owned();
    App { miracl, flash }
});

/// Parses a place to return to, as a parameter and as a header.
///
/// # Panics
///
/// If it accepts one that leads elsewhere, or changes it when it is parsed again.
pub fn return_to(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let origin = Url::parse(ORIGIN).expect("a URL");
    let own = ["/login", LOGIN_START, "/logout"];
    let parse = |text: &str| ReturnTo::parse(text, &origin, &own).map(ReturnTo::into_string);
    let from_parameter = parse(&text);
    let from_header = ReturnTo::from_url(&text, &origin, &own).map(ReturnTo::into_string);
    for path in [&from_parameter, &from_header].into_iter().flatten() {
        assert_stays_here(path);
        assert_eq!(parse(path).as_ref(), Some(path));
    }
    from_parameter.is_some() || from_header.is_some()
}

/// Handles a request: its first line, then one header per line. `{flash}` stands for a value that the app sealed.
///
/// # Panics
///
/// If a stranger is logged in, if a value opens that the app did not seal, or if a response has an invalid header or
/// leads elsewhere.
pub fn request(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let sealed = text.contains("{flash}");
    let request = if sealed {
        Request::parse(text.replace("{flash}", &APP.flash).as_bytes())
    } else {
        Request::parse(data)
    };
    let miracl = &APP.miracl;
    let checked = miracl.check_origin(&request);
    let reads = matches!(request.method.as_str(), "GET" | "HEAD") && !request.is_upgrade();
    assert!(checked.is_ok() || !reads);
    for reply in [miracl.challenge(&request), miracl.unavailable(&request)] {
        assert_is_an_answer(&reply);
    }
    let visit = miracl.visit(&request);
    assert!(matches!(now(visit.user()), Ok(None)));
    let flashes = now(visit.take_flashes());
    assert!(flashes.is_empty() || sealed);
    let target = request.path_and_query();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let failure = now(visit.complete_login(query)).expect_err("no login was begun");
    assert!(
        matches!(
            failure.reason(),
            FailureReason::StateMissing
                | FailureReason::StateUnknown
                | FailureReason::SettingsDiffer(_)
                | FailureReason::LoginDamaged
                | FailureReason::OtherHost { .. }
                | FailureReason::DuplicateParameter { .. }
                | FailureReason::ResponseTooLarge
        ),
        "{failure:?}"
    );
    assert_is_an_answer(&miracl.failure_page(&failure));
    for route in [Route::Logout, Route::FrontChannelLogout, Route::SignedOut] {
        // A log-out asks the provider where its own is, and there is none.
        if request.method == "POST" && matches!(route, Route::Logout) {
            continue;
        }
        match now(visit.answer(route, &request, Some(b""))) {
            Answer::Reply(reply) => assert!(!reply.headers.is_empty()),
            other => panic!("{route:?} ended nobody's session: {other:?}"),
        }
    }
    let changes_nothing = request.method == "HEAD";
    let outcome = visit.finish();
    assert!(!changes_nothing || outcome.set_cookies.is_empty());
    for line in outcome.set_cookies {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    !flashes.is_empty()
}

/// Verifies a compact JWS, or one whose header, payload and signature stand on a line each before they are encoded.
///
/// # Panics
///
/// If a signature is accepted, or a token whose claims are not those that were expected.
pub fn id_token(data: &[u8]) -> bool {
    let whole = verify(String::from_utf8_lossy(data).trim());
    verify(&compact(data)) || whole
}

/// Verifies a logout token: in the form of its request, or in one of the two forms that [`id_token`] reads.
///
/// # Panics
///
/// If it accepts a token that could be an ID token, or one that passes strict rules but not lenient ones.
pub fn logout_token(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let in_form = backchannel::logout_token(Some(data)).is_ok_and(|token| verify_logout(&token));
    let whole = verify_logout(text.trim());
    verify_logout(&compact(data)) || whole || in_form
}

/// Parses a key set, and checks meaningless signatures of every algorithm with it.
///
/// # Panics
///
/// If any of its keys accepts one of them.
pub fn jwks(data: &[u8]) -> bool {
    let Ok(keys) = KeySet::parse(data) else {
        return false;
    };
    let mut fits = false;
    for &algorithm in ALGORITHMS {
        for signature in [&[][..], &[0; 64], &[0xff; 96], &[1; 256]] {
            let checked = keys.verify(None, algorithm, b"message", signature, &|_| true);
            assert_ne!(
                checked,
                SignatureCheck::Valid,
                "{algorithm:?} {signature:?}"
            );
            fits |= checked == SignatureCheck::Invalid;
        }
    }
    fits
}

/// Parses JSON strictly.
///
/// # Panics
///
/// If the result differs from that of an ordinary parser.
pub fn json(data: &[u8]) -> bool {
    let ordinary = serde_json::from_slice::<Map<String, Value>>(data);
    let (strict, lenient) = (json::in_token(data), json::object(data));
    if let Ok(strict) = &strict {
        let mut ordinary = ordinary.expect("an object");
        ordinary.retain(|_, value| !value.is_null());
        assert_eq!(strict, &ordinary);
        assert_eq!(lenient.as_ref(), Ok(strict));
        let again = serde_json::to_vec(strict).expect("JSON");
        assert!(json::in_token(&again).is_ok());
    } else if let Ok(ordinary) = ordinary {
        // The only thing that it is stricter about.
        for read in [&strict, &lenient] {
            let twice = |error: &String| error.starts_with("JSON with") && error.ends_with("twice");
            assert!(read.as_ref().err().is_none_or(twice), "{read:?}");
        }
        for name in lenient.iter().flat_map(Map::keys) {
            assert!(ordinary.contains_key(name));
        }
    } else {
        assert!(lenient.is_err());
    }
    strict.is_ok()
}

/// Parses a response of the token endpoint, and a discovery document.
///
/// # Panics
///
/// If it accepts an empty token, another issuer, or an endpoint without encryption.
pub fn answers(data: &[u8]) -> bool {
    let answer = |status| Response {
        status,
        media_type: "application/json".to_owned(),
        body: data.to_vec(),
    };
    let tokens = TokenResponse::parse(&answer(200), NOW);
    if let Ok(tokens) = &tokens {
        assert!(!tokens.access_token.is_empty());
        assert!(tokens.expires_at.is_none_or(|at| at >= NOW));
    }
    let refused = TokenResponse::parse(&answer(400), NOW).expect_err("no success");
    assert!(!refused.to_string().contains(char::is_control));
    let metadata = MetadataDocument::new(APP.miracl.config()).read(&answer(200), false);
    if let Ok(metadata) = &metadata {
        assert_eq!(metadata.issuer.trim_end_matches('/'), ISSUER);
        for endpoint in [&metadata.token_endpoint, &metadata.jwks_uri] {
            let url = Url::parse(endpoint).expect("a URL");
            assert!(loopback::is_secure(&url), "{url}");
        }
        assert!(!metadata.signing_algorithms().is_empty());
    }
    tokens.is_ok() || metadata.is_ok()
}

/// Decodes the body of a provider's response. The coding and the character set stand on a line each before its bytes.
///
/// # Panics
///
/// If the result is longer than the limit, or is not UTF-8.
pub fn body(data: &[u8]) -> bool {
    const MAX: usize = 64 * 1024;
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (coding, charset) = (line(), line());
    let codings: Vec<String> = coding.split_whitespace().map(str::to_owned).collect();
    let body = lines.next().unwrap_or_default();
    let plain = body::plain(body.to_vec(), &codings, Some(&charset), MAX);
    if let Ok(plain) = &plain {
        assert!(plain.len() <= MAX);
        assert!(std::str::from_utf8(plain).is_ok());
    }
    plain.is_ok()
}

/// Encodes three lines as a JWS.
fn compact(data: &[u8]) -> String {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let encoded =
        [(); 3].map(|()| URL_SAFE_NO_PAD.encode_to_string(lines.next().unwrap_or_default()));
    encoded.join(".")
}

/// Checks a logout token as if its signature were valid.
fn verify_logout(raw: &str) -> bool {
    let Ok(token) = Unverified::parse(raw, ALGORITHMS) else {
        return false;
    };
    let [lenient, default, strict] = [
        LogoutTokenRules::Lenient,
        LogoutTokenRules::default(),
        LogoutTokenRules::Strict,
    ]
    .map(|rules| {
        let expected = ExpectedLogoutToken {
            issuers: Issuers::One(ISSUER),
            client_id: "client",
            trusted_audiences: &[],
            rules,
            now: NOW,
            skew: 60,
        };
        LogoutToken::verify(&token, SignatureCheck::Invalid, &expected).expect_err("not signed");
        LogoutToken::verify(&token, SignatureCheck::Valid, &expected).is_ok()
    });
    assert!(lenient >= default && default >= strict);
    assert!(
        !lenient || !verify(raw),
        "a logout token is an ID token: {raw}"
    );
    lenient
}

/// Parses a token, and checks its claims as if its signature were valid.
fn verify(raw: &str) -> bool {
    let Ok(token) = Unverified::parse(raw, ALGORITHMS) else {
        return false;
    };
    assert_ne!(token.check_signature(&KEYS), SignatureCheck::Valid, "{raw}");
    let userinfo = userinfo::signed_claims(
        &token,
        SignatureCheck::Valid,
        Issuers::One(ISSUER),
        "client",
        NOW,
    );
    if let Ok(claims) = userinfo {
        assert!(claims.get("iss").is_none_or(|iss| iss == ISSUER));
    }
    let expected = ExpectedIdToken {
        issuers: Issuers::One(ISSUER),
        client_id: "client",
        trusted_audiences: &[],
        nonce: Some("nonce"),
        access_token: "token",
        max_age: Some(600),
        asks_every_time: false,
        acr_values: None,
        now: NOW,
        skew: Duration::from_secs(60),
    };
    let verified = IdToken::verify(
        &token,
        SignatureCheck::Valid,
        &expected,
        &mut Recorder::new(),
    );
    let Ok(verified) = verified else { return false };
    let claims = &verified.claims;
    let number = |claim: &str| claims[claim].as_f64().expect("a number");
    let (now, skew) = (1_800_000_000.0, 60.0);
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["nonce"], "nonce");
    assert!(claims["aud"] == "client" || claims["aud"].as_array().is_some());
    assert!(number("exp") + skew > now && number("iat") <= now + skew + 1.0);
    assert!(number("auth_time") >= now - 600.0 - skew);
    assert!((1..=255).contains(&verified.subject.len()) && verified.subject.is_ascii());
    assert_eq!(claims["sub"], verified.subject.as_str());
    true
}

/// Public keys whose private halves are unknown here (RFC 7517 §A.1).
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let keys = include_bytes!("../../../tests/fuzz/seeds/jwks/rfc7517.json");
    KeySet::parse(keys).expect("keys")
});

/// Asserts that a browser that is sent to this path stays in the app.
fn assert_stays_here(path: &str) {
    assert!(path.starts_with('/') && !path.starts_with("//"), "{path:?}");
    assert!(path.len() <= 512, "{path:?}");
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    let page = Url::parse(ORIGIN).and_then(|origin| origin.join("/a/b?c=d#e"));
    let url = page.and_then(|page| page.join(path)).expect("a URL");
    assert_eq!(&url[..Position::BeforePath], ORIGIN, "{path:?}");
    assert_eq!(&url[Position::BeforePath..], path);
}

/// Asserts what must hold for every response.
fn assert_is_an_answer(reply: &Reply) {
    // Turbo renders only a page of 200, and by this word not even that.
    let reloads = reply.body.contains("turbo-visit-control") && reply.status == 200;
    let refuses = (303..600).contains(&reply.status);
    assert!(refuses || reloads, "{}", reply.status);
    for (name, value) in &reply.headers {
        assert!(!value.contains(char::is_control), "{name}: {value:?}");
        if matches!(*name, "location" | "hx-redirect") {
            let url = Url::parse(value).expect("a URL");
            assert_eq!(
                &url[..Position::AfterPath],
                format!("{ORIGIN}{LOGIN_START}")
            );
            for (name, value) in form_urlencoded::parse(url.query().unwrap_or_default().as_bytes())
            {
                assert_eq!(name, "return_to");
                assert_stays_here(&value);
            }
        }
    }
}

/// Runs a future that needs no network and is therefore ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

/// A request in the form of text.
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    fn parse(data: &[u8]) -> Self {
        let mut lines = data.split(|byte| *byte == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let (method, target) = first.split_once(' ').unwrap_or(("GET", &first));
        let headers = lines
            .filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
                Some((name, line[colon + 1..].trim_ascii().to_vec()))
            })
            .collect();
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
        }
    }
}

impl RequestView for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path_and_query(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.target)
    }

    fn host(&self) -> Option<&str> {
        let value = self.header_values("host").next()?;
        std::str::from_utf8(value).ok()
    }

    fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers.filter_map(move |(found, value)| (found == name).then_some(value.as_slice()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
