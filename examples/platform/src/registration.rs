//! The M-Pin ids that are registered: who each of them belongs to, and how often its PIN was wrong.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

use crate::identity::hash_mpin_id;
use crate::mpin::authority::Half;
use crate::mpin::point::G2;
use crate::mpin::subject::Subject;
use crate::pending::Pending;
use crate::pin::MAX_TRIES;
use crate::sync::lock;
use crate::{clock, folder};

/// How many M-Pin ids are kept. The ones that were never used go first, then those used longest ago.
const MAX_KEPT: usize = 2000;

/// How long a client may take to fetch both shares of its secret, in seconds.
const FETCH_SECONDS: u64 = 10 * 60;

/// How many registrations may be under way.
const MAX_BEGUN: usize = 1000;

/// An M-Pin id on one device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registration {
    /// Whom its logins are for: the `sub` of tokens.
    pub(crate) user_id: String,
    pub(crate) device_name: String,
    /// As messages have it. A client of the protocol from before public keys has none.
    pub(crate) public_key: Option<String>,
    /// Wrong PINs in a row.
    errors: u8,
    pub(crate) revoked: bool,
    registered: u64,
    used: Option<u64>,
    /// Whether it came out of a renewal, and so is not renewed again.
    pub(crate) renewed: bool,
    /// The M-Pin id that it takes the place of, once it is used.
    pub(crate) replaces: Option<String>,
    /// Checking a public key takes as long as a login, so it is done once.
    #[serde(skip)]
    subject: OnceLock<Option<Subject>>,
}

/// What a proof led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proved,
    Wrong {
        tries_left: u8,
    },
    Revoked,
    /// The id is not registered, or not any more.
    Unknown,
}

/// A registration whose client has not fetched both shares yet.
#[derive(Debug)]
struct Begun {
    registration: Registration,
    fetched: [bool; 2],
}

/// Every M-Pin id.
#[derive(Debug)]
pub(crate) struct Registrations {
    file: Option<PathBuf>,
    begun: Pending<Begun>,
    kept: Mutex<BTreeMap<String, Registration>>,
}

impl Registration {
    pub(crate) fn new(user_id: &str, device_name: &str, public_key: Option<String>) -> Self {
        Self {
            user_id: user_id.to_owned(),
            device_name: device_name.to_owned(),
            public_key,
            errors: 0,
            revoked: false,
            registered: clock::now(),
            used: None,
            renewed: false,
            replaces: None,
            subject: OnceLock::new(),
        }
    }

    /// Says what it takes the place of.
    pub(crate) fn in_place_of(self, replaces: Option<String>, renewed: bool) -> Self {
        Self {
            replaces,
            renewed,
            ..self
        }
    }

    /// When it was registered, in seconds since 1970.
    pub(crate) fn registered(&self) -> u64 {
        self.registered
    }

    /// When a PIN was right for the last time.
    pub(crate) fn used(&self) -> Option<u64> {
        self.used
    }

    /// How many PINs in a row were wrong.
    pub(crate) fn wrong_pins(&self) -> u8 {
        self.errors
    }

    /// Returns whose secret the shares are of; `None` if a file was damaged.
    fn subject(&self, mpin_id: &str) -> Option<Subject> {
        let make = || {
            let key = match &self.public_key {
                Some(text) => Some(G2::parse(text)?),
                None => None,
            };
            Subject::of_hex(mpin_id, key)
        };
        self.subject.get_or_init(make).clone()
    }
}

impl Registrations {
    pub(crate) fn open(file: Option<PathBuf>) -> io::Result<Self> {
        let kept = match &file {
            Some(file) => folder::read(file)?.unwrap_or_default(),
            None => BTreeMap::new(),
        };
        Ok(Self {
            file,
            begun: Pending::new(FETCH_SECONDS, MAX_BEGUN),
            kept: Mutex::new(kept),
        })
    }

    /// Begins a registration, which counts once both shares were fetched.
    pub(crate) fn begin(&self, mpin_id: &str, registration: Registration) {
        let begun = Begun {
            registration,
            fetched: [false; 2],
        };
        self.begun.put(mpin_id, begun);
    }

