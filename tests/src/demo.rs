//! A demo as a process.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::OsString,
    fmt,
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{adapter::Adapter, process::Process, programs::programs, provider::Provider};

/// How long a demo may take to open its socket. It makes keys for the local platform the first time.
const START: Duration = Duration::from_secs(90);

thread_local! {
    /// Where the demos of the scenario on this thread keep their sessions, if not at their default.
    pub(crate) static SESSION_STORE: RefCell<Option<String>> = const { RefCell::new(None) };
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

/// A demo that did not start, as it must not when a setting is wrong.
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
        // No provider here uses the system's certificates, and reading them is most of what a demo does at its
        // start.
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

    /// Asks it to stop, as Ctrl-C does, and does not wait.
    pub fn interrupt(&self) {
        self.process.interrupt();
    }

    /// Waits until it has ended by itself, and returns its exit code, or nothing when it still runs after `limit`.
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

    /// Sets the port of a program that does not print where it listens.
    #[must_use]
    pub fn silent_at(mut self, port: u16) -> Self {
        self.silent_at = Some(port);
        self
    }

    /// Sets what to start in place of the demo's program, with its arguments: another build of it, or a tool that
    /// runs it. It becomes the demo's process, as by `exec`, and may take this long to open its socket.
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

    /// Starts the demo, or returns how it refused to start.
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

    /// A machine that runs tests can be so busy that a Redis gets no time for more than a second.
    fn patience_with_redis(&self) -> Option<(&'static str, &'static str)> {
        let stores = ["SESSION_STORE", "MARKS_STORE"];
        let values = stores.iter().filter_map(|name| self.environment.get(*name));
        values
            .into_iter()
            .any(|value| value.starts_with("redis"))
            .then_some(("REDIS_TIMEOUT", "20"))
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
                .envs(self.patience_with_redis())
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
                // Scripts read one line, and know where the demo is.
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

/// Waits until something listens at a port.
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
