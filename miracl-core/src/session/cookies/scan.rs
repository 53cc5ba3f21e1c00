//! The scanner of the `Cookie` header: works on bytes and allocates nothing.

#[cfg(test)]
use crate::session::cookies::work;

/// Every value that a `Cookie` header has for a name.
///
/// It works on bytes and does not allocate: it runs for each request of a logged-in user, and another app's value that
/// is not UTF-8 must not hide ours.
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

/// The value of a cookie, if it has this name. Given the rest of a header, it includes everything after the value.
pub(super) fn value_at<'a>(from: &'a [u8], name: &str) -> Option<&'a [u8]> {
    from.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// A value without the spaces and quotes that may be around it.
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
