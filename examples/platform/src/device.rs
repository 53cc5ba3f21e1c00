//! Browsers, the identities each of them keeps, and who is signed in there.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, header};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::pin::{Enrolment, MAX_TRIES, PinProof};
use crate::sync::lock;
use crate::{clock, folder, random};

/// The name of a browser: the value of its cookie.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DeviceId(String);

/// One for pages in a frame, one for browsers that accept no `Secure` cookie over plain http, one for browsers that
/// keep apart what different sites frame. They hold the same value, and the first one that comes back counts.
const COOKIES: [(&str, &str); 3] = [
    ("miracl_device", "Path=/; HttpOnly; SameSite=None; Secure"),
    ("miracl_device_lax", "Path=/; HttpOnly; SameSite=Lax"),
    (
        "miracl_device_framed",
        "Path=/; HttpOnly; SameSite=None; Secure; Partitioned",
    ),
];

/// How many logins to apps a browser is remembered for; the oldest are forgotten first.
const MAX_LOGINS: usize = 32;

/// Browsers cap a cookie's life at 400 days.
const COOKIE_SECONDS: u64 = 400 * 24 * 60 * 60;

impl DeviceId {
    pub(crate) fn random() -> Self {
        Self(random::token())
    }

    /// Reads the cookie of a request.
    ///
    /// An id that this platform never gave is accepted if it has the shape of one: ports share a cookie jar, so a
    /// browser sends the id of another local platform.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs: Vec<(&str, &str)> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(_, value)| random::is_token(value))
            .collect();
        let mut found = COOKIES
            .iter()
            .filter_map(|(cookie, _)| pairs.iter().find(|(name, _)| name == cookie));
        found.next().map(|(_, value)| Self((*value).to_owned()))
    }

    /// Returns the `Set-Cookie` lines that make a browser remember its id.
    pub(crate) fn set_cookies(&self) -> [HeaderValue; 3] {
        COOKIES.map(|(name, attributes)| {
            HeaderValue::try_from(format!(
                "{name}={}; Max-Age={COOKIE_SECONDS}; {attributes}",
                self.0
            ))
            .expect("a token is plain ASCII")
        })
    }

    /// Returns the `Cookie` line that a browser sends.
    pub(crate) fn cookie_line(&self) -> String {
        format!("{}={}", COOKIES[0].0, self.0)
    }

    /// Returns the name under which the device is kept. The cookie cannot be derived from it.
    pub(crate) fn key(&self) -> DeviceKey {
        DeviceKey(base64_simd::URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, self.0.as_bytes())))
    }
}

impl std::fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceId([redacted])")
    }
}

/// The name under which a device is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct DeviceKey(String);

/// A confirmed e-mail address with a PIN, on one browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) email: String,
    /// The claim of the `mpin_id` scope.
    pub(crate) mpin_id: String,
    /// Tries that are left: zero when blocked.
    pub(crate) tries_left: u8,
    enrolment: Enrolment,
}

impl Identity {
    pub(crate) fn new(email: &str, enrolment: Enrolment) -> Self {
        Self {
            email: email.to_owned(),
            mpin_id: new_mpin_id(email),
            tries_left: MAX_TRIES,
            enrolment,
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.tries_left == 0
    }
}

/// Who is signed in at the platform on a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) email: String,
    pub(crate) mpin_id: String,
    pub(crate) auth_time: u64,
    pub(crate) sid: String,
}

impl Session {
    /// Makes a session without an identity.
    pub(crate) fn new(email: &str) -> Self {
        Self {
            email: email.to_owned(),
            mpin_id: new_mpin_id(email),
            auth_time: clock::now(),
            sid: random::token(),
        }
    }
}

fn new_mpin_id(email: &str) -> String {
    let plain = json!({
        "iat": clock::now(),
        "salt": hex(&random::bytes::<16>()),
        "userID": email,
        "v": 5,
    });
    hex(plain.to_string().as_bytes())
}

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

/// Returns the `hash_mpin_id` of an `mpin_id`: the SHA-256 of the bytes that it spells.
pub(crate) fn hash_mpin_id(mpin_id: &str) -> String {
    let bytes = mpin_id.as_bytes().chunks(2);
    let bytes: Vec<u8> = bytes
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    hex(digest(&SHA256, &bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns `text` as the platform keeps e-mail addresses, in lower case, or `None` if it is not one.
///
/// The check finds a typing error; it does not cover all of RFC 5321.
pub(crate) fn parse_email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.split_once('@')?;
    let shaped = text.len() <= 254
        && !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>\"\\,;".contains(c));
    shaped.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(!std::fs::read_to_string(file).unwrap().contains(&id.0));
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

    #[test]
    fn any_of_the_cookies_names_the_device() {
        let id = DeviceId::random();
        for line in id.set_cookies() {
            let pair = line.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("other=1; {pair}").parse().unwrap());
            assert_eq!(DeviceId::of(&headers), Some(id.clone()));
        }
    }

    #[test]
    fn typing_errors_in_an_address_are_caught() {
        assert_eq!(
            parse_email(" Alice@Example.com "),
            Some("alice@example.com".to_owned())
        );
        for bad in ["", "alice", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: c"] {
            assert_eq!(parse_email(bad), None, "{bad:?}");
        }
    }
}
