//! MIRACL's browser library in Chromium, on a page of another origin than the platform's.

use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Router, http::header::CONTENT_TYPE, response::Html, routing::get};
use miracl_platform::Platform;
use miracl_tests::Chrome;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{CLIENT_ID, SECRET, platform};

const USER: &str = "alice@example.com";
const PIN: &str = "1357";

/// What is signed: the SHA-256 of a document.
const HASH: &str = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";

/// The page: it makes clients, and calls their methods, whose last argument is a callback.
const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>An app</title><script src="/client.min.js"></script></head>
<body><script>
const Library = globalThis.MIRACLTrust?.default ?? globalThis.MIRACLTrust;
const clients = {};

function make(name, options) {
  const kept = new Map();
  const userStorage = {
    getItem: (key) => kept.has(key) ? kept.get(key) : null,
    setItem: (key, value) => { kept.set(key, String(value)); },
    removeItem: (key) => { kept.delete(key); },
  };
  const random = crypto.getRandomValues(new Uint8Array(32));
  const seed = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  clients[name] = new Library({ ...options, seed, userStorage, deviceName: name, cors: true });
}

// Answers {result} or {error}. The callback of a registration that asks for the PIN is given as {pin}.
async function call(name, method, values) {
  const given = values.map((value) => value?.pin ? (pass) => pass(value.pin) : value);
  try {
    const result = await new Promise((resolve, reject) => {
      clients[name][method](...given, (error, value) => error ? reject(error) : resolve(value));
    });
    return { result };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}
</script></body></html>"#;

/// A page with the library, and the platform that it calls.
struct Stage {
    platform: Platform,
    chrome: Chrome,
}

impl Stage {
    async fn begin(library: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let script = move || async move { ([(CONTENT_TYPE, "text/javascript")], library) };
        let router = Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/client.min.js", get(script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let callback = format!("{origin}/login");
        let platform = platform(&callback, Some(&origin)).await;
        let chrome = Chrome::start().await;
        chrome.open(&origin).await;
        let known = chrome.script("return typeof Library").await;
        assert_eq!(known, "function", "the file has no MIRACLTrust");
        let stage = Self { platform, chrome };
        for name in ["first", "second"] {
            let options = json!({
                "server": stage.platform.issuer(),
                "projectId": stage.platform.project_id(),
                "oidc": {
                    "client_id": CLIENT_ID, "redirect_uri": callback, "response_type": "code",
                    "scope": "openid email", "state": "state-of-the-page",
                },
            });
            let script = format!("make({}, {options})", json!(name));
            stage.chrome.script(&script).await;
        }
        stage
    }

    /// Calls a method of a client of the page.
    async fn call(&self, client: &str, method: &str, values: Value) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];\
             call({}, {}, {values}).then(done);",
            json!(client),
            json!(method),
        );
        let answer = self.chrome.script_async(&script).await;
        match answer["error"].as_str() {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].clone()),
        }
    }

    async fn good(&self, client: &str, method: &str, values: Value) -> Value {
        let answer = self.call(client, method, values).await;
        answer.unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Goes through registration, login, QuickCode and signing.
pub(crate) fn drive(file: &str, runtime: &Runtime) {
    let library = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    runtime.block_on(async {
        let stage = Stage::begin(library).await;

        stage
            .good("first", "sendVerificationEmail", json!([USER]))
            .await;
        let link = stage.platform.mail_to(USER).remove(0);
        let confirmed = stage
            .good("first", "getActivationToken", json!([link]))
            .await;
        let token = confirmed["actToken"].as_str().expect("an activation token");
        let device = json!([USER, token, { "pin": PIN }]);
        stage.good("first", "register", device).await;

        let login = stage
            .good("first", "authenticate", json!([USER, PIN]))
            .await;
        assert!(login["jwt"].is_string(), "{login}");
        let refused = stage
            .call("first", "authenticate", json!([USER, "0000"]))
            .await;
        assert!(
            refused
                .expect_err("a wrong PIN")
                .contains("Unsuccessful authentication")
        );

        // A login that another page waits for.
        let session = json!({ "projectId": stage.platform.project_id(), "userId": USER });
        let client = stage.platform.mpin_client();
        let session = client
            .call("/rps/v2/session", &session)
            .await
            .expect("a session");
        let code = json!([USER, session["qrURL"], PIN]);
        stage.good("first", "authenticateWithQRCode", code).await;
        let waiting = json!({ "webOTT": session["webOTT"] });
        let access = client
            .call("/rps/v2/access", &waiting)
            .await
            .expect("its state");
        assert_eq!(access["status"], "authenticated");

        let quick = stage
            .good("first", "generateQuickCode", json!([USER, PIN]))
            .await;
        let quick = quick["code"].as_str().expect("a QuickCode");
        let device = json!([USER, quick, { "pin": PIN }]);
        stage.good("second", "register", device).await;
        stage
            .good("second", "authenticate", json!([USER, PIN]))
            .await;

        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("a time after 1970").as_secs();
        let signed = stage
            .good("second", "sign", json!([USER, PIN, HASH, now]))
            .await;
        let body = json!({ "signature": signed, "timestamp": now, "type": "verification" });
        let verified = client
            .call_as_app(CLIENT_ID, SECRET, "/dvs/verify", &body)
            .await;
        assert!(verified.expect("a certificate")["certificate"].is_string());
        stage.platform.shutdown().await;
    });
}
