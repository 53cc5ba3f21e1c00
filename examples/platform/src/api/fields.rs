//! Reading the body of a request, field by field.

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::ApiError;
use crate::hex;
use crate::mpin::point::{G1, G2};
use crate::verification::{is_mpin_id, parse_user_id};

/// The longest text in a field, in bytes. An M-Pin id has less than 2 KiB.
const MAX_TEXT: usize = 8 * 1024;

/// The longest text that is kept until somebody comes back to it, in bytes.
const MAX_KEPT_TEXT: usize = 1024;

/// The members of a JSON object. A member that is null counts as absent.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(body: &Bytes) -> Result<Self, ApiError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(ApiError::body()),
        }
    }

    /// Reads a body that may be empty or null.
    pub(super) fn parse_or_nothing(body: &Bytes) -> Result<Self, ApiError> {
        if body.trim_ascii().is_empty() || body.trim_ascii() == b"null" {
            return Ok(Self(Map::new()));
        }
        Self::parse(body)
    }

    /// Returns a text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, ApiError> {
        let text = self.optional(name)?;
        text.ok_or_else(|| ApiError::field(name, "missing"))
    }

    /// Returns a text; an empty one counts as absent.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() > MAX_TEXT => {
                Err(ApiError::field(name, "too long"))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(ApiError::field(name, "no text")),
        }
    }

    /// Returns a text that is kept for a while, and so is short; an empty one counts as absent.
    pub(super) fn short(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.optional(name)?;
        if text.is_some_and(|text| text.len() > MAX_KEPT_TEXT) {
            return Err(ApiError::field(name, "too long"));
        }
        Ok(text.map(str::to_owned))
    }

    /// Returns a list of texts; empty if it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, ApiError> {
        let wrong = || ApiError::field(name, "no list of texts");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(values)) => {
                let texts = values.iter().map(Value::as_str);
                texts.collect::<Option<_>>().ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Returns a whole number, which some clients send as text.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let number = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok()
            }
            Some(_) => None,
        };
        let wrong = || ApiError::field(name, "no whole number");
        number.map(Some).ok_or_else(wrong)
    }

    pub(super) fn object(&self, name: &str) -> Result<Self, ApiError> {
        match self.0.get(name) {
            Some(Value::Object(fields)) => Ok(Self(fields.clone())),
            _ => Err(ApiError::field(name, "no object")),
        }
    }

    /// Returns a user id, as the platform keeps it.
    pub(super) fn user_id(&self, name: &str) -> Result<String, ApiError> {
        parse_user_id(self.text(name)?).ok_or_else(|| ApiError::field(name, "no user id"))
    }

    /// Returns an M-Pin id, in lower case.
    pub(super) fn mpin_id(&self, name: &str) -> Result<String, ApiError> {
        let text = self.text(name)?;
        let fits = is_mpin_id(text);
        let wrong = || ApiError::field(name, "no hexadecimal text");
        fits.then(|| text.to_ascii_lowercase()).ok_or_else(wrong)
    }

    /// Returns bytes that are sent as hexadecimal text.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, ApiError> {
        let wrong = || ApiError::field(name, "no hexadecimal text");
        hex::decode(self.text(name)?).ok_or_else(wrong)
    }

    /// Returns a point of the first group.
    pub(super) fn g1(&self, name: &str) -> Result<G1, ApiError> {
        let wrong = || ApiError::field(name, "no point of the curve");
        G1::parse(self.text(name)?).ok_or_else(wrong)
    }

    /// Returns a public key, in lower case, once it is known to be one.
    pub(super) fn public_key(&self, name: &str) -> Result<String, ApiError> {
        public_key(name, self.text(name)?)
    }
}

/// Returns a public key, in lower case, once it is known to be one.
pub(super) fn public_key(name: &str, text: &str) -> Result<String, ApiError> {
    let key = G2::parse(text).map(|_| text.to_ascii_lowercase());
    key.ok_or_else(|| ApiError::field(name, "no public key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &'static str) -> Fields {
        Fields::parse(&Bytes::from_static(text.as_bytes())).unwrap()
    }

    #[test]
    fn only_an_object_is_a_body() {
        for bad in ["", "null", "1", "[]", "{", "{}x", "\"a\"", "{\"a\":}"] {
            assert!(Fields::parse(&Bytes::from(bad)).is_err(), "{bad}");
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert!(Fields::parse(&Bytes::from(deep)).is_err());
        for nothing in ["", " ", "null", "{}"] {
            assert!(
                Fields::parse_or_nothing(&Bytes::from(nothing)).is_ok(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn a_field_has_its_type() {
        let body =
            fields(r#"{"a":"x","b":1,"c":null,"d":["x"],"e":[1],"f":"12","g":"","h":-1,"i":1.5}"#);
        assert_eq!(body.text("a").unwrap(), "x");
        for absent in ["c", "g", "z"] {
            assert!(body.text(absent).is_err());
            assert_eq!(body.optional(absent).unwrap(), None);
        }
        assert!(
            body.optional("b").is_err() && body.texts("a").is_err() && body.texts("e").is_err()
        );
        assert_eq!(body.texts("d").unwrap(), ["x"]);
        assert_eq!(
            (body.number("b").unwrap(), body.number("f").unwrap()),
            (Some(1), Some(12))
        );
        for bad in ["a", "d", "g", "h", "i"] {
            assert!(body.number(bad).is_err(), "{bad}");
        }
        assert!(body.object("a").is_err() && body.object("z").is_err());
    }
}
