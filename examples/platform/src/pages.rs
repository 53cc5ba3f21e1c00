//! The pages people see, and the headers that keep them safe.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::authorize::location;
use crate::client::Client;
use crate::inbox::Message;
use crate::logout::Back;
use crate::texts::Lang;

/// Leaves a frame for the app.
#[derive(Template)]
#[template(path = "done.html")]
pub(crate) struct Done<'a> {
    pub(crate) lang: Lang,
    pub(crate) app: &'a str,
    pub(crate) url: &'a str,
}

/// Posts a callback to the app.
#[derive(Template)]
#[template(path = "form_post.html")]
pub(crate) struct FormPost<'a> {
    pub(crate) lang: Lang,
    pub(crate) app: &'a str,
    pub(crate) url: &'a str,
    pub(crate) fields: &'a [(String, String)],
    /// Whether it must leave a frame.
    pub(crate) framed: bool,
}

/// Says that nobody is signed in any more.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub(crate) struct SignedOut<'a> {
    /// Where the page goes on to, and the name of that app.
    pub(crate) back: Option<&'a Back>,
    /// Why the person was not sent back to the app; empty if that was not asked for.
    pub(crate) problem: &'a str,
    /// The names of the apps that were logged out of as well.
    pub(crate) told: &'a [String],
    /// The names of the apps that could not be told.
    pub(crate) untold: &'a [String],
    /// The addresses that the page loads in frames.
    pub(crate) frames: &'a [String],
}

/// Says what went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem<'a> {
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    pub(crate) detail: &'a str,
}

/// The messages of the local inbox.
#[derive(Template)]
#[template(path = "inbox.html")]
pub(crate) struct InboxPage<'a> {
    pub(crate) messages: &'a [Message],
    pub(crate) now: u64,
}

impl InboxPage<'_> {
    /// Says how long ago a message was sent.
    fn ago(&self, message: &Message) -> String {
        match self.now.saturating_sub(message.sent) {
            0..60 => "just now".to_owned(),
            seconds @ 60..3600 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3600),
        }
    }

    /// Returns whether a message is the newest of those not yet used.
    fn is_newest(&self, message: &Message) -> bool {
        let newest = self.messages.iter().find(|message| !message.used);
        newest.is_some_and(|newest| newest.code == message.code)
    }
}

/// Who may show a page in a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frame<'a> {
    Nobody,
    /// The pages of an app, where its callbacks live.
    Client(&'a Client),
}

/// Renders a page.
pub(crate) fn show(page: &impl Template, status: StatusCode, frame: Frame<'_>) -> Response {
    show_framing(page, status, frame, &[])
}

/// Renders a page that has frames, which may show what is at these origins.
pub(crate) fn show_framing(
    page: &impl Template,
    status: StatusCode,
    frame: Frame<'_>,
    framed: &[String],
) -> Response {
    let body = match page.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, policy(frame, framed));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Not `no-referrer`: with it, browsers send `Origin: null` along with the platform's own forms.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// Returns the Content-Security-Policy. A form may lead to the app, because browsers apply `form-action` to the
/// redirect after a form, too.
fn policy(frame: Frame<'_>, framed: &[String]) -> HeaderValue {
    let (ancestors, sources) = match frame {
        Frame::Nobody => ("'none'".to_owned(), String::new()),
        Frame::Client(client) => {
            let sources: String = client
                .sources()
                .iter()
                .map(|source| format!(" {source}"))
                .collect();
            (format!("'self'{sources}"), sources)
        }
    };
    let framed = match framed {
        [] => String::new(),
        origins => format!("frame-src {}; ", origins.join(" ")),
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
         {framed}base-uri 'none'; form-action 'self'{sources}; frame-ancestors {ancestors}"
    );
    HeaderValue::try_from(policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}

/// Sends the browser to `url` with a GET, whichever method it used before.
pub(crate) fn redirect(url: &str) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::LOCATION, location(url)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origins_of_the_callbacks_may_frame_a_page() {
        let client = Client::new("app", "s", "http://127.0.0.1:5000/login");
        let with_client = policy(Frame::Client(&client), &[]);
        let with_client = with_client.to_str().unwrap();
        assert!(with_client.ends_with("frame-ancestors 'self' http://127.0.0.1:5000"));
        assert!(with_client.contains("form-action 'self' http://127.0.0.1:5000;"));
        assert!(
            policy(Frame::Nobody, &[])
                .to_str()
                .unwrap()
                .ends_with("frame-ancestors 'none'")
        );
    }

    #[test]
    fn what_people_type_is_escaped() {
        let page = Problem {
            title: "t",
            text: "x",
            detail: "<script>alert(1)</script>",
        };
        assert!(!page.render().unwrap().contains("<script>alert"));
    }
}
