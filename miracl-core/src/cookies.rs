//! Our cookies: their names and attributes, how they are found in a request, and how they are cut into parts.

use std::mem::MaybeUninit;

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};
use cookie::{Cookie, SameSite};

use crate::{
    config::{Checked, ResponseMode},
    seal::{KeyRing, Opened, Purpose, SealNonce, parts},
    session::SessionId,
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

/// The names of our cookies and what they have in common.
#[derive(Debug)]
pub(crate) struct Cookies {
    pub(crate) session: String,
    pub(crate) data: String,
    pub(crate) flash: String,
    /// What the names of all pending logins begin with.
    pub(crate) login_prefix: String,
    /// Counts logins that led to nothing; see [`Loops`](crate::loops::Loops).
    pub(crate) loops: String,
    secure: bool,
    /// Whether the callback comes from the provider's site, which a `Lax` cookie would not survive.
    cross_site_callback: bool,
    keys: KeyRing,
}

/// A value found in the request, opened.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) plain: crate::seal::Plain,
    /// Sealed with the first key; otherwise it is to be sealed again.
    pub(crate) first_key: bool,
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

    /// Finds a value that is not sealed.
    pub(crate) fn plain<'a>(&self, header: &'a [u8], name: &'a str) -> Option<&'a str> {
        values(header, name).find_map(|value| std::str::from_utf8(value).ok())
    }

    /// Finds the id of a session that is kept in a store. Only what could be one counts.
    pub(crate) fn id(&self, header: &[u8]) -> Option<SessionId> {
        let value = values(header, &self.session).next()?;
        let mut id = SessionId::default();
        let decoded = (value.len() == BASE64.encoded_length(id.len()))
            .then(|| BASE64.decode(value, id.as_mut_slice().as_out()));
        decoded?.is_ok().then_some(id)
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
        let cross_site = self.cross_site_callback && name.starts_with(&self.login_prefix);
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
            nonce: crate::seal::nonce(value.as_bytes()),
            len,
            name,
        }
    }

    /// Finds a value of one part in the `Cookie` header and opens it.
    ///
    /// Where the same name comes twice, which happens when another app set it for a longer path, the one that opens counts.
    pub(crate) fn open(&self, header: &[u8], purpose: Purpose, name: &str) -> Option<Found> {
        values(header, name).find_map(|value| self.open_value(purpose, name, value))
    }

    /// Finds the two cookies of a session. `read` is told what is in the small one, and whether the first key sealed it; beside what it
    /// returns stands the nonce of the large one. As in [`open`](Self::open), the value that opens counts.
    ///
    /// It takes no memory for a value of the usual size, and looks no further than it must: this runs for each request of a
    /// logged-in user.
    pub(crate) fn read_session<T>(
        &self,
        header: &[u8],
        read: impl Fn(&[u8], bool) -> T,
    ) -> Option<(T, Option<SealNonce>)> {
        let (mut session, mut nonce) = (None, None);
        let mut rest = header;
        loop {
            rest = rest.trim_ascii_start();
            // Not cut first: the end of a large value is far away.
            if nonce.is_none()
                && let Some(value) = value_at(rest, &self.data)
            {
                nonce = crate::seal::nonce(value.strip_prefix(b"\"").unwrap_or(value));
            }
            if session.is_some() && nonce.is_some() {
                break;
            }
            let (cookie, behind) = rest.split_at(end(rest));
            if session.is_none()
                && let Some(value) = value_at(cookie, &self.session)
            {
                session = self.open_small(cut(value), &read);
            }
            match behind {
                [_, behind @ ..] => rest = behind,
                [] => break,
            }
        }
        session.map(|session| (session, nonce))
    }

    fn open_small<T>(&self, value: &[u8], read: impl Fn(&[u8], bool) -> T) -> Option<T> {
        let (purpose, name) = (Purpose::Session, &self.session);
        let mut room = [const { MaybeUninit::uninit() }; SMALL / 4 * 3];
        if value.len() > SMALL {
            let found = self.open_value(purpose, name, value)?;
            return Some(read(&found.plain, found.first_key));
        }
        let opened = self.keys.open_in(purpose, name, value, &mut room);
        let (plain, first_key) = self.opened(name, opened)?;
        Some(read(plain, first_key))
    }

    /// Finds a value that may be cut into parts, and opens it.
    pub(crate) fn open_parts(&self, header: &[u8], purpose: Purpose, name: &str) -> Option<Found> {
        values(header, name).find_map(|first| {
            let count = parts(first);
            if count == 1 {
                return self.open_value(purpose, name, first);
            }
            if count > MAX_PARTS {
                return None;
            }
            let mut whole = first.to_owned();
            for place in 1..count {
                whole.extend_from_slice(values(header, &part_name(name, place)).next()?);
            }
            self.open_value(purpose, name, &whole)
        })
    }

    pub(crate) fn open_value(&self, purpose: Purpose, name: &str, value: &[u8]) -> Option<Found> {
        let opened = self.keys.open(purpose, name, value);
        let (plain, first_key) = self.opened(name, opened)?;
        Some(Found { plain, first_key })
    }

    fn opened<P>(&self, name: &str, opened: Opened<P>) -> Option<(P, bool)> {
        match opened {
            Opened::Plain { plain, first_key } => Some((plain, first_key)),
            Opened::Foreign => {
                tracing::debug!(name, "a cookie of an unknown key is left alone");
                None
            }
            Opened::Broken => {
                tracing::debug!(name, "a cookie does not open");
                None
            }
        }
    }

    /// Whether a value in the request was sealed by a key or in a format that this process does not know.
    pub(crate) fn has_foreign(&self, header: &[u8], purpose: Purpose, name: &str) -> bool {
        values(header, name)
            .any(|value| matches!(self.keys.open(purpose, name, value), Opened::Foreign))
    }

    /// The names of the cookies in a request that hold a value and its parts.
    pub(crate) fn names_of_parts(&self, header: &[u8], name: &str) -> Vec<String> {
        (0..MAX_PARTS)
            .map(|place| part_name(name, place))
            .filter(|part| self.has(header, part))
            .collect()
    }

    /// The names of all pending logins in a request.
    pub(crate) fn logins(&self, header: &[u8]) -> Vec<String> {
        let mut names: Vec<String> = pairs(header)
            .filter(|(name, _)| name.starts_with(self.login_prefix.as_bytes()))
            .filter_map(|(name, _)| std::str::from_utf8(name).ok())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// How many bytes of a request's `Cookie` header are ours, not counting `except`.
    pub(crate) fn bytes_in(&self, header: &[u8], except: impl Fn(&str) -> bool) -> usize {
        pairs(header)
            .filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
            .filter(|(name, _)| self.is_ours(name) && !except(name))
            .map(|(name, value)| name.len() + 1 + value.len())
            .sum()
    }

    fn is_ours(&self, name: &str) -> bool {
        name == self.session
            || name == self.flash
            || name == self.loops
            || name.starts_with(&self.data)
            || name.starts_with(&self.login_prefix)
    }
}

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

