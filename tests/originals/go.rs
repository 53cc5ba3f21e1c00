//! MIRACL's integration tests, as one program: it plays a client, and judges the platform.

use std::process::{Command, Stdio};

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
