//! The list of service accounts, and making one.

use std::io;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;

use super::form::Form;
use crate::pages::{Frame, redirect, show};
use crate::service_account::{Permission, ServiceAccount};
use crate::shared::Shared;

/// How many service accounts there may be.
const MAX_ACCOUNTS: usize = 50;

#[derive(Template)]
#[template(path = "portal/accounts.html")]
struct Accounts<'a> {
    section: &'a str,
    accounts: &'a [ServiceAccount],
    form: &'a Form,
}

/// Answers `GET /portal/accounts`.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    page(&shared, &Form::default())
}

/// Answers `POST /portal/accounts`. The next page shows the token, once.
pub(super) async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut form = Form::sent(&body);
    let (name, permissions) = read(&mut form);
    if shared.project().service_accounts.len() >= MAX_ACCOUNTS {
        form.complain(
            "form",
            "There are 50 service accounts already. Remove one first.",
        );
    }
    if form.has_errors() {
        return page(&shared, &form);
    }
    let (account, token) = ServiceAccount::new(name, permissions);
    let id = account.id().to_owned();
    let added = shared.project.change(|project| {
        project.service_accounts.push(account);
        Ok::<_, io::Error>(())
    });
    if let Err(error) = added {
        form.complain(
            "form",
            format!("The service account could not be saved: {error}"),
        );
        return page(&shared, &form);
    }
    shared.new_tokens.put(&id, token);
    redirect(&format!("/portal/accounts/{id}"))
}

fn page(shared: &Shared, form: &Form) -> Response {
    let page = Accounts {
        section: "accounts",
        accounts: &shared.project().service_accounts,
        form,
    };
    show(&page, form.status(), Frame::Nobody)
}

/// Reads the name and the permissions of an account.
pub(super) fn read(form: &mut Form) -> (String, Vec<Permission>) {
    let all = Permission::ALL.into_iter();
    let permissions: Vec<Permission> = all
        .filter(|permission| form.is("permission", permission.name()))
        .collect();
    if permissions.is_empty() {
        form.complain("permission", "Choose at least one permission.");
    }
    (form.name("name"), permissions)
}
