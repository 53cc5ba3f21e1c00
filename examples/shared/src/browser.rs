//! A browser's `User-Agent` in words that its owner understands.

/// What a browser calls itself in its `User-Agent`, and what people call it. Each of them also contains the names
/// below it.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What a system is called in a `User-Agent`, and what people call it.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// Says which browser it is and on which system, as far as it tells: "Firefox on Windows". A text that names
/// neither is returned as it is. It may hold anything: escape it.
pub(crate) fn describe(user_agent: Option<&str>) -> String {
    let Some(user_agent) = user_agent else {
        return "A browser without a name".to_owned();
    };
    match (find(&BROWSERS, user_agent), find(&SYSTEMS, user_agent)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => user_agent.to_owned(),
    }
}

/// Whether it is a device that people hold in their hands.
pub(crate) fn is_handheld(user_agent: Option<&str>) -> bool {
    let system = user_agent.and_then(|user_agent| find(&SYSTEMS, user_agent));
    matches!(system, Some("iPhone" | "iPad" | "Android"))
}

fn find(names: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    let found = names.iter().find(|(mark, _)| user_agent.contains(mark));
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_by_their_own_name_and_not_by_those_they_pretend_to_be() {
        for (user_agent, expected, handheld) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
                false,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
                "Edge on Windows",
                false,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/139.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
                true,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
                true,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/139.0.0.0 Safari/537.36",
                "Chrome on Mac",
                false,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0)",
                "A browser on Windows",
                false,
            ),
            ("curl/8.14.1", "curl/8.14.1", false),
        ] {
            assert_eq!(describe(Some(user_agent)), expected);
            assert_eq!(is_handheld(Some(user_agent)), handheld, "{user_agent}");
        }
        assert_eq!(describe(None), "A browser without a name");
        assert!(!is_handheld(None));
    }
}
