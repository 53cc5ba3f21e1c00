//! The verification of an ID token, and of a JWT of the project, beside the signature alone: by the library that the
//! engine uses, and by ring.

use std::hint::black_box;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use miracl_core::{SigningAlgorithm, app::error::TrustError, bench::Verifier};
use miracl_tests::{Browser, Request};
use openidconnect::{
    JsonWebKey as _,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;

use crate::{
    cpu,
    login::{App, CLIENT_ID},
    now,
};

/// The whole verification may cost at most this much of ring's signature alone.
const GOAL: f64 = 1.5;

/// And that of a project JWT, with the key at hand: parsing, every claim, and the mark that lets it count once.
const PROJECT_JWT_GOAL: f64 = 1.3;

/// Prints the tables, and returns whether the goals hold.
#[must_use]
pub(crate) fn print() -> bool {
    let mut all_hold = true;
    println!(
        "\n| ID token | CPU µs of the engine's verification \
         | signature alone, openidconnect | signature alone, ring | engine over ring | at most {GOAL} |"
    );
    println!("|---|--:|--:|--:|--:|---|");
    for algorithm in [SigningAlgorithm::RS256, SigningAlgorithm::ES256] {
        let [engine, library, ring] = measure(algorithm);
        let ratio = engine / ring;
        let name = algorithm.name();
        let holds = told(ratio, GOAL, &mut all_hold);
        println!("| {name} | {engine:.1} | {library:.1} | {ring:.1} | {ratio:.2} | {holds} |");
    }
    println!(
        "\n| project JWT | CPU µs of the engine's verification | signature alone, ring | engine over ring \
         | at most {PROJECT_JWT_GOAL} |"
    );
    println!("|---|--:|--:|--:|---|");
    let [engine, ring] = measure_project_jwt();
    let ratio = engine / ring;
    let holds = told(ratio, PROJECT_JWT_GOAL, &mut all_hold);
    println!("| RS256 | {engine:.1} | {ring:.1} | {ratio:.2} | {holds} |");
    all_hold
}

fn told(ratio: f64, goal: f64, all_hold: &mut bool) -> &'static str {
    // Not a number is no success.
    let holds = ratio <= goal;
    *all_hold &= holds;
    if holds { "yes" } else { "**no**" }
}

fn measure_project_jwt() -> [f64; 2] {
    let app = App::start(SigningAlgorithm::RS256);
    let token = app.project_jwt();
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    let header = json(&decode(signed.split('.').next().unwrap_or_default()));
    let signature = decode(signature);
    let key_set = key_set(&format!("{}/.well-known/jwks", app.platform.issuer()));
    let keys = json(key_set.as_bytes());
    let mut keys = keys["keys"].as_array().expect("keys").iter();
    let key = keys.find(|key| key["kid"] == header["kid"]);
    let key = key.expect("the key that signed it");
    let (n, e) = (decode(text(key, "n")), decode(text(key, "e")));
    let public = RsaPublicKeyComponents { n: &n, e: &e };
    // It was used before, which is found out last: every check is made, and the mark is looked for.
    let mut engine = || {
        let verified = now(app.miracl.verify_project_jwt(black_box(&token)));
        assert!(matches!(verified, Err(TrustError::Replayed)));
    };
    let mut ring = || {
        let message = black_box(signed.as_bytes());
        let verified = public.verify(&RSA_PKCS1_2048_8192_SHA256, message, &signature);
        assert!(verified.is_ok());
    };
    cpu::medians([&mut engine, &mut ring])
}

fn measure(algorithm: SigningAlgorithm) -> [f64; 3] {
    let app = App::start(algorithm);
    let login = app.log_in().login;
    let token = login.tokens().id_token().expose().to_owned();
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    let (header, payload) = signed.split_once('.').expect("three segments");
    let signature = decode(signature);
    let (header, claims) = (json(&decode(header)), json(&decode(payload)));

    let key_set = key_set(&format!("{}/oidc/certs", app.platform.issuer()));
    let keys = json(key_set.as_bytes());
    let mut keys = keys["keys"].as_array().expect("keys").iter();
    let key = keys.find(|key| key["kid"] == header["kid"]);
    let key = key.expect("the key that signed it");

    let expected = [
        app.platform.issuer(),
        CLIENT_ID,
        text(&claims, "nonce"),
        login.tokens().access_token().expose(),
    ];
    let now = claims["iat"].as_u64().expect("a time");
    let verifier = Verifier::new(key_set.as_bytes(), algorithm, expected, now).expect("keys");
    let parsed: CoreJsonWebKey = serde_json::from_value(key.clone()).expect("a key");
    let jws = match algorithm {
        SigningAlgorithm::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        _ => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    };
    let message = signed.as_bytes();
    let part = |name: &str| decode(text(key, name));
    let mut engine = || assert!(verifier.verify(black_box(&token)));
    let mut library = || {
        let verified = parsed.verify_signature(&jws, black_box(message), &signature);
        assert!(verified.is_ok());
    };
    if algorithm == SigningAlgorithm::RS256 {
        let (n, e) = (part("n"), part("e"));
        let public = RsaPublicKeyComponents { n: &n, e: &e };
        let mut ring = || {
            let verified =
                public.verify(&RSA_PKCS1_2048_8192_SHA256, black_box(message), &signature);
            assert!(verified.is_ok());
        };
        cpu::medians([&mut engine, &mut library, &mut ring])
    } else {
        let point = [vec![4], part("x"), part("y")].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let mut ring = || assert!(public.verify(black_box(message), &signature).is_ok());
        cpu::medians([&mut engine, &mut library, &mut ring])
    }
}

fn key_set(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        Browser::new()
            .send(Request::script(url))
            .await
            .expect(200)
            .body
    })
}

fn decode(text: &str) -> Vec<u8> {
    BASE64URL.decode_to_vec(text).expect("base64url")
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("JSON")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}
