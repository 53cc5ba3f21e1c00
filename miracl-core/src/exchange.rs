//! One request and its response: what the request asks with, and what the response changes.

pub(crate) mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    engine::{
        Engine,
        callbacks::{Ended, Lead},
    },
    session::{
        cookies::{
            BUDGET, Cookies, MAX_DELETIONS, Ours,
            set_cookie::{Keep, SetCookie},
        },
        identity::SessionId,
        seal::Purpose,
        sessions::Current,
    },
    web::{
        flash::{self, Category, Flash},
        headers::CookieHeader,
        reply::Reply,
        request::{RequestView, seen_headers},
    },
};

/// How much of a browser's name is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// One request and its response.
pub(crate) struct Exchange {
    pub(crate) engine: Arc<Engine>,
    facts: Facts,
    state: Mutex<State>,
}

/// What is known of the request.
struct Facts {
    cookies: CookieHeader,
    /// Whether it must change nothing: a `HEAD` or a prefetch.
    idle: bool,
    /// Its host name, where it is another than the redirect URI's.
    other_host: Option<String>,
    /// The browser's name, where this may be a callback whose session goes to a store.
    user_agent: Option<String>,
}

/// What the response changes, as far as that is known by now.
#[derive(Default)]
pub(crate) struct State {
    /// Whether the session was looked for.
    pub(crate) read: bool,
    pub(crate) current: Option<Current>,
    /// A new session that waits for the hook.
    pub(crate) proposed: Option<Proposed>,
    /// The cookies of this response.
    pub(crate) cookies: Vec<SetCookie>,
    /// Messages, once the request's were opened.
    pub(crate) flashes: Option<Vec<Flash>>,
    pub(crate) flashes_changed: bool,
    /// Whether the session was read or written, so that the response must not be stored.
    pub(crate) touched: bool,
    /// The lead of a callback, while others may wait for it.
    pub(crate) leading: Option<Box<Leading>>,
}

/// A callback that others may wait for, and what they are told.
pub(crate) struct Leading {
    pub(crate) lead: Lead,
    /// Whether its session has begun.
    pub(crate) confirmed: bool,
    pub(crate) status: u16,
    pub(crate) location: String,
}

impl Leading {
    /// Tells those who wait where the browser is sent, if its login went well.
    fn end(self) {
        if self.confirmed {
            let (status, location) = (self.status, self.location);
            self.lead.end(Ended::Sent { status, location });
        }
    }
}

pub(crate) struct Proposed {
    pub(crate) current: Current,
    pub(crate) cookies: Vec<SetCookie>,
    /// The messages there were before the hook ran.
    pub(crate) flashes: Vec<Flash>,
    /// The session there was when the login began, where the callback comes without its cookies.
    pub(crate) replaces: Option<SessionId>,
}

/// What a visit changes about its response.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The values of `Set-Cookie` headers, one for each cookie.
    pub set_cookies: Vec<String>,
    /// Whether the response must have `Cache-Control: no-store`, because it depends on or changes the session.
    pub no_store: bool,
}

impl Exchange {
    /// Begins the exchange of one request. Keeps its cookies, and on the callback's path the browser's name, and does
    /// nothing else.
    pub(crate) fn new(engine: Arc<Engine>, request: &impl RequestView) -> Self {
        let seen = seen_headers(request, &engine.site.host_header);
        let other_host = match seen.own_host {
            true => None,
            false => engine.site.other_host(request),
        };
        let facts = Facts {
            cookies: seen.cookies,
            idle: seen.idle,
            other_host,
            user_agent: user_agent(&engine, request),
        };
        Self {
            engine,
            facts,
            state: Mutex::default(),
        }
    }

    /// The request's host name, where it is another than the redirect URI's.
    pub(crate) fn other_host(&self) -> Option<&str> {
        self.facts.other_host.as_deref()
    }

