//! MIRACL Trust besides the login: registrations that the app starts, project JWTs, mobile apps, and signatures, at the
//! local platform.

use miracl_platform::{Client, MpinClient, MpinIdentity, Platform, PlatformConfig};
use miracl_tests::{Adapter, Answer, Browser, Demo, Request, scenarios};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use crate::journey::{Journey, subject};

scenarios![
    who_registers_by_the_apps_own_verification_ends_logged_in,
    an_api_behind_a_project_jwt_takes_each_once_and_never_redirects,
    a_project_jwt_begins_one_session_through_the_hook,
    no_other_body_and_no_other_site_begins_a_session_by_a_jwt,
    a_mobile_app_exchanges_its_code_for_a_token,
    a_signature_is_valid_until_its_device_is_revoked,
    what_is_no_signature_is_refused,
    a_provider_without_these_endpoints_changes_no_session,
];

pub(super) const USER: &str = "ann@example.com";
pub(super) const PIN: &str = "4321";
const ID: &str = "app";
const SECRET: &str = "a secret of the tests";

/// A platform, an app of it, and a browser.
pub(super) struct Site {
    pub(super) platform: Platform,
    pub(super) demo: Demo,
    pub(super) browser: Browser,
}

impl Site {
    pub(super) async fn new(adapter: Adapter) -> Self {
        let platform = Platform::start(PlatformConfig::default()).await;
        let platform = platform.expect("a platform");
        let demo = Demo::builder(adapter)
            .env("ISSUER", platform.issuer())
            .env("CLIENT_ID", ID)
            .env("CLIENT_SECRET", SECRET)
            .start();
        let client = Client::new(ID, SECRET, demo.url("/login"));
        platform.add_client(client).expect("a client");
        Self {
            platform,
            demo,
            browser: Browser::new(),
        }
    }

    pub(super) fn client(&self) -> MpinClient {
        self.platform.mpin_client()
    }

    /// A person with a device.
    async fn registered(&self, user_id: &str) -> MpinIdentity {
        let body = json!({ "userId": user_id, "deviceName": "Phone" });
        let client = self.client();
        let activation = client.call_as_app(ID, SECRET, "/activate/initiate", &body);
        let activation = activation.await.expect("an activation");
        let token = text(&activation, "actToken");
        let device = client.register(user_id, token, PIN).await;
        device.expect("a registration")
    }

    /// A JWT of the project.
    async fn jwt(&self, device: &mut MpinIdentity) -> String {
        let login = self.client().log_in(device, PIN, "jwt", None).await;
        text(&login.expect("a login"), "jwt").to_owned()
    }

    /// Calls the API with this `Authorization` header.
    async fn api(&self, path: &str, authorization: Option<&str>) -> Answer {
        let request = Request::script(self.demo.url(path));
        let request = match authorization {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        self.browser.send(request).await
    }

    /// Posts JSON as a program does.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::script(self.demo.url(path)).method("POST");
        let request = request.header("content-type", "application/json");
        self.browser.send(request.body(&body.to_string())).await
    }

    pub(super) async fn subject(&self) -> Option<String> {
        subject(&self.browser, &self.demo).await
    }

    /// Has the person prove who they are at the platform, and returns the address of the callback.
    pub(super) async fn log_in_at(&self, authorize_url: &str) -> Url {
        let callback = self.platform.log_in(authorize_url, USER, PIN).await;
        Url::parse(&callback.expect("a login")).expect("an address")
    }
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let found = value[name].as_str();
    found.unwrap_or_else(|| panic!("no {name} in {value}"))
}

pub(super) fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.expect("a parameter").1.into_owned()
}

fn assert_refused(answer: &Answer) {
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert!(answer.set_cookies().is_empty(), "{answer:?}");
}

