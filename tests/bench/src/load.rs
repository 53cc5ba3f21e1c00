//! The time of a request, by wrk: a server with one worker on CPU 0, and 32 connections from CPU 1.
//!
//! The two requests take turns in rounds, and they take turns in being first. The difference between them is
//! measured within a round. A round in which other processes took more than a tenth of either CPU is repeated. When
//! too few rounds stay calm, the least disturbed ones fill up, and the table says so.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    Stop,
    counts::name,
    http::Exchange,
    proc,
    programs::Programs,
    server::{Server, Which},
    session::Provider,
    stats::Spread,
};

const SERVER_CPU: u32 = 0;
const CLIENT_CPU: u32 = 1;
const CONNECTIONS: u32 = 32;
/// How long each of the two requests is sent in a round, and before the first round.
const LEG: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(2);
/// The share of a CPU that other processes may take in a round that counts.
const CALM: f64 = 0.10;

/// What the requests of a server cost under load.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) which: Which,
    /// Microseconds of the server's CPU by which the request of a logged-in person exceeds the bare one.
    pub(crate) extra: Spread,
    /// Microseconds of the CPU of the Redis beside it, for each such request.
    pub(crate) redis: Option<f64>,
    /// How many such requests are answered in the time of one bare request.
    pub(crate) ratio: Spread,
    /// Bare requests in a second.
    pub(crate) rate: f64,
    /// Milliseconds until the answer to a logged-in person's request.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Bytes of the server in RAM, after a login.
    pub(crate) at_rest: u64,
    /// How many rounds were calm, and how many were played.
    pub(crate) calm: usize,
    pub(crate) played: usize,
}

/// One request, sent for a while.
#[derive(Clone, Copy, Debug, Default)]
struct Leg {
    /// Microseconds of CPU for each request, of the server and of the Redis beside it.
    server: f64,
    redis: f64,
    /// Requests in a second.
    rate: f64,
    p50: f64,
    p99: f64,
    /// The share of a CPU that other processes took.
    others: f64,
}

/// What wrk prints about a run.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    requests: f64,
    seconds: f64,
    bytes: f64,
    failed: u64,
    /// Milliseconds.
    p50: f64,
    p99: f64,
}

/// Measures a server in this many rounds.
pub(crate) fn measure(
    which: &Which,
    programs: &Programs,
    provider: &Provider,
    rounds: usize,
    stop: &Stop,
) -> Result<Loaded, String> {
    let server = Server::start(which, programs, provider, SERVER_CPU, false)?;
    let whoami = server.whoami.as_ref().ok_or("nobody is logged in")?;
    if let Some(redis) = &server.redis {
        pin(redis.id())?;
    }
    let at_rest = proc::resident(server.id())?;
    let exchanges = [&server.bare, whoami];
    let mut sizes = [0.0; 2];
    for (size, exchange) in sizes.iter_mut().zip(exchanges) {
        let said = wrk(&server, exchange, WARM_UP, true)?;
        if said.failed > 0 || said.requests < 1.0 {
            let failed = said.failed;
            return Err(format!("{failed} wrong answers of {}", exchange.path));
        }
        *size = said.bytes / said.requests;
    }
    let mut played: Vec<[Leg; 2]> = Vec::new();
    for round in 0..rounds * 2 {
        let mut legs = [Leg::default(); 2];
        for turn in 0..2 {
            stop.check()?;
            let at = (round + turn) % 2;
            legs[at] = leg(&server, exchanges[at], sizes[at])?;
        }
        played.push(legs);
        let calm = played.iter().filter(|legs| others(legs) <= CALM).count();
        let name = name(which);
        eprintln!("round {} of {name}: {calm} of {rounds} calm", played.len());
        if calm == rounds {
            break;
        }
    }
    let calm = played.iter().filter(|legs| others(legs) <= CALM).count();
    let count = played.len();
    played.sort_by(|a, b| others(a).total_cmp(&others(b)));
    played.truncate(rounds);
    let spread = |of: fn(&[Leg; 2]) -> f64| Spread::of(played.iter().map(of)).ok_or("no round");
    Ok(Loaded {
        which: which.clone(),
        extra: spread(|[bare, whoami]| whoami.server - bare.server)?,
        redis: match server.redis {
            Some(_) => Some(spread(|[_, whoami]| whoami.redis)?.median),
            None => None,
        },
        ratio: spread(|[bare, whoami]| whoami.rate / bare.rate)?,
        rate: spread(|[bare, _]| bare.rate)?.median,
        p50: spread(|[_, whoami]| whoami.p50)?.median,
        p99: spread(|[_, whoami]| whoami.p99)?.median,
        at_rest,
        calm,
        played: count,
    })
}

