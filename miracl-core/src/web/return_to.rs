//! Where a browser may be sent back to: a path on this site, checked here and nowhere else.

use url::Url;

/// The most bytes of a path to return to. A longer one is replaced by the home path.
const MAX_LEN: usize = 512;

/// A path, with its query, on this site: parsed against the site's own origin and serialized again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// Accepts a path from a request's parameters.
    ///
    /// Returns `None` for everything that could lead elsewhere: another origin in any of the spellings that browsers
    /// understand (`//host`, `/\host`, tabs and line breaks in between), a relative path, one of `own_paths`, which
    /// would loop, and anything longer than 512 bytes.
    pub(crate) fn parse(input: &str, origin: &Url, own_paths: &[impl AsRef<str>]) -> Option<Self> {
        if !input.starts_with('/') || input.starts_with("//") {
            return None;
        }
        Self::accept(input, origin, own_paths)
    }

    /// Accepts an absolute URL from a header (`Referer`, `HX-Current-URL`) that is on this site.
    pub(crate) fn from_url(
        input: &str,
        origin: &Url,
        own_paths: &[impl AsRef<str>],
    ) -> Option<Self> {
        let scheme_and_rest = input.split_once("://")?;
        if !matches!(scheme_and_rest.0, "http" | "https") {
            return None;
        }
        Self::accept(input, origin, own_paths)
    }

    fn accept(input: &str, origin: &Url, own_paths: &[impl AsRef<str>]) -> Option<Self> {
        // URL parsers drop tabs and line breaks and read a backslash as a slash (WHATWG URL §4.4). Honest clients do
        // not send them.
        if input.len() > MAX_LEN || input.contains(|c: char| c.is_control() || c == '\\') {
            return None;
        }
        let url = origin.join(input).ok()?;
        if url.origin() != origin.origin() || !url.username().is_empty() || url.password().is_some()
        {
            return None;
        }
        // After dot segments are removed, a path can begin like a host: `/.//host`.
        if url.path().starts_with("//") {
            return None;
        }
        if own_paths
            .iter()
            .any(|own| same_path(own.as_ref(), url.path()))
        {
            return None;
        }
        let mut text = url.path().to_owned();
        if let Some(query) = url.query() {
            text.push('?');
            text.push_str(query);
        }
        (text.len() <= MAX_LEN).then_some(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Whether a router may treat two paths as the same: some decode letters, and some merge or ignore slashes.
fn same_path(own: &str, path: &str) -> bool {
    let plain = |path: &str| {
        let decoded = percent_decode(path);
        decoded
            .split(|byte| *byte == b'/')
            .filter(|segment| !segment.is_empty())
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    plain(own) == plain(path)
}

fn percent_decode(path: &str) -> Vec<u8> {
    let mut bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    while let [first, rest @ ..] = bytes {
        let hex = rest
            .first_chunk::<2>()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                decoded.push(byte);
                bytes = &rest[2..];
            }
            None => {
                decoded.push(*first);
                bytes = rest;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests;
