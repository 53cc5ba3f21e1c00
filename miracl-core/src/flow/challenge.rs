//! The pages and replies for a request that cannot go on: it needs a login, the session cannot be read, a login failed.

use std::task::Poll;

use crate::{
    access::step_up::StepUp,
    engine::Engine,
    error::chain::Chain,
    exchange::Exchange,
    flow::{hook::AuthFailure, login, options::LoginOptions},
    receipt::check::{Check, CheckOutcome},
    web::{
        client::{Client, is_htmx_visit, is_turbo_frame},
        flash::Category,
        page::{Page, PageKind},
        reply::{Reply, escape},
        request::{RequestView, is_prefetch, is_safe},
        return_to::ReturnTo,
    },
};

/// What a client is told that cannot be redirected to a login.
pub(crate) struct Words {
    kind: PageKind,
    title: &'static str,
    sentence: &'static str,
}

/// The words for a request that needs a login.
pub(crate) const LOGIN_REQUIRED: Words = Words {
    kind: PageKind::LoginRequired,
    title: "Login required",
    sentence: "This page is for people who are logged in.",
};

/// The words for a request that needs a stronger or newer login.
pub(crate) const STEP_UP: Words = Words {
    kind: PageKind::StepUp,
    title: "Please log in again",
    sentence: "This page needs a login that is newer or stronger than yours.",
};

/// Answers a request that needs a login: a document is sent to the login, and everybody else is told of it.
pub(crate) fn challenge(engine: &Engine, request: &impl RequestView) -> Reply {
    let login = login_to(engine, request, LoginOptions::default());
    to_login(engine, request, &login, &LOGIN_REQUIRED)
}

/// What a login must bring for a request that needs a stronger or newer one.
pub(crate) fn step_up(exchange: &Exchange, step_up: &StepUp) -> LoginOptions {
    let acr_values = step_up.acr_values.as_ref().map(|values| values.join(" "));
    LoginOptions {
        max_age: step_up.max_age,
        acr_values,
        remember: lasts(exchange),
        ..LoginOptions::default()
    }
}

/// Whether the session lasts when the browser is closed, where that is not what the settings say: a login in its place
/// is as long.
fn lasts(exchange: &Exchange) -> Option<bool> {
    let Poll::Ready(Some(session)) = exchange.session_at_once() else {
        return None;
    };
    let lasts = !session.person.extension().ends_with_browser();
    Some(lasts).filter(|lasts| *lasts != exchange.engine.config.session_remember)
}

/// Answers somebody who is logged in and may not do what they ask for. No login of theirs would change it, so none is
/// offered. A log-out is, for people with more than one account.
pub(crate) fn denied(engine: &Engine, request: &impl RequestView) -> Reply {
    let title = "Not allowed";
    let sentence = "You are logged in, but this page is not for you.";
    forbidden(engine, request, PageKind::Denied, (title, sentence))
}

/// Answers somebody who has logged in again for this page, at a provider that has not confirmed what the page needs.
/// The next login would end here, too.
pub(crate) fn in_vain(engine: &Engine, request: &impl RequestView) -> Reply {
    let title = "Not confirmed";
    let sentence = "You have logged in for this page, but the login service has not confirmed what it needs: \
                    a newer login, or a stronger one. Please log out, and log in in another way.";
    forbidden(engine, request, PageKind::StepUpFailed, (title, sentence))
}

fn forbidden(
    engine: &Engine,
    request: &impl RequestView,
    kind: PageKind,
    (title, sentence): (&str, &str),
) -> Reply {
    match Client::of(request).shows_pages() {
        true => {
            let page = Page::new(kind, 403, title, sentence);
            let page = page.link(HOME, engine.site.home_url());
            engine.show(request, page.link("Log out", engine.site.logout()))
        }
        false => Reply::problem(403, title, [("detail", sentence.to_owned())]),
    }
}

