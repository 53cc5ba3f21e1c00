//! The audit log.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::form::Form;
use super::paging::Paging;
use crate::audit::{Event, Filter, MOST, Shown};
use crate::pages::{Frame, show};
use crate::params::Params;
use crate::rfc3339;
use crate::shared::Shared;

/// A day in microseconds.
const DAY: u64 = 24 * 60 * 60 * 1_000_000;

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct Log<'a> {
    section: &'a str,
    entries: &'a [Shown],
    form: &'a Form,
    paging: &'a Paging,
}

/// Answers `GET /portal/audit`.
pub(super) async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let mut form = Form::of(Params::of_query(uri.query()));
    let paging = Paging::of(&form, &["what", "who", "from", "to"]);
    let filter = filter(&mut form);
    let (skip, most) = paging.range();
    let (total, entries) = match form.has_errors() {
        true => (0, Vec::new()),
        false => shared.audit.shown(&filter, skip, most),
    };
    let page = Log {
        section: "audit",
        entries: &entries,
        form: &form,
        paging: &paging.over(total),
    };
    show(&page, form.status(), Frame::Nobody)
}

fn filter(form: &mut Form) -> Filter {
    let event = form.optional("what").map(|name| Event::of_name(&name));
    if event == Some(None) {
        form.complain("what", "Choose one of the events.");
    }
    let from = day(form, "from");
    let to = day(form, "to").map(|day| day + DAY - 1);
    if from > to && to.is_some() {
        form.complain("to", "This is before the first day.");
    }
    Filter {
        event: event.flatten(),
        user_part: form.optional("who").map(|who| who.to_lowercase()),
        from,
        to,
        ..Filter::default()
    }
}

fn day(form: &mut Form, name: &'static str) -> Option<u64> {
    let text = form.optional(name)?;
    let day = rfc3339::parse(&format!("{text}T00:00:00Z"));
    if day.is_none() {
        form.complain(
            name,
            "Enter a day as year, month and day, such as 2026-01-31.",
        );
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_nonsense_is_told() {
        let mut form = Form::default()
            .with("from", "2026-01-01")
            .with("to", "2026-01-01")
            .with("what", "authenticate_fail")
            .with("who", "Ann");
        let found = filter(&mut form);
        assert!(!form.has_errors());
        assert_eq!(found.to.unwrap() - found.from.unwrap(), DAY - 1);
        assert_eq!(
            (found.event, found.user_part.as_deref()),
            (Some(Event::WrongPin), Some("ann"))
        );
        for (field, value) in [
            ("from", "yesterday"),
            ("to", "2026-02-30"),
            ("what", "nothing"),
        ] {
            let mut form = Form::default().with(field, value);
            filter(&mut form);
            assert_ne!(form.error(field), "", "{field}");
        }
        let mut form = Form::default()
            .with("from", "2026-01-02")
            .with("to", "2026-01-01");
        filter(&mut form);
        assert_ne!(form.error("to"), "");
    }
}
