//! What a login costs a request, measured with the demos and compared with the goals. `tests/bench/run` installs
//! what this needs and starts it.
//!
//! ```text
//! tests/bench/run [--instructions] [--framework axum|actix|rocket] [--rounds N] [--peers DIR]
//! ```
//!
//! * `--instructions`: only the counts, which no busy machine changes.
//! * `--framework`: only this framework. May be given again.
//! * `--rounds`: this many rounds under load, 5 by default.
//! * `--peers`: also the servers of other libraries in this folder.
//!
//! It succeeds only when every goal holds.

mod callgrind;
mod counts;
mod flood;
mod goals;
mod http;
mod load;
mod mode;
mod peers;
mod proc;
mod programs;
mod report;
mod server;
mod session;
mod stats;

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use miracl_tests::Adapter;

use crate::{
    counts::Counted, goals::Judged, load::Loaded, mode::Mode, programs::Programs, server::Which,
    session::Provider,
};

/// Whether this program was asked to stop. It then stops at the next point where it can end what it has started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.0.load(Ordering::Relaxed) {
            return Err("stopped".to_owned());
        }
        Ok(())
    }

    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What to do.
#[derive(Debug, PartialEq)]
struct Options {
    instructions_only: bool,
    frameworks: Vec<Adapter>,
    rounds: usize,
    peers: Option<PathBuf>,
}

fn main() -> ExitCode {
    let ended = Options::parse(std::env::args().skip(1)).and_then(|options| run(&options));
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("miracl-bench: {error}");
            ExitCode::from(2)
        }
    }
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let all = programs::frameworks();
        let mut options = Self {
            instructions_only: false,
            frameworks: Vec::new(),
            rounds: 5,
            peers: None,
        };
        let mut arguments = arguments.peekable();
        while let Some(option) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{option} needs a value"))
            };
            match option.as_str() {
                "--instructions" => options.instructions_only = true,
                "--framework" => {
                    let name = value()?;
                    let found = all.iter().find(|adapter| adapter.name == name);
                    let found = found.ok_or_else(|| format!("there is no framework {name}"))?;
                    options.frameworks.push(*found);
                }
                "--rounds" => {
                    let rounds = value()?;
                    let parsed = rounds
                        .parse()
                        .ok()
                        .filter(|rounds| (1..=50).contains(rounds));
                    options.rounds = parsed.ok_or_else(|| format!("no such number: {rounds}"))?;
                }
                "--peers" => options.peers = Some(value()?.into()),
                other => return Err(format!("there is no option {other}")),
            }
        }
        if options.frameworks.is_empty() {
            options.frameworks = all;
        }
        Ok(options)
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let stop = Stop::default();
    let programs = Programs::build();
    let peers = match &options.peers {
        Some(folder) => peers::build(folder, &options.frameworks)?,
        None => Vec::new(),
    };
    let provider = Provider::start()?;
    provider.stop_on_signals(&stop)?;

    let mut servers = counts::servers(&options.frameworks, &Mode::ALL);
    servers.extend(peers.into_iter().map(Which::Peer));
    let cpus = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let cpus: Vec<u32> = (0..).take(cpus).collect();
    let counted = counts::count(&servers, &programs, &provider, &cpus, &stop)?;
    let flooded = flood::count(&options.frameworks, &programs, &provider, &cpus, &stop)?;
    let mut judged = report::judge(&counted)?;
    judged.extend(flood::judge(&flooded)?);
    println!("{}\n", report::machine());
    println!("{}\n", goals::table(&judged));
    println!("{}\n", report::counts(&counted));
    println!("{}", flood::table(&flooded));

    if !options.instructions_only {
        if cpus.len() < 2 {
            return Err("times need two CPUs, one for the server and one for wrk".to_owned());
        }
        let loaded = load(&servers, options, &programs, &provider, &stop)?;
        let times = times(options, &programs, &provider, &counted, &loaded)?;
        println!("\n{times}");
    }
    Ok(verdict(&judged))
}

/// Prints how many goals were missed, and returns whether none was.
fn verdict(judged: &[Judged]) -> bool {
    let missed: Vec<_> = judged.iter().filter(|judged| !judged.holds()).collect();
    println!("\n{} goals, {} missed", judged.len(), missed.len());
    for judged in &missed {
        println!("missed: {}", judged.row());
    }
    missed.is_empty()
}

fn load(
    servers: &[Which],
    options: &Options,
    programs: &Programs,
    provider: &Provider,
    stop: &Stop,
) -> Result<Vec<Loaded>, String> {
    let servers = servers.iter().filter(|which| match which {
        Which::Demo(framework, _) => options.frameworks.contains(framework),
        Which::Rights(..) | Which::Layer(..) => false,
        Which::Peer(_) => true,
    });
    servers
        .map(|which| load::measure(which, programs, provider, options.rounds, stop))
        .collect()
}

/// The tables of a whole run: times and memory.
fn times(
    options: &Options,
    programs: &Programs,
    provider: &Provider,
    counted: &[Counted],
    loaded: &[Loaded],
) -> Result<String, String> {
    let mut text = report::readme(counted, loaded)?;
    if let Some(warning) = report::warning(loaded, options.rounds) {
        text.push_str(&format!("\n\n{warning}"));
    }
    let mut engines = Vec::new();
    for &framework in &options.frameworks {
        let at_rest = |variant| {
            let layer = Which::Layer(framework, variant);
            load::at_rest(&layer, programs, provider)
        };
        engines.push((framework, at_rest("miracl")?, at_rest("noop")?));
    }
    text.push_str(&format!("\n\n{}", report::engines(&engines)));
    let store = Command::new(programs.get(programs::SERVER)?)
        .arg("store")
        .output();
    let store = store.map_err(|error| format!("the store: {error}"))?;
    if !store.status.success() {
        return Err(format!(
            "the store: {}",
            String::from_utf8_lossy(&store.stderr)
        ));
    }
    let store = String::from_utf8_lossy(&store.stdout);
    text.push_str(&format!(
        "\n\nA `MemoryStore` of 100,000 sessions: {}.",
        store.trim()
    ));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn without_options_everything_is_measured() {
        let options = parse("").unwrap();
        assert!(!options.instructions_only);
        assert_eq!((options.frameworks.len(), options.rounds), (3, 5));
        let options = parse("--instructions --framework rocket --rounds 2 --peers x").unwrap();
        assert!(options.instructions_only);
        assert_eq!(options.frameworks[0].name, "rocket");
        assert_eq!((options.frameworks.len(), options.rounds), (1, 2));
        assert_eq!(options.peers, Some("x".into()));
    }

    #[test]
    fn what_is_not_understood_is_not_measured() {
        for wrong in [
            "--framework",
            "--framework warp",
            "--rounds 0",
            "--rounds x",
            "axum",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