/// Every cookie of a `Cookie` header that has a name, and its value.
fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    each(header).filter_map(|cookie| {
        let equals = memchr::memchr(b'=', cookie)?;
        Some((&cookie[..equals], cut(&cookie[equals + 1..])))
    })
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
    memchr::memchr(b';', from).unwrap_or(from.len())
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
mod mutations;

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
        let name = format!("{}1", cookies.login_prefix);
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
        let open =
            |header: &str| cookies.open_parts(header.as_bytes(), Purpose::Data, &cookies.data);
        assert_eq!(&*open(&header(&set)).unwrap().plain, plain.as_slice());

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
        let found = cookies.open_parts(mixed.as_bytes(), Purpose::Data, &cookies.data);
        assert_eq!(found.unwrap().plain.len(), 10);
    }

    #[test]
    fn a_foreign_cookie_of_our_name_or_of_odd_bytes_does_not_hide_ours() {
        let cookies = cookies("http://127.0.0.1/login");
        let set = cookies
            .seal(Purpose::Flash, &cookies.flash, b"x", Keep::BrowserSession)
            .unwrap();
        let mut request = b"odd=\xff\xfe; miracl-flash=other; =; ;;novalue; ".to_vec();
        request.extend_from_slice(header(&set).as_bytes());
        let found = cookies.open(&request, Purpose::Flash, &cookies.flash);
        assert_eq!(&*found.unwrap().plain, b"x");
    }
}
