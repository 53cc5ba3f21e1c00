//! The pages of a login, read without a browser: whom they let finish, what they offer, and in which language.

use miracl_platform::{Client, EmailVerification, Platform, PlatformConfig, Project};
use serde_json::{Value, json};

use crate::app::{CALLBACK, EMAIL, PIN as OWN_PIN, authorize_url, params, start};
use crate::http::{self, Answer};
use crate::mpin::{PIN, USER, code, quick_code, registered};

/// A page of a login, with the cookies of the browser that began it.
pub(crate) struct Page {
    pub(crate) cookies: String,
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Page {
    /// Returns an attribute of the page; the first of its name counts.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.replace("&#38;", "&"))
    }

    /// Returns the session whose id the QR code holds.
    pub(crate) fn qr(&self) -> Option<String> {
        let (_, rest) = self.body.split_once("id=\"qr-address\" href=\"")?;
        let (address, _) = rest.split_once('"')?;
        Some(address.split_once("/qr#")?.1.to_owned())
    }
}

/// Opens a login, or a signature, as a new browser with these headers.
pub(crate) async fn open(platform: &Platform, url: &str, headers: &[(&str, &str)]) -> Page {
    let begun = http::get(url, headers).await;
    assert_eq!(begun.status, 303, "{begun:?}");
    let lines = begun.head.lines();
    let cookies = lines.filter_map(|line| line.strip_prefix("set-cookie: "));
    let cookies: Vec<&str> = cookies.filter_map(|line| line.split(';').next()).collect();
    let path = begun.header("location").unwrap().to_owned();
    let mut page = Page {
        cookies: cookies.join("; "),
        path,
        body: String::new(),
    };
    page.body = load(platform, &page, "").await.body;
    page
}

async fn load(platform: &Platform, page: &Page, more: &str) -> Answer {
    let url = format!("{}{}{more}", platform.issuer(), page.path);
    http::get(&url, &[("cookie", &page.cookies)]).await
}

async fn stage(platform: &Platform, page: &Page) -> String {
    let answer = load(platform, page, "/stage").await.json();
    answer["stage"].as_str().unwrap().to_owned()
}

pub(crate) async fn finish(platform: &Platform, page: &Page, cookies: &str) -> Answer {
    let url = format!("{}{}/finish", platform.issuer(), page.path);
    http::post(&url, &[("cookie", cookies)], &[]).await
}

#[tokio::test]
async fn only_the_browser_that_began_is_logged_in_by_its_qr_code() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let page = open(&platform, &authorize_url(&platform, &[]), &[]).await;
    let qr = page.qr().unwrap();
    // Whoever reads the code does not learn the session of the browser's own login.
    assert_ne!(page.attribute("data-access-id").unwrap(), qr);
    assert_eq!(stage(&platform, &page).await, "new");
    let scanned = json!({ "wid": qr, "status": "wid" });
    let about = client.call("/rps/v2/codeStatus", &scanned).await.unwrap();
    assert_eq!(about["projectName"], "Demo");
    assert_eq!(stage(&platform, &page).await, "wid");
    client
        .log_in(&mut ann, PIN, "oidc", Some(&qr))
        .await
        .unwrap();

    let other = open(&platform, &authorize_url(&platform, &[]), &[]).await;
    for cookies in ["", other.cookies.as_str()] {
        let answer = finish(&platform, &page, cookies).await;
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    let answer = finish(&platform, &page, &page.cookies).await;
    let callback = answer.header("location").unwrap();
    assert!(params(callback).contains_key("code"), "{callback}");
    let again = finish(&platform, &page, &page.cookies).await;
    assert_eq!(again.status, 410);
    // The code is over as well.
    let late = client.call("/rps/v2/codeStatus", &scanned).await;
    assert_eq!(code(late), "INVALID_AUTHENTICATION_SESSION");
}

#[tokio::test]
async fn a_code_that_was_cancelled_or_has_expired_is_replaced_and_stays_dead() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let mut page = open(&platform, &authorize_url(&platform, &[]), &[]).await;
    let mut dead = Vec::new();
    for how in ["abort", "expired"] {
        let qr = page.qr().unwrap();
        if how == "abort" {
            let abort = json!({ "wid": qr, "status": "abort" });
            client.call("/rps/v2/codeStatus", &abort).await.unwrap();
        } else {
            platform.expire_qr_codes();
        }
        assert_eq!(stage(&platform, &page).await, how);
        dead.push(qr);
        page.body = load(&platform, &page, "").await.body;
        assert!(!dead.contains(&page.qr().unwrap()), "a new one");
    }
    for qr in &dead {
        for status in ["wid", "user"] {
            let body = json!({ "wid": qr, "status": status });
            let answer = client.call("/rps/v2/codeStatus", &body).await;
            assert_eq!(code(answer), "INVALID_AUTHENTICATION_SESSION");
        }
        let login = client.log_in(&mut ann, PIN, "oidc", Some(qr)).await;
        assert_eq!(code(login), "INVALID_AUTHENTICATION_SESSION");
    }
    // A page that is loaded again keeps a code that is good.
    let qr = page.qr();
    page.body = load(&platform, &page, "").await.body;
    assert_eq!(page.qr(), qr);
    platform.expire_logins();
    assert_eq!(stage(&platform, &page).await, "over");
}

