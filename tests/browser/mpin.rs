//! M-Pin in Chromium: what only a browser with its local storage shows.

use miracl_platform::{Client, EmailVerification, Platform, PlatformConfig, Project};
use miracl_tests::{Adapter, Chrome, Demo, scenarios};
use serde_json::{Value, json};

use crate::{EMAIL, PIN, arrived, enter_pin, page, register};

scenarios![
    a_second_identity_is_added_chosen_and_removed,
    a_forgotten_pin_is_replaced_by_mail,
    digits_from_the_mail_are_typed_where_the_registration_began,
    a_link_opened_in_another_browser_registers_that_one,
    a_renewed_secret_keeps_its_pin_and_a_lost_one_is_registered_again,
    an_app_that_has_made_sure_of_a_person_sends_them_to_their_pin,
    no_request_has_the_pin_or_the_token,
    the_arithmetic_of_the_page_gives_the_known_answers,
    the_arithmetic_of_the_page_agrees_with_the_platforms,
];

/// A demo whose platform the test can reach.
struct Stage {
    platform: Platform,
    demo: Demo,
    chrome: Chrome,
}

impl Stage {
    async fn begin(adapter: Adapter, project: Project) -> Self {
        let mut demo = Demo::builder(adapter).start();
        let client = Client::new("mpin", "secret-of-the-mpin-test", demo.url("/login"));
        let config = PlatformConfig {
            clients: vec![client],
            project,
            ..PlatformConfig::default()
        };
        let platform = Platform::start(config).await.expect("a platform");
        demo.restart_with(|settings| {
            settings
                .env("ISSUER", platform.issuer())
                .env("CLIENT_ID", "mpin")
                .env("CLIENT_SECRET", "secret-of-the-mpin-test")
        });
        let chrome = Chrome::start().await;
        Self {
            platform,
            demo,
            chrome,
        }
    }

    async fn start(&self) {
        self.chrome.open(&self.demo.url("/login/start")).await;
    }

    async fn register(&self) {
        self.start().await;
        register(&self.chrome, false).await;
        arrived(&self.chrome, &self.demo, "/").await;
    }

    /// Opens the newest message in this window.
    async fn confirm(&self) {
        self.chrome.click("#inbox").await;
        page(&self.chrome, "inbox").await;
        self.chrome.click("#confirm").await;
    }

    async fn choose_pin(&self, pin: &str) {
        for name in ["new-pin", "repeat-pin"] {
            page(&self.chrome, name).await;
            enter_pin(&self.chrome, pin).await;
        }
    }
}

async fn a_second_identity_is_added_chosen_and_removed(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.register().await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    chrome.click("#other-identity").await;
    page(chrome, "choose").await;
    chrome.click("#add-identity").await;
    page(chrome, "register").await;
    chrome.type_into("#email", "Carol@Example.com").await;
    chrome.click("#register").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    page(chrome, "new-pin").await;
    enter_pin(chrome, "2222").await;
    page(chrome, "repeat-pin").await;
    enter_pin(chrome, "3333").await;
    page(chrome, "new-pin").await;
    chrome.wait_for_text("The two PINs differ").await;
    stage.choose_pin("2222").await;
    arrived(chrome, demo, "/").await;
    assert!(chrome.text().await.contains("carol@example.com"));

    stage.start().await;
    page(chrome, "choose").await;
    chrome.screenshot("20-choose").await;
    chrome
        .click(&format!(".identity[data-email=\"{EMAIL}\"]"))
        .await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/").await;
    assert!(chrome.text().await.contains(EMAIL));

    stage.start().await;
    page(chrome, "choose").await;
    chrome
        .click(".remove-identity[data-email=\"carol@example.com\"]")
        .await;
    page(chrome, "remove").await;
    chrome.click("#keep").await;
    page(chrome, "choose").await;
    chrome
        .click(".remove-identity[data-email=\"carol@example.com\"]")
        .await;
    chrome.click("#confirm-remove").await;
    chrome.wait_for_text("was removed from this browser").await;
    stage.start().await;
    page(chrome, "enter-pin").await;
}

