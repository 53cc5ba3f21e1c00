//! The scanner of the `Cookie` header: works on bytes and allocates nothing.

#[cfg(test)]
use crate::session::cookies::work;

/// Every value that a `Cookie` header has for a name.
///
/// On bytes and without allocation: it runs for each request of a logged-in user, and a value of another app that is
/// not UTF-8 must not hide ours.
pub(super) fn values<'a>(header: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    each(header).filter_map(move |cookie| value_at(cookie, name).map(cut))
}

pub(super) fn each(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let (cookie, behind) = rest?.split_at(end(rest?));
        rest = behind.get(1..);
        Some(cookie.trim_ascii())
    })
}

/// Where the first cookie of the rest of a header ends.
pub(super) fn end(from: &[u8]) -> usize {
    let end = memchr::memchr(b';', from).unwrap_or(from.len());
    #[cfg(test)]
    work::walked(end);
    end
}

/// The value of a cookie, if it has this name; where the rest of a header is given, what comes behind as well.
pub(super) fn value_at<'a>(from: &'a [u8], name: &str) -> Option<&'a [u8]> {
    from.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// A value without what may be around it.
pub(super) fn cut(value: &[u8]) -> &[u8] {
    unquoted(value.trim_ascii_end())
}

fn unquoted(mut value: &[u8]) -> &[u8] {
    while let [b'"', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b'"'] = value {
        value = rest;
    }
    value
}
