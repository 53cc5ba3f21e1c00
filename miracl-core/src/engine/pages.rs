//! What an app changes about the engine's pages and messages.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    engine::Engine,
    web::{
        page::{Page, PageKind},
        reply::Reply,
        request::RequestView,
    },
};

/// The longest `Accept-Language` that a page is told of. Browsers send fewer than a hundred bytes.
const MAX_LANGUAGES: usize = 256;

type Change = Arc<dyn Fn(&mut Page) + Send + Sync>;

/// The functions that change pages, in the order in which they came.
#[derive(Default)]
pub(crate) struct Pages(RwLock<Vec<Change>>);

impl Pages {
    pub(crate) fn change(&self, change: impl Fn(&mut Page) + Send + Sync + 'static) {
        let mut changes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        changes.push(Arc::new(change));
    }

    fn changed(&self, mut page: Page) -> Page {
        // The app's functions run without the lock.
        let changes = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for change in changes {
            change(&mut page);
        }
        page
    }
}

/// The languages that a visitor prefers, as the request says.
pub(crate) fn languages(request: &impl RequestView) -> Option<String> {
    let languages = request.header("accept-language")?;
    (languages.len() <= MAX_LANGUAGES).then(|| languages)
}

impl Engine {
    /// Shows a page as the app wants it, to the sender of a request.
    pub(crate) fn show(&self, request: &impl RequestView, page: Page) -> Reply {
        self.show_in(languages(request), page)
    }

    /// Shows a page as the app wants it, to somebody who prefers these languages.
    pub(crate) fn show_in(&self, languages: Option<String>, page: Page) -> Reply {
        self.pages
            .changed(page.in_language_of(languages))
            .into_reply()
    }

    /// Returns the words of a message as the app wants them.
    pub(crate) fn words(
        &self,
        languages: Option<String>,
        kind: PageKind,
        sentence: &str,
    ) -> String {
        let page = Page::message(kind, sentence).in_language_of(languages);
        self.pages.changed(page).sentence
    }
}
