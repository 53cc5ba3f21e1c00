//! Log-out that reaches every app, through the back channel and the front channel.

use std::time::{Duration, Instant};

use miracl_platform::{Client, LogOut, Platform, StartError};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::app::{CALLBACK, EMAIL, PIN, authorize_url, claims, exchange, log_in, params, start};
use crate::http;
use crate::told_app::{App, FRAME, register};

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
    let page = http::get(&at(login), &cookie).await;
    let access_id = page.body.split_once("data-access-id=\"").unwrap().1;
    let access_id = access_id.split('"').next();
    let client = platform.mpin_client();
    let link = json!({ "userId": EMAIL, "delivery": "no" });
    let link = client
        .call_as_app("app", "s3cret", "/verification", &link)
        .await;
    let link = link.unwrap()["verificationURL"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = client.confirm(&link).await.unwrap();
    let mut person = client.register(EMAIL, &token, PIN).await.unwrap();
    client
        .log_in(&mut person, PIN, "oidc", access_id)
        .await
        .unwrap();
    let finished = http::post(&at(&format!("{login}/finish")), &cookie, &[]).await;
    assert_eq!(finished.status, 303, "{finished:?}");
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
async fn the_page_does_not_list_the_app_that_asked() {
    let platform = start().await;
    let app = App::start(&[200, 200, 400]).await;
    register(&platform, "app", |client| {
        client.name = "Demo".to_owned();
        client.backchannel_logout_uri = Some(app.uri.clone());
    });
    let told = |page: &str| page.contains("class=\"told\"") || page.contains("class=\"untold\"");
    let page = signed_out(&platform, &[]).await;
    assert!(told(&page.body), "{}", page.body);
    assert!(page.body.contains("<h1>You are logged out.</h1>"));
    // An answer that was told, and one that was not.
    for _ in ["told", "untold"] {
        let page = signed_out(&platform, &[("client_id", "app")]).await;
        assert!(!told(&page.body), "{}", page.body);
        assert!(page.body.contains("href=\"/\""), "there is a way on");
    }
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
