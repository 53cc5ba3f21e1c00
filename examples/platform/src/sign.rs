//! Signing: an app sends a person to a page that shows what is to be signed, and gets the signature back.
//!
//! MIRACL documents how a program waits for a signature (`/rps/v2/session` with a `hash`), and no redirect. This one is
//! made like an authorization request: the address to come back to must be registered for the app.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::authorize::{self, Denial};
use crate::callback::ResponseMode;
use crate::hex;
use crate::interaction::{Document, Request, Wanted};
use crate::params::Params;
use crate::shared::Shared;
use crate::texts::Lang;

/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 1024;

/// How many line breaks a description has at most.
const MAX_LINE_BREAKS: usize = 20;

/// The length of a SHA-256, in bytes.
const HASH: usize = 32;

/// Answers `GET /sign?client_id=&redirect_uri=&hash=`, with `description`, `state`, `login_hint` and the language as
/// the app wants. The app gets `signature` and `state`, or `error` and `state`.
pub(crate) async fn sign(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = Params::of_query(uri.query());
    let (client, redirect_uri) = match authorize::addressee(&shared, &params) {
        Ok(addressee) => addressee,
        Err(reason) => return authorize::refuse(&reason),
    };
    let request = Request {
        client,
        redirect_uri,
        response_mode: ResponseMode::Query,
        scope: Vec::new(),
        state: params
            .get("state")
            .filter(|_| !params.repeats("state"))
            .map(str::to_owned),
        nonce: None,
        code_challenge: None,
        acr: None,
    };
    let lang = Lang::of(&params, &headers);
    let document = match document(&params) {
        Ok(document) => document,
        Err(description) => {
            let denial = Denial {
                error: "invalid_request",
                description,
            };
            let denial = shared.denial(&request, denial);
            return denial.answer(&request.client, lang);
        }
    };
    let hint = ["prerollid", "login_hint"]
        .iter()
        .find_map(|name| params.get(name));
    let wanted = Wanted {
        prompt: "login",
        hint: hint.map(str::to_owned),
        act_token: None,
        lang,
        document: Some(document),
    };
    authorize::begin_page(&shared, &headers, request, wanted)
}

/// Reads what is to be signed.
fn document(params: &Params) -> Result<Document, &'static str> {
    if params.repeated().is_some() {
        return Err("a parameter came more than once");
    }
    let hash = params.get("hash").and_then(hash_of);
    let hash = hash.ok_or("hash is not a SHA-256 in hexadecimal digits")?;
    let description = params.get("description");
    if description.is_some_and(|text| !is_description(text)) {
        return Err("description is too long, or has characters that are not shown");
    }
    Ok(Document {
        hash,
        description: description.map(str::to_owned),
    })
}

/// Returns a SHA-256 in lower-case hexadecimal digits.
pub(crate) fn hash_of(text: &str) -> Option<String> {
    let hash = hex::decode(text).filter(|hash| hash.len() == HASH);
    hash.map(|hash| hex::encode(&hash))
}

/// Whether a person reads a text as it stands: everything in it is shown, in its order, and nothing moves what follows
/// out of sight.
pub(crate) fn is_description(text: &str) -> bool {
    let breaks = text.chars().filter(|c| *c == '\n').count();
    let is_short = text.len() <= MAX_DESCRIPTION && breaks <= MAX_LINE_BREAKS;
    is_short && !text.chars().any(is_hidden)
}

/// Whether a character is a control (Cc, except the line feed), a format character (Cf), a separator of lines or
/// paragraphs, or a letter without a shape. Unicode, UnicodeData.txt.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c,
            // Format characters, those that are not assigned between them, and separators.
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}'
            // Blank letters, marks and patterns.
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}'
            | '\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_IT: &str = "1789c9eeee7dcbf9a5e9b47374e244f85263dc45922a249d37f7ba9fd4efb850";

    fn read(query: &str) -> Result<Document, &'static str> {
        document(&Params::of_query(Some(query)))
    }

    #[test]
    fn a_document_has_a_sha_256_and_a_description_that_can_be_read() {
        let document = read(&format!(
            "hash={}&description=1+%E2%82%AC",
            HASH_OF_IT.to_uppercase()
        ));
        let document = document.unwrap();
        assert_eq!(document.hash, HASH_OF_IT);
        assert_eq!(document.description.as_deref(), Some("1 €"));
        assert_eq!(
            read(&format!("hash={HASH_OF_IT}")).unwrap().description,
            None
        );
    }

    #[test]
    fn everything_else_is_refused() {
        let long = "x".repeat(MAX_DESCRIPTION + 1);
        for query in [
            String::new(),
            "hash=".to_owned(),
            format!("hash={}", &HASH_OF_IT[1..]),
            format!("hash={HASH_OF_IT}00"),
            format!("hash=zz{}", &HASH_OF_IT[2..]),
            format!("hash={HASH_OF_IT}&hash={HASH_OF_IT}"),
            format!("hash={HASH_OF_IT}&description={long}"),
            format!("hash={HASH_OF_IT}&description=a%00b"),
            format!("hash={HASH_OF_IT}&description=a%E2%80%AEb"),
        ] {
            assert!(read(&query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_description_has_nothing_that_is_not_shown() {
        for good in [
            "",
            "Zahle 1 €\nan Ann",
            "שלום",
            "عقد",
            "契約",
            "e\u{301}",
            "\u{1f44d}",
            &"\n".repeat(20),
        ] {
            assert!(is_description(good), "{good:?}");
        }
        for hidden in [
            '\r',
            '\t',
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{9f}',
            '\u{ad}',
            '\u{600}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2065}',
            '\u{2069}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0000}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{115f}',
            '\u{1160}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{2800}',
        ] {
            assert!(!is_description(&format!("a{hidden}b")), "{hidden:?}");
        }
        assert!(!is_description(&"\n".repeat(21)));
        assert!(!is_description(&"x".repeat(MAX_DESCRIPTION + 1)));
    }
}
