//! What a body is decoded to, and from which size on it is refused.

use miniz_oxide::deflate::compress_to_vec;

use super::*;

const MAX: usize = 1024 * 1024;

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.extend(compress_to_vec(plain, 9));
    packed.extend(crc32(plain).to_le_bytes());
    packed.extend(u32::try_from(plain.len()).unwrap().to_le_bytes());
    packed
}

fn unpacked(body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    plain(body.to_vec(), &["gzip".to_owned()], None, MAX)
}

fn read(body: &[u8], charset: Option<&str>) -> Result<String, Unreadable> {
    let read = plain(body.to_vec(), &[], charset, MAX)?;
    Ok(String::from_utf8(read).unwrap())
}

#[test]
fn gzip_is_unpacked_with_whatever_its_header_has() {
    // As zlib makes it, without and with everything that a header may have.
    let bare = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86, 7,
        0, 0, 0,
    ];
    let full = [
        31, 139, 8, 30, 0, 0, 0, 0, 0, 255, 3, 0, 120, 121, 122, 110, 0, 99, 0, 65, 31, 171, 86,
        74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86, 7, 0, 0, 0,
    ];
    for packed in [&bare[..], &full[..]] {
        assert_eq!(unpacked(packed).unwrap(), br#"{"a":1}"#);
    }
    // Several members are one text (RFC 1952 §2.2), and no member is an empty one.
    assert_eq!(
        unpacked(&[bare, bare].concat()).unwrap(),
        br#"{"a":1}{"a":1}"#
    );
    assert_eq!(unpacked(b"").unwrap(), b"");
    let long = "a longer text ".repeat(10_000).into_bytes();
    assert_eq!(unpacked(&gzip(&long)).unwrap(), long);
    for coding in ["gzip", "x-gzip"] {
        assert!(plain(bare.to_vec(), &[coding.to_owned()], None, MAX).is_ok());
    }
}

#[test]
fn gzip_is_unpacked_up_to_the_limit_and_no_further() {
    assert_eq!(unpacked(&gzip(&vec![b' '; MAX])).unwrap().len(), MAX);
    assert_eq!(
        unpacked(&gzip(&vec![b' '; MAX + 1])),
        Err(Unreadable::TooLarge)
    );
    let bomb = gzip(&vec![0; 64 * MAX]);
    assert!(bomb.len() < MAX, "it would pass for a short answer");
    assert_eq!(unpacked(&bomb), Err(Unreadable::TooLarge));
    // Nor by many small ones.
    let many = gzip(&vec![b' '; MAX / 4]).repeat(5);
    assert_eq!(unpacked(&many), Err(Unreadable::TooLarge));
}

#[test]
fn gzip_that_is_cut_or_changed_anywhere_is_refused() {
    let packed = gzip(br#"{"sub":"alice","name":"Alice"}"#);
    for len in 1..packed.len() {
        assert!(unpacked(&packed[..len]).is_err(), "cut to {len}");
    }
    for place in 10..packed.len() {
        let mut changed = packed.clone();
        changed[place] ^= 0x10;
        assert!(unpacked(&changed).is_err(), "changed at {place}");
    }
    for body in [&b"{}"[..], b"\x1f\x8b", &[packed.as_slice(), b"x"].concat()] {
        assert!(unpacked(body).is_err(), "{body:?}");
    }
    // A reserved flag (RFC 1952 §2.3.1.2).
    let mut reserved = packed;
    reserved[3] = 0x80;
    assert!(unpacked(&reserved).is_err());
}

#[test]
fn the_checksum_is_that_of_the_specification() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn another_coding_is_named() {
    for codings in [
        &["br"][..],
        &["deflate"],
        &["zstd"],
        &["gzip", "gzip"],
        &["a coding\nof its own"],
    ] {
        let codings: Vec<String> = codings.iter().map(|&coding| coding.to_owned()).collect();
        let Err(Unreadable::Other(why)) = plain(Vec::new(), &codings, None, MAX) else {
            panic!("{codings:?}");
        };
        let named = codings.join(", ").replace('\n', "");
        assert!(
            why.contains(&format!("`Content-Encoding: {named}`")),
            "{why}"
        );
    }
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    assert_eq!(read(b"\xef\xbb\xbf{}", None).unwrap(), "{}");
    assert_eq!(read(b"\xef\xbb\xbf", None).unwrap(), "");
    assert_eq!(read(b"\xff\xfe{\0\xe9\0}\0", Some("utf-8")).unwrap(), "{é}");
    assert_eq!(read(b"\xfe\xff\0{\0\xe9\0}", None).unwrap(), "{é}");
}

#[test]
fn the_character_sets_of_old_servers_are_read() {
    for (body, charset, text) in [
        (&b"Jos\xe9"[..], "iso-8859-1", "José"),
        (b"Jos\xe9", "latin1", "José"),
        (b"\x80 5", "windows-1252", "€ 5"),
        (b"\x9f\x80", "iso-8859-1", "Ÿ€"),
        (b"J\0o\0s\0\xe9\0", "utf-16le", "José"),
        (b"\0J\0o\0s\0\xe9", "utf-16be", "José"),
        // A label that is wrong, as servers have it that never look.
        ("José".as_bytes(), "iso-8859-1", "José"),
        ("José".as_bytes(), "us-ascii", "José"),
        ("José".as_bytes(), "shift_jis", "José"),
    ] {
        assert_eq!(read(body, Some(charset)).unwrap(), text, "{charset}");
    }
    for (body, charset, why) in [
        (&b"Jos\xe9"[..], None, "UTF-8"),
        (b"Jos\xe9", Some("utf-8"), "UTF-8"),
        (b"Jos\xe9", Some("iso-8859-2"), "`iso-8859-2`"),
        (b"\0\xd8\0", Some("utf-16le"), "UTF-16"),
        (b"\xff\xfe\0\xd8", None, "UTF-16"),
    ] {
        let refused = read(body, charset).unwrap_err();
        let Unreadable::Other(found) = &refused else {
            panic!("{refused:?}")
        };
        assert!(found.contains(why), "{found}");
    }
}

#[test]
fn what_grows_by_its_character_set_stays_under_the_limit() {
    let body = vec![0xe9; MAX];
    let read = plain(body, &[], Some("iso-8859-1"), MAX);
    assert_eq!(read, Err(Unreadable::TooLarge));
}