async fn who_registers_by_the_apps_own_verification_ends_logged_in(adapter: Adapter) {
    let site = Site::new(adapter).await;
    site.platform
        .register_identity(USER, PIN)
        .expect("a device");
    let add = site.demo.url("/devices/add");
    // Nobody the app does not know.
    assert_eq!(site.browser.post(&add, &[]).await.status, 303);
    assert_eq!(site.platform.count("/verification"), 0);

    let start = site.browser.open(site.demo.url("/login/start")).await;
    let authorize = start.expect(303).location().expect("the platform");
    let callback = site.log_in_at(authorize.as_str()).await;
    site.browser.open(callback).await.expect(303);
    assert_eq!(site.subject().await.as_deref(), Some(USER));

    let answer = site.browser.post(&add, &[]).await.expect(303);
    let link = answer.location().expect("a link");
    assert!(link.as_str().starts_with(site.platform.issuer()), "{link}");
    assert_eq!(parameter(&link, "user_id"), USER);
    site.browser.post(site.demo.url("/logout"), &[]).await;
    assert_eq!(site.subject().await, None);

    // The platform's page confirms the link, registers the device, and goes on to the app.
    let body = json!({ "userId": USER, "code": parameter(&link, "code") });
    let confirmed = site
        .client()
        .call("/verification/confirmation", &body)
        .await;
    let confirmed = confirmed.expect("a good link");
    let client = site.client();
    let device = client.register(USER, text(&confirmed, "actToken"), PIN);
    device.await.expect("a registration");
    let redirect_uri = text(&confirmed, "verificationRedirectUrl");
    assert_eq!(redirect_uri, site.demo.url("/login"));
    let mut url = Url::parse(&format!("{}/authorize", site.platform.issuer())).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("client_id", ID),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("redirect_uri", redirect_uri),
        ("state", text(&confirmed, "state")),
        ("nonce", text(&confirmed, "nonce")),
    ]);
    let callback = site.log_in_at(url.as_str()).await;
    // In another browser it is worth nothing.
    let other = Browser::new();
    assert_refused(&other.open(callback.clone()).await);
    site.browser.open(callback).await.expect(303);
    assert_eq!(site.subject().await.as_deref(), Some(USER));
}

async fn an_api_behind_a_project_jwt_takes_each_once_and_never_redirects(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let mut device = site.registered(USER).await;
    let jwt = site.jwt(&mut device).await;
    // In the query it does not count, and is not used up.
    let path = format!("/api/me?access_token={jwt}");
    assert_eq!(site.api(&path, None).await.status, 401);
    let bearer = format!("bearer {jwt}");
    let answer = site.api("/api/me", Some(&bearer)).await.expect(200);
    let expected = json!({ "sub": USER, "iss": site.platform.issuer() });
    assert_eq!(answer.json(), expected);
    assert!(answer.set_cookies().is_empty());

    let again = site.api("/api/me", Some(&bearer)).await.expect(401);
    let header = again.header("www-authenticate").expect("a challenge");
    assert!(
        header.starts_with("Bearer error=\"invalid_token\""),
        "{header}"
    );
    for (authorization, status) in [
        (None, 401),
        (Some("Basic YTpi"), 401),
        (Some("Bearer"), 400),
        (Some("Bearer a b"), 400),
        (Some("Bearer a.b.c"), 401),
        (Some(&*format!("Bearer {}", "x".repeat(6000))), 401),
    ] {
        let answer = site.api("/api/me", authorization).await;
        assert_eq!(answer.status, status, "{authorization:?}");
        let header = answer.header("www-authenticate").expect("a challenge");
        assert_eq!(
            header == "Bearer",
            matches!(authorization, None | Some("Basic YTpi"))
        );
        assert!(answer.location().is_none() && answer.set_cookies().is_empty());
        assert!(!answer.body.contains("a.b.c"), "{}", answer.body);
    }
    // A navigation is not redirected, either: there is no login to redirect to.
    let page = site
        .browser
        .open(site.demo.url("/api/me"))
        .await
        .expect(401);
    assert!(page.location().is_none());
    // A token for the platform itself is no JWT for this project.
    let code = site
        .client()
        .log_in(&mut device, PIN, "reg-code", None)
        .await;
    let code = format!("Bearer {}", text(&code.expect("a login"), "jwt"));
    site.api("/api/me", Some(&code)).await.expect(401);
    assert!(site.platform.count("/.well-known/jwks") <= 4);
    assert_eq!(site.subject().await, None);
}

