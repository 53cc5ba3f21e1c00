//! What each fault does to the key set, and to the verification of a token.

use miracl_platform::{Client, Fault, Platform, SigningAlgorithm};
use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::app::{CALLBACK, EMAIL, certs, claims, exchange, log_in, start};
use crate::verify::{candidates, header, member, segment, verifies};

/// Faults that have a test here.
pub(crate) const TESTED: &[Fault] = &[
    Fault::CertsEmpty,
    Fault::CertsDecoys,
    Fault::CertsDuplicateKid,
    Fault::CertsSeveralKeys,
    Fault::CertsWithoutKid,
    Fault::CertsNullMembers,
    Fault::CertsUnreadable,
    Fault::CertsOtherIssuer,
    Fault::CertsWeakKey,
    Fault::CertsRotatedBeforeSigning,
    Fault::IdTokenWithoutKidSeveralKeys,
];

/// Logs in under faults, and returns the ID token and the keys as they are then.
async fn log_in_under(platform: &Platform, faults: &[Fault]) -> (String, Value) {
    let callback = log_in(platform).await;
    platform.set_faults(faults.iter().copied());
    let tokens = exchange(platform, &callback, &[]).await.json();
    let keys = certs(platform).await;
    platform.set_fault(None);
    (tokens["id_token"].as_str().unwrap().to_owned(), keys)
}

fn keys(set: &Value) -> &[Value] {
    set["keys"].as_array().unwrap()
}

#[tokio::test]
async fn an_empty_set_has_no_keys() {
    let platform = start().await;
    let (_, set) = log_in_under(&platform, &[Fault::CertsEmpty]).await;
    assert!(keys(&set).is_empty());
}

#[tokio::test]
async fn decoys_stand_before_the_key_and_only_all_of_its_members_tell_it() {
    let platform = start().await;
    for algorithm in SigningAlgorithm::ALL {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = *algorithm;
        platform.add_client(client).unwrap();
        let (token, set) = log_in_under(&platform, &[Fault::CertsDecoys]).await;
        let kid = &header(&token)["kid"];
        let namesakes: Vec<_> = keys(&set).iter().filter(|key| key["kid"] == *kid).collect();
        let (real, decoys) = namesakes.split_last().unwrap();
        assert_eq!(decoys.len(), 4);
        assert_eq!(candidates(&set, &token), [*real], "{algorithm:?}");
        assert!(verifies(real, &token), "{algorithm:?}");
        assert!(decoys.iter().any(|key| key["kty"] == "oct"));
        assert!(
            decoys
                .iter()
                .any(|key| key["kty"] != real["kty"] && key["kty"] != "oct")
        );
        assert!(
            decoys
                .iter()
                .any(|key| key["use"] == "enc" && key["alg"] == real["alg"])
        );
        assert!(
            decoys
                .iter()
                .any(|key| key["kty"] == real["kty"] && key["alg"] != real["alg"])
        );
    }
}

#[tokio::test]
async fn of_two_keys_of_one_name_the_second_is_right() {
    let platform = start().await;
    for algorithm in SigningAlgorithm::ALL {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = *algorithm;
        platform.add_client(client).unwrap();
        let (token, set) = log_in_under(&platform, &[Fault::CertsDuplicateKid]).await;
        assert!(header(&token)["kid"].is_string());
        assert_right_one_is_second(&set, &token);
    }
}

#[tokio::test]
async fn of_several_keys_for_a_token_without_kid_not_the_first_is_right() {
    let platform = start().await;
    for faults in [
        &[Fault::IdTokenWithoutKidSeveralKeys][..],
        &[Fault::IdTokenWithoutKid, Fault::CertsSeveralKeys][..],
    ] {
        let (token, set) = log_in_under(&platform, faults).await;
        assert!(header(&token)["kid"].is_null());
        assert_right_one_is_second(&set, &token);
    }
    // With a `kid` there is no doubt.
    let (token, set) = log_in_under(&platform, &[Fault::CertsSeveralKeys]).await;
    assert!(verifies(candidates(&set, &token)[0], &token));
}

