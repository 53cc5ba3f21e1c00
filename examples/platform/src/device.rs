//! Browsers, who is signed in there, and which apps they logged in to.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::device_id::DeviceKey;
use crate::folder;
use crate::identity::Session;
use crate::sync::lock;

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

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Device {
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

    pub(crate) fn session(&self, device: &DeviceKey) -> Option<Session> {
        lock(&self.known).get(device)?.session.clone()
    }

    /// Begins a login session on a device, in place of an older one.
    pub(crate) fn sign_in(&self, device: &DeviceKey, session: Session) {
        self.change(device, |device| device.session = Some(session));
    }

    /// Remembers that a session logged in to an app.
    pub(crate) fn note_login(&self, device: &DeviceKey, client_id: &str, sub: &str, sid: &str) {
        let login = AppLogin {
            client_id: client_id.to_owned(),
            sub: sub.to_owned(),
            sid: sid.to_owned(),
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

    fn change<T>(&self, key: &DeviceKey, change: impl FnOnce(&mut Device) -> T) -> T {
        let mut known = lock(&self.known);
        let result = change(known.entry(key.clone()).or_default());
        if let Some(file) = self.file.as_ref().filter(|_| *key != self.unsaved) {
            let kept: HashMap<_, _> = known
                .iter()
                .filter(|(key, _)| **key != self.unsaved)
                .collect();
            if let Err(error) = folder::write(file, &kept) {
                tracing::warn!(%error, file = %file.display(), "sessions could not be saved");
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_id::DeviceId;

    fn devices(file: Option<PathBuf>) -> (Devices, DeviceKey) {
        let devices = Devices::open(file, DeviceId::random().key()).unwrap();
        (devices, DeviceId::random().key())
    }

    #[test]
    fn a_session_survives_a_restart_and_the_cookie_is_not_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("devices.json");
        let id = DeviceId::random();
        let (first, _) = devices(Some(file.clone()));
        let session = Session::new("a@b");
        first.sign_in(&id.key(), session.clone());

        let (second, other) = devices(Some(file.clone()));
        assert_eq!(second.session(&id.key()), Some(session));
        assert_eq!(second.session(&other), None);
        assert!(!std::fs::read_to_string(file).unwrap().contains(id.as_str()));
    }

    #[test]
    fn logins_to_apps_are_told_of_once_and_are_bounded() {
        let (devices, device) = devices(None);
        for sid in 0..MAX_LOGINS + 3 {
            devices.note_login(&device, "app", "a@b", &sid.to_string());
            devices.note_login(&device, "app", "a@b", &sid.to_string());
        }
        let told = devices.sign_out(&device);
        assert_eq!(told.len(), MAX_LOGINS);
        assert_eq!(told[0].sid, "3");
        assert_eq!(devices.sign_out(&device), []);
    }
}
