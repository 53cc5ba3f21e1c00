//! The page that leads from an empty folder to an app of one's own, without an account: its commands are run.
//!
//! Only what differs between machines is replaced: the address of the repository, which is the packed crates here, and
//! ports, which are free ones.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use miracl_tests::{
    Browser, built,
    person::{EMAIL, approve},
};

use crate::outside::{Outside, ROOT, succeed, target};

const PAGE: &str = "docs/src/start/axum.md";

/// The code blocks of the page with this language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(ROOT).join(PAGE)).expect(PAGE);
    let fence = format!("```{language}\n");
    let blocks = page.split(&*fence).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The commands of a block, without their comments.
fn commands(block: &str) -> impl Iterator<Item = &str> {
    block
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
}

/// Runs the commands that make the app, and puts the page's code into it.
pub(crate) fn make_the_app(outside: &Outside) {
    let shell = blocks("sh");
    let [make, platform, run] = &shell[..] else {
        panic!("{PAGE} has {} blocks of commands", shell.len());
    };
    let from_packages = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["cargo", "add", package, "--git", "<address>"] => {
                format!("cargo add --path {}", outside.unpacked(package).display())
            }
            _ => line.to_owned(),
        }
    };
    let script: Vec<String> = commands(make).map(from_packages).collect();
    assert!(script.len() > 2, "{PAGE}: {make}");
    succeed(outside.command("bash").args(["-euc", &script.join("\n")]));
    let app = outside.apps().join("my-app");
    let code = blocks("rust,no_run");
    fs::write(app.join("src/main.rs"), &code[0]).expect("the app");

    // What is run below.
    let platform: Vec<&str> = commands(platform).collect();
    assert_eq!(
        platform,
        [
            "cargo install miracl-platform --git <address>",
            "miracl-platform --app http://127.0.0.1:5000",
        ]
    );
    assert_eq!(commands(run).collect::<Vec<_>>(), ["cargo run"]);
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Waits until something is so, as long as the process runs.
    #[track_caller]
    fn until(&mut self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            let ended = self.0.try_wait().expect("its state");
            assert!(ended.is_none(), "it ended before {what}: {ended:?}");
            assert!(Instant::now() < deadline, "{what} takes too long");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts the platform and the app by the page's commands, and logs a person in.
pub(crate) fn log_in(outside: &Outside) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.expect("a free port").port();
    let origin = format!("http://127.0.0.1:{port}");
    let app = outside.apps().join("my-app");
    // In place of the installation, which would build all of it again: the platform of the workspace.
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--workspace", "--bins", "--examples", "--locked"]);
    let programs = built(build.current_dir(ROOT));
    let mut platform = outside.command(&programs["miracl-platform"]);
    platform.current_dir(&app).env("MIRACL_PORT", "0");
    let mut platform = Running::start(platform.args(["--app", &origin]));
    platform.until("it has written miracl.json", || {
        app.join("miracl.json").exists()
    });

    // `cargo run`, of what is built already.
    let mut run = outside.command(target().join("debug/my-app"));
    run.current_dir(&app).env("PORT", port.to_string());
    let mut run = Running::start(&mut run);
    run.until("the app listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let browser = Browser::new();
        let page = browser.visit(format!("{origin}/members")).await.expect(200);
        let page = approve(&browser, page, &origin, &mut Vec::new()).await;
        assert_eq!(page.body, format!("Hello, {EMAIL}."));
        let home = browser.open(format!("{origin}/")).await.expect(200);
        assert!(home.body.contains("/logout"), "{}", home.body);
        browser
            .post(format!("{origin}/logout"), &[])
            .await
            .expect(303);
        browser.fetch(format!("{origin}/members")).await.expect(401);
    });
    assert!(app.join(".miracl/cookie-key").exists());
}
