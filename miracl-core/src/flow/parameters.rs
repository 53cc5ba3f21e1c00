//! The parameters of a request to the login's routes.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::error::login::FailureReason;

/// Reads parameters by their names from a query or a form. Each may be there once (RFC 6749 §3.1); others are ignored.
pub(crate) fn read_once<const N: usize>(
    encoded: &[u8],
    names: [&'static str; N],
) -> Result<[Option<String>; N], FailureReason> {
    let mut values = [const { None }; N];
    for (found, value) in form_urlencoded::parse(encoded) {
        let Some(place) = names.iter().position(|name| *name == found) else {
            continue;
        };
        if values[place].replace(value.into_owned()).is_some() {
            let name = names[place];
            return Err(FailureReason::DuplicateParameter { name });
        }
    }
    Ok(values)
}

/// Reads all parameters of a query or a form. `None` where one stands twice, and so says nothing.
pub(crate) fn all_once(encoded: &[u8]) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        if fields.insert(name.into_owned(), value.into()).is_some() {
            return None;
        }
    }
    Some(fields)
}
