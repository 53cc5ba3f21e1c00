//! The local platform and the demo on two sites: to a browser, `localhost` and `127.0.0.1` are as far apart as a
//! provider and an app on the internet, and `Lax` cookies do not go from the pages of one to the other.

use miracl_platform::{Client, Platform, PlatformConfig};
use miracl_tests::{Adapter, Browser, Chrome, Demo, Request, scenarios};
use serde_json::json;

use crate::{EMAIL, PIN, arrived, cookies, enter_pin, page, register};

scenarios![
    a_login_by_form_post_comes_from_another_site,
    a_login_by_form_post_ends_the_earlier_session,
    a_frame_of_the_platform_ends_the_session_without_its_cookie,
    a_log_out_begun_by_the_app_goes_through_the_frame_and_comes_back,
    a_log_out_at_the_platform_reaches_a_tab_that_nobody_touches,
    without_scripts_a_person_clicks_where_a_page_would_go_on_by_itself,
];

const SECRET: &str = "secret-of-the-two-sites-test";

/// A platform at `localhost`, a demo at `127.0.0.1` that is its client, and a browser.
pub(crate) struct Sites {
    pub(crate) platform: Platform,
    pub(crate) demo: Demo,
    pub(crate) chrome: Chrome,
}

impl Sites {
    /// Starts them. The client is registered with these changes, and the demo has this response mode.
    pub(crate) async fn begin(
        adapter: Adapter,
        response_mode: &str,
        change: impl FnOnce(&mut Client, &Demo),
    ) -> Self {
        let mut demo = Demo::builder(adapter).start();
        let mut client = Client::new("two-sites", SECRET, demo.url("/login"));
        client.name = "The demo".to_owned();
        client
            .post_logout_redirect_uris
            .push(demo.url("/signed-out"));
        change(&mut client, &demo);
        let platform = Platform::start(PlatformConfig {
            host: "localhost".to_owned(),
            clients: vec![client],
            ..PlatformConfig::default()
        })
        .await
        .expect("a platform");
        demo.restart_with(|settings| {
            settings
                .env("ISSUER", platform.issuer())
                .env("CLIENT_ID", "two-sites")
                .env("CLIENT_SECRET", SECRET)
                .env("RESPONSE_MODE", response_mode)
        });
        let chrome = Chrome::start().await;
        Self {
            platform,
            demo,
            chrome,
        }
    }

    /// Registers a person, who is then logged in.
    pub(crate) async fn register(&self) {
        self.chrome.open(&self.demo.url("/login/start")).await;
        register(&self.chrome, false).await;
        arrived(&self.chrome, &self.demo, "/").await;
    }

    pub(crate) async fn whoami(&self) -> String {
        self.chrome.open(&self.demo.url("/whoami")).await;
        self.chrome.text().await.trim().to_owned()
    }

    pub(crate) async fn assert_nobody(&self) {
        let whoami = self.whoami().await;
        assert!(!whoami.contains(EMAIL), "{whoami}");
    }

    fn logout_url(&self) -> String {
        format!("{}/oidc/logout", self.platform.issuer())
    }
}

pub(crate) fn nothing(_: &mut Client, _: &Demo) {}

fn front_channel(client: &mut Client, demo: &Demo) {
    client.frontchannel_logout_uri = Some(demo.url("/frontchannel-logout"));
}

fn back_channel(client: &mut Client, demo: &Demo) {
    client.backchannel_logout_uri = Some(demo.url("/backchannel-logout"));
}

/// The platform's pages send no referrer to other sites, so browsers send their forms with `Origin: null`.
async fn a_login_by_form_post_comes_from_another_site(adapter: Adapter) {
    let sites = Sites::begin(adapter, "form_post", nothing).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    chrome
        .open(&demo.url("/login/start?return_to=%2Fmembers%3Ftab%3D2"))
        .await;
    register(chrome, false).await;
    arrived(chrome, demo, "/members?tab=2").await;
    let session = chrome.client().get_all_cookies().await;
    let session = session.expect("the browser's cookies");
    let ours = session.iter().filter(|it| it.name().contains(adapter.name));
    let ours: Vec<_> = ours.collect();
    assert!(!ours.is_empty(), "{session:?}");
    for cookie in ours {
        let same_site = cookie.same_site().map(|site| site.to_string());
        assert_eq!(same_site.as_deref(), Some("Lax"), "{cookie}");
    }
    assert_eq!(sites.whoami().await, EMAIL);
}

