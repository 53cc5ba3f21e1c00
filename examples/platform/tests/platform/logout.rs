//! Log-out that reaches every app, through the back channel and the front channel.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use miracl_platform::{Client, Fault, LogOut, Platform, SigningAlgorithm, StartError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::Url;

use crate::app::{
    CALLBACK, EMAIL, PIN, authorize_url, certs, claims, exchange, log_in, params, start,
};
use crate::http;
use crate::verify::{candidates, header, verifies};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const FRAME: &str = "http://127.0.0.1:5000/frontchannel-logout";

/// A claim under a fault. What differs from token to token is written as in [`plain`].
type Claim = (&'static str, Option<Value>);

/// Faults of a token that is well signed, with what they change.
pub(crate) fn in_claims() -> Vec<(Fault, Vec<Claim>)> {
    let one = |fault, name, value| (fault, vec![(name, value)]);
    vec![
        one(Fault::LogoutTokenWithoutEvents, "events", None),
        one(
            Fault::LogoutTokenWrongEvent,
            "events",
            Some(
                json!({ "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {} }),
            ),
        ),
        one(Fault::LogoutTokenWithNonce, "nonce", Some(json!("a-nonce"))),
        one(Fault::LogoutTokenNonceNull, "nonce", Some(Value::Null)),
        one(
            Fault::LogoutTokenWrongAudience,
            "aud",
            Some(json!("another-client")),
        ),
        one(
            Fault::LogoutTokenWrongIssuer,
            "iss",
            Some(json!("https://issuer.example")),
        ),
        (
            Fault::LogoutTokenWithoutSubAndSid,
            vec![("sub", None), ("sid", None)],
        ),
        one(Fault::LogoutTokenSubOnly, "sid", None),
        one(Fault::LogoutTokenSidOnly, "sub", None),
        one(Fault::LogoutTokenWithoutJti, "jti", None),
        one(Fault::LogoutTokenWithoutIat, "iat", None),
        one(Fault::LogoutTokenWithoutExp, "exp", None),
        (
            Fault::LogoutTokenExpired,
            vec![
                ("iat", Some(json!("-120 min"))),
                ("exp", Some(json!("-60 min"))),
            ],
        ),
        one(Fault::LogoutTokenStale, "iat", Some(json!("-60 min"))),
    ]
}

/// Faults that have a test of their own below.
pub(crate) const TESTED: &[Fault] = &[
    Fault::LogoutTokenUnsigned,
    Fault::LogoutTokenOtherAlgorithm,
    Fault::LogoutTokenBadSignature,
    Fault::LogoutTokenWithoutType,
    Fault::LogoutTokenTypeJwt,
    Fault::LogoutTokenSentTwice,
];

/// An app that answers requests with one status after the other, and with the last one for ever. An answer of 0
/// never comes.
struct App {
    uri: String,
    posts: mpsc::UnboundedReceiver<String>,
}

impl App {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/logout?x=1", listener.local_addr().unwrap());
        let (seen, posts) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut open = Vec::new();
            let mut statuses = statuses.iter().peekable();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = String::new();
                while !is_whole(&request) {
                    let mut bytes = [0; 4096];
                    let read = stream.read(&mut bytes).await.unwrap();
                    assert_ne!(read, 0, "the request breaks off: {request}");
                    request += std::str::from_utf8(&bytes[..read]).unwrap();
                }
                seen.send(request).unwrap();
                let status = **statuses.peek().unwrap();
                if statuses.len() > 1 {
                    statuses.next();
                }
                if status == 0 {
                    open.push(stream);
                    continue;
                }
                // It does not close the connection: nobody may wait for that.
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                open.push(stream);
            }
        });
        Self { uri, posts }
    }

    /// Returns what it has received so far.
    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.posts.try_recv().ok()).collect()
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    length.is_some_and(|length| body.len() == length.parse::<usize>().unwrap())
}

/// Registers the app of [`start`] again, with changes.
fn register(platform: &Platform, id: &str, change: impl FnOnce(&mut Client)) {
    let mut client = Client::new(id, "s3cret", CALLBACK);
    client.post_logout_redirect_uris = vec!["http://127.0.0.1:5000/signed-out".to_owned()];
    change(&mut client);
    platform.add_client(client).unwrap();
}

