//! The page "Your devices": where the user is logged in.

use std::time::SystemTime;

use askama::Template;
use miracl_core::{Flash, SessionInfo, User};

use super::{Frame, Page, Pages};
use crate::{browser, when::When};

impl Pages {
    /// The user's sessions, each with a button that ends it.
    pub fn devices(&self, flashes: &[Flash], user: &User, sessions: &[SessionInfo]) -> Page {
        let now = SystemTime::now();
        let devices = sessions.iter().map(|session| Device::new(session, now));
        self.page(
            200,
            &Devices {
                frame: self.frame("devices", Some(user), flashes),
                devices: devices.collect(),
            },
        )
    }

    /// The page where sessions are kept in cookies: there is no list, and the page says how to get one.
    pub fn no_devices(&self, flashes: &[Flash], user: &User) -> Page {
        self.page(
            200,
            &NoDevices {
                frame: self.frame("devices", Some(user), flashes),
            },
        )
    }
}

struct Device {
    id: String,
    name: String,
    handheld: bool,
    is_current: bool,
    logged_in: When,
    last_seen: When,
}

impl Device {
    fn new(session: &SessionInfo, now: SystemTime) -> Self {
        Self {
            id: session.id().to_owned(),
            name: browser::describe(session.user_agent()),
            handheld: browser::is_handheld(session.user_agent()),
            is_current: session.is_current(),
            logged_in: When::new(session.created(), now),
            last_seen: When::new(session.last_seen(), now),
        }
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct Devices<'a> {
    frame: Frame<'a>,
    devices: Vec<Device>,
}

impl Devices<'_> {
    fn has_others(&self) -> bool {
        self.devices.iter().any(|device| !device.is_current)
    }
}

#[derive(Template)]
#[template(path = "no_devices.html")]
struct NoDevices<'a> {
    frame: Frame<'a>,
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn device(id: &str, name: &str, is_current: bool) -> Device {
        let then = UNIX_EPOCH + Duration::from_secs(951_782_400);
        let when = When::new(then, then + Duration::from_secs(7200));
        Device {
            id: id.to_owned(),
            name: name.to_owned(),
            handheld: false,
            is_current,
            logged_in: when.clone(),
            last_seen: when,
        }
    }

    fn page(devices: Vec<Device>) -> String {
        let pages = Pages::new("axum", "https://project.example", None);
        let frame = pages.frame("devices", None, &[]);
        Devices { frame, devices }.render().unwrap()
    }

    #[test]
    fn every_other_device_has_a_button_and_this_one_has_none() {
        let html = page(vec![
            device("0a", "Firefox on Linux", true),
            device("0b", "Safari on iPhone", false),
        ]);
        assert_eq!(html.matches("this device").count(), 1, "{html}");
        assert_eq!(html.matches(r#"action="/devices/end""#).count(), 1);
        assert!(html.contains(r#"name="id" value="0b""#), "{html}");
        assert!(!html.contains(r#"value="0a""#), "{html}");
        assert!(html.contains(r#"action="/devices/end-others""#), "{html}");
        let time = r#"<time datetime="2000-02-29T00:00:00Z">29 Feb 2000, 00:00 UTC</time>"#;
        assert!(
            html.contains(time) && html.contains(">2 hours ago</time>"),
            "{html}"
        );
    }

    #[test]
    fn somebody_with_one_device_has_nothing_to_log_out() {
        let html = page(vec![device("0a", "Firefox on Linux", true)]);
        assert!(!html.contains("<form"), "{html}");
    }

    #[test]
    fn a_browser_cannot_write_into_the_page() {
        let html = page(vec![device("0b", r#"<script>"'&"#, false)]);
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("&#60;script&#62;&#34;&#39;&#38;"), "{html}");
    }

    #[test]
    fn without_a_list_the_page_says_how_to_have_one() {
        let pages = Pages::new("axum", "https://project.example", None);
        let frame = pages.frame("devices", None, &[]);
        let html = NoDevices { frame }.render().unwrap();
        assert!(html.contains("SESSION_STORE=memory"), "{html}");
        assert!(html.contains("SESSION_STORE=redis://"), "{html}");
    }
}
