//! `Cookie` headers with a flood of cookies of our names, and with junk before the good ones.

use std::fmt::Write as _;

use super::browser::Browser;

pub(super) const KIB: usize = 1024;

/// A header of so many bytes of the same kind of cookie, each with its number where the kind has one.
fn fill(bytes: usize, each: impl Fn(u32) -> String) -> String {
    let mut header = String::new();
    for number in 0.. {
        let cookie = each(number);
        if header.len() + cookie.len() + 2 > bytes {
            break;
        }
        write!(header, "{cookie}; ").unwrap();
    }
    header.truncate(header.trim_end_matches("; ").len());
    header
}

/// Floods of cookies of our names: with junk, with values that look like ours until they are opened, and with copies of
/// good ones.
pub(super) fn floods(browser: &Browser, bytes: usize) -> Vec<(String, String)> {
    let mut floods = Vec::new();
    let mut add = |kind: &str, each: &dyn Fn(u32) -> String| {
        floods.push((kind.to_owned(), fill(bytes, each)));
    };
    add("logins", &|n| format!("miracl-login-{n:08x}="));
    add("logins of text", &|n| format!("miracl-login-{n}="));
    add("one login", &|_| "miracl-login-00000000=x".to_owned());
    let login = browser.value("login");
    add("logins that look good", &|n| {
        format!("miracl-login-{n:08x}={login}")
    });
    for name in [
        "session",
        "data",
        "data-1",
        "data-2",
        "flash",
        "loop",
        "session-1",
        "x",
    ] {
        add(name, &|n| format!("miracl-{name}={n}"));
        add(&format!("{name}, an id"), &|n| {
            format!("miracl-{name}=AAAA{n:039}")
        });
    }
    for name in ["session", "data", "flash"] {
        // One character of it is another.
        let value = match browser.value(name) {
            "" => continue,
            value => broken(value, 0),
        };
        for part in ["", "-1", "-2"] {
            add(&format!("{name}{part}, broken"), &|_| {
                format!("miracl-{name}{part}={value}")
            });
        }
        let half = value[..30].to_owned();
        add(&format!("{name}, cut"), &|_| {
            format!("miracl-{name}={half}")
        });
    }
    let data = format!(
        "miracl-data={0}; miracl-data-1={0}; miracl-data-2={0}",
        browser.value("data")
    );
    add("parts", &|_| data.clone());
    for len in [700, 4000, bytes / 5] {
        let long = format!("{}{}", &login[..30], "A".repeat(len));
        for name in ["session", "data", "flash"] {
            add(&format!("long {name}"), &|_| {
                format!("miracl-{name}={long}")
            });
        }
        add("long logins", &|n| format!("miracl-login-{n:08x}={long}"));
    }
    add("nothing", &|_| String::new());
    add("quotes", &|_| "miracl-session=\"\"\"\"\"".to_owned());
    floods
}

/// The same value with one character changed, so that it no longer opens.
fn broken(value: &str, number: usize) -> String {
    let mut changed = value.to_owned();
    let place = value.len() - 8 + number;
    let other = match value.as_bytes()[place] {
        b'A' => "B",
        _ => "A",
    };
    changed.replace_range(place..=place, other);
    changed
}

/// A header with junk of the same name before each good cookie: values as another app has them, and changed copies of
/// the good one. The tries for several parts multiply, so there is less junk before each of them.
pub(super) fn with_junk(header: &str, copies: usize) -> String {
    let mut pairs = Vec::new();
    for pair in header.split("; ") {
        let (name, value) = pair.split_once('=').unwrap();
        let copies = if name.contains("data") {
            copies.min(1)
        } else {
            copies
        };
        if !name.contains("data-") {
            pairs.extend((0..30).map(|number| format!("{name}=of-another-app-{number}")));
        }
        pairs.extend((0..copies).map(|number| format!("{name}={}", broken(value, number))));
        pairs.push(pair.to_owned());
    }
    pairs.join("; ")
}
