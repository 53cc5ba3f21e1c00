//! What the pages of a login say, in each language. `assets/texts` has one file for each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::params::Params;

/// The texts of a language, by their keys.
type Texts = BTreeMap<&'static str, String>;

/// A language of the login pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    En,
    Ro,
    Fr,
}

impl Lang {
    pub(crate) const ALL: [Self; 3] = [Self::En, Self::Ro, Self::Fr];

    /// Returns the name of the language, as BCP 47 has it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ro => "ro",
            Self::Fr => "fr",
        }
    }

    /// Returns the name of the language in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ro => "Română",
            Self::Fr => "Français",
        }
    }

    /// Returns the language of a tag, whatever its region: `fr-CH` is French.
    fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|lang| lang.tag().eq_ignore_ascii_case(language))
    }

    /// Returns the language that a request's own parameters ask for: `ui_locales` (OIDC Core §3.1.2.1, in the order of
    /// preference), or else MIRACL's `lang`.
    pub(crate) fn asked(params: &Params) -> Option<Self> {
        let preferred = params.get("ui_locales").unwrap_or_default();
        preferred
            .split_whitespace()
            .find_map(Self::of_tag)
            .or_else(|| Self::of_tag(params.get("lang")?))
    }

    /// Returns the language of a request: the one that its parameters ask for, or else the browser's.
    pub(crate) fn of(params: &Params, headers: &HeaderMap) -> Self {
        Self::asked(params)
            .or_else(|| Self::accepted(headers))
            .unwrap_or_default()
    }

    /// Returns what the browser prefers of the languages that there are (RFC 9110 §12.5.4).
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, Self)> = None;
        for range in accepted.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            let Some(lang) = Self::of_tag(tag) else {
                continue;
            };
            if weight > best.map_or(0.0, |(best, _)| best) {
                best = Some((weight, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }

    fn texts(self) -> &'static Texts {
        static ALL: LazyLock<[Texts; 3]> = LazyLock::new(|| {
            [
                parse(include_str!("../assets/texts/en.txt")),
                parse(include_str!("../assets/texts/ro.txt")),
                parse(include_str!("../assets/texts/fr.txt")),
            ]
        });
        let [en, ro, fr] = &*ALL;
        match self {
            Self::En => en,
            Self::Ro => ro,
            Self::Fr => fr,
        }
    }

    /// Returns a text. A key that does not exist is its own text; a test holds that there is none.
    pub(crate) fn text(self, key: &'static str) -> &'static str {
        self.texts().get(key).map_or(key, String::as_str)
    }

    /// Returns a text with the name of an app.
    pub(crate) fn text_for(self, key: &'static str, app: &str) -> String {
        self.text(key).replace("{app}", app)
    }
}

/// Reads a file of texts: lines `key = text`, each going on in the indented lines below it.
fn parse(file: &'static str) -> Texts {
    let mut texts = Texts::new();
    let mut key = "";
    for line in file.lines() {
        if let Some(more) = line.strip_prefix("  ") {
            if let Some(text) = texts.get_mut(key) {
                text.push(' ');
                text.push_str(more);
            }
        } else if let Some((name, text)) = line.split_once(" = ").filter(|_| !line.starts_with('#'))
        {
            key = name;
            texts.insert(key, text.to_owned());
        }
    }
    // French has spaces inside its punctuation, at which no line may end.
    for text in texts.values_mut() {
        for mark in [" ?", " :", " »", "« "] {
            *text = text.replace(mark, &mark.replace(' ', "\u{a0}"));
        }
    }
    texts
}

/// Answers `GET /texts/{lang}.json`, for the script of the pages.
pub(crate) async fn texts(Path(file): Path<String>) -> Response {
    let tag = file.strip_suffix(".json").unwrap_or_default();
    let Some(lang) = Lang::ALL.into_iter().find(|lang| lang.tag() == tag) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, json!(lang.texts()).to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::HeaderValue;

    use super::*;

    /// Everything that names a text: templates, scripts, and the Rust of the login pages.
    const USERS: [&str; 17] = [
        include_str!("../templates/steps.html"),
        include_str!("../templates/login.html"),
        include_str!("../templates/login_base.html"),
        include_str!("../templates/standalone.html"),
        include_str!("../templates/done.html"),
        include_str!("../templates/form_post.html"),
        include_str!("../assets/login.js"),
        include_str!("../assets/login-steps.js"),
        include_str!("../assets/login-other-device.js"),
        include_str!("../assets/login-quick-code.js"),
        include_str!("../assets/login-texts.js"),
        include_str!("../templates/document.html"),
        include_str!("../templates/languages.html"),
        include_str!("../templates/noscript.html"),
        include_str!("../templates/login_problem.html"),
        include_str!("login.rs"),
        include_str!("login_pages.rs"),
    ];

    fn placeholders(text: &str) -> BTreeSet<&str> {
        let parts = text.split('{').skip(1);
        parts
            .map(|part| part.split_once('}').expect("a closed placeholder").0)
            .collect()
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_placeholders() {
        let english = Lang::En.texts();
        for lang in Lang::ALL {
            let texts = lang.texts();
            let keys: Vec<_> = texts.keys().collect();
            assert_eq!(keys, english.keys().collect::<Vec<_>>(), "{}", lang.tag());
            for (key, text) in texts {
                assert!(!text.trim().is_empty(), "{key}");
                let expected = placeholders(&english[key]);
                assert_eq!(placeholders(text), expected, "{key} in {}", lang.tag());
            }
        }
        assert!(english.len() > 100);
    }

    #[test]
    fn no_language_borrows_the_sentences_of_another() {
        for lang in [Lang::Ro, Lang::Fr] {
            for (key, text) in lang.texts() {
                let same = text == &Lang::En.texts()[key];
                assert!(!same || text.len() < 12, "{key} in {}", lang.tag());
                let cedillas = ['ş', 'ţ', 'Ş', 'Ţ'];
                assert!(!text.contains(cedillas), "{key}: a comma, not a cedilla");
            }
        }
    }

    #[test]
    fn every_text_is_used() {
        for key in Lang::En.texts().keys() {
            let plural = key
                .rsplit_once('.')
                .filter(|(_, last)| ["one", "few", "other"].contains(last));
            let named = plural.map_or(*key, |(name, _)| name);
            let used = USERS.iter().any(|user| {
                user.match_indices(named).any(|(at, _)| {
                    let after = user[at + named.len()..].chars().next();
                    let before = user[..at].chars().next_back();
                    before.is_some_and(|c| "\"'`".contains(c))
                        && after.is_some_and(|c| "\"'`$".contains(c))
                })
            });
            assert!(used, "nothing uses {key}");
        }
    }

    #[test]
    fn every_key_that_a_template_names_exists() {
        for user in USERS {
            for mark in [
                "data-text=\"",
                "data-label=\"",
                "lang.text(\"",
                "lang.text_for(\"",
            ] {
                for part in user.split(mark).skip(1) {
                    let (key, _) = part.split_once('"').expect("a closed key");
                    let is_computed = key.starts_with("{{");
                    assert!(is_computed || Lang::En.texts().contains_key(key), "{key}");
                }
            }
        }
    }

    #[test]
    fn the_language_is_the_apps_then_the_addresses_then_the_browsers() {
        let lang = |query: &str, accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            Lang::of(&Params::of_query(Some(query)), &headers).tag()
        };
        assert_eq!(lang("ui_locales=fr-CH+en&lang=ro", "en"), "fr");
        assert_eq!(lang("ui_locales=de+ro&lang=fr", "en"), "ro");
        assert_eq!(lang("ui_locales=de&lang=fr", "ro"), "fr");
        assert_eq!(lang("lang=RO", "fr"), "ro");
        assert_eq!(lang("lang=xx", "de,fr;q=0.8,ro;q=0.9"), "ro");
        assert_eq!(lang("", "ro;q=0,fr;q=0.1"), "fr");
        for strange in ["de", "*", ";;q=,", "fr;q=no", "en;q=-1"] {
            assert_eq!(lang("", strange), "en", "{strange}");
        }
    }

    #[test]
    fn a_text_goes_on_in_indented_lines() {
        let texts = parse("# no = text\na = one\n  two = 2\n\nb = three\n");
        assert_eq!(
            (texts["a"].as_str(), texts["b"].as_str()),
            ("one two = 2", "three")
        );
        assert_eq!(texts.len(), 2);
    }
}
