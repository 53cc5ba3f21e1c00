//! Our cookies: their names and attributes, how they are found in a request, and how they are cut into parts.

#[cfg(test)]
pub(crate) mod flood;
#[cfg(test)]
pub(crate) mod work;

use std::mem::MaybeUninit;

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};
use cookie::{Cookie, SameSite};

use crate::{
    config::{check::Checked, options::ResponseMode},
    session::{
        identity::SessionId,
        seal::{KeyRing, Opened, Plain, Purpose, SealNonce, parts},
    },
};

/// All of our cookies together, names and values: browsers and servers begin to refuse at 8 KB of headers.
pub(crate) const BUDGET: usize = 7 * 1024;
/// What the session may take of it, so that a login can be started and a message shown beside it.
pub(crate) const SESSION_BUDGET: usize = BUDGET - 1024;
/// The most characters of one cookie's value. Browsers keep 4096 bytes with name and attributes (RFC 6265 §6.1).
const PART_LEN: usize = 3800;
/// A text up to this many characters opens without memory of its own: the small part of a session with names of usual length.
const SMALL: usize = 640;
/// More parts than fit into the budget.
const MAX_PARTS: usize = 3;
/// How many logins under way one response deletes, so that it has not too many headers.
pub(crate) const MAX_DELETIONS: usize = 10;
/// How many values of one name are tried. A browser sends several where another app of the host set the name for a
/// longer path or for a parent domain, and the good one is behind them. Each of them costs a decryption, or a question
/// to the store of sessions.
pub(crate) const TRIES: usize = 4;
/// The longest value that is tried: no browser keeps a longer one.
const MAX_VALUE: usize = 4096;
/// How many pending logins of a request are looked at: as many as one response deletes, and those that may stay.
const MAX_LOGINS_SEEN: usize = 14;

/// The names of our cookies and what they have in common.
#[derive(Debug)]
pub(crate) struct Cookies {
    /// What all of the names begin with.
    prefix: String,
    pub(crate) session: String,
    pub(crate) data: String,
    pub(crate) flash: String,
    /// What the names of all pending logins begin with.
    pub(crate) login_prefix: String,
    /// Counts logins that led to nothing; see [`Loops`](crate::session::loops::Loops).
    pub(crate) loops: String,
    secure: bool,
    /// Whether the callback comes from the provider's site, which a `Lax` cookie would not survive.
    cross_site_callback: bool,
    keys: KeyRing,
}

/// Which of our cookies a name is. Another app of the host may have a prefix that begins with ours, so names are
/// compared whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    Session,
    /// A part of the session's data, from 0.
    Data(usize),
    Flash,
    Loops,
    /// A pending login, by the eight hexadecimal digits of its name.
    Login(u32),
}

/// What a request has of our cookies, from one walk over its header.
#[derive(Debug, Default)]
pub(crate) struct Sent<'h> {
    /// How many bytes the session's cookies are, and the one that counts logins: names and values.
    pub(crate) session: usize,
    pub(crate) flash: usize,
    /// All pending logins.
    pub(crate) logins: usize,
    /// The first of them, in the order of the header: which, its value, and its bytes.
    pub(crate) first_logins: Vec<(u32, &'h [u8], usize)>,
}

impl Sent<'_> {
    /// How many bytes they are all together.
    pub(crate) fn bytes(&self) -> usize {
        self.session + self.flash + self.logins
    }
}

/// The nonces that the values of the session's data have, as far as they are tried.
#[derive(Default)]
struct Nonces {
    found: [SealNonce; TRIES],
    len: usize,
}

impl Nonces {
    fn is_full(&self) -> bool {
        self.len == TRIES
    }

    fn push(&mut self, nonce: SealNonce) {
        if let Some(place) = self.found.get_mut(self.len) {
            *place = nonce;
            self.len += 1;
        }
    }

    fn has(&self, nonce: SealNonce) -> bool {
        self.found
            .iter()
            .take(self.len)
            .any(|found| *found == nonce)
    }
}

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    /// For so many seconds.
    Seconds(u64),
    /// Until the browser is closed.
    BrowserSession,
}

