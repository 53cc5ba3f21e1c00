//! Speed and memory of the local platform, on one core:
//! `cargo run --release -p miracl-platform --example load`.
//!
//! It counts logins by a native client, times the check of a proof, and looks at the resident memory before and after
//! 200,000 sessions, messages, registrations and first passes that nobody goes on with. A number as its argument takes
//! the place of 200,000.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use miracl_platform::{Client, MpinIdentity, Platform, PlatformConfig};
use serde_json::{Value, json};

const USER: &str = "alice@example.com";
const PIN: &str = "1234";
const SECRET: &str = "secret-of-the-load-example";

/// A point of the curve, as a client sends it first.
const U: &str = "041a0a49e4cd65268f1134f0987522d57812c9575ae80f9ce2cbad0c4719c83b67\
                 076934e1d19fa404f28f69ca95684272bcd7fb067440d36cf4ff3557f99ad7ee";

/// How many logins are timed, and how many checks of a proof.
const LOGINS: u32 = 200;
const CHECKS: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let count = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 200_000,
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let platform = Platform::start(PlatformConfig {
            clients: vec![Client::new("app", SECRET, "http://127.0.0.1:5000/login")],
            ..PlatformConfig::default()
        })
        .await?;
        let client = platform.mpin_client();
        let body = json!({ "userId": USER, "deviceName": "Load" });
        let started = client
            .call_as_app("app", SECRET, "/activate/initiate", &body)
            .await?;
        let token = started["actToken"].as_str().unwrap_or_default();
        let mut identity = client.register(USER, token, PIN).await?;
        let began = Instant::now();
        for _ in 0..LOGINS {
            client.log_in(&mut identity, PIN, "dvs-auth", None).await?;
        }
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "logins, client and server on one core: {:.0} a second",
            f64::from(LOGINS) / seconds
        );
        let (address, project) = (platform.address(), platform.project_id().to_owned());
        tokio::task::spawn_blocking(move || flood(address, &project, &identity, count))
            .await?
            .map_err(|error| error.to_string())?;
        Ok(())
    })
}

/// Begins much that nobody goes on with.
fn flood(
    address: SocketAddr,
    project: &str,
    identity: &MpinIdentity,
    count: usize,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut connection = Connection::open(address)?;
    let session = json!({ "projectId": project, "userId": USER });
    let pass = json!({
        "scope": ["oidc"], "mpin_id": identity.mpin_id(), "dtas": identity.dtas(), "UT": "", "U": U,
        "publicKey": identity.public_key(),
    });
    let last = json!({ "mpin_id": identity.mpin_id(), "V": U });
    let mut checks = Duration::ZERO;
    for _ in 0..CHECKS {
        connection.send("POST", "/rps/v2/pass1", &pass)?;
        let began = Instant::now();
        connection.send("POST", "/rps/v2/pass2", &last)?;
        checks += began.elapsed();
    }
    println!(
        "a check of a proof, over HTTP: {:.1} ms",
        checks.as_secs_f64() * 1000.0 / f64::from(CHECKS)
    );
    // A first round fills every store, so that the others show what grows.
    let rounds = [
        ("to fill the stores", count.min(5_000)),
        ("after them", count),
    ];
    for (name, count) in rounds {
        println!(
            "resident memory before {count} of each, {name}: {}",
            resident()
        );
        let began = Instant::now();
        for number in 0..count {
            // Nobody gets two messages in a row.
            let user = format!("user-{number}-of-{count}-{}@example.com", name.len());
            connection.send("POST", "/rps/v2/session", &session)?;
            let mail = json!({ "projectId": project, "userId": user });
            connection.send("POST", "/verification/email", &mail)?;
            let started = json!({ "userId": user, "deviceName": "Load" });
            let started = connection.send("POST", "/activate/initiate", &started)?;
            let device = json!({ "userId": user, "deviceName": "Load", "activateCode": started["actToken"] });
            connection.send("PUT", "/rps/v2/user", &device)?;
            connection.send("POST", "/rps/v2/pass1", &pass)?;
        }
        println!(
            "  after: {}, in {:.0} s",
            resident(),
            began.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// A connection that is kept.
struct Connection {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Connection {
    fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: address,
        })
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let body = body.to_string();
        let basic = base64_simd::STANDARD.encode_to_string(format!("app:{SECRET}"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Basic {basic}\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let lower = line.to_ascii_lowercase();
            if status.is_empty() {
                status.clone_from(&line);
            }
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}{}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// The memory of this process, where the system says it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or_else(|| "unknown".to_owned(), |size| size.trim().to_owned())
}
