//! What each fault does to the parameters of a callback.

use std::collections::BTreeMap;

use miracl_platform::Fault;
use url::Url;

use crate::app::{EMAIL, PIN, authorize_url, certs, claims, start};
use crate::verify::{candidates, verifies};

/// Parameters of the callback under a fault, in alphabetical order. Values that differ from login to login are
/// replaced by their name.
pub(crate) fn in_callbacks() -> Vec<(Fault, &'static str)> {
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