/// A cookie to be set: its name, its value, and the whole header line.
#[derive(Debug, Clone)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    /// Name and value as the browser sends them back, in bytes; 0 for a deletion.
    pub(crate) len: usize,
    pub(crate) line: String,
    /// Of the first part of a sealed value.
    pub(crate) nonce: Option<SealNonce>,
}

impl Cookies {
    pub(crate) fn new(checked: &Checked) -> Self {
        let prefix = &checked.config.cookie_prefix;
        let host = if checked.secure { "__Host-" } else { "" };
        Self {
            prefix: format!("{host}{prefix}-"),
            session: format!("{host}{prefix}-session"),
            data: format!("{host}{prefix}-data"),
            flash: format!("{host}{prefix}-flash"),
            login_prefix: format!("{host}{prefix}-login-"),
            loops: format!("{host}{prefix}-loop"),
            secure: checked.secure,
            cross_site_callback: checked.config.response_mode == ResponseMode::FormPost,
            keys: KeyRing::new(&checked.config.cookie_keys),
        }
    }

    /// Seals a value and cuts it into as many cookies as it takes. None when it does not fit into any.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
        keep: Keep,
    ) -> Option<Vec<SetCookie>> {
        let value = self.keys.seal(purpose, name, plain, PART_LEN)?;
        let cookies = value
            .as_bytes()
            .chunks(PART_LEN)
            .enumerate()
            .map(|(place, part)| {
                let part = std::str::from_utf8(part).expect("base64 is ASCII");
                self.set(part_name(name, place), part, Some(keep))
            })
            .collect();
        Some(cookies)
    }

    /// Seals a value that goes into no cookie, and is as long as it is.
    pub(crate) fn seal_value(&self, purpose: Purpose, name: &str, plain: &[u8]) -> Option<String> {
        self.keys.seal(purpose, name, plain, usize::MAX)
    }

    /// Deletes a cookie, with the attributes it was made with.
    pub(crate) fn delete(&self, name: &str) -> SetCookie {
        self.set(name.to_owned(), "", None)
    }

    /// Sets a value that is not sealed, because it says nothing of anybody.
    pub(crate) fn set_plain(&self, name: &str, value: &str, keep: Keep) -> SetCookie {
        self.set(name.to_owned(), value, Some(keep))
    }

    /// Finds the values of a name that are not sealed, as far as they are tried.
    pub(crate) fn plain<'a>(
        &self,
        header: &'a [u8],
        name: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        values(header, name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .take(TRIES)
    }

    /// Finds the ids of sessions that are kept in a store, as far as they are tried. Only what could be one counts.
    pub(crate) fn ids<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = SessionId> {
        let read = |value: &[u8]| {
            let mut id = SessionId::default();
            let decoded = (value.len() == BASE64.encoded_length(id.0.len()))
                .then(|| BASE64.decode(value, id.0.as_mut_slice().as_out()));
            decoded?.is_ok().then_some(id)
        };
        values(header, &self.session).filter_map(read).take(TRIES)
    }

    /// Whether a request has a cookie of this name.
    pub(crate) fn has(&self, header: &[u8], name: &str) -> bool {
        values(header, name).next().is_some()
    }

    /// Deletes every part that a value may have besides the first `kept`, whether the request has them or not.
    pub(crate) fn delete_parts(&self, name: &str, kept: usize) -> Vec<SetCookie> {
        (kept..MAX_PARTS)
            .map(|place| self.delete(&part_name(name, place)))
            .collect()
    }

    /// The one descriptor of a cookie, by which it is both made and deleted.
    fn set(&self, name: String, value: &str, keep: Option<Keep>) -> SetCookie {
        let is_login = || matches!(self.ours(&name), Some(Ours::Login(_)));
        let cross_site = self.cross_site_callback && is_login();
        let mut cookie = Cookie::build((name.as_str(), value))
            .path("/")
            .http_only(true)
            .same_site(if cross_site {
                SameSite::None
            } else {
                SameSite::Lax
            })
            // Browsers take `SameSite=None` only together with it, and on loopback without TLS as well.
            .secure(self.secure || cross_site);
        match keep {
            None => {
                // Both, because old browsers know only one of them.
                cookie = cookie
                    .max_age(cookie::time::Duration::ZERO)
                    .expires(cookie::time::OffsetDateTime::UNIX_EPOCH);
            }
            Some(Keep::Seconds(seconds)) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
            }
            Some(Keep::BrowserSession) => {}
        }
        let len = if keep.is_some() {
            name.len() + 1 + value.len()
        } else {
            0
        };
        SetCookie {
            line: cookie.build().to_string(),
            nonce: crate::session::seal::nonce(value.as_bytes()),
            len,
            name,
        }
    }

    /// Finds a value of one part in the `Cookie` header, opens it and reads it.
    ///
    /// Where the same name comes several times, the first that `read` takes counts, of at most [`TRIES`].
    pub(crate) fn open<T>(
        &self,
        header: &[u8],
        purpose: Purpose,
        name: &str,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let open = |value| match self.keys.open(purpose, name, value) {
            Opened::Plain { plain, .. } => read(&plain),
            Opened::Foreign | Opened::Broken => None,
        };
        let found = values(header, name)
            .filter(|value| self.may_open(value))
            .take(TRIES)
            .find_map(open);
        if found.is_none() && self.has(header, name) {
            tracing::debug!(
                name,
                "no cookie of this name counts: it is damaged, of another client, or of an unknown key"
            );
        }
        found
    }

    /// Finds the two cookies of a session. `read` is told what is in the small one, and whether the first key sealed
    /// it; it returns the session, if that counts, and the nonce of the large one. Beside the session stands whether
    /// the large one is there.
    ///
    /// Where a name comes several times, those that belong together count, of at most [`TRIES`] of each.
    ///
    /// It takes no memory for a value of the usual size, and looks no further than it must: this runs for each request of a
    /// logged-in user.
    pub(crate) fn read_session<T>(
        &self,
        header: &[u8],
        read: impl Fn(&[u8], bool) -> Option<(T, SealNonce)>,
    ) -> Option<(T, bool)> {
        let mut session: Option<(T, SealNonce)> = None;
        let mut nonces = Nonces::default();
        let (mut is_there, mut tries) = (false, 0);
        let mut rest = header;
        loop {
            rest = rest.trim_ascii_start();
            // Not cut first: the end of a large value is far away.
            if !nonces.is_full()
                && let Some(value) = value_at(rest, &self.data)
            {
                let value = value.strip_prefix(b"\"").unwrap_or(value);
                if self.keys.know(value)
                    && let Some(nonce) = crate::session::seal::nonce(value)
                {
                    nonces.push(nonce);
                }
            }
            if let Some((_, nonce)) = &session
                && nonces.has(*nonce)
            {
                return session.map(|(session, _)| (session, true));
            }
            let (cookie, behind) = rest.split_at(end(rest));
            if session.is_none()
                && tries < TRIES
                && let Some(value) = value_at(cookie, &self.session)
            {
                is_there = true;
                let value = cut(value);
                if self.may_open(value) {
                    tries += 1;
                    session = self.open_small(value, &read);
                }
            }
            match behind {
                [_, behind @ ..] => rest = behind,
                [] => break,
            }
        }
        match session {
            Some((session, nonce)) if nonces.has(nonce) => Some((session, true)),
            Some((session, _)) => {
                let whole = self.whole_session(header, &nonces, read);
                Some(whole.map_or((session, false), |whole| (whole, true)))
            }
            None => {
                if is_there {
                    tracing::debug!(
                        tries,
                        "no session cookie counts: it is damaged, has ended, is of another client, or of an unknown key"
                    );
                }
                None
            }
        }
    }

    /// Finds a session whose large value is among those of these nonces, where the first one's is not.
    #[cold]
    fn whole_session<T>(
        &self,
        header: &[u8],
        nonces: &Nonces,
        read: impl Fn(&[u8], bool) -> Option<(T, SealNonce)>,
    ) -> Option<T> {
        values(header, &self.session)
            .filter(|value| self.may_open(value))
            .take(TRIES)
            .filter_map(|value| self.open_small(value, &read))
            .find_map(|(session, nonce)| nonces.has(nonce).then_some(session))
    }

    fn open_small<T>(&self, value: &[u8], read: impl Fn(&[u8], bool) -> Option<T>) -> Option<T> {
        let (purpose, name) = (Purpose::Session, &self.session);
        let mut room = [const { MaybeUninit::uninit() }; SMALL / 4 * 3];
        if value.len() > SMALL {
            return match self.keys.open(purpose, name, value) {
                Opened::Plain { plain, first_key } => read(&plain, first_key),
                Opened::Foreign | Opened::Broken => None,
            };
        }
        match self.keys.open_in(purpose, name, value, &mut room) {
            Opened::Plain { plain, first_key } => read(plain, first_key),
            Opened::Foreign | Opened::Broken => None,
        }
    }

    /// Finds the session's data that was sealed with this nonce, in one part or in several, and opens it.
    ///
    /// Of the values of each part at most [`TRIES`] are looked at, and as many ways to put parts together are tried.
    pub(crate) fn open_data(&self, header: &[u8], nonce: SealNonce) -> Option<Plain> {
        let mut places: [Vec<&[u8]>; MAX_PARTS] = Default::default();
        for (ours, value, _) in self.each_of_ours(header) {
            let Ours::Data(place) = ours else { continue };
            let begins =
                || self.keys.know(value) && crate::session::seal::nonce(value) == Some(nonce);
            if places[place].len() < TRIES && value.len() <= MAX_VALUE && (place > 0 || begins()) {
                places[place].push(value);
            }
        }
        let [firsts, seconds, thirds] = &places;
        let mut ways = Vec::new();
        for first in firsts {
            match parts(first) {
                1 => ways.push(vec![*first]),
                2 => ways.extend(seconds.iter().map(|second| vec![*first, *second])),
                3 => ways.extend(seconds.iter().flat_map(|second| {
                    let thirds = thirds.iter();
                    thirds.map(|third| vec![*first, *second, *third])
                })),
                _ => {}
            }
        }
        let open = |way: Vec<&[u8]>| match self.keys.open(Purpose::Data, &self.data, &way.concat())
        {
            Opened::Plain { plain, .. } => Some(plain),
            Opened::Foreign | Opened::Broken => None,
        };
        ways.into_iter().take(TRIES).find_map(open)
    }

    /// Opens a value that came from elsewhere than a cookie.
    pub(crate) fn open_value(&self, purpose: Purpose, name: &str, value: &[u8]) -> Option<Plain> {
        match self.keys.open(purpose, name, value) {
            Opened::Plain { plain, .. } => Some(plain),
            Opened::Foreign => {
                tracing::debug!(name, "a value of an unknown key is left alone");
                None
            }
            Opened::Broken => {
                tracing::debug!(name, "a value does not open");
                None
            }
        }
    }

    /// Opens the value of a pending login.
    pub(crate) fn open_login(&self, number: u32, value: &[u8]) -> Option<Plain> {
        if !self.may_open(value) {
            return None;
        }
        match self
            .keys
            .open(Purpose::Login, &self.login_name(number), value)
        {
            Opened::Plain { plain, .. } => Some(plain),
            Opened::Foreign | Opened::Broken => None,
        }
    }

    /// Whether a value is worth a try: one of our keys may have sealed it, and a browser may have kept it.
    fn may_open(&self, value: &[u8]) -> bool {
        value.len() <= MAX_VALUE && self.keys.know(value)
    }

    /// Whether one of the first values in the request was sealed by a key or in a format that this process does not
    /// know.
    pub(crate) fn has_foreign(&self, header: &[u8], purpose: Purpose, name: &str) -> bool {
        values(header, name)
            .filter(|value| value.len() <= MAX_VALUE)
            .take(TRIES)
            .any(|value| matches!(self.keys.open(purpose, name, value), Opened::Foreign))
    }

    /// The names of the cookies in a request that hold a session.
    pub(crate) fn session_names(&self, header: &[u8]) -> Vec<String> {
        let mut found = [false; 1 + MAX_PARTS];
        for (ours, ..) in self.each_of_ours(header) {
            match ours {
                Ours::Session => found[0] = true,
                Ours::Data(place) => found[1 + place] = true,
                Ours::Flash | Ours::Loops | Ours::Login(_) => {}
            }
        }
        let names = std::iter::once(self.session.clone());
        let names = names.chain((0..MAX_PARTS).map(|place| part_name(&self.data, place)));
        let names = names.zip(found);
        names
            .filter_map(|(name, found)| found.then_some(name))
            .collect()
    }

    /// What a request has of our cookies, not counting `except`.
    pub(crate) fn sent<'h>(&self, header: &'h [u8], except: &[Ours]) -> Sent<'h> {
        let mut sent = Sent::default();
        for (ours, value, bytes) in self.each_of_ours(header) {
            if except.contains(&ours) {
                continue;
            }
            match ours {
                Ours::Session | Ours::Data(_) | Ours::Loops => sent.session += bytes,
                Ours::Flash => sent.flash += bytes,
                Ours::Login(number) => {
                    sent.logins += bytes;
                    if sent.first_logins.len() < MAX_LOGINS_SEEN {
                        sent.first_logins.push((number, value, bytes));
                    }
                }
            }
        }
        sent
    }

    /// Which of our cookies a name is.
    pub(crate) fn ours(&self, name: &str) -> Option<Ours> {
        ours(name.as_bytes().strip_prefix(self.prefix.as_bytes())?)
    }

    /// The name of a pending login.
    pub(crate) fn login_name(&self, number: u32) -> String {
        format!("{}{number:08x}", self.login_prefix)
    }

    /// Every cookie of ours: which, its value, and how many bytes it is with its name.
    fn each_of_ours<'h>(&self, header: &'h [u8]) -> impl Iterator<Item = (Ours, &'h [u8], usize)> {
        each(header).filter_map(|cookie| {
            let rest = cookie.strip_prefix(self.prefix.as_bytes())?;
            let near = rest.get(..LONGEST_REST + 1).unwrap_or(rest);
            let equals = memchr::memchr(b'=', near)?;
            Some((
                ours(&rest[..equals])?,
                cut(&rest[equals + 1..]),
                cookie.len(),
            ))
        })
    }
}

