//! The HTML of the demos: the page of the Tornado SDK's sample with its texts, and what grew around it.
//!
//! A [`Page`] is plain data (status, headers, HTML), so that a handler of any framework can answer with it. The
//! templates are the files below `templates/`; whatever they print is escaped.

mod devices;

use std::fmt::{self, Write};

use askama::Template;
use askama::filters::HtmlSafe;
use miracl_core::{AuthFailure, Check, Flash, LoginOptions, User, Visit};
use url::Url;

use crate::chain::chain;
use crate::users::MAX_DISPLAY_NAME;

/// The style sheet, for the route `/style.css`.
pub const STYLE: &str = include_str!("../templates/style.css");

/// One answer to a browser.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without `Content-Type`: every framework has its own way to say that this is HTML.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub html: String,
}

/// The script of the login button: MIRACL's `mpad.js`, or one that works like it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginScript {
    /// The local platform's. It is given our own `/login/start`, so that showing a page needs no provider.
    Platform(String),
    /// Somebody else's. It is given the provider's authorize URL itself, as in the Tornado sample.
    ThirdParty(String),
}

impl LoginScript {
    fn url(&self) -> &str {
        match self {
            Self::Platform(url) | Self::ThirdParty(url) => url,
        }
    }
}

/// What a click on the login button does.
#[derive(Debug, Clone)]
pub struct LoginButton {
    script: Option<String>,
    auth_url: Attribute,
    start_url: Attribute,
}

/// A URL that escapes itself, as `&amp;`: askama would write `&#38;`, which not every script that reads pages expects.
#[derive(Debug, Clone)]
struct Attribute(String);

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

impl HtmlSafe for Attribute {}

/// Writes the pages of one demo.
#[derive(Debug, Clone)]
pub struct Pages {
    site: Site,
    script: Option<LoginScript>,
    content_security_policy: String,
}

#[derive(Debug, Clone)]
struct Site {
    framework: String,
    heading: String,
}

/// What every page has around its content.
struct Frame<'a> {
    site: &'a Site,
    /// Which of the pages in the navigation this is.
    here: &'a str,
    alerts: Vec<Alert<'a>>,
}

struct Alert<'a> {
    category: &'a str,
    /// `alert` is read out at once by screen readers, `status` at the next pause.
    role: &'a str,
    text: &'a str,
}

impl<'a> Alert<'a> {
    fn new(category: &'a str, text: &'a str) -> Self {
        let role = match category {
            "warning" | "danger" => "alert",
            _ => "status",
        };
        Self {
            category,
            role,
            text,
        }
    }
}

/// A framework as it writes itself.
pub(crate) fn name(framework: &str) -> &str {
    match framework {
        "actix" => "actix-web",
        "rocket" => "Rocket",
        other => other,
    }
}

impl Pages {
    /// Makes the pages of the demo for `framework`, which logs people in at `issuer`.
    pub fn new(framework: &str, issuer: &str, script: Option<LoginScript>) -> Self {
        let framework = name(framework);
        Self {
            site: Site {
                framework: framework.to_owned(),
                heading: format!("{framework} SDK example"),
            },
            content_security_policy: content_security_policy(issuer, script.as_ref()),
            script,
        }
    }

    /// Makes a login button that brings the user back to `return_to`, by default to the home page.
    ///
    /// Neither cookie nor provider is needed for it, except with a script of somebody else's: that one must be told the
    /// provider's authorize URL. While the provider is away it is a plain link then, so the page always works.
    pub async fn login_button(&self, visit: &Visit, return_to: Option<&str>) -> LoginButton {
        let options = LoginOptions {
            return_to: return_to.map(str::to_owned),
            ..LoginOptions::default()
        };
        let start_url = visit.miracl().login_start_url(&options);
        let (script, auth_url) = match &self.script {
            None => (None, start_url.clone()),
            Some(LoginScript::Platform(script)) => (Some(script.clone()), start_url.clone()),
            Some(LoginScript::ThirdParty(script)) => match visit.login_url_with(options).await {
                Ok(url) => (Some(script.clone()), url),
                Err(failure) => {
                    tracing::warn!(error = %failure, "no login URL for the login script: the page has a plain link instead");
                    (None, start_url.clone())
                }
            },
        };
        LoginButton {
            script,
            auth_url: Attribute(auth_url),
            start_url: Attribute(start_url),
        }
    }

