//! The start page.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::pages::{self, Frame, show};
use crate::shared::Shared;
use crate::visitor::Visitor;

/// Says what the platform is.
#[derive(Template)]
#[template(path = "portal/home.html")]
struct Home<'a> {
    issuer: &'a str,
    apps: usize,
    messages: usize,
    /// Whether the portal and the inbox are for this visitor.
    is_here: bool,
}

/// Answers `GET /`.
pub(super) async fn home(
    State(shared): State<Arc<Shared>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let messages = shared.inbox.all();
    let page = Home {
        issuer: shared.issuer(),
        apps: shared.clients.all().len(),
        messages: messages.iter().filter(|message| !message.used).count(),
        is_here: visitor.is_here,
    };
    show(&page, StatusCode::OK, Frame::Nobody)
}

/// Answers everything that there is not.
pub(crate) async fn not_found() -> Response {
    let problem = pages::Problem {
        title: "There is no such page",
        text: "The start page says what there is.",
        detail: "",
    };
    show(&problem, StatusCode::NOT_FOUND, Frame::Nobody)
}
