//! The session: who is logged in and until when, and behind it the tokens and user data.
//!
//! It is two sealed values. The small one is opened by every request that asks who the user is; the large one only when
//! tokens or user data are asked for. Both carry the session's id and generation, and count only together.

use std::{fmt, sync::Arc};

use crate::{
    base::wire::{Reader, Writer},
    session::{
        binding::Binding,
        extension::Extension,
        marked_by::MarkedBy,
        person::{EmailPlace, Person, WrittenPerson},
        seal::header::SealNonce,
    },
    store::sessions::IndexKey,
};

/// The id of a session: 256 random bits. Where sessions are in a store, the one who knows an id is logged in, so
/// `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct SessionId(pub(crate) [u8; 32]);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId([redacted])")
    }
}

/// What every session has before its person: binding, flags, id, generation, nonce, three times, the person's mark.
const FIXED: usize = 12 + 1 + 32 + 4 + 8 + 8 + 4 + 4 + 16;

/// What a session has, one bit each. The first is in every one that is like all: those of earlier versions have another
/// and are not read.
const FORMAT: u8 = 0x20;
/// In place of the first: the session has an extension. A version that does not know this bit would take its bytes for
/// a name, so it must not read the session at all.
const EXTENDED: u8 = 0x80;
const EMAIL_VERIFIED: u8 = 1;
const EMAIL: u8 = 2;
const EMAIL_IS_SUBJECT: u8 = 4;
const SID_MARK: u8 = 8;
const OTHER_ISSUER: u8 = 16;
/// Whether address and confirmation are known to be of one source: earlier versions put them together from two.
const EMAIL_FROM_ONE_SOURCE: u8 = 64;

/// How long sessions live, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Without a request that asks for the session.
    pub(crate) idle: u64,
    /// At most.
    pub(crate) absolute: u64,
}

/// The small part of a session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Counts the changes of the large part.
    pub(crate) generation: u32,
    /// The nonce that the large part was sealed with: which value belongs to this one can be told without opening it.
    pub(crate) data: SealNonce,
    /// When the person logged in here, in milliseconds since 1970: when the tokens were asked for, so that the ID token
    /// is younger, and a log-out that came before is older.
    pub(crate) created_ms: u64,
    /// When the idle deadline was last moved.
    pub(crate) seen: u64,
    /// The ID token's `iat`, on the provider's clock.
    pub(crate) issued_at: u64,
    pub(crate) person: Person,
    pub(crate) email_verified: bool,
    /// Whether an earlier version wrote that the address is confirmed, which has to be looked at again.
    pub(crate) is_doubtful: bool,
    /// By what log-outs from outside name it, so that no request has to make a hash.
    pub(crate) marked_by: MarkedBy,
}

impl Session {
    pub(crate) fn encode(&self, binding: &Binding) -> Vec<u8> {
        let person = &self.person;
        let other_issuer = person.issuer() != &*binding.issuer;
        let extension = person.extension().0;
        let is_extended = !extension.is_empty();
        let flags = [
            (FORMAT, !is_extended),
            (EXTENDED, is_extended),
            (EMAIL_VERIFIED, self.email_verified),
            (EMAIL_FROM_ONE_SOURCE, !self.is_doubtful),
            (EMAIL, person.email_place() == EmailPlace::Own),
            (
                EMAIL_IS_SUBJECT,
                person.email_place() == EmailPlace::Subject,
            ),
            (SID_MARK, self.marked_by.sid.is_some()),
            (OTHER_ISSUER, other_issuer),
        ];
        let set = |flags, (flag, is_set)| if is_set { flags | flag } else { flags };
        let writer = Writer::default()
            .bytes(&binding.hash)
            .u8(flags.into_iter().fold(0, set))
            .bytes(&self.id.0)
            .u32(self.generation)
            .bytes(&self.data)
            .u64(self.created_ms)
            .i32(self.since_created(self.seen))
            .i32(self.since_created(self.issued_at))
            .bytes(&self.marked_by.subject.0)
            .bytes(self.marked_by.sid.as_ref().map_or(&[], |sid| &sid.0[..]));
        let writer = match is_extended {
            true => writer.len(extension.len()),
            false => writer,
        };
        person.encode(writer, other_issuer).finish()
    }

