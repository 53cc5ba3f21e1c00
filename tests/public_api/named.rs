//! What the tables of the book name of ours is in our documentation: somebody who comes from another SDK looks it up
//! there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::{ROOT, rustdoc};

/// The pages with tables: their first cell is a name of another SDK, their second what replaces it.
const PAGES: [&str; 2] = ["docs/src/tornado.md", "docs/src/other-sdks.md"];

/// What a variable of the tables is.
const VARIABLES: [(&str, &str); 3] = [("visit", "Visit"), ("user", "User"), ("miracl", "Miracl")];

/// What adapters have of their own, beside the engine's.
const OF_ADAPTERS: [&str; 2] = ["AuthHandler", "MiraclAuth"];

/// The routes that the tables name, with the setting that says where each is.
const ROUTES: [(&str, &str); 1] = [("/logout", "logout")];

#[test]
fn the_tables_for_people_of_other_sdks_name_only_what_is_documented() {
    let package = ["--package", "miracl-login-core", "--all-features"];
    let docs = rustdoc(&package, Path::new(ROOT), None);
    let items = Items::read(&docs.join("miracl_core.json"));
    let (mut names, mut unknown) = (0, Vec::new());
    for page in PAGES {
        for name in names_of_ours(&read(page)) {
            names += 1;
            if let Err(why) = items.check(&name) {
                unknown.push(format!("{page}: `{name}`: {why}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(names > 150, "only {names} names were found");

    for bad in [
        "visit.no_such_call()",
        "Visit::no_such_call",
        "NoSuchType",
        "NO_SUCH_SETTING",
        "/no/such/route",
        "Option<NoSuchType>",
        "AuthHandler::no_such_hook",
        "no_such_function(..)",
        "visitor.user()",
        // A private one.
        "Miracl::engine",
    ] {
        assert!(items.check(bad).is_err(), "{bad}");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The quoted names in the second cells of the tables that have three.
fn names_of_ours(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        if let [_, ours, _] = cells[..] {
            names.extend(ours.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    names
}

/// What is documented.
struct Items {
    /// Types, traits and functions, each with its members.
    members: BTreeMap<String, BTreeSet<String>>,
    /// The variables of the settings.
    settings: BTreeSet<String>,
}

impl Items {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let docs: Value = serde_json::from_str(&text).expect("rustdoc writes JSON");
        let index = docs["index"].as_object().expect("an index");
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for item in index.values().filter(|item| item["crate_id"] == 0) {
            let Some(name) = item["name"].as_str() else {
                continue;
            };
            let inner = &item["inner"];
            let of = ["struct", "enum", "trait", "function"];
            if !of.iter().any(|kind| inner.get(kind).is_some()) {
                continue;
            }
            let found = members.entry(name.to_owned()).or_default();
            let structure = &inner["struct"];
            let own = [
                &structure["kind"]["plain"]["fields"],
                &inner["enum"]["variants"],
                &inner["trait"]["items"],
            ];
            found.extend(own.into_iter().flat_map(|ids| names(index, ids)));
            for implementation in [&structure["impls"], &inner["enum"]["impls"]] {
                for id in ids(implementation) {
                    let implementation = &index[&id]["inner"]["impl"];
                    if implementation["trait"].is_null() {
                        found.extend(names(index, &implementation["items"]));
                    }
                }
            }
        }
        assert!(members.len() > 50, "the documentation was not read");
        for (name, sources) in of_adapters() {
            members.insert(name, sources);
        }
        Self {
            members,
            settings: settings(),
        }
    }

    /// Whether a name, as the tables write it, is documented.
    fn check(&self, name: &str) -> Result<(), &'static str> {
        let name = name
            .strip_prefix("Option<")
            .and_then(|name| name.strip_suffix('>'))
            .unwrap_or(name);
        if name.starts_with('/') {
            let field = ROUTES.iter().find(|(route, _)| *route == name);
            let paths = &self.members["Paths"];
            let known = field.is_some_and(|(_, field)| paths.contains(*field));
            return known.then_some(()).ok_or("no route");
        }
        if !name.contains(char::is_lowercase) {
            let known = self.settings.contains(name);
            return known.then_some(()).ok_or("no variable of the settings");
        }
        let name = name.split('(').next().unwrap_or_default();
        let (owner, member) = match (name.split_once("::"), name.split_once('.')) {
            (Some((owner, member)), _) => (owner, Some(member)),
            (_, Some((variable, member))) => {
                let known = VARIABLES.iter().find(|(known, _)| *known == variable);
                (known.ok_or("no variable of the tables")?.1, Some(member))
            }
            _ => (name, None),
        };
        let members = self.members.get(owner).ok_or("no type and no function")?;
        match member {
            Some(member) if !members.contains(member) => Err("no member of it"),
            _ => Ok(()),
        }
    }
}

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(Value::to_string).collect()
}

/// The names of the items with these ids, as far as they are documented.
fn names(index: &serde_json::Map<String, Value>, list: &Value) -> Vec<String> {
    let items = ids(list).into_iter().filter_map(|id| index.get(&id));
    let names = items.filter_map(|item| item["name"].as_str());
    names.map(str::to_owned).collect()
}

/// The members of what every adapter has, as their sources have them: only what all three have counts.
fn of_adapters() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for name in OF_ADAPTERS {
        let file = match name {
            "AuthHandler" => "handler",
            _ => "auth",
        };
        let of = |adapter: &str| -> BTreeSet<String> {
            let source = read(&format!("miracl-{adapter}/src/{file}.rs"));
            let heads = [format!("pub trait {name}:"), format!("impl {name} {{")];
            let head = heads
                .iter()
                .find_map(|head| source.split_once(head.as_str()));
            let (_, body) = head.unwrap_or_else(|| panic!("{adapter} has no {name}"));
            let body = body.split("\n}").next().unwrap_or_default();
            let is_trait = name == "AuthHandler";
            let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
            let functions = lines.filter_map(|line| match is_trait {
                true => line.strip_prefix("fn "),
                false => line.strip_prefix("pub fn "),
            });
            let end = |part: char| !part.is_alphanumeric() && part != '_';
            let names = functions.filter_map(|line| line.split(end).next());
            names.map(str::to_owned).collect()
        };
        let all = ["axum", "actix", "rocket"].map(of);
        let [first, others @ ..] = &all;
        let common = first.iter().filter(|member| {
            let others = &mut others.iter();
            others.all(|other| other.contains(*member))
        });
        let common: BTreeSet<String> = common.cloned().collect();
        assert!(!common.is_empty(), "{name}");
        found.insert(name.to_owned(), common);
    }
    found
}

/// The variables of the settings, as the book has them.
fn settings() -> BTreeSet<String> {
    let text = read("docs/src/settings.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(2));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}