fn assert_right_one_is_second(set: &Value, token: &str) {
    let candidates = candidates(set, token);
    let verdicts: Vec<_> = candidates.iter().map(|key| verifies(key, token)).collect();
    assert_eq!(verdicts, [false, true], "{}", header(token));
}

#[tokio::test]
async fn keys_without_kid_are_the_honest_ones() {
    let platform = start().await;
    let honest = certs(&platform).await;
    let (token, set) = log_in_under(&platform, &[Fault::CertsWithoutKid]).await;
    assert!(header(&token)["kid"].is_string());
    assert_eq!(keys(&set).len(), keys(&honest).len());
    for (key, honest) in keys(&set).iter().zip(keys(&honest)) {
        let mut honest = honest.clone();
        honest.as_object_mut().unwrap().remove("kid");
        assert_eq!(*key, honest);
    }
}

#[tokio::test]
async fn keys_are_the_honest_ones_but_for_the_members_that_a_fault_names() {
    let platform = start().await;
    let honest = certs(&platform).await;
    let other = || Some(json!("https://issuer.example"));
    let null = || Some(Value::Null);
    for (fault, changes) in [
        (
            Fault::CertsNullMembers,
            ["alg", "use", "x5c", "issuer"]
                .map(|name| (name, null()))
                .to_vec(),
        ),
        (
            Fault::CertsUnreadable,
            ["n", "x", "y"].map(|name| (name, None)).to_vec(),
        ),
        (Fault::CertsOtherIssuer, vec![("issuer", other())]),
    ] {
        let (_, set) = log_in_under(&platform, &[fault]).await;
        assert_eq!(keys(&set).len(), keys(&honest).len());
        for (key, honest) in keys(&set).iter().zip(keys(&honest)) {
            let mut expected = honest.as_object().unwrap().clone();
            for (name, value) in &changes {
                match value {
                    Some(value) => expected.insert((*name).to_owned(), value.clone()),
                    None => expected.remove(*name),
                };
            }
            assert_eq!(*key, Value::Object(expected), "{}", fault.name());
        }
    }
}

#[tokio::test]
async fn the_weak_key_is_the_only_one_and_verifies() {
    let platform = start().await;
    let (token, set) = log_in_under(&platform, &[Fault::CertsWeakKey]).await;
    let [key] = keys(&set) else {
        panic!("not the only one: {set}");
    };
    let (n, e) = (member(key, "n"), member(key, "e"));
    assert_eq!(n.len() * 8, 1024);
    assert_eq!(candidates(&set, &token), [key]);
    let (signed, _) = token.rsplit_once('.').unwrap();
    RsaPublicKeyComponents { n, e }
        .verify(
            &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            signed.as_bytes(),
            &segment(&token, 2),
        )
        .unwrap();
    assert_eq!(claims(&token)["sub"], EMAIL);
}

#[tokio::test]
async fn keys_that_rotate_before_signing_do_so_with_the_token_request() {
    let platform = start().await;
    let honest = certs(&platform).await;
    let callback = log_in(&platform).await;
    platform.set_fault(Some(Fault::CertsRotatedBeforeSigning));
    assert_eq!(
        certs(&platform).await,
        honest,
        "as long as nobody asks for a token"
    );
    let tokens = exchange(&platform, &callback, &[]).await.json();
    let token = tokens["id_token"].as_str().unwrap();
    let rotated = certs(&platform).await;
    assert!(
        keys(&rotated)
            .iter()
            .all(|key| !keys(&honest).contains(key))
    );
    assert!(candidates(&honest, token).is_empty());
    assert!(verifies(candidates(&rotated, token)[0], token));
    platform.set_fault(None);
    assert_eq!(certs(&platform).await, honest);
}