async fn a_forgotten_pin_is_replaced_by_mail(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.register().await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    chrome.click("#forgot-pin").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    stage.choose_pin("9753").await;
    arrived(chrome, demo, "/").await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    chrome.wait_for_text("2 tries left").await;
    enter_pin(chrome, "9753").await;
    arrived(chrome, demo, "/").await;
}

async fn digits_from_the_mail_are_typed_where_the_registration_began(adapter: Adapter) {
    let project = Project {
        email_verification: EmailVerification::Code,
        pin_length: 6,
        ..Project::default()
    };
    let stage = Stage::begin(adapter, project).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.start().await;
    page(chrome, "register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(chrome, "mail-code").await;
    let digits = stage.platform.mail_to(EMAIL)[0].clone();
    let wrong = if digits == "000000" {
        "000001"
    } else {
        "000000"
    };
    chrome.type_into("#code", wrong).await;
    chrome.click("#submit-code").await;
    chrome.wait_for_text("That is not the code").await;
    chrome
        .script("document.getElementById('code').value = ''")
        .await;
    chrome.type_into("#code", &digits).await;
    chrome.click("#submit-code").await;
    stage.choose_pin("135791").await;
    arrived(chrome, demo, "/").await;
}

async fn a_link_opened_in_another_browser_registers_that_one(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.start().await;
    page(chrome, "register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(chrome, "mail").await;
    let link = stage.platform.mail_to(EMAIL)[0].clone();
    let other = Stage {
        chrome: Chrome::start().await,
        ..Stage::begin(adapter, Project::default()).await
    };
    let another = &other.chrome;
    another.open(&link).await;
    page(another, "other-browser").await;
    another.screenshot("21-other-browser").await;
    another.click("#go-on").await;
    other.choose_pin(PIN).await;
    page(another, "registered").await;
    another.open(&demo.url("/login/start")).await;
    page(another, "enter-pin").await;
    enter_pin(another, PIN).await;
    arrived(another, demo, "/").await;
    // The first browser has not been logged in by that.
    page(chrome, "mail").await;
    chrome.open(&demo.url("/whoami")).await;
    assert!(!chrome.text().await.contains(EMAIL));
    // The link has been used.
    another.open(&link).await;
    page(another, "other-browser").await;
    another.click("#go-on").await;
    page(another, "failed").await;
}

async fn a_renewed_secret_keeps_its_pin_and_a_lost_one_is_registered_again(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.register().await;
    stage.platform.set_project(Project {
        renew_secrets: true,
        ..Project::default()
    });
    for _ in 0..2 {
        stage.start().await;
        page(chrome, "enter-pin").await;
        enter_pin(chrome, PIN).await;
        arrived(chrome, demo, "/").await;
    }
    // The platform has another data folder, as far as this browser can see.
    stage.start().await;
    page(chrome, "enter-pin").await;
    let lose = "const key = Object.keys(localStorage).find((key) => key.startsWith('mpin-')); \
                const [kept] = JSON.parse(localStorage.getItem(key)); \
                localStorage.setItem(key, JSON.stringify([{ ...kept, mpinId: '00' }]));";
    chrome.script(lose).await;
    enter_pin(chrome, PIN).await;
    page(chrome, "blocked").await;
    chrome.wait_for_text("has to be registered again").await;
    chrome.click("#register-again").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    stage.choose_pin(PIN).await;
    arrived(chrome, demo, "/").await;
}

async fn an_app_that_has_made_sure_of_a_person_sends_them_to_their_pin(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let client = stage.platform.mpin_client();
    let body = json!({ "userId": "Employee-7", "deviceName": "d" });
    let answer = client.call_as_app(
        "mpin",
        "secret-of-the-mpin-test",
        "/activate/initiate",
        &body,
    );
    let token = answer.await.expect("a token")["actToken"].clone();
    let callback = stage.demo.url("/login");
    let url = format!(
        "{}/authorize?client_id=mpin&redirect_uri={callback}&response_type=code&scope=openid&state=x\
         &prerollid=Employee-7&acttoken={}",
        stage.platform.issuer(),
        token.as_str().expect("text")
    );
    stage.chrome.open(&url).await;
    stage.choose_pin(PIN).await;
    // The demo has begun no login of its own, and says so.
    stage
        .chrome
        .wait_for_url(|url| url.starts_with(stage.demo.origin()))
        .await;
    stage.chrome.open(&url).await;
    stage.choose_pin(PIN).await;
    page(&stage.chrome, "failed").await;
}

/// Notes what the page sends from now on, where the next page finds it.
const WATCH: &str = "const send = window.fetch; \
    window.fetch = (url, options) => { \
        const sent = JSON.parse(sessionStorage.getItem('sent') ?? '[]'); \
        sent.push([String(url), options?.body ?? '']); \
        sessionStorage.setItem('sent', JSON.stringify(sent)); \
        return send(url, options); \
    }; \
    document.getElementById('finish').addEventListener('formdata', (event) => { \
        sessionStorage.setItem('form', JSON.stringify([...event.formData])); \
    });";

async fn no_request_has_the_pin_or_the_token(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let (chrome, demo) = (&stage.chrome, &stage.demo);
    stage.start().await;
    page(chrome, "register").await;
    chrome.script(WATCH).await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("#register").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    page(chrome, "new-pin").await;
    chrome.script(WATCH).await;
    stage.choose_pin(PIN).await;
    arrived(chrome, demo, "/").await;
    stage.start().await;
    page(chrome, "enter-pin").await;
    chrome.script(WATCH).await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/").await;
    stage.start().await;
    page(chrome, "enter-pin").await;

    let stored = "return Object.entries(localStorage).find(([key]) => key.startsWith('mpin-'))[1]";
    let stored: Value = chrome.script(stored).await;
    let stored: Value = serde_json::from_str(stored.as_str().expect("text")).expect("JSON");
    let token = stored[0]["token"].as_str().expect("a token").to_owned();
    let sent: Value = chrome.script("return sessionStorage.getItem('sent')").await;
    let sent: Vec<(String, String)> =
        serde_json::from_str(sent.as_str().expect("text")).expect("JSON");
    let paths: Vec<&str> = sent.iter().map(|(path, _)| path.as_str()).collect();
    for path in [
        "/verification/email",
        "/registration",
        "/rps/v2/pass1",
        "/rps/v2/authenticate",
    ] {
        assert!(paths.contains(&path), "{path} is not in {paths:?}");
    }
    assert_eq!(
        chrome.script("return sessionStorage.getItem('form')").await,
        json!("[]")
    );
    let digest = ring::digest::digest(&ring::digest::SHA256, PIN.as_bytes());
    let digest: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for (path, body) in &sent {
        let all = format!("{path} {body}").to_lowercase();
        for part in [&token[2..66], &token[66..], &digest] {
            assert!(!all.contains(part), "{all}");
        }
        // A long random text may have these digits by chance; a short one has them on purpose.
        let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let values = body
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, value)| value.to_string());
        for value in values.filter(|value| value.len() < 40) {
            assert!(!value.contains(PIN), "{path} {body}");
        }
    }
}

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
    let known = serde_json::from_str(include_str!("mpin_vectors.json")).expect("JSON");
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
        let answer = client.call_as_app(
            "mpin",
            "secret-of-the-mpin-test",
            "/activate/initiate",
            &body,
        );
        tokens.push(json!([user, answer.await.expect("a token")["actToken"]]));
    }
    stage.start().await;
    page(&stage.chrome, "register").await;
    let arguments = vec![Value::Array(tokens)];
    let right = stage.chrome.client().execute_async(ROUNDS, arguments).await;
    assert_eq!(right.expect("the script ends"), json!(100));
}
