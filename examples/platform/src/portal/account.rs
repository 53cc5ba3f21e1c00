//! One service account.

use std::io;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;

use super::form::Form;
use super::question::Question;
use super::{accounts, not_found};
use crate::pages::{Frame, redirect, show as show_page};
use crate::service_account::ServiceAccount;
use crate::shared::Shared;

#[derive(Template)]
#[template(path = "portal/account.html")]
struct Account<'a> {
    section: &'a str,
    account: &'a ServiceAccount,
    path: &'a str,
    /// The token, right after the account was made; empty ever after.
    token: &'a str,
    form: &'a Form,
}

/// Answers `GET /portal/accounts/{id}`.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let Some(account) = find(&shared, &id) else {
        return not_found().await;
    };
    let mut form = Form::default()
        .with("name", &account.name)
        .with_box("active", account.active);
    for permission in &account.permissions {
        form = form.with("permission", permission.name());
    }
    let token = shared.new_tokens.take(&id).unwrap_or_default();
    page(&account, &token, &form)
}

/// Answers `POST /portal/accounts/{id}`.
pub(super) async fn save(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(account) = find(&shared, &id) else {
        return not_found().await;
    };
    let mut form = Form::sent(&body);
    let (name, permissions) = accounts::read(&mut form);
    let active = form.is_on("active");
    if form.has_errors() {
        return page(&account, "", &form);
    }
    let changed = shared.project.change(|project| {
        let mut all = project.service_accounts.iter_mut();
        if let Some(account) = all.find(|account| account.id() == id) {
            account.name = name;
            account.permissions = permissions;
            account.active = active;
        }
        Ok::<_, io::Error>(())
    });
    if let Err(error) = changed {
        form.complain(
            "form",
            format!("The service account could not be saved: {error}"),
        );
        return page(&account, "", &form);
    }
    redirect("/portal/accounts")
}

/// Answers `GET /portal/accounts/{id}/remove`.
pub(super) async fn ask_to_remove(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    match find(&shared, &id) {
        Some(account) => question(&account, ""),
        None => not_found().await,
    }
}

fn question(account: &ServiceAccount, problem: &str) -> Response {
    let path = path(account);
    Question {
        section: "accounts",
        title: &format!("Remove {}?", account.name),
        text: "Its token stops working at once. Another account gets another token.",
        yes: "Remove the service account",
        action: &format!("{path}/remove"),
        back: &path,
        problem,
    }
    .ask()
}

/// Answers `POST /portal/accounts/{id}/remove`.
pub(super) async fn remove(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let Some(account) = find(&shared, &id) else {
        return not_found().await;
    };
    let removed = shared.project.change(|project| {
        project
            .service_accounts
            .retain(|account| account.id() != id);
        Ok::<_, io::Error>(())
    });
    match removed {
        Ok(()) => redirect("/portal/accounts"),
        Err(error) => question(
            &account,
            &format!("The service account could not be removed: {error}"),
        ),
    }
}

fn find(shared: &Shared, id: &str) -> Option<ServiceAccount> {
    let project = shared.project();
    let mut all = project.service_accounts.iter();
    all.find(|account| account.id() == id).cloned()
}

fn path(account: &ServiceAccount) -> String {
    format!("/portal/accounts/{}", account.id())
}

fn page(account: &ServiceAccount, token: &str, form: &Form) -> Response {
    let page = Account {
        section: "accounts",
        account,
        path: &path(account),
        token,
        form,
    };
    show_page(&page, form.status(), Frame::Nobody)
}
