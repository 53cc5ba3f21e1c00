//! MIRACL's integration tests, as one program: it plays a client, and judges the platform.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
};

use miracl_tests::{Adapter, Demo};
use tokio::runtime::Runtime;

use crate::{CLIENT_ID, SECRET, platform};

/// Nothing has to listen there: the tests read the address alone.
const CALLBACK: &str = "http://127.0.0.1:8000/login";

/// Runs the program at a platform of its own. It fails as the program does.
pub(crate) fn run(program: &str, runtime: &Runtime) {
    let platform = runtime.block_on(platform(CALLBACK, None));
    let status = Command::new(program)
        .arg("-test.v")
        .args(["-project-domain", platform.issuer()])
        .args(["-client-id", CLIENT_ID])
        .args(["-client-secret", SECRET])
        .stdin(Stdio::null())
        .status();
    let status = status.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(status.success(), "{program}: {status}");
    runtime.block_on(platform.shutdown());
}

/// Runs the program, which drives a sample, at the sample of each framework.
pub(crate) fn run_at_samples(program: &str, runtime: &Runtime) {
    for adapter in Adapter::ALL.iter().filter(|adapter| adapter.is_a_crate()) {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port().to_string();
        let callback = format!("http://127.0.0.1:{port}/login");
        let platform = runtime.block_on(platform(&callback, None));
        let sample = Demo::builder(adapter.sample())
            .env("PORT", &port)
            .env("REDIRECT_URL", &callback)
            .env("ISSUER", platform.issuer())
            .env("CLIENT_ID", CLIENT_ID)
            .env("CLIENT_SECRET", SECRET)
            .start();
        let status = Command::new(program)
            .arg("-test.v")
            .args(["-sample-url", sample.origin()])
            .args(["-project-domain", platform.issuer()])
            .args(["-client-id", CLIENT_ID])
            .args(["-client-secret", SECRET])
            .stdin(Stdio::null())
            .status();
        let status = status.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(status.success(), "{program} at {}: {status}", adapter.name);
        runtime.block_on(platform.shutdown());
    }
}
