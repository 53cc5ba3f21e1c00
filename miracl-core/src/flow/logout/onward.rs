//! How a client is led on to the provider after log-out.
//!
//! A plain form is redirected. Everybody else cannot follow a redirect to another site: `fetch`, htmx and Turbo because
//! they are scripts, and a form on a page whose `Content-Security-Policy` has `form-action`, because browsers apply
//! that to every redirect that follows.

use url::form_urlencoded;

use crate::{
    engine::Engine,
    session::seal::Purpose,
    web::{
        client::{Client, is_no_cors},
        page::{Page, PageKind},
        reply::Reply,
        request::{RequestView, query},
    },
};

/// The parameter by which a form asks for a page that leads on, `via=page`.
const VIA: &str = "via";

/// The parameter with the sealed address that this app's own page leads on to.
const TO: &str = "to";

/// The name that the sealed address is bound to.
const SEALED: &str = "log-out";

/// How long a sealed address counts, in seconds: it is followed at once.
const LIFETIME: u64 = 300;

/// Leads a client on after a `POST`: to the provider, or to the home path where the provider has no log-out.
pub(super) fn lead_on(
    engine: &Engine,
    request: &impl RequestView,
    client: Client,
    provider: Option<String>,
) -> Reply {
    let is_elsewhere = provider.is_some();
    let url = provider.unwrap_or_else(|| engine.site.home_url());
    match client {
        Client::Htmx => Reply::empty(200).with("hx-redirect", url),
        Client::Script => Reply::address("logout_url", &url),
        Client::Html => page(engine, request, &url),
        // Turbo wants a redirect, and follows it by `fetch`: to our own page, which it then loads as a document.
        Client::Turbo if is_elsewhere => Reply::see_other(own_page(engine, &url)),
        _ if is_elsewhere && parameter(request, VIA).as_deref() == Some("page") => {
            page(engine, request, &url)
        }
        _ => Reply::see_other(url),
    }
}

/// Leads a client on from this app's own page, where it was sent to by [`lead_on`]. `None` for any other request.
pub(super) fn lead_on_from_here(
    engine: &Engine,
    request: &impl RequestView,
    client: Client,
) -> Option<Reply> {
    let sealed = parameter(request, TO)?;
    // The address may carry an ID token, which is nothing for an image or a frame.
    if matches!(client, Client::Part | Client::Frame) || is_no_cors(request) {
        return None;
    }
    let cookies = &engine.sessions.cookies;
    let plain = cookies.open_value(Purpose::LogOut, SEALED, sealed.as_bytes())?;
    let (until, url) = plain.split_first_chunk()?;
    if engine.now() > u64::from_be_bytes(*until) {
        return None;
    }
    let url = std::str::from_utf8(url).ok()?;
    Some(match client {
        Client::Turbo | Client::Html => page(engine, request, url),
        _ => Reply::see_other(url),
    })
}

/// Whether a request may be for this app's own page that leads on.
pub(super) fn leads_on(request: &impl RequestView) -> bool {
    parameter(request, TO).is_some()
}

/// The address of this app's own page that leads on to another. It is sealed, because it may carry an ID token, and so
/// that nobody else can make one.
fn own_page(engine: &Engine, url: &str) -> String {
    let until = engine.now().saturating_add(LIFETIME);
    let plain = [&until.to_be_bytes(), url.as_bytes()].concat();
    let cookies = &engine.sessions.cookies;
    let sealed = cookies.seal_value(Purpose::LogOut, SEALED, &plain);
    let mut page = engine.site.origin.clone();
    page.set_path(&engine.site.logout());
    page.query_pairs_mut()
        .append_pair(TO, &sealed.unwrap_or_default());
    page.into()
}

/// The page that leads on.
fn page(engine: &Engine, request: &impl RequestView, url: &str) -> Reply {
    let sentence = "This page now goes to the login service, to log you out there as well.";
    let page = Page::new(PageKind::LoggedOut, 200, "You are logged out.", sentence);
    engine.show(request, page.onward("Continue", url, true))
}

fn parameter(request: &impl RequestView, wanted: &str) -> Option<String> {
    let query = query(request);
    let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted)?;
    Some(found.1.into_owned())
}
