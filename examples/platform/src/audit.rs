//! The audit log: registrations, logins, signatures and revocations.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::identity::hash_mpin_id;
use crate::rfc3339;
use crate::sync::lock;

/// How many entries are kept; the oldest go first.
const MOST: usize = 1000;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Registered,
    LoggedIn,
    WrongPin,
    Blocked,
    Signed,
    Revoked,
}

impl Event {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Registered => ("registration", "registration_success"),
            Self::LoggedIn => ("authentication", "authenticate_success"),
            Self::WrongPin => ("authentication", "authenticate_fail"),
            Self::Blocked => ("authentication", "authenticate_revoked"),
            Self::Signed => ("signature", "verify_success"),
            Self::Revoked => ("revocation", "revocation_success"),
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    event: Event,
    micros: u64,
    pub(crate) app_id: String,
    pub(crate) app_name: String,
    pub(crate) device_name: String,
    hash_mpin_id: String,
    pub(crate) user_id: String,
}

impl Entry {
    pub(crate) fn new(event: Event, mpin_id: &str, user_id: &str, device_name: &str) -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_micros()).unwrap_or(0));
        Self {
            event,
            micros,
            app_id: String::new(),
            app_name: String::new(),
            device_name: device_name.to_owned(),
            hash_mpin_id: hash_mpin_id(mpin_id),
            user_id: user_id.to_owned(),
        }
    }

    fn to_json(&self) -> Value {
        let (kind, status) = self.event.names();
        json!({
            // The platform answers to loopback only.
            "IPAddress": "127.0.0.1",
            "appID": self.app_id,
            "appName": self.app_name,
            "country": "",
            "createdAt": rfc3339::format(self.micros),
            "deviceName": self.device_name,
            "eventStatus": status,
            "eventType": kind,
            "mpinID": self.hash_mpin_id,
            "userID": self.user_id,
        })
    }
}

/// Which entries to show. What is not set does not matter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) application_id: Option<String>,
    /// In microseconds since 1970, both included.
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) user_id: Option<String>,
    /// The id's hash.
    pub(crate) mpin_id: Option<String>,
    pub(crate) device_name: Option<String>,
}

impl Filter {
    fn takes(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        is(&self.application_id, &entry.app_id)
            && is(&self.user_id, &entry.user_id)
            && is(&self.mpin_id, &entry.hash_mpin_id)
            && is(&self.device_name, &entry.device_name)
            && self.from.is_none_or(|from| entry.micros >= from)
            && self.to.is_none_or(|to| entry.micros <= to)
    }
}

/// The log.
#[derive(Debug, Default)]
pub(crate) struct Audit(Mutex<VecDeque<Entry>>);

impl Audit {
    pub(crate) fn add(&self, entry: Entry) {
        let mut entries = lock(&self.0);
        entries.truncate(MOST - 1);
        entries.push_front(entry);
    }

    /// Returns how many entries there are, and some of them, the newest first.
    pub(crate) fn list(&self, filter: &Filter, offset: usize, limit: usize) -> (usize, Vec<Value>) {
        let entries = lock(&self.0);
        let found: Vec<&Entry> = entries.iter().filter(|entry| filter.takes(entry)).collect();
        let page = found.iter().skip(offset).take(limit);
        (found.len(), page.map(|entry| entry.to_json()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_filtered_paged_and_bounded() {
        let audit = Audit::default();
        for number in 0..MOST + 5 {
            let user = if number % 2 == 0 { "a@b" } else { "c@d" };
            audit.add(Entry::new(Event::LoggedIn, "6964", user, "Device"));
        }
        assert_eq!(audit.list(&Filter::default(), 0, 10).0, MOST);
        let filter = Filter {
            user_id: Some("a@b".to_owned()),
            from: Some(1),
            ..Filter::default()
        };
        let (total, page) = audit.list(&filter, 495, 10);
        assert_eq!((total, page.len()), (MOST / 2, 5));
        assert_eq!(page[0]["eventStatus"], "authenticate_success");
        assert_eq!(page[0]["mpinID"].as_str().unwrap().len(), 64);
        let later = Filter {
            from: Some(u64::MAX),
            ..Filter::default()
        };
        assert_eq!(audit.list(&later, 0, 10).0, 0);
    }
}