async fn a_project_jwt_begins_one_session_through_the_hook(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let mut device = site.registered(USER).await;
    let jwt = site.jwt(&mut device).await;
    let url = site.demo.url("/login/jwt");
    let form = Request::form(&url, &[("jwt", &jwt), ("return_to", "/members")]);
    let answer = site.browser.send(form).await.expect(303);
    assert_eq!(answer.location_path().as_deref(), Some("/members"));
    assert!(answer.is_no_store());
    let page = site.browser.follow(answer).await.expect(200);
    assert!(
        page.has_alert("success", "Successfully logged in!"),
        "{}",
        page.body
    );
    assert_eq!(site.subject().await.as_deref(), Some(USER));
    // There is no access token, and nothing to ask for with one.
    let refreshed = site
        .browser
        .visit(site.demo.url("/refresh"))
        .await
        .expect(200);
    assert!(
        refreshed.has_alert("success", "User data refreshed."),
        "{}",
        refreshed.body
    );
    assert_eq!(site.subject().await.as_deref(), Some(USER));

    // It counts once, also in another browser, and what fails changes no session.
    let other = Browser::new();
    for browser in [&site.browser, &other] {
        let again = browser.send(Request::form(&url, &[("jwt", &jwt)])).await;
        assert_eq!(again.status, 403, "{again:?}");
    }
    assert_eq!(site.subject().await.as_deref(), Some(USER));
    assert_eq!(subject(&other, &site.demo).await, None);

    // As JSON, by a script, for another person: the session before ends.
    let mut bob = site.registered("bob@example.com").await;
    let jwt = site.jwt(&mut bob).await;
    let before = site.browser.copy();
    let script = Request::fetch(&url).method("POST");
    let script = script.header("content-type", "application/json; charset=utf-8");
    let script = script.body(&json!({ "jwt": jwt }).to_string());
    site.browser.send(script).await.expect(303);
    assert_eq!(site.subject().await.as_deref(), Some("bob@example.com"));
    assert_eq!(subject(&before, &site.demo).await, None);
    site.browser.post(site.demo.url("/logout"), &[]).await;
    assert_eq!(site.subject().await, None);
}

async fn no_other_body_and_no_other_site_begins_a_session_by_a_jwt(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let mut device = site.registered(USER).await;
    let jwt = site.jwt(&mut device).await;
    let url = site.demo.url("/login/jwt");
    let foreign = Request::form(&url, &[("jwt", &jwt)]).from_page("https://evil.example/");
    assert_eq!(site.browser.send(foreign).await.status, 403);
    let twice = Request::form(&url, &[("jwt", &jwt), ("jwt", &jwt)]);
    let as_json = |body: &str| {
        Request::fetch(&url)
            .method("POST")
            .header("content-type", "application/json")
            .body(body)
    };
    let as_text = as_json(&json!({ "jwt": jwt }).to_string()).header("content-type", "text/plain");
    for (name, request) in [
        ("twice", twice),
        ("empty", Request::form(&url, &[])),
        ("absent", Request::fetch(&url).method("POST")),
        ("no JWT", Request::form(&url, &[("jwt", "")])),
        ("text", as_text),
        ("cut short", as_json("{\"jwt\":")),
        ("a list", as_json("[]")),
        ("a number", as_json("{\"jwt\":7}")),
        (
            "long",
            as_json(&json!({ "jwt": "x".repeat(70_000) }).to_string()),
        ),
        ("no token", Request::form(&url, &[("jwt", "a.b.c")])),
    ] {
        let answer = site.browser.send(request).await;
        assert!((400..500).contains(&answer.status), "{name}: {answer:?}");
        assert!(answer.location().is_none(), "{name}: {answer:?}");
    }
    assert!(matches!(site.browser.open(&url).await.status, 404 | 405));
    assert_eq!(site.subject().await, None);
    // None of that used the JWT up.
    site.browser
        .send(Request::form(&url, &[("jwt", &jwt)]))
        .await
        .expect(303);
    assert_eq!(site.subject().await.as_deref(), Some(USER));
}

