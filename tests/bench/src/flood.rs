//! What a flood of cookies costs: a `Cookie` header of 64 KiB with our names, beside one with other names.
//!
//! One server of each framework answers all of it under callgrind, which writes its counts after each kind of
//! request.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError},
    thread,
};

use miracl_tests::Adapter;

use crate::{
    Stop, callgrind,
    goals::{FLOOD, GROWTH, Judged, figure},
    mode::Mode,
    programs::Programs,
    server::{Server, Which},
    session::Provider,
};

/// How long a header is, apart from the cookies of the logged-in person, which stand at its end.
const WHOLE: usize = 64 * 1024;
const HALF: usize = WHOLE / 2;
/// How many requests of a kind are counted together. The kernel decides in how many pieces a server reads 64 KiB, which
/// changes the cost of one request by a tenth and more.
const REQUESTS: u32 = 6;
/// How often a row that misses a goal is counted again. Each further piece only adds to the cost, so the least of all
/// counts is the nearest to what the server itself does, and a cost that really grows faster is found each time.
const AGAIN: u32 = 3;
/// The prefix of another app's cookies, cut to the length of our own.
const FOREIGN: &str = "the-cookies-of-another-app";

/// A route, or a page that asks who is logged in: its method, its path, its answer to a logged-in person, and its
/// answer to a person whose cookies stand behind too many that look like them.
const ROUTES: [(&str, &str, [u16; 2]); 11] = [
    ("GET", "/public", [200, 200]),
    ("GET", "/whoami", [200, 401]),
    ("GET", "/me", [200, 401]),
    ("GET", "/members", [200, 401]),
    ("GET", "/login/start", [303, 303]),
    ("GET", "/login/initiate?iss={issuer}", [303, 303]),
    ("GET", "/login?state=x&code=y", [303, 400]),
    ("GET", "/logout", [200, 303]),
    ("POST", "/backchannel-logout", [400, 400]),
    ("GET", "/frontchannel-logout?iss={issuer}&sid=x", [200, 200]),
    ("GET", "/signed-out", [303, 303]),
];

/// A kind of flood, and its cookie of this number, without the prefix.
struct Kind {
    name: &'static str,
    cookie: Box<dyn Fn(usize) -> String>,
}

/// What one kind of flood costs at one route, in instructions of a request.
#[derive(Clone, Debug)]
struct Row {
    route: String,
    kind: &'static str,
    /// 64 KiB of cookies with other names.
    foreign: f64,
    /// 32 KiB of cookies with our names.
    half: f64,
    /// 64 KiB of cookies with our names.
    whole: f64,
}

impl Row {
    fn over_foreign(&self) -> f64 {
        self.whole / self.foreign
    }

    fn growth(&self) -> f64 {
        self.whole / self.half
    }

    fn misses(&self) -> bool {
        self.over_foreign() > FLOOD.goal || self.growth() > GROWTH.goal
    }

    /// Takes the least of each count.
    fn least(&mut self, other: &Self) {
        self.foreign = self.foreign.min(other.foreign);
        self.half = self.half.min(other.half);
        self.whole = self.whole.min(other.whole);
    }
}

/// What floods cost on a framework.
#[derive(Clone, Debug)]
pub(crate) struct Flooded {
    framework: &'static str,
    rows: Vec<Row>,
}

/// Counts what floods cost on these frameworks, one server on each of these CPUs.
pub(crate) fn count(
    frameworks: &[Adapter],
    programs: &Programs,
    provider: &Provider,
    cpus: &[u32],
    stop: &Stop,
) -> Result<Vec<Flooded>, String> {
    let waiting: VecDeque<Adapter> = frameworks.iter().copied().collect();
    let (waiting, done) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    let next = || lock(&waiting).pop_front();
    let work = |cpu: u32| {
        while let Some(framework) = next() {
            let run = || run(framework, programs, provider, cpu, stop);
            // The harness panics where a test would fail, and has printed why.
            let ended = panic::catch_unwind(AssertUnwindSafe(run));
            let ended = ended.unwrap_or_else(|_| Err("it fails".to_owned()));
            let flooded = ended.map_err(|error| {
                lock(&waiting).clear();
                format!("{}, flooded with cookies: {error}", framework.name)
            })?;
            lock(&done).push(flooded);
            eprintln!("counted floods of cookies: {}", framework.name);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = cpus.iter().map(|cpu| scope.spawn(|| work(*cpu))).collect();
        let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        let mut ended = ended.into_iter();
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| Err("a run failed".to_owned())))
    })?;
    let mut done = std::mem::take(&mut *lock(&done));
    done.sort_by_key(|flooded: &Flooded| flooded.framework);
    Ok(done)
}

