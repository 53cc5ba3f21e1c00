//! What the demo says about a user in JSON.

use miracl_core::{User, UserData};
use serde_json::{Map, Value};

/// Everything known about the logged-in user: all user data of the provider, and over it the values that were
/// checked: `sub`, `email` (where there is one) and `email_verified`.
pub fn me(user: &User, user_data: &UserData) -> Value {
    merge(
        user.id(),
        user.email(),
        user.email_verified(),
        user_data.claims().clone(),
    )
}

fn merge(
    sub: &str,
    email: Option<&str>,
    email_verified: bool,
    claims: Map<String, Value>,
) -> Value {
    let mut me = claims;
    me.insert("sub".to_owned(), sub.into());
    match email {
        Some(email) => me.insert("email".to_owned(), email.into()),
        None => me.remove("email"),
    };
    me.insert("email_verified".to_owned(), email_verified.into());
    Value::Object(me)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn further_user_data_is_kept_and_what_was_checked_wins() {
        let claims = claims(&json!({ "sub": "x", "email": "x@example.com", "name": "Alice" }));
        assert_eq!(
            merge("alice", Some("alice@example.com"), true, claims),
            json!({ "sub": "alice", "email": "alice@example.com", "email_verified": true, "name": "Alice" })
        );
    }

    #[test]
    fn without_an_email_there_is_none_and_it_is_not_verified() {
        assert_eq!(
            merge("alice", None, false, Map::new()),
            json!({ "sub": "alice", "email_verified": false })
        );
    }
}
