//! Faults of the access token and of user info that need a test of their own.

use miracl_platform::Fault;
use serde_json::json;

use crate::app::{EMAIL, certs, claims, start};
use crate::ask::{Ask, Place};
use crate::verify::{candidates, header, verifies};

/// The faults that the tests of this file show.
pub(crate) const TESTED: &[Fault] = &[
    Fault::AccessTokenExpired,
    Fault::UserinfoWithoutEmail,
    Fault::UserinfoSigned,
    Fault::UserinfoSignedOtherIssuer,
    Fault::UserinfoSignedOtherAudience,
    Fault::UserinfoSignedBadSignature,
    Fault::UserinfoSignedUnsigned,
];

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