/// Replaces what differs from token to token by its meaning: times become distances from now.
fn plain(token: &str) -> Value {
    let mut claims = claims(token);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for name in ["iat", "exp"] {
        if let Some(time) = claims[name].as_u64() {
            let minutes = (time as f64 - now as f64) / 60.0;
            claims[name] = json!(format!("{:+} min", minutes.round() + 0.0));
        }
    }
    if claims["jti"].as_str().is_some_and(|jti| jti.len() == 43) {
        claims["jti"] = json!("some id");
    }
    claims
}

fn honest(platform: &Platform) -> Value {
    json!({
        "iss": platform.issuer(), "aud": "app", "sub": EMAIL, "sid": "a session",
        "iat": "+0 min", "exp": "+2 min", "jti": "some id", "events": { EVENT: {} },
    })
}

fn token(platform: &Platform, fault: Option<Fault>) -> String {
    platform.set_fault(fault);
    let token = platform.logout_token("app", EMAIL, "a session").unwrap();
    platform.set_fault(None);
    token
}

#[tokio::test]
async fn a_logout_token_is_signed_as_id_tokens_are_and_used_once() {
    let platform = start().await;
    let keys = certs(&platform).await;
    assert_eq!(platform.logout_token("nobody", EMAIL, "a session"), None);
    for algorithm in SigningAlgorithm::ALL {
        register(&platform, "app", |app| {
            app.id_token_signed_response_alg = *algorithm;
        });
        let (first, second) = (token(&platform, None), token(&platform, None));
        assert_eq!(plain(&first), honest(&platform));
        assert_ne!(claims(&first)["jti"], claims(&second)["jti"]);
        assert_eq!(header(&first)["typ"], "logout+jwt");
        assert_eq!(header(&first)["alg"], algorithm.as_str());
        assert!(verifies(candidates(&keys, &first)[0], &first));
    }
}

#[tokio::test]
async fn an_app_that_requires_no_sid_is_told_of_the_person() {
    let platform = start().await;
    register(&platform, "app", |app| {
        app.backchannel_logout_session_required = false;
    });
    let mut expected = honest(&platform);
    expected.as_object_mut().unwrap().remove("sid");
    assert_eq!(plain(&token(&platform, None)), expected);
    let sid_only = token(&platform, Some(Fault::LogoutTokenSidOnly));
    assert_eq!(claims(&sid_only)["sid"], "a session");
}

#[tokio::test]
async fn a_fault_in_the_claims_of_a_logout_token_changes_what_it_says() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (fault, changes) in in_claims() {
        let token = token(&platform, Some(fault));
        let mut expected = honest(&platform);
        let object = expected.as_object_mut().unwrap();
        for (name, value) in changes {
            match value {
                Some(value) => object.insert(name.to_owned(), value),
                None => object.remove(name),
            };
        }
        assert_eq!(plain(&token), expected, "{}", fault.name());
        assert_eq!(header(&token)["typ"], "logout+jwt", "{}", fault.name());
        assert!(
            verifies(candidates(&keys, &token)[0], &token),
            "{}",
            fault.name()
        );
    }
}

#[tokio::test]
async fn a_fault_around_the_claims_leaves_them_alone() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for (fault, algorithm, kind, is_signed) in [
        (
            Fault::LogoutTokenUnsigned,
            "none",
            Some("logout+jwt"),
            false,
        ),
        (
            Fault::LogoutTokenOtherAlgorithm,
            "ES256",
            Some("logout+jwt"),
            true,
        ),
        (
            Fault::LogoutTokenBadSignature,
            "RS256",
            Some("logout+jwt"),
            false,
        ),
        (Fault::LogoutTokenWithoutType, "RS256", None, true),
        (Fault::LogoutTokenTypeJwt, "RS256", Some("JWT"), true),
    ] {
        let token = token(&platform, Some(fault));
        let name = fault.name();
        assert_eq!(plain(&token), honest(&platform), "{name}");
        assert_eq!(header(&token)["alg"], algorithm, "{name}");
        assert_eq!(header(&token)["typ"].as_str(), kind, "{name}");
        if algorithm == "none" {
            assert!(token.ends_with('.'), "{token}");
        } else {
            let key = candidates(&keys, &token)[0];
            assert_eq!(verifies(key, &token), is_signed, "{name}");
        }
    }
}

