//! M-Pin over HTTP: a native client registers, logs in and signs.

use miracl_platform::{
    EmailVerification, MpinClient, MpinError, MpinIdentity, Platform, PlatformConfig, Project,
};
use serde_json::{Value, json};

use crate::app::{CALLBACK, authorize_url, claims, exchange, params, start};
use crate::http;
use crate::verify::{header, is_signed_by_keys_at};

pub(crate) const USER: &str = "ann@example.com";
pub(crate) const PIN: &str = "4321";

/// Sends a mail to the user, and returns how it confirms, and what is in it.
async fn mail(platform: &Platform, client: &MpinClient, changes: Value) -> (String, String) {
    let mut body = json!({
        "userId": USER,
        "projectId": platform.project_id(),
        "deviceName": "Test device",
        "clientId": "app",
        "redirectURI": CALLBACK,
        "scope": ["openid"],
        "state": "st",
        "nonce": "no",
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let answer = client.call("/verification/email", &body).await.unwrap();
    let method = answer["method"].as_str().unwrap().to_owned();
    (method, platform.mail_to(USER)[0].clone())
}

/// Returns an activation token, by an app's own means.
pub(crate) async fn activation_token(client: &MpinClient, user_id: &str) -> String {
    let body = json!({ "userId": user_id, "deviceName": "Test device" });
    let answer = client
        .call_as_app("app", "s3cret", "/activate/initiate", &body)
        .await;
    answer.unwrap()["actToken"].as_str().unwrap().to_owned()
}

pub(crate) async fn registered(client: &MpinClient, user_id: &str) -> MpinIdentity {
    let token = activation_token(client, user_id).await;
    client.register(user_id, &token, PIN).await.unwrap()
}

/// Makes a QuickCode on a registered device.
pub(crate) async fn quick_code(
    platform: &Platform,
    client: &MpinClient,
    identity: &mut MpinIdentity,
) -> String {
    let login = client.log_in(identity, PIN, "reg-code", None).await;
    let jwt = login.unwrap()["jwt"].clone();
    let body = json!({ "projectId": platform.project_id(), "jwt": jwt, "deviceName": "d" });
    let made = client.call("/verification/quickcode", &body).await.unwrap();
    made["code"].as_str().unwrap().to_owned()
}

pub(crate) fn code(result: Result<impl std::fmt::Debug, MpinError>) -> String {
    match result.unwrap_err() {
        MpinError::Refused { status, code, info } => {
            assert!((400..500).contains(&status) && !info.is_empty(), "{code}");
            code
        }
        other => panic!("{other}"),
    }
}

async fn session(platform: &Platform) -> Value {
    let url = authorize_url(platform, &[]);
    let answer = http::try_send("POST", &url, &[], "null").await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_user_registers_by_link_and_logs_in_to_an_app() {
    let platform = start().await;
    let client = platform.mpin_client();
    let (method, link) = mail(&platform, &client, json!({})).await;
    assert_eq!(method, "link");
    let token = client.confirm(&link).await.unwrap();
    assert_eq!(
        code(client.confirm(&link).await),
        "UNSUCCESSFUL_VERIFICATION"
    );
    assert!(platform.mail_to(USER).is_empty(), "it is marked as used");
    let mut ann = client.register(USER, &token, PIN).await.unwrap();
    assert_eq!(
        code(client.register(USER, &token, PIN).await),
        "INVALID_ACTIVATION_TOKEN"
    );

    let session = session(&platform).await;
    let access = json!({ "webOTT": session["webOTT"] });
    let qr_url = session["qrURL"].as_str().unwrap();
    let access_id = qr_url.split_once('#').unwrap().1;
    let before = client.call("/rps/v2/access", &access).await.unwrap();
    assert_eq!(before["status"], "new");
    let login = client
        .log_in(&mut ann, PIN, "oidc", Some(access_id))
        .await
        .unwrap();
    assert_eq!(login["status"], 200);
    let after = client.call("/rps/v2/access", &access).await.unwrap();
    assert_eq!(
        (&after["status"], &after["userId"]),
        (&json!("authenticated"), &json!(USER))
    );
    let callback = after["redirectURL"].as_str().unwrap();
    assert_eq!(params(callback)["state"], "st&te");
    let again = client.call("/rps/v2/access", &access).await.unwrap();
    assert_eq!(
        (&again["status"], &again["redirectURL"]),
        (&json!("expired"), &json!(""))
    );

    let tokens = exchange(&platform, callback, &[]).await.json();
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&id_token["sub"], &id_token["nonce"]),
        (&json!(USER), &json!("n0nce"))
    );
    let repeated = client.log_in(&mut ann, PIN, "oidc", Some(access_id)).await;
    assert_eq!(code(repeated), "INVALID_AUTHENTICATION_SESSION");
}

#[tokio::test]
async fn a_user_registers_by_digits_unless_they_are_registered_elsewhere() {
    let platform = start().await;
    platform.set_project(Project {
        email_verification: EmailVerification::Code,
        pin_length: 6,
        ..Project::default()
    });
    let client = platform.mpin_client();
    let (method, digits) = mail(&platform, &client, json!({})).await;
    assert_eq!((method.as_str(), digits.len()), ("code", 6));
    let backoff = json!({ "userId": USER, "projectId": platform.project_id() });
    assert_eq!(
        code(client.call("/verification/email", &backoff).await),
        "REQUEST_BACKOFF"
    );
    let body = json!({ "userId": "bob@example.com", "code": digits });
    let wrong = client.call("/verification/confirmation", &body).await;
    assert_eq!(code(wrong), "UNSUCCESSFUL_VERIFICATION");
    let body = json!({ "userId": USER, "code": digits });
    let answer = client
        .call("/verification/confirmation", &body)
        .await
        .unwrap();
    assert_eq!(
        (&answer["state"], &answer["nonce"]),
        (&json!("st"), &json!("no"))
    );
    assert_eq!(answer["verificationRedirectUrl"], CALLBACK);
    let token = answer["actToken"].as_str().unwrap();
    let mut ann = client.register(USER, token, "654321").await.unwrap();
    client
        .log_in(&mut ann, "654321", "jwt", None)
        .await
        .unwrap();
    // Another user's id changes nothing for either.
    let bob = registered(&client, "bob@example.com").await;
    let url = format!("{}/rps/v2/session", platform.issuer());
    let id = json!({ "projectId": platform.project_id() }).to_string();
    assert_eq!(
        http::try_send("POST", &url, &[], &id).await.unwrap().status,
        200
    );
    assert_eq!(bob.user_id(), "bob@example.com");
}

#[tokio::test]
async fn new_logins_bring_no_more_mails_and_no_more_guesses_for_an_address() {
    let platform = start().await;
    platform.set_project(Project {
        email_verification: EmailVerification::Code,
        ..Project::default()
    });
    let client = platform.mpin_client();
    let mine = session(&platform).await["accessId"].clone();
    let (_, digits) = mail(&platform, &client, json!({ "accessId": mine })).await;
    for _ in 0..3 {
        let stranger = session(&platform).await["accessId"].clone();
        let body =
            json!({ "userId": USER, "projectId": platform.project_id(), "accessId": stranger });
        let refused = client.call("/verification/email", &body).await;
        assert_eq!(code(refused), "REQUEST_BACKOFF");
    }
    let confirm = async |access_id: &Value, digits: &str| {
        let body = json!({ "userId": USER, "code": digits, "accessId": access_id });
        client.call("/verification/confirmation", &body).await
    };
    let wrong = if digits == "000000" {
        "000001"
    } else {
        "000000"
    };
    // The guesses of a stranger, of whom there are more than one code allows, do not end mine.
    for _ in 0..9 {
        let stranger = session(&platform).await["accessId"].clone();
        let refused = confirm(&stranger, wrong).await;
        assert_eq!(code(refused), "UNSUCCESSFUL_VERIFICATION");
    }
    let confirmed = confirm(&mine, &digits).await.unwrap();
    assert_eq!(confirmed["accessId"], mine);
}

#[tokio::test]
async fn after_ten_wrong_digits_an_address_is_not_confirmed_by_digits() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let digits = quick_code(&platform, &client, &mut ann).await;
    let digits = &*digits;
    let wrong = if digits == "000000" {
        "000001"
    } else {
        "000000"
    };
    // Both ways in count together.
    for number in 0..10 {
        if number % 2 == 0 {
            let refused = client.register(USER, wrong, PIN).await;
            assert_eq!(code(refused), "INVALID_ACTIVATION_TOKEN");
        } else {
            let body = json!({ "userId": USER, "code": wrong });
            let refused = client.call("/verification/confirmation", &body).await;
            assert_eq!(code(refused), "UNSUCCESSFUL_VERIFICATION");
        }
    }
    let late = client.register(USER, digits, PIN).await;
    assert_eq!(code(late), "INVALID_ACTIVATION_TOKEN");
    let body = json!({ "userId": USER, "code": digits });
    let late = client.call("/verification/confirmation", &body).await;
    assert_eq!(code(late), "UNSUCCESSFUL_VERIFICATION");
    // Other means go on.
    registered(&client, USER).await;
}

