//! Keeps two lists complete: what others got wrong, and what the specifications demand of a client.
//!
//! The last cell of each row says how it stands here, by any of
//!
//! * `` `program::module::name` ``, a test that exists: `core` and the adapters' names are packages, `shared` and
//!   `platform` those of `examples`, and everything else is a folder of `tests`. A module of `contract` is a suite, in
//!   the folder of its group;
//! * `**A sentence.**`, which stands in SECURITY.md under "Cannot happen here" and says why there is nothing to
//!   show;
//! * `pending feature: why`, at the end, for a feature that is not built.

use std::{
    collections::BTreeSet,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The rows of `advisories.md`: what each is about, by its published names. Lessons first seen in this library have
/// none.
const ADVISORIES: [&str; 51] = [
    "CVE-2025-68158, CVE-2026-41425",
    "GHSA-x445-f3h2-j279",
    "CVE-2023-27490",
    "CVE-2023-48309",
    "GHSA-8fpg-xm3f-6cx3",
    "GHSA-xmf8-cvqr-rfgj",
    "CVE-2022-24794",
    "CVE-2021-32786, CVE-2021-39191, CVE-2022-23527",
    "CVE-2021-21291, CVE-2020-5233, CVE-2020-4037, CVE-2020-11053",
    "CVE-2021-41246, CVE-2022-25896",
    "mod_auth_openidc 2026-08",
    "CVE-2026-34454, GHSA-f24x-5g9q-753f",
    "CVE-2026-40575, CVE-2026-34457, CVE-2025-54576, GHSA-7rh7-c77v-6434, CVE-2026-41059",
    "CVE-2025-64484, CVE-2026-33495",
    "CVE-2026-40574",
    "nOAuth, CVE-2024-21632, CVE-2020-26254",
    "CVE-2024-47806, CVE-2024-47807",
    "PYSEC-2020-69, CVE-2021-44878",
    "CVE-2024-37568, CVE-2026-45363, CVE-2026-27962",
    "CVE-2026-25537",
    "CVE-2023-51774, CVE-2018-1000539, CVE-2026-28490",
    "CVE-2025-61920, CVE-2025-62706, CVE-2024-28180, CVE-2025-27144, RUSTSEC-2022-0055",
    "CVE-2025-48947, CVE-2025-64762",
    "CVE-2025-67490, CVE-2026-40155",
    "CVE-2025-55162",
    "CVE-2024-24814, CVE-2023-28625",
    "CVE-2021-32791",
    "CVE-2025-27370, CVE-2025-27371",
    "CVE-2022-31690, CVE-2021-22119",
    "CVE-2015-9284",
    "CVE-2026-54603, better-auth #10241",
    "GHSA-59jp-rwph-878r",
    "supabase/auth #2051",
    "GitHub's and Slack's errors",
    "reset on a reused connection",
    "seen here: addresses",
    "seen here: key issuers",
    "seen here: endpoints",
    "seen here: lenience",
    "seen here: keys",
    "seen here: CPU by cookies",
    "seen here: a cookie bomb",
    "seen here: names that begin alike",
    "seen here: preflights",
    "seen here: identity by thread",
    "seen here: two logins in one app",
    "CWE-1385",
    "seen here: front channel",
    "seen here: flood of log-outs",
    "seen here: log-out during a login",
    "seen here: requests given up",
];

/// The parts of `demands.md`: how each heading begins, and the numbers below it.
const DEMANDS: [(&str, RangeInclusive<usize>); 7] = [
    ("RFC 9700", 1..=19),
    ("RFC 9207", 20..=24),
    ("OpenID Connect Core", 25..=44),
    ("Back-Channel Logout", 45..=60),
    ("Front-Channel and RP-Initiated Logout", 61..=66),
    ("OWASP", 67..=78),
    ("MIRACL Trust", 79..=92),
];

/// What a row may wait for. Once it is built it is removed here, and the rows that wait for it must name what shows
/// it.
const NOT_BUILT: [&str; 2] = ["DPoP", "session log"];

/// The folders of `tests/contract`.
const CONTRACT_GROUPS: [&str; 5] = ["login", "session", "answers", "framework", "fleet"];

/// The attributes of tests that have a runtime of their own.
const RUNTIMES: [&str; 3] = ["#[tokio::test", "#[actix_web::test", "#[rocket::async_test"];

/// A row of a list.
struct Row {
    heading: String,
    number: usize,
    cells: Vec<String>,
}

#[test]
fn every_advisory_has_its_row() {
    let rows = rows("advisories.md");
    let found: Vec<(usize, &str)> = rows
        .iter()
        .map(|row| (row.number, row.cells[0].as_str()))
        .collect();
    let known: Vec<(usize, &str)> = (1..).zip(ADVISORIES).collect();
    assert_eq!(found, known);
}

#[test]
fn every_demand_has_its_row() {
    let rows = rows("demands.md");
    for (heading, numbers) in DEMANDS {
        let below = rows.iter().filter(|row| row.heading.starts_with(heading));
        let found: Vec<usize> = below.map(|row| row.number).collect();
        assert_eq!(found, numbers.collect::<Vec<_>>(), "{heading}");
    }
    assert_eq!(rows.len(), 92);
}

#[test]
fn every_row_says_how_it_stands_here() {
    let sentences = sentences();
    let mut wrong = Vec::new();
    for list in ["advisories.md", "demands.md"] {
        for row in rows(list) {
            assert_eq!(row.cells.len(), 2 + usize::from(list == "advisories.md"));
            let here = row.cells.last().expect("a cell");
            let found = read(here).and_then(|stands| stands.check(&sentences));
            if let Err(why) = found {
                wrong.push(format!("{list}, {}: {why}", row.number));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_sentence_and_every_feature_that_is_missing_is_named_by_a_row() {
    let mut sentences = sentences();
    let mut pending: BTreeSet<&str> = NOT_BUILT.into();
    for list in ["advisories.md", "demands.md"] {
        for row in rows(list) {
            let stands = read(row.cells.last().expect("a cell")).expect("a row");
            for sentence in stands.sentences {
                sentences.remove(&sentence);
            }
            if let Some(feature) = stands.pending {
                pending.remove(feature.as_str());
            }
        }
    }
    assert!(
        sentences.is_empty() && pending.is_empty(),
        "{sentences:?} {pending:?}"
    );
}

#[test]
fn the_table_of_features_in_the_book_names_tests_that_exist() {
    let path = Path::new(ROOT).join("docs/src/other-sdks.md");
    let text = fs::read_to_string(&path).expect("the page");
    let (_, section) = text.split_once("\n## Every feature\n").expect("the table");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section.lines().filter_map(|line| {
        let row = line.strip_prefix("| ")?.strip_suffix('|')?;
        row.rsplit('|').next()
    });
    let tests: Vec<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let missing: Vec<&&str> = tests.iter().filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(tests.len() > 40, "only {} tests are named", tests.len());
}

#[test]
fn a_row_that_shows_nothing_is_found() {
    let sentences = sentences();
    let verdict = |cell: &str| read(cell).and_then(|stands| stands.check(&sentences));
    for good in [
        "`contract::tabs::two_tabs_log_in_at_once_and_both_succeed`",
        "`core::base/json::an_object_is_read_whole` **No right by scope.**",
        "`core::network::a_redirect_of_the_provider_is_not_followed`",
        "**No token is revoked.** pending DPoP: why",
    ] {
        assert_eq!(verdict(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "it cannot happen",
        "`core::base/json::no_such_test`",
        "`core::no_such_module::an_object_is_read_whole`",
        // A function that is neither a test nor a scenario.
        "`core::base/json::object`",
        "`contract::sealed::demo`",
        "`an_object_is_read_whole`",
        "**No such sentence.**",
        "pending DPoP",
        "pending patience: why",
        "pending DPoP: ",
        "`core::base/json::an_object_is_read_whole` and more",
    ] {
        assert!(verdict(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_test_that_is_switched_off_shows_nothing() {
    assert!(is_test("#[test]\nfn a_b() {\n", "a_b"));
    assert!(is_test("    #[tokio::test]\n    async fn a_b() {\n", "a_b"));
    assert!(is_test(
        "scenarios![\n    a_b,\n];\nasync fn a_b(adapter: Adapter) {",
        "a_b"
    ));
    for not in [
        "#[test]\n#[ignore]\nfn a_b() {\n",
        "#[test]\nfn a_b_c() {\n",
        "fn a_b() {\n",
        "scenarios![\n    // a_b,\n];\nasync fn a_b(adapter: Adapter) {",
        "scenarios![\n    c,\n];\nasync fn a_b(adapter: Adapter) {",
    ] {
        assert!(!is_test(not, "a_b"), "{not}");
    }
}

/// How a row stands here.
#[derive(Debug, Default)]
struct Stands {
    tests: Vec<String>,
    sentences: Vec<String>,
    pending: Option<String>,
}

/// Reads the last cell of a row.
fn read(cell: &str) -> Result<Stands, String> {
    let mut stands = Stands::default();
    let mut rest = cell.trim();
    while !rest.is_empty() {
        rest = if let Some((sentence, after)) = rest
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("**"))
        {
            stands.sentences.push(sentence.to_owned());
            after
        } else if let Some((test, after)) =
            rest.strip_prefix('`').and_then(|rest| rest.split_once('`'))
        {
            stands.tests.push(test.to_owned());
            after
        } else if let Some(pending) = rest.strip_prefix("pending ") {
            let (feature, why) = pending.split_once(':').unwrap_or((pending, ""));
            if why.trim().is_empty() {
                return Err(format!("it does not say what is pending: {pending}"));
            }
            stands.pending = Some(feature.to_owned());
            ""
        } else {
            return Err(format!("neither a test nor a sentence: {rest}"));
        }
        .trim_start();
    }
    Ok(stands)
}

impl Stands {
    fn check(&self, sentences: &BTreeSet<String>) -> Result<(), String> {
        if self.tests.is_empty() && self.sentences.is_empty() && self.pending.is_none() {
            return Err("it says nothing".to_owned());
        }
        if let Some(feature) = &self.pending
            && !NOT_BUILT.contains(&feature.as_str())
        {
            return Err(format!("nothing called {feature} is waited for"));
        }
        if let Some(missing) = self.sentences.iter().find(|one| !sentences.contains(*one)) {
            return Err(format!("SECURITY.md does not say: {missing}"));
        }
        match self.tests.iter().find(|test| !exists(test)) {
            Some(missing) => Err(format!("there is no test {missing}")),
            None => Ok(()),
        }
    }
}

/// The rows of the tables of a list, in their order.
fn rows(list: &str) -> Vec<Row> {
    let path = Path::new(ROOT).join("tests/checklist").join(list);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{list}: {error}"));
    let mut rows = Vec::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        }
        let cells = line
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'));
        let mut cells = cells
            .into_iter()
            .flat_map(|line| line.split('|'))
            .map(str::trim);
        let Some(Ok(number)) = cells.next().map(str::parse) else {
            continue;
        };
        rows.push(Row {
            heading: heading.clone(),
            number,
            cells: cells.map(str::to_owned).collect(),
        });
    }
    rows
}

/// The sentences of SECURITY.md that say why something cannot happen.
fn sentences() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("SECURITY.md")).expect("SECURITY.md");
    let (_, section) = text
        .split_once("\n## Cannot happen here\n")
        .expect("a heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let sentences: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("* **")?.split_once("**")?.0.to_owned()))
        .collect();
    assert!(!sentences.is_empty());
    sentences
}

/// Whether there is a test of this name.
fn exists(test: &str) -> bool {
    let mut parts = test.split("::");
    let (Some(program), Some(module), Some(name), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    files(program, module)
        .iter()
        .filter_map(|file| fs::read_to_string(Path::new(ROOT).join(file)).ok())
        .any(|source| is_test(&source, name))
}

/// Where the tests of a module may stand.
fn files(program: &str, module: &str) -> Vec<PathBuf> {
    let package = match program {
        "core" | "axum" | "actix" | "rocket" => format!("miracl-{program}"),
        "shared" | "platform" => format!("examples/{program}"),
        "contract" => {
            let place = |group| format!("tests/contract/{group}/{module}.rs").into();
            return CONTRACT_GROUPS.map(place).into();
        }
        _ => return vec![format!("tests/{program}/{module}.rs").into()],
    };
    ["src/{}.rs", "src/{}/tests.rs", "tests/{}.rs"]
        .map(|place| Path::new(&package).join(place.replace("{}", module)))
        .into()
}

/// Whether a source has a test of this name that runs, or a scenario that is listed.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let begins = |line: &str| {
        // A scenario that another suite plays as well is visible there.
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|line| line.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let Some(place) = lines.iter().position(|line| begins(line)) else {
        return false;
    };
    let attributes: Vec<&&str> = lines[..place]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#["))
        .collect();
    let marked = attributes
        .iter()
        .any(|line| **line == "#[test]" || RUNTIMES.iter().any(|test| line.starts_with(test)));
    let ignored = attributes.iter().any(|line| line.starts_with("#[ignore"));
    let list = source
        .split_once("scenarios![")
        .and_then(|(_, list)| list.split_once(']'));
    let listed =
        list.is_some_and(|(list, _)| list.lines().any(|line| line.trim() == format!("{name},")));
    listed || marked && !ignored
}
