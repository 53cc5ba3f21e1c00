//! The files that pages and apps load: one style sheet and a few small scripts.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The style of the pages. The first part is that of the engine's own pages, so that both are of one family. It is a
/// copy, because this crate is packaged without the engine.
const STYLE: &str = concat!(
    include_str!("../assets/family.css"),
    include_str!("../assets/style.css"),
    include_str!("../assets/portal.css")
);

/// The login button that apps load.
const MPAD: &str = include_str!("../assets/mpad.js");

/// Answers `GET /style.css`.
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// Answers `GET /login.js`, the pages of a login.
pub(crate) async fn login() -> Response {
    script(include_str!("../assets/login.js"))
}

/// Answers `GET /login-steps.js`: the steps that its pages show.
pub(crate) async fn login_steps() -> Response {
    script(include_str!("../assets/login-steps.js"))
}

/// Answers `GET /login-texts.js`: what they say, in the language of the page.
pub(crate) async fn login_texts() -> Response {
    script(include_str!("../assets/login-texts.js"))
}

/// Answers `GET /login-identities.js`: what a browser keeps.
pub(crate) async fn login_identities() -> Response {
    script(include_str!("../assets/login-identities.js"))
}

/// Answers `GET /login-other-device.js`: QR codes, on both sides.
pub(crate) async fn login_other_device() -> Response {
    script(include_str!("../assets/login-other-device.js"))
}

/// Answers `GET /login-quick-code.js`: making QuickCodes.
pub(crate) async fn login_quick_code() -> Response {
    script(include_str!("../assets/login-quick-code.js"))
}

/// Answers `GET /mpin.js`, M-Pin in a browser.
pub(crate) async fn mpin() -> Response {
    script(include_str!("../assets/mpin.js"))
}

/// Answers `GET /done.js`, which leaves a frame.
pub(crate) async fn done() -> Response {
    script(include_str!("../assets/done.js"))
}

/// Answers `GET /form-post.js`, which posts a callback.
pub(crate) async fn form_post() -> Response {
    script(include_str!("../assets/form-post.js"))
}

/// Answers `GET /portal.js`, which copies what the portal shows.
pub(crate) async fn portal() -> Response {
    script(include_str!("../assets/portal.js"))
}

/// Answers `GET /signed-out.js`, which waits for the frames of a log-out.
pub(crate) async fn signed_out() -> Response {
    script(include_str!("../assets/signed-out.js"))
}

/// Answers `GET /mpad.js`, the login button that apps load.
pub(crate) async fn mpad() -> Response {
    script(MPAD)
}

fn script(text: &'static str) -> Response {
    asset("text/javascript; charset=utf-8", text)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Apps on other origins load the button.
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a property of the palette, the light one or the dark one.
    fn colour(name: &str, dark: bool) -> &'static str {
        let start = format!("{name}: ");
        let mut values = STYLE.split(start.as_str()).skip(1);
        let value = values.nth(usize::from(dark)).expect(name);
        value.split(';').next().expect("a value")
    }

    #[test]
    fn the_login_button_has_the_colours_of_the_pages() {
        for name in ["--accent", "--accent-hover", "--on-accent"] {
            for dark in [false, true] {
                let line = format!("{name}: {}", colour(name, dark)).replacen("--", "--miracl-", 1);
                assert!(MPAD.contains(&line), "{line}");
            }
        }
    }
}
