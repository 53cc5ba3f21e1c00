//! The tables: what was measured, compared with the goals.

use std::{
    fs,
    process::{Command, Stdio},
};

use miracl_tests::Adapter;

use crate::{
    callgrind::Each,
    counts::{AXUM, Counted, ROCKET, name},
    goals::{
        ADMIN, ALLOCATIONS, Goal, Judged, PUBLIC, WHOAMI_COOKIE, WHOAMI_MEMORY, WHOAMI_REDIS,
        WHOAMI_REDIS_ALLOCATIONS, figure, price_of_a_route,
    },
    load::Loaded,
    mode::Mode,
    server::Which,
};

/// Compares the counts with the goals.
pub(crate) fn judge(counted: &[Counted]) -> Result<Vec<Judged>, String> {
    let mut judged = Vec::new();
    for counts in counted {
        match &counts.which {
            Which::Demo(framework, mode) => {
                let goal = match mode {
                    Mode::Cookie => WHOAMI_COOKIE,
                    Mode::Memory => WHOAMI_MEMORY,
                    Mode::Redis if framework.name == AXUM => WHOAMI_REDIS,
                    Mode::Redis => continue,
                };
                let over_bare = over_bare(counts)?;
                // The goals are for axum, including its own price for the extensions of a request.
                let own = match framework.name {
                    AXUM => 0.0,
                    _ => {
                        let header = header(counts)? - header(demo(counted, AXUM, *mode)?)?;
                        let no_store = match framework.name {
                            ROCKET => no_store(counted, ROCKET)?,
                            _ => 0.0,
                        };
                        own(counted, framework.name)?.instructions + header + no_store
                    }
                };
                judged.push(Judged {
                    of: framework.name.to_owned(),
                    goal,
                    measured: over_bare.instructions,
                    own,
                });
                if *mode == Mode::Redis {
                    judged.push(Judged {
                        of: framework.name.to_owned(),
                        goal: WHOAMI_REDIS_ALLOCATIONS,
                        measured: over_bare.allocations,
                        own,
                    });
                }
            }
            Which::Rights(framework, mode) => {
                let admin = counts.admin.zip(counts.whoami);
                let (admin, whoami) = admin.ok_or("no admin was logged in")?;
                judged.push(Judged {
                    of: format!("{}, sessions in {mode}", framework.name),
                    goal: ADMIN,
                    measured: admin.over(whoami).instructions,
                    own: -price_of_a_route(framework.name),
                });
            }
            Which::Layer(framework, variant) => {
                let (noop, place) = match *variant {
                    "miracl" if framework.name == AXUM => ("noop", ", `Router::layer`"),
                    "miracl" => ("noop", ""),
                    "miracl-around" => ("noop-around", ", around the router"),
                    _ => continue,
                };
                let more = more(counted, framework.name, [variant, noop])?;
                // Around the router, axum's price for a value in the extensions has to fit into the goal. There is
                // no way without those allocations.
                let own = own(counted, framework.name)?;
                let own = match *variant {
                    "miracl-around" => Each {
                        instructions: 0.0,
                        ..own
                    },
                    _ => own,
                };
                let judge = |goal: Goal, measured, own| Judged {
                    of: format!("{}{place}", framework.name),
                    goal,
                    measured,
                    own,
                };
                judged.push(judge(PUBLIC, more.instructions, own.instructions));
                judged.push(judge(ALLOCATIONS, more.allocations, own.allocations));
            }
            Which::Peer(_) => {}
        }
    }
    if judged.is_empty() {
        return Err("nothing was measured that has a goal".to_owned());
    }
    Ok(judged)
}

/// What a framework charges for a value that a layer leaves for a handler.
fn own(counted: &[Counted], framework: &str) -> Result<Each, String> {
    more(counted, framework, ["slot", "noop"])
}

/// What a framework charges for a header of the response beyond what axum charges.
fn no_store(counted: &[Counted], framework: &str) -> Result<f64, String> {
    let own = more(counted, framework, ["no-store", "noop"])?;
    let axums = more(counted, AXUM, ["no-store-around", "noop-around"])?;
    Ok(own.over(axums).instructions)
}

/// How much more a request costs under the first of two layers.
fn more(counted: &[Counted], framework: &str, layers: [&str; 2]) -> Result<Each, String> {
    let [first, second] = layers;
    Ok(layer(counted, framework, first)?.over(layer(counted, framework, second)?))
}

/// What a framework charges for the `Cookie` header of a request, whether anything reads it or not.
fn header(counts: &Counted) -> Result<f64, String> {
    let with_cookies = counts.with_cookies.ok_or("no `Cookie` header was sent")?;
    Ok(with_cookies.over(counts.bare).instructions)
}

/// What the requests of a demo cost.
fn demo<'a>(counted: &'a [Counted], wanted: &str, place: Mode) -> Result<&'a Counted, String> {
    let found = counted.iter().find(|counts| match &counts.which {
        Which::Demo(of, mode) => of.name == wanted && *mode == place,
        _ => false,
    });
    found.ok_or_else(|| format!("{wanted} was not measured with sessions in {place}"))
}

