//! A demo as a process.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    fmt,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{process::Process, provider::Provider};

/// How long a demo may take to open its socket. It makes keys for the local platform the first time.
const START: Duration = Duration::from_secs(20);

thread_local! {
    /// Where the demos of the scenario on this thread keep their sessions, if not where they do by default.
    pub(crate) static SESSION_STORE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// One of the adapters, by its demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The framework's name, as in `miracl-axum`.
    pub name: &'static str,
    /// The package of its demo.
    pub demo: &'static str,
    /// How the framework answers a method that a path does not have.
    pub wrong_method: u16,
}

impl Adapter {
    /// Every adapter: each scenario runs on each of them.
    pub const ALL: &[Self] = &[
        Self {
            name: "axum",
            demo: "demo-axum",
            wrong_method: 405,
        },
        Self {
            name: "actix",
            demo: "demo-actix",
            wrong_method: 405,
        },
        Self {
            name: "rocket",
            demo: "demo-rocket",
            wrong_method: 404,
        },
        Self {
            name: "warp",
            demo: "adapter-template",
            wrong_method: 405,
        },
    ];

    /// This adapter, and the others after it in the list.
    pub fn rotation(self) -> impl Iterator<Item = Self> {
        let at = Self::ALL.iter().position(|each| *each == self);
        let (before, after) = Self::ALL.split_at(at.expect("an adapter of the list"));
        after.iter().chain(before).copied()
    }

    /// The same adapter by its probe: an app with hooks that fail and routers in routers.
    ///
    /// The harness calls a probe a demo, too: what can be done with the one can be done with the other.
    #[must_use]
    pub fn probe(self) -> Self {
        self.with_program(&self.probe_name())
    }

    /// The same adapter by the app that the README shows.
    #[must_use]
    pub fn app(self) -> Self {
        self.with_program(&self.app_name())
    }

    /// Whether it is a crate of its own. The template is not, and has no app in the README.
    #[must_use]
    pub fn is_a_crate(self) -> bool {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        root.join(format!("miracl-{}", self.name)).exists()
    }

    pub(crate) fn has_probe(self) -> bool {
        programs().contains_key(&self.probe_name())
    }

    fn probe_name(self) -> String {
        format!("probe-{}", self.name)
    }

    fn app_name(self) -> String {
        format!("{}-app", self.name)
    }

    fn with_program(self, name: &str) -> Self {
        let (demo, _) = programs()
            .get_key_value(name)
            .unwrap_or_else(|| panic!("there is no program {name}"));
        Self { demo, ..self }
    }
}

/// A running demo in a working directory of its own, stopped when dropped.
#[derive(Debug)]
pub struct Demo {
    process: Process,
    earlier: String,
    settings: DemoBuilder,
    origin: String,
    directory: tempfile::TempDir,
}

/// What a demo is started with. Nothing of the test's own environment reaches it.
#[derive(Clone, Debug)]
pub struct DemoBuilder {
    adapter: Adapter,
    environment: HashMap<String, String>,
    files: Vec<(String, String)>,
    silent_at: Option<u16>,
    command: Option<Vec<OsString>>,
    patience: Duration,
}

/// A demo that did not start, as it should when a setting is wrong.
#[derive(Debug)]
pub struct Refused {
    /// Everything it printed.
    pub log: String,
    /// The exit code.
    pub code: Option<i32>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}:\n{}", self.code, self.log)
    }
}

impl Demo {
    /// A demo without any setting but a free port: it brings its own platform.
    pub fn builder(adapter: Adapter) -> DemoBuilder {
        // The system's certificates, of which no provider here has any, are most of what a demo reads at its start.
        const NO_CERTIFICATES: &str = "no-certificates.pem";
        let mut environment = HashMap::from([
            ("PORT".to_owned(), "0".to_owned()),
            ("SSL_CERT_FILE".to_owned(), NO_CERTIFICATES.to_owned()),
        ]);
        if let Some(store) = SESSION_STORE.with_borrow(Clone::clone) {
            environment.insert("SESSION_STORE".to_owned(), store);
        }
        DemoBuilder {
            adapter,
            environment,
            files: vec![(NO_CERTIFICATES.to_owned(), String::new())],
            silent_at: None,
            command: None,
            patience: START,
        }
    }

    /// Settings that make the demo a client of `provider`.
    pub fn of(adapter: Adapter, provider: &Provider) -> DemoBuilder {
        Self::builder(adapter)
            .env("ISSUER", &provider.issuer())
            .env("CLIENT_ID", Provider::CLIENT_ID)
            .env("CLIENT_SECRET", Provider::CLIENT_SECRET)
    }

    /// A running demo that is a client of `provider`.
    pub fn start(adapter: Adapter, provider: &Provider) -> Self {
        Self::of(adapter, provider).start()
    }

    /// The address of a path of the demo.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.origin
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("the origin ends in a port")
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Everything it printed since its first start, both streams.
    pub fn log(&self) -> String {
        format!("{}{}", self.earlier, self.process.log())
    }

