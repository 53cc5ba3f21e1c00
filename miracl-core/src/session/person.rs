//! The names in a session, in one piece of memory: it is read anew for each request of a logged-in user.

use std::{ops::Range, sync::Arc};

use smallvec::SmallVec;

use crate::base::wire::{Reader, Writer};

/// Names of usual length lie in the session itself.
const USUAL: usize = 96;

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
    /// The issuer, where it is not one of the texts.
    issuer: Option<Arc<str>>,
}

/// Names as they are written, found to fit and not copied yet.
pub(crate) struct Written<'a> {
    text: &'a [u8],
    email_end: usize,
    subject_end: usize,
    email: Email,
    issuer: Option<&'a Arc<str>>,
}

/// Where the e-mail address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Email {
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
            issuer: None,
        }
    }

    /// Writes the names, the issuer only if asked to. Before them stands where each ends that another follows.
    pub(super) fn encode(&self, mut writer: Writer, with_issuer: bool) -> Writer {
        let mut names = self.text[..self.subject_end].to_vec();
        if self.email == Email::Own {
            writer = writer.len(self.email_end);
        }
        if with_issuer {
            writer = writer.len(self.subject_end);
            names.extend_from_slice(self.issuer().as_bytes());
        }
        writer.bytes(&names)
    }

    pub(crate) fn issuer(&self) -> &str {
        match &self.issuer {
            Some(issuer) => issuer,
            None => self.part(self.subject_end..self.text.len()),
        }
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

    pub(super) fn email_is(&self) -> Email {
        self.email
    }

    fn part(&self, range: Range<usize>) -> &str {
        std::str::from_utf8(&self.text[range]).unwrap_or_default()
    }

    /// All of them, as other parts of the session may mention them.
    pub(super) fn texts(&self) -> [&str; 3] {
        [
            self.issuer(),
            self.subject(),
            self.email().unwrap_or_default(),
        ]
    }

    /// The same names with another e-mail address.
    pub(crate) fn with_email(&self, email: Option<&str>) -> Self {
        Self::new(self.issuer(), self.subject(), email)
    }
}

impl<'a> Written<'a> {
    /// Reads what is left: nothing comes after the names. The issuer is among them, unless it is known.
    #[inline(always)]
    pub(super) fn read(
        mut reader: Reader<'a>,
        email: Email,
        issuer: Option<&'a Arc<str>>,
    ) -> Option<Self> {
        let email_end = match email {
            Email::Own => reader.len()?,
            Email::None | Email::Subject => 0,
        };
        let subject_end = match issuer {
            None => Some(reader.len()?),
            Some(_) => None,
        };
        let text = reader.rest();
        let subject_end = subject_end.unwrap_or(text.len());
        let fits = email_end <= subject_end && subject_end <= text.len();
        fits.then_some(Self {
            text,
            email_end,
            subject_end,
            email,
            issuer,
        })
    }
}

impl From<Written<'_>> for Names {
    #[inline(always)]
    fn from(written: Written<'_>) -> Self {
        Self {
            text: SmallVec::from_slice(written.text),
            email_end: written.email_end,
            subject_end: written.subject_end,
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
            (None, Email::None),
            (Some(""), Email::Own),
            (Some("é@example.com"), Email::Own),
            (Some("alice"), Email::Subject),
        ] {
            let names = Names::new(issuer, "alice", email);
            assert_eq!(names.email_is(), is);
            for known in [None, Some(Arc::from(issuer))] {
                let writer = names.encode(Writer::default(), known.is_none());
                let bytes = writer.finish();
                let read = Written::read(Reader::new(&bytes), is, known.as_ref());
                let read = Names::from(read.unwrap());
                // What was read can be written again.
                for written in [true, false] {
                    let again = read.encode(Writer::default(), written).finish();
                    assert_eq!(again == bytes, written == known.is_none());
                }
                for names in [&names, &read] {
                    assert_eq!(names.issuer(), issuer);
                    assert_eq!(names.subject(), "alice");
                    assert_eq!(names.email(), email);
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
            Written::read(Reader::new(&bytes.finish()), Email::Own, known).is_some()
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
