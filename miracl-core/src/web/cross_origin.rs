//! Cross-origin protection: unsafe requests, and those that open a WebSocket, must come from this site's own pages.

use crate::web::{
    page::{Page, PageKind},
    reply::Reply,
    request::{RequestView, is_safe},
};

/// Why a request counts as one that another site made a browser send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrossOrigin {
    /// `Sec-Fetch-Site` says so.
    FetchSite,
    /// `Origin` is neither this site's nor trusted.
    Origin,
}

/// Checks a request by its headers alone (Fetch Metadata, RFC 6454); no token in a form is needed.
///
/// 1. `GET`, `HEAD`, `OPTIONS` and `TRACE` pass, but not with an `Upgrade`: browsers let a page of any site read what
///    comes over its WebSocket (RFC 6455 §10.2). In HTTP/2 a WebSocket is opened by `CONNECT` (RFC 8441 §4).
/// 2. An `Origin` that is listed in `trusted_origins` passes.
/// 3. With `Sec-Fetch-Site`: `same-origin` and `none` pass, others do not.
/// 4. Else with `Origin`: this site's passes, others do not, `null` among them.
/// 5. A request with neither header does not come from a browser, and passes.
#[inline(always)]
pub(crate) fn check(request: &impl RequestView, allowed: &[String]) -> Result<(), CrossOrigin> {
    // Nearly every request ends here, so that none of them pays for the rest.
    if is_safe(request) && !request.is_upgrade() {
        return Ok(());
    }
    check_unsafe(request, allowed)
}

/// Makes the checks from the second on.
#[cold]
#[inline(never)]
fn check_unsafe(request: &impl RequestView, allowed: &[String]) -> Result<(), CrossOrigin> {
    let listed = |origin: &[u8], list: &[String]| {
        list.iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(origin))
    };
    // A header that is sent twice must be right both times.
    let origins: Vec<&[u8]> = request.header_values("origin").collect();
    // The first of the allowed origins is this site's own. Its pages are recognized by `Sec-Fetch-Site` where there is
    // one.
    let trusted = allowed.get(1..).unwrap_or_default();
    if !origins.is_empty() && origins.iter().all(|origin| listed(origin, trusted)) {
        return Ok(());
    }
    let sites: Vec<&[u8]> = request.header_values("sec-fetch-site").collect();
    if !sites.is_empty() {
        let own = |site: &&[u8]| matches!(*site, b"same-origin" | b"none");
        return if sites.iter().all(own) {
            Ok(())
        } else {
            Err(CrossOrigin::FetchSite)
        };
    }
    if origins.iter().all(|origin| listed(origin, allowed)) {
        Ok(())
    } else {
        Err(CrossOrigin::Origin)
    }
}

/// The title of the answer to a refused request.
pub(crate) const TITLE: &str = "Cross-origin request refused";

impl CrossOrigin {
    /// Returns the page for a person whose request is refused, with a link to `home`.
    pub(crate) fn page(home: &str) -> Page {
        let sentence = "Another site made your browser send this request, so it was not carried out. \
                        Open this site, and do there what you wanted to do.";
        Page::new(PageKind::CrossOrigin, 403, TITLE, sentence)
            .link("Go to this site", home)
            .note(
                "For the operator: if the other site is yours, its origin must be in",
                Some("trusted_origins"),
            )
    }