/// What a request costs under a layer.
fn layer(counted: &[Counted], framework: &str, wanted: &str) -> Result<Each, String> {
    let found = counted.iter().find(|counts| match &counts.which {
        Which::Layer(of, variant) => of.name == framework && *variant == wanted,
        _ => false,
    });
    let found = found.ok_or_else(|| format!("{framework} was not measured {wanted}"))?;
    Ok(found.bare)
}

fn over_bare(counts: &Counted) -> Result<Each, String> {
    let whoami = counts.whoami.ok_or("nobody was logged in")?;
    Ok(whoami.over(counts.bare))
}

/// The table of the counts, without a goal.
pub(crate) fn counts(counted: &[Counted]) -> String {
    let mut lines = vec![
        "| server | instructions of the bare request | with the `Cookie` header \
         | of one that asks who is there | over bare | allocations over bare | of one for admins |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for counts in counted {
        let bare = figure(counts.bare.instructions);
        let rest = match counts.whoami {
            Some(whoami) => {
                let more = whoami.over(counts.bare);
                let whoami = figure(whoami.instructions);
                let (more, allocations) = (figure(more.instructions), figure(more.allocations));
                format!("{whoami} | {more} | {allocations}")
            }
            None => "– | – | –".to_owned(),
        };
        let with_cookies = counts.with_cookies;
        let with_cookies =
            with_cookies.map_or_else(|| "–".to_owned(), |each| figure(each.instructions));
        let admin = counts.admin;
        let admin = admin.map_or_else(|| "–".to_owned(), |each| figure(each.instructions));
        lines.push(format!(
            "| {} | {bare} | {with_cookies} | {rest} | {admin} |",
            name(&counts.which)
        ));
    }
    lines.join("\n")
}

/// The table in the README.
pub(crate) fn readme(counted: &[Counted], loaded: &[Loaded]) -> Result<String, String> {
    let mut lines = vec![
        "| | instructions over bare | CPU µs over bare, median (range) | requests/s, share of bare \
         | bare requests/s | p50 / p99 ms | MB at rest | calm rounds |"
            .to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for load in loaded {
        let of = name(&load.which);
        let counts = counted.iter().find(|counts| name(&counts.which) == of);
        let counts = counts.ok_or_else(|| format!("{of} was not counted"))?;
        let instructions = figure(over_bare(counts)?.instructions);
        let redis = match load.redis {
            Some(redis) => format!(", and {redis:.1} in Redis"),
            None => String::new(),
        };
        let memory = megabytes(load.at_rest as f64);
        let Loaded {
            extra,
            ratio,
            rate,
            p50,
            p99,
            calm,
            played,
            ..
        } = load;
        let rate = figure(*rate);
        lines.push(format!(
            "| {of} | {instructions} | {extra}{redis} | {ratio} | {rate} \
             | {p50:.2} / {p99:.2} | {memory:.1} | {calm} of {played} |"
        ));
    }
    Ok(lines.join("\n"))
}

/// The engine's memory at rest: how much more a server takes under its layer than under one that does nothing.
pub(crate) fn engines(at_rest: &[(Adapter, u64, u64)]) -> String {
    let each = at_rest.iter().map(|(framework, miracl, noop)| {
        let over = megabytes(*miracl as f64 - *noop as f64);
        format!("{} {over:.1}", framework.name)
    });
    let each: Vec<String> = each.collect();
    format!("MB of the engine at rest, over bare: {}.", each.join(", "))
}

fn megabytes(bytes: f64) -> f64 {
    bytes / 1024.0 / 1024.0
}

/// How far the times can be trusted when other processes were at work.
pub(crate) fn warning(loaded: &[Loaded], rounds: usize) -> Option<String> {
    let disturbed: Vec<String> = loaded
        .iter()
        .filter(|load| load.calm < rounds)
        .map(|load| name(&load.which))
        .collect();
    let all = disturbed.join("; ");
    (!disturbed.is_empty()).then(|| {
        format!(
            "The machine was too busy to trust these times: others took more than 10 % of a CPU. {all}. \
             The counts of instructions hold."
        )
    })
}

/// What measured it, and on which machine.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown CPU", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let versions = [
        said("rustc", "--version"),
        said("valgrind", "--version"),
        said("wrk", "-v"),
    ];
    let versions: Vec<String> = versions.into_iter().flatten().collect();
    format!("{cpu}, Linux {}, {}", kernel.trim(), versions.join(", "))
}

