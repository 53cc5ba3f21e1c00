//! The path at which browsers find this app where a proxy in front removes it: paths with it and without.

/// Returns a path as the app sees it, where it is below the public path; `None` where it is elsewhere.
///
/// A public path is empty, or begins with a slash and does not end in one.
pub(crate) fn without<'a>(public_path: &str, path: &'a str) -> Option<&'a str> {
    match path.strip_prefix(public_path)? {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

/// Whether a path, maybe with a query, is below the public path.
pub(crate) fn is_below(public_path: &str, target: &str) -> bool {
    let rest = target.strip_prefix(public_path);
    rest.is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/' | b'?' | b'#', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_a_public_path_by_whole_segments_only() {
        for (public_path, path, seen) in [
            ("", "/", Some("/")),
            ("", "/members", Some("/members")),
            ("/app", "/app", Some("/")),
            ("/app", "/app/", Some("/")),
            ("/app", "/app/members", Some("/members")),
            ("/app", "/app/app/x", Some("/app/x")),
            ("/a/b", "/a/b/c", Some("/c")),
            ("/app", "/application", None),
            ("/app", "/", None),
            ("/app", "/members", None),
            ("/app", "/App/members", None),
            ("/a/b", "/a", None),
        ] {
            assert_eq!(without(public_path, path), seen, "{public_path} {path}");
            assert_eq!(is_below(public_path, path), seen.is_some(), "{path}");
        }
        assert!(is_below("/app", "/app?x=1") && !is_below("/app", "/apps?x=1"));
    }
}
