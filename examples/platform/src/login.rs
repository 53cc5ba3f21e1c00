//! The pages of a login: register, confirm, choose a PIN, enter it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::authorize::Denial;
use crate::device::Attempt;
use crate::device_id::{DeviceId, DeviceKey};
use crate::identity::{Identity, Session, parse_email};
use crate::interaction::{Gone, Interaction, Stage};
use crate::pages::{self, Frame, PinPage, redirect, show};
use crate::params::Params;
use crate::pin::{MAX_TRIES, PIN_LENGTH, is_pin};
use crate::shared::Shared;

/// Answers `GET /login/{id}`: the page of the stage, or with `?remove=` the question whether to remove an identity.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let device = device(&headers);
    let looked = shared
        .interactions
        .with(&id, device.as_ref(), |interaction| {
            let notice = interaction.notice.take();
            (interaction.clone(), notice)
        });
    let (interaction, notice) = match looked {
        Ok(found) => found,
        Err(gone) => return over(&shared, &id, gone),
    };
    let params = Params::of_query(uri.query());
    match params.get("remove") {
        Some(email) => {
            let page = pages::Remove {
                id: &id,
                app: &interaction.request.client.name,
                email,
            };
            show(&page, StatusCode::OK, frame(&interaction))
        }
        None => stage_page(&shared, &interaction, notice.as_deref()),
    }
}

fn stage_page(shared: &Shared, interaction: &Interaction, notice: Option<&str>) -> Response {
    let id = interaction.id.as_str();
    let app = interaction.request.client.name.as_str();
    let has_identities = || !shared.devices.identities(&interaction.device).is_empty();
    let frame = frame(interaction);
    let pin = |email, mode, tries_left, others| {
        let length = PIN_LENGTH;
        show(
            &PinPage {
                id,
                app,
                email,
                mode,
                notice,
                tries_left,
                others,
                length,
            },
            StatusCode::OK,
            frame,
        )
    };
    match &interaction.stage {
        Stage::Register { email } => {
            let page = pages::Register {
                id,
                app,
                email,
                notice,
                others: has_identities(),
            };
            show(&page, StatusCode::OK, frame)
        }
        Stage::Mail { email } => show(
            &pages::Mail {
                id,
                app,
                email,
                notice,
            },
            StatusCode::OK,
            frame,
        ),
        Stage::NewPin { email } => pin(email, pages::PinMode::New, MAX_TRIES, false),
        Stage::RepeatPin { email, .. } => pin(email, pages::PinMode::Repeat, MAX_TRIES, false),
        Stage::Choose => {
            let identities = shared.devices.identities(&interaction.device);
            show(
                &pages::Identities {
                    id,
                    app,
                    identities: &identities,
                    notice,
                },
                StatusCode::OK,
                frame,
            )
        }
        Stage::EnterPin { email } => match shared.devices.identity(&interaction.device, email) {
            Some(identity) if identity.is_blocked() => show(
                &pages::Blocked {
                    id,
                    app,
                    email,
                    max_tries: MAX_TRIES,
                },
                StatusCode::OK,
                frame,
            ),
            Some(identity) => pin(email, pages::PinMode::Enter, identity.tries_left, true),
            // The identity was removed in another tab.
            None => {
                let page = pages::Register {
                    id,
                    app,
                    email,
                    notice,
                    others: has_identities(),
                };
                show(&page, StatusCode::OK, frame)
            }
        },
    }
}

/// Answers `GET /login/{id}/stage` in plain text, for the page that waits for the message to be opened.
pub(crate) async fn stage(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    let stage = shared
        .interactions
        .with(&id, device.as_ref(), |interaction| interaction.stage.name());
    (
        [(header::CACHE_CONTROL, "no-store")],
        stage.unwrap_or("over"),
    )
        .into_response()
}

/// Answers `POST /login/{id}/register`: sends the message that confirms an address.
pub(crate) async fn register(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::of_form(&body);
    let typed = params.get("email").unwrap_or("").to_owned();
    change(&shared, &id, &headers, |interaction| {
        match parse_email(&typed) {
            Some(email) => {
                shared
                    .inbox
                    .send(&email, &interaction.request.client.name, &id);
                interaction.stage = Stage::Mail { email };
            }
            None => {
                interaction.stage = Stage::Register {
                    email: typed.clone(),
                };
                interaction.notice = Some("That does not look like an e-mail address.".to_owned());
            }
        }
    })
}

/// Answers `POST /login/{id}/identity`: picks one of this browser's identities, or with an empty
/// `email` a new one; with `list` it shows them all.
pub(crate) async fn identity(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::of_form(&body);
    change(&shared, &id, &headers, |interaction| {
        interaction.stage = match params.get("email") {
            _ if params.get("list").is_some() => Stage::Choose,
            None => Stage::Register {
                email: String::new(),
            },
            Some(email) => match shared.devices.identity(&interaction.device, email) {
                Some(identity) => Stage::EnterPin {
                    email: identity.email,
                },
                None => Stage::Register {
                    email: email.to_owned(),
                },
            },
        };
    })
}

/// Answers `POST /login/{id}/remove`.
pub(crate) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::of_form(&body);
    change(&shared, &id, &headers, |interaction| {
        let email = params.get("email").unwrap_or("");
        shared.devices.remove(&interaction.device, email);
        if shared.devices.identities(&interaction.device).is_empty() {
            interaction.stage = Stage::Register {
                email: String::new(),
            };
        } else {
            interaction.stage = Stage::Choose;
            interaction.notice = Some(format!("{email} was removed from this browser."));
        }
    })
}

