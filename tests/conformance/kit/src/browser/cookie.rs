//! A cookie as an app sets it.

/// A cookie as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) host: String,
    pub(crate) name: String,
    pub(crate) value: String,
    /// `Path`, `Domain`, `Secure`, `HttpOnly` and `SameSite` in lower case, sorted: what a deletion must repeat.
    pub(crate) attributes: Vec<String>,
    pub(crate) deleted: bool,
}

impl Cookie {
    pub(super) fn parse(line: &str, host: &str) -> Option<Self> {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let mut cookie = Self {
            host: host.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            attributes: Vec::new(),
            deleted: false,
        };
        let mut age = None;
        for part in parts {
            let part = part.to_ascii_lowercase();
            let (key, value) = part.split_once('=').unwrap_or((&part, ""));
            match key {
                "max-age" => age = value.parse::<i64>().ok(),
                // Deletions use a date long gone.
                "expires" if age.is_none() && value.contains("1970") => age = Some(0),
                "expires" => {}
                _ => cookie.attributes.push(part),
            }
        }
        cookie.deleted = age.is_some_and(|age| age <= 0);
        cookie.attributes.sort();
        Some(cookie)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            (key == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_date_or_no_age_deletes_and_the_rest_is_kept_for_comparison() {
        let parse = |line: &str| Cookie::parse(line, "h").unwrap();
        assert!(parse("a=; Max-Age=0").deleted);
        assert!(parse("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT").deleted);
        let kept = parse("a=b=c; Path=/; HttpOnly; Max-Age=60");
        assert_eq!((kept.value.as_str(), kept.deleted), ("b=c", false));
        assert_eq!(kept.attributes, ["httponly", "path=/"]);
    }
}
