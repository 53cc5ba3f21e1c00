//! M-Pin in Chromium: what only a browser with its local storage shows.

use std::time::Duration;

use miracl_platform::{Client, EmailVerification, Platform, PlatformConfig, Project, StartError};
use miracl_tests::{Adapter, Chrome, Demo, Suite, scenarios};
use serde_json::{Value, json};

use crate::{EMAIL, PIN, arrived, enter_pin, page, register};

mod arithmetic;
mod languages;
mod overlay;
mod qr;
mod quick_code;
mod secrets;
mod signing;

const SECRET: &str = "secret-of-the-mpin-test";

scenarios![
    a_second_identity_is_added_chosen_and_removed,
    a_forgotten_pin_is_replaced_by_mail,
    digits_from_the_mail_are_typed_where_the_registration_began,
    a_link_opened_in_another_browser_registers_that_one,
    a_renewed_secret_keeps_its_pin_and_a_lost_one_is_registered_again,
    an_app_that_has_made_sure_of_a_person_sends_them_to_their_pin,
    a_browser_keeps_its_registration_when_the_platform_restarts_and_not_its_data_folder,
];

/// The suites of M-Pin: this one, and one for each noun.
pub(crate) fn suites() -> Vec<Suite> {
    vec![
        suite(),
        arithmetic::suite(),
        languages::suite(),
        overlay::suite(),
        qr::suite(),
        quick_code::suite(),
        secrets::suite(),
        signing::suite(),
    ]
}

/// A demo whose platform the test can reach.
pub(crate) struct Stage {
    pub(crate) platform: Platform,
    pub(crate) demo: Demo,
    pub(crate) chrome: Chrome,
}

impl Stage {
    pub(crate) async fn begin(adapter: Adapter, project: Project) -> Self {
        Self::begin_in(Chrome::start().await, adapter, project, |_| {}).await
    }

    /// Begins in this browser, with an app that is changed so.
    async fn begin_in(
        chrome: Chrome,
        adapter: Adapter,
        project: Project,
        change: impl FnOnce(&mut Client),
    ) -> Self {
        let mut demo = Demo::builder(adapter).start();
        let config = PlatformConfig {
            clients: vec![client(&demo, change)],
            project,
            ..PlatformConfig::default()
        };
        let platform = Platform::start(config).await.expect("a platform");
        demo.restart_with(|settings| {
            settings
                .env("ISSUER", platform.issuer())
                .env("CLIENT_ID", "mpin")
                .env("CLIENT_SECRET", SECRET)
                .env("MPAD_URL", &platform.mpad_url())
        });
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
        choose_pin(&self.chrome, pin).await;
    }
}

pub(crate) async fn choose_pin(chrome: &Chrome, pin: &str) {
    for name in ["new-pin", "repeat-pin"] {
        page(chrome, name).await;
        enter_pin(chrome, pin).await;
    }
}

/// What the browser keeps of its identities. A page of the platform must be on the screen.
async fn kept(chrome: &Chrome) -> Value {
    let kept =
        "return Object.entries(localStorage).find(([key]) => key.startsWith('mpin-'))?.[1] ?? '[]'";
    let kept = chrome.script(kept).await;
    serde_json::from_str(kept.as_str().expect("text")).expect("JSON")
}

/// The app that the demo is.
fn client(demo: &Demo, change: impl FnOnce(&mut Client)) -> Client {
    let mut client = Client::new("mpin", SECRET, demo.url("/login"));
    client.name = "The demo".to_owned();
    change(&mut client);
    client
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
    let another = &Chrome::start().await;
    another.open(&link).await;
    page(another, "other-browser").await;
    another.screenshot("21-other-browser").await;
    another.click("#go-on").await;
    choose_pin(another, PIN).await;
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
    // A PIN that was chosen before keeps its length.
    stage.platform.set_project(Project {
        renew_secrets: true,
        pin_length: 6,
        ..Project::default()
    });
    let mut tokens = Vec::new();
    for _ in 0..2 {
        stage.start().await;
        page(chrome, "enter-pin").await;
        tokens.push(kept(chrome).await[0]["token"].clone());
        enter_pin(chrome, PIN).await;
        arrived(chrome, demo, "/").await;
    }
    assert_ne!(tokens[0], tokens[1], "the secret is another one");
    let revoked = stage.platform.count("/registration");
    assert_eq!(revoked, 2, "it is renewed once");
    stage.platform.set_project(Project::default());
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
    let answer = client.call_as_app("mpin", SECRET, "/activate/initiate", &body);
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

/// Starts a platform at the port that another one has just left. A connection of somebody else may have that port for a
/// moment.
async fn start_again(config: PlatformConfig) -> Platform {
    for _ in 0..500 {
        match Platform::start(config.clone()).await {
            Err(StartError::Bind { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
            started => return started.expect("the platform starts"),
        }
    }
    panic!("the port is taken")
}

async fn a_browser_keeps_its_registration_when_the_platform_restarts_and_not_its_data_folder(
    adapter: Adapter,
) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let Stage {
        platform,
        demo,
        chrome,
    } = stage;
    let port = platform.address().port();
    platform.shutdown().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let start = async |folder: &tempfile::TempDir| {
        let config = PlatformConfig {
            port,
            data_dir: Some(folder.path().to_owned()),
            clients: vec![client(&demo, |_| {})],
            ..PlatformConfig::default()
        };
        start_again(config).await
    };
    let platform = start(&folders[0]).await;
    chrome.open(&demo.url("/login/start")).await;
    register(&chrome, false).await;
    arrived(&chrome, &demo, "/").await;
    platform.shutdown().await;

    let platform = start(&folders[1]).await;
    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "register").await;
    chrome.wait_for_text("has to be registered again").await;
    chrome.screenshot("22-other-data-folder").await;
    platform.shutdown().await;

    let platform = start(&folders[0]).await;
    chrome.open(&demo.url("/login/start")).await;
    page(&chrome, "enter-pin").await;
    enter_pin(&chrome, PIN).await;
    arrived(&chrome, &demo, "/").await;
    platform.shutdown().await;
}
