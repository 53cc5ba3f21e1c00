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

/// Which sessions a version before the extension reads: by its rules for flags.
fn reads_before(bytes: &[u8]) -> bool {
    bytes[12] & 0x20 != 0
}

fn extended(extension: &[u8]) -> Session {
    Session {
        person: session().person.extended(extension),
        ..session()
    }
}

#[test]
fn an_extended_session_is_nobody_to_a_version_that_would_read_it_as_somebody_else() {
    let binding = Binding::new("https://issuer.example", "client");
    let plain = session().encode(&binding);
    assert!(reads_before(&plain));
    // Nothing in it: byte for byte as before.
    assert_eq!(extended(&[]).encode(&binding), plain);
    let bytes = extended(&[1]).encode(&binding);
    assert!(!reads_before(&bytes));
    // What it would have been, if only the flag were there.
    let mut misread = bytes.clone();
    misread[12] = (misread[12] & !0x80) | 0x20;
    let somebody = Session::decode(&misread, &binding);
    assert!(somebody.is_none_or(|somebody| somebody.person.subject() != "alice"));
}

#[test]
fn an_extension_is_read_back_in_each_form_of_a_session() {
    let bound = |issuer| Binding::new(issuer, "client");
    let long = [&[1][..], &[b'x'; 300]].concat();
    for extension in [&[0][..], &[1], &[1, 3, b'a', b'b', b'c', 1, 2], &long] {
        for issuer in ["https://issuer.example", "https://other.example"] {
            for email in [None, Some("alice"), Some("alice@example.com")] {
                for sid in [None, Some("sid")] {
                    let person = Person::new("https://issuer.example", "alice", email);
                    let session = Session {
                        person: person.extended(extension),
                        marked_by: MarkedBy::new("https://issuer.example", "alice", sid),
                        ..session()
                    };
                    let bytes = session.encode(&bound(issuer));
                    let read = Session::decode(&bytes, &bound(issuer)).unwrap();
                    assert_eq!(read.person.extension().0, extension);
                    assert_eq!(read.person.issuer(), "https://issuer.example");
                    assert_eq!(read.person.subject(), "alice");
                    assert_eq!(read.person.email(), email);
                    assert_eq!(read.encode(&bound(issuer)), bytes);
                    let names = read.person.with_email(None);
                    assert!(names.extension().0.is_empty());
                }
            }
        }
    }
}

#[test]
fn an_extension_that_this_version_does_not_know_or_that_does_not_fit_is_none() {
    let binding = Binding::new("https://issuer.example", "client");
    for unknown in [2, 0x80, 0xff] {
        let bytes = extended(&[unknown]).encode(&binding);
        assert!(Session::decode(&bytes, &binding).is_none(), "{unknown}");
    }
    let bytes = extended(&[1, 0, 0]).encode(&binding);
    // Its length stands before the names.
    let place = bytes.len() - "alice@example.comalice".len() - 1 - 3 - 1;
    assert_eq!(bytes[place], 3);
    for len in [0, 40, 0x7f] {
        let mut other = bytes.clone();
        other[place] = len;
        assert!(Session::decode(&other, &binding).is_none(), "{len}");
    }
    for len in 0..bytes.len() - 20 {
        let read = Session::decode(&bytes[..len], &binding);
        assert!(read.is_none_or(|read| read.person.subject() != "alice"));
    }
}
