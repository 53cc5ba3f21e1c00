//! The HTML of the demos: the page of the Tornado SDK's sample with its texts, and the pages that were added.
//!
//! A [`Page`] is plain data (status, headers, HTML), so that a handler of any framework can answer with it. The
//! templates are the files below `templates/`; whatever they print is escaped.

mod devices;
mod frame;
mod login_button;
mod policy;
mod trust;

use askama::Template;
use miracl_core::{AuthFailure, Check, Flash, LoginOptions, User, Visit};

use crate::chain::chain;
use crate::users::MAX_DISPLAY_NAME;
use frame::{Alert, Frame, Site};
use login_button::Attribute;
pub use login_button::{LoginButton, LoginScript};
use policy::content_security_policy;
pub use trust::{MPIN_SCRIPT, TRUST_SCRIPT};

/// The style sheet, for the route `/style.css`.
///
/// The first part is that of the login's own pages: palette, type and button. So both are of one family.
pub const STYLE: &str = concat!(
    include_str!("../../../miracl-core/src/web/style.css"),
    include_str!("../templates/style.css")
);

/// The page for the route `/public`: constant text, sent without a header of ours, because benchmarks compare other
/// requests with it. Its links work below any path.
pub const PUBLIC: &str = include_str!("../templates/public.html");

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

/// Writes the pages of one demo.
#[derive(Debug, Clone)]
pub struct Pages {
    site: Site,
    script: Option<LoginScript>,
    /// The issuer of the local platform, where the demo has brought its own.
    platform: Option<String>,
    content_security_policy: String,
}

/// A framework's name as it writes it.
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
                base: String::new(),
                tries_trust: false,
            },
            platform: None,
            content_security_policy: content_security_policy(issuer, script.as_ref()),
            script,
        }
    }

    /// Puts the path that a proxy removes in front of every link and form: [`Config::public_path`].
    ///
    /// [`Config::public_path`]: miracl_core::Config::public_path
    #[must_use]
    pub fn below(mut self, public_path: &str) -> Self {
        self.site.base = public_path.trim_end_matches('/').to_owned();
        self
    }

    /// Makes a login button that brings the user back to `return_to`, by default to the home page.
    ///
    /// It needs neither a cookie nor the provider, except with somebody else's script, which must be given the
    /// provider's authorize URL. While the provider is away, the button is then a plain link, so the page always
    /// works.
    pub async fn login_button(&self, visit: &Visit, return_to: Option<&str>) -> LoginButton {
        let options = LoginOptions {
            return_to: return_to.map(str::to_owned),
            ..LoginOptions::default()
        };
        let start_url = visit.miracl().login_start_url(&options);
        let (script, auth_url) = match &self.script {
            None => (None, start_url.clone()),
            Some(LoginScript::Platform(script)) => (Some(script.clone()), start_url.clone()),
            Some(LoginScript::ThirdParty(script)) => match visit.page_login_url(options).await {
                Ok(url) => (Some(script.clone()), url),
                Err(failure) => {
                    tracing::warn!(
                        error = %failure,
                        "no login URL for the login script: the page has a plain link instead"
                    );
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

    /// The home page for a visitor who is not logged in.
    pub fn welcome(&self, flashes: &[Flash], login: &LoginButton) -> Page {
        self.page(
            200,
            &Welcome {
                frame: self.frame("home", None, flashes),
                login,
            },
        )
    }

    /// The home page for a logged-in user.
    pub fn account(&self, flashes: &[Flash], user: &User) -> Page {
        self.page(
            200,
            &Account {
                frame: self.frame("home", Some(user), flashes),
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
                frame: self.frame("members", Some(user), flashes),
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
                frame: self.frame("profile", Some(user), flashes),
                id: user.id(),
                email: user.email().unwrap_or_default(),
                display_name: display_name.unwrap_or_default(),
                max_display_name: MAX_DISPLAY_NAME,
            },
        )
    }

    /// The page after a login that failed, with the login button again.
    ///
    /// It says what happened, what to do, and the reference under which the log has the details; with `development`
    /// also the receipt. Who was logged in before still is.
    pub fn login_failed(
        &self,
        flashes: &[Flash],
        user: Option<&User>,
        failure: &AuthFailure,
        login: &LoginButton,
        development: bool,
    ) -> Page {
        let mut page = self.page(
            failure.status(),
            &LoginFailed {
                frame: self.frame("", user, flashes),
                title: match failure.was_cancelled() {
                    true => "Login cancelled",
                    false => "Login not completed",
                },
                message: failure.message(),
                id: failure.id(),
                why: development.then(|| Why::new(failure)),
                login,
            },
        );
        // The address of this page has a code and a `state`, which a link on it must not pass on.
        for (name, value) in &mut page.headers {
            if *name == "referrer-policy" {
                "no-referrer".clone_into(value);
            }
        }
        // Posted by another site: only the next request shows whether somebody is logged in.
        if let Some(path) = failure.see_at() {
            page.headers.push(("refresh", format!("0;url={path}")));
        }
        page
    }

    /// A page with nothing but a message and the way home.
    fn message(&self, user: Option<&User>, status: u16, title: &str, text: &str) -> Page {
        self.page(
            status,
            &Message {
                frame: self.frame("", user, &[]),
                title,
                text,
            },
        )
    }

    /// The page for an unknown address. `user` is who is logged in, where that is known.
    pub fn not_found(&self, user: Option<&User>) -> Page {
        self.message(user, 404, "Not found", "There is no page at this address.")
    }

    /// The page for when the app's own database does not answer.
    pub fn unavailable(&self) -> Page {
        self.message(
            None,
            503,
            "Out of order",
            "This cannot be answered at the moment. Please try again in a few minutes.",
        )
    }

    fn frame<'a>(
        &'a self,
        here: &'a str,
        user: Option<&'a User>,
        flashes: &'a [Flash],
    ) -> Frame<'a> {
        let alert = |flash: &'a Flash| Alert::new(flash.category.as_str(), &flash.text);
        Frame {
            site: &self.site,
            here,
            user: user.map(|user| user.email().unwrap_or(user.id())),
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
                // Not `no-referrer`: when a form needs a login first, the `Referer` says which page to return to.
                ("referrer-policy", "same-origin".to_owned()),
            ],
            html,
        }
    }
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
    title: &'a str,
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
    replica: Option<&'static str>,
    failed: Option<Check>,
    checks: Vec<Check>,
}

impl Why {
    fn new(failure: &AuthFailure) -> Self {
        let receipt = failure.receipt();
        let at_fault = receipt.at_fault().map(|party| party.to_string());
        Self {
            reason: chain(failure),
            at_fault: at_fault.unwrap_or_default(),
            advice: receipt.advice().unwrap_or_default(),
            replica: receipt.replica(),
            failed: receipt.failed().cloned(),
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
mod tests;
