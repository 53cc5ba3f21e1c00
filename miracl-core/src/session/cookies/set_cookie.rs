//! The `Set-Cookie` headers of a response: how cookies are sealed, cut into parts, made and deleted.

use cookie::{Cookie, SameSite};

use crate::session::{
    cookies::{Cookies, MAX_PARTS, Ours, part_name},
    seal::{
        Purpose,
        header::{SealNonce, nonce_of},
    },
};

/// The most characters of one cookie's value. Browsers keep 4096 bytes with name and attributes (RFC 6265 §6.1).
const PART_LEN: usize = 3800;

/// How long a browser keeps a cookie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    /// For so many seconds.
    Seconds(u64),
    /// Until the browser is closed.
    BrowserSession,
}

/// A cookie to be set: its name, its value, and the whole header line.
#[derive(Debug, Clone)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    /// Name and value as the browser sends them back, in bytes; 0 for a deletion.
    pub(crate) len: usize,
    pub(crate) line: String,
    /// Of the first part of a sealed value.
    pub(crate) nonce: Option<SealNonce>,
}

impl Cookies {
    /// Seals a value and cuts it into as many cookies as it needs. `None` when it needs too many.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        name: &str,
        plain: &[u8],
        keep: Keep,
    ) -> Option<Vec<SetCookie>> {
        let value = self.keys.seal(purpose, name, plain, PART_LEN)?;
        let cookies = value
            .as_bytes()
            .chunks(PART_LEN)
            .enumerate()
            .map(|(place, part)| {
                let part = std::str::from_utf8(part).expect("base64 is ASCII");
                self.set(part_name(name, place), part, Some(keep))
            })
            .collect();
        Some(cookies)
    }

    /// Seals a value that does not go into a cookie, and so has no limit of length.
    pub(crate) fn seal_value(&self, purpose: Purpose, name: &str, plain: &[u8]) -> Option<String> {
        self.keys.seal(purpose, name, plain, usize::MAX)
    }

    /// Deletes a cookie, with the attributes it was made with.
    pub(crate) fn delete(&self, name: &str) -> SetCookie {
        self.set(name.to_owned(), "", None)
    }

    /// Sets a value that is not sealed, because it tells nothing about anybody.
    pub(crate) fn set_plain(&self, name: &str, value: &str, keep: Keep) -> SetCookie {
        self.set(name.to_owned(), value, Some(keep))
    }

    /// Deletes every part that a value may have besides the first `kept`, whether the request has them or not.
    pub(crate) fn delete_parts(&self, name: &str, kept: usize) -> Vec<SetCookie> {
        (kept..MAX_PARTS)
            .map(|place| self.delete(&part_name(name, place)))
            .collect()
    }

    /// The one descriptor of a cookie, by which it is both made and deleted.
    fn set(&self, name: String, value: &str, keep: Option<Keep>) -> SetCookie {
        let is_login = || matches!(self.ours(&name), Some(Ours::Login(_)));
        let cross_site = self.cross_site_callback && is_login();
        let mut cookie = Cookie::build((name.as_str(), value))
            .path("/")
            .http_only(true)
            .same_site(if cross_site {
                SameSite::None
            } else {
                SameSite::Lax
            })
            // Browsers take `SameSite=None` only together with it, and on loopback without TLS as well.
            .secure(self.secure || cross_site);
        match keep {
            None => {
                // Both, because old browsers know only one of them.
                cookie = cookie
                    .max_age(cookie::time::Duration::ZERO)
                    .expires(cookie::time::OffsetDateTime::UNIX_EPOCH);
            }
            Some(Keep::Seconds(seconds)) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                cookie = cookie.max_age(cookie::time::Duration::seconds(seconds));
            }
            Some(Keep::BrowserSession) => {}
        }
        let len = if keep.is_some() {
            name.len() + 1 + value.len()
        } else {
            0
        };
        SetCookie {
            line: cookie.build().to_string(),
            nonce: nonce_of(value.as_bytes()),
            len,
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::cookies::tests::cookies;

    #[test]
    fn on_https_cookies_are_secure_and_host_bound() {
        let cookies = cookies("https://app.example/login");
        let set = cookies
            .seal(Purpose::Session, &cookies.session, b"x", Keep::Seconds(60))
            .unwrap();
        let line = &set[0].line;
        assert!(line.starts_with("__Host-miracl-session="), "{line}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(line.contains(attribute), "{line}");
        }
        assert!(!line.contains("Domain"));
    }

    #[test]
    fn on_loopback_http_cookies_are_neither_secure_nor_prefixed() {
        let cookies = cookies("http://127.0.0.1/login");
        let set = cookies
            .seal(
                Purpose::Session,
                &cookies.session,
                b"x",
                Keep::BrowserSession,
            )
            .unwrap();
        let line = &set[0].line;
        assert!(line.starts_with("miracl-session="), "{line}");
        assert!(!line.contains("Secure") && !line.contains("Max-Age"));
    }

    #[test]
    fn only_the_pending_login_of_form_post_may_come_from_another_site() {
        let mut cookies = cookies("http://127.0.0.1/login");
        cookies.cross_site_callback = true;
        let name = cookies.login_name(1);
        let set = cookies.seal(Purpose::Login, &name, b"x", Keep::Seconds(60));
        for line in [&set.unwrap()[0].line, &cookies.delete(&name).line] {
            assert!(
                line.contains("SameSite=None") && line.contains("Secure"),
                "{line}"
            );
        }
        let line = cookies.delete(&cookies.session).line;
        assert!(
            line.contains("SameSite=Lax") && !line.contains("Secure"),
            "{line}"
        );
    }

    #[test]
    fn a_cookie_is_deleted_with_the_attributes_it_was_made_with() {
        let cookies = cookies("https://app.example/login");
        let line = cookies.delete(&cookies.session).line;
        for attribute in [
            "HttpOnly",
            "SameSite=Lax",
            "Secure",
            "Path=/",
            "Max-Age=0",
            "Expires=Thu, 01 Jan 1970",
        ] {
            assert!(line.contains(attribute), "{line}");
        }
    }
}
