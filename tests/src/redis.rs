//! A Redis as a process.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use crate::{held::Held, process::Process};

const START: Duration = Duration::from_secs(90);

/// How often to try another port, when another process was faster to take one.
const PORTS: usize = 20;

/// A Redis of one scenario, on a free port, killed when dropped.
///
/// It writes each command to its disk before it answers.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    folder: tempfile::TempDir,
    /// Keeps the port while Redis is stopped.
    held: Held,
}

impl Redis {
    /// The password that it requires.
    pub const PASSWORD: &str = "canary-password-of-redis";

    /// Starts an empty one.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for _ in 0..PORTS {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = free.local_addr().expect("a bound socket").port();
            drop(free);
            if let Ok(process) = launch(folder.path(), port) {
                return Self {
                    process,
                    port,
                    folder,
                    held: Held::nothing(),
                };
            }
        }
        panic!("redis-server does not start");
    }

    /// Its address with the password, for `SESSION_STORE`.
    pub fn url(&self) -> String {
        self.url_by(self.port)
    }

    /// The address with the password, at the port of a proxy.
    pub fn url_by(&self, port: u16) -> String {
        format!("redis://:{}@127.0.0.1:{port}", Self::PASSWORD)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a crash does. Its port stays reserved.
    pub fn kill(&mut self) {
        self.process.kill();
        self.held = Held::port(self.port);
    }

    /// Starts it again on the same port, with what it has on its disk.
    pub fn restart(&mut self) {
        self.held = Held::nothing();
        self.process = launch(self.folder.path(), self.port)
            .unwrap_or_else(|why| panic!("redis-server does not come back: {why}"));
    }

    /// Every byte of every command since it was first started, also of data that has been deleted since.
    pub fn everything(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let folder = self.folder.path().join("appendonlydir");
        let files = fs::read_dir(&folder).expect("the folder that Redis appends in");
        for file in files {
            let path = file.expect("a file of Redis").path();
            all.extend(fs::read(path).expect("a file of Redis"));
        }
        all
    }

    /// Sends a command, and returns the reply as it is on the wire.
    pub fn ask(&self, words: &[&[u8]]) -> String {
        let say = |words: &[&[u8]]| {
            let mut said = format!("*{}\r\n", words.len()).into_bytes();
            for word in words {
                said.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                said.extend_from_slice(word);
                said.extend_from_slice(b"\r\n");
            }
            said
        };
        let all = [
            say(&[b"AUTH", Self::PASSWORD.as_bytes()]),
            say(words),
            say(&[b"QUIT"]),
        ];
        let talk = || -> io::Result<Vec<u8>> {
            let mut redis = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            redis.set_read_timeout(Some(START))?;
            redis.write_all(&all.concat())?;
            let mut answers = Vec::new();
            redis.read_to_end(&mut answers)?;
            Ok(answers)
        };
        let answers = talk().expect("a Redis that answers");
        let answers = String::from_utf8_lossy(&answers);
        let answer = answers.strip_prefix("+OK\r\n");
        let answer = answer.and_then(|rest| rest.strip_suffix("+OK\r\n"));
        answer.expect("an answer between two others").to_owned()
    }

    /// The keys that contain this word, and the milliseconds until each expires, or nothing where one never does.
    pub fn keys(&self, word: &str) -> Vec<(String, Option<u64>)> {
        let listed = self.ask(&[b"KEYS", format!("*{word}*").as_bytes()]);
        let keys = listed
            .lines()
            .filter(|line| !line.starts_with(['*', '$']) && line.contains(word));
        keys.map(|key| {
            let left = self.ask(&[b"PTTL", key.as_bytes()]);
            let left = left
                .trim()
                .strip_prefix(':')
                .and_then(|left| left.parse().ok());
            (key.to_owned(), left)
        })
        .collect()
    }

    /// How often a word occurs in the commands that it has carried out since it was first started.
    pub fn times_heard(&self, word: &str) -> usize {
        let everything = self.everything();
        let told = everything.windows(word.len());
        told.filter(|told| *told == word.as_bytes()).count()
    }
}

fn launch(folder: &Path, port: u16) -> Result<Process, String> {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--requirepass", Redis::PASSWORD]);
    command.args(["--save", "", "--appendonly", "yes"]);
    command
        .args(["--appendfsync", "always", "--dir"])
        .arg(folder);
    let process = Process::spawn("redis-server", &mut command);
    let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
    match process.wait_for(START, ready) {
        Ok(()) => Ok(process),
        Err(why) => Err(format!("{why}: {}", process.log())),
    }
}
