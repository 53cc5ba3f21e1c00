use serde_json::json;

use super::*;
use crate::{
    access::{policy::Policy, request::AccessRequest},
    config::session_claims::SessionClaims,
    session::extension::{Claims, extension},
};

const NOW: u64 = 1_800_000_000;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => unreachable!("an object"),
    }
}

/// The facts of a session with these claims in its ID token, and nothing in userinfo.
fn facts(claims: Value) -> Facts<'static> {
    let claims = object(claims);
    Facts {
        email_verified: claims.get("email_verified") == Some(&Value::Bool(true)),
        quick: Extension::default(),
        asked_at: None,
        known: Some(Known {
            login: crate::provider::login_claims::login_claims(&claims),
            claims: UserData::new(
                &claims,
                &object(json!({"acr": "of userinfo", "auth_time": NOW})),
            ),
            granted: Some("openid orders:read"),
            asked: &[],
        }),
        now: NOW,
        skew: Duration::from_secs(60),
    }
}

fn alice() -> Facts<'static> {
    facts(
        json!({"roles": ["admin"], "acr": "pin", "auth_time": NOW - 1000, "email_verified": true}),
    )
}

/// What a requirement comes to, where the app answers with these in turn. `None` is a failure.
fn comes_to(
    requirement: &Requirement,
    facts: &Facts<'_>,
    app: &[Option<bool>],
) -> (Outcome, usize) {
    let (mut answers, mut app) = (Answers::default(), app.iter());
    loop {
        match requirement.decide(facts, &answers) {
            Progress::Over(outcome) => return (outcome, answers.len()),
            Progress::Asks(decide) => {
                let answer = *app.next().expect("an answer of the app");
                answers.add(decide.id.clone(), answer);
            }
        }
    }
}

fn met() -> Requirement {
    Requirement::claim("roles").contains("admin")
}

fn denied() -> Requirement {
    Requirement::claim("roles").contains("nobody")
}

fn asks() -> Requirement {
    Requirement::decided_by(async |_| Ok(true))
}

fn too_weak() -> Requirement {
    Requirement::acr(["2fa"])
}

