//! A child process that is stopped when its handle is dropped, with everything it printed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A running child process. Dropping it kills it; dropping it in a failing test also prints the end of its output.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    readers: Vec<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    text: Vec<String>,
    first_of_stdout: Option<String>,
    open: usize,
}

impl Process {
    /// Starts `command` and begins to collect its standard output and standard error.
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {command:?}: {error}"));
        let output = Arc::new(Output::default());
        output.lock().open = 2;
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
            readers: vec![
                collect(stdout, Arc::clone(&output), true),
                collect(stderr, Arc::clone(&output), false),
            ],
            output,
        }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to the process's standard input.
    pub(crate) fn write_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is a pipe");
        writeln!(stdin, "{line}").expect("the process reads its input");
    }

    /// Waits until `find` finds something in a line of the output.
    ///
    /// # Errors
    ///
    /// When the process ends or `limit` passes first.
    pub(crate) fn wait_for<T>(
        &self,
        limit: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, &'static str> {
        let deadline = Instant::now() + limit;
        let mut lines = self.output.lock();
        let mut seen = 0;
        loop {
            if let Some(found) = lines.text[seen..].iter().find_map(|line| find(line)) {
                return Ok(found);
            }
            seen = lines.text.len();
            if lines.open == 0 {
                return Err("it ended");
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("it took too long");
            }
            lines = self
                .output
                .changed
                .wait_timeout(lines, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Everything printed so far, from both streams, in the order in which it arrived.
    pub(crate) fn log(&self) -> String {
        self.output.lock().text.join("\n")
    }

    /// The first line printed to standard output.
    pub(crate) fn first_line(&self) -> Option<String> {
        self.output.lock().first_of_stdout.clone()
    }

    /// Ends the process, and waits until the rest of its output has been read.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.readers.drain(..).for_each(|reader| {
            let _ = reader.join();
        });
    }

    /// Asks the process to end, as service managers do.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Asks the process to end, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the signal is sent"
        );
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let _ = self.wait_for(limit, |_| None::<()>);
        if self.output.lock().open == 0 {
            self.child.wait().ok()
        } else {
            None
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let lines = self.output.lock();
            let tail = lines.text.len().saturating_sub(60);
            eprintln!(
                "---- end of the output of {} ----\n{}\n----",
                self.name,
                lines.text[tail..].join("\n")
            );
        }
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn collect(
    stream: impl Read + Send + 'static,
    output: Arc<Output>,
    stdout: bool,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut lines = output.lock();
            if stdout && lines.first_of_stdout.is_none() {
                lines.first_of_stdout = Some(line.clone());
            }
            lines.text.push(line);
            drop(lines);
            output.changed.notify_all();
        }
        output.lock().open -= 1;
        output.changed.notify_all();
    })
}
