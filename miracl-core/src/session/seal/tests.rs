use proptest::prelude::*;

use super::*;
use crate::session::seal::header::parts_of;

const LEN: usize = 3800;

fn ring(keys: &[&CookieKey]) -> KeyRing {
    KeyRing::new(&keys.iter().copied().cloned().collect::<Vec<_>>())
}

fn plain(opened: &Opened<Plain>) -> (&[u8], bool) {
    match opened {
        Opened::Plain { plain, first_key } => (plain, *first_key),
        other => panic!("not opened: {other:?}"),
    }
}

#[test]
fn a_sealed_value_opens_under_its_name_and_purpose_only() {
    let keys = ring(&[&CookieKey::generate()]);
    let text = keys.seal(Purpose::Session, "a", b"hello", LEN).unwrap();
    assert_eq!(
        plain(&keys.open(Purpose::Session, "a", text.as_bytes())),
        (&b"hello"[..], true)
    );
    assert!(matches!(
        keys.open(Purpose::Session, "b", text.as_bytes()),
        Opened::Broken
    ));
    for purpose in [Purpose::Data, Purpose::Login, Purpose::Flash] {
        assert!(matches!(
            keys.open(purpose, "a", text.as_bytes()),
            Opened::Broken
        ));
    }
}

#[test]
fn the_first_key_seals_and_every_key_opens() {
    let (old, new) = (CookieKey::generate(), CookieKey::generate());
    let text = ring(&[&old]).seal(Purpose::Login, "a", b"x", LEN).unwrap();
    let both = ring(&[&new, &old]);
    assert_eq!(
        plain(&both.open(Purpose::Login, "a", text.as_bytes())),
        (&b"x"[..], false)
    );
    let resealed = both.seal(Purpose::Login, "a", b"x", LEN).unwrap();
    assert_eq!(
        plain(&ring(&[&new]).open(Purpose::Login, "a", resealed.as_bytes())),
        (&b"x"[..], true)
    );
}

#[test]
fn a_value_of_an_unknown_key_or_version_is_foreign_not_broken() {
    let keys = ring(&[&CookieKey::generate()]);
    let other = ring(&[&CookieKey::generate()]);
    let text = other.seal(Purpose::Flash, "a", b"x", LEN).unwrap();
    assert!(matches!(
        keys.open(Purpose::Flash, "a", text.as_bytes()),
        Opened::Foreign
    ));
    let mut bytes = BASE64.decode_to_vec(text.as_bytes()).unwrap();
    bytes[0] = VERSION + 1;
    let newer = BASE64.encode_to_string(&bytes);
    assert!(matches!(
        other.open(Purpose::Flash, "a", newer.as_bytes()),
        Opened::Foreign
    ));
}

#[test]
fn a_key_knows_what_it_sealed_and_nothing_else_is_worth_a_try() {
    let (old, new) = (CookieKey::generate(), CookieKey::generate());
    let both = ring(&[&new, &old]);
    for (key, known) in [(&old, true), (&new, true), (&CookieKey::generate(), false)] {
        for parts in [10, 4000] {
            let text = ring(&[key]).seal(Purpose::Data, "a", &vec![1; parts], LEN);
            assert_eq!(both.know(text.unwrap().as_bytes()), known);
        }
    }
    for odd in ["", "x", "1234567", "a value of another app"] {
        assert!(!both.know(odd.as_bytes()), "{odd}");
    }
}

#[test]
fn the_same_content_never_seals_to_the_same_text() {
    let keys = ring(&[&CookieKey::generate()]);
    let seal = || keys.seal(Purpose::Data, "a", b"same", LEN).unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn the_number_of_parts_is_read_from_the_first_part() {
    let keys = ring(&[&CookieKey::generate()]);
    let text = keys.seal(Purpose::Data, "a", &[7; 10_000], 3000).unwrap();
    assert_eq!(
        parts_of(&text.as_bytes()[..3000]),
        text.len().div_ceil(3000)
    );
    assert_eq!(parts_of(b"x"), 1);
    assert_eq!(parts_of(b"not sealed by us at all, surely"), 1);
}

proptest! {
    #[test]
    fn no_changed_bit_opens(
        content in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let keys = ring(&[&CookieKey::generate()]);
        let text = keys.seal(Purpose::Session, "a", &content, LEN).unwrap();
        let mut bytes = BASE64.decode_to_vec(text.as_bytes()).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let changed = BASE64.encode_to_string(&bytes);
        let opened = matches!(keys.open(Purpose::Session, "a", changed.as_bytes()), Opened::Plain { .. });
        prop_assert!(!opened);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}") {
        let keys = ring(&[&CookieKey::generate()]);
        let opened = matches!(keys.open(Purpose::Session, "a", text.as_bytes()), Opened::Plain { .. });
        prop_assert!(!opened);
        parts_of(text.as_bytes());
    }
}