    /// Returns the answer to the refused request of a program.
    pub(crate) fn problem() -> Reply {
        let detail = "This request was sent by another site. If that site is yours, its origin must be in \
                      trusted_origins.";
        Reply::problem(403, TITLE, [("detail", detail.to_owned())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::request::tests::Request;

    fn check_it(request: &Request) -> Result<(), CrossOrigin> {
        let allowed = ["https://app.example", "https://admin.example"].map(str::to_owned);
        check(request, &allowed)
    }

    #[test]
    fn unsafe_requests_pass_from_our_own_pages_and_trusted_origins_only() {
        let post = || Request::post("/logout");
        let cases = [
            (
                Request::get("/").with("sec-fetch-site", "cross-site"),
                Ok(()),
            ),
            (post(), Ok(())),
            (post().with("sec-fetch-site", "same-origin"), Ok(())),
            (post().with("sec-fetch-site", "none"), Ok(())),
            (
                post().with("sec-fetch-site", "same-site"),
                Err(CrossOrigin::FetchSite),
            ),
            (
                post().with("sec-fetch-site", "cross-site"),
                Err(CrossOrigin::FetchSite),
            ),
            (
                post()
                    .with("sec-fetch-site", "cross-site")
                    .with("origin", "https://app.example"),
                Err(CrossOrigin::FetchSite),
            ),
            (
                post()
                    .with("sec-fetch-site", "same-site")
                    .with("origin", "https://admin.example"),
                Ok(()),
            ),
            (post().with("origin", "https://app.example"), Ok(())),
            (post().with("origin", "https://admin.example"), Ok(())),
            (
                post()
                    .with("sec-fetch-site", "same-origin")
                    .with("sec-fetch-site", "cross-site"),
                Err(CrossOrigin::FetchSite),
            ),
            (
                post()
                    .with("origin", "https://app.example")
                    .with("origin", "https://evil.example"),
                Err(CrossOrigin::Origin),
            ),
            (post().with("origin", "null"), Err(CrossOrigin::Origin)),
            (
                post().with("origin", "https://app.example:8443"),
                Err(CrossOrigin::Origin),
            ),
            (
                post().with("origin", "http://app.example"),
                Err(CrossOrigin::Origin),
            ),
            (
                post().with("origin", "https://evil.example"),
                Err(CrossOrigin::Origin),
            ),
            (
                post()
                    .with("origin", "https://evil.example")
                    .with("host", "evil.example")
                    .with("x-forwarded-host", "evil.example"),
                Err(CrossOrigin::Origin),
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(check_it(&request), expected, "{request:?}");
        }
    }

    #[test]
    fn what_opens_a_websocket_is_unsafe_whatever_its_method() {
        let elsewhere = [
            ("sec-fetch-site", "cross-site", CrossOrigin::FetchSite),
            ("sec-fetch-site", "same-site", CrossOrigin::FetchSite),
            ("origin", "https://evil.example", CrossOrigin::Origin),
            ("origin", "https://app.example:8443", CrossOrigin::Origin),
            ("origin", "null", CrossOrigin::Origin),
        ];
        let ours = [
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://app.example"),
            ("origin", "https://admin.example"),
            ("user-agent", "no browser"),
        ];
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            for marks in [
                &[("upgrade", "websocket")][..],
                &[("upgrade", "WebSocket"), ("connection", "Upgrade")],
                &[("upgrade", "h2c, websocket")],
                &[("upgrade", "h2c"), ("upgrade", "websocket")],
                &[("upgrade", "")],
                &[("upgrade", "something/1")],
                &[("sec-fetch-mode", "websocket")],
                &[("sec-fetch-mode", "WEBSOCKET")],
            ] {
                let opens = || {
                    let request = Request {
                        method,
                        ..Request::get("/socket")
                    };
                    let with = |request: Request, (name, value): &(&'static str, &str)| {
                        request.with(name, value)
                    };
                    marks.iter().fold(request, with)
                };
                for (name, value, refusal) in elsewhere {
                    let request = opens().with(name, value);
                    assert_eq!(check_it(&request), Err(refusal), "{request:?}");
                }
                for (name, value) in ours {
                    let request = opens().with(name, value);
                    assert_eq!(check_it(&request), Ok(()), "{request:?}");
                }
            }
            // What a page of another site may fetch without an answer it can read, an event stream among it.
            for mode in ["navigate", "cors", "no-cors"] {
                let request = Request {
                    method,
                    ..Request::get("/")
                };
                let request = request
                    .with("accept", "text/event-stream")
                    .with("connection", "upgrade")
                    .with("sec-fetch-mode", mode)
                    .with("sec-fetch-site", "cross-site")
                    .with("origin", "https://evil.example");
                assert_eq!(check_it(&request), Ok(()), "{request:?}");
            }
        }
        // In HTTP/2 (RFC 8441).
        let connect = Request {
            method: "CONNECT",
            ..Request::get("/socket")
        };
        let connect = connect.with("origin", "https://evil.example");
        assert_eq!(check_it(&connect), Err(CrossOrigin::Origin));
    }
}
