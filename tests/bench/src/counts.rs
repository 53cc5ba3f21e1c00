//! Instructions and allocations of a request, by callgrind.
//!
//! A server is started, a person logs in, and it answers requests of each kind until it has done everything that is
//! done once. Then callgrind counts requests of one kind after the other. The counts exclude the kernel, and no busy
//! machine changes them.

use std::{
    collections::VecDeque,
    iter,
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

/// Requests of each kind that are sent first, and do not count.
const BEFORE: u32 = 200;
/// Requests of each kind that count.
const REQUESTS: u32 = 2_000;

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
    /// The request of an admin for what only admins see.
    pub(crate) admin: Option<Each>,
}

/// Counts what the requests of these servers take, one server on each of these CPUs.
pub(crate) fn count(
    servers: &[Which],
    programs: &Programs,
    provider: &Provider,
    cpus: &[u32],
    stop: &Stop,
) -> Result<Vec<Counted>, String> {
    let each = servers.iter().enumerate();
    let waiting: VecDeque<_> = each
        .flat_map(|(at, which)| iter::repeat_n((at, which), processes(which)))
        .collect();
    let total = waiting.len();
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    let work = |cpu: u32| {
        loop {
            let next = lock(&waiting).pop_front();
            let Some((at, which)) = next else {
                return Ok(());
            };
            let run = || run(which, programs, provider, cpu, stop);
            // The harness panics where a test would fail, and has printed why.
            let ended = panic::catch_unwind(AssertUnwindSafe(run));
            let ended = ended.unwrap_or_else(|_| Err("it fails".to_owned()));
            let counted = ended.map_err(|error| {
                lock(&waiting).clear();
                format!("{}: {error}", name(which))
            })?;
            let mut done = lock(&done);
            done.push((at, counted));
            eprintln!("counted {} of {total}: {}", done.len(), name(which));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = cpus.iter().map(|cpu| scope.spawn(|| work(*cpu))).collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        let mut ended = ended.into_iter();
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| Err("a run failed".to_owned())))
    })?;
    let mut done = std::mem::take(&mut *lock(&done));
    done.sort_by_key(|(at, _)| *at);
    let runs = done.chunk_by(|(one, _), (other, _)| one == other);
    Ok(runs.map(median).collect())
}

/// How many processes of a server are counted. A process has its own addresses and its own seeds of hashes, which move
/// a count by twenty instructions. The goals are for axum, so its figures are medians.
fn processes(which: &Which) -> usize {
    match which {
        Which::Demo(Adapter { name: AXUM, .. }, _)
        | Which::Layer(Adapter { name: AXUM, .. }, _) => 3,
        _ => 1,
    }
}

/// The median of each figure of the runs of one server.
fn median(runs: &[(usize, Counted)]) -> Counted {
    let of = |figure: fn(&Counted) -> Option<Each>| {
        let each: Vec<Each> = runs.iter().filter_map(|(_, run)| figure(run)).collect();
        let middle = |part: fn(&Each) -> f64| {
            let mut parts: Vec<f64> = each.iter().map(part).collect();
            parts.sort_by(f64::total_cmp);
            parts.get(parts.len() / 2).copied()
        };
        Some(Each {
            instructions: middle(|each| each.instructions)?,
            allocations: middle(|each| each.allocations)?,
        })
    };
    Counted {
        which: runs[0].1.which.clone(),
        bare: of(|run| Some(run.bare)).unwrap_or_default(),
        with_cookies: of(|run| run.with_cookies),
        whoami: of(|run| run.whoami),
        admin: of(|run| run.admin),
    }
}

fn run(
    which: &Which,
    programs: &Programs,
    provider: &Provider,
    cpu: u32,
    stop: &Stop,
) -> Result<Counted, String> {
    let server = Server::start(which, programs, provider, cpu, true)?;
    let mut connection = server.connect()?;
    let whoami = server.whoami.clone();
    // Peers are compared by the two others alone.
    let with_cookies = whoami.as_ref().filter(|_| matches!(which, Which::Demo(..)));
    let with_cookies = with_cookies.map(|exchange| Exchange {
        cookie: exchange.cookie.clone(),
        ..server.bare.clone()
    });
    for exchange in whoami.iter().chain(&server.admin) {
        let (status, _) = connection.get(exchange.path, None)?;
        if status != 401 {
            return Err(format!("{} answers strangers {status}", exchange.path));
        }
    }
    let mut ask = |exchange: &Exchange, times| {
        for _ in 0..times {
            stop.check()?;
            connection.play(exchange)?;
        }
        Ok::<_, String>(())
    };
    let bare = Some(server.bare.clone());
    for exchange in [&bare, &with_cookies, &whoami, &server.admin] {
        exchange.iter().try_for_each(|one| ask(one, BEFORE))?;
    }
    let mut profiles = 1..;
    let mut profile = || server.profile(profiles.next().unwrap_or_default());
    profile()?;
    let mut each = |exchange: &Exchange| {
        ask(exchange, REQUESTS)?;
        Ok::<_, String>(Counts::parse(&profile()?)?.each(REQUESTS))
    };
    let counted = Counted {
        which: which.clone(),
        bare: each(&server.bare)?,
        with_cookies: with_cookies.as_ref().map(&mut each).transpose()?,
        whoami: whoami.as_ref().map(&mut each).transpose()?,
        admin: server.admin.as_ref().map(&mut each).transpose()?,
    };
    // A server that is asked to end waits for clients that keep their connection.
    drop(connection);
    server.end()?;
    Ok(counted)
}

/// The name of a server in progress and error messages.
pub(crate) fn name(which: &Which) -> String {
    match which {
        Which::Demo(Adapter { name, .. }, mode) => format!("{name}, sessions in {mode}"),
        Which::Rights(Adapter { name, .. }, mode) => {
            format!("{name}, sessions in {mode}, with a claim")
        }
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
        // What a requirement costs beyond the user is the same with Redis, and lost in what that wait costs.
        let quick = modes.iter().filter(|mode| **mode != Mode::Redis);
        servers.extend(quick.map(|&mode| Which::Rights(framework, mode)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_of_several_processes_is_their_median() {
        let axum = Adapter::ALL.iter().find(|adapter| adapter.name == AXUM);
        let which = Which::Layer(*axum.unwrap(), "noop");
        assert_eq!(processes(&which), 3);
        let run = |instructions: f64, allocations: f64| {
            let each = Each {
                instructions,
                allocations,
            };
            let counted = Counted {
                which: which.clone(),
                bare: each,
                with_cookies: None,
                admin: None,
                whoami: Some(each.over(Each {
                    instructions: 1.0,
                    allocations: 0.0,
                })),
            };
            (0, counted)
        };
        let found = median(&[run(300.0, 2.0), run(100.0, 3.0), run(200.0, 2.0)]);
        assert_eq!(
            (found.bare.instructions, found.bare.allocations),
            (200.0, 2.0)
        );
        assert_eq!(found.whoami.unwrap().instructions, 199.0);
        assert_eq!(found.with_cookies, None);
        assert_eq!(median(&[run(7.0, 1.0)]).bare.instructions, 7.0);
    }
}
