//! Instructions and allocations of a request, by callgrind.
//!
//! A server runs several times: it is started, a person logs in, and it answers a number of requests of each kind,
//! then more of one kind. The difference between the counts, divided by those requests, is the cost of one request;
//! start, login and end cancel out. The counts exclude the kernel, and no busy machine changes them.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError},
    thread,
};

use miracl_tests::Adapter;

use crate::{
    Stop,
    callgrind::{Counts, Each},
    http::Exchange,
    mode::Mode,
    peers::Peer,
    programs::Programs,
    server::{Server, Which},
    session::Provider,
};

/// The framework that the goals are for.
pub(crate) const AXUM: &str = "axum";
/// The framework whose prices count for more than what lies between a layer and a handler.
pub(crate) const ROCKET: &str = "rocket";

/// Requests of either kind in every run.
const BEFORE: u32 = 200;
/// Requests that the longer runs send in addition.
const REQUESTS: u32 = 2_000;

/// Of which the longer run sends more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum More {
    Nothing,
    Bare,
    WithCookies,
    Whoami,
}

/// What the requests of a server cost.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) which: Which,
    /// The request that does not ask who is logged in.
    pub(crate) bare: Each,
    /// That request with the `Cookie` header of a logged-in person, which nothing reads.
    pub(crate) with_cookies: Option<Each>,
    /// The request of a logged-in person.
    pub(crate) whoami: Option<Each>,
}

/// Counts what the requests of these servers take, one server on each of these CPUs.
pub(crate) fn count(
    servers: &[Which],
    programs: &Programs,
    provider: &Provider,
    cpus: &[u32],
    stop: &Stop,
) -> Result<Vec<Counted>, String> {
    let mut runs = VecDeque::new();
    for (at, which) in servers.iter().enumerate() {
        let more: &[More] = match which {
            Which::Demo(..) => &[More::Nothing, More::Bare, More::WithCookies, More::Whoami],
            Which::Layer(..) => &[More::Nothing, More::Bare],
            Which::Peer(_) => &[More::Nothing, More::Bare, More::Whoami],
        };
        runs.extend(more.iter().map(|&more| (at, which, more)));
    }
    let total = runs.len();
    let (runs, done) = (Mutex::new(runs), Mutex::new(Vec::new()));
    let work = |cpu: u32| {
        loop {
            let next = lock(&runs).pop_front();
            let Some((at, which, more)) = next else {
                return Ok(());
            };
            let run = || run(which, programs, provider, cpu, more, stop);
            // The harness panics where a test would fail, and has printed why.
            let ended = panic::catch_unwind(AssertUnwindSafe(run));
            let ended = ended.unwrap_or_else(|_| Err("it fails".to_owned()));
            let counts = ended.map_err(|error| {
                lock(&runs).clear();
                format!("{}: {error}", name(which))
            })?;
            let mut done = lock(&done);
            done.push(((at, more), counts));
            eprintln!("counted {} of {total}: {}", done.len(), name(which));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = cpus.iter().map(|cpu| scope.spawn(|| work(*cpu))).collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        let mut ended = ended.into_iter();
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| Err("a run failed".to_owned())))
    })?;
    let done = lock(&done);
    let counts = |of| {
        let found = done.iter().find(|(run, _)| *run == of);
        found.map(|(_, counts)| *counts).ok_or("a run is missing")
    };
    let mut counted = Vec::new();
    for (at, which) in servers.iter().enumerate() {
        let base = counts((at, More::Nothing))?;
        let each = |more| counts((at, more)).map(|counts| counts.each(base, REQUESTS));
        counted.push(Counted {
            which: which.clone(),
            bare: each(More::Bare)?,
            with_cookies: match which {
                Which::Demo(..) => Some(each(More::WithCookies)?),
                Which::Layer(..) | Which::Peer(_) => None,
            },
            whoami: match which {
                Which::Demo(..) | Which::Peer(_) => Some(each(More::Whoami)?),
                Which::Layer(..) => None,
            },
        });
    }
    Ok(counted)
}

fn run(
    which: &Which,
    programs: &Programs,
    provider: &Provider,
    cpu: u32,
    more: More,
    stop: &Stop,
) -> Result<Counts, String> {
    let server = Server::start(which, programs, provider, cpu, true)?;
    let mut connection = server.connect()?;
    let requests = |of| if more == of { REQUESTS } else { 0 };
    for _ in 0..BEFORE + requests(More::Bare) {
        stop.check()?;
        connection.play(&server.bare)?;
    }
    if let Some(exchange) = &server.whoami {
        let with_cookies = Exchange {
            cookie: exchange.cookie.clone(),
            ..server.bare.clone()
        };
        for _ in 0..requests(More::WithCookies) {
            stop.check()?;
            connection.play(&with_cookies)?;
        }
        let (status, _) = connection.get(exchange.path, None)?;
        if status != 401 {
            return Err(format!("{} answers strangers {status}", exchange.path));
        }
        for _ in 0..BEFORE + requests(More::Whoami) {
            stop.check()?;
            connection.play(exchange)?;
        }
    }
    // A server that is asked to end waits for clients that keep their connection.
    drop(connection);
    Counts::parse(&server.profile()?)
}

/// The name of a server in progress and error messages.
pub(crate) fn name(which: &Which) -> String {
    match which {
        Which::Demo(Adapter { name, .. }, mode) => format!("{name}, sessions in {mode}"),
        Which::Layer(Adapter { name, .. }, variant) => format!("{name}, layer {variant}"),
        Which::Peer(Peer { name, .. }) => (*name).to_owned(),
    }
}

/// The demos of these frameworks in every mode, and their layers. axum is always included: the goals are for axum,
/// and the others are compared with it.
pub(crate) fn servers(frameworks: &[Adapter], modes: &[Mode]) -> Vec<Which> {
    let mut servers = Vec::new();
    let axum = Adapter::ALL.iter().find(|adapter| adapter.name == AXUM);
    if let Some(&axum) = axum.filter(|axum| !frameworks.contains(axum)) {
        servers.extend(modes.iter().map(|&mode| Which::Demo(axum, mode)));
        let layers = ["noop-around", "no-store-around"];
        servers.extend(layers.map(|variant| Which::Layer(axum, variant)));
    }
    for &framework in frameworks {
        servers.extend(modes.iter().map(|&mode| Which::Demo(framework, mode)));
        let variants: &[&str] = match framework.name {
            AXUM => &[
                "noop",
                "slot",
                "miracl",
                "noop-around",
                "miracl-around",
                "no-store-around",
            ],
            ROCKET => &["noop", "slot", "miracl", "no-store"],
            _ => &["noop", "slot", "miracl"],
        };
        servers.extend(
            variants
                .iter()
                .map(|variant| Which::Layer(framework, variant)),
        );
    }
    servers
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