#[tokio::test]
async fn a_page_offers_what_its_app_and_its_project_allow() {
    let platform = start().await;
    let mut only_qr = Client::new("only-qr", "s3cret", CALLBACK);
    only_qr.browser_login = false;
    let mut only_browser = Client::new("only-browser", "s3cret", CALLBACK);
    only_browser.qr_login = false;
    for client in [only_qr, only_browser] {
        platform.add_client(client).unwrap();
    }
    let page = async |client_id: &str| {
        let url = authorize_url(&platform, &[("client_id", client_id)]);
        open(&platform, &url, &[]).await
    };
    let access_id = |page: &Page| page.attribute("data-access-id").unwrap();
    let qr = page("only-qr").await;
    assert!(qr.qr().is_some() && access_id(&qr).is_empty());
    let browser = page("only-browser").await;
    assert!(browser.qr().is_none() && !access_id(&browser).is_empty());
    assert_eq!(stage(&platform, &browser).await, "login");

    assert!(browser.body.contains("data-uses-quick-codes"));
    platform.set_project(Project {
        quick_code: false,
        pin_length: 6,
        verification_url: Some("http://127.0.0.1:5000/verify?a=1".to_owned()),
        ..Project::default()
    });
    let page = page("app").await;
    assert!(!page.body.contains("data-uses-quick-codes"));
    assert_eq!(page.attribute("data-pin-length").unwrap(), "6");
    let verification = page.attribute("data-verification").unwrap();
    let verification = url::Url::parse(&verification).unwrap();
    let pairs: Vec<(String, String)> = verification.query_pairs().into_owned().collect();
    for (name, value) in [
        ("a", "1"),
        ("access_id", access_id(&page).as_str()),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "st&te"),
        ("nonce", "n0nce"),
    ] {
        let given = (name.to_owned(), value.to_owned());
        assert!(pairs.contains(&given), "{name} in {pairs:?}");
    }
}

#[tokio::test]
async fn without_qr_login_no_other_device_finishes_the_session_of_a_page() {
    let platform = start().await;
    let mut app = Client::new("only-browser", "s3cret", CALLBACK);
    app.qr_login = false;
    platform.add_client(app).unwrap();
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let url = authorize_url(&platform, &[("client_id", "only-browser")]);
    let page = open(&platform, &url, &[]).await;
    let access_id = page.attribute("data-access-id").unwrap();
    let other = open(&platform, &url, &[]).await;
    let at = format!("{}/rps/v2/codeStatus", platform.issuer());
    for status in ["wid", "user", "abort"] {
        let body = json!({ "wid": access_id, "status": status });
        let refused = client.call("/rps/v2/codeStatus", &body).await;
        assert_eq!(code(refused), "INVALID_AUTHENTICATION_SESSION", "{status}");
        let cookies = [("cookie", other.cookies.as_str())];
        let refused = http::try_send("POST", &at, &cookies, &body.to_string()).await;
        assert_eq!(refused.unwrap().status, 400, "{status}");
    }
    let login = client.log_in(&mut ann, PIN, "oidc", Some(&access_id)).await;
    assert_eq!(code(login), "INVALID_AUTHENTICATION_SESSION");
    // The browser that began goes on.
    let body = json!({ "wid": access_id, "status": "wid" }).to_string();
    let cookies = [("cookie", page.cookies.as_str())];
    let own = http::try_send("POST", &at, &cookies, &body).await.unwrap();
    assert_eq!(own.status, 200, "{own:?}");
    let callback = platform.log_in(&url, EMAIL, OWN_PIN).await.unwrap();
    assert!(params(&callback).contains_key("code"), "{callback}");
    // No program begins a login that only another device could finish.
    let begun = http::try_send("POST", &url, &[], "null").await.unwrap();
    assert_eq!(
        (begun.status, &begun.json()["error"]),
        (403, &json!("FORBIDDEN"))
    );
}