#[tokio::test]
async fn log_out_tells_each_app_of_its_own_session_once() {
    let platform = start().await;
    let [mut first, mut second] = [App::start(&[200]).await, App::start(&[204]).await];
    register(&platform, "app", |app| {
        app.backchannel_logout_uri = Some(first.uri.clone());
    });
    register(&platform, "other", |app| {
        app.backchannel_logout_uri = Some(second.uri.clone());
    });
    let callback = log_in(&platform).await;
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let sid = claims(tokens["id_token"].as_str().unwrap())["sid"].clone();
    // In that session, without the PIN.
    let silent = authorize_url(&platform, &[("client_id", "other"), ("prompt", "none")]);
    let silent = platform.log_in(&silent, EMAIL, PIN).await.unwrap();
    assert!(params(&silent).contains_key("code"));

    let done = platform.log_out().await;
    let told: Vec<_> = done
        .back_channel
        .iter()
        .map(|sent| (sent.client_id.as_str(), sent.status))
        .collect();
    assert_eq!(told, [("app", Some(200)), ("other", Some(204))]);
    assert_eq!((done.front_channel.len(), done.untold.len()), (0, 0));
    for (app, sent) in [&mut first, &mut second]
        .into_iter()
        .zip(&done.back_channel)
    {
        assert_eq!(claims(&sent.token)["sid"], sid);
        assert_eq!(claims(&sent.token)["aud"], sent.client_id);
        let seen = app.seen();
        assert_eq!(seen.len(), 1);
        let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /logout?x=1 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("Content-Type: application/x-www-form-urlencoded"));
        assert_eq!(body, format!("logout_token={}", sent.token));
    }
    assert_eq!(platform.log_out().await, LogOut::default());
    let silent = authorize_url(&platform, &[("prompt", "none")]);
    let answer = platform.log_in(&silent, EMAIL, PIN).await.unwrap();
    assert_eq!(params(&answer)["error"], "login_required");
}

#[tokio::test]
async fn a_browser_knows_the_sid_of_its_session_and_has_none_after_log_out() {
    let platform = start().await;
    let browser = platform.browser();
    assert_eq!(browser.sid(), None);
    browser.sign_in(EMAIL).unwrap();
    let silent = authorize_url(&platform, &[("prompt", "none")]);
    let callback = browser.log_in(&silent, EMAIL, PIN).await.unwrap();
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token["sid"], json!(browser.sid()));
    assert!(id_token["sid"].is_string());
    browser.log_out().await;
    assert_eq!(browser.sid(), None);
}

#[tokio::test]
async fn a_log_out_in_one_browser_tells_nothing_of_another() {
    let platform = start().await;
    let mut app = App::start(&[200]).await;
    register(&platform, "app", |client| {
        client.backchannel_logout_uri = Some(app.uri.clone());
    });
    log_in(&platform).await;
    let other = platform.browser();
    assert_eq!(other.log_out().await, LogOut::default());
    assert_eq!(app.seen().len(), 0);
}

#[tokio::test]
async fn a_token_sent_twice_is_the_same_token() {
    let platform = start().await;
    let mut app = App::start(&[200, 400]).await;
    register(&platform, "app", |client| {
        client.backchannel_logout_uri = Some(app.uri.clone());
        client.frontchannel_logout_uri = Some(FRAME.to_owned());
    });
    log_in(&platform).await;
    platform.set_fault(Some(Fault::LogoutTokenSentTwice));
    let done = platform.log_out().await;
    let statuses: Vec<_> = done.back_channel.iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [Some(200), Some(400)]);
    let seen = app.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(done.front_channel.len(), 0, "it was told the first time");
}

#[tokio::test]
async fn apps_that_refuse_or_are_silent_hold_nobody_up() {
    let platform = start().await;
    let (refuses, silent) = (App::start(&[400]).await, App::start(&[0]).await);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}/", gone.local_addr().unwrap());
    drop(gone);
    for (id, uri) in [
        ("app", &refuses.uri),
        ("silent", &silent.uri),
        ("away", &away),
    ] {
        register(&platform, id, |client| {
            client.backchannel_logout_uri = Some(uri.clone());
        });
        let url = authorize_url(&platform, &[("client_id", id)]);
        platform.log_in(&url, EMAIL, PIN).await.unwrap();
    }
    let begun = Instant::now();
    let done = platform.log_out().await;
    // Two seconds for all of them, and some more on a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(10));
    let statuses: Vec<_> = done.back_channel.iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [Some(400), None, None]);
    assert_eq!(done.untold, ["app", "silent", "away"]);
}