fn run(
    framework: Adapter,
    programs: &Programs,
    provider: &Provider,
    cpu: u32,
    stop: &Stop,
) -> Result<Flooded, String> {
    let which = Which::Demo(framework, Mode::Cookie);
    let server = Server::start(&which, programs, provider, cpu, true)?;
    let own = server
        .whoami
        .as_ref()
        .and_then(|whoami| whoami.cookie.as_deref());
    let own = own.ok_or("nobody is logged in")?;
    let mut connection = server.connect()?;
    let mut profiles = 0;
    let mut each =
        |(method, path, statuses): (&str, &str, [u16; 2]), header: &str, requests: u32| {
            for _ in 0..requests {
                stop.check()?;
                let path = path.replace("{issuer}", provider.issuer());
                let (found, _) = connection.ask(method, &path, Some(header))?;
                if !statuses.contains(&found) {
                    return Err(format!(
                        "{method} {path} answers {found}, not one of {statuses:?}"
                    ));
                }
            }
            profiles += 1;
            let instructions = callgrind::instructions(&server.profile(profiles)?)?;
            Ok(instructions as f64 / f64::from(requests))
        };
    let ours = format!("miracl-{}-", framework.name);
    let foreign = &FOREIGN[..ours.len()];
    let kinds = kinds(own, &ours)?;
    let mut rows = Vec::new();
    for route in ROUTES {
        let (method, path, _) = route;
        // What happens only once is not counted: buffers grow, and pages are mapped.
        let first = format!("{}{own}", fill(WHOLE, foreign, &kinds[0].cookie));
        each(route, &first, 2)?;
        for kind in &kinds {
            let header = |prefix, bytes| format!("{}{own}", fill(bytes, prefix, &kind.cookie));
            let mut row = || {
                Ok::<_, String>(Row {
                    route: format!("{method} {}", path.split('?').next().unwrap_or(path)),
                    kind: kind.name,
                    foreign: each(route, &header(foreign, WHOLE), REQUESTS)?,
                    half: each(route, &header(&ours, HALF), REQUESTS)?,
                    whole: each(route, &header(&ours, WHOLE), REQUESTS)?,
                })
            };
            let mut counted = row()?;
            for _ in 0..AGAIN {
                if counted.misses() {
                    counted.least(&row()?);
                }
            }
            rows.push(counted);
        }
    }
    drop(connection);
    server.end()?;
    Ok(Flooded {
        framework: framework.name,
        rows,
    })
}

/// The kinds of floods, made from the cookies of a logged-in person.
fn kinds(own: &str, prefix: &str) -> Result<[Kind; 3], String> {
    let value = |name: &str| {
        let mut pairs = own.split("; ").filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(found, _)| *found == format!("{prefix}{name}"));
        let value = found.map(|(_, value)| value.to_owned());
        value.ok_or_else(|| format!("there is no cookie {name}"))
    };
    // They look as if our own key had sealed them, and do not open.
    let broken = |mut value: String| {
        let last = value.pop();
        value.push(if last == Some('A') { 'E' } else { 'A' });
        value
    };
    let (session, data) = (broken(value("session")?), broken(value("data")?));
    let names = ["session", "data", "flash", "data-1", "loop"];
    Ok([
        Kind {
            name: "logins under way",
            cookie: Box::new(|number| format!("login-{number:08x}=")),
        },
        Kind {
            name: "junk of every name",
            cookie: Box::new(move |number| {
                let name = names[number % names.len()];
                format!("{name}={number:09}")
            }),
        },
        Kind {
            name: "what looks sealed",
            cookie: Box::new(move |number| match number % 4 {
                0 => format!("session={session}"),
                1 => format!("data={data}"),
                2 => format!("flash={session}"),
                _ => format!("login-{number:08x}={session}"),
            }),
        },
    ])
}

/// Cookies of a kind, up to this many bytes, each followed by a separator.
fn fill(bytes: usize, prefix: &str, cookie: impl Fn(usize) -> String) -> String {
    let mut header = String::with_capacity(bytes);
    for number in 0.. {
        let cookie = cookie(number);
        if header.len() + prefix.len() + cookie.len() + 2 > bytes {
            break;
        }
        let _ = write!(header, "{prefix}{cookie}; ");
    }
    header
}