/// Answers `POST /login/{id}/pin`, which means something else in each of three stages.
pub(crate) async fn pin(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::of_form(&body);
    let pin = params.get("pin").unwrap_or("");
    let device = device(&headers);
    let entered = shared
        .interactions
        .with(&id, device.as_ref(), |interaction| {
            enter_pin(&shared, interaction, pin)
        });
    match entered {
        Ok(Some(session)) => match shared.interactions.end(&id) {
            Some(interaction) => {
                let callback =
                    shared.success(&interaction.request, Some(&interaction.device), session);
                callback.leave(&interaction.request.client, &headers)
            }
            None => over(&shared, &id, Gone::Over),
        },
        Ok(None) => redirect(&format!("/login/{id}")),
        Err(gone) => over(&shared, &id, gone),
    }
}

/// Takes a PIN; returns the new session if that was the last step.
fn enter_pin(shared: &Shared, interaction: &mut Interaction, pin: &str) -> Option<Session> {
    interaction.notice = None;
    let device = interaction.device.clone();
    if !is_pin(pin) {
        interaction.notice = Some(format!("A PIN has {PIN_LENGTH} digits."));
        return None;
    }
    let email = match interaction.stage.clone() {
        Stage::NewPin { email } => {
            let enrolment = shared.pin.enrol(&email, pin);
            interaction.stage = Stage::RepeatPin { email, enrolment };
            return None;
        }
        Stage::RepeatPin { email, enrolment } => {
            if shared.pin.prove(&enrolment, pin).is_err() {
                interaction.notice = Some("The two PINs differ. Choose one again.".to_owned());
                interaction.stage = Stage::NewPin { email };
                return None;
            }
            shared
                .devices
                .add(&device, Identity::new(&email, enrolment));
            email
        }
        Stage::EnterPin { email } => email,
        Stage::Register { .. } | Stage::Mail { .. } | Stage::Choose => return None,
    };
    interaction.stage = Stage::EnterPin {
        email: email.clone(),
    };
    match shared
        .devices
        .try_pin(&device, &email, pin, shared.pin.as_ref())
    {
        Attempt::Proved(session) => Some(session),
        Attempt::Wrong { .. } => {
            interaction.notice = Some("That is not your PIN.".to_owned());
            None
        }
        Attempt::Blocked => None,
        Attempt::Unknown => {
            interaction.stage = Stage::Register { email };
            None
        }
    }
}

/// Answers `POST /login/{id}/cancel`.
pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let device = device(&headers);
    if let Err(gone) = shared.interactions.with(&id, device.as_ref(), |_| ()) {
        return over(&shared, &id, gone);
    }
    let Some(interaction) = shared.interactions.end(&id) else {
        return over(&shared, &id, Gone::Over);
    };
    let denial = Denial {
        error: "access_denied",
        description: "the person cancelled the login",
    };
    let callback = shared.denial(&interaction.request, denial);
    callback.leave(&interaction.request.client, &headers)
}

/// Answers `GET /confirm?code=`, the link in a message.
pub(crate) async fn confirm(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let message = params.get("code").and_then(|code| shared.inbox.find(code));
    let Some(message) = message else {
        return show(
            &pages::Problem {
                title: "This link does not work",
                text: "The message is too old, or a newer one has taken its place. Look for the newest in the inbox.",
                detail: "",
            },
            StatusCode::NOT_FOUND,
            Frame::Nobody,
        );
    };
    match shared
        .interactions
        .confirm(&message.interaction, &message.to)
    {
        Ok(interaction) => {
            shared.inbox.mark_used(&message.code);
            if device(&headers).as_ref() == Some(&interaction.device) {
                return redirect(&format!("/login/{}", message.interaction));
            }
            let page = pages::Confirmed {
                email: &message.to,
                app: &message.app,
            };
            show(&page, StatusCode::OK, frame(&interaction))
        }
        Err(gone) => over(&shared, &message.interaction, gone),
    }
}

/// Changes an interaction and shows its page.
fn change(
    shared: &Shared,
    id: &str,
    headers: &HeaderMap,
    change: impl FnOnce(&mut Interaction),
) -> Response {
    let device = device(headers);
    match shared.interactions.with(id, device.as_ref(), change) {
        Ok(()) => redirect(&format!("/login/{id}")),
        Err(gone) => over(shared, id, gone),
    }
}

fn over(shared: &Shared, id: &str, gone: Gone) -> Response {
    let client = shared.interactions.client(id);
    let (status, problem) = match gone {
        Gone::Over => (
            StatusCode::GONE,
            pages::Problem {
                title: "This login is over",
                text: "It was finished in another tab, it took longer than 15 minutes, or the platform was \
                       restarted. Go back to the app and log in again.",
                detail: "",
            },
        ),
        Gone::OtherBrowser => (
            StatusCode::FORBIDDEN,
            pages::Problem {
                title: "This login belongs to another browser",
                text: "It can only go on in the browser that began it. If this is that browser, it did not send \
                       the platform's cookie back: allow cookies for this address, then log in again.",
                detail: "",
            },
        ),
    };
    show(
        &problem,
        status,
        client.as_ref().map_or(Frame::Nobody, Frame::Client),
    )
}

fn frame(interaction: &Interaction) -> Frame<'_> {
    Frame::Client(&interaction.request.client)
}

fn device(headers: &HeaderMap) -> Option<DeviceKey> {
    DeviceId::of(headers).map(|id| id.key())
}
