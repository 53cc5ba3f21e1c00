//! The settings of the project.

use std::io;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use url::Url;

use super::form::{Form, check_page};
use crate::pages::{Frame, redirect, show as show_page};
use crate::project::{EmailVerification, PIN_LENGTHS, Project};
use crate::shared::Shared;

/// How many origins may be allowed.
const MAX_ORIGINS: usize = 50;

#[derive(Template)]
#[template(path = "portal/project.html")]
struct Page<'a> {
    section: &'a str,
    project_id: &'a str,
    issuer: &'a str,
    form: &'a Form,
}

/// Answers `GET /portal/project`.
pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    page(&shared, &of(&shared.project()))
}

/// Answers `POST /portal/project`.
pub(super) async fn save(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let mut form = Form::sent(&body);
    let read = read(&mut form);
    if form.has_errors() {
        return page(&shared, &form);
    }
    let changed = shared.project.change(|project| {
        *project = Project {
            service_accounts: std::mem::take(&mut project.service_accounts),
            ..read
        };
        Ok::<_, io::Error>(())
    });
    if let Err(error) = changed {
        form.complain("form", format!("The settings could not be saved: {error}"));
        return page(&shared, &form);
    }
    redirect("/portal/project")
}

fn page(shared: &Shared, form: &Form) -> Response {
    let page = Page {
        section: "project",
        project_id: &shared.trust.project_id,
        issuer: shared.issuer(),
        form,
    };
    show_page(&page, form.status(), Frame::Nobody)
}

fn of(project: &Project) -> Form {
    let verification = match (&project.verification_url, project.email_verification) {
        (Some(_), _) => "custom",
        (None, EmailVerification::Link) => "link",
        (None, EmailVerification::Code) => "code",
    };
    let url = project.verification_url.as_deref();
    Form::default()
        .with("pin_length", project.pin_length().to_string())
        .with("verification", verification)
        .with("verification_url", url.unwrap_or_default())
        .with_box("quick_code", project.quick_code)
        .with_box("renew_secrets", project.renew_secrets)
        .with_box("opaque_sub", project.opaque_sub)
        .with("allowed_origins", project.allowed_origins.join("\n"))
}

/// Returns the project of a form, without service accounts.
fn read(form: &mut Form) -> Project {
    let pin_length = form.value("pin_length").parse().ok();
    let pin_length = pin_length.filter(|length| PIN_LENGTHS.contains(length));
    if pin_length.is_none() {
        form.complain("pin_length", "Choose 4, 5 or 6 digits.");
    }
    let (email_verification, is_custom) = match form.value("verification") {
        "link" => (EmailVerification::Link, false),
        "code" => (EmailVerification::Code, false),
        "custom" => (EmailVerification::Link, true),
        _ => {
            form.complain("verification", "Choose how people are verified.");
            (EmailVerification::Link, false)
        }
    };
    let verification_url = match is_custom {
        true => form.page("verification_url").map(String::from),
        false => None,
    };
    if is_custom && form.value("verification_url").is_empty() {
        form.complain("verification_url", "Enter the address of your page.");
    }
    Project {
        pin_length: pin_length.unwrap_or_default(),
        email_verification,
        verification_url,
        quick_code: form.is_on("quick_code"),
        renew_secrets: form.is_on("renew_secrets"),
        opaque_sub: form.is_on("opaque_sub"),
        allowed_origins: origins(form),
        service_accounts: Vec::new(),
    }
}

fn origins(form: &mut Form) -> Vec<String> {
    let lines = form.lines("allowed_origins");
    if lines.len() > MAX_ORIGINS {
        form.complain(
            "allowed_origins",
            format!("These are more than {MAX_ORIGINS} origins."),
        );
        return Vec::new();
    }
    let mut origins = Vec::new();
    for line in lines {
        match check_page(&line).map(|url| origin(&url)) {
            Ok(Some(origin)) if origins.contains(&origin) => {}
            Ok(Some(origin)) => origins.push(origin),
            _ => {
                let problem =
                    format!("{line:?} is no origin. Enter one such as http://127.0.0.1:5000.");
                form.complain("allowed_origins", problem);
            }
        }
    }
    origins
}

/// Returns the origin that an address is, if it is no more than that.
fn origin(url: &Url) -> Option<String> {
    let is_all = url.path() == "/" && url.query().is_none();
    is_all.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_their_form() {
        let project = Project {
            pin_length: 5,
            email_verification: EmailVerification::Code,
            quick_code: false,
            opaque_sub: true,
            allowed_origins: vec!["http://127.0.0.1:5000".to_owned(), "https://a".to_owned()],
            ..Project::default()
        };
        let custom = Project {
            verification_url: Some("http://127.0.0.1:5000/verify".to_owned()),
            renew_secrets: true,
            ..Project::default()
        };
        for project in [project, custom, Project::default()] {
            let mut form = of(&project);
            assert_eq!(read(&mut form), project);
            assert!(!form.has_errors(), "{form:?}");
        }
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let many = "http://a ".repeat(MAX_ORIGINS + 1);
        for (field, value) in [
            ("pin_length", "3"),
            ("pin_length", "7"),
            ("pin_length", "x"),
            ("verification", ""),
            ("verification", "none"),
            ("allowed_origins", "*"),
            ("allowed_origins", "null"),
            ("allowed_origins", "127.0.0.1:5000"),
            ("allowed_origins", "http://127.0.0.1:5000/app"),
            ("allowed_origins", "http://127.0.0.1:5000/?a"),
            ("allowed_origins", &many),
        ] {
            let mut form = Form::default().with(field, value);
            if field != "pin_length" {
                form = form.with("pin_length", "4");
            }
            read(&mut form);
            assert_ne!(form.error(field), "", "{field} {value}");
        }
        for url in ["", "verify", "ftp://a"] {
            let form = Form::default().with("verification", "custom");
            let mut form = form.with("verification_url", url);
            read(&mut form);
            assert_ne!(form.error("verification_url"), "", "{url}");
        }
    }
}
