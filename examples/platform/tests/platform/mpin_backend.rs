//! What apps and their back ends ask of M-Pin: signatures, service accounts, the audit log and revocation.

use miracl_platform::{MpinClient, Permission, Project, ServiceAccount};
use serde_json::{Value, json};

use crate::app::{claims, start};
use crate::http;
use crate::mpin::{PIN, USER, code, registered};
use crate::verify::is_signed_by_keys_at;

#[tokio::test]
async fn a_signature_is_certified_and_a_changed_one_is_not() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let bob = registered(&client, "bob@example.com").await;
    client
        .log_in(&mut ann, PIN, "dvs-auth", None)
        .await
        .unwrap();
    let time = 1_700_000_000;
    let signed = MpinClient::sign(&ann, PIN, b"document", time).unwrap();
    let verify = async |signature: &Value, time: u64| {
        let body = json!({ "signature": signature, "timestamp": time, "type": "verification" });
        client
            .call_as_app("app", "s3cret", "/dvs/verify", &body)
            .await
    };
    let answer = verify(&signed, time).await.unwrap();
    let certificate = answer["certificate"].as_str().unwrap();
    let content = claims(certificate);
    assert_eq!(content["hash"], signed["hash"]);
    assert_eq!(
        content["exp"].as_u64().unwrap() - content["cAt"].as_u64().unwrap(),
        10
    );
    let keys = format!("{}/dvs/jwks", platform.issuer());
    assert!(is_signed_by_keys_at(&keys, certificate).await);

    let others = MpinClient::sign(&bob, PIN, b"document", time).unwrap();
    for name in ["u", "v", "mpinId", "publicKey"] {
        let mut changed = signed.clone();
        changed[name] = others[name].clone();
        assert_eq!(
            code(verify(&changed, time).await),
            "INVALID_SIGNATURE",
            "{name}"
        );
    }
    let mut changed = signed.clone();
    changed["hash"] = json!("00");
    assert_eq!(code(verify(&changed, time).await), "INVALID_SIGNATURE");
    for other in [time - 1, time + 1, 0] {
        assert_eq!(code(verify(&signed, other).await), "INVALID_SIGNATURE");
    }
    let wrong_pin = MpinClient::sign(&ann, "0000", b"document", time).unwrap();
    assert_eq!(code(verify(&wrong_pin, time).await), "INVALID_SIGNATURE");
    // That counted nowhere.
    client
        .log_in(&mut ann, PIN, "dvs-auth", None)
        .await
        .unwrap();
    let body = json!({ "signature": signed, "timestamp": time });
    assert_eq!(
        code(client.call("/dvs/verify", &body).await),
        "UNAUTHORIZED"
    );
}

#[tokio::test]
async fn a_session_takes_a_sha_256_and_a_description_that_can_be_read_and_nothing_else() {
    let platform = start().await;
    let client = platform.mpin_client();
    let (hash, long) = ("ab".repeat(32), "x".repeat(1025));
    let (short, longer, lines) = (&hash[2..], format!("{hash}00"), "\n".repeat(21));
    for (name, value) in [
        ("hash", "ab"),
        ("hash", short),
        ("hash", &longer),
        ("hash", &hash.replace('a', "g")),
        ("description", &long),
        ("description", &lines),
        ("description", "a\u{202e}b"),
        ("description", "a\u{2028}b"),
        ("description", "a\u{e0041}b"),
        ("description", "a\u{3164}b"),
        ("description", "a\tb"),
    ] {
        let mut body =
            json!({ "projectId": platform.project_id(), "hash": hash, "description": "Pay\n1 €" });
        client.call("/rps/v2/session", &body).await.unwrap();
        body[name] = json!(value);
        let refused = client.call("/rps/v2/session", &body).await;
        assert_eq!(
            code(refused),
            "INVALID_REQUEST_PARAMETERS",
            "{name} {value:?}"
        );
    }
}

#[tokio::test]
async fn a_page_learns_the_signature_that_another_device_made() {
    let platform = start().await;
    let client = platform.mpin_client();
    let ann = registered(&client, USER).await;
    let body = json!({
        "projectId": platform.project_id(), "userId": USER, "hash": "aB".repeat(32), "description": "Pay",
    });
    let session = client.call("/rps/v2/session", &body).await.unwrap();
    let wid = &session["accessId"];
    let seen = json!({ "wid": wid, "status": "wid" });
    let about = client.call("/rps/v2/codeStatus", &seen).await.unwrap();
    assert_eq!(
        (&about["hash"], &about["description"]),
        (&json!("ab".repeat(32)), &json!("Pay"))
    );
    assert_eq!(
        (&about["prerollId"], &about["pinLength"]),
        (&json!(USER), &json!(4))
    );
    let signature = |message: &[u8]| {
        let mut signed = MpinClient::sign(&ann, PIN, message, 1_700_000_000).unwrap();
        signed["timestamp"] = json!(1_700_000_000);
        let encoded = base64_simd::STANDARD.encode_to_string(signed.to_string());
        json!({ "wid": wid, "status": "signed", "userId": USER, "signature": encoded })
    };
    let other = client
        .call("/rps/v2/codeStatus", &signature(b"other"))
        .await;
    assert_eq!(code(other), "INVALID_REQUEST_PARAMETERS");
    let good = signature(&[0xab; 32]);
    client.call("/rps/v2/codeStatus", &good).await.unwrap();
    let access = json!({ "webOTT": session["webOTT"] });
    let answer = client.call("/rps/v2/access", &access).await.unwrap();
    assert_eq!(
        (&answer["status"], &answer["signature"]),
        (&json!("signed"), &good["signature"])
    );
}

