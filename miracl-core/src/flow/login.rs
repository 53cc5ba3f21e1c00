//! Starting a login: at the login route, or by a URL that the app asks for.

mod authorization;

use std::{fmt, sync::Arc};

use url::{Url, form_urlencoded};

use crate::{
    base::text::printable,
    engine::Engine,
    error::{difference::LostSession, login::FailureReason},
    exchange::Exchange,
    flow::{
        hook::AuthFailure,
        login::authorization::{AuthorizationRequest, Goes},
        options::{LoginOptions, MAX_OPTION},
        pending::cookies::keep_login,
        user,
    },
    receipt::Recorder,
    session::{cookies::trace::SessionTrace, identity::SessionId, seal::Purpose},
    web::{
        client::{Client, is_no_cors},
        page::{Page, PageKind},
        reply::Reply,
        request::{RequestView, query},
        return_to::ReturnTo,
    },
};

/// The parameter of a request that was sent here from another host name, so that it is not sent again.
const HOST_MARK: &str = "from_other_host";

/// What the address of a login has for somebody who is logged in already: see [`again`].
pub(crate) const AGAIN: &str = "&again=1";

/// Returns the absolute URL of this app's own login route, for a link or a button.
pub(crate) fn login_start_url(engine: &Engine, options: &LoginOptions) -> String {
    let mut url = engine.site.login_start();
    let remember = options.remember.map(|remember| {
        let choice = if remember { "1" } else { "0" };
        ("remember", choice.to_owned())
    });
    let pairs = options
        .return_to
        .iter()
        .map(|path| ("return_to", engine.site.public(path)))
        .chain(options.parameters())
        .chain(remember);
    for (name, value) in pairs {
        url.query_pairs_mut().append_pair(name, &value);
    }
    url.into()
}

/// Starts a login with these options and returns the provider's URL to send the browser to; for a visitor who came by
/// another host name, the login route at the redirect URI's.
pub(crate) async fn login_url_with(
    exchange: &Arc<Exchange>,
    options: LoginOptions,
) -> Result<String, AuthFailure> {
    let options = admit(exchange, options)?;
    match elsewhere(exchange, &options) {
        Some(there) => Ok(there),
        None => begin_login(exchange, options, Goes::Now).await,
    }
}

/// Returns a URL as [`login_url_with`] does, for a page on which it may wait for a click.
pub(crate) async fn page_login_url(
    exchange: &Arc<Exchange>,
    options: LoginOptions,
) -> Result<String, AuthFailure> {
    let options = admit(exchange, options)?;
    match elsewhere(exchange, &options) {
        Some(there) => Ok(there),
        None => begin_login(exchange, options, Goes::OnPage).await,
    }
}

/// Returns the address of the login route, where this response cannot keep a login: it is for another host name, or for
/// a prefetch, whose cookies are not set.
fn elsewhere(exchange: &Arc<Exchange>, options: &LoginOptions) -> Option<String> {
    match exchange.changes_nothing() {
        true => Some(login_start_url(&exchange.engine, options)),
        false => on_our_host(exchange, &login_start_url(&exchange.engine, options)),
    }
}

/// Checks options before they are used: no text is too long, and `return_to` is a path on this site, or none.
fn admit(exchange: &Arc<Exchange>, mut options: LoginOptions) -> Result<LoginOptions, AuthFailure> {
    let engine = &exchange.engine;
    let path = options.return_to.as_deref();
    let path = path.and_then(|path| engine.site.return_to(path));
    options.return_to = path.map(ReturnTo::into_string);
    let too_long = |(_, value): &(_, String)| value.len() > MAX_OPTION;
    let Some((name, _)) = options.parameters().find(too_long) else {
        return Ok(options);
    };
    let mut receipt = Recorder::new();
    let refused = Err(FailureReason::ParameterTooLong { name });
    receipt
        .check("request", "OIDC Core §3.1.2.1", refused)
        .map_err(|reason| AuthFailure::new(reason, options.return_to, receipt))
}

/// Begins a login with options that [`admit`] has checked.
async fn begin_login(
    exchange: &Arc<Exchange>,
    options: LoginOptions,
    goes: Goes,
) -> Result<String, AuthFailure> {
    let engine = &exchange.engine;
    let home = || engine.site.home_path.clone();
    let return_to = options.return_to.clone().unwrap_or_else(home);
    let mut receipt = Recorder::new();
    let request = AuthorizationRequest::new(exchange, &options, &return_to, goes).await;
    let request = receipt.check("discovery", "OIDC Discovery §4", request);
    let kept = request.and_then(|request| {
        let kept = match request.login {
            Some(login) => keep_login(exchange, login, &request.binding),
            None => Ok(()),
        };
        receipt.check("pending login", "RFC 6265 §6.1", kept)?;
        Ok(request.url)
    });
    if kept.is_ok() {
        tracing::debug!("a login was started");
    }
    kept.map_err(|reason| AuthFailure::new(reason, Some(return_to), receipt))
}

