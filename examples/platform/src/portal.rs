//! The portal: apps, the project, service accounts, devices and the audit log, in the order of MIRACL's guide.
//!
//! | file | pages |
//! |---|---|
//! | `home` | `/`, and what is shown where there is no page |
//! | `inbox` | `/inbox` |
//! | `apps` | `/portal`: the list of apps, and making one |
//! | `app` | `/portal/apps/{client_id}`: its settings, `miracl.json`, new keys, removing it |
//! | `project` | `/portal/project` |
//! | `accounts`, `account` | `/portal/accounts`: the list and one of them |
//! | `devices` | `/portal/devices`, and revoking one |
//! | `audit` | `/portal/audit` |
//!
//! `form` is what was typed and what is wrong with it, `app_form` makes an app out of that, `question` asks before
//! something ends, and `paging` cuts lists. Only browsers on this machine get any of it: `guard` sees to that.

use std::sync::Arc;

use axum::routing::{Router, get};

use crate::shared::Shared;

mod account;
mod accounts;
mod app;
mod app_form;
mod apps;
mod audit;
mod devices;
mod form;
mod home;
mod inbox;
mod paging;
mod project;
mod question;

pub(crate) use home::not_found;

/// The routes.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(home::home))
        .route("/inbox", get(inbox::inbox))
        .route("/portal", get(apps::list).post(apps::create))
        .route("/portal/apps/{client_id}", get(app::show).post(app::save))
        .route("/portal/apps/{client_id}/miracl.json", get(app::download))
        .route(
            "/portal/apps/{client_id}/keys",
            get(app::ask_for_new_keys).post(app::make_new_keys),
        )
        .route(
            "/portal/apps/{client_id}/remove",
            get(app::ask_to_remove).post(app::remove),
        )
        .route("/portal/project", get(project::show).post(project::save))
        .route(
            "/portal/accounts",
            get(accounts::list).post(accounts::create),
        )
        .route(
            "/portal/accounts/{id}",
            get(account::show).post(account::save),
        )
        .route(
            "/portal/accounts/{id}/remove",
            get(account::ask_to_remove).post(account::remove),
        )
        .route("/portal/devices", get(devices::list))
        .route(
            "/portal/devices/{hash}/revoke",
            get(devices::ask_to_revoke).post(devices::revoke),
        )
        .route("/portal/audit", get(audit::list))
}
