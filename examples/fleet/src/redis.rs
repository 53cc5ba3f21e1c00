//! A Redis of this process alone.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::child::Child;
use crate::settings::random_key;

/// How often to try another port, when another process was faster to take one.
const TRIES: usize = 10;

/// Starts a Redis on a free port, and returns its URL with the password that it requires.
pub(crate) async fn start(folder: &Path) -> Result<(Child, String), String> {
    let password = random_key()?;
    let mut why = String::new();
    for _ in 0..TRIES {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .map_err(|error| format!("there is no free port: {error}"))?
            .port();
        // Its settings are written to its input, because everybody on this machine can read its arguments.
        let settings = format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {}\nsave \"\"\n",
            folder.display()
        );
        let mut command = Command::new("redis-server");
        let spawned = Child::spawn("redis-server", command.arg("-"), &settings);
        let mut child = spawned.map_err(|error| match error.kind() {
            ErrorKind::NotFound => "redis-server is not installed: `apt-get install redis-server` \
                                     on Debian and Ubuntu, \
                                     `brew install redis` on macOS. \
                Or set SESSION_STORE to the URL of a Redis that runs already"
                .to_owned(),
            _ => format!("redis-server does not start: {error}"),
        })?;
        let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
        match child.wait_for(ready).await {
            Ok(()) => return Ok((child, format!("redis://:{password}@127.0.0.1:{port}"))),
            Err(error) => why = error,
        }
    }
    Err(why)
}
