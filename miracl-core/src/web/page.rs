//! The engine's own pages and messages as data, so that an app can change their words or show pages of its own.

use std::fmt::Write as _;

use crate::web::reply::{Reply, escape};

/// The policy of a page whose HTML is the app's: nobody frames it, and `<base>` cannot move its links.
const OWN_POLICY: &str = "base-uri 'none'; frame-ancestors 'none'";

/// Which of the engine's pages or messages a [`Page`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageKind {
    /// 401: a page needs a login. Only clients that cannot be redirected see it.
    LoginRequired,
    /// 401: a page needs a login that is newer or stronger. Only clients that cannot be redirected see it.
    StepUp,
    /// 403: somebody has logged in again for a page, and the provider has not confirmed what the page needs.
    StepUpFailed,
    /// 403: somebody is logged in, and may not see a page.
    Denied,
    /// 403: another site made the browser send a request.
    CrossOrigin,
    /// 503: the session cannot be read.
    Unavailable,
    /// 503: the app's own decision has failed.
    Undecided,
    /// 200: leads on to the provider, to log in.
    Login,
    /// A login has failed: the status is [`AuthFailure::status`](crate::AuthFailure::status).
    LoginFailed,
    /// A login was cancelled at the provider.
    LoginCancelled,
    /// 503: one callback came many times at once.
    LoginUnderWay,
    /// 200: asks whether to log out.
    LogoutQuestion,
    /// 200: leads on to the provider, to log out there.
    LoggedOut,
    /// 200: the page in a frame of the provider's log-out page (front-channel log-out).
    ProviderLogout,
    /// 403: the app verifies nobody at its page of custom verification.
    NotVerified,
    /// The platform does not register a person whom the app has verified: the status is the error's.
    NotRegistered,
    /// 400: what the browser sent to the page of custom verification cannot be read.
    Unreadable,
    /// 400 or 408: the body of a request did not arrive whole, or in time.
    NotArrived,
    /// A message for the next page: somebody who is logged in came with an old callback. Only the sentence counts.
    AlreadyLoggedIn,
    /// A message for the next page: a form was not sent, because it needs a new login. Only the sentence counts.
    FormNotSent,
}

/// A link or a button of a [`Page`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageLink {
    /// Its words, as plain text.
    pub label: String,
    /// Where it leads to.
    pub url: String,
    /// Whether it is a button that sends a `POST`. All others are links.
    pub is_post: bool,
}

/// A page or a message that the engine is about to show, for the hook `on_page` and
/// [`Miracl::change_pages`](crate::Miracl::change_pages) to change.
///
/// Change the words and the engine's page shows them, escaped. Or set [`html`](Self::html) to a whole document of your
/// own: the engine keeps the status and the headers that the page needs.
///
/// ```
/// use miracl_core::app::page::{Page, PageKind};
///
/// fn on_page(page: &mut Page) {
///     if !page.accept_language().is_some_and(|languages| languages.starts_with("de")) {
///         return;
///     }
///     page.lang = "de".to_owned();
///     if page.kind() == PageKind::Denied {
///         page.title = "Nicht erlaubt".to_owned();
///         page.sentence = "Sie sind angemeldet, aber diese Seite ist nicht für Sie.".to_owned();
///         page.links[0].label = "Zur Startseite".to_owned();
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page {
    kind: PageKind,
    status: u16,
    accept_language: Option<String>,
    /// The language of the page (BCP 47), for its `lang`: by default `en`.
    pub lang: String,
    /// The title, which is the heading, too. Plain text.
    pub title: String,
    /// What the page says. Plain text.
    pub sentence: String,
    /// The ways on. The first is the main one.
    pub links: Vec<PageLink>,
    /// Small print under the links, each with something to copy: a reference, the name of a setting. Plain text.
    pub notes: Vec<(String, Option<String>)>,
    /// A whole HTML document to send in place of the engine's page. Escape what you put into it: `title`, `sentence`
    /// and the rest are plain text.
    pub html: Option<String>,
    /// The header `Content-Security-Policy` that goes with [`html`](Self::html): by default `base-uri 'none';
    /// frame-ancestors 'none'`. The page in a frame of the provider keeps the engine's own in any case.
    pub policy: Option<String>,
    goes_on_to: Option<String>,
    is_turned_to: bool,
    explanation: String,
}

