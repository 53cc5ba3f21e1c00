//! The audit log: registrations, logins, signatures and revocations.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::identity::hash_mpin_id;
use crate::sync::lock;
use crate::{rfc3339, visitor};

/// How many entries are kept; the oldest go first.
pub(crate) const MOST: usize = 1000;

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
    /// Every event, in the order of the portal.
    pub(crate) const ALL: [Self; 6] = [
        Self::Registered,
        Self::LoggedIn,
        Self::WrongPin,
        Self::Blocked,
        Self::Signed,
        Self::Revoked,
    ];

    /// Returns the event with this `eventStatus`.
    pub(crate) fn of_name(status: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == status)
    }

    /// Returns its `eventStatus`.
    pub(crate) fn name(self) -> &'static str {
        self.names().1
    }

    /// Says it to people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Registered => "Device registered",
            Self::LoggedIn => "Logged in",
            Self::WrongPin => "Wrong PIN",
            Self::Blocked => "Login refused: revoked",
            Self::Signed => "Signature checked",
            Self::Revoked => "Device revoked",
        }
    }

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
    /// From where the request came.
    address: IpAddr,
}

/// An entry as the portal shows it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) time: String,
    pub(crate) event: Event,
    pub(crate) user_id: String,
    pub(crate) device_name: String,
    pub(crate) app_name: String,
    pub(crate) address: IpAddr,
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
            address: visitor::address(),
        }
    }

    fn to_shown(&self) -> Shown {
        Shown {
            time: rfc3339::short(self.micros / 1_000_000),
            event: self.event,
            user_id: self.user_id.clone(),
            device_name: self.device_name.clone(),
            app_name: self.app_name.clone(),
            address: self.address,
        }
    }

    fn to_json(&self) -> Value {
        let (kind, status) = self.event.names();
        json!({
            "IPAddress": self.address.to_string(),
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
    pub(crate) event: Option<Event>,
    /// A part of the user id, in lower case.
    pub(crate) user_part: Option<String>,
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
            && self.event.is_none_or(|event| event == entry.event)
            && self
                .user_part
                .as_ref()
                .is_none_or(|part| entry.user_id.to_lowercase().contains(part))
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
        self.find(filter, offset, limit, Entry::to_json)
    }

    /// Returns the same for the portal.
    pub(crate) fn shown(&self, filter: &Filter, skip: usize, most: usize) -> (usize, Vec<Shown>) {
        self.find(filter, skip, most, Entry::to_shown)
    }

    fn find<T>(
        &self,
        filter: &Filter,
        skip: usize,
        most: usize,
        show: fn(&Entry) -> T,
    ) -> (usize, Vec<T>) {
        let entries = lock(&self.0);
        let found: Vec<&Entry> = entries.iter().filter(|entry| filter.takes(entry)).collect();
        let page = found.iter().skip(skip).take(most);
        (found.len(), page.map(|entry| show(entry)).collect())
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