    /// Sets the public key of a registration of the old protocol, which comes with the request for the first share.
    /// Returns false if another one was set before.
    pub(crate) fn bind_key(&self, mpin_id: &str, public_key: Option<&str>) -> bool {
        let bound = self.begun.with(mpin_id, |begun| {
            if begun.fetched != [false; 2] {
                return begun.registration.public_key.as_deref() == public_key;
            }
            begun.registration.public_key = public_key.map(str::to_owned);
            begun.registration.subject = OnceLock::new();
            true
        });
        bound.unwrap_or_else(|| {
            let kept = self.find(mpin_id);
            kept.is_some_and(|kept| kept.public_key.as_deref() == public_key)
        })
    }

    /// Returns the subject that a share is for, and notes that it is fetched.
    pub(crate) fn fetch(&self, mpin_id: &str, half: Half) -> Option<Subject> {
        let fetched = self.begun.with(mpin_id, |begun| {
            begun.fetched[half as usize] = true;
            let complete = begun.fetched == [true; 2];
            (begun.registration.subject(mpin_id), complete)
        });
        let Some((subject, complete)) = fetched else {
            // A client may ask again after a connection that broke off.
            return self.subject(mpin_id);
        };
        if complete && let Some(begun) = self.begun.take(mpin_id) {
            self.keep(mpin_id, begun.registration);
        }
        subject
    }

    /// Keeps a registration that is complete.
    pub(crate) fn keep(&self, mpin_id: &str, registration: Registration) {
        self.change(|kept| {
            if kept.len() >= MAX_KEPT {
                let least = kept.iter().min_by_key(|(_, registration)| {
                    (
                        registration.used.is_some(),
                        registration.used,
                        registration.registered,
                    )
                });
                if let Some(id) = least.map(|(id, _)| id.clone()) {
                    kept.remove(&id);
                }
            }
            kept.insert(mpin_id.to_owned(), registration);
        });
    }

    pub(crate) fn find(&self, mpin_id: &str) -> Option<Registration> {
        lock(&self.kept).get(mpin_id).cloned()
    }

    /// Returns whose proofs an id makes.
    pub(crate) fn subject(&self, mpin_id: &str) -> Option<Subject> {
        lock(&self.kept).get(mpin_id)?.subject(mpin_id)
    }

    /// Returns whether a user is registered on some device.
    pub(crate) fn knows(&self, user_id: &str) -> bool {
        let kept = lock(&self.kept);
        let mut active = kept.values().filter(|registration| !registration.revoked);
        active.any(|registration| registration.user_id == user_id)
    }

    /// Returns how many ids there are of users whose id has `part` in it, in lower case, and some of them with their
    /// registrations, those used or registered last first.
    pub(crate) fn list(
        &self,
        part: &str,
        skip: usize,
        most: usize,
    ) -> (usize, Vec<(String, Registration)>) {
        let kept = lock(&self.kept);
        let mut found: Vec<_> = kept
            .iter()
            .filter(|(_, registration)| registration.user_id.to_lowercase().contains(part))
            .collect();
        found.sort_by_key(|(_, it)| Reverse(it.used.unwrap_or(0).max(it.registered)));
        let page = found.iter().skip(skip).take(most);
        let page = page.map(|(id, registration)| ((*id).clone(), (*registration).clone()));
        (found.len(), page.collect())
    }

    /// Returns the full id of an id or of its hash.
    pub(crate) fn resolve(&self, id_or_hash: &str) -> Option<String> {
        let kept = lock(&self.kept);
        if kept.contains_key(id_or_hash) {
            return Some(id_or_hash.to_owned());
        }
        kept.keys()
            .find(|id| hash_mpin_id(id) == id_or_hash)
            .cloned()
    }

    /// Counts a proof. Three wrong ones in a row revoke, and nothing is right afterwards.
    pub(crate) fn judge(&self, mpin_id: &str, right: bool) -> Verdict {
        self.change(|kept| {
            let Some(registration) = kept.get_mut(mpin_id) else {
                return Verdict::Unknown;
            };
            if registration.revoked {
                return Verdict::Revoked;
            }
            if !right {
                registration.errors = registration.errors.saturating_add(1);
                registration.revoked = registration.errors >= MAX_TRIES;
                return if registration.revoked {
                    Verdict::Revoked
                } else {
                    Verdict::Wrong {
                        tries_left: MAX_TRIES - registration.errors,
                    }
                };
            }
            registration.errors = 0;
            registration.used = Some(clock::now());
            if let Some(earlier) = registration.replaces.take() {
                kept.remove(&earlier);
            }
            Verdict::Proved
        })
    }

