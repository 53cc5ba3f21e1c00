//! The cookies of this app in a request: which they are, and how many bytes they take.

use crate::session::cookies::{
    Cookies, MAX_PARTS, Ours, ours, part_name,
    scan::{cut, each, values},
};

/// How many pending logins of a request are looked at: as many as one response deletes, and those that may stay.
const MAX_LOGINS_SEEN: usize = 14;
/// The longest of our names behind the prefix: `login-` and eight digits.
const LONGEST_REST: usize = 14;

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

impl Cookies {
    /// Whether a request has a cookie of this name.
    pub(crate) fn has(&self, header: &[u8], name: &str) -> bool {
        values(header, name).next().is_some()
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

    /// Every cookie of ours: which, its value, and how many bytes it is with its name.
    pub(super) fn each_of_ours<'h>(
        &self,
        header: &'h [u8],
    ) -> impl Iterator<Item = (Ours, &'h [u8], usize)> {
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
