//! The pages and replies for a request that cannot go on: it needs a login, the session cannot be read, a login failed.

use crate::{
    engine::Engine,
    error::chain::Chain,
    exchange::Exchange,
    flow::{hook::AuthFailure, login, options::LoginOptions},
    web::{
        flash::Category,
        reply::{Reply, escape},
        request::{Client, RequestView, is_safe},
        return_to::ReturnTo,
    },
};

/// Answers a request that needs a login: a browser is sent to the login, a program gets a status.
pub(crate) fn challenge(engine: &Engine, request: &impl RequestView) -> Reply {
    let from_header = |name: &str| {
        let value = request.header(name)?;
        engine.site.return_to_url(&value)
    };
    let client = Client::of(request);
    let return_to = match client {
        Client::Navigation if is_safe(request) => engine.site.return_to(&request.path_and_query()),
        Client::Htmx => from_header("hx-current-url").or_else(|| from_header("referer")),
        _ => from_header("referer"),
    };
    let login_url = login::login_start_url(
        engine,
        &LoginOptions {
            return_to: return_to.map(ReturnTo::into_string),
            ..LoginOptions::default()
        },
    );
    match client {
        Client::Navigation => Reply::see_other(login_url),
        Client::Htmx => Reply::empty(401).with("hx-redirect", login_url),
        Client::Api => Reply::problem(401, "Login required", [("login_url", login_url)]),
    }
}

/// Answers a request whose session cannot be read at the moment: 503, because the visitor may well be logged in.
pub(crate) fn unavailable(request: &impl RequestView) -> Reply {
    let sentence = "Your session cannot be read at the moment. Please try again in a few minutes.";
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

/// The message to somebody whose callback belongs to no login under way, and who is logged in.
const ALREADY_LOGGED_IN: &str = "You are already logged in.";

/// Answers a login that failed when the app has no answer of its own: with the page of the failure, or for somebody who
/// is still logged in with the way home.
pub(crate) fn failure_reply(exchange: &Exchange, failure: &AuthFailure) -> Reply {
    if !failure.still_logged_in() {
        return failure_page(&exchange.engine, failure);
    }
    // Eight tabs that are restored at once are one message.
    exchange.flash_once(Category::Info, ALREADY_LOGGED_IN);
    Reply::see_other(&exchange.engine.config.home_path)
}

/// Returns the page for a failed login when the app shows none of its own: a fixed sentence, the id of the failure's
/// line in the log, and a link to try again. Only in development it also shows the receipt.
pub(crate) fn failure_page(engine: &Engine, failure: &AuthFailure) -> Reply {
    let retry = login::login_start_url(
        engine,
        &LoginOptions {
            return_to: failure.return_to().map(str::to_owned),
            ..LoginOptions::default()
        },
    );
    let mut rest = format!(
        "<a class=\"main\" href=\"{}\">Log in again</a>\n<p class=\"dim\">Reference: {}</p>\n",
        escape(&retry),
        escape(failure.id())
    );
    if engine.development {
        rest.push_str(&format!(
            "<p class=\"dim\">{}</p>\n<pre>{}</pre>\n",
            escape(&Chain(failure).to_string()),
            escape(&failure.receipt().to_string())
        ));
    }
    let mut page = Reply::page(failure.status(), "Login failed", failure.message(), &rest);
    // The address of this page has a code and a `state`, which a link on it must not pass on.
    for (name, value) in &mut page.headers {
        if *name == "referrer-policy" {
            "no-referrer".clone_into(value);
        }
    }
    match failure.see_at() {
        Some(path) => page.with("refresh", format!("0;url={path}")),
        None => page,
    }
}
