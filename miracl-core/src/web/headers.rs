//! The headers of a request that a visit needs: cookies, the host, and whether the request must change nothing.

use std::fmt;

/// Collects what a visit needs of its request's headers. An adapter shows it every header in
/// [`RequestView::see_headers`](crate::RequestView::see_headers).
#[derive(Debug)]
pub struct SeenHeaders<'a> {
    expected_host: &'a str,
    /// Whether the `Host` header is the expected one.
    pub(crate) own_host: bool,
    /// Whether the request must change nothing: `HEAD`, and what a browser fetches before anybody has clicked (Fetch,
    /// `Sec-Purpose`).
    pub(crate) changes_nothing: bool,
    /// Whether it is a prefetch, whose answer may be kept until somebody clicks.
    pub(crate) is_prefetch: bool,
    pub(crate) cookies: CookieHeader,
}

impl<'a> SeenHeaders<'a> {
    /// Begins for a request whose `Host` header is expected to be this.
    pub(crate) fn new(expected_host: &'a str, changes_nothing: bool) -> Self {
        Self {
            expected_host,
            own_host: false,
            changes_nothing,
            is_prefetch: false,
            cookies: CookieHeader::None,
        }
    }

    /// Takes a header: its name, in upper or lower case, and its value. Headers that do not matter are ignored.
    pub fn header(&mut self, name: &str, value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is("host") => self.own_host = value == self.expected_host.as_bytes(),
            5 if is("x-moz") => self.prefetch(value),
            6 if is("cookie") => self.cookies.join(value),
            7 if is("purpose") => self.prefetch(value),
            11 if is("sec-purpose") => self.prefetch(value),
            // Scripts cannot set `Sec-Purpose`: this is Turbo's, and the next is htmx's.
            13 if is("x-sec-purpose") => self.prefetch(value),
            12 if is("hx-preloaded") => self.prefetch(b"prefetch"),
            _ => {}
        }
    }

    fn prefetch(&mut self, purpose: &[u8]) {
        let is_prefetch = is_prefetch(purpose);
        self.changes_nothing |= is_prefetch;
        self.is_prefetch |= is_prefetch;
    }

    /// Returns whether a request with this header asks for another protocol: see
    /// [`RequestView::is_upgrade`](crate::RequestView::is_upgrade).
    #[inline]
    pub fn is_upgrade(name: &str, value: &[u8]) -> bool {
        match name.len() {
            7 => name.eq_ignore_ascii_case("upgrade"),
            14 => {
                name.eq_ignore_ascii_case("sec-fetch-mode")
                    && value.eq_ignore_ascii_case(b"websocket")
            }
            _ => false,
        }
    }

    /// Takes a `Cookie` header whose value is cheap to keep: the value is not copied, and freed with the visit.
    pub fn cookies(&mut self, value: impl AsRef<[u8]> + Send + Sync + 'static) {
        match self.cookies {
            CookieHeader::None => self.cookies = CookieHeader::Kept(Box::new(value)),
            _ => self.cookies.join(value.as_ref()),
        }
    }
}

/// A request's `Cookie` header; several are joined (HTTP/2 may split them, RFC 9113 §8.2.3).
pub(crate) enum CookieHeader {
    None,
    Kept(Box<dyn AsRef<[u8]> + Send + Sync>),
    Joined(Vec<u8>),
}

impl CookieHeader {
    fn join(&mut self, value: &[u8]) {
        let mut joined = match std::mem::replace(self, Self::None) {
            Self::None => Vec::new(),
            Self::Kept(first) => (*first).as_ref().to_vec(),
            Self::Joined(joined) => joined,
        };
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(value);
        *self = Self::Joined(joined);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Kept(value) => (**value).as_ref(),
            Self::Joined(joined) => joined,
        }
    }
}

/// Shows no cookie.
impl fmt::Debug for CookieHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookieHeader({} bytes)", self.bytes().len())
    }
}

/// The headers by which a request may say that it is a prefetch.
pub(crate) const PREFETCH: [&str; 5] = [
    "sec-purpose",
    "purpose",
    "x-moz",
    "x-sec-purpose",
    "hx-preloaded",
];

fn is_prefetch(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let mentions = |word: &[u8]| value.windows(word.len()).any(|part| part == word);
    mentions(b"prefetch") || mentions(b"prerender") || mentions(b"preview")
}

#[cfg(test)]
mod tests {
    use crate::web::request::{seen_headers, tests::Request};

    #[test]
    fn head_and_prefetch_change_nothing() {
        let changes_nothing = |request: &Request| seen_headers(request, "").changes_nothing;
        assert!(!changes_nothing(&Request::get("/")));
        for (name, value) in [
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "Prefetch"),
            ("purpose", "prefetch"),
            ("purpose", "preview"),
            ("x-moz", "prefetch"),
            ("x-sec-purpose", "prefetch"),
            ("hx-preloaded", "true"),
        ] {
            assert!(
                changes_nothing(&Request::get("/").with(name, value)),
                "{name}"
            );
        }
        for (name, value) in [("sec-purpose", "pre"), ("x-purpose", "prefetch")] {
            assert!(
                !changes_nothing(&Request::get("/").with(name, value)),
                "{name}"
            );
        }
        assert!(changes_nothing(&Request {
            method: "HEAD",
            ..Request::get("/")
        }));
    }

    #[test]
    fn headers_are_seen_whatever_the_case_of_their_names() {
        let mut seen = seen_headers(&Request::get("/"), "app.example");
        seen.header("Sec-Purpose", b"prefetch");
        seen.header("COOKIE", b"a=1");
        seen.header("Host", b"app.example");
        assert!(seen.changes_nothing && seen.own_host);
        assert_eq!(seen.cookies.bytes(), b"a=1");
        seen.header("host", b"app.example:8080");
        assert!(!seen.own_host);
    }

    #[test]
    fn several_cookie_headers_are_one_however_they_are_seen() {
        for kept in [0b00, 0b01, 0b10, 0b11] {
            let mut seen = seen_headers(&Request::get("/"), "");
            assert_eq!(seen.cookies.bytes(), b"");
            for (place, value) in ["a=1", "b=2"].into_iter().enumerate() {
                if kept >> place & 1 == 1 {
                    seen.cookies(value);
                } else {
                    seen.header("cookie", value.as_bytes());
                }
            }
            assert_eq!(seen.cookies.bytes(), b"a=1; b=2");
        }
        let request = Request::get("/")
            .with("cookie", "a=1")
            .with("cookie", "b=2");
        assert_eq!(seen_headers(&request, "").cookies.bytes(), b"a=1; b=2");
    }
}
