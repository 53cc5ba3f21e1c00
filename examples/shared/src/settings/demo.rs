//! What a demo runs with, and what it prints when it answers.

use miracl_core::Config;
use url::Url;

use crate::codes::Codes;
use crate::pages::Pages;
use crate::platform::LocalPlatform;
use crate::users::Users;

/// What a demo runs with, once its port is known.
#[derive(Debug)]
#[non_exhaustive]
pub struct Demo {
    /// The settings of the login, for [`Miracl::new`](miracl_core::Miracl::new).
    pub config: Config,
    /// The pages.
    pub pages: Pages,
    /// The user table.
    pub users: Users,
    /// The codes by which the app makes sure of people.
    pub codes: Codes,
    /// The local MIRACL platform, where the demo has brought its own. It stops when this is dropped.
    pub platform: Option<LocalPlatform>,
    pub(super) listening_on: String,
}

impl Demo {
    /// What to print once the demo answers. The first line is `listening on http://HOST:PORT`.
    pub fn greeting(&self) -> String {
        let mut text = format!("listening on {}\n", self.listening_on);
        if let Ok(callback) = Url::parse(&self.config.redirect_uri) {
            let home = callback.origin().ascii_serialization();
            let path = self.config.public_path.trim_end_matches('/');
            text.push_str(&format!("open {home}{path}/ in a browser\n"));
        }
        if let Some(platform) = &self.platform {
            text.push_str(&platform.greeting());
        }
        text
    }
}
