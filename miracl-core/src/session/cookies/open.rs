//! How a sealed value is found in a request and opened.

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64};

use crate::session::{
    cookies::{Cookies, TRIES, scan::values},
    identity::SessionId,
    seal::{Opened, Plain, Purpose},
};

/// The longest value that is tried: no browser keeps a longer one.
pub(super) const MAX_VALUE: usize = 4096;

impl Cookies {
    /// Finds the values of a name that is not sealed, at most [`TRIES`] of them.
    pub(crate) fn plain<'a>(
        &self,
        header: &'a [u8],
        name: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        values(header, name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .take(TRIES)
    }

    /// Finds the ids of stored sessions, at most [`TRIES`] of them. Values that cannot be an id are skipped.
    pub(crate) fn ids<'a>(&'a self, header: &'a [u8]) -> impl Iterator<Item = SessionId> {
        let read = |value: &[u8]| {
            let mut id = SessionId::default();
            let decoded = (value.len() == BASE64.encoded_length(id.0.len()))
                .then(|| BASE64.decode(value, id.0.as_mut_slice().as_out()));
            decoded?.is_ok().then_some(id)
        };
        values(header, &self.session).filter_map(read).take(TRIES)
    }

    /// Finds a value of one part in the `Cookie` header, opens it and reads it.
    ///
    /// If the name comes several times, the first value that `read` accepts counts, of at most [`TRIES`].
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

    /// Opens a value that is not from a cookie.
    pub(crate) fn open_value(&self, purpose: Purpose, name: &str, value: &[u8]) -> Option<Plain> {
        match self.keys.open(purpose, name, value) {
            Opened::Plain { plain, .. } => Some(plain),
            Opened::Foreign => {
                tracing::debug!(name, "a value of an unknown key is left alone");
                None
            }
            Opened::Broken => match self.open_of_tests(purpose, name, value) {
                Opened::Plain { plain, .. } => Some(plain),
                Opened::Foreign | Opened::Broken => {
                    tracing::debug!(name, "a value does not open");
                    None
                }
            },
        }
    }

    /// Opens a value of a session that did not open as usual, if the test kit sealed it.
    #[cfg(feature = "testing")]
    #[cold]
    pub(super) fn open_of_tests(
        &self,
        purpose: Purpose,
        name: &str,
        value: &[u8],
    ) -> Opened<Plain> {
        let of_tests = purpose.of_tests();
        of_tests.map_or(Opened::Broken, |of_tests| {
            self.keys.open(of_tests, name, value)
        })
    }

    /// Opens nothing: the sessions of the test kit are nobody's in this build.
    #[cfg(not(feature = "testing"))]
    #[inline(always)]
    pub(super) fn open_of_tests(&self, _: Purpose, _: &str, _: &[u8]) -> Opened<Plain> {
        Opened::Broken
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
    pub(super) fn may_open(&self, value: &[u8]) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::cookies::{
        set_cookie::Keep,
        tests::{cookies, header},
    };

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
}