    /// The browser that asks, where its name is going to be kept.
    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.facts.user_agent.as_deref()
    }

    pub(crate) fn header(&self) -> &[u8] {
        self.facts.cookies.bytes()
    }

    /// Whether this is the visit of a `HEAD` or a prefetch.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.facts.idle
    }

    /// The answer of the login's routes to a `HEAD` or a prefetch: nothing, and nothing changes.
    pub(crate) fn idle_reply(&self) -> Option<Reply> {
        self.facts.idle.then(|| {
            Reply::empty(204)
                .with("cache-control", "no-store")
                .with("vary", "sec-purpose")
        })
    }

    /// Notes that the response depends on this browser, so that it must not be stored.
    pub(crate) fn touch(&self) {
        self.lock().touched = true;
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_cookies(&self, set: impl IntoIterator<Item = SetCookie>) {
        put(&mut self.lock().cookies, set);
    }

    /// Shows a message once.
    pub(crate) fn flash(&self, category: Category, text: String) {
        let mut state = self.lock();
        self.open_flashes(&mut state).push(Flash { category, text });
        state.flashes_changed = true;
    }

    /// Shows a message once, unless it waits to be shown already.
    pub(crate) fn flash_once(&self, category: Category, text: &str) {
        let mut state = self.lock();
        let waiting = self.open_flashes(&mut state);
        let waits = |flash: &Flash| flash.category == category && flash.text == text;
        if waiting.iter().any(waits) {
            return;
        }
        let text = text.to_owned();
        waiting.push(Flash { category, text });
        state.flashes_changed = true;
    }

    /// Takes the messages to show, oldest first.
    pub(crate) fn take_flashes(&self) -> Vec<Flash> {
        let mut state = self.lock();
        state.touched = true;
        let taken = std::mem::take(self.open_flashes(&mut state));
        state.flashes_changed |= !taken.is_empty();
        taken
    }

    /// What is changed about the response.
    pub(crate) fn finish(&self) -> Outcome {
        let cookies = &self.engine.sessions.cookies;
        let mut state = self.lock();
        if let Some(leading) = state.leading.take() {
            leading.end();
        }
        if self.facts.idle {
            return Outcome {
                set_cookies: Vec::new(),
                no_store: state.touched,
            };
        }
        if std::mem::take(&mut state.flashes_changed) {
            let flashes = state.flashes.clone().unwrap_or_default();
            let name = &cookies.flash;
            let sealed = (!flashes.is_empty())
                .then(|| {
                    let plain = flash::encode(&flashes);
                    cookies.seal(Purpose::Flash, name, &plain, Keep::BrowserSession)
                })
                .flatten();
            let others = self.bytes_after(&state, Some(Ours::Flash));
            match sealed {
                Some(set) if others + set.iter().map(|c| c.len).sum::<usize>() <= BUDGET => {
                    put(&mut state.cookies, set);
                }
                Some(_) => tracing::warn!("there is no room for flash messages beside the session"),
                None if cookies.has(self.header(), name) => {
                    put(&mut state.cookies, [cookies.delete(name)]);
                }
                None => {}
            }
        }
        if state.cookies.is_empty() {
            return Outcome {
                set_cookies: Vec::new(),
                no_store: state.touched,
            };
        }
        self.make_room(&mut state);
        let set_cookies = std::mem::take(&mut state.cookies)
            .into_iter()
            .map(|cookie| cookie.line)
            .collect();
        Outcome {
            set_cookies,
            no_store: true,
        }
    }

    pub(crate) fn open_flashes<'a>(&self, state: &'a mut State) -> &'a mut Vec<Flash> {
        state.flashes.get_or_insert_with(|| {
            let cookies = &self.engine.sessions.cookies;
            let read = |plain: &[u8]| Some(flash::decode(plain));
            cookies
                .open(self.header(), Purpose::Flash, &cookies.flash, read)
                .unwrap_or_default()
        })
    }

    /// How many bytes of our cookies the browser holds after this response, without the cookie `except`.
    fn bytes_after(&self, state: &State, except: Option<Ours>) -> usize {
        let cookies = &self.engine.sessions.cookies;
        let mut others = state.ours(cookies);
        others.extend(except);
        cookies.sent(self.header(), &others).bytes() + state.bytes()
    }

    /// Drops logins under way, the first of the header first, where the browser would hold more than the budget of
    /// cookies.
    fn make_room(&self, state: &mut State) {
        let cookies = &self.engine.sessions.cookies;
        let grows = state.cookies.iter().any(|cookie| cookie.len > 0);
        if !grows {
            return;
        }
        let sent = cookies.sent(self.header(), &state.ours(cookies));
        let mut bytes = sent.bytes() + state.bytes();
        let deleted = state.cookies.iter().filter(|cookie| cookie.len == 0);
        let more = MAX_DELETIONS.saturating_sub(deleted.count());
        for (number, _, of_it) in sent.first_logins.iter().take(more) {
            if bytes <= BUDGET {
                break;
            }
            bytes = bytes.saturating_sub(*of_it);
            put(
                &mut state.cookies,
                [cookies.delete(&cookies.login_name(*number))],
            );
        }
    }
}

impl State {
    /// Which of our cookies this response sets or deletes.
    pub(crate) fn ours(&self, cookies: &Cookies) -> Vec<Ours> {
        let names = self.cookies.iter().map(|cookie| &cookie.name);
        names.filter_map(|name| cookies.ours(name)).collect()
    }

    /// How many bytes the cookies are that this response sets.
    pub(crate) fn bytes(&self) -> usize {
        self.cookies.iter().map(|cookie| cookie.len).sum()
    }
}

/// Adds cookies to a response, each in place of an earlier one of its name.
pub(crate) fn put(cookies: &mut Vec<SetCookie>, set: impl IntoIterator<Item = SetCookie>) {
    for cookie in set {
        cookies.retain(|earlier| earlier.name != cookie.name);
        cookies.push(cookie);
    }
}

/// The browser's name, where it is going to be kept: on the callback's path, of an app whose sessions are in a store.
fn user_agent(engine: &Engine, request: &impl RequestView) -> Option<String> {
    engine.sessions.store()?;
    if !engine.site.is_callback(request) {
        return None;
    }
    let name = request.header_values("user-agent").next()?;
    let printable = name.iter().filter(|byte| matches!(byte, b' '..=b'~'));
    let name: String = printable
        .copied()
        .take(MAX_USER_AGENT)
        .map(char::from)
        .collect();
    Some(name).filter(|name| !name.trim().is_empty())
}