    /// The home page of somebody who is not logged in.
    pub fn welcome(&self, flashes: &[Flash], login: &LoginButton) -> Page {
        self.page(
            200,
            &Welcome {
                frame: self.frame("home", flashes),
                login,
            },
        )
    }

    /// The home page of somebody who is.
    pub fn account(&self, flashes: &[Flash], user: &User) -> Page {
        self.page(
            200,
            &Account {
                frame: self.frame("home", flashes),
                id: user.id(),
                email: user.email(),
                email_verified: user.email_verified(),
            },
        )
    }

    /// A page for logged-in people only.
    pub fn members(&self, flashes: &[Flash], user: &User, display_name: Option<&str>) -> Page {
        self.page(
            200,
            &Members {
                frame: self.frame("members", flashes),
                id: user.id(),
                display_name,
            },
        )
    }

    /// The profile form, pre-filled with what the provider and the app know.
    pub fn profile(&self, flashes: &[Flash], user: &User, display_name: Option<&str>) -> Page {
        self.page(
            200,
            &Profile {
                frame: self.frame("profile", flashes),
                id: user.id(),
                email: user.email().unwrap_or_default(),
                display_name: display_name.unwrap_or_default(),
                max_display_name: MAX_DISPLAY_NAME,
            },
        )
    }

    /// The page after a login that failed, with the login button again.
    ///
    /// It says a fixed sentence and the number under which the log has the rest; with `development` also the receipt.
    pub fn login_failed(
        &self,
        flashes: &[Flash],
        failure: &AuthFailure,
        login: &LoginButton,
        development: bool,
    ) -> Page {
        self.page(
            failure.status(),
            &LoginFailed {
                frame: self.frame("", flashes),
                message: failure.message(),
                id: failure.id(),
                why: development.then(|| Why::new(failure)),
                login,
            },
        )
    }

    /// A page that only says something.
    pub fn message(&self, status: u16, title: &str, text: &str) -> Page {
        self.page(
            status,
            &Message {
                frame: self.frame("", &[]),
                title,
                text,
            },
        )
    }

    /// The page for an address that is none of ours.
    pub fn not_found(&self) -> Page {
        self.message(404, "Not found", "There is no page at this address.")
    }

    /// The page for when the app's own database does not answer.
    pub fn unavailable(&self) -> Page {
        self.message(
            503,
            "Out of order",
            "This cannot be answered at the moment. Please try again in a few minutes.",
        )
    }

    fn frame<'a>(&'a self, here: &'a str, flashes: &'a [Flash]) -> Frame<'a> {
        let alert = |flash: &'a Flash| Alert::new(flash.category.as_str(), &flash.text);
        Frame {
            site: &self.site,
            here,
            alerts: flashes.iter().map(alert).collect(),
        }
    }

    fn page(&self, status: u16, template: &impl Template) -> Page {
        let (status, html) = match template.render() {
            Ok(html) => (status, html),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                (500, "This page is broken.".to_owned())
            }
        };
        Page {
            status,
            headers: vec![
                (
                    "content-security-policy",
                    self.content_security_policy.clone(),
                ),
                ("x-content-type-options", "nosniff".to_owned()),
                // Not `no-referrer`: after a form that needed a login first, the Referer says which page to return to.
                ("referrer-policy", "same-origin".to_owned()),
            ],
            html,
        }
    }
}