#[tokio::test]
async fn the_third_wrong_pin_revokes_and_a_right_one_resets() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let mut bob = registered(&client, "bob@example.com").await;
    for pin in ["0000", "0000", PIN, "0000", "0000"] {
        let result = client.log_in(&mut ann, pin, "jwt", None).await;
        match pin {
            PIN => assert!(result.is_ok()),
            _ => assert_eq!(code(result), "UNSUCCESSFUL_AUTHENTICATION"),
        }
    }
    for pin in ["0000", PIN, "0000"] {
        assert_eq!(
            code(client.log_in(&mut ann, pin, "jwt", None).await),
            "REVOKED_MPINID"
        );
    }
    client.log_in(&mut bob, PIN, "jwt", None).await.unwrap();
    // A registration begins anew.
    let mut ann = registered(&client, USER).await;
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
}

#[tokio::test]
async fn the_projects_token_is_signed_for_a_minute_and_for_the_project() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let login = client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    let token = login["jwt"].as_str().unwrap();
    let claims = claims(token);
    assert_eq!(
        (&claims["aud"], &claims["sub"]),
        (&json!(platform.project_id()), &json!(USER))
    );
    assert_eq!(claims["iss"], platform.issuer());
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 60);
    let keys = format!("{}/.well-known/jwks", platform.issuer());
    assert!(is_signed_by_keys_at(&keys, token).await);
    let header = header(token);
    assert_eq!(header["kid"].as_str().unwrap().len(), 12);
    assert_eq!(header["alg"], "RS256");
}

