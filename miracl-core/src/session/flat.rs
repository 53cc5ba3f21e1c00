//! Claims in a flat form, in the small part of a session: read for each request with a requirement, so that nothing is
//! parsed, nothing is allocated, and what is not asked for is skipped.
//!
//! A claim is its name and its value, each after its length. A value is one byte for its kind, and the rest of it.

use serde_json::Value;

use crate::base::wire::{Reader, Writer};

/// The longest value, in bytes. A longer one is found in the large part alone.
const MAX_VALUE: usize = 512;
/// The most that all of them may take, in bytes.
const MAX_ALL: usize = 1024;

/// The kinds of values.
const NULL: u8 = 0;
const ELSEWHERE: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INTEGER: u8 = 4;
const NUMBER: u8 = 5;
const TEXT: u8 = 6;
const LIST: u8 = 7;

/// A claim that was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Flat<'a> {
    /// It is in the large part: it is too long, or an object.
    Elsewhere,
    One(Scalar<'a>),
    List(List<'a>),
}

/// A value that has no parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// There is none.
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    /// It was UTF-8 when it was written.
    Text(&'a [u8]),
}

/// The values of a list, which iterates over them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct List<'a>(&'a [u8]);

/// Writes claims of these names, those that are absent as well: only of a claim that is not written at all must the
/// large part be asked.
pub(super) fn write(
    mut writer: Writer,
    names: &[String],
    find: impl Fn(&str) -> Option<Value>,
) -> Writer {
    let mut room = MAX_ALL;
    for name in names {
        let value = find(name).unwrap_or_default();
        let flat = flat(&value).filter(|flat| flat.len() <= MAX_VALUE.min(room));
        let flat = flat.unwrap_or_else(|| vec![ELSEWHERE]);
        room = room.saturating_sub(flat.len());
        writer = writer.text(name).block(&flat);
    }
    writer
}

/// Finds a claim. `None` where it was not written.
#[inline]
pub(crate) fn find<'a>(written: &'a [u8], name: &str) -> Option<Flat<'a>> {
    let mut reader = Reader::new(written);
    loop {
        let (found, value) = (reader.block()?, reader.block()?);
        if found == name.as_bytes() {
            return read(value);
        }
    }
}

fn flat(value: &Value) -> Option<Vec<u8>> {
    let Value::Array(values) = value else {
        return Some(scalar(Writer::default(), value)?.finish());
    };
    let list = Writer::default().u8(LIST);
    let list = values.iter().try_fold(list, scalar)?;
    Some(list.finish())
}

fn scalar(writer: Writer, value: &Value) -> Option<Writer> {
    Some(match value {
        Value::Null => writer.u8(NULL),
        Value::Bool(false) => writer.u8(FALSE),
        Value::Bool(true) => writer.u8(TRUE),
        Value::String(text) => writer.u8(TEXT).text(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => writer.u8(INTEGER).bytes(&whole.to_le_bytes()),
            None if number.is_f64() => writer.u8(NUMBER).bytes(&number.as_f64()?.to_le_bytes()),
            None => return None,
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}

#[inline]
fn read(value: &[u8]) -> Option<Flat<'_>> {
    match value.split_first()? {
        (&LIST, values) => Some(Flat::List(List(values))),
        (&ELSEWHERE, _) => Some(Flat::Elsewhere),
        _ => List(value).next().map(Flat::One),
    }
}

impl List<'_> {
    /// Whether one of the values is this text. The others are skipped unread.
    #[inline]
    pub(crate) fn has_text(self, text: &[u8]) -> bool {
        let mut reader = Reader::new(self.0);
        while let Some(kind) = reader.u8() {
            let was_read = match kind {
                TEXT => match reader.block() {
                    Some(found) if found == text => return true,
                    found => found.is_some(),
                },
                INTEGER | NUMBER => reader.u64().is_some(),
                kind => matches!(kind, NULL | FALSE | TRUE),
            };
            if !was_read {
                return false;
            }
        }
        false
    }
}

impl<'a> Iterator for List<'a> {
    type Item = Scalar<'a>;

    #[inline]
    fn next(&mut self) -> Option<Scalar<'a>> {
        let mut reader = Reader::new(self.0);
        let value = match reader.u8()? {
            NULL => Scalar::Null,
            FALSE => Scalar::Bool(false),
            TRUE => Scalar::Bool(true),
            INTEGER => Scalar::Integer(i64::from_le_bytes(reader.array()?)),
            NUMBER => Scalar::Number(f64::from_le_bytes(reader.array()?)),
            TEXT => Scalar::Text(reader.block()?),
            _ => return None,
        };
        self.0 = reader.rest();
        Some(value)
    }
}

