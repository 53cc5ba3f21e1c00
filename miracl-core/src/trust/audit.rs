//! The audit log of the project.

use std::fmt;

use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use crate::{
    error::trust::TrustError,
    trust::{
        Trust,
        api::{Api, any_text},
        project,
        rfc3339::{END_OF_TIME, rfc3339},
    },
};

const ENDPOINT: &str = "audit log";

/// The longest text of a query, in bytes. An M-Pin id has less than 2 KiB.
const MAX_TEXT: usize = 8 * 1024;

/// What is asked of the audit log. Everything is optional; by default the newest entries of the whole project.
///
/// `Debug` shows no text of it: user ids and names of devices are personal.
#[derive(Clone, Default)]
pub struct AuditQuery {
    /// Only what happened in this app, by its client id.
    pub application_id: Option<String>,
    /// Only what happened since, in seconds since 1970.
    pub from: Option<u64>,
    /// Only what happened until then, in seconds since 1970.
    pub to: Option<u64>,
    /// Only what this person did.
    pub user_id: Option<String>,
    /// Only what was done with this registration.
    pub mpin_id: Option<String>,
    /// Only what was done with devices of this name.
    pub device_name: Option<String>,
    /// How many entries to leave out. By default none.
    pub offset: u64,
    /// How many entries to return at most. By default as many as the platform likes.
    pub limit: Option<u64>,
}

impl fmt::Debug for AuditQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditQuery")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("offset", &self.offset)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// One page of the audit log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditPage {
    /// How many entries the query has on all pages.
    pub total: u64,
    /// The entries of this page.
    pub entries: Vec<AuditEntry>,
    /// The query for the next page; `None` on the last one.
    pub next: Option<AuditQuery>,
}

/// One entry of the audit log. A text that the platform does not give is empty.
///
/// `Debug` shows only what happened and when.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// What happened, such as `authentication`.
    pub event_type: String,
    /// How it ended, such as `authenticate_success`.
    pub event_status: String,
    /// When it happened (RFC 3339).
    pub created_at: String,
    /// The app's client id.
    pub app_id: String,
    /// The app's name.
    pub app_name: String,
    /// The person.
    pub user_id: String,
    /// The hash of the registration's M-Pin id.
    pub mpin_id: String,
    /// The device, such as `Chrome on Linux`.
    pub device_name: String,
    /// The address that it came from.
    pub ip_address: String,
    /// The country of that address.
    pub country: String,
}

impl fmt::Debug for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEntry")
            .field("event_type", &self.event_type)
            .field("event_status", &self.event_status)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// Asks for one page.
pub(crate) async fn audit(
    trust: &Trust,
    api: &Api<'_>,
    query: AuditQuery,
) -> Result<AuditPage, TrustError> {
    query.check()?;
    let project = project::id(trust, api.provider).await?;
    let parameters = query.parameters();
    let path = format!("/api/v1/projects/{project}/audit{parameters}");
    let answer = api.get(ENDPOINT, &path).await?;
    let total = answer.get("total").and_then(Value::as_u64);
    let total = total.ok_or_else(|| TrustError::malformed(ENDPOINT, "`total` is no number"))?;
    let list = match answer.get("list") {
        // An empty page may have none.
        None => &[][..],
        Some(Value::Array(list)) => list,
        Some(_) => return Err(TrustError::malformed(ENDPOINT, "`list` is no array")),
    };
    let entries = list.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let seen = query.offset.saturating_add(entries.len() as u64);
    let next = (!entries.is_empty() && seen < total).then_some(AuditQuery {
        offset: seen,
        ..query
    });
    Ok(AuditPage {
        total,
        entries,
        next,
    })
}

impl AuditQuery {
    fn texts(&self) -> [(&'static str, Option<&String>); 4] {
        [
            ("applicationId", self.application_id.as_ref()),
            ("userId", self.user_id.as_ref()),
            ("mpinId", self.mpin_id.as_ref()),
            ("deviceName", self.device_name.as_ref()),
        ]
    }

    fn check(&self) -> Result<(), TrustError> {
        let texts = self.texts();
        let too_long = texts
            .into_iter()
            .find(|(_, text)| text.is_some_and(|text| text.len() > MAX_TEXT));
        if let Some((name, _)) = too_long {
            return Err(TrustError::argument(name, "at most 8 KiB"));
        }
        let too_late = |time: Option<u64>| time.is_some_and(|time| time >= END_OF_TIME);
        match [("from", self.from), ("to", self.to)]
            .into_iter()
            .find(|(_, time)| too_late(*time))
        {
            Some((name, _)) => Err(TrustError::argument(
                name,
                "seconds since 1970, before the year 10000",
            )),
            None => Ok(()),
        }
    }

    /// The query of the request, with its question mark.
    fn parameters(&self) -> String {
        let mut query = Serializer::new(String::new());
        for (name, text) in self.texts() {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
        for (name, time) in [("fromDate", self.from), ("toDate", self.to)] {
            if let Some(time) = time {
                query.append_pair(name, &rfc3339(time));
            }
        }
        if self.offset > 0 {
            query.append_pair("offset", &self.offset.to_string());
        }
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        match query.finish() {
            empty if empty.is_empty() => empty,
            query => format!("?{query}"),
        }
    }
}

fn entry(value: &Value) -> Result<AuditEntry, TrustError> {
    let Value::Object(object) = value else {
        return Err(TrustError::malformed(ENDPOINT, "an entry is no object"));
    };
    let text = |name: &str| any_text(object as &Map<String, Value>, name);
    Ok(AuditEntry {
        event_type: text("eventType"),
        event_status: text("eventStatus"),
        created_at: text("createdAt"),
        app_id: text("appID"),
        app_name: text("appName"),
        user_id: text("userID"),
        mpin_id: text("mpinID"),
        device_name: text("deviceName"),
        ip_address: text("IPAddress"),
        country: text("country"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_has_only_what_is_asked() {
        assert_eq!(AuditQuery::default().parameters(), "");
        let query = AuditQuery {
            application_id: Some("app".to_owned()),
            from: Some(0),
            to: Some(1_700_000_000),
            user_id: Some("a&b#c\n".to_owned()),
            mpin_id: Some("00ff".to_owned()),
            device_name: Some("my phone".to_owned()),
            offset: 100,
            limit: Some(50),
        };
        assert_eq!(
            query.parameters(),
            "?applicationId=app&userId=a%26b%23c%0A&mpinId=00ff&deviceName=my+phone\
             &fromDate=1970-01-01T00%3A00%3A00Z&toDate=2023-11-14T22%3A13%3A20Z&offset=100&limit=50"
        );
        assert!(query.check().is_ok() && !format!("{query:?}").contains("phone"));
        let long = AuditQuery {
            user_id: Some("x".repeat(10_240)),
            ..AuditQuery::default()
        };
        assert!(long.check().is_err());
        for (time, good) in [
            (0, true),
            (END_OF_TIME - 1, true),
            (END_OF_TIME, false),
            (u64::MAX, false),
        ] {
            for query in [
                AuditQuery {
                    from: Some(time),
                    ..AuditQuery::default()
                },
                AuditQuery {
                    to: Some(time),
                    ..AuditQuery::default()
                },
            ] {
                assert_eq!(query.check().is_ok(), good, "{time}");
            }
        }
    }
}
