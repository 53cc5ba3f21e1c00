//! A Redis of a test: started, killed and started again.

use super::*;

/// A Redis that writes every change to its disk before it answers. Killed when dropped.
pub(super) struct Server {
    pub(super) child: Child,
    pub(super) port: u16,
    pub(super) arguments: Vec<String>,
    pub(super) folder: TempDir,
    /// Its ports, while it is dead: no other process can take them, and connections are refused.
    pub(super) held: Vec<TcpSocket>,
}

impl Server {
    pub(super) fn start(arguments: &[impl AsRef<str>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A free port may be taken a moment later: then another is tried.
        for _ in 0..20 {
            let port = free_port();
            let arguments = arguments.iter().map(|text| match text.as_ref() {
                FREE => free_port().to_string(),
                text => text.to_owned(),
            });
            let arguments: Vec<_> = arguments.collect();
            let mut child = spawn(&folder, port, &arguments);
            if comes_up(&mut child, port) {
                return Self {
                    child,
                    port,
                    arguments,
                    folder,
                    held: Vec::new(),
                };
            }
        }
        panic!("redis-server does not start");
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let numbers = self.arguments.iter().filter_map(|text| text.parse().ok());
        let ports = numbers.filter(|port| *port > 1024).chain([self.port]);
        self.held = ports.filter_map(|port| held(port).ok()).collect();
    }

    /// Starts it again after it was killed, with what it had on its disk.
    pub(super) fn restart(&mut self) {
        self.held.clear();
        self.child = spawn(&self.folder, self.port, &self.arguments);
        assert!(
            comes_up(&mut self.child, self.port),
            "it does not come back"
        );
    }

    pub(super) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status();
        assert!(status.unwrap().success());
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn store(&self) -> RedisStore {
        RedisStore::new(&self.url(), RedisOptions::default()).unwrap()
    }

    /// A connection without the store, to see what is in Redis.
    pub(super) fn client(&self) -> redis::Connection {
        self.try_client().unwrap()
    }

    pub(super) fn try_client(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.client().scan().unwrap().map(Result::unwrap).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No arguments of its own.
pub(super) const NOTHING: &[&str] = &[];
/// Stands for a free port among the arguments of a server.
pub(super) const FREE: &str = "a free port";

pub(super) fn free_port() -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").unwrap();
    bound.local_addr().unwrap().port()
}

pub(super) fn held(port: u16) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket)
}

pub(super) fn spawn(folder: &TempDir, port: u16, arguments: &[String]) -> Child {
    let fixed = "--bind 127.0.0.1 --save  --appendonly yes --appendfsync always";
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string()]);
    command
        .args(fixed.split(' '))
        .arg("--dir")
        .arg(folder.path());
    command.args(arguments).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Waits until the port answers as a Redis does. Returns false when the process ends first: then another process has
/// the port.
pub(super) fn comes_up(child: &mut Child, port: u16) -> bool {
    use std::io::{Read, Write};
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        let answered = || -> std::io::Result<bool> {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            stream.read_exact(&mut answer)?;
            // A server that requires a password answers with that error.
            Ok(matches!(&answer, b"+PONG" | b"-NOAU"))
        };
        if answered().unwrap_or(false) {
            return child.try_wait().unwrap().is_none();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