/// What a login route has come to.
pub(crate) enum Started {
    /// There is nothing to begin here: send this.
    Reply(Reply),
    /// The login is about to begin.
    Ready(LoginStart),
}

/// A login that is about to begin at a login route: the app's hook `on_authorize_request` may change what it asks for.
pub struct LoginStart(Box<Start>);

struct Start {
    options: LoginOptions,
    client: Client,
    /// The class of authentication that the person has, where they log in again.
    present_acr: Option<String>,
    /// A session that another replica does not have.
    lost: Option<SessionId>,
}

impl LoginStart {
    /// Returns what the login asks for.
    pub fn options(&mut self) -> &mut LoginOptions {
        &mut self.0.options
    }
}

impl fmt::Debug for LoginStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginStart").finish_non_exhaustive()
    }
}

/// What a login route is asked for.
pub(crate) struct Wanted {
    pub(crate) options: LoginOptions,
    /// Whether somebody who is logged in is to log in again.
    pub(crate) is_again: bool,
}

impl Wanted {
    /// The address of the login route that asks for the same.
    fn here(&self, engine: &Engine) -> String {
        let url = login_start_url(engine, &self.options);
        match self.is_again {
            true => url + AGAIN,
            false => url,
        }
    }
}

/// Answers the login route: a document is sent to the provider, and a script is told the address.
///
/// A browser that came by another host name than the redirect URI's is sent to that one first, because cookies do not
/// cross. `HEAD` and prefetch start nothing, and neither does a request for a part of a page.
pub(crate) async fn start_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
) -> Result<Started, AuthFailure> {
    let query = query(request);
    let mut options = LoginOptions::from_query(&query);
    // A link on another site must not prolong what ends with the browser: the person has chosen nothing there.
    if options.remember == Some(true)
        && request.header("sec-fetch-site").as_deref() == Some("cross-site")
    {
        options.remember = None;
    }
    let is_again = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "again" && value == "1");
    start_login_with(exchange, request, Wanted { options, is_again }).await
}

/// Answers a route that starts a login with these options, as [`start_login`] does.
pub(crate) async fn start_login_with(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    mut wanted: Wanted,
) -> Result<Started, AuthFailure> {
    let engine = &exchange.engine;
    let client = Client::of(request);
    if let Some(nothing) = begins_nothing(exchange, request, client) {
        return Ok(Started::Reply(nothing));
    }
    wanted.options = admit(exchange, wanted.options)?;
    if client == Client::Turbo {
        let page = onward(exchange, &wanted.here(engine), false);
        return Ok(Started::Reply(page));
    }
    // A browser that was sent here already is where it should be: a proxy in front has changed `Host`.
    let query = query(request);
    let marked = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == HOST_MARK);
    if !marked && let Some(there) = on_our_host(exchange, &wanted.here(engine)) {
        return Ok(Started::Reply(lead_to(exchange, client, there)));
    }
    let lost = lost_elsewhere(exchange, &wanted.options).await;
    stop_loop(exchange, lost).await?;
    let mut options = wanted.options;
    let present_acr = match wanted.is_again {
        true => again(exchange, &mut options).await,
        false => None,
    };
    Ok(Started::Ready(LoginStart(Box::new(Start {
        options,
        client,
        present_acr,
        lost,
    }))))
}

/// Begins a login, with what the app's hook has made of its options.
pub(crate) async fn begin(
    exchange: &Arc<Exchange>,
    start: LoginStart,
) -> Result<Reply, AuthFailure> {
    let start = *start.0;
    let mut options = admit(exchange, start.options)?;
    // After the hook, which may have asked for a class itself.
    let asks = |(name, _): &(String, String)| name == "acr_values";
    if let Some(acr) = start.present_acr
        && options.acr_values.is_none()
        && !options.extra.iter().any(asks)
    {
        options.extra.push(("acr_values".to_owned(), acr));
    }
    let url = begin_login(exchange, options, Goes::Now).await;
    if let Some(session) = start.lost {
        exchange.engine.sessions.loops.unsee(session);
    }
    Ok(lead_to(exchange, start.client, url?))
}

/// Asks for the same person once more, and returns the class of authentication that they have, where the session says
/// what those are. The provider may heed both: only what the options ask for themselves is checked when the login comes
/// back.
///
/// It is here and not in the address of the login, which has no personal data.
async fn again(exchange: &Arc<Exchange>, options: &mut LoginOptions) -> Option<String> {
    let data = exchange.data().await.ok().flatten()?;
    let (claims, login) = data.known();
    let text = |claim: &str| claims.claims().get(claim)?.as_str().map(str::to_owned);
    let fits = |text: &String| !text.is_empty() && text.len() <= MAX_OPTION;
    if options.login_hint.is_none() {
        let hint = text("preferred_username").or_else(|| text("email"));
        options.login_hint = hint.filter(fits);
    }
    let acr = login.get("acr")?.as_str()?;
    Some(acr.to_owned()).filter(fits)
}

