//! Callers with a project JWT: the requirements of people who are logged in, by the claims of the JWT, and never with a
//! redirect. On the probe, at the local platform.

use std::time::{SystemTime, UNIX_EPOCH};

use miracl_platform::{Client, MpinIdentity, Platform, PlatformConfig};
use miracl_tests::{Adapter, Answer, Browser, Demo, Request, scenarios};
use serde_json::{Value, json};

scenarios![
    a_caller_whose_jwt_meets_a_requirement_passes_and_nobody_else,
    a_session_is_no_project_jwt_and_lends_it_no_right,
    a_claim_of_another_form_gives_a_caller_no_right,
    a_scope_that_a_jwt_lacks_is_named,
    a_weak_jwt_is_told_what_login_it_needs_and_is_sent_nowhere,
    what_the_app_cannot_decide_of_a_caller_is_no_yes,
    a_jwt_is_used_once_for_each_request_that_asks_for_it_twice,
    a_caller_who_is_denied_is_told_to_the_observers,
];

const USER: &str = "ann@example.com";
const PIN: &str = "4321";
const ID: &str = "app";
const SECRET: &str = "a secret of the tests";

/// A platform, a probe of it, and a person with a device.
struct Site {
    platform: Platform,
    demo: Demo,
    device: MpinIdentity,
    browser: Browser,
}

impl Site {
    async fn new(adapter: Adapter) -> Self {
        let platform = Platform::start(PlatformConfig::default()).await;
        let platform = platform.expect("a platform");
        let demo = Demo::builder(adapter.probe())
            .env("ISSUER", platform.issuer())
            .env("CLIENT_ID", ID)
            .env("CLIENT_SECRET", SECRET)
            .env("PROBE_EVENTS", "1")
            .start();
        let client = Client::new(ID, SECRET, demo.url("/login"));
        platform.add_client(client).expect("a client");
        let body = json!({ "userId": USER, "deviceName": "Phone" });
        let client = platform.mpin_client();
        let activation = client.call_as_app(ID, SECRET, "/activate/initiate", &body);
        let activation = activation.await.expect("an activation");
        let token = activation["actToken"].as_str().expect("a token");
        let device = client.register(USER, token, PIN).await;
        Self {
            device: device.expect("a registration"),
            platform,
            demo,
            browser: Browser::new(),
        }
    }

    /// Makes tokens of the person say these claims, and no other of earlier calls.
    fn say(&self, claims: &Value) {
        let claims = claims.as_object().expect("an object").clone();
        let said = self
            .platform
            .register_identity_with_claims(USER, PIN, claims);
        said.expect("a person with claims");
    }

    /// The `Authorization` of the person, whose JWT says these claims.
    async fn bearer(&mut self, claims: &Value) -> String {
        self.say(claims);
        let client = self.platform.mpin_client();
        let login = client.log_in(&mut self.device, PIN, "jwt", None).await;
        let login = login.expect("a login");
        format!("Bearer {}", login["jwt"].as_str().expect("a JWT"))
    }

    /// Calls a route with a new JWT that says these claims, as a program does.
    async fn call(&mut self, path: &str, claims: &Value) -> Answer {
        let bearer = self.bearer(claims).await;
        let request = Request::script(self.demo.url(path));
        self.send(request.header("authorization", &bearer)).await
    }

