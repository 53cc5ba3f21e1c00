//! The app of the page "Keep a user table in Postgres" runs with a real one.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "a page shows a whole app, and a test calls no `main`"
)]
#[path = "../apps/postgres.rs"]
mod app;
#[allow(dead_code, reason = "the other apps use all of it")]
#[path = "apps/site.rs"]
mod site;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use miracl_tests::Browser;
use site::{EMAIL, Place};
use sqlx::{PgPool, Row, postgres::PgConnectOptions};

const NAME: &str = "each_person_has_one_row_and_a_login_without_a_row_is_refused";

const MISSING: &str = "postgres is not installed: tests/run does it";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let all = env::var_os("MIRACL_TESTS").is_some_and(|value| value == "all");
    let trial = match programs() {
        Some(programs) => Trial::test(NAME, move || {
            let runtime = tokio::runtime::Runtime::new()?;
            runtime.block_on(each_person_has_one_row(&programs));
            Ok(())
        }),
        None => {
            if !(all || arguments.list) {
                println!("left out: {NAME}, because {MISSING}");
            }
            Trial::test(NAME, || Err(Failed::from(MISSING))).with_ignored_flag(!all)
        }
    };
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// The folder with the programs of Postgres. On Debian they are on no path.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    env::split_paths(&path)
        .chain(debian)
        .find(|folder| folder.join("initdb").exists())
}

/// A Postgres that listens on a socket in its folder alone.
struct Postgres {
    process: Child,
    folder: tempfile::TempDir,
}

/// Who runs it where the tests run as root, which it refuses: nobody, on every Unix.
const NOBODY: u32 = 65534;

impl Postgres {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
            use std::os::unix::fs::MetadataExt;
            own.uid() == 0
        });
        let data = folder.path().join("data");
        let program = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.current_dir(folder.path()).arg("-D").arg(&data);
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        if is_root {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("the folder is ours");
        }
        let mut made = program("initdb");
        let made = made.args(["--username=app", "--auth=trust", "--no-sync", "--locale=C"]);
        let made = made.output().expect("initdb runs");
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "{said}");
        let mut process = program("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postgres runs");
        let log = process.stderr.take().expect("a pipe");
        let mut log = BufReader::new(log).lines().map_while(Result::ok);
        let ready = log.any(|line| line.contains("ready to accept connections"));
        assert!(ready, "postgres does not start");
        // It must not wait for somebody who reads.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, folder }
    }

    async fn connect(&self) -> PgPool {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .username("app")
            .database("postgres");
        PgPool::connect_with(options).await.expect("a connection")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn each_person_has_one_row(programs: &Path) {
    let postgres = Postgres::start(programs);
    let table = postgres.connect().await;
    let place = Place::new().await;
    let app = app::app(place.config(), table.clone()).await;
    let mut site = place.axum(|_| app);
    site.assert_in_and_out("/members", "Member 1, login 1.")
        .await;
    site.browser = Browser::new();
    site.assert_in_and_out("/members", "Member 1, login 2.")
        .await;
    let rows = sqlx::query("SELECT issuer, id, email FROM person");
    let rows = rows.fetch_all(&table).await.expect("rows");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<&str, _>("issuer"), site.platform.issuer());
    assert_eq!(rows[0].get::<&str, _>("id"), EMAIL);
    assert_eq!(rows[0].get::<Option<&str>, _>("email"), Some(EMAIL));

    // The table is away: the hook's veto.
    let broken = sqlx::query("ALTER TABLE person RENAME TO elsewhere");
    broken.execute(&table).await.expect("a new name");
    site.log_in("/members").await.expect(503);
    site.fetch("/members").await.expect(401);
}