/// The longest of our names behind the prefix: `login-` and eight digits.
const LONGEST_REST: usize = 14;

/// Which of our cookies a name is, by what stands behind the prefix.
fn ours(rest: &[u8]) -> Option<Ours> {
    match rest {
        b"session" => Some(Ours::Session),
        b"data" => Some(Ours::Data(0)),
        b"data-1" => Some(Ours::Data(1)),
        b"data-2" => Some(Ours::Data(2)),
        b"flash" => Some(Ours::Flash),
        b"loop" => Some(Ours::Loops),
        _ => {
            let digits: &[u8; 8] = rest.strip_prefix(b"login-")?.try_into().ok()?;
            let number = digits.iter().try_fold(0, |number: u32, digit| {
                let digit = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                Some(number << 4 | u32::from(digit))
            });
            number.map(Ours::Login)
        }
    }
}

const _: () = assert!(MAX_PARTS == 3, "`ours` knows so many names of parts");

fn part_name(name: &str, place: usize) -> String {
    if place == 0 {
        name.to_owned()
    } else {
        format!("{name}-{place}")
    }
}

/// Every value that a `Cookie` header has for a name.
///
/// On bytes and without allocation: it runs for each request of a logged-in user, and a value of another app that is not
/// UTF-8 must not hide ours.
fn values<'a>(header: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    each(header).filter_map(move |cookie| value_at(cookie, name).map(cut))
}

