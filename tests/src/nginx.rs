//! An nginx as a process.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use crate::{demo::Demo, held::Held, process::Process};

const START: Duration = Duration::from_secs(90);

/// Where the configuration lies in its folder.
const CONFIG: &str = "nginx.conf";

/// Where it notes every request.
const ACCESS: &str = "access.log";

/// What the book shows of nginx's configuration. Buffers, timeouts and the version of HTTP for the demos are the
/// defaults, and only the host is passed on.
fn the_books() -> &'static str {
    let page = include_str!("../../docs/src/how/proxy.md");
    let shown = page.split("```nginx\n").nth(1);
    let shown = shown.and_then(|rest| rest.split("```").next());
    shown.expect("the book shows a configuration of nginx")
}

/// An nginx of one scenario in front of demos, as the book shows it, killed when dropped.
///
/// Its port is taken at once, because the settings of the demos contain it. It listens from
/// [`serve`](Self::serve) on.
#[derive(Debug)]
pub struct Nginx {
    process: Option<Process>,
    port: u16,
    tls: bool,
    folder: tempfile::TempDir,
    /// Keeps the port until it listens.
    held: Held,
}

impl Nginx {
    /// One that speaks HTTP/1.1 to browsers.
    pub fn new() -> Self {
        Self::with(false)
    }

    /// One that speaks HTTP/2 to browsers, by TLS with a certificate of its own that nobody trusts.
    pub fn with_tls() -> Self {
        let nginx = Self::with(true);
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        nginx.write("certificate.pem", &made.cert.pem());
        nginx.write("key.pem", &made.signing_key.serialize_pem());
        nginx
    }

    fn with(tls: bool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("a bound socket").port();
        drop(free);
        Self {
            process: None,
            port,
            tls,
            folder: tempfile::tempdir().expect("a temporary directory"),
            held: Held::port(port),
        }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Listens, and sends each request to the next of these demos. It removes this path, `/app/` for example, from the
    /// beginning of what they are asked for; `/` removes nothing.
    pub fn serve<'a>(&mut self, path: &str, demos: impl IntoIterator<Item = &'a Demo>) {
        let replicas: String = demos
            .into_iter()
            .map(|demo| format!("server 127.0.0.1:{};", demo.port()))
            .collect();
        let port = self.port;
        let protocol = if self.tls { "ssl http2" } else { "" };
        let servers = the_books()
            .replace("server 127.0.0.1:5000;", &replicas)
            .replace(
                "listen 443 ssl http2;",
                &format!("listen 127.0.0.1:{port} {protocol};"),
            )
            .replace("location / {", &format!("location {path} {{"));
        let servers: String = servers
            .lines()
            .filter(|line| self.tls || !line.contains("ssl_certificate"))
            .map(|line| format!("{line}\n"))
            .collect();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};"))
            .concat();
        // One process, so that nothing of it stays when it is killed.
        self.write(
            CONFIG,
            &format!(
                "daemon off; master_process off; pid nginx.pid; error_log stderr;
                events {{}}
                http {{
                    {temporary}
                    log_format brief '$server_protocol $request_method $uri $status $upstream_addr';
                    access_log {ACCESS} brief;
                    {servers}
                }}"
            ),
        );
        self.held = Held::nothing();
        let mut command = Command::new("nginx");
        let folder = self.folder.path();
        command.arg("-p").arg(folder);
        command.args(["-e", "stderr", "-c", CONFIG]);
        let mut process = Process::spawn("nginx", &mut command);
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = process.wait(Duration::from_millis(20)).is_some();
            assert!(
                !ended && Instant::now() < deadline,
                "nginx does not start: {}",
                process.log()
            );
        }
        self.process = Some(process);
    }

    /// The requests so far, a line for each: version of HTTP, method, path, status, and the address of the demo.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join(ACCESS)).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("a file of nginx");
    }
}

impl Default for Nginx {
    fn default() -> Self {
        Self::new()
    }
}
