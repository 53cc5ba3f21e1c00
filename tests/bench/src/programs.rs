//! The servers, built with optimisation.

use std::{collections::HashMap, path::Path, path::PathBuf, process::Command, time::Instant};

use miracl_tests::Adapter;

/// The frameworks that the servers exist for: the template is no crate of its own.
pub(crate) fn frameworks() -> Vec<Adapter> {
    let all = Adapter::ALL.iter().copied();
    all.filter(|adapter| adapter.is_a_crate()).collect()
}

/// The programs of the demos, and [`SERVER`].
#[derive(Debug)]
pub(crate) struct Programs(HashMap<String, PathBuf>);

/// The program with one route under a chosen layer.
pub(crate) const SERVER: &str = "bench-server";

impl Programs {
    /// Builds all of them in one call, so that nothing is built twice with other features.
    ///
    /// Each framework also gets the features that another one asks for. Of those, `log` of `tracing` and
    /// `parking_lot` of `tokio` lie near the path of a request: axum's demo takes a hundred instructions more than
    /// when it is built alone, for a bare request and for one that asks who is logged in.
    pub(crate) fn build() -> Self {
        let began = Instant::now();
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["--package", "miracl-bench-server", "--bin", SERVER])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for framework in frameworks() {
            cargo.args(["--package", framework.demo, "--bin", framework.demo]);
        }
        let built = miracl_tests::built(&mut cargo);
        eprintln!("built in {:.0} s", began.elapsed().as_secs_f64());
        Self(built)
    }

    /// The path of one of them.
    pub(crate) fn get(&self, name: &str) -> Result<&Path, String> {
        let path = self.0.get(name).map(PathBuf::as_path);
        path.ok_or_else(|| format!("there is no program {name}"))
    }
}
