//! The page's arithmetic: the known answers of M-Pin, and many rounds with the platform.

use miracl_platform::Project;
use miracl_tests::{Adapter, scenarios};
use serde_json::{Value, json};

use super::{SECRET, Stage};
use crate::page;

scenarios![
    the_arithmetic_of_the_page_gives_the_known_answers,
    the_arithmetic_of_the_page_agrees_with_the_platforms,
];

/// Computes every known answer again; returns the names of those that differ.
const KNOWN: &str = r#"
const [known, done] = arguments;
(async () => {
  const mpin = await import("/mpin.js");
  const { mpinId, y, signed } = known;
  const x = BigInt("0x" + known.x);
  const wrong = [];
  const check = (name, one, other) => one === other || wrong.push(name);
  for (const { z, publicKey, shares, token, U, V } of known.identities) {
    const keys = z && mpin.keyPair(BigInt("0x" + z));
    if (keys) check("publicKey", keys.publicKey, publicKey);
    check("token", mpin.makeToken(mpinId, keys, shares, "1234"), token);
    const identity = { mpinId, publicKey, token };
    const begun = mpin.begin(identity, x);
    check("U", begun.U, U);
    for (const pin in V) check("V " + pin, mpin.answer(identity, begun, y, pin), V[pin]);
    for (const pin in publicKey ? signed.v : {}) {
      const signature = mpin.sign(identity, signed.message, signed.timestamp, pin, x);
      check("u", signature.u, signed.u);
      check("v " + pin, signature.v, signed.v[pin]);
    }
  }
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const theirs = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    check("SHA-256 of " + length, mpin.sha256(bytes).join(), theirs.join());
  }
  done(wrong);
})().catch((error) => done(String(error)));
"#;

async fn the_arithmetic_of_the_page_gives_the_known_answers(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    stage.start().await;
    page(&stage.chrome, "register").await;
    let known = serde_json::from_str(include_str!("../mpin_vectors.json")).expect("JSON");
    let wrong = stage
        .chrome
        .client()
        .execute_async(KNOWN, vec![known])
        .await;
    assert_eq!(wrong.expect("the script ends"), json!([]));
}

/// Registers users and logs them in, with right and wrong PINs; returns how many answers were right.
const ROUNDS: &str = r#"
const [tokens, done] = arguments;
(async () => {
  const mpin = await import("/mpin.js");
  const call = async (path, body) => {
    const reply = await fetch(path, body && { method: "POST", body: JSON.stringify(body) });
    return reply.json();
  };
  let right = 0;
  for (const [userId, activationToken] of tokens) {
    const keys = mpin.keyPair();
    const made = await call("/registration", { userId, activationToken, publicKey: keys.publicKey });
    const shares = [];
    for (const url of made.secretUrls) shares.push((await call(url)).dvsClientSecret);
    const pin = String(Math.floor(Math.random() * 10000)).padStart(4, "0");
    const wrong = pin === "0000" ? "0001" : "0000";
    const token = mpin.makeToken(made.mpinId, keys, shares, pin);
    const identity = { mpinId: made.mpinId, publicKey: keys.publicKey, token };
    for (const tried of [pin, wrong, pin, wrong, pin]) {
      const begun = mpin.begin(identity);
      const { mpinId: mpin_id, publicKey } = identity;
      const first = { scope: ["jwt"], mpin_id, dtas: made.dtas, publicKey, UT: "", U: begun.U };
      const { y } = await call("/rps/v2/pass1", first);
      const V = mpin.answer(identity, begun, y, tried);
      const { authOTT } = await call("/rps/v2/pass2", { mpin_id, V });
      const verdict = await call("/rps/v2/authenticate", { authOTT });
      const expected = tried === pin ? verdict.status === 200 : verdict.error === "UNSUCCESSFUL_AUTHENTICATION";
      if (expected) right += 1;
    }
  }
  done(right);
})().catch((error) => done(String(error)));
"#;

async fn the_arithmetic_of_the_page_agrees_with_the_platforms(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let client = stage.platform.mpin_client();
    let mut tokens = Vec::new();
    for number in 0..20 {
        let user = format!("user-{number}");
        let body = json!({ "userId": user, "deviceName": "d" });
        let answer = client.call_as_app("mpin", SECRET, "/activate/initiate", &body);
        tokens.push(json!([user, answer.await.expect("a token")["actToken"]]));
    }
    stage.start().await;
    page(&stage.chrome, "register").await;
    let arguments = vec![Value::Array(tokens)];
    let right = stage.chrome.client().execute_async(ROUNDS, arguments).await;
    assert_eq!(right.expect("the script ends"), json!(100));
}
