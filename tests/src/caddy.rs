//! A Caddy as a process.

use std::{net::TcpListener, process::Command, time::Duration};

use crate::{demo::Demo, held::Held, process::Process};

const START: Duration = Duration::from_secs(90);

/// Where the configuration lies in its folder.
const CONFIG: &str = "Caddyfile";

/// The configuration that a page of the book shows.
fn shown(page: &'static str) -> &'static str {
    let shown = page.split("```caddyfile\n").nth(1);
    let shown = shown.and_then(|rest| rest.split("```").next());
    shown.expect("the page shows a configuration of Caddy")
}

/// A Caddy of one scenario in front of a demo, as the book shows it, killed when dropped.
///
/// Its port is taken at once, because the settings of the demo contain it. It listens from [`serve`](Self::serve) on.
#[derive(Debug)]
pub struct Caddy {
    process: Option<Process>,
    port: u16,
    folder: tempfile::TempDir,
    /// Keeps the port until it listens.
    held: Held,
}

impl Caddy {
    /// One that speaks http to browsers.
    pub fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("a bound socket").port();
        drop(free);
        Self {
            process: None,
            port,
            folder: tempfile::tempdir().expect("a temporary directory"),
            held: Held::port(port),
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Listens, and sends every request to this demo.
    pub fn serve(&mut self, demo: &Demo) {
        self.serve_page(include_str!("../../docs/src/how/proxy.md"), demo);
    }

    /// Listens, and sends what is below `/app` to this demo, without that path.
    pub fn serve_below_path(&mut self, demo: &Demo) {
        self.serve_page(include_str!("../../docs/src/how/sub-path.md"), demo);
    }

    fn serve_page(&mut self, page: &'static str, demo: &Demo) {
        let address = format!("http://127.0.0.1:{}", self.port);
        let site = shown(page)
            .replace("app.example", &address)
            .replace("127.0.0.1:5000", &format!("127.0.0.1:{}", demo.port()));
        let folder = self.folder.path();
        std::fs::write(
            folder.join(CONFIG),
            format!("{{\n    admin off\n}}\n\n{site}"),
        )
        .expect("a file of Caddy");
        self.held = Held::nothing();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config", CONFIG]);
        command.current_dir(folder).env("HOME", folder);
        command
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder);
        let process = Process::spawn("caddy", &mut command);
        let ready = |line: &str| line.contains("serving initial configuration").then_some(());
        if let Err(why) = process.wait_for(START, ready) {
            panic!("Caddy does not start: {why}: {}", process.log());
        }
        self.process = Some(process);
    }
}

impl Default for Caddy {
    fn default() -> Self {
        Self::new()
    }
}
