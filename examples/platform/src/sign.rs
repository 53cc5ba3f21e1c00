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
    let hash = params.get("hash").and_then(hex::decode);
    let hash = hash.filter(|hash| hash.len() == HASH);
    let hash = hash.ok_or("hash is not a SHA-256 in hexadecimal digits")?;
    let description = params.get("description");
    if description.is_some_and(|text| !is_description(text)) {
        return Err("description has more than 1024 bytes, or characters that are not shown");
    }
    Ok(Document {
        hash: hex::encode(&hash),
        description: description.map(str::to_owned),
    })
}

/// Whether a person reads a text as it stands: nothing in it changes the direction of what follows.
fn is_description(text: &str) -> bool {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hidden = |c: char| (c.is_control() && c != '\n') || turns(c);
    text.len() <= MAX_DESCRIPTION && !text.chars().any(hidden)
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
}
