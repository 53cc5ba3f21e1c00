//! Chromium, driven over WebDriver.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use axum::http::Method;
use fantoccini::{
    Client, ClientBuilder, Locator, elements::Element, wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

use crate::process::Process;

const START: Duration = Duration::from_secs(90);

/// How often to start the driver, when another process has the port that it chose.
const PORTS: usize = 20;

/// How long a page may take to show what a test waits for.
const PATIENCE: Duration = Duration::from_secs(45);

/// The browser of a test needs no window, no sandbox (tests may run as root), and no network but loopback.
const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How a browser shows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Look {
    /// In a window of 1280 by 720, to a person who prefers light colours.
    Light,
    /// In the same window, to a person who prefers dark colours.
    Dark,
    /// On a phone with 390 by 844 points.
    Phone,
}

impl Look {
    /// Every look.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Phone];

    /// Its name, for files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Phone => "phone",
        }
    }
}

/// A command of the protocol of Chromium's developer tools.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (Method::POST, Some(body.to_string()))
    }
}

/// What the developer tools said since the last time.
#[derive(Debug)]
struct PerformanceLog;

impl WebDriverCompatibleCommand for PerformanceLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (
            Method::POST,
            Some(json!({ "type": "performance" }).to_string()),
        )
    }
}

/// A headless Chromium with a new profile. Dropping it ends the browser and its driver, and removes every file of both.
#[derive(Debug)]
pub struct Chrome {
    client: Client,
    driver: Process,
    /// Where the driver listens.
    port: u16,
    capabilities: Value,
    folder: tempfile::TempDir,
}

impl Chrome {
    /// Starts the driver on a free port, and a browser.
    pub async fn start() -> Self {
        Self::start_with(json!({ "args": ["--window-size=1280,900"] })).await
    }

    /// Starts a browser with the screen of a phone, whose user prefers dark colours.
    pub async fn start_phone_in_the_dark() -> Self {
        Self::start_with(json!({
            "args": ["--window-size=500,900", "--force-dark-mode"],
            "mobileEmulation": { "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 } },
        }))
        .await
    }

    /// Starts a browser that runs no script of any page.
    pub async fn start_without_scripts() -> Self {
        Self::start_with(json!({
            "args": ["--window-size=1280,900"],
            "prefs": { "profile.managed_default_content_settings.javascript": 2 },
        }))
        .await
    }

    /// Starts a browser to which every certificate is good: those of tests are signed by nobody.
    pub async fn start_trusting_any_certificate() -> Self {
        let options = json!({ "args": ["--window-size=1280,900", "--ignore-certificate-errors"] });
        Self::start_with(options).await
    }

    /// Starts a browser whose user reads this language.
    pub async fn start_speaking(language: &str) -> Self {
        Self::start_with(json!({
            "args": ["--window-size=1280,900"],
            "prefs": { "intl.accept_languages": language },
        }))
        .await
    }

    /// Starts a browser that notes every request of its pages: see [`sent`](Self::sent).
    pub async fn start_watched() -> Self {
        let options = json!({ "args": ["--window-size=1280,900"] });
        let logging = json!({ "goog:loggingPrefs": { "performance": "ALL" } });
        Self::start_as(options, logging).await
    }

    async fn start_with(options: Value) -> Self {
        Self::start_as(options, json!({})).await
    }

    async fn start_as(mut options: Value, mut capabilities: Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let (driver, port) = start_driver(&folder);
        let arguments = options["args"]
            .as_array_mut()
            .expect("arguments of the browser");
        arguments.extend(ARGUMENTS.iter().map(|argument| json!(argument)));
        arguments.push(json!(profile(&folder)));
        capabilities["browserName"] = json!("chrome");
        capabilities["goog:chromeOptions"] = options;
        Self {
            client: open(&driver, port, &capabilities).await,
            driver,
            port,
            capabilities,
            folder,
        }
    }

    /// Closes the browser as a person does, and starts it again with the same profile.
    pub async fn restart(&mut self) {
        let closed = self.client.clone().close().await;
        closed.unwrap_or_else(|error| panic!("chromium does not close: {error}"));
        let deadline = Instant::now() + PATIENCE;
        // It writes its profile until its last process has ended.
        while !self.processes().is_empty() {
            assert!(Instant::now() < deadline, "chromium does not end");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.client = open(&self.driver, self.port, &self.capabilities).await;
    }

    /// Every request of a browser that is watched, with its address, its headers and its body, since this was asked
    /// before.
    pub async fn sent(&self) -> Vec<String> {
        let log = self.client.issue_cmd(PerformanceLog).await;
        let log = log.unwrap_or_else(|error| panic!("the log of the browser: {error}"));
        let entries = log.as_array().cloned().unwrap_or_default();
        let messages = entries.iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            is_request.then(|| message["params"]["request"].to_string())
        });
        messages.collect()
    }

