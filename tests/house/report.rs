//! Holds a crate to the rules, and reports what it found: each break with its file and line, and a summary.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{
    arrows::{Place, arrows},
    circles,
    modules::Crate,
    rooms::Room,
};

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    /// What breaks a rule: the file, the line and the rule.
    pub(crate) findings: Vec<String>,
    pub(crate) summary: String,
}

/// Holds the crate whose sources are below `folder` to the rules of its rooms.
pub(crate) fn rooms(folder: &str, sources: &[(String, String)], rooms: &[Room]) -> Report {
    let krate = Crate::new(folder, sources);
    let arrows = arrows(&krate);
    let lives: Vec<Option<usize>> = krate
        .files
        .iter()
        .map(|file| room_of(folder, file.path, rooms))
        .collect();
    let mut findings = krate.faults.clone();
    for (file, _) in krate
        .files
        .iter()
        .zip(&lives)
        .filter(|(_, room)| room.is_none())
    {
        findings.push(format!(
            "{}: the file has no room (tests/house/rooms.rs lists the rooms)",
            file.path
        ));
    }
    let mut between: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut upwards = BTreeSet::new();
    for ((from, to), places) in &arrows {
        let (Some(user), Some(used)) = (lives[*from], lives[*to]) else {
            continue;
        };
        if user == used {
            continue;
        }
        *between.entry((user, used)).or_default() += 1;
        if !rooms[user].may_use(&rooms[used]) {
            upwards.insert((user, used));
            findings.push(upward(
                krate.files[*from].path,
                places,
                &rooms[user],
                &rooms[used],
            ));
        }
    }
    let circles = circles::findings(&krate, &arrows);
    let mut summary = format!("Rooms of {folder}:\n");
    for (number, room) in rooms.iter().enumerate() {
        let uses = between.iter().filter(|((user, _), _)| *user == number);
        let uses: Vec<String> = uses
            .map(|((_, used), count)| format!("{} {count}", rooms[*used].name))
            .collect();
        summary.push_str(&row(&krate, &lives, number, room.name, &uses));
    }
    let _ = writeln!(
        summary,
        "{} files, {} without a room, {} arrows between files\n{} arrows between rooms, {} upwards, {} circles",
        krate.files.len(),
        lives.iter().filter(|room| room.is_none()).count(),
        arrows.len(),
        between.len(),
        upwards.len(),
        circles.len(),
    );
    findings.extend(circles);
    Report { findings, summary }
}

/// Finds the circles of a crate that has no rooms.
pub(crate) fn no_circles(folder: &str, sources: &[(String, String)]) -> Report {
    let krate = Crate::new(folder, sources);
    let arrows = arrows(&krate);
    let circles = circles::findings(&krate, &arrows);
    let summary = format!(
        "{folder}: {} files, {} arrows between files, {} circles",
        krate.files.len(),
        arrows.len(),
        circles.len()
    );
    let mut findings = krate.faults;
    findings.extend(circles);
    Report { findings, summary }
}

fn room_of(folder: &str, path: &str, rooms: &[Room]) -> Option<usize> {
    let inside = path.strip_prefix(folder)?.trim_start_matches('/');
    rooms.iter().position(|room| room.has(inside))
}

fn upward(path: &str, places: &[Place], user: &Room, used: &Room) -> String {
    let Place { line, says } = &places[0];
    let more = match places.len() {
        1 => String::new(),
        places => format!(" (and {} more)", places - 1),
    };
    format!(
        "{path}:{line}: {} may not use {} (imports run downwards only): {says}{more}",
        user.name, used.name
    )
}

