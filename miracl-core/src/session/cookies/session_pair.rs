//! The two cookies of a session: how they are found in a request, and which of them belong together.

use std::mem::MaybeUninit;

use crate::session::{
    cookies::{
        Cookies, MAX_PARTS, Ours, TRIES,
        open::MAX_VALUE,
        scan::{cut, end, value_at, values},
    },
    seal::{
        Opened, Plain, Purpose,
        header::{SealNonce, nonce_of, parts_of},
    },
};

/// A text of up to this many characters is opened without an allocation: the small part of a session with names of
/// usual length.
const SMALL: usize = 640;

/// The nonces of the session's data values, at most [`TRIES`] of them.
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

impl Cookies {
    /// Finds the two cookies of a session. `read` is told what is in the small one, and whether the first key sealed
    /// it; it returns the session, if that counts, and the nonce of the large one. Beside the session stands whether
    /// the large one is there.
    ///
    /// If a name comes several times, the values that belong together count, of at most [`TRIES`] of each.
    ///
    /// It does not allocate for a value of usual size, and reads no further than it must: it runs for each request of a
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
                    && let Some(nonce) = nonce_of(value)
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
        let of_tests = || match self.open_of_tests(purpose, name, value) {
            Opened::Plain { plain, first_key } => read(&plain, first_key),
            Opened::Foreign | Opened::Broken => None,
        };
        if value.len() > SMALL {
            return match self.keys.open(purpose, name, value) {
                Opened::Plain { plain, first_key } => read(&plain, first_key),
                Opened::Foreign => None,
                Opened::Broken => of_tests(),
            };
        }
        match self.keys.open_in(purpose, name, value, &mut room) {
            Opened::Plain { plain, first_key } => read(plain, first_key),
            Opened::Foreign => None,
            Opened::Broken => of_tests(),
        }
    }

    /// Finds the session's data that was sealed with this nonce, in one part or in several, and opens it.
    ///
    /// Of the values of each part at most [`TRIES`] are looked at, and as many ways to put parts together are tried.
    pub(crate) fn open_data(&self, header: &[u8], nonce: SealNonce) -> Option<Plain> {
        let mut places: [Vec<&[u8]>; MAX_PARTS] = Default::default();
        for (ours, value, _) in self.each_of_ours(header) {
            let Ours::Data(place) = ours else { continue };
            let begins = || self.keys.know(value) && nonce_of(value) == Some(nonce);
            if places[place].len() < TRIES && value.len() <= MAX_VALUE && (place > 0 || begins()) {
                places[place].push(value);
            }
        }
        let [firsts, seconds, thirds] = &places;
        let mut ways = Vec::new();
        for first in firsts {
            match parts_of(first) {
                1 => ways.push(vec![*first]),
                2 => ways.extend(seconds.iter().map(|second| vec![*first, *second])),
                3 => ways.extend(seconds.iter().flat_map(|second| {
                    let thirds = thirds.iter();
                    thirds.map(|third| vec![*first, *second, *third])
                })),
                _ => {}
            }
        }
        let open = |purpose, value: &[u8]| match self.keys.open(purpose, &self.data, value) {
            Opened::Broken => self.open_of_tests(purpose, &self.data, value),
            opened => opened,
        };
        let open = |way: Vec<&[u8]>| match open(Purpose::Data, &way.concat()) {
            Opened::Plain { plain, .. } => Some(plain),
            Opened::Foreign | Opened::Broken => None,
        };
        ways.into_iter().take(TRIES).find_map(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::cookies::{
        set_cookie::{Keep, SetCookie},
        tests::{cookies, header},
    };

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
}
