//! An error in the body of an answer, whatever the status above it.
//!
//! RFC 6749 §5.2 and RFC 6750 §3.1 have a JSON object with `error` under a status of 4xx. Real providers also send it
//! under 200, as an object of its own (`{"error":{"code":…,"message":…}}`), or as a form.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{
    base::{json, text::printable},
    error::{description::Description, provider::ProviderError},
    provider::http::response::Response,
};

/// How much is kept of an error code, and of the words beside it, in characters.
const MAX_CODE: usize = 64;
const MAX_WORDS: usize = 200;

/// An error as the provider put it.
struct ErrorBody {
    code: String,
    words: Description,
}

/// Reads an answer whose status is no success: its error where it has one, the bare status otherwise.
pub(crate) fn of(endpoint: &'static str, answer: &Response) -> ProviderError {
    let status = answer.status;
    match told(answer) {
        Some((told, _)) if status < 500 => told.into_error(endpoint, status),
        _ => ProviderError::Status { endpoint, status },
    }
}

/// The error that an answer tells of under a status of success, in place of `needed`, the member that a good one always
/// has.
pub(crate) fn in_place_of(
    needed: &str,
    endpoint: &'static str,
    answer: &Response,
) -> Option<ProviderError> {
    let (told, has_needed) = match told(answer)? {
        (told, Some(object)) => (told, has_value(&object, needed)),
        (told, None) => (told, false),
    };
    (!has_needed).then(|| told.into_error(endpoint, answer.status))
}

impl ErrorBody {
    fn into_error(self, endpoint: &'static str, status: u16) -> ProviderError {
        ProviderError::Refused {
            endpoint,
            status,
            error: self.code,
            description: self.words,
        }
    }
}

fn has_value(object: &Map<String, Value>, name: &str) -> bool {
    match object.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

/// The error in a body, and the JSON object that it stands in.
fn told(answer: &Response) -> Option<(ErrorBody, Option<Map<String, Value>>)> {
    if let Ok(object) = json::object(&answer.body) {
        let told = in_object(&object)?;
        return Some((told, Some(object)));
    }
    let is_form = answer.media_type == "application/x-www-form-urlencoded"
        || answer.body.starts_with(b"error=");
    is_form.then(|| Some((in_form(&answer.body)?, None)))?
}

fn in_object(object: &Map<String, Value>) -> Option<ErrorBody> {
    let text = |object: &Map<String, Value>, name: &str| match object.get(name)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()).filter(|number| number != "0"),
        _ => None,
    };
    let (code, words, object) = match object.get("error")? {
        Value::Object(error) => {
            let mut names = ["code", "status", "type"].iter();
            // A word says more than a number.
            let word = names.find_map(|name| error.get(*name)?.as_str().map(str::to_owned));
            let code = word
                .filter(|word| !word.is_empty())
                .or_else(|| text(error, "code"))
                .unwrap_or_else(|| "error".to_owned());
            (code, text(error, "message"), error)
        }
        _ => {
            let words = text(object, "error_description").or_else(|| text(object, "message"));
            (text(object, "error")?, words, object)
        }
    };
    let numbers: Vec<String> = match object.get("error_codes") {
        Some(Value::Array(codes)) => codes.iter().take(8).map(Value::to_string).collect(),
        _ => Vec::new(),
    };
    Some(ErrorBody::new(&code, words, &numbers))
}

