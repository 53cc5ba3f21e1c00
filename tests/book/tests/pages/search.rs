//! Who searches the book for what they want to do finds the page at once: its headings have the words that people type.

use crate::{page, pages};

/// What people type, and the page that has the answer.
const QUESTIONS: &[(&str, &str)] = &[
    ("require login page", "how/require-login.md"),
    ("login group of pages", "how/require-login.md"),
    ("api 401", "how/require-login.md"),
    ("decide role", "how/roles.md"),
    ("claim groups", "how/roles.md"),
    ("test my app", "how/test.md"),
    ("call api access token", "how/call-api.md"),
    ("sub-path", "how/sub-path.md"),
    ("behind nginx", "how/proxy.md"),
    ("caddy", "how/proxy.md"),
    ("traefik", "how/proxy.md"),
    ("load balancer", "how/proxy.md"),
    ("cloudflare", "how/proxy.md"),
    ("nginx 502", "how/proxy.md"),
    ("kubernetes", "how/kubernetes.md"),
    ("docker", "how/docker.md"),
    ("docker compose", "how/docker.md"),
    ("rotate keys", "how/keys.md"),
    ("spa fetch", "how/scripts.md"),
    ("htmx", "how/scripts.md"),
    ("turbo", "how/scripts.md"),
    ("content-security-policy form-action", "how/scripts.md"),
    ("websocket", "how/websocket.md"),
    ("event stream", "how/open-connections.md"),
    ("stream open until log out", "how/open-connections.md"),
    ("log out everywhere", "how/log-out-everywhere.md"),
    ("customise pages", "how/customise.md"),
    ("session data", "how/session-data.md"),
    ("session lifetime", "how/session-lifetime.md"),
    ("idle timeout", "how/session-lifetime.md"),
    ("remember me", "how/session-lifetime.md"),
    ("user table postgres", "how/postgres.md"),
    ("sqlx", "how/postgres.md"),
    ("vault secrets", "how/secrets.md"),
    ("tower service tonic", "how/tower.md"),
    ("hyper", "how/tower.md"),
    ("two apps one host", "how/two-apps.md"),
    ("two providers", "how/two-apps.md"),
    ("without an account", "platform.md"),
    ("local platform portal", "platform.md"),
    ("service accounts", "platform.md"),
    ("audit log", "platform.md"),
    ("phone login pages", "platform.md"),
    ("metrics", "operate.md"),
    ("sizing memory", "operate.md"),
    ("upgrades", "operate.md"),
    ("write adapter", "adapter.md"),
];

/// The words of a text, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|part: char| !part.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The words of the headings of a page.
fn heading_words(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        inside ^= line.starts_with("```");
        if !inside && line.starts_with('#') {
            found.extend(words(line));
        }
    }
    found
}

#[test]
fn each_question_leads_to_its_page_and_to_few_others() {
    let pages = pages();
    let headings: Vec<(String, Vec<String>)> = pages
        .into_iter()
        .filter(|name| name != "SUMMARY.md")
        .map(|name| (name.clone(), heading_words(&page(&name))))
        .collect();
    for (question, wanted) in QUESTIONS {
        let asked = words(question);
        // A search finds a word by its beginning, too.
        let has = |found: &[String], word: &str| found.iter().any(|one| one.starts_with(word));
        let found = headings
            .iter()
            .filter(|(_, headings)| asked.iter().all(|word| has(headings, word)))
            .map(|(name, _)| name.as_str());
        let found: Vec<&str> = found.collect();
        assert!(
            found.contains(wanted),
            "{question:?} is in no heading of {wanted}"
        );
        assert!(found.len() < 4, "{question:?} leads to {found:?}");
    }
}
