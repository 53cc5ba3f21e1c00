//! The list of apps, and making one.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;

use super::app_form;
use super::form::Form;
use crate::client::Client;
use crate::pages::{Frame, redirect, show};
use crate::shared::Shared;

/// How many apps the portal registers.
const MAX_APPS: usize = 200;

#[derive(Template)]
#[template(path = "portal/apps.html")]
struct Apps<'a> {
    section: &'a str,
    apps: &'a [Client],
    form: &'a Form,
}

/// Answers `GET /portal`.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    page(&shared, &app_form::empty())
}

/// Answers `POST /portal`.
pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut form = Form::sent(&body);
    let client = app_form::read(&mut form, Client::register(String::new(), Vec::new()));
    let all = shared.clients.all();
    if all.iter().filter(|(_, registered)| *registered).count() >= MAX_APPS {
        form.complain("form", "There are 200 apps already. Remove one first.");
    }
    if form.has_errors() {
        return page(&shared, &form);
    }
    let path = app_path(&client.client_id);
    if let Err(error) = shared.clients.register(client) {
        form.complain("form", format!("The app could not be saved: {error}"));
        return page(&shared, &form);
    }
    redirect(&path)
}

fn page(shared: &Shared, form: &Form) -> Response {
    let all = shared.clients.all().into_iter();
    let apps: Vec<Client> = all.map(|(client, _)| client).collect();
    let page = Apps {
        section: "apps",
        apps: &apps,
        form,
    };
    show(&page, form.status(), Frame::Nobody)
}

/// Returns the path of an app's page.
pub(super) fn app_path(client_id: &str) -> String {
    let mut path = "/portal/apps/".to_owned();
    path.extend(url::form_urlencoded::byte_serialize(client_id.as_bytes()));
    // A form writes a space as a plus sign, and a path does not.
    path.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_client_id_is_one_part_of_a_path() {
        assert_eq!(app_path("a b/c?d+é"), "/portal/apps/a%20b%2Fc%3Fd%2B%C3%A9");
    }
}