    /// Revokes an id; false if it is not registered.
    pub(crate) fn revoke(&self, mpin_id: &str) -> bool {
        self.change(|kept| match kept.get_mut(mpin_id) {
            Some(registration) => {
                registration.revoked = true;
                true
            }
            None => false,
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Registration>) -> T) -> T {
        let mut kept = lock(&self.kept);
        let result = change(&mut kept);
        if let Some(file) = &self.file
            && let Err(error) = folder::write(file, &*kept)
        {
            tracing::warn!(%error, file = %file.display(), "registrations could not be saved");
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6964";

    fn with_one(file: Option<PathBuf>) -> Registrations {
        let registrations = Registrations::open(file).unwrap();
        registrations.begin(ID, Registration::new("a@b", "Device", None));
        registrations
    }

    #[test]
    fn an_id_counts_once_both_shares_were_fetched_and_they_can_be_fetched_again() {
        let registrations = with_one(None);
        for half in [Half::First, Half::First] {
            assert!(registrations.fetch(ID, half).is_some());
            assert!(registrations.find(ID).is_none());
            assert_eq!(registrations.judge(ID, true), Verdict::Unknown);
        }
        assert!(registrations.fetch(ID, Half::Second).is_some());
        assert!(registrations.find(ID).is_some() && registrations.knows("a@b"));
        assert!(registrations.fetch(ID, Half::First).is_some());
        assert!(registrations.fetch("6965", Half::First).is_none());
    }

    #[test]
    fn three_wrong_pins_in_a_row_revoke_and_a_right_one_resets() {
        let registrations = with_one(None);
        registrations.keep(ID, Registration::new("a@b", "Device", None));
        let verdicts = [false, true, false, false, false, true];
        let verdicts = verdicts.map(|right| registrations.judge(ID, right));
        use Verdict::{Proved, Revoked, Wrong};
        let wrong = |tries_left| Wrong { tries_left };
        let expected = [wrong(2), Proved, wrong(2), wrong(1), Revoked, Revoked];
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn registrations_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("registrations.json");
        let first = with_one(Some(file.clone()));
        first.fetch(ID, Half::First);
        first.fetch(ID, Half::Second);
        first.judge(ID, false);
        let second = Registrations::open(Some(file)).unwrap();
        assert_eq!(second.judge(ID, false), Verdict::Wrong { tries_left: 1 });
        assert_eq!(second.judge(ID, false), Verdict::Revoked);
        assert_eq!(second.resolve(&hash_mpin_id(ID)).as_deref(), Some(ID));
    }

    #[test]
    fn a_used_id_removes_the_one_that_it_replaces() {
        let registrations = with_one(None);
        registrations.keep(ID, Registration::new("a@b", "Device", None));
        let new = Registration::new("a@b", "Device", None).in_place_of(Some(ID.to_owned()), false);
        registrations.keep("6e6577", new);
        assert!(registrations.find(ID).is_some());
        assert_eq!(registrations.judge("6e6577", true), Verdict::Proved);
        assert!(registrations.find(ID).is_none());
    }

    #[test]
    fn those_never_used_make_room_first() {
        let registrations = with_one(None);
        registrations.keep(ID, Registration::new("a@b", "Device", None));
        registrations.judge(ID, true);
        for number in 0..MAX_KEPT + 5 {
            let id = format!("{number:08x}");
            registrations.keep(&id, Registration::new("c@d", "Device", None));
        }
        assert_eq!(lock(&registrations.kept).len(), MAX_KEPT);
        assert!(registrations.find(ID).is_some());
    }

    #[test]
    fn the_key_of_an_old_registration_is_bound_by_its_first_share() {
        let registrations = with_one(None);
        assert!(registrations.bind_key(ID, None));
        registrations.fetch(ID, Half::First);
        assert!(registrations.bind_key(ID, None));
        assert!(!registrations.bind_key(ID, Some("00")));
    }
}