    /// Waits until a line of its output holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        self.wait_for_line(&[text]);
    }

    /// Waits until one line of its output holds all of these texts.
    pub fn wait_for_line(&self, texts: &[&str]) {
        let holds = |line: &str| texts.iter().all(|text| line.contains(text));
        self.process
            .wait_for(START, |line| holds(line).then_some(()))
            .unwrap_or_else(|why| panic!("no {texts:?} in the log: {why}"));
    }

    /// Asks it to stop, as service managers do, and does not wait.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Waits until it has ended by itself, and returns its exit code; nothing when it is still there after `limit`.
    pub fn wait_for_end(&mut self, limit: Duration) -> Option<i32> {
        self.process.wait(limit).and_then(|status| status.code())
    }

    /// Stops it, and starts it again on the same port in the same directory with the same settings.
    pub fn restart(&mut self) {
        self.restart_with(|settings| settings);
    }

    /// Stops it, and starts it again on the same port in the same directory with changed settings.
    pub fn restart_with(&mut self, change: impl FnOnce(DemoBuilder) -> DemoBuilder) {
        self.process.kill();
        self.earlier = format!("{}\n", self.log());
        let port = self.port().to_string();
        self.settings = change(self.settings.clone()).env("PORT", &port);
        let (process, origin) = self
            .settings
            .launch(self.directory.path())
            .unwrap_or_else(|refused| panic!("the demo does not start again: {refused}"));
        self.process = process;
        assert_eq!(self.origin, origin, "the demo came back at another address");
    }
}

impl DemoBuilder {
    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Puts a file into the working directory.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// A program that does not say where it listens: at this port.
    #[must_use]
    pub fn silent_at(mut self, port: u16) -> Self {
        self.silent_at = Some(port);
        self
    }

    /// What to start in place of the demo's program, with its arguments: another build of it, or one that a tool runs. It
    /// becomes the demo's process, as by `exec`, and may take so long to open its socket.
    #[must_use]
    pub fn command(mut self, command: Vec<OsString>, patience: Duration) -> Self {
        self.command = Some(command);
        self.patience = patience;
        self
    }

    /// Starts the demo.
    pub fn start(self) -> Demo {
        self.try_start()
            .unwrap_or_else(|refused| panic!("the demo does not start: {refused}"))
    }

    /// Starts the demo, or tells how it refused.
    ///
    /// # Errors
    ///
    /// When it ends before it listens.
    pub fn try_start(self) -> Result<Demo, Refused> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in &self.files {
            std::fs::write(directory.path().join(name), text).expect("a file of the demo");
        }
        let (process, origin) = self.launch(directory.path())?;
        Ok(Demo {
            process,
            earlier: String::new(),
            settings: self,
            origin,
            directory,
        })
    }

    fn launch(&self, directory: &Path) -> Result<(Process, String), Refused> {
        let mut command = match self.command.as_deref() {
            Some([program, arguments @ ..]) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            _ => Command::new(program(self.adapter)),
        };
        let mut process = Process::spawn(
            self.adapter.demo,
            command
                .current_dir(directory)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", directory)
                .envs(&self.environment),
        );
        if let Some(port) = self.silent_at {
            return match wait_for_port(port, self.patience, &mut process) {
                Ok(()) => Ok((process, format!("http://127.0.0.1:{port}"))),
                Err(why) => Err(Refused {
                    log: format!("{}\n({why})", process.log()),
                    code: None,
                }),
            };
        }
        let listening = process.wait_for(self.patience, |line| {
            line.strip_prefix("listening on ")
                .map(|url| url.trim_end_matches('/').to_owned())
        });
        match listening {
            Ok(origin) => {
                // Scripts read one line and know where the demo is.
                let first = process.first_line().unwrap_or_default();
                assert!(
                    first.starts_with("listening on "),
                    "the first line is {first:?}"
                );
                Ok((process, origin))
            }
            Err(why) => {
                let code = process
                    .wait(Duration::from_secs(1))
                    .and_then(|status| status.code());
                process.kill();
                Err(Refused {
                    log: format!("{}\n({why})", process.log()),
                    code,
                })
            }
        }
    }
}

/// Waits until somebody listens at a port.
fn wait_for_port(port: u16, patience: Duration, process: &mut Process) -> Result<(), &'static str> {
    let deadline = Instant::now() + patience;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if process.wait(Duration::from_millis(20)).is_some() {
            return Err("it ended");
        }
        if Instant::now() > deadline {
            return Err("it took too long");
        }
    }
    Ok(())
}

/// The demo's program.
fn program(adapter: Adapter) -> &'static Path {
    programs()
        .get(adapter.demo)
        .unwrap_or_else(|| panic!("package {} has no program", adapter.demo))
}

/// Builds the workspace's programs, for test programs that run more than scenarios.
pub fn build_programs() {
    programs();
}

/// The workspace's programs, built once per test process.
pub(crate) fn programs() -> &'static HashMap<String, PathBuf> {
    static PROGRAMS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

/// Builds the workspace's programs and returns where they are.
///
/// The whole workspace at once, because that is what `cargo test --workspace` has built: one package alone would have
/// its dependencies built a second time with fewer features.
fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--workspace", "--bins", "--examples"])
        .args(["--locked", "--quiet"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    built(&mut cargo)
}

/// Runs this `cargo build`, and returns the programs it made, by name.
pub fn built(cargo: &mut Command) -> HashMap<String, PathBuf> {
    cargo.arg("--message-format=json-render-diagnostics");
    forget_package(cargo);
    let output = cargo.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{cargo:?} fails:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

/// Removes what cargo told this test about its package from the environment of another cargo: to build scripts that
/// listen for it, it would look like a change.
pub fn forget_package(cargo: &mut Command) {
    let told = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if told.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
}