impl Page {
    pub(crate) fn new(kind: PageKind, status: u16, title: &str, sentence: &str) -> Self {
        Self {
            kind,
            status,
            accept_language: None,
            lang: "en".to_owned(),
            title: title.to_owned(),
            sentence: sentence.to_owned(),
            links: Vec::new(),
            notes: Vec::new(),
            html: None,
            policy: None,
            goes_on_to: None,
            is_turned_to: false,
            explanation: String::new(),
        }
    }

    /// A message, which has a sentence alone.
    pub(crate) fn message(kind: PageKind, sentence: &str) -> Self {
        Self::new(kind, 200, "", sentence)
    }

    /// Adds a link.
    pub(crate) fn link(mut self, label: &str, url: impl Into<String>) -> Self {
        self.links.push(PageLink {
            label: label.to_owned(),
            url: url.into(),
            is_post: false,
        });
        self
    }

    /// Adds a button that sends a `POST`.
    pub(crate) fn button(mut self, label: &str, url: impl Into<String>) -> Self {
        self.links.push(PageLink {
            label: label.to_owned(),
            url: url.into(),
            is_post: true,
        });
        self
    }

    /// Adds small print.
    pub(crate) fn note(mut self, text: &str, code: Option<&str>) -> Self {
        self.notes.push((text.to_owned(), code.map(str::to_owned)));
        self
    }

    /// Adds HTML that explains it to a developer.
    pub(crate) fn explained(mut self, html: String) -> Self {
        self.explanation = html;
        self
    }

    /// Makes it a page that leads on to another address: by a link, and if it `refreshes`, also by itself.
    ///
    /// Turbo does not show it in place of the page on the screen, but loads its address as a new document.
    pub(crate) fn onward(mut self, label: &str, url: &str, refreshes: bool) -> Self {
        self.is_turned_to = true;
        self.goes_on_to = refreshes.then(|| url.to_owned());
        self.link(label, url)
    }

    /// Notes the languages that the visitor prefers.
    pub(crate) fn in_language_of(mut self, accept_language: Option<String>) -> Self {
        self.accept_language = accept_language;
        self
    }

    /// Returns which page or message it is.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// Returns the HTTP status that it is sent with.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the header `Accept-Language` of the request, where it is known (RFC 9110 §12.5.4). It is what the
    /// visitor sent.
    pub fn accept_language(&self) -> Option<&str> {
        self.accept_language.as_deref()
    }

    /// Returns the address that the page leads on to by itself. The engine sees to that for [`html`](Self::html), too,
    /// by the header `Refresh`.
    pub fn goes_on_to(&self) -> Option<&str> {
        self.goes_on_to.as_deref()
    }

    /// Returns the reply that shows it.
    pub(crate) fn into_reply(mut self) -> Reply {
        let Some(html) = self.html.take() else {
            return self.drawn();
        };
        let policy = self.policy.unwrap_or_else(|| OWN_POLICY.to_owned());
        let reply = Reply::document(self.status, html);
        let reply = reply.replacing("content-security-policy", policy);
        match self.goes_on_to {
            Some(url) => reply.with("refresh", format!("0;url={url}")),
            None => reply,
        }
    }

    /// The engine's own page.
    fn drawn(&self) -> Reply {
        let mut head = String::new();
        if self.is_turned_to {
            head.push_str("<meta name=\"turbo-visit-control\" content=\"reload\">");
        }
        if let Some(url) = &self.goes_on_to {
            // Unlike a redirect, this is a navigation of its own: `form-action` does not apply to it (CSP3 §6.4.2).
            let url = escape(url);
            let _ = write!(
                head,
                "<meta http-equiv=\"refresh\" content=\"0; url={url}\">"
            );
        }
        let mut rest = self.ways_on();
        for (text, code) in &self.notes {
            let code = code.as_ref();
            let code = code.map_or_else(String::new, |code| {
                format!(" <code>{}</code>", escape(code))
            });
            let _ = writeln!(rest, "<p class=\"small muted\">{}{code}</p>", escape(text));
        }
        rest.push_str(&self.explanation);
        Reply::drawn(
            self.status,
            &self.lang,
            &head,
            (&self.title, &self.sentence),
            &rest,
        )
    }

