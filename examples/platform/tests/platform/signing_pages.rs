//! The page where a person signs, read without a browser: it is no open redirect, and no way to log in.

use miracl_platform::{Client, MpinClient, MpinIdentity, Platform};
use serde_json::{Value, json};
use url::Url;

use crate::app::{CALLBACK, params, start};
use crate::http;
use crate::login_pages::{Page, finish, open};
use crate::mpin::{PIN, USER, code, registered};

const HASH: &str = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";

fn sign_url(platform: &Platform, changes: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("hash", HASH),
        ("description", "The <lease>"),
        ("state", "st&te"),
    ];
    for (name, value) in changes {
        parameters.retain(|(other, _)| other != name);
        parameters.push((name, value));
    }
    let url = format!("{}/sign", platform.issuer());
    Url::parse_with_params(&url, parameters).unwrap().into()
}

/// Signs `hash` for a session, as a device does.
async fn sign(
    client: &MpinClient,
    ann: &MpinIdentity,
    access_id: &str,
    hash: &str,
) -> Result<Value, miracl_platform::MpinError> {
    let bytes: Vec<u8> = (0..hash.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hash[at..at + 2], 16).unwrap())
        .collect();
    let mut signature = MpinClient::sign(ann, PIN, &bytes, 1_700_000_000).unwrap();
    signature["timestamp"] = json!(1_700_000_000);
    let signature = base64_simd::STANDARD.encode_to_string(signature.to_string());
    let body =
        json!({ "wid": access_id, "status": "signed", "userId": USER, "signature": signature });
    client.call("/rps/v2/codeStatus", &body).await
}

fn access_id(page: &Page) -> String {
    page.attribute("data-access-id").unwrap()
}

#[tokio::test]
async fn an_app_gets_the_signature_of_its_document_and_the_person_reads_what_it_is() {
    let platform = start().await;
    let client = platform.mpin_client();
    let ann = registered(&client, USER).await;
    for by_qr in [false, true] {
        let page = open(&platform, &sign_url(&platform, &[]), &[]).await;
        for shown in [HASH, "The &#60;lease&#62;", "Demo"] {
            assert!(page.body.contains(shown), "{shown} is not in {}", page.body);
        }
        let id = if by_qr {
            page.qr().unwrap()
        } else {
            access_id(&page)
        };
        let other = HASH.replace('1', "2");
        let wrong = sign(&client, &ann, &id, &other).await;
        assert_eq!(code(wrong), "INVALID_REQUEST_PARAMETERS");
        sign(&client, &ann, &id, HASH).await.unwrap();
        assert_eq!(finish(&platform, &page, "").await.status, 403);
        let answer = finish(&platform, &page, &page.cookies).await;
        let brought = params(answer.header("location").unwrap());
        assert_eq!(brought["state"], "st&te");
        assert!(!brought.contains_key("code"));
        let signature = base64_simd::STANDARD.decode_to_vec(&brought["signature"]);
        let signature: Value = serde_json::from_slice(&signature.unwrap()).unwrap();
        let body = json!({ "timestamp": signature["timestamp"], "signature": signature });
        let verified = client
            .call_as_app("app", "s3cret", "/dvs/verify", &body)
            .await;
        assert!(verified.unwrap()["certificate"].is_string());
    }
}

#[tokio::test]
async fn a_signature_goes_to_a_registered_address_only() {
    let platform = start().await;
    for changes in [
        [("redirect_uri", "https://evil.example/")],
        [("redirect_uri", "http://127.0.0.1:5000/login/../x")],
        [("redirect_uri", "")],
        [("client_id", "nobody")],
        [("client_id", "")],
    ] {
        let answer = http::get(&sign_url(&platform, &changes), &[]).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{changes:?}"
        );
    }
    let twice = format!(
        "{}&redirect_uri=http://evil.example",
        sign_url(&platform, &[])
    );
    assert_eq!(http::get(&twice, &[]).await.status, 400);
    let long = "x".repeat(1025);
    for changes in [
        [("hash", "")],
        [("hash", "00")],
        [("hash", "no hash")],
        [("description", long.as_str())],
        [("description", "a\u{202e}b")],
    ] {
        let answer = http::get(&sign_url(&platform, &changes), &[]).await;
        let brought = params(answer.header("location").unwrap());
        assert_eq!(brought["error"], "invalid_request", "{changes:?}");
        assert_eq!(brought["state"], "st&te");
    }
}

#[tokio::test]
async fn nobody_logs_in_to_a_signature_or_signs_a_login() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let page = open(&platform, &sign_url(&platform, &[]), &[]).await;
    for id in [access_id(&page), page.qr().unwrap()] {
        let login = client.log_in(&mut ann, PIN, "oidc", Some(&id)).await;
        assert_eq!(code(login), "INVALID_AUTHENTICATION_SESSION");
    }
    let early = finish(&platform, &page, &page.cookies).await;
    assert_eq!(early.header("location"), Some(page.path.as_str()));

    let url = crate::app::authorize_url(&platform, &[]);
    let login = open(&platform, &url, &[]).await;
    let signed = sign(&client, &ann, &access_id(&login), HASH).await;
    assert_eq!(code(signed), "INVALID_REQUEST_PARAMETERS");
}

#[tokio::test]
async fn without_qr_login_no_other_device_signs_for_a_page() {
    let platform = start().await;
    let mut app = Client::new("only-browser", "s3cret", CALLBACK);
    app.qr_login = false;
    platform.add_client(app).unwrap();
    let client = platform.mpin_client();
    let ann = registered(&client, USER).await;
    let url = sign_url(&platform, &[("client_id", "only-browser")]);
    let page = open(&platform, &url, &[]).await;
    let signed = sign(&client, &ann, &access_id(&page), HASH).await;
    assert_eq!(code(signed), "INVALID_AUTHENTICATION_SESSION");
    // Nothing has happened yet.
    let early = finish(&platform, &page, &page.cookies).await;
    assert_eq!(early.header("location"), Some(page.path.as_str()));
}

#[tokio::test]
async fn a_person_who_does_not_sign_goes_back_with_an_error() {
    let platform = start().await;
    let page = open(&platform, &sign_url(&platform, &[]), &[]).await;
    let cancel = format!("{}{}/cancel", platform.issuer(), page.path);
    let answer = http::post(&cancel, &[("cookie", &page.cookies)], &[]).await;
    let brought = params(answer.header("location").unwrap());
    assert_eq!(
        (brought["error"].as_str(), brought["state"].as_str()),
        ("access_denied", "st&te")
    );
}
