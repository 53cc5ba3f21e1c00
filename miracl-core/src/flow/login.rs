//! Starting a login: the pending login in its cookie, and the authorization request (OpenID Connect Core 1.0 §3.1.2.1).

use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use url::{Url, form_urlencoded};

use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::exchange::put;
use crate::flow::user;
use crate::session::cookies::MAX_DELETIONS;
use crate::{
    base::text::printable,
    config::options::{Pkce, ResponseMode},
    error::{login::FailureReason, provider::ProviderError},
    flow::{
        hook::AuthFailure,
        options::{LoginOptions, MAX_OPTION, RESERVED},
        pending::{PendingLogin, cookie_name, mark},
    },
    receipt::Recorder,
    session::{
        binding::Binding,
        cookies::{
            BUDGET, Cookies, Ours, SESSION_BUDGET,
            sent::Sent,
            set_cookie::{Keep, SetCookie},
        },
        identity::SessionId,
        seal::Purpose,
    },
    web::{
        reply::Reply,
        request::{RequestView, query},
        return_to::ReturnTo,
    },
};
use std::sync::Arc;

/// How many logins one browser may have under way.
const MAX_LOGINS: usize = 5;

/// Marks a request that was sent here from another host name, so that it is not sent again.
const HOST_MARK: &str = "from_other_host";

/// The logins under way that a request has, as far as they are looked at: when each was begun, which it is, and its
/// bytes. One that does not open is of another replica's key, or broken, and counts as oldest.
fn oldest_first(cookies: &Cookies, sent: &Sent<'_>, binding: &Binding) -> Vec<(u64, u32, usize)> {
    let mut logins: Vec<(u64, u32, usize)> = Vec::new();
    for (number, value, bytes) in &sent.first_logins {
        let opened = cookies.open_login(*number, value);
        let login = opened.and_then(|plain| PendingLogin::decode(&plain, binding));
        let created = login.map_or(0, |login| login.created_ms);
        match logins.iter_mut().find(|(_, known, _)| known == number) {
            Some(known) => *known = (known.0.max(created), *number, known.2 + bytes),
            None => logins.push((created, *number, *bytes)),
        }
    }
    logins.sort_unstable();
    logins
}

/// Returns the absolute URL of this app's own login route, for a link or a button.
pub(crate) fn login_start_url(engine: &Engine, options: &LoginOptions) -> String {
    let mut url = engine.site.login_start();
    let pairs = options
        .return_to
        .iter()
        .map(|path| ("return_to", path.clone()))
        .chain(options.parameters());
    for (name, value) in pairs {
        url.query_pairs_mut().append_pair(name, &value);
    }
    url.into()
}

/// As [`login_url`](Self::login_url), with what this login is to ask for.
pub(crate) async fn login_url_with(
    exchange: &Arc<Exchange>,
    options: LoginOptions,
) -> Result<String, AuthFailure> {
    let options = admit(exchange, options)?;
    match on_our_host(exchange, &options) {
        Some(there) => Ok(there),
        None => begin_login(exchange, options).await,
    }
}

/// Takes options as they may be acted on: each of a sensible length, and a path to return to that is one.
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

/// Begins a login with options that were admitted.
async fn begin_login(
    exchange: &Arc<Exchange>,
    options: LoginOptions,
) -> Result<String, AuthFailure> {
    let engine = &exchange.engine;
    let home = || engine.config.home_path.clone();
    let return_to = options.return_to.clone().unwrap_or_else(home);
    let mut receipt = Recorder::new();
    let request = authorization_request(exchange, &options, &return_to).await;
    let request = receipt.check("discovery", "OIDC Discovery §4", request);
    let kept = request.and_then(|(url, login, binding)| {
        let kept = keep_login(exchange, login, &binding);
        receipt.check("pending login", "RFC 6265 §6.1", kept)?;
        Ok(url)
    });
    if kept.is_ok() {
        tracing::debug!("a login was started");
    }
    kept.map_err(|reason| AuthFailure::new(reason, Some(return_to), receipt))
}

