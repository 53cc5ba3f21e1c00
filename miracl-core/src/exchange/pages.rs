//! The pages that a request is answered with, in the words of the app and the visitor's language.

use crate::{
    exchange::Exchange,
    web::{page::Page, reply::Reply},
};

impl Exchange {
    /// Notes the languages that the visitor prefers, for the pages of this request.
    pub(crate) fn prefers(&self, languages: Option<String>) {
        self.lock().languages = languages;
    }

    /// The languages that the visitor prefers, where they are known.
    pub(crate) fn languages(&self) -> Option<String> {
        self.lock().languages.clone()
    }

    /// Shows a page as the app wants it.
    pub(crate) fn show(&self, page: Page) -> Reply {
        self.engine.show_in(self.languages(), page)
    }
}