async fn a_mobile_app_exchanges_its_code_for_a_token(adapter: Adapter) {
    let site = Site::new(adapter).await;
    site.platform
        .register_identity(USER, PIN)
        .expect("a device");
    let code = async || {
        let answer = site
            .browser
            .send(Request::script(site.demo.url("/authzurl")).method("POST"));
        let answer = answer.await.expect(200);
        assert!(answer.set_cookies().is_empty() && answer.is_no_store());
        let url = text(&answer.json(), "authorizeURL").to_owned();
        parameter(&site.log_in_at(&url).await, "code")
    };
    let good = json!({ "code": code().await, "userID": USER });
    let answer = site.post("/authtoken", &good).await.expect(200);
    assert!(!text(&answer.json(), "access_token").is_empty() && answer.is_no_store());
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert!(answer.set_cookies().is_empty());
    // The code is used.
    site.post("/authtoken", &good).await.expect(401);
    let theirs = json!({ "code": code().await, "userID": "bob@example.com" });
    site.post("/authtoken", &theirs).await.expect(401);
    // The code of a login in a browser belongs to that browser.
    let start = site.browser.open(site.demo.url("/login/start")).await;
    let authorize = start.expect(303).location().expect("the platform");
    let callback = site.log_in_at(authorize.as_str()).await;
    let stolen = json!({ "code": parameter(&callback, "code"), "userID": USER });
    site.post("/authtoken", &stolen).await.expect(401);
    for bad in [
        json!({}),
        json!([]),
        json!(null),
        json!({ "code": "x" }),
        json!({ "code": "", "userID": USER }),
        json!({ "code": 7, "userID": USER }),
        json!({ "code": "x", "userID": "" }),
    ] {
        assert_eq!(site.post("/authtoken", &bad).await.status, 400, "{bad}");
    }
    let form = Request::form(
        site.demo.url("/authtoken"),
        &[("code", "x"), ("userID", USER)],
    );
    site.browser.send(form).await.expect(400);
    for path in ["/authzurl", "/authtoken"] {
        let foreign = Request::form(site.demo.url(path), &[]).from_page("https://evil.example/");
        assert_eq!(site.browser.send(foreign).await.status, 403, "{path}");
        assert!(matches!(
            site.browser.open(site.demo.url(path)).await.status,
            404 | 405
        ));
    }
    assert_eq!(site.subject().await, None);
}