fn each(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let (cookie, behind) = rest?.split_at(end(rest?));
        rest = behind.get(1..);
        Some(cookie.trim_ascii())
    })
}

/// Where the first cookie of the rest of a header ends.
fn end(from: &[u8]) -> usize {
    let end = memchr::memchr(b';', from).unwrap_or(from.len());
    #[cfg(test)]
    work::walked(end);
    end
}

/// The value of a cookie, if it has this name; where the rest of a header is given, what comes behind as well.
fn value_at<'a>(from: &'a [u8], name: &str) -> Option<&'a [u8]> {
    from.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// A value without what may be around it.
fn cut(value: &[u8]) -> &[u8] {
    unquoted(value.trim_ascii_end())
}

fn unquoted(mut value: &[u8]) -> &[u8] {
    while let [b'"', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b'"'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, CookieKey};

    fn cookies(redirect_uri: &str) -> Cookies {
        let config = Config {
            issuer: "https://issuer.example".into(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            redirect_uri: redirect_uri.into(),
            cookie_keys: vec![CookieKey::generate()],
            ..Config::default()
        };
        Cookies::new(&config.parse().unwrap())
    }

    fn header(set: &[SetCookie]) -> String {
        let pairs: Vec<&str> = set
            .iter()
            .map(|cookie| cookie.line.split(';').next().unwrap())
            .collect();
        pairs.join("; ")
    }

    #[test]
    fn on_https_cookies_are_secure_and_host_bound() {
        let cookies = cookies("https://app.example/login");
        let set = cookies
            .seal(Purpose::Session, &cookies.session, b"x", Keep::Seconds(60))
            .unwrap();
        let line = &set[0].line;
        assert!(line.starts_with("__Host-miracl-session="), "{line}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(line.contains(attribute), "{line}");
        }
        assert!(!line.contains("Domain"));
    }

    #[test]
    fn on_loopback_http_cookies_are_neither_secure_nor_prefixed() {
        let cookies = cookies("http://127.0.0.1/login");
        let set = cookies
            .seal(
                Purpose::Session,
                &cookies.session,
                b"x",
                Keep::BrowserSession,
            )
            .unwrap();
        let line = &set[0].line;
        assert!(line.starts_with("miracl-session="), "{line}");
        assert!(!line.contains("Secure") && !line.contains("Max-Age"));
    }

    #[test]
    fn only_the_pending_login_of_form_post_may_come_from_another_site() {
        let mut cookies = cookies("http://127.0.0.1/login");
        cookies.cross_site_callback = true;
        let name = cookies.login_name(1);
        let set = cookies.seal(Purpose::Login, &name, b"x", Keep::Seconds(60));
        for line in [&set.unwrap()[0].line, &cookies.delete(&name).line] {
            assert!(
                line.contains("SameSite=None") && line.contains("Secure"),
                "{line}"
            );
        }
        let line = cookies.delete(&cookies.session).line;
        assert!(
            line.contains("SameSite=Lax") && !line.contains("Secure"),
            "{line}"
        );
    }

    #[test]
    fn a_cookie_is_deleted_with_the_attributes_it_was_made_with() {
        let cookies = cookies("https://app.example/login");
        let line = cookies.delete(&cookies.session).line;
        for attribute in [
            "HttpOnly",
            "SameSite=Lax",
            "Secure",
            "Path=/",
            "Max-Age=0",
            "Expires=Thu, 01 Jan 1970",
        ] {
            assert!(line.contains(attribute), "{line}");
        }
    }

    #[test]
    fn a_large_value_comes_in_parts_and_opens_only_whole_and_in_order() {
        let cookies = cookies("http://127.0.0.1/login");
        let plain = vec![b'x'; 5000];
        let set = cookies
            .seal(Purpose::Data, &cookies.data, &plain, Keep::BrowserSession)
            .unwrap();
        assert_eq!(set.len(), 2);
        assert!(set.iter().all(|cookie| cookie.line.len() <= 4096));
        let nonce = set[0].nonce.unwrap();
        let open = |header: &str| cookies.open_data(header.as_bytes(), nonce);
        assert_eq!(&*open(&header(&set)).unwrap(), plain.as_slice());

        let reversed: Vec<SetCookie> = set.iter().rev().cloned().collect();
        assert!(
            open(&header(&reversed)).is_some(),
            "the order of headers does not matter"
        );
        assert!(open(&header(&set[..1])).is_none(), "a part is missing");
        let swapped = header(&set)
            .replace("miracl-data-1=", "x=")
            .replace("miracl-data=", "miracl-data-1=")
            .replace("x=", "miracl-data=");
        assert!(open(&swapped).is_none(), "the parts changed places");
    }

    #[test]
    fn a_value_shrinks_and_grows_beside_stale_parts() {
        let cookies = cookies("http://127.0.0.1/login");
        let seal = |len: usize| {
            cookies
                .seal(
                    Purpose::Data,
                    &cookies.data,
                    &vec![b'x'; len],
                    Keep::BrowserSession,
                )
                .unwrap()
        };
        let (large, small) = (seal(5000), seal(10));
        let mixed = format!("{}; {}", header(&small), header(&large[1..]));
        let found = cookies.open_data(mixed.as_bytes(), small[0].nonce.unwrap());
        assert_eq!(found.unwrap().len(), 10);
    }

    #[test]
    fn a_foreign_cookie_of_our_name_or_of_odd_bytes_does_not_hide_ours() {
        let cookies = cookies("http://127.0.0.1/login");
        let set = cookies
            .seal(Purpose::Flash, &cookies.flash, b"x", Keep::BrowserSession)
            .unwrap();
        let mut request = b"odd=\xff\xfe; miracl-flash=other; =; ;;novalue; ".to_vec();
        request.extend_from_slice(header(&set).as_bytes());
        let read = |plain: &[u8]| Some(plain.to_owned());
        let found = cookies.open(&request, Purpose::Flash, &cookies.flash, read);
        assert_eq!(found.unwrap(), b"x");
    }

    #[test]
    fn no_cookie_of_another_prefix_is_ours_however_alike_the_prefixes_begin() {
        let of = |prefix: &str, redirect_uri: &str| {
            let mut cookies = cookies(redirect_uri);
            let host = if cookies.secure { "__Host-" } else { "" };
            for name in [&mut cookies.session, &mut cookies.data, &mut cookies.flash] {
                *name = name.replace("miracl", prefix);
            }
            cookies.loops = cookies.loops.replace("miracl", prefix);
            cookies.login_prefix = cookies.login_prefix.replace("miracl", prefix);
            cookies.prefix = format!("{host}{prefix}-");
            cookies
        };
        let names = |cookies: &Cookies| {
            let mut names = vec![
                cookies.session.clone(),
                cookies.flash.clone(),
                cookies.loops.clone(),
                cookies.login_name(0x0123_4567),
                cookies.login_name(0xdada_1000),
            ];
            names.extend((0..MAX_PARTS).map(|place| part_name(&cookies.data, place)));
            names
        };
        let prefixes = [
            "a",
            "a-login",
            "a-login-login",
            "a-login-01234567",
            "a-data",
            "a-data-1",
            "a-session",
            "a-flash",
            "a-loop",
            "a-",
            "a-x",
            "ab",
            "A",
            "login",
        ];
        for redirect_uri in ["http://127.0.0.1/login", "https://app.example/login"] {
            let apps = prefixes.map(|prefix| of(prefix, redirect_uri));
            for (one, app) in apps.iter().enumerate() {
                for (other, neighbour) in apps.iter().enumerate() {
                    for name in names(neighbour) {
                        let is_ours = app.ours(&name).is_some();
                        assert_eq!(is_ours, one == other, "{} {name}", prefixes[one]);
                    }
                }
            }
        }
        let app = of("a", "http://127.0.0.1/login");
        for odd in [
            "a-login-",
            "a-login-0123456",
            "a-login-012345678",
            "a-login-0123456G",
            "a-login-0123456A",
            "a-login-+1234567",
            "a-data-0",
            "a-data-3",
            "a-data-11",
            "a-data-",
            "a-session-1",
            "a-sessions",
            "a-",
            "a",
            "",
        ] {
            assert_eq!(app.ours(odd), None, "{odd}");
        }
    }
}