/// Returns the address of a login with these options that leads back to where the request came from.
pub(crate) fn login_to(
    engine: &Engine,
    request: &impl RequestView,
    options: LoginOptions,
) -> String {
    let return_to = way_back(engine, request, Client::of(request)).map(ReturnTo::into_string);
    login::login_start_url(
        engine,
        &LoginOptions {
            return_to,
            ..options
        },
    )
}

/// Returns the address as [`login_to`] does, for somebody who is logged in already.
pub(crate) fn login_again(
    engine: &Engine,
    request: &impl RequestView,
    options: LoginOptions,
) -> String {
    let mut login_url = login_to(engine, request, options);
    login_url.push_str(login::AGAIN);
    login_url
}

/// Leads a client to a login at this address, and tells everybody else of it.
pub(crate) fn to_login(
    engine: &Engine,
    request: &impl RequestView,
    login_url: &str,
    words: &Words,
) -> Reply {
    let client = Client::of(request);
    // Turbo shows what it has prefetched, and what it gets here is right after the click, too.
    if is_prefetch(request) && client != Client::Turbo {
        return Reply::too_early();
    }
    let page = |status, refreshes| {
        let page = Page::new(words.kind, status, words.title, words.sentence);
        engine.show(request, page.onward("Log in", login_url, refreshes))
    };
    match client {
        Client::Navigation => Reply::see_other(login_url),
        // Turbo loads the address that it has asked for as a document.
        Client::Turbo if is_visit(request, client) => page(200, false),
        Client::Turbo => Reply::see_other(login_url),
        Client::Html => page(401, true),
        Client::Frame => page(401, false),
        Client::Htmx => Reply::empty(401).with("hx-redirect", login_url),
        Client::Script | Client::Part | Client::Program => {
            Reply::problem(401, words.title, [("login_url", login_url.to_owned())])
        }
    }
}

/// Whether a request is for a whole page, to which a login can come back.
fn is_visit(request: &impl RequestView, client: Client) -> bool {
    is_safe(request)
        && match client {
            Client::Navigation | Client::Html => true,
            Client::Htmx => is_htmx_visit(request),
            Client::Turbo => !is_turbo_frame(request),
            Client::Frame | Client::Script | Client::Part | Client::Program => false,
        }
}

/// Where a login comes back to: the page that was asked for, or else the page that the person was on.
fn way_back(engine: &Engine, request: &impl RequestView, client: Client) -> Option<ReturnTo> {
    let from_header = |name: &str| {
        let value = request.header(name)?;
        engine.site.return_to_url(&value)
    };
    if is_visit(request, client) {
        return engine.site.return_here(&request.path_and_query());
    }
    let current = match client {
        Client::Htmx => from_header("hx-current-url"),
        _ => None,
    };
    current.or_else(|| from_header("referer"))
}

/// Answers a request whose session cannot be read at the moment: 503, because the visitor may well be logged in.
pub(crate) fn unavailable(engine: &Engine, request: &impl RequestView) -> Reply {
    let sentence = "Your session cannot be read at the moment. Please try again in a few minutes.";
    later(engine, request, PageKind::Unavailable, sentence)
}

/// Answers a request about which the app itself cannot decide at the moment.
pub(crate) fn undecided(engine: &Engine, request: &impl RequestView) -> Reply {
    let sentence = "It cannot be decided at the moment whether you may see this. Please try again in a few minutes.";
    later(engine, request, PageKind::Undecided, sentence)
}

fn later(engine: &Engine, request: &impl RequestView, kind: PageKind, sentence: &str) -> Reply {
    let title = "Temporarily unavailable";
    let reply = match Client::of(request).shows_pages() {
        true => {
            let page = Page::new(kind, 503, title, sentence);
            engine.show(request, page.link(HOME, engine.site.home_url()))
        }
        false => Reply::problem(503, title, [("detail", sentence.to_owned())]),
    };
    reply.with("retry-after", "5")
}

/// The words of the way on from a page that has no other: a link to the home page.
pub(crate) const HOME: &str = "Go to the home page";

/// The message to somebody whose callback belongs to no login under way, and who is logged in.
const ALREADY_LOGGED_IN: &str = "You are already logged in.";