async fn authorization_request(
    exchange: &Arc<Exchange>,
    options: &LoginOptions,
    return_to: &str,
) -> Result<(String, PendingLogin, Binding), ProviderError> {
    let engine = &exchange.engine;
    let config = &engine.config;
    let metadata = engine.provider().metadata_for_login().await?;
    let client_id = engine.provider().client.id().await?;
    let malformed = |detail: String| ProviderError::Malformed {
        endpoint: "authorization_endpoint",
        detail,
    };
    let mut url = Url::parse(&metadata.authorization_endpoint)
        .map_err(|error| malformed(error.to_string()))?;
    // A form that the provider's page posts comes without the session's cookies.
    let replaces = match config.response_mode {
        ResponseMode::Query => None,
        ResponseMode::FormPost => user::user(exchange)
            .await
            .ok()
            .flatten()
            .map(|user| user.0.id),
    };
    let now_ms = config.clock.now_ms();
    let login = PendingLogin::new(options, return_to.to_owned(), replaces, now_ms);
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", &config.redirect_uri)
            .append_pair("scope", &config.scopes.join(" "))
            .append_pair("state", &login.state())
            .append_pair("nonce", &login.nonce());
        if config.response_mode == ResponseMode::FormPost {
            query.append_pair("response_mode", "form_post");
        }
        if config.pkce == Pkce::S256 {
            let verifier = PkceCodeVerifier::new(login.verifier());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
            query
                .append_pair("code_challenge", challenge.as_str())
                .append_pair("code_challenge_method", "S256");
        }
        for (name, value) in options.parameters() {
            query.append_pair(name, &value);
        }
        for (name, value) in &options.extra {
            // Some providers do not look at the case of a name.
            if RESERVED.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
                tracing::warn!(
                    name = printable(name, 64),
                    "a reserved parameter cannot be set and is left out"
                );
            } else {
                query.append_pair(name, value);
            }
        }
    }
    Ok((url.into(), login, engine.binding().await?))
}

/// Puts a pending login into its cookie, and makes room for it: for older logins first, then for a message.
///
/// What fits beside the session is never refused, whatever else the browser sends under our names.
fn keep_login(
    exchange: &Arc<Exchange>,
    mut login: PendingLogin,
    binding: &Binding,
) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    let cookies = &engine.sessions.cookies;
    let name = cookie_name(&cookies.login_prefix, &mark(&login.state()));
    let keep = Keep::Seconds(engine.config.login_timeout.as_secs());
    let seal = |login: &PendingLogin| {
        let sealed = cookies.seal(Purpose::Login, &name, &login.encode(binding), keep);
        sealed.unwrap_or_default()
    };
    let mut state = exchange.lock();
    let ours = state.ours(cookies);
    let sent = cookies.sent(exchange.header(), &ours);
    let of_session = state.cookies.iter().filter(|cookie| {
        let ours = cookies.ours(&cookie.name);
        matches!(ours, Some(Ours::Session | Ours::Data(_)))
    });
    let session: usize = of_session.map(|cookie| cookie.len).sum();
    let room = BUDGET - (sent.session + session).min(SESSION_BUDGET);
    let fits = |sealed: &[SetCookie]| matches!(sealed, [one] if one.len <= room);
    let mut sealed = seal(&login);
    if !fits(&sealed) && login.return_to != engine.config.home_path {
        tracing::warn!(
            "the path to return to does not fit into a login's cookie beside the session's: the login leads home"
        );
        login.return_to.clone_from(&engine.config.home_path);
        sealed = seal(&login);
    }
    let new_len: usize = sealed.iter().map(|cookie| cookie.len).sum();
    if !fits(&sealed) {
        return Err(FailureReason::LoginTooLarge {
            bytes: new_len,
            limit: room,
        });
    }
    let mut bytes = sent.bytes() + state.bytes() + new_len;
    let of_response = ours.iter().zip(&state.cookies).filter(|(_, c)| c.len > 0);
    let of_response: Vec<(u64, u32, usize)> = of_response
        .filter_map(|(ours, cookie)| match ours {
            Ours::Login(number) => Some((u64::MAX, *number, cookie.len)),
            _ => None,
        })
        .collect();
    let mut dropped = Vec::new();
    if sent.first_logins.len() + of_response.len() >= MAX_LOGINS || bytes > BUDGET {
        let mut others = oldest_first(cookies, &sent, binding);
        others.extend(of_response);
        // More than a browser of ours can have: somebody plays. They go a few at a time.
        for (place, (_, number, of_it)) in others.iter().enumerate().take(MAX_DELETIONS) {
            let too_many = others.len() - place >= MAX_LOGINS;
            if !too_many && bytes <= BUDGET {
                break;
            }
            bytes = bytes.saturating_sub(*of_it);
            dropped.push(cookies.delete(&cookies.login_name(*number)));
        }
        if bytes > BUDGET && sent.flash > 0 {
            dropped.push(cookies.delete(&cookies.flash));
        }
    }
    put(&mut state.cookies, dropped.into_iter().chain(sealed));
    Ok(())
}

