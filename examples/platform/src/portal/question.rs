//! Asks before something ends.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::pages::{Frame, show};

/// A question, which a form answers with yes and a link with no.
#[derive(Template)]
#[template(path = "portal/question.html")]
pub(super) struct Question<'a> {
    /// The section of the portal.
    pub(super) section: &'a str,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    /// What the button says.
    pub(super) yes: &'a str,
    /// Where the form is sent, and where the link leads.
    pub(super) action: &'a str,
    pub(super) back: &'a str,
    /// What went wrong with the answer before; empty otherwise.
    pub(super) problem: &'a str,
}

impl Question<'_> {
    pub(super) fn ask(&self) -> Response {
        let status = match self.problem {
            "" => StatusCode::OK,
            _ => StatusCode::CONFLICT,
        };
        show(self, status, Frame::Nobody)
    }
}
