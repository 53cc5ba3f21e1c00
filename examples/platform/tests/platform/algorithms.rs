//! The algorithms that sign ID tokens and user info, and the keys that verify them.

use miracl_platform::{Client, SigningAlgorithm};
use ring::digest::{SHA256, SHA384, SHA512, digest};
use serde_json::json;

use crate::app::{CALLBACK, EMAIL, certs, claims, exchange, log_in, start, userinfo};
use crate::verify::{candidates, encode, header, verifies};

#[tokio::test]
async fn every_algorithm_signs_id_tokens_that_its_published_key_verifies() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for algorithm in SigningAlgorithm::ALL {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.id_token_signed_response_alg = *algorithm;
        platform.add_client(client).unwrap();
        let tokens = exchange(&platform, &log_in(&platform).await, &[])
            .await
            .json();
        let id_token = tokens["id_token"].as_str().unwrap();
        assert_eq!(header(id_token)["alg"], algorithm.as_str());
        let [key] = candidates(&keys, id_token)[..] else {
            panic!("{algorithm:?} has not exactly one key");
        };
        assert!(verifies(key, id_token), "{algorithm:?}");

        // OIDC Core §3.1.3.6: the hash is that of the algorithm; Ed25519's is SHA-512.
        let name = algorithm.as_str();
        let hash = match &name[name.len() - 3..] {
            "256" => &SHA256,
            "384" => &SHA384,
            _ => &SHA512,
        };
        let hash = digest(hash, tokens["access_token"].as_str().unwrap().as_bytes());
        let half = &hash.as_ref()[..hash.as_ref().len() / 2];
        assert_eq!(claims(id_token)["at_hash"], encode(half), "{algorithm:?}");
    }
}

#[tokio::test]
async fn user_info_is_signed_for_an_app_that_registered_for_it() {
    let platform = start().await;
    let keys = certs(&platform).await;
    for algorithm in SigningAlgorithm::ALL {
        let mut client = Client::new("app", "s3cret", CALLBACK);
        client.userinfo_signed_response_alg = Some(*algorithm);
        platform.add_client(client).unwrap();
        let tokens = exchange(&platform, &log_in(&platform).await, &[])
            .await
            .json();
        let answer = userinfo(&platform, tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        assert_eq!(header(&answer.body)["alg"], algorithm.as_str());
        let [key] = candidates(&keys, &answer.body)[..] else {
            panic!("{algorithm:?} has not exactly one key");
        };
        assert!(verifies(key, &answer.body), "{algorithm:?}");
        let expected = json!({
            "iss": platform.issuer(), "aud": "app",
            "sub": EMAIL, "email": EMAIL, "email_verified": true,
        });
        assert_eq!(claims(&answer.body), expected);
    }
}

#[tokio::test]
async fn new_keys_sign_and_the_old_ones_stay_published() {
    let platform = start().await;
    let before = certs(&platform).await;
    platform.rotate_keys().await.unwrap();
    let after = certs(&platform).await;
    let [before, after] = [&before, &after].map(|set| set["keys"].as_array().unwrap());
    assert_eq!(after.len(), 2 * before.len());
    assert!(after.ends_with(before));
    assert_ne!(after[0]["kid"], before[0]["kid"]);

    platform.rotate_keys_and_forget().await.unwrap();
    let last = certs(&platform).await;
    let last = last["keys"].as_array().unwrap();
    assert_eq!(last.len(), before.len());
    assert!(last.iter().all(|key| !after.contains(key)));
}