/// Allows what the pages use and nothing else.
///
/// `form-action` is left out on purpose: the log-out form is answered with a redirect to the provider, and browsers hold
/// such redirects against it, wherever the provider sends the user on to.
fn content_security_policy(issuer: &str, script: Option<&LoginScript>) -> String {
    let common = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'self'";
    let Some(script) = script else {
        return format!("{common}; img-src data:");
    };
    // What somebody else's script draws its button with is not known.
    let inline = match script {
        LoginScript::Platform(_) => "",
        LoginScript::ThirdParty(_) => " 'unsafe-inline'",
    };
    // A script may open the login in a frame over the page: our `/login/start`, which leads to the provider.
    let (script, issuer) = (origin(script.url()), origin(issuer));
    let both = if script == issuer {
        script.clone()
    } else {
        format!("{script} {issuer}")
    };
    format!(
        "{common}{inline} {script}; img-src data: {script}; script-src {script}; connect-src {both}; \
         frame-src 'self' {both}"
    )
}

fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_| "'self'".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome<'a> {
    frame: Frame<'a>,
    login: &'a LoginButton,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    frame: Frame<'a>,
    id: &'a str,
    email: Option<&'a str>,
    email_verified: bool,
}

#[derive(Template)]
#[template(path = "members.html")]
struct Members<'a> {
    frame: Frame<'a>,
    id: &'a str,
    display_name: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "profile.html")]
struct Profile<'a> {
    frame: Frame<'a>,
    id: &'a str,
    email: &'a str,
    display_name: &'a str,
    max_display_name: usize,
}

#[derive(Template)]
#[template(path = "login_failed.html")]
struct LoginFailed<'a> {
    frame: Frame<'a>,
    message: &'a str,
    id: &'a str,
    why: Option<Why>,
    login: &'a LoginButton,
}

/// The receipt of a failed login, for developers.
struct Why {
    reason: String,
    at_fault: String,
    advice: &'static str,
    checks: Vec<Check>,
}