    /// The WebDriver client, for what has no method here.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.client
            .goto(url)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Waits for an element.
    pub async fn find(&self, css: &str) -> Element {
        match self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
        {
            Ok(element) => element,
            Err(error) => {
                self.screenshot("failed").await;
                panic!(
                    "no {css} at {:?}: {error}\n{}",
                    self.client.current_url().await,
                    self.client.source().await.unwrap_or_default()
                )
            }
        }
    }

    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element
            .click()
            .await
            .unwrap_or_else(|error| panic!("click {css}: {error}"));
    }

    /// Waits for a field and types into it.
    pub async fn type_into(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        element
            .send_keys(text)
            .await
            .unwrap_or_else(|error| panic!("type into {css}: {error}"));
    }

    /// Waits until `condition` holds of the page's address, which it returns.
    pub async fn wait_for_url(&self, condition: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = self
                .client
                .current_url()
                .await
                .map(String::from)
                .unwrap_or_default();
            if condition(&url) {
                return url;
            }
            if Instant::now() > deadline {
                self.screenshot("failed").await;
                panic!(
                    "still at {url}\n{}",
                    self.client.source().await.unwrap_or_default()
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the page's text holds `text`.
    pub async fn wait_for_text(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.text().await;
            if shown.contains(text) {
                return;
            }
            if Instant::now() > deadline {
                self.screenshot("failed").await;
                panic!(
                    "no {text:?} at {:?}, but: {shown}",
                    self.client.current_url().await.map(String::from)
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// The text that a person sees; empty while a page is loading.
    pub async fn text(&self) -> String {
        let text = self
            .client
            .execute(
                "return document.body ? document.body.innerText : ''",
                Vec::new(),
            )
            .await;
        text.ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Runs a script in the page.
    pub async fn script(&self, script: &str) -> Value {
        self.client
            .execute(script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Shows the page in another look. `height` makes the window higher than that look has it.
    pub async fn appear(&self, look: Look, height: Option<u64>) {
        let (width, usual, mobile) = match look {
            Look::Light | Look::Dark => (1280, 720, false),
            Look::Phone => (390, 844, true),
        };
        let scheme = match look {
            Look::Dark => "dark",
            Look::Light | Look::Phone => "light",
        };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.develop(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
        let size = json!({
            "width": width, "height": height.unwrap_or(usual), "deviceScaleFactor": 1, "mobile": mobile,
        });
        self.develop("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Loads nothing from now on whose address has this pattern.
    pub async fn block(&self, pattern: &str) {
        self.develop("Network.enable", json!({})).await;
        self.develop("Network.setBlockedURLs", json!({ "urls": [pattern] }))
            .await;
    }

    /// Forgets the cookies of every site.
    pub async fn forget_cookies(&self) {
        self.develop("Network.clearBrowserCookies", json!({})).await;
    }

    /// Runs no script of any page from now on, or runs them again. A test's own scripts run in any case.
    pub async fn forbid_scripts(&self, forbidden: bool) {
        let value = json!({ "value": forbidden });
        self.develop("Emulation.setScriptExecutionDisabled", value)
            .await;
    }

    async fn develop(&self, command: &'static str, parameters: Value) {
        let done = self.client.issue_cmd(DevTools(command, parameters)).await;
        done.unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// Runs a script in the page that calls its last argument with the result.
    pub async fn script_async(&self, script: &str) -> Value {
        self.client
            .execute_async(script, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Saves what the window shows as `target/screenshots/<name>.png`.
    pub async fn screenshot(&self, name: &str) {
        let file = screenshots().join(format!("{name}.png"));
        let folder = file.parent().expect("a folder");
        std::fs::create_dir_all(folder).expect("a folder for screenshots");
        if let Ok(image) = self.client.screenshot().await {
            std::fs::write(file, image).expect("a screenshot is saved");
        }
    }

    /// The browser's processes: the driver does not end them when it is killed.
    fn processes(&self) -> Vec<String> {
        let mark = profile(&self.folder);
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter(|entry| {
                std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| {
                    line.split(|byte| *byte == 0)
                        .any(|word| word == mark.as_bytes())
                })
            })
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        // Until the last of them has ended, new files may appear, and the driver's output stays open.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let processes = self.processes();
            if processes.is_empty() || Instant::now() > deadline {
                return;
            }
            let _ = Command::new("kill").arg("-9").args(processes).status();
        }
    }
}

/// The argument that names the profile, by which the browser's processes are found.
fn profile(folder: &tempfile::TempDir) -> String {
    format!(
        "--user-data-dir={}",
        folder.path().join("profile").display()
    )
}

/// Has the driver start a browser.
async fn open(driver: &Process, port: u16, capabilities: &Value) -> Client {
    ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().expect("an object").clone())
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .unwrap_or_else(|error| panic!("chromium does not start: {error}: {}", driver.log()))
}

/// Where screenshots are kept.
fn screenshots() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).to_owned(),
        PathBuf::from,
    );
    target.join("screenshots")
}

/// Starts a driver, and returns the port that it listens on.
fn start_driver(folder: &tempfile::TempDir) -> (Process, u16) {
    for _ in 0..PORTS {
        // The browser takes its environment from the driver, and leaves what it keeps in this directory.
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", folder.path());
        let driver = Process::spawn("chromedriver", &mut command);
        let port = driver.wait_for(START, |line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        match port {
            Ok(port) => return (driver, port),
            // It takes a free port for IPv6, and then wants the same one for IPv4, which another program may have.
            Err(_) if driver.log().contains("IPv4 port not available") => {}
            Err(why) => panic!("chromedriver does not start: {why}: {}", driver.log()),
        }
    }
    panic!("chromedriver finds no port");
}