/// The name and the version in what a program prints about itself.
fn said(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program)
        .arg(flag)
        .stdin(Stdio::null())
        .output();
    let output = output.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text.lines().next()?.split_whitespace().take(2).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(which: Which, bare: f64, whoami: Option<f64>, allocations: f64) -> Counted {
        let each = |instructions| Each {
            instructions,
            allocations,
        };
        Counted {
            which,
            bare: each(bare),
            with_cookies: whoami.map(|whoami| each((bare + whoami) / 2.0)),
            whoami: whoami.map(each),
            admin: None,
        }
    }

    fn framework(name: &str) -> Adapter {
        let mut all = Adapter::ALL.iter();
        *all.find(|adapter| adapter.name == name).unwrap()
    }

    #[test]
    fn each_goal_is_held_against_its_own_figure() {
        let (axum, actix, rocket) = (framework(AXUM), framework("actix"), framework(ROCKET));
        let counted = [
            counted(
                Which::Demo(axum, Mode::Cookie),
                10_000.0,
                Some(15_000.0),
                9.0,
            ),
            Counted {
                whoami: Some(Each {
                    instructions: 46_001.0,
                    allocations: 34.0,
                }),
                ..counted(Which::Demo(axum, Mode::Redis), 10_000.0, None, 9.0)
            },
            Counted {
                admin: Some(Each {
                    instructions: 15_350.0,
                    allocations: 9.0,
                }),
                ..counted(
                    Which::Rights(axum, Mode::Cookie),
                    10_000.0,
                    Some(15_000.0),
                    9.0,
                )
            },
            Counted {
                admin: Some(Each {
                    instructions: 15_196.0,
                    allocations: 9.0,
                }),
                ..counted(
                    Which::Rights(rocket, Mode::Memory),
                    10_000.0,
                    Some(15_000.0),
                    9.0,
                )
            },
            // Each framework waits in its own way: only axum has a goal.
            counted(
                Which::Demo(actix, Mode::Redis),
                20_000.0,
                Some(99_000.0),
                9.0,
            ),
            counted(Which::Layer(axum, "noop"), 8_000.0, None, 5.0),
            counted(Which::Layer(axum, "slot"), 8_700.0, None, 9.0),
            counted(Which::Layer(axum, "miracl"), 10_000.0, None, 10.0),
            counted(Which::Layer(axum, "noop-around"), 7_000.0, None, 5.0),
            counted(Which::Layer(axum, "miracl-around"), 7_200.0, None, 9.0),
            counted(Which::Layer(axum, "no-store-around"), 7_250.0, None, 5.0),
            counted(
                Which::Demo(axum, Mode::Memory),
                10_000.0,
                Some(13_000.0),
                9.0,
            ),
            counted(
                Which::Demo(actix, Mode::Memory),
                20_000.0,
                Some(24_000.0),
                9.0,
            ),
            counted(Which::Layer(actix, "noop"), 20_000.0, None, 5.0),
            counted(Which::Layer(actix, "slot"), 20_300.0, None, 7.0),
            counted(Which::Layer(actix, "miracl"), 21_400.0, None, 7.0),
            counted(
                Which::Demo(rocket, Mode::Memory),
                50_000.0,
                Some(58_000.0),
                9.0,
            ),
            counted(Which::Layer(rocket, "noop"), 50_000.0, None, 5.0),
            counted(Which::Layer(rocket, "slot"), 51_000.0, None, 7.0),
            counted(Which::Layer(rocket, "miracl"), 50_400.0, None, 7.0),
            counted(Which::Layer(rocket, "no-store"), 51_250.0, None, 7.0),
        ];
        let judged = judge(&counted).unwrap();
        let found: Vec<(&str, f64, f64, bool)> = judged
            .iter()
            .map(|judged| {
                let Judged {
                    of, measured, own, ..
                } = judged;
                (of.as_str(), *measured, *own, judged.holds())
            })
            .collect();
        assert_eq!(
            found,
            [
                ("axum", 5_000.0, 0.0, true),
                ("axum", 36_001.0, 0.0, false),
                ("axum", 25.0, 0.0, false),
                ("axum, sessions in cookies", 350.0, 0.0, true),
                // Rocket saves 155 by a route that it has not to pass over.
                ("rocket, sessions in memory", 196.0, -155.0, false),
                ("axum, `Router::layer`", 2_000.0, 700.0, false),
                ("axum, `Router::layer`", 5.0, 4.0, false),
                ("axum, around the router", 200.0, 0.0, true),
                ("axum, around the router", 4.0, 4.0, true),
                ("axum", 3_000.0, 0.0, true),
                // actix takes 500 more than axum for the header.
                ("actix", 4_000.0, 800.0, true),
                ("actix", 1_400.0, 300.0, false),
                ("actix", 2.0, 2.0, true),
                // 1,000 for the slot, 2,500 for the header of the request, 1,000 for one of the response.
                ("rocket", 8_000.0, 4_500.0, true),
                ("rocket", 400.0, 1_000.0, true),
                ("rocket", 2.0, 2.0, true),
            ]
        );
    }

    #[test]
    fn nothing_measured_is_no_success() {
        assert!(judge(&[]).is_err());
        let alone = Which::Layer(framework("axum"), "miracl");
        assert!(judge(&[counted(alone, 1.0, None, 0.0)]).is_err());
    }
}