/// Answers a login that failed when the app has no answer of its own: with the page of the failure, or for somebody who
/// is still logged in with the way home.
pub(crate) fn failure_reply(exchange: &Exchange, failure: &AuthFailure) -> Reply {
    if !failure.still_logged_in() {
        return failure_page_in(&exchange.engine, exchange.languages(), failure);
    }
    let engine = &exchange.engine;
    let kind = PageKind::AlreadyLoggedIn;
    let text = engine.words(exchange.languages(), kind, ALREADY_LOGGED_IN);
    // Eight tabs that are restored at once are one message.
    exchange.flash_once(Category::Info, &text);
    Reply::see_other(&exchange.engine.config.home_path)
}

/// Returns the page for a failed login when the app shows none of its own: a fixed sentence, the id of the failure's
/// line in the log, and a link to try again. Only in development it also shows the receipt.
pub(crate) fn failure_page(engine: &Engine, failure: &AuthFailure) -> Reply {
    failure_page_in(engine, None, failure)
}

/// Returns the page as [`failure_page`] does, for somebody who prefers these languages.
fn failure_page_in(engine: &Engine, languages: Option<String>, failure: &AuthFailure) -> Reply {
    let retry = login::login_start_url(
        engine,
        &LoginOptions {
            return_to: failure.return_to().map(str::to_owned),
            ..LoginOptions::default()
        },
    );
    let (kind, title) = match failure.was_cancelled() {
        true => (PageKind::LoginCancelled, "Login cancelled"),
        false => (PageKind::LoginFailed, "Login failed"),
    };
    let explanation = match engine.development {
        true => receipt(failure),
        false => String::new(),
    };
    let page = Page::new(kind, failure.status(), title, failure.message())
        .link("Log in again", retry)
        .link(HOME, engine.site.home_url())
        .note("Reference for support:", Some(failure.id()))
        .explained(explanation);
    let reply = engine
        .show_in(languages, page)
        // The address of this page has a code and a `state`, which a link on it must not pass on.
        .replacing("referrer-policy", "no-referrer");
    match failure.see_at() {
        Some(path) => reply.with("refresh", format!("0;url={path}")),
        None => reply,
    }
}

/// Returns the HTML of the receipt: who is at fault and what to do, the check that failed, and the rest on demand.
fn receipt(failure: &AuthFailure) -> String {
    let receipt = failure.receipt();
    let at_fault = receipt
        .at_fault()
        .map_or_else(String::new, |party| escape(&format!("At fault: {party}.")));
    let noticed = receipt.replica().map_or_else(String::new, |name| {
        escape(&format!(". Noticed at replica {name}"))
    });
    format!(
        "<details class=\"receipt\" open><summary>Why (in development only)</summary>\n\
         <p class=\"small\"><strong>{at_fault}</strong> {}</p>\n<ol>{}</ol>\n\
         <details><summary class=\"small\">All checks ({})</summary><p class=\"small muted\">{}{noticed}</p>\
         <ol>{}</ol></details></details>\n",
        escape(receipt.advice().unwrap_or_default()),
        receipt.failed().map(item).unwrap_or_default(),
        receipt.checks().len(),
        escape(&Chain(failure).to_string()),
        receipt.checks().iter().map(item).collect::<String>(),
    )
}

/// Returns one check as an item of a list, which fits every width.
fn item(check: &Check) -> String {
    let class = match check.outcome {
        CheckOutcome::Failed => " class=\"failed\"",
        _ => "",
    };
    let told = [("expected", &check.expected), ("found", &check.found)];
    let told: String = told
        .into_iter()
        .filter_map(|(word, value)| Some(format!("; {word} {}", value.as_deref()?)))
        .collect();
    format!(
        "<li{class}><code>{}</code> <b>{}</b>{} <span class=\"muted\">{}, {}\u{a0}µs</span></li>",
        escape(check.name),
        check.outcome,
        escape(&told),
        escape(check.section),
        check.time.as_micros()
    )
}
