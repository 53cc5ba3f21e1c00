//! A program that runs as long as its handle lives, and its output.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// How long a program may take until it can be used.
const START: Duration = Duration::from_secs(30);

/// Waits until its input ends, which happens when this program ends, and then kills a process.
const GUARD: &str = "read -r end; kill -KILL $0";

/// A running program. Each line that it prints is printed here as well, after its name. Dropping it ends it, and so
/// does a signal that kills this program.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    process: process::Child,
    guard: Option<process::Child>,
    lines: UnboundedReceiver<String>,
}

impl Child {
    /// Starts a program, and writes `input` to it.
    pub(crate) fn spawn(
        name: &'static str,
        command: &mut Command,
        input: &str,
    ) -> std::io::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let guard = guard(process.id())
            .inspect_err(|error| {
                eprintln!("{name} outlives this program if that is killed: {error}")
            })
            .ok();
        let (to, lines) = unbounded_channel();
        let stdin = process.stdin.take();
        if let Some(stdout) = process.stdout.take() {
            print_lines(name, stdout, to.clone());
        }
        if let Some(stderr) = process.stderr.take() {
            print_lines(name, stderr, to);
        }
        let child = Self {
            name,
            process,
            guard,
            lines,
        };
        if let Some(mut stdin) = stdin {
            stdin.write_all(input.as_bytes())?;
        }
        Ok(child)
    }

    /// Waits for a line in which `find` finds something: from then on the program can be used.
    ///
    /// # Errors
    ///
    /// When the program ends, or takes too long.
    pub(crate) async fn wait_for<T>(
        &mut self,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let found = timeout(START, async {
            while let Some(line) = self.lines.recv().await {
                let found = find(&line);
                if found.is_some() {
                    return found;
                }
            }
            None
        });
        match found.await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(self.ended()),
            Err(_) => Err(format!("{} does not start", self.name)),
        }
    }

    /// Waits until the program has ended, and returns how it ended.
    pub(crate) async fn end(&mut self) -> String {
        // Both of its streams end with the program.
        while self.lines.recv().await.is_some() {}
        self.ended()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A sentence about a program that has ended.
    fn ended(&mut self) -> String {
        match self.process.wait() {
            Ok(status) => format!("{} ended ({status})", self.name),
            Err(error) => format!("{} ended ({error})", self.name),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The guard first: later, the process id may belong to another process.
        for process in self.guard.iter_mut().chain([&mut self.process]) {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Starts a guard that kills a process when this program can no longer do so itself.
fn guard(process: u32) -> std::io::Result<process::Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARD, &process.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn print_lines(
    name: &'static str,
    stream: impl Read + Send + 'static,
    to: UnboundedSender<String>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            eprintln!("{name:<12} | {line}");
            // Nothing reads the output any more while everything is being stopped.
            let _ = to.send(line);
        }
    });
}
