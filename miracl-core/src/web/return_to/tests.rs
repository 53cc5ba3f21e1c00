//! Places that lead elsewhere, by name, and whatever chance makes of their parts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// Where a way back may lead to, in the words of those who have tried: the contract sends them to every adapter, too.
#[derive(Deserialize)]
struct Payloads {
    /// By family, what leads home.
    elsewhere: BTreeMap<String, Vec<String>>,
    /// By family, what stays on this site, and as what.
    here: BTreeMap<String, BTreeMap<String, String>>,
    /// Values of a `Referer` that is not of this site, or no page of it.
    headers: Vec<String>,
}

fn payloads() -> Payloads {
    serde_json::from_str(include_str!("payloads.json")).unwrap()
}

fn origin() -> Url {
    Url::parse("https://app.example/").unwrap()
}

fn parse(input: &str) -> Option<String> {
    ReturnTo::parse(input, &origin(), &["/login", "/logout"]).map(ReturnTo::into_string)
}

fn from_url(input: &str) -> Option<String> {
    ReturnTo::from_url(input, &origin(), &["/login"]).map(ReturnTo::into_string)
}

/// What holds of everything that is accepted, whatever it was before.
fn assert_stays_here(path: &str) {
    assert!(
        path.starts_with('/') && !path.starts_with("//"),
        "{path:?} begins like a host"
    );
    assert!(path.len() <= MAX_LEN, "{path:?} is too long");
    // Nothing that a header, a browser or a proxy reads in a way of its own.
    assert!(
        path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains('\\'),
        "{path:?}"
    );
    // From whichever page of the site a browser is sent on.
    for page in [
        "https://app.example/",
        "https://app.example/login?code=x&state=y",
        "https://app.example/a/b/c//d?e#f",
    ] {
        let url = Url::parse(page).unwrap().join(path).unwrap();
        assert_eq!(url.origin(), origin().origin(), "{path:?} from {page}");
        assert_eq!(&url[url::Position::BeforePath..], path, "from {page}");
    }
    assert_eq!(
        parse(path).as_deref(),
        Some(path),
        "it is not accepted a second time as it is"
    );
}

#[test]
fn everything_that_could_lead_elsewhere_is_refused() {
    let families = payloads().elsewhere;
    assert!(families.values().map(Vec::len).sum::<usize>() >= 40);
    for (family, inputs) in families {
        for input in inputs {
            assert_eq!(parse(&input), None, "{family}: {input:?}");
        }
    }
}

#[test]
fn paths_on_this_site_are_kept_with_their_query() {
    for (family, inputs) in payloads().here {
        for (input, path) in inputs {
            let found = parse(&input);
            assert_eq!(found.as_deref(), Some(path.as_str()), "{family}: {input:?}");
            assert_stays_here(&path);
        }
    }
}

#[test]
fn a_url_from_a_header_counts_when_it_lies_on_this_site() {
    for (url, path) in [
        ("https://app.example/a?b", "/a?b"),
        ("https://app.example:443/a#c", "/a"),
        ("https://APP.example", "/"),
    ] {
        assert_eq!(from_url(url).as_deref(), Some(path), "{url}");
    }
    for url in payloads().headers {
        assert_eq!(from_url(&url), None, "{url:?}");
    }
}

#[test]
fn a_place_of_more_than_512_bytes_is_refused() {
    assert!(parse(&format!("/{}", "a".repeat(511))).is_some());
    assert!(parse(&format!("/{}", "a".repeat(512))).is_none());
    // It is the length that is sent which counts.
    assert!(parse(&format!("/{}", "ä".repeat(85))).is_some());
    assert!(parse(&format!("/{}", "ä".repeat(86))).is_none());
    assert!(parse(&format!("/a/{}", "../".repeat(200))).is_none());
}

/// Parts of which places that lead elsewhere are made.
const PARTS: &[&str] = &[
    "/",
    "//",
    "\\",
    ".",
    "..",
    "%2e",
    "%2f",
    "%5c",
    "%09",
    "%00",
    "%",
    ":",
    ":443",
    "@",
    "?",
    "#",
    "&",
    ";",
    "https:",
    "http://",
    "javascript:",
    "evil.example",
    "app.example",
    "login",
    "%6c",
    "members",
    "[::1]",
    "\t",
    "\n",
    "\r",
    "\0",
    "\u{7f}",
    " ",
    "ä",
    "\u{ff0f}",
    "\u{3002}",
    "\u{2028}",
    "\u{feff}",
];

/// Texts made of such parts, of any letters, and of what other tests know to be refused with one letter changed.
fn inputs() -> impl Strategy<Value = String> {
    let parts = prop::collection::vec(prop::sample::select(PARTS), 0..12);
    let known: Vec<String> = payloads().elsewhere.into_values().flatten().collect();
    let changed = (
        prop::sample::select(known),
        any::<prop::sample::Index>(),
        any::<char>(),
    )
        .prop_map(|(known, place, letter)| {
            let mut letters: Vec<char> = known.chars().collect();
            let place = place.index(letters.len() + 1);
            letters.splice(place..letters.len().min(place + 1), [letter]);
            letters.into_iter().collect()
        });
    prop_oneof![
        4 => parts.clone().prop_map(|parts| format!("/{}", parts.concat())),
        1 => parts.prop_map(|parts| parts.concat()),
        2 => changed,
        1 => "/.{0,600}",
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_is_accepted_stays_on_this_site(input in inputs()) {
        if let Some(path) = parse(&input) {
            assert_stays_here(&path);
        }
    }

    #[test]
    fn whatever_a_header_says_stays_on_this_site(rest in inputs(), host in prop::bool::ANY) {
        let host = if host { "https://app.example" } else { "https://" };
        if let Some(path) = from_url(&format!("{host}{rest}")) {
            prop_assert!(path.starts_with('/') && !path.starts_with("//"));
            prop_assert_eq!(from_url(&format!("https://app.example{path}")), Some(path));
        }
    }
}