fn step_up(max_age: Option<u64>, acr: &[&'static str]) -> Outcome {
    let values: Vec<_> = acr.iter().map(|acr| (*acr).into()).collect();
    Outcome::StepUp(StepUp {
        max_age,
        acr_values: (!values.is_empty()).then_some(values),
    })
}

#[test]
fn each_word_of_the_vocabulary_is_compared_with_its_own_fact() {
    let within = |seconds| Requirement::logged_in_within(Duration::from_secs(seconds));
    for (requirement, outcome) in [
        (Requirement::logged_in(), Outcome::Met),
        (Requirement::email_verified(), Outcome::Met),
        (met(), Outcome::Met),
        (denied(), Outcome::Denied),
        (Requirement::scope("orders:read"), Outcome::Met),
        (Requirement::scope("orders"), Outcome::Denied),
        (Requirement::scope(""), Outcome::Denied),
        (Requirement::acr(["2fa", "pin"]), Outcome::Met),
        (too_weak(), step_up(None, &["2fa"])),
        (Requirement::acr([] as [&str; 0]), Outcome::Denied),
        // Userinfo has no say in how somebody logged in.
        (
            Requirement::acr(["of userinfo"]),
            step_up(None, &["of userinfo"]),
        ),
        (
            Requirement::claim("acr").equals("of userinfo"),
            Outcome::Denied,
        ),
        (Requirement::claim("acr").equals("pin"), Outcome::Met),
        (within(1000), Outcome::Met),
        (within(940), Outcome::Met),
        (within(939), step_up(Some(939), &[])),
        (within(0), step_up(Some(0), &[])),
        (within(u64::MAX), Outcome::Met),
        (Requirement::all([]), Outcome::Met),
        (Requirement::any([]), Outcome::Denied),
    ] {
        assert_eq!(
            comes_to(&requirement, &alice(), &[]).0,
            outcome,
            "{requirement:?}"
        );
    }
}

#[test]
fn a_provider_that_names_no_scope_has_granted_those_that_were_asked_for() {
    let asked = ["openid".to_owned(), "orders:write".to_owned()];
    let mut facts = Facts {
        email_verified: false,
        ..alice()
    };
    let known = facts.known.as_mut().unwrap();
    (known.granted, known.asked) = (None, &asked);
    for (scope, outcome) in [
        ("orders:write", Outcome::Met),
        ("orders:read", Outcome::Denied),
        ("orders", Outcome::Denied),
    ] {
        let requirement = Requirement::scope(scope);
        assert_eq!(comes_to(&requirement, &facts, &[]).0, outcome, "{scope}");
    }
    // What was granted counts, whatever was asked for.
    facts.known.as_mut().unwrap().granted = Some("openid");
    let requirement = Requirement::scope("orders:write");
    assert_eq!(comes_to(&requirement, &facts, &[]).0, Outcome::Denied);
}

#[test]
fn a_time_is_read_as_the_callback_reads_it_and_what_is_no_time_proves_nothing() {
    let within = Requirement::logged_in_within(Duration::from_secs(300));
    for (auth_time, is_met) in [
        (json!(NOW), true),
        (json!(NOW as f64 + 0.5), true),
        (json!(NOW + 30), true),
        (json!(NOW.to_string()), false),
        (json!(-1), false),
        (json!(1e30), false),
        (json!(null), false),
        (json!([NOW]), false),
    ] {
        let facts = facts(json!({"auth_time": auth_time}));
        let outcome = comes_to(&within, &facts, &[]).0;
        assert_eq!(outcome == Outcome::Met, is_met, "{auth_time}");
    }
    assert_eq!(
        comes_to(&within, &facts(json!({})), &[]).0,
        step_up(Some(300), &[])
    );
    // A login has to come back from the provider, even where no clock differs.
    let exact = Facts {
        skew: Duration::ZERO,
        ..facts(json!({"auth_time": NOW - 5}))
    };
    let now = Requirement::logged_in_within(Duration::ZERO);
    assert_eq!(comes_to(&now, &exact, &[]).0, Outcome::Met);
}

#[test]
fn a_denial_comes_before_a_question_and_both_before_a_new_login() {
    let unknown: &[Option<bool>] = &[None];
    let (yes, no): (&[_], &[_]) = (&[Some(true)], &[Some(false)]);
    for (requirement, app, outcome, asked) in [
        (met().and(asks()), yes, Outcome::Met, 1),
        (met().and(asks()), no, Outcome::Denied, 1),
        (met().and(asks()), unknown, Outcome::Unknown, 1),
        (denied().and(asks()), yes, Outcome::Denied, 0),
        (asks().and(denied()), yes, Outcome::Denied, 0),
        (too_weak().and(asks()), no, Outcome::Denied, 1),
        (too_weak().and(asks()), unknown, Outcome::Unknown, 1),
        (asks().and(too_weak()), yes, step_up(None, &["2fa"]), 1),
        (too_weak().and(denied()), yes, Outcome::Denied, 0),
        (met().or(asks()), yes, Outcome::Met, 0),
        (asks().or(met()), no, Outcome::Met, 0),
        (denied().or(asks()), no, Outcome::Denied, 1),
        (denied().or(asks()), yes, Outcome::Met, 1),
        (asks().or(too_weak()), unknown, Outcome::Unknown, 1),
        (asks().or(too_weak()), no, step_up(None, &["2fa"]), 1),
        (denied().or(too_weak()), yes, step_up(None, &["2fa"]), 0),
    ] {
        assert_eq!(
            comes_to(&requirement, &alice(), app),
            (outcome, asked),
            "{requirement:?}"
        );
    }
}

#[test]
fn each_decision_of_the_app_has_its_own_answer() {
    let asks = |name: &'static str| {
        Requirement::decided_by(
            move |request: AccessRequest| async move { Ok(request.path() == name) },
        )
    };
    let both = asks("a").and(asks("b"));
    let answers = [Some(true), Some(false)];
    assert_eq!(comes_to(&both, &alice(), &answers), (Outcome::Denied, 2));
    let nested = denied().and(asks("a")).or(asks("b")).and(asks("c"));
    let answers = [Some(true), Some(true)];
    assert_eq!(comes_to(&nested, &alice(), &answers), (Outcome::Met, 2));
    // The same one has the same answer.
    let one = asks("a");
    let twice = one.clone().and(one);
    assert_eq!(comes_to(&twice, &alice(), &[Some(true)]), (Outcome::Met, 1));
    let stateless = self::asks().and(self::asks());
    assert_eq!(
        comes_to(&stateless, &alice(), &[Some(true)]),
        (Outcome::Met, 1)
    );
}

#[test]
fn a_new_login_is_asked_for_all_that_the_requirement_needs() {
    let within = |seconds| Requirement::logged_in_within(Duration::from_secs(seconds));
    for (requirement, outcome) in [
        // The present class is asked for as well, or the new login would lose it.
        (
            within(300).and(Requirement::acr(["pin"])),
            step_up(Some(300), &["pin"]),
        ),
        (within(300).and(within(60)), step_up(Some(60), &[])),
        (
            Requirement::acr(["2fa", "hwk"]).and(Requirement::acr(["hwk", "pin"])),
            step_up(None, &["hwk"]),
        ),
        (too_weak().and(Requirement::acr(["pin"])), Outcome::Denied),
        (
            denied().and(too_weak()).or(within(60)),
            step_up(Some(60), &[]),
        ),
        (too_weak().or(within(60)), step_up(None, &["2fa"])),
        (
            Requirement::acr([] as [&str; 0]).or(within(60)),
            step_up(Some(60), &[]),
        ),
    ] {
        assert_eq!(
            comes_to(&requirement, &alice(), &[]).0,
            outcome,
            "{requirement:?}"
        );
    }
}