#[tokio::test]
async fn a_quick_code_registers_another_device_once() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let body =
        |jwt: &Value| json!({ "projectId": platform.project_id(), "jwt": jwt, "deviceName": "d" });
    let plain = client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    let refused = client
        .call("/verification/quickcode", &body(&plain["jwt"]))
        .await;
    assert_eq!(code(refused), "INVALID_TOKEN");
    let login = client
        .log_in(&mut ann, PIN, "reg-code", None)
        .await
        .unwrap();
    assert_ne!(
        claims(login["jwt"].as_str().unwrap())["aud"],
        platform.project_id()
    );
    let made = client
        .call("/verification/quickcode", &body(&login["jwt"]))
        .await
        .unwrap();
    let again = client
        .call("/verification/quickcode", &body(&login["jwt"]))
        .await;
    assert_eq!(code(again), "INVALID_TOKEN");
    let quick_code = made["code"].as_str().unwrap();
    assert!(quick_code.len() == 6 && made["ttlSeconds"].as_u64().unwrap() > 0);
    let stranger = client.register("bob@example.com", quick_code, PIN).await;
    assert_eq!(code(stranger), "INVALID_ACTIVATION_TOKEN");
    let mut second = client.register(USER, quick_code, "1111").await.unwrap();
    client
        .log_in(&mut second, "1111", "jwt", None)
        .await
        .unwrap();
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    let used = client.register(USER, quick_code, PIN).await;
    assert_eq!(code(used), "INVALID_ACTIVATION_TOKEN");
    // It can be confirmed like a code from a mail, too.
    let login = client
        .log_in(&mut ann, PIN, "reg-code", None)
        .await
        .unwrap();
    let made = client
        .call("/verification/quickcode", &body(&login["jwt"]))
        .await
        .unwrap();
    let confirm = json!({ "userId": USER, "code": made["code"] });
    let token = client
        .call("/verification/confirmation", &confirm)
        .await
        .unwrap();
    client
        .register(USER, token["actToken"].as_str().unwrap(), PIN)
        .await
        .unwrap();

    let login = client
        .log_in(&mut ann, PIN, "reg-code", None)
        .await
        .unwrap();
    platform.set_project(Project {
        quick_code: false,
        ..Project::default()
    });
    let off = client
        .call("/verification/quickcode", &body(&login["jwt"]))
        .await;
    assert_eq!(code(off), "FORBIDDEN");
}

