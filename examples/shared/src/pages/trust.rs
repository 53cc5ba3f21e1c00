//! The pages that try MIRACL Trust beyond the login, at the local platform.

use std::time::{SystemTime, UNIX_EPOCH};

use askama::Template;
use miracl_core::{Flash, User, Visit};

use super::policy::policy_of_front_end;
use super::{Frame, Page, Pages};
use crate::codes::{MAX_USER_ID, Step};

/// The document that the page of signatures begins with.
const DOCUMENT: &str = "Pay 100 € to Bob.";

/// The script of the pages that are a front end of their own, for the route `/trust.js`.
pub const TRUST_SCRIPT: &str = include_str!("../../templates/trust.js");

/// M-Pin in a browser, for the route `/mpin.js`: the local platform's own script, so that these pages run nothing from
/// another origin.
pub const MPIN_SCRIPT: &str = include_str!("../../../platform/assets/mpin.js");

impl Pages {
    /// Turns the pages on that try MIRACL Trust, at the local platform with this issuer.
    #[must_use]
    pub(crate) fn at_local_platform(mut self, issuer: &str) -> Self {
        self.site.tries_trust = true;
        self.platform = Some(issuer.to_owned());
        self
    }

    /// The overview (`/trust`, without a name), or the page of this name below it.
    pub fn trust(&self, name: Option<&str>, flashes: &[Flash], user: Option<&User>) -> Page {
        let Some(platform) = self.platform.as_deref() else {
            let text = "These pages try MIRACL Trust at the local platform. \
                        This demo logs people in elsewhere, so they are off.";
            return self.message(user, 404, "MIRACL Trust", text);
        };
        let frame = self.frame("trust", user, flashes);
        let tab = FrontEnd {
            platform,
            base: &self.site.base,
            user_id: user.map_or("", User::id),
            max_user_id: MAX_USER_ID,
            timestamp: now(),
        };
        let mut page = match name {
            None => return self.page(200, &Overview { frame }),
            Some("login") => self.page(200, &OwnLogin { frame, tab }),
            Some("sign") => self.page(
                200,
                &Sign {
                    frame,
                    tab,
                    document: DOCUMENT,
                },
            ),
            Some("api") => self.page(200, &Api { frame, tab }),
            Some(_) => return self.not_found(user),
        };
        for (header, value) in &mut page.headers {
            if *header == "content-security-policy" {
                *value = policy_of_front_end(platform);
            }
        }
        page
    }

    /// The app's own verification page. It shows the code in development only.
    pub async fn verify(&self, visit: &Visit, step: &Step<'_>) -> Page {
        let flashes = visit.take_flashes().await;
        let user = visit.user().await.ok().flatten();
        let (user_id, asks_code, problem) = match step {
            Step::Who(user_id) => (user_id.unwrap_or_default(), false, ""),
            Step::Made { user_id, .. } => (*user_id, true, ""),
            Step::Right(user_id) => (user_id.as_str(), true, ""),
            Step::Wrong(user_id) => (*user_id, true, "That is not the code."),
            Step::Over(user_id) => (
                *user_id,
                false,
                "The code is too old, or too many were wrong. Have a new one made, or try again in ten minutes.",
            ),
        };
        let code = match step {
            Step::Made { code, .. } if visit.miracl().development() => Some(code.as_str()),
            _ => None,
        };
        let page = Verify {
            frame: self.frame("trust", user.as_ref(), &flashes),
            user_id,
            max_user_id: MAX_USER_ID,
            asks_code,
            code,
            problem,
        };
        self.page(if problem.is_empty() { 200 } else { 403 }, &page)
    }
}

/// What the script needs, and the form by which a browser is registered.
struct FrontEnd<'a> {
    platform: &'a str,
    base: &'a str,
    user_id: &'a str,
    max_user_id: usize,
    /// The time to sign, in seconds since 1970.
    timestamp: u64,
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

#[derive(Template)]
#[template(path = "trust.html")]
struct Overview<'a> {
    frame: Frame<'a>,
}

#[derive(Template)]
#[template(path = "trust_login.html")]
struct OwnLogin<'a> {
    frame: Frame<'a>,
    tab: FrontEnd<'a>,
}

#[derive(Template)]
#[template(path = "trust_sign.html")]
struct Sign<'a> {
    frame: Frame<'a>,
    tab: FrontEnd<'a>,
    document: &'a str,
}

#[derive(Template)]
#[template(path = "trust_api.html")]
struct Api<'a> {
    frame: Frame<'a>,
    tab: FrontEnd<'a>,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Verify<'a> {
    frame: Frame<'a>,
    user_id: &'a str,
    max_user_id: usize,
    asks_code: bool,
    code: Option<&'a str>,
    problem: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "http://127.0.0.1:5050";

    fn policy(page: &Page) -> &str {
        let found = page.headers.iter();
        let mut found = found.filter(|(name, _)| *name == "content-security-policy");
        &found.next().unwrap().1
    }

    #[test]
    fn the_pages_are_there_at_the_local_platform_only() {
        let elsewhere = Pages::new("axum", ISSUER, None);
        let here = elsewhere.clone().at_local_platform(ISSUER);
        for name in [None, Some("login"), Some("sign"), Some("api")] {
            assert_eq!(elsewhere.trust(name, &[], None).status, 404);
            let page = here.trust(name, &[], None);
            assert_eq!(page.status, 200);
            assert!(page.html.contains(r#"href="/trust" aria-current="page""#));
        }
        assert_eq!(here.trust(Some("other"), &[], None).status, 404);
        let home = elsewhere.not_found(None).html;
        assert!(!home.contains("/trust"), "{home}");
    }

    #[test]
    fn a_front_end_runs_scripts_of_the_app_alone_and_speaks_to_the_platform() {
        let pages = Pages::new("axum", ISSUER, None).at_local_platform(ISSUER);
        let page = pages.trust(Some("sign"), &[], None);
        let policy = policy(&page);
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let connects = "connect-src 'self' http://127.0.0.1:5050";
        assert!(policy.contains(connects), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!page.html.contains("<script>"), "{}", page.html);
        assert!(!page.html.contains("onclick"), "{}", page.html);
    }

    #[test]
    fn links_and_scripts_of_a_front_end_are_below_its_public_path() {
        let pages = Pages::new("axum", ISSUER, None)
            .at_local_platform(ISSUER)
            .below("/app");
        let html = pages.trust(Some("login"), &[], None).html;
        for part in [
            r#"src="/app/trust.js""#,
            r#"data-base="/app""#,
            r#"action="/app/login/jwt""#,
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
