//! The answer to somebody who is not logged in and must be: a login page for a browser, a status for a program.

use crate::{
    flow::options::LoginOptions,
    miracl::Miracl,
    web::{
        reply::{Reply, escape},
        request::{Client, RequestView, is_safe},
        return_to::ReturnTo,
    },
};

impl Miracl {
    /// Answers a request that needs a login.
    ///
    /// A browser that navigates gets a 303 to the login, and comes back to where it was; after a form was sent, to the
    /// page that had the form. htmx gets a 401 with `HX-Redirect`; everything else gets a 401
    /// `application/problem+json` with the member `login_url`. No cookie is set, and the provider is not asked.
    pub fn challenge(&self, request: &impl RequestView) -> Reply {
        let engine = self.engine();
        let from_header = |name: &str| {
            let value = request.header(name)?;
            ReturnTo::from_url(&value, &engine.origin, &engine.own_paths())
        };
        let client = Client::of(request);
        let return_to = match client {
            Client::Navigation if is_safe(request) => engine.return_to(&request.path_and_query()),
            Client::Htmx => from_header("hx-current-url").or_else(|| from_header("referer")),
            _ => from_header("referer"),
        };
        let login_url = self.login_start_url(&LoginOptions {
            return_to: return_to.map(ReturnTo::into_string),
            ..LoginOptions::default()
        });
        match client {
            Client::Navigation => Reply::see_other(login_url),
            Client::Htmx => Reply::empty(401).with("hx-redirect", login_url),
            Client::Api => Reply::problem(401, "Login required", [("login_url", login_url)]),
        }
    }

    /// Answers a request whose session cannot be read at the moment: 503, which is something else than being anonymous.
    pub fn unavailable(&self, request: &impl RequestView) -> Reply {
        let sentence =
            "Your session cannot be read at the moment. Please try again in a few minutes.";
        let reply = match Client::of(request) {
            Client::Navigation => Reply::page(503, "Temporarily unavailable", sentence, ""),
            _ => Reply::problem(
                503,
                "Temporarily unavailable",
                [("detail", sentence.to_owned())],
            ),
        };
        reply.with("retry-after", "5")
    }

    /// The page for a failed login when the app shows none of its own: a fixed sentence, the id under which the log has the
    /// story, and a link to try again. In [`development`](Self::development), and never otherwise, also the receipt.
    pub fn failure_page(&self, failure: &crate::AuthFailure) -> Reply {
        let retry = self.login_start_url(&LoginOptions {
            return_to: failure.return_to().map(str::to_owned),
            ..LoginOptions::default()
        });
        let mut rest = format!(
            "<a class=\"main\" href=\"{}\">Log in again</a>\n<p class=\"dim\">Reference: {}</p>\n",
            escape(&retry),
            escape(failure.id())
        );
        if self.development() {
            rest.push_str(&format!(
                "<p class=\"dim\">{}</p>\n<pre>{}</pre>\n",
                escape(&crate::error::chain::Chain(failure).to_string()),
                escape(&failure.receipt().to_string())
            ));
        }
        Reply::page(failure.status(), "Login failed", failure.message(), &rest)
    }
}
