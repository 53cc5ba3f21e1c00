//! What is known of a person from both sources.

use serde_json::json;

use super::*;

fn data(id_token: Value, userinfo: Value) -> UserData {
    let object = |value: Value| value.as_object().unwrap().clone();
    UserData::new(&object(id_token), &object(userinfo))
}

#[test]
fn both_sources_are_put_together_and_claims_about_the_token_are_left_out() {
    let token =
        json!({ "iss": "i", "aud": "c", "exp": 1, "nonce": "n", "sub": "alice", "name": "Old" });
    let data = data(
        token,
        json!({ "sub": "alice", "name": "New", "exp": 2, "email": "a@b" }),
    );
    let names: Vec<&String> = data.claims().keys().collect();
    assert_eq!(names, ["email", "name", "sub"]);
    assert_eq!(data.get("name").unwrap(), "New");
    assert!(data.get("nonce").is_none());
    let printed = format!("{data:?}");
    assert!(
        printed.contains("email") && !printed.contains("a@b"),
        "{printed}"
    );
}

#[test]
fn an_address_and_its_confirmation_come_from_one_source() {
    let (alice, victim) = (json!("alice@a.example"), json!("victim@v.example"));
    // Address and statement of the ID token, of userinfo, and what is known then.
    let cases = [
        // Userinfo has an address: its own statement counts.
        (
            [&alice, &json!(true)],
            [&victim, &json!(null)],
            [&victim, &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&victim, &json!(false)],
            [&victim, &json!(false)],
        ),
        (
            [&alice, &json!(true)],
            [&victim, &json!(true)],
            [&victim, &json!(true)],
        ),
        (
            [&alice, &json!(false)],
            [&alice, &json!(true)],
            [&alice, &json!(true)],
        ),
        (
            [&alice, &json!(true)],
            [&alice, &json!(false)],
            [&alice, &json!(false)],
        ),
        (
            [&json!(null), &json!(true)],
            [&victim, &json!(null)],
            [&victim, &json!(null)],
        ),
        // The very same address: what the ID token says of it stands.
        (
            [&alice, &json!(true)],
            [&alice, &json!(null)],
            [&alice, &json!(true)],
        ),
        (
            [&alice, &json!("true")],
            [&alice, &json!(null)],
            [&alice, &json!("true")],
        ),
        (
            [&alice, &json!(true)],
            [&json!("Alice@a.example"), &json!(null)],
            [&json!("Alice@a.example"), &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&json!("alice@a.example "), &json!(null)],
            [&json!("alice@a.example "), &json!(null)],
        ),
        // Userinfo has none, and says of nothing that it is confirmed.
        (
            [&victim, &json!(null)],
            [&json!(null), &json!(true)],
            [&victim, &json!(null)],
        ),
        (
            [&victim, &json!(false)],
            [&json!(null), &json!(true)],
            [&victim, &json!(false)],
        ),
        (
            [&json!(null), &json!(null)],
            [&json!(null), &json!(true)],
            [&json!(null); 2],
        ),
        (
            [&json!(null), &json!(true)],
            [&json!(null), &json!(null)],
            [&json!(null); 2],
        ),
        // But it can take a confirmation back.
        (
            [&alice, &json!(true)],
            [&json!(null), &json!(false)],
            [&alice, &json!(false)],
        ),
        (
            [&alice, &json!(true)],
            [&json!(null), &json!(null)],
            [&alice, &json!(true)],
        ),
        // No address at all.
        (
            [&alice, &json!(true)],
            [&json!(""), &json!(null)],
            [&json!(""), &json!(null)],
        ),
        (
            [&alice, &json!(true)],
            [&json!([victim]), &json!(null)],
            [&json!([victim]), &json!(null)],
        ),
    ];
    for (claim, confirmed) in CONFIRMED_CLAIMS {
        for (id_token, userinfo, expected) in &cases {
            let source = |[value, said]: &[&Value; 2]| json!({ claim: value, confirmed: said });
            let known = data(source(id_token), source(userinfo));
            let case = format!("{claim} {id_token:?} {userinfo:?}");
            let found = [claim, confirmed].map(|name| known.get(name).unwrap_or(&Value::Null));
            assert_eq!(&found, expected, "{case}");
            if claim == "email" {
                let verified = is_confirmed(expected[1]);
                assert_eq!(known.email_verified(), verified, "{case}");
            }
        }
    }
}