#[tokio::test]
async fn without_browser_login_only_the_session_of_the_qr_code_takes_a_login() {
    let platform = start().await;
    let mut app = Client::new("only-qr", "s3cret", CALLBACK);
    app.browser_login = false;
    platform.add_client(app).unwrap();
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let url = authorize_url(&platform, &[("client_id", "only-qr")]);
    let page = open(&platform, &url, &[]).await;
    let scanned = json!({ "wid": page.qr().unwrap(), "status": "wid" });
    client.call("/rps/v2/codeStatus", &scanned).await.unwrap();
    client
        .log_in(&mut ann, PIN, "oidc", page.qr().as_deref())
        .await
        .unwrap();
    let answer = finish(&platform, &page, &page.cookies).await;
    assert!(params(answer.header("location").unwrap()).contains_key("code"));
    let begun = http::try_send("POST", &url, &[], "null").await.unwrap();
    assert_eq!(begun.status, 200, "{begun:?}");
    let callback = platform.log_in(&url, EMAIL, OWN_PIN).await.unwrap();
    assert!(params(&callback).contains_key("code"), "{callback}");
}

#[tokio::test]
async fn a_quick_code_ends_when_the_project_stops_using_them() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    let digits = quick_code(&platform, &client, &mut ann).await;
    let digits = &*digits;
    platform.set_project(Project {
        quick_code: false,
        ..Project::default()
    });
    let confirmation = json!({ "userId": USER, "code": digits });
    let confirmed = client
        .call("/verification/confirmation", &confirmation)
        .await;
    assert_eq!(code(confirmed), "UNSUCCESSFUL_VERIFICATION");
    let registered = client.register(USER, digits, PIN).await;
    assert_eq!(code(registered), "INVALID_ACTIVATION_TOKEN");
}

#[tokio::test]
async fn a_login_by_which_a_secret_is_renewed_ends_with_the_new_id() {
    let platform = start().await;
    let client = platform.mpin_client();
    let mut ann = registered(&client, USER).await;
    platform.set_project(Project {
        renew_secrets: true,
        ..Project::default()
    });
    let before = ann.mpin_id().to_owned();
    let url = authorize_url(&platform, &[("scope", "openid mpin_id")]);
    let page = open(&platform, &url, &[]).await;
    let access_id = page.attribute("data-access-id").unwrap();
    client
        .log_in(&mut ann, PIN, "oidc", Some(&access_id))
        .await
        .unwrap();
    assert_ne!(ann.mpin_id(), before);
    let answer = finish(&platform, &page, &page.cookies).await;
    let callback = answer.header("location").unwrap();
    let tokens = crate::app::exchange(&platform, callback, &[]).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    let info: Value = crate::app::userinfo(&platform, token).await.json();
    assert_eq!(info["mpin_id"], ann.mpin_id());
    // Nobody else repeats a login, and nobody a login that is over.
    let mut bob = registered(&client, "bob@example.com").await;
    let late = client.log_in(&mut bob, PIN, "oidc", Some(&access_id)).await;
    assert_eq!(code(late), "INVALID_AUTHENTICATION_SESSION");
}

