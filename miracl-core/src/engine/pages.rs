//! What an app changes about the engine's pages and messages.

use std::sync::{Arc, PoisonError, RwLock};

use crate::web::{page::Page, request::RequestView};

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

    pub(crate) fn changed(&self, mut page: Page) -> Page {
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
    (languages.len() <= MAX_LANGUAGES).then_some(languages)
}