impl Why {
    fn new(failure: &AuthFailure) -> Self {
        let receipt = failure.receipt();
        let party = receipt.at_fault();
        Self {
            reason: chain(failure),
            at_fault: party.map(|party| party.to_string()).unwrap_or_default(),
            advice: receipt.advice().unwrap_or_default(),
            checks: receipt.checks().to_vec(),
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame<'a>,
    title: &'a str,
    text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://project.example";

    fn pages() -> Pages {
        Pages::new("axum", ISSUER, None)
    }

    fn link() -> LoginButton {
        LoginButton {
            script: None,
            auth_url: Attribute("http://127.0.0.1:5000/login/start?return_to=%2Fa&lang=en".into()),
            start_url: Attribute("http://127.0.0.1:5000/login/start".into()),
        }
    }

    fn welcome(login: &LoginButton) -> String {
        pages().welcome(&[], login).html
    }

    #[test]
    fn flash_messages_carry_their_category_and_are_escaped() {
        let pages = pages();
        let page = Message {
            frame: Frame {
                alerts: vec![
                    Alert::new("danger", "Login failed!"),
                    Alert::new("info", "<script>alert(1)</script>"),
                ],
                ..pages.frame("", &[])
            },
            title: "",
            text: "",
        };
        let html = page.render().unwrap();
        assert!(
            html.contains(r#"<div class="alert alert-danger" role="alert">Login failed!</div>"#),
            "{html}"
        );
        assert!(
            html.contains(r#"<div class="alert alert-info" role="status">"#),
            "{html}"
        );
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn without_a_script_the_login_button_is_a_link() {
        let html = welcome(&link());
        let url = "http://127.0.0.1:5000/login/start?return_to=%2Fa&amp;lang=en";
        assert!(
            html.contains(&format!(
                r#"<a id="login" data-authurl="{url}" href="{url}""#
            )),
            "{html}"
        );
        assert!(!html.contains("btmpin"), "{html}");
    }

    #[test]
    fn a_url_cannot_leave_its_attribute() {
        let url = Attribute(r#"/"><script>'&"#.into());
        assert_eq!(url.to_string(), "/&quot;&gt;&lt;script&gt;&#39;&amp;");
    }

    #[test]
    fn with_a_script_the_login_button_is_the_script_s_and_there_is_a_way_without_it() {
        let html = welcome(&LoginButton {
            script: Some("https://cdn.example/mpad.js".into()),
            ..link()
        });
        let script = r#"<script src="https://cdn.example/mpad.js" data-authurl="http://127.0.0.1:5000/login/start?return_to=%2Fa&amp;lang=en" data-element="btmpin"></script>"#;
        assert!(html.contains(r#"<div id="btmpin"></div>"#), "{html}");
        assert!(html.contains(script), "{html}");
        assert_eq!(html.matches("data-authurl").count(), 1);
        assert!(html.contains("<noscript>"), "{html}");
    }

    #[test]
    fn an_email_is_called_confirmed_only_when_it_is() {
        let account = |email, email_verified| {
            let pages = pages();
            let page = Account {
                frame: pages.frame("home", &[]),
                id: "alice",
                email,
                email_verified,
            };
            page.render().unwrap()
        };
        assert!(account(Some("a@example.com"), true).contains("confirmed"));
        assert!(!account(Some("a@example.com"), false).contains("confirmed"));
        assert!(!account(None, true).contains("confirmed"));
        assert!(account(None, false).contains("alice"));
    }

    #[test]
    fn the_reason_of_a_failure_is_shown_in_development_only() {
        let failed = |why| {
            let pages = pages();
            let page = LoginFailed {
                frame: pages.frame("", &[]),
                message: "The login could not be completed.",
                id: "c0ffee",
                why,
                login: &link(),
            };
            page.render().unwrap()
        };
        let shown = failed(Some(Why {
            reason: "the `nonce` is another one".to_owned(),
            at_fault: "the provider".to_owned(),
            advice: "Report it.",
            checks: Vec::new(),
        }));
        assert!(
            shown.contains("the `nonce` is another one") && shown.contains("c0ffee"),
            "{shown}"
        );
        assert!(shown.contains(r#"id="login""#), "{shown}");
        assert!(!failed(None).contains("<details"), "{shown}");
    }

    #[test]
    fn the_profile_form_is_filled_in_and_escaped() {
        let pages = pages();
        let page = Profile {
            frame: pages.frame("profile", &[]),
            id: "alice",
            email: "alice@example.com",
            display_name: r#""><b>"#,
            max_display_name: MAX_DISPLAY_NAME,
        };
        let html = page.render().unwrap();
        assert!(html.contains(r#"value="alice@example.com""#), "{html}");
        assert!(html.contains(r#"value="alice""#), "{html}");
        assert!(!html.contains("<b>"), "{html}");
    }

    #[test]
    fn no_page_may_be_framed_and_only_the_script_in_use_may_run() {
        let policy = |script| {
            let page = Pages::new("axum", ISSUER, script).not_found();
            assert_eq!(page.status, 404);
            let (_, policy) = page
                .headers
                .into_iter()
                .find(|(name, _)| *name == "content-security-policy")
                .unwrap();
            policy
        };
        let none = policy(None);
        assert!(
            none.contains("frame-ancestors 'none'") && !none.contains("script-src"),
            "{none}"
        );
        let some = policy(Some(LoginScript::Platform(
            "http://127.0.0.1:5050/mpad.js".into(),
        )));
        assert!(some.contains("frame-ancestors 'none'"), "{some}");
        assert!(some.contains("script-src http://127.0.0.1:5050;"), "{some}");
        assert!(
            some.contains("frame-src 'self' http://127.0.0.1:5050 https://project.example"),
            "{some}"
        );
        assert!(!some.contains("unsafe-inline"), "{some}");
    }
}