impl From<Scalar<'_>> for Value {
    fn from(value: Scalar<'_>) -> Self {
        match value {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => value.into(),
            Scalar::Integer(value) => value.into(),
            Scalar::Number(value) => value.into(),
            Scalar::Text(text) => String::from_utf8_lossy(text).into(),
        }
    }
}

impl Flat<'_> {
    /// The value as JSON. `None` where it is in the large part.
    pub(crate) fn to_value(self) -> Option<Value> {
        match self {
            Self::Elsewhere => None,
            Self::One(value) => Some(value.into()),
            Self::List(values) => Some(values.map(Value::from).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::claim_name;

    fn written(names: &[&str], claims: &Value) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let find = |name: &str| claim_name::find(claims.as_object()?, name).cloned();
        write(Writer::default(), &names, find).finish()
    }

    #[test]
    fn a_claim_is_read_as_it_was_written_and_a_missing_one_is_known_to_be_missing() {
        for value in [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(-7),
            json!(i64::MAX),
            json!(1.5),
            json!(1_800_000_000.0),
            json!(""),
            json!("admin"),
            json!("Zoë"),
            json!([]),
            json!(["reader", "admin"]),
            json!([1, null, true, "x", 2.5]),
        ] {
            let claims = json!({ "before": "x", "roles": value, "after": ["y"] });
            let bytes = written(&["before", "roles", "after"], &claims);
            let found = find(&bytes, "roles").and_then(Flat::to_value);
            assert_eq!(found, Some(value));
            assert_eq!(find(&bytes, "role"), None);
            assert_eq!(find(&bytes, ""), None);
        }
        let bytes = written(&["roles"], &json!({}));
        assert_eq!(find(&bytes, "roles"), Some(Flat::One(Scalar::Null)));
    }

    #[test]
    fn what_is_no_list_of_simple_values_or_long_is_elsewhere() {
        for value in [
            json!({ "admin": true }),
            json!([["admin"]]),
            json!([{ "name": "admin" }]),
            json!(u64::MAX),
            json!("x".repeat(600)),
            json!(vec!["group"; 300]),
        ] {
            let bytes = written(&["roles"], &json!({ "roles": value }));
            assert_eq!(find(&bytes, "roles"), Some(Flat::Elsewhere), "{value}");
            assert!(bytes.len() < 10);
        }
        // All of them together have a limit, too.
        let names = ["a", "b", "c"];
        let long = "x".repeat(500);
        let bytes = written(&names, &json!({ "a": long, "b": long, "c": long }));
        assert_eq!(find(&bytes, "c"), Some(Flat::Elsewhere));
        assert_ne!(find(&bytes, "b"), Some(Flat::Elsewhere));
    }

    #[test]
    fn a_list_has_a_text_where_reading_all_of_it_would_find_it() {
        for value in [
            json!([]),
            json!(["admin"]),
            json!(["reader", "writer", "admin"]),
            json!([null, true, false, 7, 2.5, "admin", 1]),
            json!(["administrator", "Admin", "admi", ""]),
            json!([97, "x"]),
        ] {
            let bytes = written(&["roles"], &json!({ "roles": value }));
            for len in 0..=bytes.len() {
                let Some(Flat::List(list)) = find(&bytes[..len], "roles") else {
                    continue;
                };
                for text in ["admin", "", "x", "a"] {
                    let mut values = list;
                    let found = values.any(|value| value == Scalar::Text(text.as_bytes()));
                    assert_eq!(list.has_text(text.as_bytes()), found, "{value} {text}");
                }
            }
        }
        // What no version writes has no text behind it.
        let odd = [TEXT, 1, b'x', LIST, TEXT, 1, b'y'];
        assert!(List(&odd).has_text(b"x") && !List(&odd).has_text(b"y"));
        assert!(!List(&[TEXT, 5, b'x']).has_text(b"x"));
    }

    #[test]
    fn a_part_of_a_claim_is_found_under_its_pointer() {
        let claims = json!({ "realm_access": { "roles": ["admin"] } });
        let bytes = written(&["/realm_access/roles"], &claims);
        let found = find(&bytes, "/realm_access/roles").and_then(Flat::to_value);
        assert_eq!(found, Some(json!(["admin"])));
    }

    #[test]
    fn bytes_that_are_cut_short_are_nothing() {
        let bytes = written(&["roles"], &json!({ "roles": ["admin", 7] }));
        for len in 0..bytes.len() {
            assert_eq!(find(&bytes[..len], "roles"), None, "{len}");
        }
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[9]), None);
        assert_eq!(read(&[TEXT, 5, b'x']), None);
    }
}