    /// The HTML of the links and the button.
    fn ways_on(&self) -> String {
        if self.links.is_empty() {
            return String::new();
        }
        let turbo = match self.is_turned_to {
            true => " data-turbo=\"false\" hx-boost=\"false\"",
            false => "",
        };
        let ways = self.links.iter().enumerate().map(|(at, link)| {
            let class = if at == 0 { "button primary" } else { "button" };
            let (url, label) = (escape(&link.url), escape(&link.label));
            match link.is_post {
                true => format!("<button class=\"{class}\" formaction=\"{url}\">{label}</button>"),
                false => {
                    format!(
                        "<a class=\"{class}\" href=\"{url}\" target=\"_top\"{turbo}>{label}</a>"
                    )
                }
            }
        });
        let ways = ways.collect::<Vec<_>>().join(" ");
        match self.links.iter().find(|link| link.is_post) {
            Some(post) => format!(
                "<form class=\"actions\" method=\"post\" action=\"{}\">{ways}</form>\n",
                escape(&post.url)
            ),
            None => format!("<p class=\"actions\">{ways}</p>\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://provider.example/end?a=1&b=\"2\"";

    fn header<'a>(reply: &'a Reply, wanted: &str) -> Vec<&'a str> {
        let headers = reply.headers.iter().filter(|(name, _)| *name == wanted);
        headers.map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn a_page_escapes_what_it_is_given_and_may_not_be_framed() {
        let page = Page::new(PageKind::Denied, 400, "<b>", "\"quoted\" & 'more'\u{0}");
        let page = page.note("<i>", Some("<u>")).into_reply();
        assert!(page.body.contains("<h1>&lt;b&gt;</h1>"));
        let sentence = "&quot;quoted&quot; &amp; &#39;more&#39;\u{fffd}";
        assert!(page.body.contains(sentence));
        assert!(page.body.contains("&lt;i&gt; <code>&lt;u&gt;</code>"));
        let policy = header(&page, "content-security-policy");
        assert!(policy.len() == 1 && policy[0].contains("frame-ancestors 'none'"));
    }

    #[test]
    fn a_page_that_leads_on_has_a_link_and_goes_by_itself_where_it_should() {
        for refreshes in [true, false] {
            let page = Page::new(PageKind::LoggedOut, 200, "Leaving", "One moment.");
            let page = page.onward("Go on", URL, refreshes).into_reply();
            let escaped = "https://provider.example/end?a=1&amp;b=&quot;2&quot;";
            assert!(page.body.contains(&format!("href=\"{escaped}\"")));
            let refresh = format!("<meta http-equiv=\"refresh\" content=\"0; url={escaped}\">");
            assert_eq!(page.body.contains(&refresh), refreshes);
            assert!(page.body.contains("turbo-visit-control"));
            assert!(!page.body.contains(URL));
        }
    }

    #[test]
    fn changed_words_are_shown_escaped_and_html_of_the_apps_is_sent_as_it_is() {
        let mut page = Page::new(PageKind::Denied, 403, "Not allowed", "No.").link("Home", "/");
        page.lang = "de\"".to_owned();
        page.title = "Nicht erlaubt".to_owned();
        page.links[0].label = "<Start>".to_owned();
        let worded = page.clone().into_reply();
        assert!(worded.body.contains("<html lang=\"de&quot;\">"));
        assert!(worded.body.contains("<h1>Nicht erlaubt</h1>"));
        assert!(worded.body.contains("&lt;Start&gt;</a>"));
        page.html = Some("<!doctype html><p>Mine</p>".to_owned());
        let own = page.clone().into_reply();
        assert_eq!(own.body, "<!doctype html><p>Mine</p>");
        assert_eq!(own.status, 403);
        assert_eq!(header(&own, "content-security-policy"), [OWN_POLICY]);
        page.policy = Some("default-src 'self'".to_owned());
        let own = page.into_reply();
        assert_eq!(
            header(&own, "content-security-policy"),
            ["default-src 'self'"]
        );
    }

    #[test]
    fn html_of_the_apps_leads_on_as_the_engines_page_does() {
        let mut page = Page::new(PageKind::LoggedOut, 200, "Leaving", "One moment.");
        page = page.onward("Go on", URL, true);
        page.html = Some("<p>Bye".to_owned());
        let own = page.into_reply();
        assert_eq!(header(&own, "refresh"), [format!("0;url={URL}")]);
    }
}
