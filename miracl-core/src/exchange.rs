//! One request and its response: what the request asks with, and what the response changes.

pub(crate) mod leading;
mod pages;
pub(crate) mod session;

use std::sync::{
    Arc, Mutex, MutexGuard, Once, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    engine::{Engine, callbacks::orphan::Orphan},
    exchange::leading::{Leading, Unsent},
    session::{
        answers::Answers,
        cookies::{
            BUDGET, Cookies, MAX_DELETIONS, Ours,
            set_cookie::{Keep, SetCookie},
        },
        proposed::Proposed,
        seal::Purpose,
        sessions::Current,
    },
    trust::project_jwt::ProjectUser,
    web::{
        body::Unread,
        flash::{self, Category, Flash},
        headers::CookieHeader,
        reply::Reply,
        request::{RequestView, seen_headers},
    },
};

/// How many bytes of cookies one response may set before the log warns of them: nginx and others answer 502 where the
/// headers of a response pass 4 KB, unless they are told otherwise.
const MANY_BYTES: usize = 3584;
/// How much of a browser's name is kept, in bytes.
const MAX_USER_AGENT: usize = 256;

/// One request and its response.
pub(crate) struct Exchange {
    pub(crate) engine: Arc<Engine>,
    facts: Facts,
    state: Mutex<State>,
    /// Whether the request is no activity of the person, so that it does not move the idle deadline.
    no_activity: AtomicBool,
}

/// What is known of the request.
struct Facts {
    cookies: CookieHeader,
    /// Whether it must change nothing: a `HEAD`, a prefetch, or what another site made a browser send.
    changes_nothing: AtomicBool,
    /// Whether a browser asks before anybody has clicked.
    is_prefetch: bool,
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
    /// Whether somebody is logged in or out by this response.
    pub(crate) person_changed: bool,
    /// Whether something answered that a login goes through.
    pub(crate) answered: bool,
    /// Whether the request was refused.
    pub(crate) refused: bool,
    /// Whether the app's observers were told of that.
    pub(crate) refusal_told: bool,
    /// Why the body of the request was not read to its end.
    pub(crate) unread: Option<Unread>,
    /// The lead of a callback, while others may wait for it.
    pub(crate) leading: Option<Box<Leading>>,
    /// Whose project JWT the request has, once it was checked: it counts once. With it, what the app has answered about
    /// them.
    pub(crate) project_user: Option<Box<(ProjectUser, Answers)>>,
    /// What the app has answered, for the next one who asks.
    pub(crate) answers: Answers,
    /// The languages that the visitor prefers, once a route has answered.
    languages: Option<String>,
}

/// What a visit changes about its response.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The values of `Set-Cookie` headers, one for each cookie.
    pub set_cookies: Vec<String>,
    /// Whether the response must have `Cache-Control: no-store`, because it depends on or changes the session. It is
    /// `true` wherever a cookie is set. A `Cache-Control` that the app has set stays where [`keeps`](Self::keeps) says
    /// so.
    pub no_store: bool,
    /// Whether the response must have `Clear-Site-Data` with [`CLEAR_SITE_DATA`](Self::CLEAR_SITE_DATA), because it
    /// logs somebody in or out. It is `true` only where `no_store` is.
    pub clear_site_data: bool,
    /// Whether a route of the login has answered, or one that the app has in its place. Where it has not and the
    /// response is a 404, see [`LazyVisit::expects_route`](crate::adapter::LazyVisit::expects_route).
    pub answered: bool,
    /// Whether the request was refused, or answered without its body. What is left of that is to be read and dropped
    /// before the response is sent: see [`drop_body`](crate::adapter::drop_body).
    pub refused: bool,
}

impl Outcome {
    /// The value of `Clear-Site-Data`: browsers drop the pages that they have fetched before anybody has clicked, which
    /// would show the person from before.
    pub const CLEAR_SITE_DATA: &'static str = "\"prefetchCache\", \"prerenderCache\"";

