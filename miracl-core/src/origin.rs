//! Cross-origin protection: unsafe requests must come from this site's own pages.

use crate::{
    reply::Reply,
    request::{RequestView, is_safe},
};

/// Why a request was taken for one that another site made a browser send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `Sec-Fetch-Site` says so.
    FetchSite,
    /// `Origin` is not one of ours.
    Origin,
}

/// Checks a request by its headers alone (Fetch Metadata, RFC 6454); no token in a form is needed.
///
/// 1. `GET`, `HEAD`, `OPTIONS` and `TRACE` pass.
/// 2. An `Origin` that is listed in `trusted_origins` passes.
/// 3. With `Sec-Fetch-Site`: `same-origin` and `none` pass, others don't.
/// 4. Else with `Origin`: ours passes, others don't, `null` among them.
/// 5. With neither it is no browser, and passes.
pub(crate) fn check(request: &impl RequestView, allowed: &[String]) -> Result<(), Refusal> {
    if is_safe(request) {
        return Ok(());
    }
    let listed = |origin: &[u8], list: &[String]| {
        list.iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(origin))
    };
    // A header that comes twice must be right twice.
    let origins: Vec<&[u8]> = request.header_values("origin").collect();
    // The first of the allowed origins is our own; a page of ours is told by `Sec-Fetch-Site` where there is one.
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
            Err(Refusal::FetchSite)
        };
    }
    if origins.iter().all(|origin| listed(origin, allowed)) {
        Ok(())
    } else {
        Err(Refusal::Origin)
    }
}

impl Refusal {
    pub(crate) fn reply(self) -> Reply {
        tracing::warn!(reason = ?self, "a cross-origin request was refused");
        Reply::problem(
            403,
            "Cross-origin request refused",
            [(
                "detail",
                "This request was sent by another site. If that site is yours, its origin must be in trusted_origins."
                    .to_owned(),
            )],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::Request;

    fn check_it(request: &Request) -> Result<(), Refusal> {
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
                Err(Refusal::FetchSite),
            ),
            (
                post().with("sec-fetch-site", "cross-site"),
                Err(Refusal::FetchSite),
            ),
            (
                post()
                    .with("sec-fetch-site", "cross-site")
                    .with("origin", "https://app.example"),
                Err(Refusal::FetchSite),
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
                Err(Refusal::FetchSite),
            ),
            (
                post()
                    .with("origin", "https://app.example")
                    .with("origin", "https://evil.example"),
                Err(Refusal::Origin),
            ),
            (post().with("origin", "null"), Err(Refusal::Origin)),
            (
                post().with("origin", "https://app.example:8443"),
                Err(Refusal::Origin),
            ),
            (
                post().with("origin", "http://app.example"),
                Err(Refusal::Origin),
            ),
            (
                post().with("origin", "https://evil.example"),
                Err(Refusal::Origin),
            ),
            (
                post()
                    .with("origin", "https://evil.example")
                    .with("host", "evil.example")
                    .with("x-forwarded-host", "evil.example"),
                Err(Refusal::Origin),
            ),
        ];
        for (request, expected) in cases {
            assert_eq!(check_it(&request), expected, "{request:?}");
        }
    }
    #[test]
    fn a_refusal_is_a_403_that_names_the_setting() {
        for refusal in [Refusal::FetchSite, Refusal::Origin] {
            let reply = refusal.reply();
            assert_eq!(reply.status, 403);
            assert!(reply.body.contains("trusted_origins"), "{}", reply.body);
        }
    }
}
