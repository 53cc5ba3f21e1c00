//! The cookies of this app: their names, and how many bytes they may take.
//!
//! `set_cookie` makes and deletes them, `sent` counts those of a request, `session_pair` reads the two of a session,
//! `open` opens the others, `trace` says what those tell that do not open, and `scan` walks over the header.

#[cfg(test)]
mod flood;
mod open;
mod scan;
pub(crate) mod sent;
mod session_pair;
pub(crate) mod set_cookie;
pub(crate) mod trace;
#[cfg(test)]
pub(crate) mod work;

use crate::{
    config::{check::Checked, options::ResponseMode},
    session::seal::KeyRing,
};

/// All of our cookies together, names and values: browsers and servers begin to refuse at 8 KB of headers.
pub(crate) const BUDGET: usize = 7 * 1024;
/// What the session may take of it, so that a login can be started and a message shown beside it.
pub(crate) const SESSION_BUDGET: usize = BUDGET - 1024;
/// The most parts of one value. They do not all fit into the budget.
const MAX_PARTS: usize = 3;
/// How many pending logins one response deletes at most, so that it does not have too many headers.
pub(crate) const MAX_DELETIONS: usize = 10;
/// How many values of one name are tried. A browser sends several if another app of the host has set the name for a
/// longer path or for a parent domain, and then ours may come after them. Each try costs a decryption, or a question to
/// the session store.
pub(crate) const TRIES: usize = 4;

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
    /// Counts logins whose session was lost; see [`Loops`](crate::session::loops::Loops).
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

    /// Which of our cookies a name is.
    pub(crate) fn ours(&self, name: &str) -> Option<Ours> {
        ours(name.as_bytes().strip_prefix(self.prefix.as_bytes())?)
    }

    /// The name of a pending login.
    pub(crate) fn login_name(&self, number: u32) -> String {
        format!("{}{number:08x}", self.login_prefix)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, CookieKey, session::cookies::set_cookie::SetCookie};

    pub(super) fn cookies(redirect_uri: &str) -> Cookies {
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

    pub(super) fn header(set: &[SetCookie]) -> String {
        let pairs: Vec<&str> = set
            .iter()
            .map(|cookie| cookie.line.split(';').next().unwrap())
            .collect();
        pairs.join("; ")
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
