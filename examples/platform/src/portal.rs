//! The start page, the inbox, and the portal where apps are registered.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use crate::algorithm::SigningAlgorithm;
use crate::app_settings;
use crate::client::Client;
use crate::clock;
use crate::device_id::DeviceId;
use crate::pages::{self, AppForm, Frame, redirect, show};
use crate::params::Params;
use crate::shared::Shared;

/// Answers `GET /`.
pub(crate) async fn home(State(shared): State<Arc<Shared>>) -> Response {
    let page = pages::Home {
        issuer: shared.issuer(),
        apps: shared.clients.all().len(),
        messages: shared
            .inbox
            .all()
            .iter()
            .filter(|message| !message.used)
            .count(),
    };
    show(&page, StatusCode::OK, Frame::Nobody)
}

/// Answers `GET /inbox`. With `?login=` it may be shown in the frame of that login.
pub(crate) async fn inbox(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let device = DeviceId::of(&headers).map(|id| id.key());
    let client = params.get("login").and_then(|id| {
        let client =
            |interaction: &mut crate::interaction::Interaction| interaction.request.client.clone();
        shared.interactions.with(id, device.as_ref(), client).ok()
    });
    let messages = shared.inbox.all();
    let page = pages::InboxPage {
        messages: &messages,
        now: clock::now(),
    };
    show(
        &page,
        StatusCode::OK,
        client.as_ref().map_or(Frame::Nobody, Frame::Client),
    )
}

/// Answers `GET /portal`.
pub(crate) async fn portal(State(shared): State<Arc<Shared>>) -> Response {
    list(&shared, &AppForm::default(), None)
}

/// Answers `POST /portal`: registers an app.
pub(crate) async fn register(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let params = Params::of_form(&body);
    let text = |name| params.get(name).unwrap_or("").trim().to_owned();
    let form = AppForm {
        name: text("name"),
        redirect_uris: text("redirect_uris"),
        post_logout_redirect_uris: text("post_logout_redirect_uris"),
        backchannel_logout_uri: text("backchannel_logout_uri"),
        frontchannel_logout_uri: text("frontchannel_logout_uri"),
    };
    let mut client = match parse(&form) {
        Ok(client) => client,
        Err(problem) => return list(&shared, &form, Some(&problem)),
    };
    if let Some(algorithm) = SigningAlgorithm::parse(&text("id_token_signed_response_alg")) {
        client.id_token_signed_response_alg = algorithm;
    }
    let path = format!("/portal/{}", client.client_id);
    match shared.clients.register(client) {
        Ok(()) => redirect(&path),
        Err(error) => list(
            &shared,
            &form,
            Some(&format!("The app could not be saved: {error}")),
        ),
    }
}

/// Answers `GET /portal/{client_id}`.
pub(crate) async fn app(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    let clients = shared.clients.all();
    match clients
        .iter()
        .find(|(client, _)| client.client_id == client_id)
    {
        Some((app, removable)) => {
            let page = pages::App {
                app,
                issuer: shared.issuer(),
                removable: *removable,
            };
            show(&page, StatusCode::OK, Frame::Nobody)
        }
        None => not_found().await,
    }
}

/// Answers `POST /portal/{client_id}/remove`.
pub(crate) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(client_id): Path<String>,
) -> Response {
    match shared.clients.remove(&client_id) {
        Ok(()) => redirect("/portal"),
        Err(error) => {
            let problem = format!("The app could not be removed: {error}");
            list(&shared, &AppForm::default(), Some(&problem))
        }
    }
}

/// Answers everything else.
pub(crate) async fn not_found() -> Response {
    let problem = pages::Problem {
        title: "There is no such page",
        text: "The start page says what there is.",
        detail: "",
    };
    show(&problem, StatusCode::NOT_FOUND, Frame::Nobody)
}

fn list(shared: &Shared, form: &AppForm, problem: Option<&str>) -> Response {
    let apps: Vec<Client> = shared
        .clients
        .all()
        .into_iter()
        .map(|(client, _)| client)
        .collect();
    let status = if problem.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    show(
        &pages::Portal {
            apps: &apps,
            form,
            problem,
        },
        status,
        Frame::Nobody,
    )
}

fn parse(form: &AppForm) -> Result<Client, String> {
    let lines =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let redirect_uris = lines(&form.redirect_uris);
    if form.name.is_empty() {
        return Err("The app needs a name.".to_owned());
    }
    if redirect_uris.is_empty() {
        return Err("The app needs a redirect URI.".to_owned());
    }
    let mut after_log_out = lines(&form.post_logout_redirect_uris);
    if after_log_out.is_empty() {
        after_log_out.extend(app_settings::beside(&redirect_uris[0], "signed-out"));
    }
    let client = Client {
        post_logout_redirect_uris: after_log_out,
        backchannel_logout_uri: optional(&form.backchannel_logout_uri),
        frontchannel_logout_uri: optional(&form.frontchannel_logout_uri),
        ..Client::register(form.name.clone(), redirect_uris)
    };
    client.check()?;
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_a_line_makes_an_app_and_a_bad_one_does_not() {
        let mut form = AppForm {
            name: "Demo".to_owned(),
            redirect_uris: "http://127.0.0.1:5000/login\r\nhttp://127.0.0.1:5000/c2id\r\n"
                .to_owned(),
            backchannel_logout_uri: "http://127.0.0.1:5000/backchannel-logout".to_owned(),
            ..AppForm::default()
        };
        let client = parse(&form).unwrap();
        assert_eq!(client.redirect_uris.len(), 2);
        assert_eq!(client.client_id.len(), 16);
        assert_eq!(client.frontchannel_logout_uri, None);
        let after = ["http://127.0.0.1:5000/signed-out"];
        assert_eq!(client.post_logout_redirect_uris, after);
        form.frontchannel_logout_uri = "http://127.0.0.1:6000/frontchannel-logout".to_owned();
        assert!(parse(&form).is_err(), "no callback of the app is there");
        form.frontchannel_logout_uri.clear();
        form.redirect_uris = "/login".to_owned();
        assert!(parse(&form).is_err());
    }
}