async fn a_signature_is_valid_until_its_device_is_revoked(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let device = site.registered(USER).await;
    let time = 1_700_000_000;
    let hash = digest(&SHA256, b"sample document");
    let sign = |pin| MpinClient::sign(&device, pin, hash.as_ref(), time).expect("a signature");
    let verify = async |signature: &Value, timestamp: u64| {
        let body = json!({ "signature": signature, "timestamp": timestamp });
        site.post("/documents/verify", &body)
            .await
            .expect(200)
            .json()
    };
    let good = sign(PIN);
    assert_eq!(
        verify(&good, time).await,
        json!({ "valid": true, "status": "OK" })
    );
    let bad_pin = json!({ "valid": false, "status": "BadPin" });
    assert_eq!(verify(&sign("0000"), time).await, bad_pin);
    assert_eq!(verify(&good, time + 1).await, bad_pin);
    // A valid signature is of the hash in it, and that is compared with the document.
    for (document, status) in [
        ("sample document", "OK"),
        ("another document", "OtherDocument"),
    ] {
        let body = json!({ "signature": good, "timestamp": time, "document": document });
        let answer = site.post("/documents/verify", &body).await.expect(200);
        assert_eq!(answer.json()["status"], status);
    }
    let mut changed = good.clone();
    changed["hash"] = json!("0".repeat(64));
    assert_eq!(verify(&changed, time).await, bad_pin);
    changed = good.clone();
    changed["u"] = json!("00");
    let missing = json!({ "valid": false, "status": "MissingSignature" });
    assert_eq!(verify(&changed, time).await, missing);

    let project = site.platform.project_id();
    let path = format!(
        "/api/v1/projects/{project}/mpinids/{}/revocation",
        device.mpin_id()
    );
    let (client, reason) = (site.client(), json!({ "reason": "lost" }));
    let revoked = client.call_as_app(ID, SECRET, &path, &reason);
    revoked.await.expect("a revocation");
    let blocked = json!({ "valid": false, "status": "UserBlocked" });
    assert_eq!(verify(&good, time).await, blocked);
}

async fn what_is_no_signature_is_refused(adapter: Adapter) {
    let site = Site::new(adapter).await;
    let signature =
        json!({ "hash": "ab", "u": "04", "v": "04", "mpinId": "7b", "publicKey": "0c" });
    let with = |name: &str, value: Value| {
        let mut body = json!({ "signature": signature, "timestamp": 1 });
        match name {
            "timestamp" => body[name] = value,
            _ => body["signature"][name] = value,
        }
        body
    };
    for bad in [
        json!({}),
        json!([]),
        json!(null),
        with("hash", json!("ab")),
        with("hash", json!("z".repeat(64))),
        with("hash", json!("a".repeat(10_000))),
        with("hash", json!(7)),
        with("mpinId", json!("")),
        with("timestamp", json!(-1)),
        with("timestamp", json!(1e30)),
        with("timestamp", json!(u64::MAX)),
        with("timestamp", json!("now")),
        with("timestamp", json!(null)),
    ] {
        assert_refused(&site.post("/documents/verify", &bad).await);
    }
    let url = site.demo.url("/documents/verify");
    let text = Request::script(&url)
        .method("POST")
        .header("content-type", "text/plain");
    assert_refused(&site.browser.send(text.body("{}")).await);
    assert_refused(
        &site
            .browser
            .send(Request::script(&url).method("POST"))
            .await,
    );
    assert_eq!(site.platform.count("/dvs/verify"), 0);
}

async fn a_provider_without_these_endpoints_changes_no_session(adapter: Adapter) {
    let journey = Journey::logged_in(adapter).await;
    let (browser, demo) = (&journey.browser, &journey.demo);
    let page = browser.post(demo.url("/devices/add"), &[]).await;
    let page = browser.follow(page).await.expect(200);
    let sentence = "Another device cannot be registered at the moment.";
    assert!(page.has_alert("warning", sentence), "{}", page.body);
    // A token that can be read, so that its key is asked for.
    let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AAAA";
    let api =
        Request::script(demo.url("/api/me")).header("authorization", &format!("Bearer {jwt}"));
    let answer = browser.send(api).await;
    assert!((502..=504).contains(&answer.status), "{answer:?}");
    let login = browser
        .send(Request::form(demo.url("/login/jwt"), &[("jwt", jwt)]))
        .await;
    assert!((502..=504).contains(&login.status), "{login:?}");
    let code = Request::script(demo.url("/authtoken")).method("POST");
    let code = code.header("content-type", "application/json");
    let answer = browser
        .send(code.body("{\"code\":\"made-up\",\"userID\":\"alice\"}"))
        .await;
    assert_eq!(answer.status, 401, "{answer:?}");
    journey.assert_still_logged_in().await;
}
