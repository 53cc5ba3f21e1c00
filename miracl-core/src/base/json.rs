//! JSON from outside. A member that is `null` counts as absent, and a member that appears twice must not decide
//! anything.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The members of documents that decide who somebody is, and where secrets go. A document in which one of them appears
/// twice with different values is refused.
const DECIDING: [&str; 15] = [
    "access_token",
    "authorization_endpoint",
    "email",
    "email_verified",
    "end_session_endpoint",
    "id_token",
    "issuer",
    "jwks_uri",
    "keys",
    "phone_number",
    "phone_number_verified",
    "refresh_token",
    "sub",
    "token_endpoint",
    "userinfo_endpoint",
];

/// Parses one JSON object of a document: metadata, keys, a token response, userinfo. Members that are `null` are left
/// out.
///
/// If a member appears twice, the last one counts, as with most parsers. If it decides something and the values differ,
/// the document is refused. An inner object that contradicts itself is read as `null`.
///
/// # Errors
///
/// A description of what is wrong. It does not repeat the text, which may hold personal data.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    read(text, Twice::Equal)
}

/// Parses one JSON object of a token, refusing every member that appears twice (RFC 7519 §4): the signer, or another
/// reader, may have meant the other one. Members that are `null` are left out.
///
/// # Errors
///
/// A description of what is wrong. It does not repeat the text, which may hold personal data.
pub(crate) fn in_token(text: &[u8]) -> Result<Map<String, Value>, String> {
    read(text, Twice::Never)
}

fn read(text: &[u8], twice: Twice) -> Result<Map<String, Value>, String> {
    let refused = RefCell::default();
    let reader = Reader {
        twice,
        inside: false,
        refused: &refused,
    };
    let mut parser = serde_json::Deserializer::from_slice(text);
    let read = reader
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value));
    match (read, refused.take()) {
        (Ok(Value::Object(mut object)), _) => {
            object.retain(|_, value| !value.is_null());
            Ok(object)
        }
        (Ok(other), _) => Err(format!("a JSON {} instead of an object", kind(&other))),
        (Err(_), Some(name)) => Err(format!("JSON with {} twice", member(&name))),
        (Err(error), None) => Err(format!(
            "not JSON (line {}, column {})",
            error.line(),
            error.column()
        )),
    }
}

/// Names a member.
fn member(name: &str) -> String {
    if is_plain_name(name) {
        format!("the member `{name}`")
    } else {
        "a member".to_owned()
    }
}

/// Whether a member's name may be repeated in a log or on a page. A name could be an e-mail address, contain line
/// breaks, or be as long as the whole document.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/#".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}

/// Names the JSON type of a value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// When a member may appear twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twice {
    Never,
    /// With the same value, or where it decides nothing.
    Equal,
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    twice: Twice,
    /// Whether this is a value inside the document's own object.
    inside: bool,
    /// The member that appears twice although it must not.
    refused: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        let inside = Self {
            inside: true,
            ..self
        };
        while let Some(value) = seq.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut contradicts = false;
        let inside = Self {
            inside: true,
            ..self
        };
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inside)?;
            let Some(before) = object.get(&name) else {
                object.insert(name, value);
                continue;
            };
            let differs = !before.is_null() && !value.is_null() && *before != value;
            let decides = !self.inside && DECIDING.contains(&name.as_str());
            if self.twice == Twice::Never || differs && decides {
                *self.refused.borrow_mut() = Some(name);
                return Err(de::Error::custom("a member twice"));
            }
            contradicts |= differs && self.inside;
            if !value.is_null() {
                object.insert(name, value);
            }
        }
        Ok(if contradicts {
            Value::Null
        } else {
            Value::Object(object)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_read_whole() {
        let text = br#"{"a":[1,-2,2.5,true,null,"x"],"b":{"c":{},"d":null}}"#;
        let expected = json!({"a": [1, -2, 2.5, true, null, "x"], "b": {"c": {}, "d": null}});
        for read in [object, in_token] {
            assert_eq!(Value::Object(read(text).unwrap()), expected);
        }
    }

    #[test]
    fn a_member_that_is_null_is_absent() {
        for read in [object, in_token] {
            let found = read(br#"{"sub":"a","sid":null,"x":{"y":null}}"#).unwrap();
            assert_eq!(Value::Object(found), json!({"sub": "a", "x": {"y": null}}));
            assert!(read(br#"{"sub":null}"#).unwrap().is_empty());
        }
        for text in [r#"{"sub":"a","sub":null}"#, r#"{"sub":null,"sub":"a"}"#] {
            assert_eq!(object(text.as_bytes()).unwrap()["sub"], "a");
        }
    }

    #[test]
    fn in_a_token_no_member_stands_twice_at_any_depth_and_the_error_names_it() {
        for (text, name) in [
            (r#"{"sub":"a","sub":"b"}"#, "the member `sub`"),
            (r#"{"sub":"a","sub":"a"}"#, "the member `sub`"),
            (r#"{"sub":null,"sub":"a"}"#, "the member `sub`"),
            (r#"{"x":{"y":1,"y":1}}"#, "the member `y`"),
            (r#"{"x":[{"y":1,"y":1}]}"#, "the member `y`"),
            (
                r#"{"http://schemas/a#b":1,"http://schemas/a#b":1}"#,
                "the member `http://schemas/a#b`",
            ),
            // What may be personal is not repeated.
            (r#"{"a@b.example":1,"a@b.example":1}"#, "a member"),
            (r#"{"":1,"":1}"#, "a member"),
        ] {
            let expected = format!("JSON with {name} twice");
            assert_eq!(in_token(text.as_bytes()).unwrap_err(), expected);
        }
    }

    #[test]
    fn in_a_document_the_last_of_two_counts_unless_they_differ_in_what_decides() {
        for (text, expected) in [
            (r#"{"sub":"a","sub":"a"}"#, json!({"sub": "a"})),
            (
                r#"{"keys":[{"a":1}],"keys":[{"a":1}]}"#,
                json!({"keys": [{"a": 1}]}),
            ),
            (
                r#"{"groups":["a"],"groups":["b"]}"#,
                json!({"groups": ["b"]}),
            ),
            (r#"{"x":{"y":1,"y":1}}"#, json!({"x": {"y": 1}})),
            // An object inside that contradicts itself says nothing, and spoils nothing else.
            (
                r#"{"keys":[{"kid":"1","kid":"2"},{"kid":"3"}]}"#,
                json!({"keys": [null, {"kid": "3"}]}),
            ),
            (r#"{"a":1,"x":{"y":1,"y":2}}"#, json!({"a": 1})),
        ] {
            let found = object(text.as_bytes()).unwrap();
            assert_eq!(Value::Object(found), expected, "{text}");
        }
        for name in DECIDING {
            let text = format!(r#"{{"{name}":"a","{name}":"b"}}"#);
            let expected = format!("JSON with the member `{name}` twice");
            assert_eq!(object(text.as_bytes()).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_no_object_is_named_and_never_repeated() {
        assert_eq!(
            object(b"[]").unwrap_err(),
            "a JSON array instead of an object"
        );
        assert_eq!(
            object(b"null").unwrap_err(),
            "a JSON null instead of an object"
        );
        let error = object(b"<html>secret</html>").unwrap_err();
        assert!(error.starts_with("not JSON") && !error.contains("secret"));
    }
}