#[tokio::test]
async fn a_secret_is_renewed_once_where_the_project_says_so() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let old = ann.clone();
    platform.set_project(Project {
        renew_secrets: true,
        ..Project::default()
    });
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    assert_ne!(ann.mpin_id(), old.mpin_id());
    let renewed = ann.clone();
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    assert_eq!(ann.mpin_id(), renewed.mpin_id());
    let late = client.log_in(&mut old.clone(), PIN, "jwt", None).await;
    assert_eq!(code(late), "EXPIRED_MPINID");
}

#[tokio::test]
async fn clients_of_the_old_protocol_register_with_a_key_and_without() {
    let platform = start().await;
    let client = platform.mpin_client();
    for with_key in [false, true] {
        let token = activation_token(&client, USER).await;
        let old = client.register_as_before(USER, &token, PIN, with_key).await;
        let mut old = old.unwrap();
        assert_eq!(old.public_key().is_some(), with_key);
        client.log_in(&mut old, PIN, "jwt", None).await.unwrap();
        let wrong = client.log_in(&mut old, "0000", "jwt", None).await;
        assert_eq!(code(wrong), "UNSUCCESSFUL_AUTHENTICATION");
    }
}

#[tokio::test]
async fn a_registration_survives_a_restart_with_the_same_folder_and_no_other() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = |folder: &tempfile::TempDir| PlatformConfig {
        data_dir: Some(folder.path().to_owned()),
        clients: vec![miracl_platform::Client::new("app", "s3cret", CALLBACK)],
        ..PlatformConfig::default()
    };
    let first = Platform::start(config(&folder)).await.unwrap();
    let project_id = first.project_id().to_owned();
    let mut ann = registered(&first.mpin_client(), USER).await;
    let wrong = first
        .mpin_client()
        .log_in(&mut ann, "0000", "jwt", None)
        .await;
    assert_eq!(code(wrong), "UNSUCCESSFUL_AUTHENTICATION");
    first.shutdown().await;

    let second = Platform::start(config(&folder)).await.unwrap();
    assert_eq!(second.project_id(), project_id);
    let client = second.mpin_client();
    let wrong = client.log_in(&mut ann, "0000", "jwt", None).await;
    assert_eq!(code(wrong), "UNSUCCESSFUL_AUTHENTICATION");
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    second.shutdown().await;
    #[cfg(unix)]
    for file in std::fs::read_dir(folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }

    let third = Platform::start(config(&other)).await.unwrap();
    let lost = third.mpin_client().log_in(&mut ann, PIN, "jwt", None).await;
    assert_eq!(code(lost), "EXPIRED_MPINID");
}
