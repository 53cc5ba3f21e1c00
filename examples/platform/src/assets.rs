//! The files that pages and apps load: one style sheet and a few small scripts.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Answers `GET /style.css`.
pub(crate) async fn style() -> Response {
    asset(
        "text/css; charset=utf-8",
        include_str!("../assets/style.css"),
    )
}

/// Answers `GET /login.js`, the pages of a login.
pub(crate) async fn login() -> Response {
    script(include_str!("../assets/login.js"))
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

/// Answers `GET /signed-out.js`, which waits for the frames of a log-out.
pub(crate) async fn signed_out() -> Response {
    script(include_str!("../assets/signed-out.js"))
}

/// Answers `GET /mpad.js`, the login button that apps load.
pub(crate) async fn mpad() -> Response {
    script(include_str!("../assets/mpad.js"))
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
