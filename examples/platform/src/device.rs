//! Browsers, the identities that each of them keeps, and who is signed in there.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::device_id::DeviceKey;
use crate::identity::{Identity, Session};
use crate::pin::{MAX_TRIES, PinProof};
use crate::sync::lock;
use crate::{clock, folder, random};

/// How many logins to apps a browser is remembered for; the oldest are forgotten first.
const MAX_LOGINS: usize = 32;

/// An app to which somebody logged in on a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppLogin {
    pub(crate) client_id: String,
    /// The person: the `sub` of the app's ID token.
    pub(crate) sub: String,
    /// The session: its `sid`.
    pub(crate) sid: String,
}

/// The result of an attempt to log in with a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    Proved(Session),
    Wrong {
        tries_left: u8,
    },
    Blocked,
    /// This browser does not keep that identity, or not any more.
    Unknown,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Device {
    identities: Vec<Identity>,
    session: Option<Session>,
    /// The apps to tell when the browser signs out, the oldest first.
    #[serde(default)]
    logins: Vec<AppLogin>,
}

/// Every device the platform knows.
#[derive(Debug)]
pub(crate) struct Devices {
    file: Option<PathBuf>,
    /// The device of people without a browser, which is not worth keeping.
    unsaved: DeviceKey,
    known: Mutex<HashMap<DeviceKey, Device>>,
}

impl Devices {
    pub(crate) fn open(file: Option<PathBuf>, unsaved: DeviceKey) -> io::Result<Self> {
        let known = match &file {
            Some(file) => folder::read(file)?.unwrap_or_default(),
            None => HashMap::new(),
        };
        Ok(Self {
            file,
            unsaved,
            known: Mutex::new(known),
        })
    }

    /// Returns the identities of a device, the one used last first.
    pub(crate) fn identities(&self, device: &DeviceKey) -> Vec<Identity> {
        let known = lock(&self.known);
        known
            .get(device)
            .map(|device| device.identities.clone())
            .unwrap_or_default()
    }

    pub(crate) fn identity(&self, device: &DeviceKey, email: &str) -> Option<Identity> {
        let identities = self.identities(device);
        identities
            .into_iter()
            .find(|identity| identity.email == email)
    }

    pub(crate) fn session(&self, device: &DeviceKey) -> Option<Session> {
        lock(&self.known).get(device)?.session.clone()
    }

    /// Begins a login session on a device, in place of an older one.
    pub(crate) fn sign_in(&self, device: &DeviceKey, session: Session) {
        self.change(device, |device| device.session = Some(session));
    }

    /// Adds an identity, in place of an older one with the same e-mail address.
    pub(crate) fn add(&self, device: &DeviceKey, identity: Identity) {
        self.change(device, |device| {
            device
                .identities
                .retain(|other| other.email != identity.email);
            device.identities.insert(0, identity);
        });
    }

    /// Removes an identity, and its session with it.
    pub(crate) fn remove(&self, device: &DeviceKey, email: &str) {
        self.change(device, |device| {
            device.identities.retain(|identity| identity.email != email);
            device.session.take_if(|session| session.email == email);
        });
    }

    /// Remembers that a session logged in to an app.
    pub(crate) fn note_login(&self, device: &DeviceKey, client_id: &str, session: &Session) {
        let login = AppLogin {
            client_id: client_id.to_owned(),
            sub: session.email.clone(),
            sid: session.sid.clone(),
        };
        self.change(device, |device| {
            device.logins.retain(|other| *other != login);
            if device.logins.len() == MAX_LOGINS {
                device.logins.remove(0);
            }
            device.logins.push(login);
        });
    }

    /// Ends the login session of a device, and returns the logins to apps since the last time.
    pub(crate) fn sign_out(&self, device: &DeviceKey) -> Vec<AppLogin> {
        let signed_in = lock(&self.known)
            .get(device)
            .is_some_and(|device| device.session.is_some() || !device.logins.is_empty());
        if !signed_in {
            return Vec::new();
        }
        self.change(device, |device| {
            device.session = None;
            std::mem::take(&mut device.logins)
        })
    }