/// The memory of a server at rest, once it has answered.
pub(crate) fn at_rest(
    which: &Which,
    programs: &Programs,
    provider: &Provider,
) -> Result<u64, String> {
    let server = Server::start(which, programs, provider, SERVER_CPU, false)?;
    server.connect()?.play(&server.bare)?;
    proc::resident(server.id())
}

fn others(legs: &[Leg; 2]) -> f64 {
    legs[0].others.max(legs[1].others)
}

/// Sends one request for a while.
fn leg(server: &Server, exchange: &Exchange, size: f64) -> Result<Leg, String> {
    let before = Snapshot::take(server)?;
    let said = wrk(server, exchange, LEG, false)?;
    let after = Snapshot::take(server)?;
    // A wrong answer has another size.
    let wrong_size = (said.bytes / said.requests - size).abs() > 0.005 * size;
    if said.failed > 0 || said.requests < 1.0 || wrong_size {
        return Err(format!("wrong answers of {}: {said:?}", exchange.path));
    }
    let since = |of: fn(&Snapshot) -> u64| (of(&after) - of(&before)) as f64;
    let (own, redis, client) = (since(|s| s.server), since(|s| s.redis), since(|s| s.client));
    let share = |busy: f64, ours: f64| ((busy - ours) / 1e6 / said.seconds).max(0.0);
    let on_the_servers = share(since(|s| s.servers_cpu), own);
    let on_the_clients = share(since(|s| s.clients_cpu), client + redis);
    Ok(Leg {
        server: own / said.requests,
        redis: redis / said.requests,
        rate: said.requests / said.seconds,
        p50: said.p50,
        p99: said.p99,
        others: on_the_servers.max(on_the_clients),
    })
}

/// Microseconds of CPU so far.
struct Snapshot {
    server: u64,
    redis: u64,
    /// The CPU time of every wrk that has ended.
    client: u64,
    servers_cpu: u64,
    clients_cpu: u64,
}

impl Snapshot {
    fn take(server: &Server) -> Result<Self, String> {
        let redis = match &server.redis {
            Some(redis) => proc::used(redis.id())?.own,
            None => 0,
        };
        Ok(Self {
            server: proc::used(server.id())?.own,
            redis,
            client: proc::used(std::process::id())?.children,
            servers_cpu: proc::busy(SERVER_CPU)?,
            clients_cpu: proc::busy(CLIENT_CPU)?,
        })
    }
}

/// Runs wrk, which checks every answer if `check` is set.
fn wrk(server: &Server, exchange: &Exchange, time: Duration, check: bool) -> Result<Said, String> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", &CLIENT_CPU.to_string(), "wrk", "--threads", "1"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs()), "--script"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("wrk.lua"));
    if let Some(cookie) = &exchange.cookie {
        wrk.args(["--header", &format!("Cookie: {cookie}")]);
    }
    wrk.arg(format!(
        "http://127.0.0.1:{}{}",
        server.port(),
        exchange.path
    ));
    if check {
        wrk.args(["--", &exchange.body]);
    }
    let output = wrk.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("wrk: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Said::parse(&text).ok_or_else(|| {
        let error = String::from_utf8_lossy(&output.stderr);
        format!("wrk says {text:?} and {error:?}")
    })
}

impl Said {
    fn parse(text: &str) -> Option<Self> {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("measured "))?;
        let numbers: Option<Vec<f64>> = line.split(' ').map(|number| number.parse().ok()).collect();
        let [requests, duration, bytes, failed, p50, p99] = numbers?[..] else {
            return None;
        };
        Some(Self {
            requests,
            seconds: duration / 1e6,
            bytes,
            failed: failed as u64,
            p50: p50 / 1e3,
            p99: p99 / 1e3,
        })
    }
}

/// Binds a process to the CPU of wrk.
fn pin(id: u32) -> Result<(), String> {
    let output = Command::new("taskset")
        .args([
            "--all-tasks",
            "--cpu-list",
            "--pid",
            &CLIENT_CPU.to_string(),
        ])
        .arg(id.to_string())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        other => Err(format!("taskset: {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_understood_or_refused() {
        let said = Said::parse("Running 3s test\n\nmeasured 1000 2000000 99000 0 430 8030\n");
        let expected = Said {
            requests: 1000.0,
            seconds: 2.0,
            bytes: 99_000.0,
            failed: 0,
            p50: 0.43,
            p99: 8.03,
        };
        assert_eq!(said, Some(expected));
        assert_eq!(Said::parse("measured 1000 2000000 99000 0 430\n"), None);
        assert_eq!(Said::parse("measured a b c d e f\n"), None);
        assert_eq!(Said::parse("unable to connect to 127.0.0.1:1"), None);
    }
}
