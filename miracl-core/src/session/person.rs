//! The person in a session: issuer, subject and e-mail address in one piece of memory, because they are read anew for
//! each request of a logged-in user. What only some sessions have lies behind them.

use std::{ops::Range, sync::Arc};

use smallvec::SmallVec;

use crate::{
    base::wire::{Reader, Writer},
    session::extension::Extension,
};

/// Texts of usual length are inside the session, without an allocation of their own.
const USUAL: usize = 96;

/// The person that a session belongs to: issuer, subject and e-mail address.
#[derive(Clone)]
pub(crate) struct Person {
    /// The texts, one after the other. The address comes first: it is read most often, and UTF-8 is checked fastest
    /// from an aligned address. They were UTF-8 when they were written, and are checked again when one is read.
    text: SmallVec<[u8; USUAL]>,
    /// Where the address ends: 0 where it is the subject, or there is none.
    email_end: usize,
    subject_end: usize,
    /// Where all of them end. What only some sessions have comes after them.
    names_end: usize,
    email: EmailPlace,
    /// The issuer, where it is not one of the texts.
    issuer: Option<Arc<str>>,
}

/// A person as the session has it written: its lengths fit, and nothing is copied yet.
pub(super) struct WrittenPerson<'a> {
    text: &'a [u8],
    email_end: usize,
    subject_end: usize,
    names_end: usize,
    email: EmailPlace,
    issuer: Option<&'a Arc<str>>,
}

/// Where the e-mail address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmailPlace {
    None,
    /// It is the subject, as it always is at MIRACL.
    Subject,
    /// Before the subject.
    Own,
}

impl Person {
    pub(crate) fn new(issuer: &str, subject: &str, email: Option<&str>) -> Self {
        let (email, before) = match email {
            None => (EmailPlace::None, ""),
            Some(email) if email == subject => (EmailPlace::Subject, ""),
            Some(email) => (EmailPlace::Own, email),
        };
        let texts = [before, subject, issuer];
        let text: SmallVec<_> = texts.into_iter().flat_map(str::bytes).collect();
        Self {
            names_end: text.len(),
            text,
            email_end: before.len(),
            subject_end: before.len() + subject.len(),
            email,
            issuer: None,
        }
    }

    /// Writes the texts, the issuer only if asked to. Before them stands the end of each text that another follows.
    pub(super) fn encode(&self, mut writer: Writer, with_issuer: bool) -> Writer {
        let mut texts = self.text[..self.subject_end].to_vec();
        if self.email == EmailPlace::Own {
            writer = writer.len(self.email_end);
        }
        if with_issuer {
            writer = writer.len(self.subject_end);
            texts.extend_from_slice(self.issuer().as_bytes());
        }
        writer.bytes(&texts).bytes(self.extension().0)
    }

    /// What the session has besides what all have.
    #[inline]
    pub(crate) fn extension(&self) -> Extension<'_> {
        Extension(&self.text[self.names_end..])
    }

    /// Returns this person with something in their session that only some have, in place of what is there.
    pub(crate) fn extended(mut self, extension: &[u8]) -> Self {
        self.text.truncate(self.names_end);
        self.text.extend_from_slice(extension);
        self
    }

    pub(crate) fn issuer(&self) -> &str {
        match &self.issuer {
            Some(issuer) => issuer,
            None => self.part(self.subject_end..self.names_end),
        }
    }

    pub(crate) fn subject(&self) -> &str {
        self.part(self.email_end..self.subject_end)
    }

    #[inline]
    pub(crate) fn email(&self) -> Option<&str> {
        match self.email {
            EmailPlace::None => None,
            EmailPlace::Subject => Some(self.subject()),
            EmailPlace::Own => Some(self.part(0..self.email_end)),
        }
    }

    pub(super) fn email_place(&self) -> EmailPlace {
        self.email
    }

    #[inline]
    fn part(&self, range: Range<usize>) -> &str {
        std::str::from_utf8(&self.text[range]).unwrap_or_default()
    }

    /// Returns all three texts: other parts of the session may repeat them.
    pub(super) fn texts(&self) -> [&str; 3] {
        [
            self.issuer(),
            self.subject(),
            self.email().unwrap_or_default(),
        ]
    }

    /// Whether both are one person: of one issuer, and of one name there.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.issuer() == other.issuer() && self.subject() == other.subject()
    }

    /// Returns this person with another e-mail address, in a session that is like all.
    pub(crate) fn with_email(&self, email: Option<&str>) -> Self {
        Self::new(self.issuer(), self.subject(), email)
    }
}