    /// Reads a session that was made for this issuer and client.
    pub(crate) fn decode(bytes: &[u8], binding: &Binding) -> Option<Arc<Self>> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        // Of a length that is known, so that nothing has to be checked for each field.
        let (mut reader, mut rest) = (Reader::new(fixed), Reader::new(rest));
        if reader.array()? != binding.hash {
            return None;
        }
        let flags = reader.u8()?;
        let has = |flag| flags & flag != 0;
        if !has(FORMAT) && !has(EXTENDED) {
            return None;
        }
        let (id, generation) = (SessionId(reader.array()?), reader.u32()?);
        let (data, created_ms) = (reader.array()?, reader.u64()?);
        let mut time = || Some((created_ms / 1000).saturating_add_signed(reader.i32()?.into()));
        let (seen, issued_at) = (time()?, time()?);
        let subject = IndexKey(reader.array()?);
        let sid = if has(SID_MARK) {
            Some(IndexKey(rest.array()?))
        } else {
            None
        };
        let email = match (has(EMAIL), has(EMAIL_IS_SUBJECT)) {
            (false, false) => EmailPlace::None,
            (false, true) => EmailPlace::Subject,
            (true, _) => EmailPlace::Own,
        };
        let issuer = (!has(OTHER_ISSUER)).then_some(&binding.issuer);
        let extension = if has(FORMAT) {
            0
        } else {
            read_extension(&mut rest)?
        };
        let person = WrittenPerson::read(rest, email, issuer, extension)?;
        // From here on nothing can fail, so that all of it is written where it stays.
        Some(Arc::new(Self {
            id,
            generation,
            data,
            created_ms,
            seen,
            issued_at,
            person: person.into(),
            email_verified: has(EMAIL_VERIFIED),
            is_doubtful: has(EMAIL_VERIFIED) && !has(EMAIL_FROM_ONE_SOURCE),
            marked_by: MarkedBy { subject, sid },
        }))
    }

    /// When the person logged in here, in seconds since 1970.
    pub(crate) fn created(&self) -> u64 {
        self.created_ms / 1000
    }

    /// A time as it is written: in seconds before or after the session began.
    fn since_created(&self, time: u64) -> i32 {
        let seconds = i128::from(time) - i128::from(self.created());
        // Nobody is logged in for 68 years.
        seconds.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }

    /// Whether both deadlines lie ahead.
    pub(super) fn is_alive(&self, now: u64, timeouts: Timeouts) -> bool {
        now < self.ends(timeouts) && now < self.seen.saturating_add(timeouts.idle)
    }

    /// The absolute deadline.
    pub(crate) fn ends(&self, timeouts: Timeouts) -> u64 {
        self.created().saturating_add(timeouts.absolute)
    }

    /// Whether a tenth of the idle time has passed, so that the deadline is worth moving; or there is something else to
    /// write anew.
    pub(crate) fn is_deadline_worth_moving(&self, now: u64, timeouts: Timeouts) -> bool {
        self.is_doubtful || now.saturating_sub(self.seen) > timeouts.idle / 10
    }
}

/// Reads how many bytes the extension of a session has, which are its last ones. `None` if there is something in it
/// that this version does not know.
#[cold]
fn read_extension(reader: &mut Reader<'_>) -> Option<usize> {
    let len = reader.len()?;
    let all = reader.peek();
    Extension::read(all.get(all.len().checked_sub(len)?..)?)?;
    Some(len)
}

/// Who is logged in.
///
/// The pair of [`issuer`](Self::issuer) and [`id`](Self::id) is the person. Key your own users by both: an e-mail
/// address can change hands, and a subject is unique at its issuer only (OpenID Connect Core 1.0 §5.7).
///
/// ```
/// use miracl_core::User;
/// use std::collections::HashMap;
///
/// /// The app's own accounts, by issuer and id.
/// struct Accounts(HashMap<(String, String), u64>);
///
/// impl Accounts {
///     fn of(&self, user: &User) -> Option<u64> {
///         let key = (user.issuer().to_owned(), user.id().to_owned());
///         self.0.get(&key).copied()
///     }
/// }
///
/// /// An address to write to: one that the provider has confirmed.
/// fn address(user: &User) -> Option<&str> {
///     user.email().filter(|_| user.email_verified())
/// }
/// ```
///
/// `Debug` shows nothing of it: at MIRACL the subject itself is an e-mail address.
#[derive(Clone)]
#[doc(alias = "is_authenticated")]
pub struct User(pub(crate) Arc<Session>);

impl User {
    /// Returns the user's id at the provider: the `sub` claim.
    #[doc(alias = "get_user_id")]
    pub fn id(&self) -> &str {
        self.0.person.subject()
    }

    /// Returns the provider's issuer: the `iss` claim.
    pub fn issuer(&self) -> &str {
        self.0.person.issuer()
    }

    /// Returns the e-mail address, when the provider gave one.
    ///
    /// # Security
    ///
    /// Believe it only when [`email_verified`](Self::email_verified), and never use it as the key of a user.
    #[doc(alias = "get_email")]
    pub fn email(&self) -> Option<&str> {
        self.0.person.email()
    }

    /// Whether the provider says that the person controls the e-mail address: in the same place that gave the address,
    /// or in the ID token of the very same address. What is said of one address is never said of another.
    pub fn email_verified(&self) -> bool {
        self.0.email_verified && self.0.person.email().is_some()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
