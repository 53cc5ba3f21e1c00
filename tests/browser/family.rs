//! Every page that a person may see, in light and dark colours and on a phone: it fits the window, everybody can use
//! it, and a picture of it is kept in `target/screenshots/pages`.

mod demos;
mod engine;
mod mpin;
mod platform;
mod trust;

use std::cell::RefCell;

use miracl_tests::{Chrome, Library, Look, Suite};

/// The walks through the pages of the demos, of the engine and of the local platform.
pub(crate) fn suites() -> [Suite; 5] {
    [
        demos::suite().named("pages_of_demos"),
        engine::suite().named("pages_of_engine").once(),
        platform::suite().named("pages_of_platform").once(),
        mpin::suite().named("pages_of_mpin").once(),
        trust::suite().named("pages_of_trust").once(),
    ]
}

/// What axe says of the page, if it is more than minor.
const JUDGE: &str = "\
    const done = arguments[arguments.length - 1];\
    axe.run(document, { resultTypes: ['violations'] }).then(\
        found => done(found.violations\
            .filter(one => one.impact !== 'minor')\
            .map(one => `${one.impact} ${one.id}: ${one.nodes.map(node => node.html.slice(0, 120)).join(' | ')}`)),\
        error => done([String(error)]));";

/// A walk through pages with one browser. What is wrong with any of them is told at the end.
pub(crate) struct Walk<'a> {
    chrome: &'a Chrome,
    folder: &'a str,
    wrong: RefCell<Vec<String>>,
}

impl<'a> Walk<'a> {
    /// Begins a walk whose pictures are kept in a folder.
    pub(crate) fn begin(chrome: &'a Chrome, folder: &'a str) -> Self {
        Self {
            chrome,
            folder,
            wrong: RefCell::default(),
        }
    }

    /// Looks at the page that the browser shows.
    pub(crate) async fn look(&self, page: &str) {
        for look in Look::ALL {
            self.chrome.appear(look, None).await;
            let name = format!("{page}-{}", look.name());
            let too_wide = self
                .number("scrollWidth - document.documentElement.clientWidth")
                .await;
            if too_wide != 0 {
                self.complain(&name, &format!("{too_wide} pixels too wide"));
            }
            self.judge(&name).await;
            let height = self.number("scrollHeight").await;
            self.chrome
                .appear(look, Some(height.unsigned_abs().max(720)))
                .await;
            self.chrome
                .screenshot(&format!("pages/{}/{name}", self.folder))
                .await;
        }
        self.chrome.appear(Look::Light, None).await;
    }

    /// Looks at the page, which must be readable without a scroll bar.
    pub(crate) async fn look_without_scrolling(&self, page: &str) {
        for look in Look::ALL {
            self.chrome.appear(look, None).await;
            let hidden = self
                .number("scrollHeight - document.documentElement.clientHeight")
                .await;
            if hidden > 0 {
                let name = format!("{page}-{}", look.name());
                self.complain(&name, &format!("{hidden} pixels too high"));
            }
        }
        self.look(page).await;
    }

    /// Looks at a page that the browser would leave at once, or does not ask for by itself, in place of the page at an
    /// address.
    pub(crate) async fn look_at(&self, page: &str, url: &str, html: &str) {
        self.chrome.open(url).await;
        let html = html.replace("http-equiv=\"refresh\"", "");
        let html = html.replace("<script", "<script type=\"text/plain\"");
        let html = serde_json::Value::from(html);
        self.chrome
            .script(&format!(
                "document.open(); document.write({html}); document.close();"
            ))
            .await;
        self.look_without_scrolling(page).await;
    }

    async fn judge(&self, name: &str) {
        let is_here = self.chrome.script("return typeof axe === 'object'").await;
        if is_here != true {
            self.chrome.script(&Library::AXE.source()).await;
        }
        let found = self.chrome.script_async(JUDGE).await;
        for one in found.as_array().expect("a list") {
            self.complain(name, one.as_str().unwrap_or_default());
        }
    }

    async fn number(&self, property: &str) -> i64 {
        let script = format!("return document.documentElement.{property}");
        let number = self.chrome.script(&script).await;
        number.as_i64().expect("a whole number")
    }

    fn complain(&self, page: &str, what: &str) {
        self.wrong.borrow_mut().push(format!("{page}: {what}"));
    }

    /// Fails if something was wrong with a page.
    pub(crate) fn end(self) {
        let wrong = self.wrong.into_inner();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