    /// Sends a request. Whatever the answer is, it leads nowhere, shows no page and sets no cookie.
    async fn send(&self, request: Request) -> Answer {
        let answer = self.browser.send(request).await;
        assert!(answer.location().is_none(), "{answer:?}");
        assert!(answer.set_cookies().is_empty(), "{answer:?}");
        if answer.status != 200 {
            let content_type = answer.header("content-type");
            assert_eq!(content_type, Some("application/problem+json"), "{answer:?}");
            assert!(!answer.body.contains(USER), "{answer:?}");
        }
        answer
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock").as_secs()
}

async fn a_caller_whose_jwt_meets_a_requirement_passes_and_nobody_else(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    let admin = json!({ "roles": ["reader", "admin"] });
    for (path, body) in [
        ("/callers/admin", USER),
        ("/called/members", USER),
        ("/called/any", "a member"),
        ("/callers/optional", USER),
    ] {
        assert_eq!(
            site.call(path, &admin).await.expect(200).body,
            body,
            "{path}"
        );
    }
    let reader = json!({ "roles": ["reader"] });
    for path in ["/callers/admin", "/called/members", "/called/any"] {
        let denied = site.call(path, &reader).await.expect(403);
        assert_eq!(denied.header("www-authenticate"), None, "{path}");
        // Without a JWT there is no redirect, for a browser that opens a page either.
        let page = site.send(Request::navigate(site.demo.url(path))).await;
        let header = page
            .expect(401)
            .header("www-authenticate")
            .map(str::to_owned);
        assert_eq!(header.as_deref(), Some("Bearer"), "{path}");
        let broken = Request::script(site.demo.url(path)).header("authorization", "Bearer a.b.c");
        let header = site.send(broken).await.expect(401);
        let header = header.header("www-authenticate").expect("a challenge");
        assert!(header.contains("error=\"invalid_token\""), "{header}");
        let twice = Request::script(site.demo.url(path)).header("authorization", "Bearer a b");
        site.send(twice).await.expect(400);
    }
    // Other methods are no way around it, and neither are preflights.
    for method in ["POST", "PUT", "OPTIONS"] {
        let bearer = site.bearer(&reader).await;
        let request = Request::script(site.demo.url("/called/any")).method(method);
        let request = request.header("authorization", &bearer);
        site.send(request).await.expect(403);
        let nobody = Request::script(site.demo.url("/called/any")).method(method);
        site.send(nobody).await.expect(401);
    }
    let bearer = site.bearer(&admin).await;
    let posted = Request::script(site.demo.url("/callers/admin")).method("POST");
    let posted = posted.header("authorization", &bearer);
    assert_eq!(site.send(posted).await.expect(200).body, USER);
    assert_eq!(
        site.call("/callers/optional", &reader)
            .await
            .expect(200)
            .body,
        "nobody"
    );
    let nobody = Request::script(site.demo.url("/callers/optional"));
    assert_eq!(site.send(nobody).await.expect(200).body, "nobody");
}

async fn a_session_is_no_project_jwt_and_lends_it_no_right(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    site.say(&json!({ "roles": ["admin"] }));
    let start = site.browser.open(site.demo.url("/login/start")).await;
    let authorize = start.location().expect("the platform");
    let callback = site.platform.log_in(authorize.as_str(), USER, PIN).await;
    site.browser
        .open(callback.expect("a login"))
        .await
        .expect(303);
    let page = site.browser.open(site.demo.url("/rights/admin")).await;
    assert_eq!(page.expect(200).body, USER);
    for path in ["/callers/admin", "/called/members"] {
        let request = Request::script(site.demo.url(path));
        site.send(request).await.expect(401);
        site.call(path, &json!({ "roles": ["reader"] }))
            .await
            .expect(403);
    }
    // The JWT gives no session a right, either.
    let bearer = site.bearer(&json!({ "roles": ["admin"] })).await;
    let stranger = Request::script(site.demo.url("/rights/admin"));
    let stranger = stranger.header("authorization", &bearer);
    Browser::new().send(stranger).await.expect(401);
}

async fn a_claim_of_another_form_gives_a_caller_no_right(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    let many: Vec<String> = (0..200).map(|number| format!("role-{number}")).collect();
    let mut with_admin = many.clone();
    with_admin.push("admin".to_owned());
    for (claims, status) in [
        (json!({}), 403),
        (json!({ "roles": null }), 403),
        (json!({ "roles": "user admin" }), 403),
        (json!({ "roles": "admin,user" }), 403),
        (json!({ "roles": { "admin": true } }), 403),
        (json!({ "roles": [["admin"]] }), 403),
        (json!({ "roles": [1, null, true] }), 403),
        (json!({ "roles": 7 }), 403),
        (json!({ "realm_access": { "roles": ["admin"] } }), 403),
        (json!({ "roles": many }), 403),
        (json!({ "roles": with_admin }), 200),
        (json!({ "roles": "admin" }), 200),
    ] {
        for path in ["/callers/admin", "/called/any"] {
            let answer = site.call(path, &claims).await;
            assert_eq!(answer.status, status, "{path} {claims}");
        }
    }
    for (claims, status) in [
        (json!({}), 403),
        (json!({ "email_verified": true }), 403),
        (json!({ "email": USER, "email_verified": false }), 403),
        (json!({ "email": USER, "email_verified": ["true"] }), 403),
        (json!({ "email": USER, "email_verified": true }), 200),
    ] {
        let answer = site.call("/callers/verified", &claims).await;
        assert_eq!(answer.status, status, "{claims}");
    }
}

async fn a_scope_that_a_jwt_lacks_is_named(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    let lacks = Some("Bearer error=\"insufficient_scope\", scope=\"orders:write\"");
    for (claims, status, header) in [
        (
            json!({ "roles": "admin", "scope": "openid orders:write" }),
            200,
            None,
        ),
        (
            json!({ "roles": "admin", "scope": "orders:writer" }),
            403,
            lacks,
        ),
        (json!({ "roles": "admin", "scope": "" }), 403, lacks),
        (
            json!({ "roles": "admin", "scope": ["orders:write"] }),
            403,
            lacks,
        ),
        (
            json!({ "roles": "admin", "scope": { "orders:write": true } }),
            403,
            lacks,
        ),
        (json!({ "roles": "admin" }), 403, lacks),
        // The scope alone would not help.
        (json!({ "scope": "openid" }), 403, None),
        (json!({ "scope": "orders:write" }), 403, None),
    ] {
        let answer = site.call("/callers/scoped", &claims).await;
        let found = (answer.status, answer.header("www-authenticate"));
        assert_eq!(found, (status, header), "{claims}");
    }
}

async fn a_weak_jwt_is_told_what_login_it_needs_and_is_sent_nowhere(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    let now = now();
    for (claims, status) in [
        (json!({ "acr": "strong", "auth_time": now }), 200),
        (json!({ "acr": "stronger", "auth_time": now - 100 }), 200),
        (json!({ "acr": "strong", "auth_time": now - 3600 }), 401),
        (json!({ "acr": "strong" }), 401),
        (
            json!({ "acr": "strong", "auth_time": now.to_string() }),
            401,
        ),
        (json!({ "acr": "weak", "auth_time": now }), 401),
        (json!({ "acr": ["strong"], "auth_time": now }), 401),
        (json!({ "auth_time": now }), 401),
    ] {
        let mut claims = claims;
        claims["roles"] = json!(["admin"]);
        let answer = site.call("/callers/strong", &claims).await;
        assert_eq!(answer.status, status, "{claims}");
        if status == 401 {
            let header = answer.header("www-authenticate").expect("a challenge");
            for part in [
                "Bearer error=\"insufficient_user_authentication\"",
                "acr_values=\"strong stronger\"",
                "max_age=\"300\"",
            ] {
                assert!(header.contains(part), "{header}");
            }
        }
        // A login would change nothing for somebody who may not.
        claims["roles"] = json!(["reader"]);
        site.call("/callers/strong", &claims).await.expect(403);
    }
    // A browser that opens a page is sent nowhere.
    let bearer = site.bearer(&json!({ "roles": "admin" })).await;
    let page = Request::navigate(site.demo.url("/callers/strong"));
    let page = page.header("authorization", &bearer);
    site.send(page).await.expect(401);
}

async fn what_the_app_cannot_decide_of_a_caller_is_no_yes(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    let answer = site.call("/callers/broken", &json!({})).await.expect(503);
    // The same JWT is used up, so nobody is invited to send it again.
    assert_eq!(answer.header("retry-after"), None);
    assert!(answer.body.contains("with a new JWT"), "{}", answer.body);
    let anonymous = Request::script(site.demo.url("/callers/broken"));
    site.send(anonymous).await.expect(401);
    // The app is asked once for each request, however many want to know.
    for asked in ["1", "2"] {
        let answer = site.call("/callers/listed", &json!({})).await;
        assert_eq!(answer.expect(200).body, asked);
    }
}

async fn a_jwt_is_used_once_for_each_request_that_asks_for_it_twice(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    for path in ["/called/members", "/callers/admin"] {
        let bearer = site.bearer(&json!({ "roles": "admin" })).await;
        let call = || Request::script(site.demo.url(path)).header("authorization", &bearer);
        // A guard and an extractor ask for it.
        site.send(call()).await.expect(200);
        let again = site.send(call()).await.expect(401);
        let header = again.header("www-authenticate").expect("a challenge");
        assert!(header.contains("was used before"), "{header}");
    }
}

async fn a_caller_who_is_denied_is_told_to_the_observers(adapter: Adapter) {
    let mut site = Site::new(adapter).await;
    site.call("/callers/admin?secret=1", &json!({}))
        .await
        .expect(403);
    site.call("/callers/optional", &json!({})).await.expect(200);
    let strong = json!({ "roles": "admin" });
    site.call("/callers/strong", &strong).await.expect(401);
    let last = format!("event: step-up at /callers/strong, {USER}");
    site.demo.wait_for_log(&last);
    let log = site.demo.log();
    let events: Vec<_> = log
        .lines()
        .filter(|line| line.starts_with("event: "))
        .collect();
    let first = format!("event: denied at /callers/admin, {USER}");
    assert_eq!(events, [first, last]);
}