async fn a_login_by_form_post_ends_the_earlier_session(adapter: Adapter) {
    let sites = Sites::begin(adapter, "form_post", nothing).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    sites.register().await;
    let first = cookies(chrome, adapter).await;
    let whoami = async |cookies: &[(String, String)]| {
        let pairs: Vec<_> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = Request::script(demo.url("/whoami")).header("cookie", &pairs.join("; "));
        Browser::new().send(request).await.status
    };
    assert_eq!(whoami(&first).await, 200);
    chrome.open(&demo.url("/login/start")).await;
    page(chrome, "enter-pin").await;
    enter_pin(chrome, PIN).await;
    arrived(chrome, demo, "/").await;
    assert_ne!(cookies(chrome, adapter).await, first);
    assert_eq!(sites.whoami().await, EMAIL);
    assert_eq!(whoami(&first).await, 401, "a copy is dead as well");
}

async fn a_frame_of_the_platform_ends_the_session_without_its_cookie(adapter: Adapter) {
    let sites = Sites::begin(adapter, "query", front_channel).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    sites.register().await;
    let before = cookies(chrome, adapter).await;
    chrome.open(&sites.logout_url()).await;
    page(chrome, "signed-out").await;
    chrome.screenshot("16-signed-out").await;
    chrome.client().enter_frame(0).await.expect("the frame");
    let title = chrome.script("return document.title").await;
    assert_eq!(title, "Log-out");
    let parent = chrome.client().enter_parent_frame().await;
    parent.expect("the page");
    chrome.open(&demo.url("/public")).await;
    // The demo deletes a cookie that it receives. This one is still there, so it was not sent.
    assert_eq!(cookies(chrome, adapter).await, before);
    sites.assert_nobody().await;
}

async fn a_log_out_begun_by_the_app_goes_through_the_frame_and_comes_back(adapter: Adapter) {
    let sites = Sites::begin(adapter, "query", front_channel).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    sites.register().await;
    chrome.click("form[action=\"/logout\"] button").await;
    chrome.wait_for_url(|url| url == demo.url("/")).await;
    chrome.wait_for_text("User logged out!").await;
    assert_eq!(
        sites.platform.count("/signed-out.js"),
        1,
        "the page was there"
    );
    sites.assert_nobody().await;
}

async fn a_log_out_at_the_platform_reaches_a_tab_that_nobody_touches(adapter: Adapter) {
    let sites = Sites::begin(adapter, "query", back_channel).await;
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    sites.register().await;
    chrome.open(&demo.url("/members")).await;
    chrome.wait_for_text("Members").await;
    let client = chrome.client();
    let tab = client.window().await.expect("the tab of the app");
    let before = cookies(chrome, adapter).await;

    let other = client.new_window(true).await.expect("another tab");
    client.switch_to_window(other.handle).await.expect("a tab");
    chrome.open(&sites.logout_url()).await;
    page(chrome, "signed-out").await;
    chrome
        .wait_for_text("You are logged out of The demo too.")
        .await;
    chrome.screenshot("17-signed-out-everywhere").await;
    let frames = chrome.script("return window.length").await;
    assert_eq!(frames, 0, "the browser is not needed");

    client.switch_to_window(tab).await.expect("the first tab");
    assert_eq!(cookies(chrome, adapter).await, before);
    let url = client.current_url().await.map(String::from);
    assert_eq!(url.expect("an address"), demo.url("/members"));
    chrome.click("a[href=\"/profile\"]").await;
    page(chrome, "enter-pin").await;
    sites.assert_nobody().await;
}

/// The login itself needs scripts, so another device proves the PIN, and the driver sends the last form.
async fn without_scripts_a_person_clicks_where_a_page_would_go_on_by_itself(adapter: Adapter) {
    let sites = Sites {
        chrome: Chrome::start_without_scripts().await,
        ..Sites::begin(adapter, "form_post", front_channel).await
    };
    let (demo, chrome) = (&sites.demo, &sites.chrome);
    chrome.open(&demo.url("/login/start")).await;
    chrome.wait_for_text("M-Pin needs JavaScript").await;
    let access_id = "return document.getElementById('login').dataset.accessId";
    let access_id = chrome.script(access_id).await;
    let client = sites.platform.mpin_client();
    let person = json!({ "userId": EMAIL, "deviceName": "A phone" });
    let token = client.call_as_app("two-sites", SECRET, "/activate/initiate", &person);
    let token = token.await.expect("a token")["actToken"].clone();
    let token = token.as_str().expect("text");
    let mut phone = client.register(EMAIL, token, PIN).await.expect("a phone");
    let login = client.log_in(&mut phone, PIN, "oidc", access_id.as_str());
    login.await.expect("a login");
    chrome
        .script("document.getElementById('finish').submit()")
        .await;
    page(chrome, "form-post").await;
    chrome.screenshot("18-form-post").await;
    chrome.click("#continue").await;
    arrived(chrome, demo, "/").await;
    chrome.click("form[action=\"/logout\"] button").await;
    page(chrome, "signed-out").await;
    chrome.screenshot("19-signed-out-going-back").await;
    chrome.click("#continue").await;
    chrome.wait_for_text("User logged out!").await;
    sites.assert_nobody().await;
}
