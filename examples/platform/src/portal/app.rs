//! One app: its settings, its file, new keys, and its end.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::apps::app_path;
use super::form::Form;
use super::question::Question;
use super::{app_form, not_found};
use crate::app_settings;
use crate::client::Client;
use crate::pages::{Frame, redirect, show as show_page};
use crate::shared::Shared;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

#[derive(Template)]
#[template(path = "portal/app.html")]
struct App<'a> {
    section: &'a str,
    app: &'a Client,
    issuer: &'a str,
    project_id: &'a str,
    /// The path of this page.
    path: &'a str,
    /// Whether the portal registered the app, and so may change it.
    changeable: bool,
    form: &'a Form,
}

impl App<'_> {
    /// Returns the settings file of the demos for this app.
    fn miracl_json(&self) -> String {
        format!("{:#}", app_settings::of(self.app, self.issuer))
    }
}

/// Answers `GET /portal/apps/{client_id}`.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    match find(&shared, &client_id) {
        Some((app, changeable)) => page(&shared, &app, changeable, &app_form::of(&app)),
        None => not_found().await,
    }
}

/// Answers `POST /portal/apps/{client_id}`.
pub(super) async fn save(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
    body: Bytes,
) -> Response {
    let Some(app) = registered(&shared, &client_id) else {
        return not_found().await;
    };
    let mut form = Form::sent(&body);
    let changed = app_form::read(&mut form, app.clone());
    if !form.has_errors() {
        match shared.clients.replace(&client_id, changed) {
            Ok(_) => return redirect(&app_path(&client_id)),
            Err(error) => form.complain("form", format!("The app could not be saved: {error}")),
        }
    }
    page(&shared, &app, true, &form)
}

/// Answers `GET /portal/apps/{client_id}/miracl.json`.
pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    let Some((app, _)) = find(&shared, &client_id) else {
        return not_found().await;
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"miracl.json\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // No page of another origin gets hold of a secret.
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let settings = app_settings::of(&app, shared.issuer());
    (headers, format!("{settings:#}\n")).into_response()
}

/// Answers `GET /portal/apps/{client_id}/keys`.
pub(super) async fn ask_for_new_keys(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    match registered(&shared, &client_id) {
        Some(app) => keys_question(&app, ""),
        None => not_found().await,
    }
}

fn keys_question(app: &Client, problem: &str) -> Response {
    let path = app_path(&app.client_id);
    let text = "The app gets a new client ID and a new client secret. The old ones stop working at once, and so do \
                the tokens that were issued to them.";
    Question {
        section: "apps",
        title: &format!("Generate new keys for {}?", app.name),
        text,
        yes: "Generate new keys",
        action: &format!("{path}/keys"),
        back: &path,
        problem,
    }
    .ask()
}

/// Answers `POST /portal/apps/{client_id}/keys`.
pub(super) async fn make_new_keys(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    let Some(app) = registered(&shared, &client_id) else {
        return not_found().await;
    };
    let changed = app.clone().with_new_keys();
    let path = app_path(&changed.client_id);
    if let Err(error) = shared.clients.replace(&client_id, changed) {
        return keys_question(&app, &format!("The keys could not be saved: {error}"));
    }
    end(&shared, &client_id);
    redirect(&path)
}

/// Answers `GET /portal/apps/{client_id}/remove`.
pub(super) async fn ask_to_remove(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    match registered(&shared, &client_id) {
        Some(app) => remove_question(&app, ""),
        None => not_found().await,
    }
}

fn remove_question(app: &Client, problem: &str) -> Response {
    let path = app_path(&app.client_id);
    Question {
        section: "apps",
        title: &format!("Remove {}?", app.name),
        text: "Nobody can log in to the app any more, and its tokens stop working at once. Registered devices stay: \
               they belong to the project.",
        yes: "Remove the app",
        action: &format!("{path}/remove"),
        back: &path,
        problem,
    }
    .ask()
}

/// Answers `POST /portal/apps/{client_id}/remove`.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    let Some(app) = registered(&shared, &client_id) else {
        return not_found().await;
    };
    if let Err(error) = shared.clients.remove(&client_id) {
        return remove_question(&app, &format!("The app could not be removed: {error}"));
    }
    end(&shared, &client_id);
    redirect("/portal")
}

/// Ends what goes on in the name of a client id that is none any more.
fn end(shared: &Shared, client_id: &str) {
    shared.interactions.end_of_client(client_id);
    shared.grants.revoke_client(client_id);
}

/// Returns an app, and whether the portal registered it.
fn find(shared: &Shared, client_id: &str) -> Option<(Client, bool)> {
    let mut all = shared.clients.all().into_iter();
    all.find(|(client, _)| client.client_id == client_id)
}

/// Returns an app that the portal registered.
fn registered(shared: &Shared, client_id: &str) -> Option<Client> {
    find(shared, client_id)
        .filter(|(_, registered)| *registered)
        .map(|(app, _)| app)
}

fn page(shared: &Shared, app: &Client, changeable: bool, form: &Form) -> Response {
    let page = App {
        section: "apps",
        app,
        issuer: shared.issuer(),
        project_id: &shared.trust.project_id,
        path: &app_path(&app.client_id),
        changeable,
        form,
    };
    show_page(&page, form.status(), Frame::Nobody)
}
