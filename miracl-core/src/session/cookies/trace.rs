//! What cookies tell that do not open here: by which key, under which name, and in which form another replica made
//! them. Only what one of our own keys sealed is proven.

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::{
    base::hex::hex,
    session::{
        cookies::{
            Cookies, TRIES,
            open::MAX_VALUE,
            scan::{cut, each, values},
        },
        identity::SessionId,
        seal::{
            Opened, Purpose,
            header::{SealedBy, sealed_by},
        },
    },
};

/// What a name's values tell that did not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trace {
    /// There is none, or it is in order and was not what was looked for.
    Nothing,
    /// One of our keys may have sealed it, and it does not open; or nobody has sealed it.
    Damaged,
    /// Another key sealed it, as it says itself. Its id in hexadecimal.
    OtherKey(String),
    /// It has another format, as it says itself.
    OtherFormat,
}

/// What the values of the session's cookie look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionTrace {
    Nothing,
    /// The id of a session in a store.
    Id,
    /// Sealed with one of our keys, as it says itself.
    Sealed,
    /// Sealed with another key, as it says itself. Its id in hexadecimal.
    OtherKey(String),
}

impl Cookies {
    /// The ids of our keys, in hexadecimal.
    pub(crate) fn key_ids(&self) -> String {
        let ids: Vec<String> = self.keys.ids().map(|id| hex(&id)).collect();
        ids.join(", ")
    }

    /// What the names of our cookies begin with.
    pub(crate) fn name_prefix(&self) -> &str {
        &self.prefix
    }

    /// What the values of a name tell that did not open.
    pub(crate) fn trace(&self, header: &[u8], purpose: Purpose, name: &str) -> Trace {
        let mut found = Trace::Nothing;
        for value in values(header, name).take(TRIES) {
            if value.len() > MAX_VALUE {
                found = Trace::Damaged;
                continue;
            }
            match (self.keys.open(purpose, name, value), sealed_by(value)) {
                (Opened::Plain { .. }, _) => {}
                (Opened::Foreign, SealedBy::Key(id)) => return Trace::OtherKey(hex(&id)),
                (Opened::Foreign, _) => return Trace::OtherFormat,
                (Opened::Broken, _) => found = Trace::Damaged,
            }
        }
        found
    }

    /// Finds a value under a name that ends as one of ours, and that one of our keys sealed under that name: a replica
    /// has made it whose names begin differently. Returns what they begin with, and what `read` makes of the value.
    pub(crate) fn under_other_name<T>(
        &self,
        header: &[u8],
        purpose: Purpose,
        ours: &str,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<(String, T)> {
        let end = ours.strip_prefix(self.prefix.as_str())?;
        let named = each(header).filter_map(|cookie| {
            let equals = memchr::memchr(b'=', cookie)?;
            let name = std::str::from_utf8(&cookie[..equals]).ok()?;
            let there = name
                .strip_suffix(end)
                .filter(|there| there.ends_with('-'))?;
            let value = cut(&cookie[equals + 1..]);
            (name != ours && self.may_open(value)).then_some((name, there, value))
        });
        named.take(TRIES).find_map(|(name, there, value)| {
            match self.keys.open(purpose, name, value) {
                Opened::Plain { plain, .. } => Some((there.to_owned(), read(&plain)?)),
                Opened::Foreign | Opened::Broken => None,
            }
        })
    }

    /// What the values of the session's cookie look like; the first that looks like anything counts.
    pub(crate) fn session_trace(&self, header: &[u8]) -> SessionTrace {
        let id_len = BASE64.encoded_length(SessionId::default().0.len());
        let look = |value: &[u8]| {
            if value.len() == id_len && BASE64.check(value).is_ok() {
                return Some(SessionTrace::Id);
            }
            match sealed_by(value) {
                SealedBy::Key(_) if self.keys.know(value) => Some(SessionTrace::Sealed),
                SealedBy::Key(id) => Some(SessionTrace::OtherKey(hex(&id))),
                SealedBy::OtherFormat | SealedBy::Nobody => None,
            }
        };
        let mut seen = values(header, &self.session).take(TRIES);
        seen.find_map(look).unwrap_or(SessionTrace::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::cookies::{
        set_cookie::Keep,
        tests::{cookies, header},
    };

    fn sealed(by: &Cookies) -> (String, String) {
        let name = by.login_name(7);
        let keep = Keep::Seconds(60);
        let set = by.seal(Purpose::Login, &name, b"x", keep).unwrap();
        (name, header(&set))
    }

    #[test]
    fn a_value_that_does_not_open_tells_by_which_key_it_was_sealed() {
        let (ours, theirs) = (
            cookies("http://127.0.0.1/login"),
            cookies("http://127.0.0.1/login"),
        );
        let (name, header) = sealed(&theirs);
        let trace = |header: &str| ours.trace(header.as_bytes(), Purpose::Login, &name);
        assert_eq!(trace(&header), Trace::OtherKey(theirs.key_ids()));
        assert_eq!(trace(""), Trace::Nothing);
        assert_eq!(trace(&format!("{name}=x")), Trace::Damaged);
        let (_, own) = sealed(&ours);
        assert_eq!(trace(&own), Trace::Nothing);
        assert_eq!(trace(&own[..own.len() - 2]), Trace::Damaged);
        // The format's number is the first byte.
        let other = own.replacen('A', "B", 1);
        assert_eq!(trace(&other), Trace::OtherFormat, "{own}");
        assert_eq!(
            trace(&format!("{name}={}", "A".repeat(5000))),
            Trace::Damaged
        );
    }

    #[test]
    fn another_name_is_believed_only_where_one_of_our_keys_sealed_the_value_under_it() {
        let ours = cookies("http://127.0.0.1/login");
        let stranger = cookies("http://127.0.0.1/login");
        let name = ours.login_name(7);
        let other = name.replace("miracl", "other");
        let seal = |by: &Cookies, name: &str| {
            let set = by.seal(Purpose::Login, name, b"x", Keep::Seconds(60));
            header(&set.unwrap())
        };
        let find = |header: &str| {
            let read = |plain: &[u8]| Some(plain.to_owned());
            ours.under_other_name(header.as_bytes(), Purpose::Login, &name, read)
        };
        let found = find(&seal(&ours, &other)).unwrap();
        assert_eq!(found, ("other-".to_owned(), b"x".to_vec()));
        // Our own name, another's key, a value that was sealed under another name.
        assert!(find(&seal(&ours, &name)).is_none());
        assert!(find(&seal(&stranger, &other)).is_none());
        assert!(find(&seal(&ours, &name).replace("miracl", "other")).is_none());
    }

    #[test]
    fn the_cookie_of_a_session_is_told_by_its_form() {
        let ours = cookies("http://127.0.0.1/login");
        let name = &ours.session;
        let look = |value: &str| ours.session_trace(format!("{name}={value}").as_bytes());
        assert_eq!(look(&"A".repeat(43)), SessionTrace::Id);
        assert_eq!(look("x"), SessionTrace::Nothing);
        let seal = |by: &Cookies| {
            let keep = Keep::Seconds(60);
            let set = by.seal(Purpose::Session, name, b"who", keep).unwrap();
            header(&set).split_once('=').unwrap().1.to_owned()
        };
        assert_eq!(look(&seal(&ours)), SessionTrace::Sealed);
        let other = cookies("http://127.0.0.1/login");
        assert_eq!(look(&seal(&other)), SessionTrace::OtherKey(other.key_ids()));
    }
}
