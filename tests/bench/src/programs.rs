//! The servers, optimised.

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

/// The one with a route under a layer of choice.
pub(crate) const SERVER: &str = "bench-server";

impl Programs {
    /// Builds them, all by one call, so that nothing is built twice with other features.
    ///
    /// Each framework gets the features that another asks for, too. Of those, `log` of `tracing` and `parking_lot` of `tokio` are
    /// near the way of a request: axum's demo takes a hundred instructions more than when it is built alone, in a bare request
    /// and in one that asks who is there.
    pub(crate) fn build() -> Self {
        let began = Instant::now();
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--bins", "--locked", "--quiet"])
            .args(["--package", "miracl-bench-server"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for framework in frameworks() {
            cargo.args(["--package", framework.demo]);
        }
        let built = miracl_tests::built(&mut cargo);
        eprintln!("built in {:.0} s", began.elapsed().as_secs_f64());
        Self(built)
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Result<&Path, String> {
        let path = self.0.get(name).map(PathBuf::as_path);
        path.ok_or_else(|| format!("there is no program {name}"))
    }
}
