//! The test of one claim.

use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    base::claim_name::find,
    session::flat::{Flat, Scalar},
};

/// A value that a claim is compared with: a text, `true` or `false`, or a whole number. Values of different types are
/// never equal: the text `"1"` is not the number 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimValue {
    /// A text, compared byte by byte.
    Text(Cow<'static, str>),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
}

impl From<&'static str> for ClaimValue {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for ClaimValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for ClaimValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ClaimValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl ClaimValue {
    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(expected), Value::String(found)) => expected == found,
            (Self::Bool(expected), Value::Bool(found)) => expected == found,
            (Self::Integer(expected), Value::Number(found)) => found.as_i64() == Some(*expected),
            _ => false,
        }
    }
}

impl ClaimValue {
    #[inline]
    fn is_flat(&self, value: Scalar<'_>) -> bool {
        match (self, value) {
            (Self::Text(expected), Scalar::Text(found)) => expected.as_bytes() == found,
            (Self::Bool(expected), Scalar::Bool(found)) => *expected == found,
            (Self::Integer(expected), Scalar::Integer(found)) => *expected == found,
            _ => false,
        }
    }
}

/// A claim and its test.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) name: Cow<'static, str>,
    pub(crate) test: Test,
}

#[derive(Clone)]
pub(crate) enum Test {
    Equals(ClaimValue),
    Contains(ClaimValue),
    Matches(Arc<dyn Fn(&Value) -> bool + Send + Sync>),
}

impl Claim {
    /// Whether the claim passes its test among these claims.
    pub(crate) fn passes(&self, claims: &Map<String, Value>) -> bool {
        let found = find(claims, &self.name).filter(|value| !value.is_null());
        found.is_some_and(|value| match &self.test {
            Test::Equals(expected) => expected.is(value),
            Test::Contains(expected) => match value {
                Value::Array(values) => values.iter().any(|value| expected.is(value)),
                value => expected.is(value),
            },
            Test::Matches(test) => test(value),
        })
    }
}

impl Claim {
    /// The same for a claim of the small part.
    #[inline]
    pub(crate) fn passes_flat(&self, found: Flat<'_>) -> bool {
        match (&self.test, found) {
            (_, Flat::Elsewhere | Flat::One(Scalar::Null)) => false,
            (Test::Contains(ClaimValue::Text(expected)), Flat::List(values)) => {
                values.has_text(expected.as_bytes())
            }
            (Test::Contains(expected), Flat::List(mut values)) => {
                values.any(|value| expected.is_flat(value))
            }
            (Test::Equals(_), Flat::List(_)) => false,
            (Test::Equals(expected) | Test::Contains(expected), Flat::One(value)) => {
                expected.is_flat(value)
            }
            (Test::Matches(test), found) => found.to_value().is_some_and(|value| test(&value)),
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let test = match &self.test {
            Test::Equals(_) => "equals",
            Test::Contains(_) => "contains",
            Test::Matches(_) => "matches",
        };
        write!(f, "{} {test}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::requirement::{Requirement, Rule};

    fn passes(requirement: Requirement, claims: Value) -> bool {
        match (requirement.rule, claims) {
            (Rule::Claim(claim), Value::Object(claims)) => claim.passes(&claims),
            _ => unreachable!("a claim, and an object of claims"),
        }
    }

    #[test]
    fn a_value_passes_only_as_what_it_is() {
        let admin = || Requirement::claim("roles").contains("admin");
        for (claims, expected) in [
            (serde_json::json!({"roles": ["user", "admin"]}), true),
            (serde_json::json!({"roles": "admin"}), true),
            (serde_json::json!({"roles": "user admin"}), false),
            (serde_json::json!({"roles": "administrator"}), false),
            (serde_json::json!({"roles": "Admin"}), false),
            (serde_json::json!({"roles": ["administrator"]}), false),
            (serde_json::json!({"roles": [["admin"]]}), false),
            (serde_json::json!({"roles": {"admin": true}}), false),
            (serde_json::json!({"roles": [1, null, true]}), false),
            (serde_json::json!({"roles": []}), false),
            (serde_json::json!({"roles": null}), false),
            (serde_json::json!({"role": "admin"}), false),
            (serde_json::json!({}), false),
        ] {
            let shown = claims.to_string();
            assert_eq!(passes(admin(), claims), expected, "{shown}");
        }
        let level = || Requirement::claim("level").equals(3);
        for (claims, expected) in [
            (serde_json::json!({"level": 3}), true),
            (serde_json::json!({"level": "3"}), false),
            (serde_json::json!({"level": [3]}), false),
            (serde_json::json!({"level": 3.5}), false),
            (serde_json::json!({"level": true}), false),
        ] {
            let shown = claims.to_string();
            assert_eq!(passes(level(), claims), expected, "{shown}");
        }
        let tested = |value: bool| Requirement::claim("trial").equals(value);
        assert!(passes(tested(false), serde_json::json!({"trial": false})));
        assert!(!passes(
            tested(false),
            serde_json::json!({"trial": "false"})
        ));
        assert!(!passes(tested(false), serde_json::json!({})));
    }

    #[test]
    fn a_claim_inside_of_an_object_is_found_by_its_pointer() {
        let of = |name: &'static str| Requirement::claim(name).contains("admin");
        let claims = || {
            serde_json::json!({
                "realm_access": {"roles": ["admin"]},
                "https://app.example/roles": ["admin"],
                "a/b": {"~": "admin"},
                "/odd": "admin",
            })
        };
        for (name, expected) in [
            ("/realm_access/roles", true),
            ("/realm_access/roles/0", true),
            ("/https:~1~1app.example~1roles", true),
            ("https://app.example/roles", true),
            ("/a~1b/~0", true),
            ("/odd", true),
            ("/realm_access", false),
            ("/realm_access/role", false),
            ("/nothing/roles", false),
            ("realm_access/roles", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(passes(of(name), claims()), expected, "{name}");
        }
    }

    #[test]
    fn a_function_is_asked_only_about_a_claim_that_is_there() {
        let any = || Requirement::claim("roles").matches(|_| true);
        assert!(passes(any(), serde_json::json!({"roles": 0})));
        assert!(!passes(any(), serde_json::json!({"roles": null})));
        assert!(!passes(any(), serde_json::json!({})));
    }
}
