//! The one validator of where a browser may be sent back to: a path on this site.

use url::Url;

/// The most bytes a place to return to may have. A longer one falls back to the home path.
const MAX_LEN: usize = 512;

/// A path, with its query, on this site: parsed against our own origin and written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// Takes a path from a request's parameters.
    ///
    /// None for everything that could lead elsewhere: another origin in any of the spellings that browsers understand
    /// (`//host`, `/\host`, tabs and line breaks between), a relative path, one of `own_paths`, which would loop, and what is
    /// longer than 512 bytes.
    pub(crate) fn parse(input: &str, origin: &Url, own_paths: &[&str]) -> Option<Self> {
        if !input.starts_with('/') || input.starts_with("//") {
            return None;
        }
        Self::accept(input, origin, own_paths)
    }

    /// Takes an absolute URL from a header (`Referer`, `HX-Current-URL`) when it lies on this site.
    pub(crate) fn from_url(input: &str, origin: &Url, own_paths: &[&str]) -> Option<Self> {
        let scheme_and_rest = input.split_once("://")?;
        if !matches!(scheme_and_rest.0, "http" | "https") {
            return None;
        }
        Self::accept(input, origin, own_paths)
    }

    fn accept(input: &str, origin: &Url, own_paths: &[&str]) -> Option<Self> {
        // URL parsers drop tabs and line breaks and take a backslash for a slash (WHATWG URL §4.4): nobody who
        // means well sends them.
        if input.len() > MAX_LEN || input.contains(|c: char| c.is_control() || c == '\\') {
            return None;
        }
        let url = origin.join(input).ok()?;
        if url.origin() != origin.origin() || !url.username().is_empty() || url.password().is_some()
        {
            return None;
        }
        // Dot segments can leave a path that begins like a host: `/.//host`.
        if url.path().starts_with("//") {
            return None;
        }
        if own_paths.iter().any(|own| same_path(own, url.path())) {
            return None;
        }
        let mut text = url.path().to_owned();
        if let Some(query) = url.query() {
            text.push('?');
            text.push_str(query);
        }
        (text.len() <= MAX_LEN).then_some(Self(text))
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Whether a router may take one path for the other: some decode letters, and some do not care about slashes.
fn same_path(own: &str, path: &str) -> bool {
    let plain = |path: &str| {
        let decoded = percent_decode(path);
        decoded
            .split(|byte| *byte == b'/')
            .filter(|segment| !segment.is_empty())
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    plain(own) == plain(path)
}

fn percent_decode(path: &str) -> Vec<u8> {
    let mut bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let [first, rest @ ..] = bytes {
        let hex = rest
            .first_chunk::<2>()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                decoded.push(byte);
                bytes = &rest[2..];
            }
            None => {
                decoded.push(*first);
                bytes = rest;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin() -> Url {
        Url::parse("https://app.example/").unwrap()
    }

    fn parse(input: &str) -> Option<String> {
        ReturnTo::parse(input, &origin(), &["/login", "/logout"]).map(ReturnTo::into_string)
    }

    #[test]
    fn paths_on_this_site_are_kept_with_their_query() {
        for path in [
            "/",
            "/members",
            "/a/b?c=d&e=f%20g",
            "/%2F%2Fevil.example",
            "/search?q=//evil.example",
            "/login-help",
            "/a//b",
        ] {
            assert_eq!(parse(path).as_deref(), Some(path));
        }
        assert_eq!(parse("/a#part").as_deref(), Some("/a"));
        assert_eq!(parse("/ä b").as_deref(), Some("/%C3%A4%20b"));
    }

    #[test]
    fn everything_that_could_lead_elsewhere_is_refused() {
        for input in [
            "",
            "members",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/\u{0}/evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://evil.example",
            "http://app.example.evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/..//evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/%2e%2e//evil.example",
            "@evil.example",
            ".evil.example",
            "?next=//evil.example",
            "#//evil.example",
            "/login",
            "/login/",
            "/login?x",
            "/./logout",
            "/%6cogin",
            "/%6C%6Fgin?x",
            "/logout//",
        ] {
            assert_eq!(parse(input), None, "{input:?}");
        }
    }

    #[test]
    fn a_place_of_more_than_512_bytes_is_refused() {
        assert!(parse(&format!("/{}", "a".repeat(511))).is_some());
        assert!(parse(&format!("/{}", "a".repeat(512))).is_none());
        assert!(parse(&format!("/{}", "ä".repeat(200))).is_none());
    }

    #[test]
    fn a_url_from_a_header_counts_when_it_lies_on_this_site() {
        let from =
            |url: &str| ReturnTo::from_url(url, &origin(), &["/login"]).map(ReturnTo::into_string);
        assert_eq!(from("https://app.example/a?b").as_deref(), Some("/a?b"));
        for url in [
            "http://app.example/a",
            "https://app.example:8443/a",
            "https://app.example@evil.example/a",
            "https://u:p@app.example/a",
            "https://evil.example/a",
            "https://app.example//evil.example",
            "https://app.example/login",
            "/a",
            "",
        ] {
            assert_eq!(from(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_on_this_site(input in "[/\\\\.@:?#%a-z0-9\t\n ]{0,40}") {
            if let Some(path) = parse(&input) {
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
                let url = origin().join(&path).unwrap();
                prop_assert_eq!(url.origin(), origin().origin());
                // Accepting is stable: what was accepted once is accepted unchanged.
                prop_assert_eq!(parse(&path), Some(path));
            }
        }
    }
}
