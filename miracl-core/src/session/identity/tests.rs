use super::*;

pub(crate) fn session() -> Session {
    Session {
        id: SessionId([7; 32]),
        generation: 3,
        data: [9; 8],
        created_ms: 1_000_000,
        seen: 1000,
        issued_at: 999,
        person: Person::new("https://issuer.example", "alice", Some("alice@example.com")),
        email_verified: true,
        is_doubtful: false,
        marked_by: MarkedBy::new("https://issuer.example", "alice", None),
    }
}

#[test]
fn a_session_is_read_back_for_its_client_and_no_other() {
    let bound = |client| Binding::new("https://issuer.example/", client);
    for (issuer, is_kept) in [
        ("https://issuer.example", false),
        ("https://issuer.example/", true),
        ("https://issuer.example/tenant", true),
    ] {
        let session = Session {
            person: Person::new(issuer, "alice", Some("alice@example.com")),
            ..session()
        };
        let bytes = session.encode(&bound("one"));
        let has_issuer = String::from_utf8_lossy(&bytes).contains("issuer.example");
        assert_eq!(has_issuer, is_kept);
        let read = Session::decode(&bytes, &bound("one")).unwrap();
        assert_eq!(read.person.issuer(), issuer);
        assert_eq!(read.person.subject(), "alice");
        assert_eq!(read.person.email(), Some("alice@example.com"));
        assert!(read.email_verified);
        let times = |session: &Session| (session.created_ms, session.seen, session.issued_at);
        assert_eq!(times(&read), times(&session));
        assert!(Session::decode(&bytes, &bound("two")).is_none());
    }
}

#[test]
fn a_session_that_is_cut_short_before_its_names_is_none() {
    let binding = Binding::new("https://issuer.example", "client");
    let bytes = session().encode(&binding);
    let names = "alice@example.com".len() + "alice".len();
    for len in 0..bytes.len() - names {
        assert!(Session::decode(&bytes[..len], &binding).is_none(), "{len}");
    }
}

#[test]
fn times_long_before_a_session_are_kept_as_far_as_68_years() {
    let binding = Binding::new("https://issuer.example", "client");
    for (issued_at, read) in [
        (0, 0),
        (1_800_000_000, 1_800_000_000),
        (1_800_000_060, 1_800_000_060),
        (u64::MAX, 1_800_000_000 + (1 << 31) - 1),
    ] {
        let session = Session {
            created_ms: 1_800_000_000_999,
            issued_at,
            ..session()
        };
        let decoded = Session::decode(&session.encode(&binding), &binding).unwrap();
        assert_eq!(decoded.issued_at, read);
    }
}

#[test]
fn a_session_ends_at_its_idle_and_at_its_absolute_deadline() {
    let timeouts = Timeouts {
        idle: 100,
        absolute: 250,
    };
    let mut session = session();
    assert!(session.is_alive(1099, timeouts));
    assert!(!session.is_alive(1100, timeouts));
    assert!(!session.is_deadline_worth_moving(1010, timeouts));
    assert!(session.is_deadline_worth_moving(1011, timeouts));
    session.seen = 1200;
    assert!(session.is_alive(1249, timeouts));
    assert!(!session.is_alive(1250, timeouts));
}

#[test]
fn no_time_at_its_edge_is_too_much_for_a_sum() {
    let binding = Binding::new("https://issuer.example", "client");
    let longest = Timeouts {
        idle: 10 * 366 * 24 * 60 * 60,
        absolute: u64::MAX,
    };
    let usual = Timeouts {
        idle: 24 * 60 * 60,
        absolute: 7 * 24 * 60 * 60,
    };
    for created_ms in [0, u64::MAX] {
        for time in [0, u64::MAX / 1000, u64::MAX] {
            let session = Session {
                generation: u32::MAX,
                created_ms,
                seen: time,
                issued_at: time,
                ..session()
            };
            let read = Session::decode(&session.encode(&binding), &binding).unwrap();
            for session in [&session, &*read] {
                for timeouts in [longest, usual] {
                    assert!(!session.is_alive(u64::MAX, timeouts));
                    assert!(session.ends(timeouts) >= session.created());
                    session.is_deadline_worth_moving(0, timeouts);
                }
            }
        }
    }
}

#[test]
fn debug_output_shows_no_personal_data() {
    let printed = format!("{:?}", User(Arc::new(session())));
    assert_eq!(printed, "User { .. }");
    assert_eq!(format!("{:?}", session().id), "SessionId([redacted])");
}