#[test]
fn only_what_needs_the_large_part_opens_it() {
    let small = Requirement::logged_in()
        .and(Requirement::email_verified())
        .and(asks());
    let nothing = Extension::default();
    assert_eq!(small.needs(nothing), None);
    for large in [
        met(),
        too_weak(),
        Requirement::scope("openid"),
        Requirement::logged_in_within(Duration::ZERO),
        Requirement::logged_in().or(met()),
    ] {
        assert!(large.needs(nothing).is_some(), "{large:?}");
    }
}

/// What a session with these claims has in its small part, with these quick ones.
fn quick(facts: &Facts<'_>, names: &[&str]) -> Vec<u8> {
    let known = facts.known.as_ref().unwrap();
    let settings = SessionClaims {
        quick: names.iter().map(|name| (*name).to_owned()).collect(),
        ..SessionClaims::default()
    };
    let claims = Claims {
        person: &known.claims,
        login: &known.login,
    };
    extension(false, &settings, &claims)
}

#[test]
fn quick_claims_decide_as_those_of_the_large_part_do_and_without_it() {
    const QUICK: [&str; 5] = ["roles", "/realm/roles", "acr", "auth_time", "level"];
    let within = |seconds| Requirement::logged_in_within(Duration::from_secs(seconds));
    let requirements = [
        met(),
        denied(),
        too_weak(),
        within(300),
        Requirement::acr(["pin", "2fa"]).and(met()),
        met().or(too_weak()),
        denied().and(too_weak()).or(within(60)),
        Requirement::claim("roles").equals("admin"),
        Requirement::claim("/realm/roles").contains("admin"),
        Requirement::claim("level").equals(3),
        Requirement::claim("roles").matches(|roles| roles.is_array()),
        Requirement::claim("acr").equals("pin"),
    ];
    for roles in [
        json!(null),
        json!("admin"),
        json!("reader admin"),
        json!(["reader", "admin"]),
        json!([["admin"]]),
        json!([null, 1, true, "admin"]),
        json!({ "admin": true }),
        json!(vec!["group"; 500]),
    ] {
        for auth_time in [json!(null), json!(NOW), json!(NOW as f64 + 0.5), json!("1")] {
            let claims = json!({
                "roles": roles, "realm": { "roles": roles }, "acr": "pin", "auth_time": auth_time, "level": 3.0,
            });
            let large = facts(claims);
            let bytes = quick(&large, &QUICK);
            let (_, written) = bytes.split_first().unwrap();
            assert!(!written.is_empty());
            let both = Facts {
                quick: Extension::of(&bytes),
                ..facts(json!({}))
            };
            let none = Facts {
                known: None,
                ..both
            };
            for requirement in &requirements {
                let outcome = comes_to(requirement, &large, &[]).0;
                let at_once = requirement.is_met_at_once(&none);
                assert!(
                    !at_once || outcome == Outcome::Met,
                    "{requirement:?} {roles}"
                );
                if requirement.needs(none.quick).is_none() {
                    assert_eq!(
                        comes_to(requirement, &none, &[]).0,
                        outcome,
                        "{requirement:?}"
                    );
                    assert_eq!(at_once, outcome == Outcome::Met, "{requirement:?} {roles}");
                } else {
                    // Only what is no list of simple values is left in the large part.
                    assert!(
                        roles.is_object()
                            || roles.to_string().len() > 500
                            || roles == json!([["admin"]])
                    );
                }
            }
        }
    }
}

#[test]
fn a_claim_that_is_not_quick_needs_the_large_part_and_one_that_is_not_kept_is_named() {
    struct Careful;
    impl Policy for Careful {
        fn requirement() -> Requirement {
            Requirement::email_verified().and(met())
        }
    }
    let bytes = quick(&alice(), &["acr"]);
    let quick = Extension::of(&bytes);
    let either = too_weak().or(Careful);
    let need = either.needs(quick).unwrap();
    assert_eq!(need.claim, "roles");
    assert!(need.policy.unwrap().ends_with("::Careful"));
    let keeps = |name: &str| name == "email";
    assert_eq!(
        Requirement::from(Careful)
            .not_kept(&keeps)
            .map(|need| need.claim),
        Some("roles")
    );
    assert_eq!(too_weak().and(asks()).not_kept(&keeps), None);
}

#[test]
fn where_the_provider_asks_every_time_the_login_here_counts_unless_a_token_says_when() {
    let within = Requirement::logged_in_within(Duration::from_secs(300));
    for (claims, asked_at, outcome) in [
        (json!({}), Some(NOW - 10), Outcome::Met),
        (json!({}), Some(NOW - 1000), step_up(Some(300), &[])),
        (json!({}), None, step_up(Some(300), &[])),
        (
            json!({ "auth_time": NOW - 1000 }),
            Some(NOW - 10),
            step_up(Some(300), &[]),
        ),
        (
            json!({ "auth_time": NOW - 10 }),
            Some(NOW - 1000),
            Outcome::Met,
        ),
    ] {
        let facts = Facts {
            asked_at,
            ..facts(claims)
        };
        assert_eq!(comes_to(&within, &facts, &[]).0, outcome);
    }
}