#[tokio::test]
async fn every_page_of_a_login_has_the_language_that_was_asked_for() {
    let platform = start().await;
    let romanian = [("accept-language", "ro-RO,ro;q=0.9,en;q=0.8")];
    let lang = |page: &str| {
        let (_, rest) = page.split_once("<html lang=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    for (changes, expected) in [
        (&[("ui_locales", "fr-FR en"), ("lang", "en")] as &[_], "fr"),
        (&[("ui_locales", "de"), ("lang", "fr")], "fr"),
        (&[("lang", "en")], "en"),
        (&[], "ro"),
    ] {
        let page = open(&platform, &authorize_url(&platform, changes), &romanian).await;
        assert_eq!(lang(&page.body), expected, "{changes:?}");
        // Chosen on the page.
        let again = load(&platform, &page, "?lang=en").await.body;
        assert_eq!(lang(&again), "en");
        let kept = load(&platform, &page, "").await.body;
        assert_eq!(lang(&kept), "en");
    }
    for path in [
        "/qr",
        "/quick-code",
        "/verification/confirmation",
        "/verification/confirmation?user_id=a&code=b",
        "/login/unknown",
    ] {
        let url = format!("{}{path}", platform.issuer());
        let answer = http::get(&url, &romanian).await;
        assert_eq!(lang(&answer.body), "ro", "{path}");
    }
    for (file, word) in [
        ("en", "Who are you?"),
        ("ro", "Cine sunteți?"),
        ("fr", "Qui êtes-vous"),
    ] {
        let url = format!("{}/texts/{file}.json", platform.issuer());
        let texts = http::get(&url, &[]).await.json();
        assert!(texts["register.title"].as_str().unwrap().starts_with(word));
    }
    for file in ["de.json", "en", "..%2Fen.json", ".json"] {
        let url = format!("{}/texts/{file}", platform.issuer());
        assert_eq!(http::get(&url, &[]).await.status, 404, "{file}");
    }
}

#[tokio::test]
async fn a_message_for_a_qr_code_names_the_app_and_does_not_lead_to_the_login_of_the_screen() {
    let platform = start().await;
    platform.set_project(Project {
        email_verification: EmailVerification::Link,
        ..Project::default()
    });
    let page = open(&platform, &authorize_url(&platform, &[]), &[]).await;
    let client = platform.mpin_client();
    let body = json!({
        "userId": "new@example.com", "projectId": platform.project_id(), "accessId": page.qr(), "deviceName": "d",
    });
    client.call("/verification/email", &body).await.unwrap();
    let inbox = http::get(&platform.inbox_url(), &[]).await.body;
    assert!(inbox.contains("<strong>Demo</strong>"), "{inbox}");
    // In the browser of the screen, too, the link belongs to the device that read the code.
    let link = platform.mail_to("new@example.com")[0].clone();
    let opened = http::get(&link, &[("cookie", &page.cookies)]).await.body;
    assert!(opened.contains("data-kind=\"message\""), "{opened}");
    let access_id = format!("data-access-id=\"{}\"", page.qr().unwrap());
    assert!(opened.contains(&access_id) && opened.contains("data-app=\"Demo\""));
}

#[tokio::test]
async fn in_a_network_the_code_leads_to_this_machine_and_the_page_says_so() {
    for allow_network in [false, true] {
        let mut config = PlatformConfig {
            clients: vec![Client::new("app", "s3cret", CALLBACK)],
            allow_network,
            ..PlatformConfig::default()
        };
        if allow_network {
            config.host = "0.0.0.0".to_owned();
        }
        let platform = Platform::start(config).await.unwrap();
        let page = open(&platform, &authorize_url(&platform, &[]), &[]).await;
        assert_eq!(page.body.contains("id=\"network\""), allow_network);
        let (_, address) = page.body.split_once("id=\"qr-address\" href=\"").unwrap();
        let (address, _) = address.split_once('"').unwrap();
        // A machine without a network has no other address than loopback.
        let is_loopback = address.starts_with(platform.issuer());
        assert!(is_loopback || allow_network, "{address}");
        let opened = http::get(address, &[]).await;
        assert_eq!(opened.status, 200, "{opened:?}");
        assert!(opened.body.contains("data-kind=\"other-device\""));
    }
}

#[tokio::test]
async fn a_verification_link_tells_its_page_which_login_follows() {
    let platform = start().await;
    let client = platform.mpin_client();
    let verify = async |more: serde_json::Value| {
        let mut body = json!({ "userId": "customer 7", "delivery": "no", "clientId": "app" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = client.call_as_app("app", "s3cret", "/verification", &body);
        let link = answer.await.unwrap()["verificationURL"].clone();
        url::Url::parse(link.as_str().unwrap()).unwrap()
    };
    let confirm = async |link: &url::Url| {
        let code = link.query_pairs().find(|(name, _)| name == "code");
        let body = json!({ "userId": "customer 7", "code": code.unwrap().1 });
        client.call("/verification/confirmation", &body).await
    };
    let of_login = verify(json!({
        "redirectURI": CALLBACK, "scope": ["openid", "email"], "state": "s", "nonce": "n",
    }));
    let of_login = of_login.await;
    let page = http::get(of_login.as_str(), &[]).await;
    assert!(page.body.contains("data-goes-on"), "{}", page.body);
    let confirmed = confirm(&of_login).await.unwrap();
    for (name, value) in [
        ("clientId", "app"),
        ("scope", "openid email"),
        ("state", "s"),
        ("nonce", "n"),
        ("verificationRedirectUrl", CALLBACK),
    ] {
        assert_eq!(confirmed[name], value, "{confirmed}");
    }

    // A link to be sent belongs to no login.
    let to_send = verify(json!({ "scope": ["openid"] })).await;
    let page = http::get(to_send.as_str(), &[]).await;
    assert!(!page.body.contains("data-goes-on"), "{}", page.body);
    let confirmed = confirm(&to_send).await.unwrap();
    assert!(confirmed["clientId"].is_null(), "{confirmed}");
    let long = json!({
        "userId": "a", "delivery": "no", "clientId": "app", "redirectURI": CALLBACK, "scope": ["x".repeat(2000)],
    });
    let refused = client.call_as_app("app", "s3cret", "/verification", &long);
    assert_eq!(code(refused.await), "INVALID_REQUEST_PARAMETERS");
}
