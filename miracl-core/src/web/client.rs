//! What kind of client sent a request, as far as the answer depends on it.

use crate::web::request::RequestView;

/// The kind of client that sent a request.
///
/// Only a document may be redirected to another site: scripts cannot follow there, and whatever a browser loads on its
/// own, such as an image, must begin no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// A browser that shows the answer as a document of its own.
    Navigation,
    /// A browser that shows the answer in a frame of another document.
    Frame,
    /// A script that shows the answer as a page: a service worker, or a library that loads pages by `fetch`.
    Html,
    /// The htmx library, which follows a header of its own.
    Htmx,
    /// The Turbo library, which follows redirects of the same origin, and loads a page anew if that page says so.
    Turbo,
    /// `fetch` or `XMLHttpRequest`, by a script that reads JSON.
    Script,
    /// A browser that loads a part of a page, such as an image, a style or a script.
    Part,
    /// A program that says nothing of itself.
    Program,
}

impl Client {
    pub(crate) fn of(request: &impl RequestView) -> Self {
        // The reply to `OPTIONS`, such as a CORS preflight, is never shown as a page.
        if request.method() == "OPTIONS" {
            return Self::Script;
        }
        let accept = request.header("accept").unwrap_or_default();
        let accept = accept.to_ascii_lowercase();
        if header_is(request, "hx-request", "true") {
            return Self::Htmx;
        }
        if accept.contains("text/vnd.turbo-stream.html")
            || ["x-turbo-request-id", "turbo-frame"]
                .into_iter()
                .any(|name| request.header_values(name).next().is_some())
        {
            return Self::Turbo;
        }
        if header_is(request, "x-requested-with", "xmlhttprequest") {
            return Self::Script;
        }
        let html = accept.contains("text/html");
        let mode = request.header("sec-fetch-mode");
        let destination = request.header("sec-fetch-dest");
        match (destination.as_deref(), mode.as_deref()) {
            (Some("document"), _) => Self::Navigation,
            (Some("iframe" | "frame"), _) => Self::Frame,
            // Fetch §2.2.5: a request by a script has no destination.
            (Some("empty" | ""), _) if html => Self::Html,
            (Some("empty" | ""), _) => Self::Script,
            (Some(_), _) => Self::Part,
            (None, Some("navigate")) => Self::Navigation,
            (None, Some(_)) if html => Self::Html,
            (None, Some(_)) => Self::Script,
            // An old browser, or no browser.
            (None, None) if html => Self::Navigation,
            (None, None) if accept.contains("json") => Self::Script,
            (None, None) => Self::Program,
        }
    }

    /// Whether an error is shown to a person, who needs a page.
    pub(crate) fn shows_pages(self) -> bool {
        matches!(
            self,
            Self::Navigation | Self::Frame | Self::Html | Self::Turbo
        )
    }
}

/// Whether htmx asks for a whole page in place of the one on the screen, as a link does: it boosts one (`hx-boost`), or
/// goes back in the history.
pub(crate) fn is_htmx_visit(request: &impl RequestView) -> bool {
    ["hx-boosted", "hx-history-restore-request"]
        .into_iter()
        .any(|name| header_is(request, name, "true"))
}

/// Whether Turbo loads one frame of the page on the screen.
pub(crate) fn is_turbo_frame(request: &impl RequestView) -> bool {
    request.header_values("turbo-frame").next().is_some()
}

/// Whether a script sends the request that cannot read the answer, such as one of another site (Fetch §2.2.5).
pub(crate) fn is_no_cors(request: &impl RequestView) -> bool {
    header_is(request, "sec-fetch-mode", "no-cors")
}

fn header_is(request: &impl RequestView, name: &str, value: &str) -> bool {
    request
        .header(name)
        .is_some_and(|found| found.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::request::tests::Request;

    /// A `GET` with these headers.
    fn get(headers: &[(&'static str, &str)]) -> Request {
        let with =
            |request: Request, (name, value): &(&'static str, &str)| request.with(name, value);
        headers.iter().fold(Request::get("/"), with)
    }

    #[test]
    fn only_a_document_is_a_navigation() {
        const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
        for (destination, client) in [
            ("document", Client::Navigation),
            ("iframe", Client::Frame),
            ("frame", Client::Frame),
            ("embed", Client::Part),
            ("object", Client::Part),
            ("fencedframe", Client::Part),
        ] {
            let request = get(&[PAGE, NAVIGATE, ("sec-fetch-dest", destination)]);
            assert_eq!(Client::of(&request), client, "{destination}");
        }
        for destination in [
            "audio",
            "font",
            "image",
            "manifest",
            "script",
            "serviceworker",
            "sharedworker",
            "style",
            "track",
            "video",
            "worker",
            "xslt",
            "something-new",
        ] {
            for mode in ["no-cors", "cors", "same-origin"] {
                let request = get(&[
                    PAGE,
                    ("sec-fetch-mode", mode),
                    ("sec-fetch-dest", destination),
                ]);
                assert_eq!(Client::of(&request), Client::Part, "{destination}");
            }
        }
        assert_eq!(Client::of(&get(&[NAVIGATE])), Client::Navigation);
        assert_eq!(
            Client::of(&get(&[("accept", "TEXT/HTML")])),
            Client::Navigation
        );
    }

    #[test]
    fn a_script_is_told_by_what_it_asks_for() {
        const EMPTY: (&str, &str) = ("sec-fetch-dest", "empty");
        for mode in ["cors", "same-origin", "no-cors"] {
            let mode = ("sec-fetch-mode", mode);
            for (accept, client) in [
                ("*/*", Client::Script),
                ("application/json", Client::Script),
                ("text/event-stream", Client::Script),
                ("text/html,application/xhtml+xml,*/*;q=0.8", Client::Html),
            ] {
                let accept = ("accept", accept);
                assert_eq!(
                    Client::of(&get(&[mode, EMPTY, accept])),
                    client,
                    "{accept:?}"
                );
                assert_eq!(Client::of(&get(&[mode, accept])), client, "{accept:?}");
            }
        }
        let xhr = [
            ("accept", "text/html"),
            ("x-requested-with", "XMLHttpRequest"),
        ];
        assert_eq!(Client::of(&get(&xhr)), Client::Script);
        let preflight = Request {
            method: "OPTIONS",
            ..get(&[("accept", "text/html")])
        };
        assert_eq!(Client::of(&preflight), Client::Script);
    }

    #[test]
    fn a_program_that_says_nothing_is_no_browser() {
        assert_eq!(Client::of(&get(&[])), Client::Program);
        assert_eq!(Client::of(&get(&[("accept", "*/*")])), Client::Program);
        assert_eq!(
            Client::of(&get(&[("accept", "application/json")])),
            Client::Script
        );
    }

    #[test]
    fn libraries_are_told_by_their_headers() {
        const FETCH: [(&str, &str); 3] = [
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("accept", "text/html"),
        ];
        for (header, client) in [
            (("hx-request", "true"), Client::Htmx),
            (("x-turbo-request-id", "1f2e"), Client::Turbo),
            (("turbo-frame", "messages"), Client::Turbo),
            (("hx-request", "false"), Client::Html),
        ] {
            let mut headers = FETCH.to_vec();
            headers.push(header);
            assert_eq!(Client::of(&get(&headers)), client, "{header:?}");
        }
        let stream = (
            "accept",
            "text/vnd.turbo-stream.html, text/html, application/xhtml+xml",
        );
        assert_eq!(Client::of(&get(&[stream])), Client::Turbo);
    }
}
