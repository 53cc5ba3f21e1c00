//! What may be wrong in a callback.

use super::{Fault, Faults, OTHER_ISSUER};

impl Faults {
    /// Changes the parameters of a callback.
    pub(crate) fn on_callback(&self, params: &mut Vec<(&'static str, String)>) {
        for fault in self.active.iter() {
            match fault {
                Fault::CallbackWrongState => replace(params, "state", Some("another-state")),
                Fault::CallbackWithoutState => replace(params, "state", None),
                Fault::CallbackDuplicateState => repeat(params, "state"),
                Fault::CallbackWrongIssuer => replace(params, "iss", Some(OTHER_ISSUER)),
                Fault::CallbackWithoutIssuer => replace(params, "iss", None),
                Fault::CallbackDuplicateIssuer => repeat(params, "iss"),
                Fault::CallbackWithoutCode => replace(params, "code", None),
                Fault::CallbackDuplicateCode => repeat(params, "code"),
                Fault::CallbackErrorAndCode => replace(params, "error", Some("access_denied")),
                Fault::CallbackLoginRequired => fail(params, "login_required"),
                Fault::CallbackServerError => fail(params, "server_error"),
                Fault::CallbackErrorWithoutIssuer => {
                    fail(params, "access_denied");
                    replace(params, "iss", None);
                }
                _ => {}
            }
        }
    }
}

fn replace(params: &mut Vec<(&'static str, String)>, name: &'static str, value: Option<&str>) {
    params.retain(|(other, _)| *other != name);
    params.extend(value.map(|value| (name, value.to_owned())));
}

/// Adds a parameter a second time, with the same value: nothing is wrong but that it is there twice.
fn repeat(params: &mut Vec<(&'static str, String)>, name: &'static str) {
    let found = params.iter().find(|(other, _)| *other == name).cloned();
    params.extend(found);
}

/// Puts an error in place of the code.
fn fail(params: &mut Vec<(&'static str, String)>, error: &str) {
    replace(params, "code", None);
    replace(params, "error", Some(error));
}
