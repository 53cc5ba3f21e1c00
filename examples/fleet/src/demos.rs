//! The three demos: where their programs are, and how one is started.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::Child;

/// A demo that is a replica of the fleet.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) framework: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
}

/// A demo: its framework's name, and its package's name, which is also its program's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    framework: &'static str,
    package: &'static str,
}

const DEMOS: [Demo; 3] = [
    Demo {
        framework: "axum",
        package: "demo-axum",
    },
    Demo {
        framework: "actix",
        package: "demo-actix",
    },
    Demo {
        framework: "rocket",
        package: "demo-rocket",
    },
];

/// Finds the demos' programs beside this one. Under `cargo run`, has cargo build them first.
///
/// # Errors
///
/// When they do not build, or one of them is missing.
pub(crate) fn programs() -> Result<Vec<(Demo, PathBuf)>, String> {
    let this = env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let folder = this.parent().unwrap_or(Path::new("."));
    if let (Some(cargo), Some(package)) = (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"))
    {
        build(Command::new(cargo).current_dir(package), folder)?;
    }
    DEMOS
        .into_iter()
        .map(|demo| {
            let program = folder.join(format!("{}{}", demo.package, env::consts::EXE_SUFFIX));
            if program.is_file() {
                return Ok((demo, program));
            }
            Err(format!(
                "{} is not there; build the demos, or start this one with `cargo run -p demo-fleet`",
                program.display()
            ))
        })
        .collect()
}

/// Has cargo build the demos with the profile of this program, which gives `folder` its name.
fn build(cargo: &mut Command, folder: &Path) -> Result<(), String> {
    eprintln!("building the demos, which takes a few minutes the first time");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    cargo.args(["build", "--bins", "--profile", profile]);
    cargo.args(DEMOS.iter().flat_map(|demo| ["-p", demo.package]));
    // Build scripts of another cargo would take what cargo told this program about its package for a change.
    for (name, _) in env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("the demos do not build".to_owned()),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

/// Starts a demo in `folder`, and waits until it listens.
///
/// # Errors
///
/// When it does not start.
pub(crate) async fn start(
    demo: Demo,
    program: &Path,
    folder: &Path,
    environment: &[(&'static str, String)],
) -> Result<(Child, Replica), String> {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_remove("MIRACL_CONFIG")
        // Other names of these two, which must not differ.
        .env_remove("MIRACL_REDIRECT_URI")
        .env_remove("MIRACL_POST_LOGOUT_REDIRECT_URI");
    for (name, value) in environment {
        // With the prefix, which wins over what this program was given.
        command.env(format!("MIRACL_{name}"), value);
    }
    let mut child = Child::spawn(demo.package, &mut command, "")
        .map_err(|error| format!("{} does not start: {error}", demo.package))?;
    let listens = |line: &str| line.strip_prefix("listening on http://")?.parse().ok();
    let replica = Replica {
        framework: demo.framework,
        address: child.wait_for(listens).await?,
        process: child.id(),
    };
    Ok((child, replica))
}
