//! A cookie as a server sets it.

use std::time::{SystemTime, UNIX_EPOCH};

/// A cookie with the attributes it was set with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The host that set it.
    pub host: String,
    /// Its name.
    pub name: String,
    /// Its value, as sent.
    pub value: String,
    /// The `Path` attribute.
    pub path: Option<String>,
    /// The `Domain` attribute.
    pub domain: Option<String>,
    /// Whether it has `HttpOnly`.
    pub http_only: bool,
    /// Whether it has `Secure`.
    pub secure: bool,
    /// The `SameSite` attribute.
    pub same_site: Option<String>,
    /// The `Max-Age` attribute.
    pub max_age: Option<i64>,
    /// Whether setting it deletes it.
    pub deleted: bool,
}

impl Cookie {
    pub(super) fn parse(line: &str, host: &str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .unwrap_or_default()
            .split_once('=')
            .expect("a cookie is name=value");
        let mut cookie = Self {
            host: host.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            path: None,
            domain: None,
            http_only: false,
            secure: false,
            same_site: None,
            max_age: None,
            deleted: false,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" => cookie.path = Some(value.to_owned()),
                "domain" => cookie.domain = Some(value.to_owned()),
                "httponly" => cookie.http_only = true,
                "secure" => cookie.secure = true,
                "samesite" => cookie.same_site = Some(value.to_owned()),
                "max-age" => {
                    cookie.max_age = value.parse().ok();
                    cookie.deleted = cookie.max_age.is_some_and(|age| age <= 0);
                }
                "expires" if cookie.max_age.is_none() => cookie.deleted = is_past(value),
                _ => {}
            }
        }
        cookie
    }
}

/// Whether the year of an HTTP date has passed: deletions use 1970, anything kept is this year or later.
fn is_past(date: &str) -> bool {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let this_year = 1970 + seconds / 31_556_952;
    date.split_whitespace()
        .filter_map(|word| word.parse::<u64>().ok())
        .any(|year| (1900..this_year).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_with_a_past_date_or_no_age_is_a_deletion() {
        assert!(Cookie::parse("a=; Max-Age=0; Path=/", "h").deleted);
        assert!(Cookie::parse("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "h").deleted);
        let kept = Cookie::parse("a=b=c; Path=/; HttpOnly; SameSite=Lax; Max-Age=60", "h");
        assert_eq!((kept.value.as_str(), kept.deleted), ("b=c", false));
        assert!(kept.http_only && !kept.secure);
    }
}
