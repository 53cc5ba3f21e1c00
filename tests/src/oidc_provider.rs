//! The npm package `oidc-provider` as a process.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::process::Process;

const START: Duration = Duration::from_secs(90);

/// A certified provider that others wrote, on a port of its own, stopped when dropped.
#[derive(Debug)]
pub struct OidcProvider {
    process: Process,
    issuer: String,
}

impl OidcProvider {
    /// The one account's e-mail address.
    pub const EMAIL: &str = "someone@elsewhere.example";

    /// Whether `npm ci` has run in `tests/providers`.
    pub fn is_installed() -> bool {
        folder()
            .join("node_modules/oidc-provider/package.json")
            .is_file()
    }

    /// Opens its socket. It answers once [`OidcProvider::register`] has told it about the app.
    pub fn start() -> Self {
        let process = Process::spawn(
            "oidc-provider",
            Command::new("node").arg("server.mjs").current_dir(folder()),
        );
        let issuer = process
            .wait_for(START, |line| {
                line.strip_prefix("issuer ").map(str::to_owned)
            })
            .unwrap_or_else(|why| panic!("oidc-provider does not start: {why}: {}", process.log()));
        Self { process, issuer }
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Registers one client for the app at `origin`, with metadata from `extra` added or replaced, and begins to
    /// answer.
    pub fn register(&mut self, client_id: &str, client_secret: &str, origin: &str, extra: &Value) {
        self.register_all(&[Self::client(client_id, client_secret, origin, extra)]);
    }

    /// The metadata of a client for the app at `origin`, with members from `extra` added or replaced.
    pub fn client(client_id: &str, client_secret: &str, origin: &str, extra: &Value) -> Value {
        let mut client = json!({
            "client_id": client_id,
            "client_secret": client_secret,
            "redirect_uris": [format!("{origin}/login")],
            "post_logout_redirect_uris": [format!("{origin}/signed-out")],
        });
        for (key, value) in extra.as_object().into_iter().flatten() {
            client[key] = value.clone();
        }
        client
    }

    /// Registers clients, and begins to answer.
    pub fn register_all(&mut self, clients: &[Value]) {
        let account = json!({ "email": Self::EMAIL, "email_verified": true });
        self.process
            .write_line(&json!({ "clients": clients, "account": account }).to_string());
        self.process
            .wait_for(START, |line| (line == "ready").then_some(()))
            .unwrap_or_else(|why| {
                panic!("oidc-provider is not ready: {why}: {}", self.process.log())
            });
    }

    /// Waits until a line of its output holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        self.process
            .wait_for(START, |line| line.contains(text).then_some(()))
            .unwrap_or_else(|why| panic!("no {text:?} in the log of oidc-provider: {why}"));
    }

    /// Everything it printed.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/providers"))
}
