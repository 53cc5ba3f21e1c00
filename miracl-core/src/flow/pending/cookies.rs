//! Pending logins in the browser's cookies: the room for a new one, and what they are told of a new session.

use std::sync::Arc;

use crate::{
    config::options::ResponseMode,
    error::login::FailureReason,
    exchange::{Exchange, put},
    flow::pending::{PendingLogin, STATE_LEN, cookie_name, mark},
    session::{
        binding::Binding,
        cookies::{
            BUDGET, Cookies, MAX_DELETIONS, Ours, SESSION_BUDGET,
            sent::Sent,
            set_cookie::{Keep, SetCookie},
        },
        identity::SessionId,
        seal::Purpose,
    },
};

/// How many logins one browser may have under way.
const MAX_LOGINS: usize = 5;

/// Puts a pending login into its cookie. Where there is no room for it, older logins are dropped first, then messages.
///
/// A login that fits beside the session is never refused, whatever else the browser sends under the names of our
/// cookies.
pub(crate) fn keep_login(
    exchange: &Arc<Exchange>,
    mut login: PendingLogin,
    binding: &Binding,
) -> Result<(), FailureReason> {
    let engine = &exchange.engine;
    let cookies = &engine.sessions.cookies;
    let name = cookie_name(&cookies.login_prefix, &mark(&login.state()));
    let lifetime = login.lifetime(engine.config.login_timeout);
    // Rounded up: a login that has just been made has its whole lifetime.
    let left = lifetime.saturating_sub(login.age(engine.now_ms()));
    let keep = Keep::Seconds(left.as_secs() + u64::from(left.subsec_millis() > 0));
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
    if !fits(&sealed) && login.return_to != engine.site.home_path {
        tracing::warn!(
            "the path to return to does not fit into a login's cookie beside the session's: the login leads home"
        );
        login.return_to.clone_from(&engine.site.home_path);
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
    let of_response: Vec<InBrowser> = of_response
        .filter_map(|(ours, cookie)| match ours {
            Ours::Login(number) => Some(InBrowser {
                created_ms: u64::MAX,
                number: *number,
                bytes: cookie.len,
            }),
            _ => None,
        })
        .collect();
    let mut dropped = Vec::new();
    if sent.first_logins.len() + of_response.len() >= MAX_LOGINS || bytes > BUDGET {
        let mut others = oldest_first(cookies, &sent, binding);
        others.extend(of_response);
        // More than MAX_DELETIONS are no work of this library: they are deleted a few at a time.
        for (place, other) in others.iter().enumerate().take(MAX_DELETIONS) {
            let too_many = others.len() - place >= MAX_LOGINS;
            if !too_many && bytes <= BUDGET {
                break;
            }
            bytes = bytes.saturating_sub(other.bytes);
            dropped.push(cookies.delete(&cookies.login_name(other.number)));
        }
        if bytes > BUDGET && sent.flash > 0 {
            dropped.push(cookies.delete(&cookies.flash));
        }
    }
    put(&mut state.cookies, dropped.into_iter().chain(sealed));
    Ok(())
}

/// Finds a login in the browser's cookies whose address another page may have as well: `login` was made for that page.
pub(crate) fn page_login(
    exchange: &Arc<Exchange>,
    login: &PendingLogin,
    binding: &Binding,
) -> Option<PendingLogin> {
    let cookies = &exchange.engine.sessions.cookies;
    // What this response deletes or sets is over, or another's.
    let ours = exchange.lock().ours(cookies);
    let sent = cookies.sent(exchange.header(), &ours);
    let found = sent.first_logins.iter().filter_map(|(number, value, _)| {
        let opened = cookies.open_login(*number, value)?;
        PendingLogin::decode(&opened, binding).filter(|found| found.serves(login))
    });
    found.max_by_key(|found| found.created_ms)
}

/// Finds the login of this `state` in the browser's cookies. It stays there.
pub(crate) fn pending_login(
    exchange: &Arc<Exchange>,
    state: &str,
    binding: &Binding,
) -> Option<PendingLogin> {
    if state.len() != STATE_LEN {
        return None;
    }
    let cookies = &exchange.engine.sessions.cookies;
    let name = cookie_name(&cookies.login_prefix, &mark(state));
    let read = |plain: &[u8]| {
        let login = PendingLogin::decode(plain, binding);
        login.filter(|login| login.has_state(state))
    };
    cookies.open(exchange.header(), Purpose::Login, &name, read)
}

/// Drops the logins whose addresses are on pages, when somebody logs in or out: whoever saw such a page before must not
/// be able to end what the next person begins.
pub(crate) fn drop_page_logins(exchange: &Arc<Exchange>, binding: &Binding) {
    let cookies = &exchange.engine.sessions.cookies;
    let mut state = exchange.lock();
    let sent = cookies.sent(exchange.header(), &state.ours(cookies));
    let mut dropped: Vec<SetCookie> = Vec::new();
    for (number, value, _) in &sent.first_logins {
        let name = cookies.login_name(*number);
        if dropped.len() == MAX_DELETIONS || dropped.iter().any(|one| one.name == name) {
            continue;
        }
        let opened = cookies.open_login(*number, value);
        let login = opened.and_then(|plain| PendingLogin::decode(&plain, binding));
        if login.is_some_and(|login| login.is_for_page()) {
            dropped.push(cookies.delete(&name));
        }
    }
    put(&mut state.cookies, dropped);
}

/// Writes the new session's id into the logins that are still pending in this browser: with `form_post` their callbacks
/// come without the session's cookies, and end the session by this id. A login for which there is no room any more
/// beside the session is dropped.
pub(crate) fn tell_of_session(exchange: &Arc<Exchange>, session: SessionId, binding: &Binding) {
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
        let lifetime = login.lifetime(config.login_timeout);
        let Some(left) = lifetime.checked_sub(login.age(now_ms)) else {
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

/// A pending login in the browser. The order is by age, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct InBrowser {
    /// 0 for one that does not open: it is sealed with another replica's key, or broken, and counts as oldest.
    created_ms: u64,
    /// The number in its cookie's name.
    number: u32,
    bytes: usize,
}

/// Returns the pending logins that a request has, as far as they are looked at, oldest first.
fn oldest_first(cookies: &Cookies, sent: &Sent<'_>, binding: &Binding) -> Vec<InBrowser> {
    let mut logins: Vec<InBrowser> = Vec::new();
    for (number, value, bytes) in &sent.first_logins {
        let opened = cookies.open_login(*number, value);
        let login = opened.and_then(|plain| PendingLogin::decode(&plain, binding));
        let created_ms = login.map_or(0, |login| login.created_ms);
        match logins.iter_mut().find(|known| known.number == *number) {
            Some(known) => {
                known.created_ms = known.created_ms.max(created_ms);
                known.bytes += bytes;
            }
            None => logins.push(InBrowser {
                created_ms,
                number: *number,
                bytes: *bytes,
            }),
        }
    }
    logins.sort_unstable();
    logins
}

#[cfg(test)]
mod tests;
