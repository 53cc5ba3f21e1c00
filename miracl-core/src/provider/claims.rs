//! Claims that several kinds of token have in common, and their checks.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{base::text::printable, error::token::IdTokenError};

/// The first second after the year 9999. No later time is accepted.
const LAST_TIME: f64 = 253_402_300_800.0;

/// Returns the audiences of a token, which has one as text or several as a list.
pub(crate) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, IdTokenError> {
    match claims.get("aud") {
        None => Err(IdTokenError::Missing { claim: "aud" }),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => several
            .iter()
            .map(|value| value.as_str().ok_or(IdTokenError::Invalid { claim: "aud" }))
            .collect(),
        Some(_) => Err(IdTokenError::Invalid { claim: "aud" }),
    }
}

/// Checks that this client is among the audiences, and that all others are trusted (OpenID Connect Core 1.0 §3.1.3.7,
/// step 3).
pub(crate) fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
    trusted: &[String],
) -> Result<(), IdTokenError> {
    let audiences = audiences(claims)?;
    if !audiences.contains(&client_id) {
        return Err(IdTokenError::Audience {
            expected: client_id.to_owned(),
            found: audiences.iter().map(|one| printable(one, 200)).collect(),
        });
    }
    let untrusted = audiences
        .iter()
        .find(|audience| **audience != client_id && !trusted.iter().any(|t| t == *audience));
    match untrusted {
        Some(untrusted) => Err(IdTokenError::UntrustedAudience {
            found: printable(untrusted, 200),
        }),
        None => Ok(()),
    }
}

/// Returns a claim that is text if it is present. A claim of another type is an error; it does not count as absent.
pub(crate) fn text<'a>(
    claims: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'a str>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(IdTokenError::Invalid { claim }),
    }
}

/// Returns the provider's name of the session, which is text, or a number from some providers.
///
/// A whole number has one name, however it is written: `1`, `1.0` and `1e0` are `1`. A number that cannot be read
/// exactly is an error: two sessions could have that name, and the log-out of one would end the other.
pub(crate) fn sid(claims: &Map<String, Value>) -> Result<Option<Cow<'_, str>>, IdTokenError> {
    /// Up to this value every whole number is read exactly, however many digits it is written with.
    const EXACT: f64 = 1e12;
    let Some(Value::Number(number)) = claims.get("sid") else {
        return Ok(text(claims, "sid")?.map(Cow::from));
    };
    if number.is_u64() || number.is_i64() {
        return Ok(Some(number.to_string().into()));
    }
    match number.as_f64() {
        // The range makes the conversion exact.
        #[allow(clippy::cast_possible_truncation)]
        Some(whole) if whole.fract() == 0.0 && whole.abs() <= EXACT => {
            Ok(Some((whole as i64).to_string().into()))
        }
        _ => Err(IdTokenError::Invalid { claim: "sid" }),
    }
}

/// Returns a claim that is a `NumericDate` (RFC 7519 §2) if it is present: a number, possibly with a fraction.
pub(crate) fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<u64>, IdTokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => {
            let found = value.as_f64().and_then(seconds);
            found.map(Some).ok_or(IdTokenError::Invalid { claim })
        }
    }
}

/// Reads a number as a `NumericDate`.
pub(crate) fn seconds(number: f64) -> Option<u64> {
    // The range makes the conversion exact up to the fraction, which is dropped.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..LAST_TIME).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json;

    #[test]
    fn a_number_names_one_session_of_the_providers_however_it_is_written() {
        for (written, name) in [
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("1e0", Some("1")),
            ("-0", Some("0")),
            ("-7.0", Some("-7")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("999999999999.0", Some("999999999999")),
            // Others are read as the same.
            ("18446744073709551616", None),
            ("18446744073709551617", None),
            ("9007199254740991.0", None),
            ("1.5", None),
        ] {
            let claims = json::in_token(format!(r#"{{"sid":{written}}}"#).as_bytes()).unwrap();
            let found = sid(&claims).ok().flatten();
            assert_eq!(found.as_deref(), name, "{written}");
            assert_eq!(sid(&claims).is_err(), name.is_none(), "{written}");
        }
    }
}