#[tokio::test]
async fn a_service_account_does_what_it_may_while_it_is_active() {
    let platform = start().await;
    let client = platform.mpin_client();
    let (mut account, token) = ServiceAccount::new("backend", [Permission::Verification]);
    let bearer = format!("Bearer {token}");
    let url = format!("{}/verification", platform.issuer());
    let soon = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        + 60;
    let ask = async |expiration: Value| {
        let body = json!({
            "userId": USER, "delivery": "no", "projectId": platform.project_id(), "expiration": expiration,
        });
        let body = body.to_string();
        http::try_send("POST", &url, &[("authorization", &bearer)], &body)
            .await
            .unwrap()
    };
    let set = |account: &ServiceAccount| {
        platform.set_project(Project {
            service_accounts: vec![account.clone()],
            ..Project::default()
        });
    };
    assert_eq!(ask(json!(soon)).await.status, 401);
    set(&account);
    for expiration in [json!(soon), json!(soon.to_string()), Value::Null] {
        let answer = ask(expiration).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let link = answer.json()["verificationURL"]
            .as_str()
            .unwrap()
            .to_owned();
        let token = client.confirm(&link).await.unwrap();
        client.register(USER, &token, PIN).await.unwrap();
    }
    for past in [json!(1), json!("x"), json!(soon * 2)] {
        assert_eq!(ask(past).await.status, 400);
    }
    account.active = false;
    set(&account);
    assert_eq!(ask(Value::Null).await.status, 401);
    account.active = true;
    account.permissions = vec![Permission::Audit];
    set(&account);
    assert_eq!(ask(Value::Null).await.status, 403);
}

#[tokio::test]
async fn the_back_end_reads_the_audit_log_and_revokes_a_device() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    client.log_in(&mut ann, PIN, "jwt", None).await.unwrap();
    let _ = client.log_in(&mut ann, "0000", "jwt", None).await;
    let mut second = registered(&client, USER).await;
    let base = format!(
        "{}/api/v1/projects/{}",
        platform.issuer(),
        platform.project_id()
    );
    let basic = base64_simd::STANDARD.encode_to_string("app:s3cret");
    let basic = [("authorization", format!("Basic {basic}"))];
    let basic = [("authorization", basic[0].1.as_str())];
    let list = async |query: &str| {
        let answer = http::get(&format!("{base}/audit{query}"), &basic).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let all = list("").await;
    let statuses: Vec<_> = all["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["eventStatus"])
        .collect();
    let expected = [
        "registration_success",
        "authenticate_fail",
        "authenticate_success",
        "registration_success",
    ];
    assert_eq!(statuses, expected);
    assert_eq!(
        (&all["total"], &all["list"][0]["userID"]),
        (&json!(4), &json!(USER))
    );
    let page = list(&format!("?offset=1&limit=2&userId={USER}")).await;
    assert_eq!(
        (&page["total"], page["list"].as_array().unwrap().len()),
        (&json!(4), 2)
    );
    assert_eq!(
        list(&format!("?mpinId={}", ann.mpin_id())).await["total"],
        3
    );
    assert_eq!(list("?fromDate=2999-01-01T00:00:00Z").await["total"], 0);
    assert_eq!(
        http::get(&format!("{base}/audit?fromDate=x"), &basic)
            .await
            .status,
        400
    );
    assert_eq!(http::get(&format!("{base}/audit"), &[]).await.status, 401);

    let hash = all["list"][3]["mpinID"].as_str().unwrap();
    for id in [ann.mpin_id(), hash] {
        let url = format!("{base}/mpinids/{id}/revocation");
        let answer = http::try_send("POST", &url, &basic, r#"{"reason":"lost"}"#)
            .await
            .unwrap();
        assert_eq!(
            answer.json(),
            json!({ "hashMPinID": hash, "reason": "lost" })
        );
    }
    assert_eq!(
        code(client.log_in(&mut ann, PIN, "jwt", None).await),
        "REVOKED_MPINID"
    );
    client.log_in(&mut second, PIN, "jwt", None).await.unwrap();
    let url = format!("{base}/mpinids/00/revocation");
    assert_eq!(
        http::try_send("POST", &url, &basic, "{}")
            .await
            .unwrap()
            .status,
        404
    );
    let url = url.replace(platform.project_id(), "other");
    assert_eq!(
        http::try_send("POST", &url, &basic, "{}")
            .await
            .unwrap()
            .status,
        400
    );
}