/// A room's line of the summary.
fn row(
    krate: &Crate<'_>,
    lives: &[Option<usize>],
    number: usize,
    name: &str,
    uses: &[String],
) -> String {
    let (mut files, mut tests, mut lines) = (0, 0, 0);
    for (file, _) in krate
        .files
        .iter()
        .zip(lives)
        .filter(|(_, lives)| **lives == Some(number))
    {
        files += 1;
        tests += usize::from(!file.ordinary);
        lines += file.source.lines;
    }
    let uses = if uses.is_empty() {
        "nothing".to_owned()
    } else {
        uses.join(", ")
    };
    format!("  {name:<9}{files:>3} files ({tests:>2} of tests) {lines:>5} lines, uses {uses}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::samples;

    const SMALL: &[Room] = &[
        Room::new("top", "lib visit", "flow base"),
        Room::new("flow", "flow", "base"),
        Room::new("base", "base", ""),
        Room::new("probes", "probes", "top flow base"),
    ];

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        rooms("src", &samples(files), SMALL).findings
    }

    #[test]
    fn arrows_that_run_downwards_are_counted_and_break_no_rule() {
        let sources = samples(&[
            ("src/lib.rs", "mod base; mod flow; pub use flow::Login;"),
            ("src/flow.rs", "mod login; pub(crate) use login::Login;"),
            (
                "src/flow/login.rs",
                "use crate::base::Secret;\npub struct Login(Secret);",
            ),
            ("src/base.rs", "pub struct Secret;"),
        ]);
        let report = rooms("src", &sources, SMALL);
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        assert!(
            report
                .summary
                .contains("  flow       2 files ( 0 of tests)     3 lines, uses base 1\n"),
            "{}",
            report.summary
        );
        let end = "4 files, 0 without a room, 3 arrows between files\n2 arrows between rooms, 0 upwards, 0 circles\n";
        assert!(report.summary.ends_with(end), "{}", report.summary);
    }

    #[test]
    fn an_upward_arrow_is_named_with_its_file_its_line_and_the_rule() {
        let found = findings(&[
            ("src/lib.rs", "mod base; mod flow; pub use flow::Login;"),
            ("src/flow.rs", "pub struct Login;"),
            ("src/base.rs", "\nuse crate::{\n    Login,\n};"),
        ]);
        assert_eq!(
            found,
            ["src/base.rs:3: base may not use flow (imports run downwards only): use crate::Login"]
        );
    }

    #[test]
    fn an_upward_path_in_code_is_found_too_and_further_places_are_counted() {
        let found = findings(&[
            ("src/lib.rs", "mod base; mod flow;"),
            ("src/flow.rs", "pub struct Login;"),
            (
                "src/base.rs",
                "fn a() -> crate::flow::Login {\n    crate::flow::Login\n}",
            ),
        ]);
        let wanted = "src/base.rs:1: base may not use flow (imports run downwards only): \
            crate::flow::Login (and 1 more)";
        assert_eq!(found, [wanted]);
    }

    #[test]
    fn a_file_without_a_room_is_named() {
        let found = findings(&[("src/lib.rs", "mod extra;"), ("src/extra.rs", "")]);
        assert_eq!(
            found,
            ["src/extra.rs: the file has no room (tests/house/rooms.rs lists the rooms)"]
        );
    }

    #[test]
    fn test_code_may_run_upwards_but_needs_a_room() {
        let found = findings(&[
            (
                "src/lib.rs",
                "mod base; mod visit; #[cfg(test)] mod probes; #[cfg(fuzzing)] mod fuzz;",
            ),
            ("src/visit.rs", "pub struct Visit;"),
            ("src/base.rs", "#[cfg(test)]\nmod tests;"),
            ("src/base/tests.rs", "use crate::{probes::P, visit::Visit};"),
            ("src/probes.rs", "pub struct P(crate::visit::Visit);"),
            ("src/fuzz.rs", ""),
        ]);
        assert_eq!(
            found,
            ["src/fuzz.rs: the file has no room (tests/house/rooms.rs lists the rooms)"]
        );
    }

    #[test]
    fn nobody_but_tests_may_use_the_probes() {
        let found = findings(&[
            ("src/lib.rs", "mod visit; mod probes;"),
            ("src/visit.rs", "use crate::probes::P;"),
            ("src/probes.rs", "pub struct P;"),
        ]);
        assert_eq!(
            found,
            [
                "src/visit.rs:1: top may not use probes (imports run downwards only): use crate::probes::P"
            ]
        );
    }

    #[test]
    fn a_circle_of_three_is_named_with_its_way_round() {
        let sources = samples(&[
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::b::B;\npub struct A;"),
            ("src/b.rs", "\nuse crate::c::C;\npub struct B;"),
            ("src/c.rs", "\n\nfn c(_: super::a::A) {}\npub struct C;"),
        ]);
        let report = no_circles("src", &sources);
        let wanted = "a circle of 3 files: src/a.rs, src/b.rs, src/c.rs\
            \n    src/a.rs:1: uses src/b.rs: use crate::b::B\
            \n    src/b.rs:2: uses src/c.rs: use crate::c::C\
            \n    src/c.rs:3: uses src/a.rs: super::a::A";
        assert_eq!(report.findings, [wanted]);
        assert_eq!(
            report.summary,
            "src: 4 files, 3 arrows between files, 1 circles"
        );
    }

    #[test]
    fn a_parent_and_its_child_that_use_each_other_are_a_circle_but_not_in_tests() {
        let parent = (
            "src/a.rs",
            "mod b; use b::B; pub struct A; #[cfg(test)] mod tests;",
        );
        let tests = ("src/a/tests.rs", "use super::*; fn t(_: A) {}");
        let of = |child| {
            no_circles(
                "src",
                &samples(&[
                    ("src/lib.rs", "mod a;"),
                    parent,
                    ("src/a/b.rs", child),
                    tests,
                ]),
            )
            .findings
            .len()
        };
        assert_eq!(of("use super::A; pub struct B;"), 1);
        assert_eq!(of("pub struct B;"), 0);
    }
}