/// Signs the platform's own browser out as a person does, and returns the page.
async fn signed_out(platform: &Platform, query: &[(&str, &str)]) -> http::Answer {
    // The platform's own browser shows its cookie to nobody, so a browser of the test logs in.
    let begun = http::get(&authorize_url(platform, &[]), &[]).await;
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let cookie = [("cookie", cookie)];
    let at = |path: &str| format!("{}{path}", platform.issuer());
    let login = begun.header("location").unwrap();
    http::post(
        &at(&format!("{login}/register")),
        &cookie,
        &[("email", EMAIL)],
    )
    .await;
    let inbox = http::get(&at("/inbox"), &cookie).await;
    let (_, confirm) = inbox.body.split_once("href=\"/confirm").unwrap();
    let confirm = format!("/confirm{}", confirm.split('"').next().unwrap());
    http::get(&at(&confirm), &cookie).await;
    for _ in 0..2 {
        http::post(&at(&format!("{login}/pin")), &cookie, &[("pin", PIN)]).await;
    }
    let url = Url::parse_with_params(&at("/oidc/logout"), query).unwrap();
    http::get(url.as_str(), &cookie).await
}

#[tokio::test]
async fn the_page_loads_frames_of_the_apps_that_the_back_channel_did_not_reach() {
    let platform = start().await;
    let refuses = App::start(&[400]).await;
    register(&platform, "app", |app| {
        app.name = "Demo".to_owned();
        app.backchannel_logout_uri = Some(refuses.uri.clone());
        app.frontchannel_logout_uri = Some(FRAME.to_owned());
    });
    let back = "http://127.0.0.1:5000/signed-out";
    let query = [
        ("client_id", "app"),
        ("post_logout_redirect_uri", back),
        ("state", "x"),
    ];
    let page = signed_out(&platform, &query).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-src http://127.0.0.1:5000; "),
        "{policy}"
    );
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let (_, frame) = page.body.split_once("<iframe src=\"").unwrap();
    let frame = frame.split('"').next().unwrap().replace("&#38;", "&");
    let frame = Url::parse(&frame).unwrap();
    assert!(frame.as_str().starts_with(FRAME));
    let pairs: Vec<_> = frame.query_pairs().into_owned().collect();
    assert_eq!(pairs[0], ("iss".to_owned(), platform.issuer().to_owned()));
    assert_eq!((pairs[1].0.as_str(), pairs.len()), ("sid", 2));
    assert!(page.body.contains(&format!("href=\"{back}?state=x\"")));
    assert!(page.body.contains("Going back to Demo"));
    let script = http::get(&format!("{}/signed-out.js", platform.issuer()), &[]).await;
    assert!(script.body.contains("location.replace"));
}

#[tokio::test]
async fn nobody_stops_at_the_page_when_every_app_was_told() {
    let platform = start().await;
    let app = App::start(&[200]).await;
    register(&platform, "app", |client| {
        client.backchannel_logout_uri = Some(app.uri.clone());
        client.frontchannel_logout_uri = Some(FRAME.to_owned());
    });
    let back = "http://127.0.0.1:5000/signed-out";
    let query = [("client_id", "app"), ("post_logout_redirect_uri", back)];
    let answer = signed_out(&platform, &query).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some(back));
    // Without an address to go to, the page says what it did.
    let page = signed_out(&platform, &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("class=\"told\"") && !page.body.contains("<iframe"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("frame-src"), "{policy}");
}

#[tokio::test]
async fn addresses_that_cannot_be_told_are_refused_at_once() {
    let platform = start().await;
    let changes: [fn(&mut Client); 2] = [
        |app| app.backchannel_logout_uri = Some("https://app.example/logout".to_owned()),
        |app| app.frontchannel_logout_uri = Some("http://127.0.0.1:6000/logout".to_owned()),
    ];
    for change in changes {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        change(&mut client);
        let error = platform.add_client(client).unwrap_err();
        assert!(matches!(error, StartError::Client { .. }), "{error}");
    }
}