fn in_form(body: &[u8]) -> Option<ErrorBody> {
    let value = |wanted: &str| {
        form_urlencoded::parse(body)
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    let code = value("error")?;
    Some(ErrorBody::new(&code, value("error_description"), &[]))
}

impl ErrorBody {
    /// `numbers` are Entra's: its documentation is by them.
    fn new(code: &str, words: Option<String>, numbers: &[String]) -> Self {
        let mut words = words.map(|words| printable(&words, MAX_WORDS));
        if !numbers.is_empty() {
            let numbers = printable(&numbers.join(", "), MAX_CODE);
            let before = words.map_or_else(String::new, |words| words + " ");
            words = Some(format!("{before}(error_codes {numbers})"));
        }
        Self {
            code: printable(code, MAX_CODE),
            words: Description(words.filter(|words| !words.is_empty())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media_type: &str, body: &str) -> Response {
        Response {
            status,
            media_type: media_type.to_owned(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn code_and_words(error: Option<ProviderError>) -> Option<(String, Option<String>)> {
        match error? {
            ProviderError::Refused {
                error, description, ..
            } => Some((error, description.text().map(str::to_owned))),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_is_read_in_every_form_that_providers_give_it() {
        let json = "application/json";
        let form = "application/x-www-form-urlencoded";
        for (media_type, body, code, words) in [
            (json, r#"{"error":"invalid_grant"}"#, "invalid_grant", None),
            (
                json,
                r#"{"ok":false,"error":"invalid_code"}"#,
                "invalid_code",
                None,
            ),
            (
                json,
                r#"{"error":"invalid_client","error_description":"AADSTS7000222: expired.","error_codes":[7000222]}"#,
                "invalid_client",
                Some("AADSTS7000222: expired. (error_codes 7000222)"),
            ),
            (
                json,
                r#"{"error":{"code":401,"message":"No.","status":"UNAUTHENTICATED"}}"#,
                "UNAUTHENTICATED",
                Some("No."),
            ),
            (
                json,
                r#"{"error":{"code":"InvalidAuthenticationToken","message":"No."}}"#,
                "InvalidAuthenticationToken",
                Some("No."),
            ),
            (
                json,
                r#"{"error":{"message":"No.","type":"OAuthException","code":190}}"#,
                "OAuthException",
                Some("No."),
            ),
            (json, r#"{"error":{"code":403}}"#, "403", None),
            (json, r#"{"error":{}}"#, "error", None),
            (
                json,
                r#"{"error":"Forbidden","message":"Not here.","status":403}"#,
                "Forbidden",
                Some("Not here."),
            ),
            (
                form,
                "error=bad_verification_code&error_description=It+is+old.",
                "bad_verification_code",
                Some("It is old."),
            ),
            (
                "text/plain",
                "error=incorrect_client_credentials",
                "incorrect_client_credentials",
                None,
            ),
        ] {
            for status in [200, 400] {
                let answer = answer(status, media_type, body);
                let expected = Some((code.to_owned(), words.map(str::to_owned)));
                let found = match status {
                    200 => in_place_of("access_token", "test", &answer),
                    _ => Some(of("test", &answer)),
                };
                assert_eq!(code_and_words(found), expected, "{status} {body}");
            }
        }
    }

    #[test]
    fn what_has_the_member_that_is_needed_or_no_error_is_no_error() {
        for body in [
            r#"{"error":"x","access_token":"a"}"#,
            r#"{"error":null}"#,
            r#"{"error":""}"#,
            r#"{"error":false}"#,
            r#"{"error":0}"#,
            r#"{"errors":[]}"#,
            "error",
            "<html>",
            "",
        ] {
            let answer = answer(200, "application/json", body);
            let found = in_place_of("access_token", "test", &answer);
            assert!(found.is_none(), "{body}: {found:?}");
        }
        // An empty member is none.
        for body in [
            r#"{"error":"x","access_token":""}"#,
            r#"{"error":"x","access_token":null}"#,
        ] {
            let answer = answer(200, "application/json", body);
            assert!(
                in_place_of("access_token", "test", &answer).is_some(),
                "{body}"
            );
        }
    }

    #[test]
    fn a_server_that_is_ill_is_told_by_its_status_whatever_it_says() {
        let answer = answer(500, "application/json", r#"{"error":"invalid_grant"}"#);
        let found = of("test", &answer);
        assert!(matches!(found, ProviderError::Status { status: 500, .. }));
    }

    #[test]
    fn what_a_provider_says_is_cut_to_printable_characters_and_stays_out_of_debug() {
        let body = serde_json::json!({
            "error": format!("in\nvalid{}", "x".repeat(1000)),
            "error_description": format!("alice@example.com\r\n{}", "y".repeat(1000)),
        });
        let found = of("test", &answer(400, "application/json", &body.to_string()));
        assert!(!format!("{found:?} {found}").contains("alice"));
        let (code, words) = code_and_words(Some(found)).unwrap();
        assert_eq!(code.len(), MAX_CODE);
        assert!(code.starts_with("invalid"));
        assert_eq!(words.unwrap().len(), MAX_WORDS);
    }
}