impl<'a> WrittenPerson<'a> {
    /// Reads all that is left of a session: the person, and as many bytes as its `extension` has. The issuer is among
    /// the texts, unless it is known.
    #[inline(always)]
    pub(super) fn read(
        mut reader: Reader<'a>,
        email: EmailPlace,
        issuer: Option<&'a Arc<str>>,
        extension: usize,
    ) -> Option<Self> {
        let email_end = match email {
            EmailPlace::Own => reader.len()?,
            EmailPlace::None | EmailPlace::Subject => 0,
        };
        let subject_end = match issuer {
            None => Some(reader.len()?),
            Some(_) => None,
        };
        let text = reader.rest();
        let names_end = text.len().checked_sub(extension)?;
        let subject_end = subject_end.unwrap_or(names_end);
        let fits = email_end <= subject_end && subject_end <= names_end;
        fits.then_some(Self {
            text,
            email_end,
            subject_end,
            names_end,
            email,
            issuer,
        })
    }
}

impl From<WrittenPerson<'_>> for Person {
    #[inline(always)]
    fn from(written: WrittenPerson<'_>) -> Self {
        Self {
            text: SmallVec::from_slice(written.text),
            email_end: written.email_end,
            subject_end: written.subject_end,
            names_end: written.names_end,
            email: written.email,
            issuer: written.issuer.cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_it_was_given_and_an_empty_one_is_not_a_missing_one() {
        let issuer = "https://issuer.example";
        for (email, is) in [
            (None, EmailPlace::None),
            (Some(""), EmailPlace::Own),
            (Some("é@example.com"), EmailPlace::Own),
            (Some("alice"), EmailPlace::Subject),
        ] {
            let person = Person::new(issuer, "alice", email);
            assert_eq!(person.email_place(), is);
            for known in [None, Some(Arc::from(issuer))] {
                let writer = person.encode(Writer::default(), known.is_none());
                let bytes = writer.finish();
                let read = WrittenPerson::read(Reader::new(&bytes), is, known.as_ref(), 0);
                let read = Person::from(read.unwrap());
                // What was read can be written again.
                for written in [true, false] {
                    let again = read.encode(Writer::default(), written).finish();
                    assert_eq!(again == bytes, written == known.is_none());
                }
                for person in [&person, &read] {
                    assert_eq!(person.issuer(), issuer);
                    assert_eq!(person.subject(), "alice");
                    assert_eq!(person.email(), email);
                }
                let other = read.with_email(Some("bob@example.com"));
                assert_eq!(other.issuer(), issuer);
                assert_eq!(other.subject(), "alice");
                assert_eq!(other.email(), Some("bob@example.com"));
            }
        }
    }

    #[test]
    fn names_whose_ends_do_not_fit_are_none() {
        let issuer = Arc::from("https://issuer.example");
        let read = |ends: &[usize], known| {
            let ends = ends.iter().copied();
            let bytes = ends.fold(Writer::default(), Writer::len).bytes(b"abcd");
            WrittenPerson::read(Reader::new(&bytes.finish()), EmailPlace::Own, known, 0).is_some()
        };
        assert!(read(&[1, 2], None));
        assert!(read(&[4, 4], None));
        for ends in [[2, 1], [1, 5], [5, 5], [usize::MAX; 2]] {
            assert!(!read(&ends, None), "{ends:?}");
        }
        assert!(read(&[4], Some(&issuer)));
        assert!(!read(&[5], Some(&issuer)));
    }
}
