//! Lists that are too long for one page.

use url::form_urlencoded::Serializer;

use super::form::Form;

/// How many rows a page shows.
const ROWS: usize = 50;

/// One page of a list.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) page: usize,
    total: usize,
    /// The filters, which the links keep.
    query: String,
}

impl Paging {
    /// Reads which page is asked for: the first one, unless `page` is a number.
    pub(super) fn of(form: &Form, filters: &[&str]) -> Self {
        let mut query = Serializer::new(String::new());
        for name in filters {
            let value = form.value(name);
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        Self {
            page: form.value("page").parse().unwrap_or(1).max(1),
            total: 0,
            query: query.finish(),
        }
    }

    /// Returns how many rows come before this page, and how many it has at most.
    pub(super) fn range(&self) -> (usize, usize) {
        ((self.page - 1).saturating_mul(ROWS), ROWS)
    }

    /// Sets how many rows there are in all.
    pub(super) fn over(self, total: usize) -> Self {
        Self { total, ..self }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn pages(&self) -> usize {
        self.total.div_ceil(ROWS).max(1)
    }

    /// Returns the link to the page before, and to the page after; empty where there is none.
    pub(super) fn before(&self) -> String {
        match self.page {
            1 => String::new(),
            page => self.link((page - 1).min(self.pages())),
        }
    }

    pub(super) fn after(&self) -> String {
        match self.page < self.pages() {
            true => self.link(self.page + 1),
            false => String::new(),
        }
    }

    fn link(&self, page: usize) -> String {
        let and = if self.query.is_empty() { "" } else { "&" };
        format!("?{}{and}page={page}", self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_filters_and_end_at_the_ends() {
        let form = Form::default().with("who", "a&b").with("page", "2");
        let paging = Paging::of(&form, &["who", "what"]).over(101);
        assert_eq!((paging.range(), paging.pages()), ((50, 50), 3));
        assert_eq!(paging.before(), "?who=a%26b&page=1");
        assert_eq!(paging.after(), "?who=a%26b&page=3");
        for (page, before, after) in [
            ("x", "", ""),
            ("0", "", ""),
            ("99999999999999999", "?page=1", ""),
        ] {
            let paging = Paging::of(&Form::default().with("page", page), &[]).over(0);
            assert_eq!(
                (paging.before(), paging.after()),
                (before.to_owned(), after.to_owned()),
                "{page}"
            );
        }
    }
}