/// Tells the logins that are still under way in this browser which session there is now: their callbacks come
/// without its cookies, and are to end it. What has no room beside it any more is given up.
pub(crate) fn tell_logins_of(exchange: &Arc<Exchange>, session: SessionId, binding: &Binding) {
    let engine = &exchange.engine;
    let (config, cookies) = (&engine.config, &engine.sessions.cookies);
    if config.response_mode != ResponseMode::FormPost {
        return;
    }
    let now_ms = config.clock.now_ms();
    let mut state = exchange.lock();
    let sent = cookies.sent(exchange.header(), &state.ours(cookies));
    let mut bytes = state.bytes() + sent.session + sent.flash;
    let mut told: Vec<SetCookie> = Vec::new();
    for (number, value, _) in &sent.first_logins {
        let name = cookies.login_name(*number);
        if told.len() == MAX_LOGINS || told.iter().any(|one| one.name == name) {
            continue;
        }
        let opened = cookies.open_login(*number, value);
        let login = opened.and_then(|plain| PendingLogin::decode(&plain, binding));
        let Some(mut login) = login else { continue };
        let Some(left) = config.login_timeout.checked_sub(login.age(now_ms)) else {
            continue;
        };
        login.replaces = Some(session);
        let keep = Keep::Seconds(left.as_secs());
        let sealed = cookies.seal(Purpose::Login, &name, &login.encode(binding), keep);
        let one = match sealed.as_deref() {
            Some([one]) if bytes + one.len <= BUDGET => one.clone(),
            _ => cookies.delete(&name),
        };
        bytes += one.len;
        told.push(one);
    }
    put(&mut state.cookies, told);
}

/// Answers the login route: 303 to the provider.
///
/// A browser that came by another host name than the redirect URI's is sent to that one first, because cookies do not
/// cross. `HEAD` and prefetch start nothing and get 204.
pub(crate) async fn start_login(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
) -> Result<Reply, AuthFailure> {
    exchange.touch();
    if let Some(nothing) = exchange.idle_reply() {
        return Ok(nothing);
    }
    let options = LoginOptions::from_query(&query(request));
    start_login_with(exchange, request, options).await
}

/// The same for options from elsewhere.
pub(crate) async fn start_login_with(
    exchange: &Arc<Exchange>,
    request: &impl RequestView,
    options: LoginOptions,
) -> Result<Reply, AuthFailure> {
    let options = admit(exchange, options)?;
    // With the mark, a proxy in front changes `Host`, and the browser is where it should be.
    let query = query(request);
    let marked = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == HOST_MARK);
    if !marked && let Some(there) = on_our_host(exchange, &options) {
        return Ok(Reply::see_other(there));
    }
    stop_loop(exchange).await?;
    let url = begin_login(exchange, options).await?;
    Ok(Reply::see_other(url))
}

/// The login route on the redirect URI's host name, when the browser came by another: cookies do not cross.
fn on_our_host(exchange: &Arc<Exchange>, options: &LoginOptions) -> Option<String> {
    let (here, there) = (exchange.other_host()?, exchange.engine.site.host());
    tracing::warn!(
        here,
        there,
        "a login begins on another host name than the redirect URI's, where its cookie would be lost; the browser is sent there"
    );
    let mut url = Url::parse(&login_start_url(&exchange.engine, options)).ok()?;
    url.query_pairs_mut().append_pair(HOST_MARK, here);
    Some(url.into())
}

/// Ends a loop: a browser that was logged in several times in a row, and is nobody again.
async fn stop_loop(exchange: &Arc<Exchange>) -> Result<(), AuthFailure> {
    let engine = &exchange.engine;
    let found =
        engine
            .sessions
            .loops
            .found(engine.now(), &engine.sessions.cookies, exchange.header());
    let Some(forget) = found else { return Ok(()) };
    if !matches!(user::user(exchange).await, Ok(None)) {
        return Ok(());
    }
    exchange.set_cookies([forget]);
    // What they say of sessions that got lost would be wrong.
    drop(exchange.take_flashes());
    let mut receipt = Recorder::new();
    let looping = Err(FailureReason::LoginLoop);
    let stopped = receipt.check("session comes back", "RFC 6265 §5.4", looping);
    stopped.map_err(|reason| AuthFailure::new(reason, None, receipt))
}

#[cfg(test)]
mod tests;