    /// Checks a PIN, counts the tries, and on success begins a session.
    pub(crate) fn try_pin(
        &self,
        device: &DeviceKey,
        email: &str,
        pin: &str,
        proof: &dyn PinProof,
    ) -> Attempt {
        self.change(device, |device| {
            let Some(index) = device
                .identities
                .iter()
                .position(|identity| identity.email == email)
            else {
                return Attempt::Unknown;
            };
            let identity = &mut device.identities[index];
            if identity.is_blocked() {
                return Attempt::Blocked;
            }
            if proof.prove(&identity.enrolment, pin).is_err() {
                identity.tries_left -= 1;
                return match identity.tries_left {
                    0 => Attempt::Blocked,
                    tries_left => Attempt::Wrong { tries_left },
                };
            }
            identity.tries_left = MAX_TRIES;
            let session = Session {
                email: identity.email.clone(),
                mpin_id: identity.mpin_id.clone(),
                auth_time: clock::now(),
                sid: random::token(),
            };
            let identity = device.identities.remove(index);
            device.identities.insert(0, identity);
            device.session = Some(session.clone());
            Attempt::Proved(session)
        })
    }

    fn change<T>(&self, key: &DeviceKey, change: impl FnOnce(&mut Device) -> T) -> T {
        let mut known = lock(&self.known);
        let result = change(known.entry(key.clone()).or_default());
        if let Some(file) = self.file.as_ref().filter(|_| *key != self.unsaved) {
            let kept: HashMap<_, _> = known
                .iter()
                .filter(|(key, _)| **key != self.unsaved)
                .collect();
            if let Err(error) = folder::write(file, &kept) {
                tracing::warn!(%error, file = %file.display(), "identities could not be saved");
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_id::DeviceId;
    use crate::pin::HashedPin;

    fn devices(file: Option<PathBuf>) -> (Devices, DeviceKey) {
        let devices = Devices::open(file, DeviceId::random().key()).unwrap();
        (devices, DeviceId::random().key())
    }

    #[test]
    fn three_wrong_pins_in_a_row_block_and_a_right_one_resets() {
        let (devices, device) = devices(None);
        devices.add(
            &device,
            Identity::new("a@b", HashedPin.enrol("a@b", "1234")),
        );
        let attempt = |pin| devices.try_pin(&device, "a@b", pin, &HashedPin);
        assert_eq!(attempt("0000"), Attempt::Wrong { tries_left: 2 });
        assert!(matches!(attempt("1234"), Attempt::Proved(_)));
        assert_eq!(attempt("0000"), Attempt::Wrong { tries_left: 2 });
        assert_eq!(attempt("0000"), Attempt::Wrong { tries_left: 1 });
        assert_eq!(attempt("0000"), Attempt::Blocked);
        assert_eq!(attempt("1234"), Attempt::Blocked);
    }

    #[test]
    fn identities_belong_to_one_device() {
        let (devices, device) = devices(None);
        devices.add(
            &device,
            Identity::new("a@b", HashedPin.enrol("a@b", "1234")),
        );
        let other = DeviceId::random().key();
        assert_eq!(
            devices.try_pin(&other, "a@b", "1234", &HashedPin),
            Attempt::Unknown
        );
    }

    #[test]
    fn identities_and_blocks_survive_a_restart_and_the_cookie_is_not_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("devices.json");
        let id = DeviceId::random();
        let (first, _) = devices(Some(file.clone()));
        first.add(
            &id.key(),
            Identity::new("a@b", HashedPin.enrol("a@b", "1234")),
        );
        first.try_pin(&id.key(), "a@b", "0000", &HashedPin);

        let (second, _) = devices(Some(file.clone()));
        assert_eq!(second.identity(&id.key(), "a@b").unwrap().tries_left, 2);
        assert!(!std::fs::read_to_string(file).unwrap().contains(id.as_str()));
    }

    #[test]
    fn logins_to_apps_are_told_of_once_and_are_bounded() {
        let (devices, device) = devices(None);
        let session = |sid: usize| Session {
            email: "a@b".to_owned(),
            mpin_id: String::new(),
            auth_time: 0,
            sid: sid.to_string(),
        };
        for sid in 0..MAX_LOGINS + 3 {
            devices.note_login(&device, "app", &session(sid));
            devices.note_login(&device, "app", &session(sid));
        }
        let told = devices.sign_out(&device);
        assert_eq!(told.len(), MAX_LOGINS);
        assert_eq!(told[0].sid, "3");
        assert_eq!(devices.sign_out(&device), []);
    }
}
