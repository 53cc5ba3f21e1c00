//! Other libraries' servers, measured in the same way: a folder of Rust packages outside this workspace.
//!
//! Each of its programs has the routes `/bare`, `/me` (the e-mail address of the logged-in person) and `/seed`,
//! which logs a person in and sets the cookie. It reads `PORT`, `WORKERS` and, where one program is several
//! servers, `PEER`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use miracl_tests::{Adapter, Browser, Request};

use crate::{http::Exchange, session::OTHERS};

/// Package, `PEER`, and what it is.
const KNOWN: [(&str, &str, &str, &str); 8] = [
    (
        "axum",
        "axum-peers",
        "cookie",
        "axum-extra `PrivateCookieJar`, 300 B",
    ),
    ("axum", "axum-peers", "login", "axum-login, `MemoryStore`"),
    (
        "axum",
        "axum-peers",
        "tower",
        "tower-sessions, `MemoryStore`",
    ),
    ("axum", "axum-peers", "session", "axum_session, in memory"),
    (
        "axum",
        "axum-peers",
        "floor-sealed",
        "no library: ring's AES-256-GCM and serde_json",
    ),
    (
        "axum",
        "axum-peers",
        "floor-store",
        "no library: `RwLock<HashMap>`",
    ),
    (
        "actix",
        "actix-peers",
        "cookie",
        "actix-identity, `CookieSessionStore`",
    ),
    (
        "rocket",
        "rocket-peer",
        "",
        "Rocket's private cookie, 300 B",
    ),
];

/// What their routes answer.
const EMAIL: &str = "user@example.com";

/// One of these servers.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) framework: Adapter,
    pub(crate) program: PathBuf,
    pub(crate) name: &'static str,
    peer: &'static str,
}

/// Builds the servers in a folder that are for one of these frameworks, as our own servers are built.
pub(crate) fn build(folder: &Path, frameworks: &[Adapter]) -> Result<Vec<Peer>, String> {
    let mut peers: Vec<Peer> = Vec::new();
    for (framework, package, peer, name) in KNOWN {
        let Some(&framework) = frameworks.iter().find(|known| known.name == framework) else {
            continue;
        };
        let built = peers.iter().find(|peer| peer.program.ends_with(package));
        let program = match built {
            Some(peer) => peer.program.clone(),
            None => program(folder, package)?,
        };
        peers.push(Peer {
            framework,
            program,
            name,
            peer,
        });
    }
    Ok(peers)
}

fn program(folder: &Path, package: &str) -> Result<PathBuf, String> {
    eprintln!("building {package}");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(target, |ours| PathBuf::from(ours).join("peers"));
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            package,
        ])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        // With the profile of our own servers, and not with theirs.
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
    let mut built = miracl_tests::built(&mut cargo);
    built
        .remove(package)
        .ok_or_else(|| format!("{package} has no program of its name"))
}

impl Peer {
    pub(crate) fn settings(&self, port: u16) -> [(&'static str, String); 3] {
        [
            ("PORT", port.to_string()),
            ("WORKERS", "1".to_owned()),
            ("PEER", self.peer.to_owned()),
        ]
    }

    /// Logs a person in, and returns the request that does not ask who is logged in, and that person's.
    pub(crate) fn exchanges(&self, port: u16) -> Result<(Exchange, Exchange), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let cookies = runtime.block_on(async {
            let browser = Browser::new();
            let seed = format!("http://127.0.0.1:{port}/seed");
            browser.send(Request::script(seed)).await.expect(200);
            browser.cookies()
        });
        let mut cookie: Vec<String> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        if cookie.is_empty() {
            return Err(format!("{} sets no cookie", self.name));
        }
        cookie.push(OTHERS.to_owned());
        let exchange = |path, cookie| Exchange {
            path,
            cookie,
            body: EMAIL.to_owned(),
        };
        Ok((
            exchange("/bare", None),
            exchange("/me", Some(cookie.join("; "))),
        ))
    }
}
