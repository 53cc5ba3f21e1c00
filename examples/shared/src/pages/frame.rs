//! What every page has around its content.

#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) framework: String,
    pub(super) heading: String,
    /// What links and forms have in front, because a proxy removes it.
    pub(super) base: String,
    /// Whether there are pages that try MIRACL Trust.
    pub(super) tries_trust: bool,
}

/// The head and the navigation of a page, and the messages above its content.
pub(super) struct Frame<'a> {
    pub(super) site: &'a Site,
    /// Which of the pages in the navigation this is.
    pub(super) here: &'a str,
    /// Who is logged in, where that is known. Everybody else sees no link that needs a login.
    pub(super) user: Option<&'a str>,
    pub(super) alerts: Vec<Alert<'a>>,
}

pub(super) struct Alert<'a> {
    pub(super) category: &'a str,
    /// Screen readers read `alert` out at once, and `status` at the next pause.
    pub(super) role: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Alert<'a> {
    pub(super) fn new(category: &'a str, text: &'a str) -> Self {
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