/// Returns a session that began here within the last minute and that no page has seen, where a page sent the browser to
/// log in: another replica does not have it.
async fn lost_elsewhere(exchange: &Arc<Exchange>, options: &LoginOptions) -> Option<SessionId> {
    options.return_to.as_ref()?;
    let engine = &exchange.engine;
    let binding = engine.binding().await.ok()?;
    engine.sessions.unseen(exchange.header(), &binding)
}

/// The answer to a request that must not begin a login.
fn begins_nothing(
    exchange: &Exchange,
    request: &impl RequestView,
    client: Client,
) -> Option<Reply> {
    exchange.touch();
    // Turbo shows what it has prefetched, and its answer begins nothing in any case.
    if client == Client::Turbo {
        return None;
    }
    if let Some(nothing) = exchange.changes_nothing_reply() {
        return Some(nothing);
    }
    // Each would leave a pending login behind, of which a browser can have five only.
    let goes_nowhere = client == Client::Part || is_no_cors(request);
    goes_nowhere.then(|| Reply::problem(403, "Only a document can begin a login", []))
}

/// Leads a client to where its login goes on. Only a document is redirected: scripts cannot follow to another site.
fn lead_to(exchange: &Exchange, client: Client, url: String) -> Reply {
    match client {
        Client::Htmx => Reply::empty(200).with("hx-redirect", url),
        Client::Script => Reply::address("login_url", &url),
        Client::Html => onward(exchange, &url, true),
        _ => Reply::see_other(url),
    }
}

/// A page that leads on to the login.
fn onward(exchange: &Exchange, url: &str, refreshes: bool) -> Reply {
    let sentence = "The login is on a page of its own.";
    let page = Page::new(PageKind::Login, 200, "Log in", sentence);
    exchange.show(page.onward("Log in", url, refreshes))
}

/// Returns the login route on the redirect URI's host name, when the browser came by another one: cookies do not cross
/// from one host name to another.
fn on_our_host(exchange: &Arc<Exchange>, login_here: &str) -> Option<String> {
    let (here, there) = (exchange.other_host()?, exchange.engine.site.host());
    tracing::warn!(
        here,
        there,
        "a login begins on another host name than the redirect URI's, where its cookie would be lost; the browser is \
         sent there"
    );
    let mut url = Url::parse(login_here).ok()?;
    url.query_pairs_mut().append_pair(HOST_MARK, here);
    Some(url.into())
}

/// Fails for a browser that was logged in several times in a row without a session that lasted: another login would
/// lead to the next one. A session that is `lost` elsewhere is none.
async fn stop_loop(exchange: &Arc<Exchange>, lost: Option<SessionId>) -> Result<(), AuthFailure> {
    let engine = &exchange.engine;
    let found =
        engine
            .sessions
            .loops
            .found(engine.now(), &engine.sessions.cookies, exchange.header());
    let Some(forget) = found else { return Ok(()) };
    if lost.is_none() && !matches!(user::user(exchange).await, Ok(None)) {
        return Ok(());
    }
    exchange.set_cookies([forget]);
    // Messages about the lost sessions would be wrong.
    drop(exchange.take_flashes());
    let mut receipt = Recorder::new();
    let looping = Err(FailureReason::LoginLoop(lost_session(exchange)));
    let stopped = receipt.check("session comes back", "RFC 6265 §5.4", looping);
    stopped.map_err(|reason| AuthFailure::new(reason, None, receipt))
}

/// Says what became of the session of a browser that is anonymous, as far as its cookies show it.
fn lost_session(exchange: &Exchange) -> LostSession {
    let sessions = &exchange.engine.sessions;
    let (cookies, header) = (&sessions.cookies, exchange.header());
    let in_store = sessions.store().is_some();
    match cookies.session_trace(header) {
        SessionTrace::Id if in_store => LostSession::NotStored,
        SessionTrace::Id => LostSession::OtherStore,
        _ if in_store && cookies.has(header, &cookies.session) => LostSession::OtherStore,
        SessionTrace::Sealed => LostSession::Refused,
        SessionTrace::OtherKey(sealed_with) => LostSession::CookieKeys {
            sealed_with,
            known: cookies.key_ids(),
        },
        SessionTrace::Nothing => {
            let read = |_: &[u8]| Some(());
            let name = &cookies.session;
            match cookies.under_other_name(header, Purpose::Session, name, read) {
                Some((there, ())) => LostSession::CookieName {
                    there: printable(&there, 64),
                    here: cookies.name_prefix().to_owned(),
                },
                None => LostSession::NoCookie,
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