#[test]
fn a_claim_that_is_null_is_absent_in_either_source() {
    let known = data(
        json!({ "name": "Alice", "locale": null }),
        json!({ "name": null, "email": null }),
    );
    let names: Vec<&String> = known.claims().keys().collect();
    assert_eq!(names, ["name"]);
    assert_eq!(known.get("name").unwrap(), "Alice");
}

#[test]
fn an_email_address_is_believed_only_where_the_provider_says_so() {
    for (said, verified) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!("TRUE"), false),
        (json!("1"), false),
        (json!(1), false),
        (json!([true]), false),
        (json!(null), false),
    ] {
        let known = data(json!({}), json!({"email": "a@b", "email_verified": said}));
        assert_eq!(known.email_verified(), verified, "{said}");
    }
    assert!(!data(json!({}), json!({"email": "a@b"})).email_verified());
    for odd in [json!(""), json!(7), json!(["a@b"]), json!(null)] {
        assert_eq!(data(json!({}), json!({"email": odd})).email(), None);
    }
}

#[test]
fn a_claim_is_read_as_a_type_or_the_error_names_claim_and_types_and_never_the_value() {
    let known = data(
        json!({}),
        json!({
            "roles": ["admin", "staff"], "mixed": ["admin", 7], "name": "a secret", "count": 7, "none": null,
            "realm_access": { "roles": ["admin"] }, "a/b": true, "nested": { "deep": { "deeper": ["a secret"] } },
        }),
    );
    assert_eq!(known.get_as("roles"), Ok(vec!["admin", "staff"]));
    assert_eq!(known.get_as::<String>("name").unwrap(), "a secret");
    assert_eq!(known.get_as::<u8>("count"), Ok(7));
    assert_eq!(known.get_as::<bool>("a/b"), Ok(true));
    assert_eq!(
        known.get_as::<Vec<String>>("/realm_access/roles").unwrap(),
        ["admin"]
    );
    assert_eq!(
        known.get_as::<Value>("nested").unwrap(),
        json!({ "deep": { "deeper": ["a secret"] } })
    );
    for absent in [
        "none",
        "other",
        "/realm_access/other",
        "/other/roles",
        "",
        "/",
    ] {
        let error = known.get_as::<Value>(absent).unwrap_err();
        assert_eq!(
            error,
            ClaimError::Absent {
                claim: absent.to_owned()
            }
        );
        assert_eq!(error.claim(), absent);
    }
    let other = |error: Result<(), ClaimError>, expected: &str, found| match error.unwrap_err() {
        ClaimError::OtherType {
            claim: _,
            expected: type_name,
            found: kind,
        } => {
            assert_eq!((type_name.as_str(), kind), (expected, found));
        }
        absent => panic!("{absent}"),
    };
    other(
        known.get_as::<Vec<String>>("name").map(drop),
        "Vec<String>",
        "string",
    );
    other(
        known.get_as::<Vec<String>>("mixed").map(drop),
        "Vec<String>",
        "array",
    );
    other(known.get_as::<bool>("count").map(drop), "bool", "number");
    other(known.get_as::<i8>("a/b").map(drop), "i8", "boolean");
    other(
        known
            .get_as::<std::collections::BTreeMap<String, Option<u8>>>("nested")
            .map(drop),
        "BTreeMap<String, Option<u8>>",
        "object",
    );
    let error = known.get_as::<u8>("name").unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("`name`") && shown.contains("`u8`") && !shown.contains("secret"),
        "{shown}"
    );
}

#[test]
fn a_huge_claim_is_read_at_once() {
    let groups: Vec<String> = (0..100_000)
        .map(|number| format!("group {number}"))
        .collect();
    let known = data(json!({}), json!({ "groups": groups }));
    assert_eq!(known.get_as::<Vec<&str>>("groups").unwrap().len(), 100_000);
    assert!(known.get_as::<Vec<u8>>("groups").is_err());
}