    /// Returns whether the values of `Cache-Control` that the app has set stay, in place of `no-store`: they say
    /// `private` and not `public` (RFC 9111 §5.2.2), and no cookie is set.
    #[cold]
    pub fn keeps<'a>(&self, cache_control: impl IntoIterator<Item = &'a [u8]>) -> bool {
        if !self.set_cookies.is_empty() || self.clear_site_data {
            return false;
        }
        let (mut private, mut public) = (false, false);
        for value in cache_control {
            // Commas inside of quotes make pieces that are neither word.
            for directive in value.split(|byte| *byte == b',') {
                let directive = directive.trim_ascii();
                private |= directive.eq_ignore_ascii_case(b"private");
                public |= directive.eq_ignore_ascii_case(b"public");
            }
        }
        private && !public
    }
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
            changes_nothing: AtomicBool::new(seen.changes_nothing),
            is_prefetch: seen.is_prefetch,
            other_host,
            user_agent: user_agent(&engine, request),
        };
        Self {
            engine,
            facts,
            state: Mutex::default(),
            no_activity: AtomicBool::new(false),
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

    /// Whether this is the visit of a `HEAD`, a prefetch, or a request that another site made a browser send.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.facts.changes_nothing.load(Ordering::Relaxed)
    }

    /// Makes the request one that changes nothing.
    pub(crate) fn without_changes(&self) {
        self.facts.changes_nothing.store(true, Ordering::Relaxed);
    }

    /// Makes the request one that is no activity of the person.
    pub(crate) fn without_activity(&self) {
        self.no_activity.store(true, Ordering::Relaxed);
    }

    /// Whether the request moves the idle deadline of its session, where that is due.
    pub(crate) fn is_activity(&self) -> bool {
        !self.changes_nothing() && !self.no_activity.load(Ordering::Relaxed)
    }

    /// Whether this is the visit of a prefetch.
    pub(crate) fn is_prefetch(&self) -> bool {
        self.facts.is_prefetch
    }

    /// The answer to a request that must change nothing, from a route whose purpose is a change: nothing happens.
    pub(crate) fn changes_nothing_reply(&self) -> Option<Reply> {
        if self.facts.is_prefetch {
            return Some(Reply::too_early());
        }
        let no_content = || Reply::empty(204).with("cache-control", "no-store");
        self.changes_nothing().then(no_content)
    }

    /// Notes that the response depends on this browser, so that it must not be stored.
    pub(crate) fn touch(&self) {
        self.lock().touched = true;
    }

    /// Notes that this response logs somebody in or out, so that pages from before must not be shown.
    pub(crate) fn person_changed(&self) {
        self.lock().person_changed = true;
    }

    /// Notes that something answers that a login goes through.
    pub(crate) fn answers(&self) {
        self.lock().answered = true;
    }

    /// Notes that the request is refused, so that its body may not have been read.
    pub(crate) fn refuse(&self) {
        self.lock().refused = true;
    }

    /// Notes why the body of the request was not read to its end.
    pub(crate) fn leaves_unread(&self, unread: Unread) {
        self.lock().unread = Some(unread);
    }

    /// Why the body of the request was not read to its end.
    pub(crate) fn unread(&self) -> Option<Unread> {
        self.lock().unread
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

    /// Whether others wait for the answer to this callback.
    pub(crate) fn is_waited_for(&self) -> bool {
        let state = self.lock();
        state
            .leading
            .as_ref()
            .is_some_and(|leading| leading.is_waited_for())
    }

    /// Takes the answer of a callback whose session has begun, where others may wait for it.
    pub(crate) fn until_sent(&self) -> Option<Unsent> {
        let begun = |leading: &mut Box<Leading>| matches!(leading.left, Some(Orphan::Answer(_)));
        self.lock().leading.take_if(begun).map(Unsent)
    }

    /// What is changed about the response.
    pub(crate) fn finish(&self) -> Outcome {
        let cookies = &self.engine.sessions.cookies;
        let mut state = self.lock();
        if let Some(leading) = state.leading.take() {
            leading.end();
        }
        if self.changes_nothing() {
            return Outcome {
                clear_site_data: false,
                ..state.outcome(Vec::new(), state.touched)
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
            let no_store = state.touched || state.person_changed;
            return state.outcome(Vec::new(), no_store);
        }
        self.make_room(&mut state);
        let set_cookies: Vec<String> = std::mem::take(&mut state.cookies)
            .into_iter()
            .map(|cookie| cookie.line)
            .collect();
        warn_of_large(&set_cookies);
        state.outcome(set_cookies, true)
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

    /// Drops pending logins, in the order of the header, if the browser would hold more cookies than the budget allows.
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
    fn outcome(&self, set_cookies: Vec<String>, no_store: bool) -> Outcome {
        Outcome {
            set_cookies,
            no_store,
            clear_site_data: self.person_changed,
            answered: self.answered,
            refused: self.refused,
        }
    }

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

/// Warns once of a response whose cookies a proxy with small buffers does not pass on: everybody who logs in then gets
/// its 502, and nothing here fails.
fn warn_of_large(set_cookies: &[String]) {
    static TOLD: Once = Once::new();

    let line = |cookie: &String| "set-cookie: \r\n".len() + cookie.len();
    let bytes = set_cookies.iter().map(line).sum::<usize>();
    if bytes > MANY_BYTES {
        TOLD.call_once(|| {
            tracing::warn!(
                bytes,
                "a response sets more cookies than a proxy's default buffers may hold (nginx: 4 KB of headers), which \
                 answers 502 then: set `proxy_buffer_size 16k` there, or keep sessions in a store (SESSION_STORE)"
            );
        });
    }
}

/// Adds cookies to a response, each in place of an earlier one of its name.
pub(crate) fn put(cookies: &mut Vec<SetCookie>, set: impl IntoIterator<Item = SetCookie>) {
    for cookie in set {
        cookies.retain(|earlier| earlier.name != cookie.name);
        cookies.push(cookie);
    }
}

/// The browser's name, where it is going to be kept: where a session may begin, of an app that has a store for them.
fn user_agent(engine: &Engine, request: &impl RequestView) -> Option<String> {
    engine.sessions.store()?;
    if !engine.site.is_callback(request) && !engine.site.is_login_jwt(request) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apps_own_private_stays_unless_a_cookie_is_set() {
        for (values, stays) in [
            (&["private"][..], true),
            (&["private, max-age=60"], true),
            (&["max-age=60,PRIVATE"], true),
            (&["max-age=60", "private"], true),
            (&["private, no-cache"], true),
            (&["private, no-store"], true),
            (&[], false),
            (&[""], false),
            (&["no-cache"], false),
            (&["public, max-age=60"], false),
            (&["private, public"], false),
            (&["private", "public"], false),
            (&["max-age=60"], false),
            (&["private=\"set-cookie\""], false),
            (&["no-cache=\"a, private\""], false),
            (&["x-private"], false),
        ] {
            let kept =
                |outcome: Outcome| outcome.keeps(values.iter().map(|value| value.as_bytes()));
            assert_eq!(kept(Outcome::default()), stays, "{values:?}");
            assert!(!kept(Outcome {
                set_cookies: vec!["a=1".to_owned()],
                ..Outcome::default()
            }));
            assert!(!kept(Outcome {
                clear_site_data: true,
                ..Outcome::default()
            }));
        }
    }
}
