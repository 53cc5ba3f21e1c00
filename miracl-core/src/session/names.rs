//! The names in a session, in one piece of memory: it is read anew for each request of a logged-in user.

use std::ops::Range;

use smallvec::SmallVec;

use super::{EMAIL_CLAIM, SUBJECT_CLAIM};
use crate::wire::{Reader, Writer};

/// Names of usual length lie in the session itself.
const USUAL: usize = 128;

/// Who a session is of: issuer, subject and e-mail address.
#[derive(Clone)]
pub(crate) struct Names {
    /// One behind the other, the address first: it is asked for most, and a text that begins at a round address is checked fastest.
    /// They were texts when they were written, and are seen to be when somebody asks for one.
    text: SmallVec<[u8; USUAL]>,
    /// What comes first ends here. It is nothing where the address is the subject, or there is none.
    email_end: usize,
    subject_end: usize,
    email: Email,
}

/// Where the e-mail address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Email {
    None,
    /// It is the subject, as it always is at MIRACL.
    Subject,
    /// Before the subject.
    Own,
}

impl Names {
    pub(crate) fn new(issuer: &str, subject: &str, email: Option<&str>) -> Self {
        let (email, before) = match email {
            None => (Email::None, ""),
            Some(email) if email == subject => (Email::Subject, ""),
            Some(email) => (Email::Own, email),
        };
        let texts = [before, subject, issuer];
        Self {
            text: texts.into_iter().flat_map(str::bytes).collect(),
            email_end: before.len(),
            subject_end: before.len() + subject.len(),
            email,
        }
    }

    /// Writes where names end, and then all of them.
    pub(super) fn encode(&self, writer: Writer) -> Writer {
        let ends = [self.email_end, self.subject_end];
        let end = |writer: Writer, end| writer.u32(u32::try_from(end).unwrap_or(u32::MAX));
        ends.into_iter().fold(writer, end).block(&self.text)
    }

    /// Reads what is left: nothing comes after the names.
    #[inline(always)]
    pub(super) fn decode(mut reader: Reader<'_>, email: Email) -> Option<Self> {
        let (email_end, subject_end) = (reader.u32()? as usize, reader.u32()? as usize);
        let text = reader.block()?;
        if email_end > subject_end || subject_end > text.len() || !reader.rest().is_empty() {
            return None;
        }
        Some(Self {
            text: SmallVec::from_slice(text),
            email_end,
            subject_end,
            email,
        })
    }

    pub(crate) fn issuer(&self) -> &str {
        self.part(self.subject_end..self.text.len())
    }

    pub(crate) fn subject(&self) -> &str {
        self.part(self.email_end..self.subject_end)
    }

    pub(crate) fn email(&self) -> Option<&str> {
        match self.email {
            Email::None => None,
            Email::Subject => Some(self.subject()),
            Email::Own => Some(self.part(0..self.email_end)),
        }
    }

    /// The claims of userinfo that are most likely to be one of the names: for each its flag in the large part, and the name.
    pub(super) fn known_claims(&self) -> [(u8, &'static str, Option<&str>); 2] {
        [
            (SUBJECT_CLAIM, "sub", Some(self.subject())),
            (EMAIL_CLAIM, "email", self.email()),
        ]
    }

    pub(super) fn email_is(&self) -> Email {
        self.email
    }

    fn part(&self, range: Range<usize>) -> &str {
        std::str::from_utf8(&self.text[range]).unwrap_or_default()
    }

    /// The same names with another e-mail address.
    pub(crate) fn with_email(&self, email: Option<&str>) -> Self {
        Self::new(self.issuer(), self.subject(), email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_was_given_and_an_empty_one_is_not_a_missing_one() {
        for (email, is) in [
            (None, Email::None),
            (Some(""), Email::Own),
            (Some("é@example.com"), Email::Own),
            (Some("alice"), Email::Subject),
        ] {
            let names = Names::new("https://issuer.example", "alice", email);
            assert_eq!(names.email_is(), is);
            let bytes = names.encode(Writer::default()).finish();
            let read = Names::decode(Reader::new(&bytes), is);
            for names in [&names, &read.unwrap()] {
                assert_eq!(names.issuer(), "https://issuer.example");
                assert_eq!(names.subject(), "alice");
                assert_eq!(names.email(), email);
            }
            let other = names.with_email(Some("bob@example.com"));
            assert_eq!(other.subject(), "alice");
            assert_eq!(other.email(), Some("bob@example.com"));
        }
    }

    #[test]
    fn names_whose_ends_do_not_fit_are_none() {
        let read = |ends: [u32; 2], text: &str| {
            let writer = ends.into_iter().fold(Writer::default(), Writer::u32);
            let bytes = writer.block(text.as_bytes()).finish();
            Names::decode(Reader::new(&bytes), Email::Own).is_some()
        };
        assert!(read([1, 2], "abcd"));
        assert!(read([4, 4], "abcd"));
        for ends in [[2, 1], [1, 5], [5, 5], [u32::MAX; 2]] {
            assert!(!read(ends, "abcd"), "{ends:?}");
        }
    }
}
