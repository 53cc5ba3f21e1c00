//! A workspace in another folder, which has our crates from their packages.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use miracl_tests::forget_package;
use tempfile::TempDir;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) struct Outside {
    folder: TempDir,
}

impl Outside {
    /// Packs and unpacks our crates, and makes a workspace that patches the registry with them.
    pub(crate) fn make() -> Self {
        let outside = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let mut pack = Command::new(Path::new(ROOT).join("tests/packages/run"));
        pack.env("CARGO_TARGET_DIR", target());
        forget_package(&mut pack);
        succeed(&mut pack);

        let mut manifest =
            "[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\"]\n\n[patch.crates-io]\n"
                .to_owned();
        for package in fs::read_dir(target().join("package")).expect("packages") {
            let path = package.expect("a file").path();
            let Some(named) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let Some((name, _)) = named
                .strip_suffix(".crate")
                .and_then(|name| name.rsplit_once('-'))
            else {
                continue;
            };
            let unpacked = outside.unpacked(name);
            fs::create_dir_all(&unpacked).expect("a folder");
            let mut tar = Command::new("tar");
            tar.args(["--strip-components=1", "-xzf"]).arg(&path);
            succeed(tar.arg("-C").arg(&unpacked));
            manifest += &format!("{name} = {{ path = {unpacked:?} }}\n");
        }
        // With the same versions and profiles, most of what the workspace has built serves here, too.
        let ours = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("Cargo.toml");
        let profiles = ours.find("[profile.").expect("profiles");
        let profiles = ours[profiles..]
            .split("[profile.release.package")
            .next()
            .unwrap_or_default();
        manifest += &format!("\n{profiles}");
        let folder = outside.folder.path();
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
        fs::copy(
            Path::new(ROOT).join("Cargo.lock"),
            folder.join("Cargo.lock"),
        )
        .expect("a lock file");
        fs::create_dir(outside.apps()).expect("a folder");
        outside
    }

    pub(crate) fn apps(&self) -> PathBuf {
        self.folder.path().join("apps")
    }

    /// The folder of a package of ours.
    pub(crate) fn unpacked(&self, package: &str) -> PathBuf {
        self.folder.path().join("packages").join(package)
    }

    /// Expands a template.
    pub(crate) fn app_of_template(&self, framework: &str) {
        let app = self.apps().join(format!("my-{framework}-app"));
        let mut new = Command::new(Path::new(ROOT).join("examples/templates/new"));
        new.arg(framework).arg(&app).arg("version = \"0.1.0\"");
        succeed(&mut new);
        let mut left = Command::new("grep");
        left.args(["-rl", "{{"]).arg(&app);
        let left = left.output().expect("grep runs").stdout;
        assert!(
            left.is_empty(),
            "placeholders in {}",
            String::from_utf8_lossy(&left)
        );
    }

    /// A command in the folder of the apps.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.apps())
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::null());
        forget_package(&mut command);
        command
    }

    /// Runs cargo, and returns what it says.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> String {
        let said = succeed(self.command(env!("CARGO")).args(arguments));
        String::from_utf8_lossy(&said).into_owned()
    }
}

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(ROOT).join("target"), PathBuf::from)
}

/// Runs a command that must succeed, and returns its output.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> Vec<u8> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