/// Compares the counts with the goals: of each framework the worst.
pub(crate) fn judge(flooded: &[Flooded]) -> Result<Vec<Judged>, String> {
    let mut judged = Vec::new();
    for Flooded { framework, rows } in flooded {
        for (goal, of_row) in [
            (FLOOD, Row::over_foreign as fn(&Row) -> f64),
            (GROWTH, Row::growth),
        ] {
            // A ratio that cannot be computed is the worst of all.
            let of_row = |row: &Row| Some(of_row(row)).filter(|of| !of.is_nan());
            let of_row = |row: &Row| of_row(row).unwrap_or(f64::INFINITY);
            let worst = rows
                .iter()
                .max_by(|one, other| of_row(one).total_cmp(&of_row(other)));
            let worst = worst.ok_or_else(|| format!("{framework} was not flooded"))?;
            judged.push(Judged {
                of: format!("{framework}, worst at {}, {}", worst.route, worst.kind),
                goal,
                measured: of_row(worst),
                own: 0.0,
            });
        }
    }
    Ok(judged)
}

/// The table of all floods.
pub(crate) fn table(flooded: &[Flooded]) -> String {
    let mut lines = vec![
        "| framework | route | flood of cookies \
         | 64 KiB of others' | 32 KiB of ours | 64 KiB of ours | over others' | 64 over 32 |"
            .to_owned(),
        "|---|---|---|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for Flooded { framework, rows } in flooded {
        lines.extend(rows.iter().map(|row| {
            let Row {
                route,
                kind,
                foreign,
                half,
                whole,
            } = row;
            let [foreign, half, whole] = [foreign, half, whole].map(|count| figure(*count));
            let (over, growth) = (figure(row.over_foreign()), figure(row.growth()));
            format!(
                "| {framework} | {route} | {kind} | {foreign} | {half} | {whole} | {over} | {growth} |"
            )
        }));
    }
    lines.join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(route: &str, foreign: f64, half: f64, whole: f64) -> Row {
        Row {
            route: route.to_owned(),
            kind: "junk",
            foreign,
            half,
            whole,
        }
    }

    #[test]
    fn the_worst_route_is_held_against_the_goals() {
        let good = row("GET /a", 100.0, 110.0, 200.0);
        for (bad, holds) in [
            (row("GET /b", 100.0, 160.0, 300.0), [true, true]),
            (row("GET /b", 100.0, 160.0, 301.0), [false, true]),
            (row("GET /b", 200.0, 100.0, 221.0), [true, false]),
            (row("GET /b", 100.0, 80.0, 310.0), [false, false]),
            (row("GET /b", 0.0, 0.0, 0.0), [false, false]),
        ] {
            let flooded = Flooded {
                framework: "axum",
                rows: vec![good.clone(), bad],
            };
            let judged = judge(&[flooded]).unwrap();
            let found: Vec<bool> = judged.iter().map(Judged::holds).collect();
            assert_eq!(found, holds);
            assert!(judged.iter().any(|judged| judged.of.contains("GET /b")));
        }
        let nothing = Flooded {
            framework: "axum",
            rows: Vec::new(),
        };
        assert!(judge(&[nothing]).is_err());
    }

    #[test]
    fn a_row_that_misses_keeps_the_least_of_each_count() {
        let mut noisy = row("GET /a", 100.0, 80.0, 180.0);
        assert!(noisy.misses());
        noisy.least(&row("GET /a", 120.0, 90.0, 150.0));
        assert_eq!(
            (noisy.foreign, noisy.half, noisy.whole),
            (100.0, 80.0, 150.0)
        );
        assert!(!noisy.misses());
        let mut quadratic = row("GET /a", 100.0, 50.0, 190.0);
        quadratic.least(&row("GET /a", 101.0, 51.0, 200.0));
        assert!(quadratic.misses());
    }

    #[test]
    fn a_flood_has_the_bytes_that_it_is_for_and_others_names_as_long_as_ours() {
        let (ours, foreign) = ("miracl-axum-", &FOREIGN[.."miracl-axum-".len()]);
        let own = format!(
            "{ours}session={}; {ours}data={}; x=y",
            "s".repeat(300),
            "d".repeat(900)
        );
        for kind in kinds(&own, ours).unwrap() {
            let [whole, others] = [ours, foreign].map(|prefix| fill(WHOLE, prefix, &kind.cookie));
            assert!(
                whole.len() <= WHOLE && whole.len() > WHOLE - 1100,
                "{}",
                kind.name
            );
            assert_eq!(whole.replace(ours, foreign), others);
        }
        assert!(kinds("x=y", ours).is_err());
    }
}
