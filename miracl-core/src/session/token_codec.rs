//! Makes tokens shorter: without the base64url that they mostly consist of, since a cookie adds its own, and without
//! texts that the session already has.
//!
//! A signed token is three pieces of base64url with dots between them, and an opaque one is often a single piece.
//! Decoded, they take three quarters of the room. The claims of an ID token are one of those pieces, and name the
//! issuer and the person once more.

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::base::wire::{Reader, Writer};

/// More pieces than any kind of token has: an encrypted one has five.
const MAX_PIECES: usize = 8;
/// Stands in place of the number of pieces, for a token that is kept unchanged.
const AS_IT_IS: u8 = 0;
/// Texts shorter than this are not worth a mark.
const WORTH_IT: usize = 4;

/// The texts that a session already has, in a fixed order.
type Known<'a> = [&'a str; 3];

/// Writes a token, so that [`read`] gives back exactly this text, given the same known texts.
pub(crate) fn write(writer: Writer, token: &str, known: Known<'_>) -> Writer {
    match pieces(token) {
        Some(pieces) => {
            let count = u8::try_from(pieces.len()).unwrap_or(AS_IT_IS);
            let all = writer.u8(count);
            pieces.iter().fold(all, |writer, piece| {
                let marked = mark(piece, known);
                let kept = marked.as_ref().unwrap_or(piece);
                writer.u8(marked.is_some().into()).block(kept)
            })
        }
        None => writer.u8(AS_IT_IS).text(token),
    }
}

pub(crate) fn read(reader: &mut Reader<'_>, known: Known<'_>) -> Option<String> {
    let count = reader.u8()?;
    if count == AS_IT_IS {
        return reader.text().map(str::to_owned);
    }
    let mut token = String::new();
    for place in 0..count {
        if place > 0 {
            token.push('.');
        }
        let is_marked = reader.u8()? != 0;
        let kept = reader.block()?;
        if is_marked {
            BASE64.encode_append(unmark(kept, known), &mut token);
        } else {
            BASE64.encode_append(kept, &mut token);
        }
    }
    Some(token)
}

/// The pieces of a token, if all of it is base64url in its canonical form.
fn pieces(token: &str) -> Option<Vec<Vec<u8>>> {
    let decode = |piece: &str| {
        let bytes = BASE64.decode_to_vec(piece).ok()?;
        (BASE64.encode_to_string(&bytes) == piece).then_some(bytes)
    };
    let pieces: Option<Vec<_>> = token.split('.').take(MAX_PIECES + 1).map(decode).collect();
    pieces.filter(|pieces| pieces.len() <= MAX_PIECES)
}

/// The mark that stands for a known text: a control character, which no JSON text contains (RFC 8259 §7).
fn marks(known: Known<'_>) -> impl Iterator<Item = (char, &str)> {
    ('\u{1}'..='\u{3}').zip(known)
}

/// Replaces known texts by marks. `None` if that changes nothing.
fn mark(piece: &[u8], known: Known<'_>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(piece).ok()?;
    let worth_it = marks(known).filter(|(_, known)| known.len() >= WORTH_IT);
    let marked = worth_it.fold(text.to_owned(), |text, (mark, known)| {
        text.replace(known, mark.encode_utf8(&mut [0; 1]))
    });
    // Not if the text itself contains such a character.
    (marked != text && unmark(marked.as_bytes(), known) == piece).then(|| marked.into_bytes())
}

fn unmark(piece: &[u8], known: Known<'_>) -> Vec<u8> {
    let mut whole = Vec::with_capacity(2 * piece.len());
    for &byte in piece {
        match marks(known).find(|(mark, _)| *mark == char::from(byte)) {
            Some((_, known)) => whole.extend_from_slice(known.as_bytes()),
            None => whole.push(byte),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: Known<'static> = ["https://issuer.example", "alice@example.com", ""];

    fn there_and_back(token: &str) -> (String, usize) {
        knowing(KNOWN, token)
    }

    fn knowing(known: Known<'_>, token: &str) -> (String, usize) {
        let bytes = write(Writer::default(), token, known).finish();
        let mut reader = Reader::new(&bytes);
        let read = read(&mut reader, known).unwrap();
        assert_eq!(reader.rest(), b"");
        (read, bytes.len())
    }

    #[test]
    fn a_signed_token_takes_three_quarters_of_its_room_and_comes_back_as_it_was() {
        let piece = |byte, len| BASE64.encode_to_string(vec![byte; len]);
        let token = [piece(1, 60), piece(2, 300), piece(3, 256)].join(".");
        let (read, len) = there_and_back(&token);
        assert_eq!(read, token);
        assert!(len < token.len() * 77 / 100, "{len} of {}", token.len());
    }

    #[test]
    fn what_is_no_base64url_in_its_one_form_comes_back_as_it_was() {
        let many = ["AAAA"; 20].join(".");
        for token in [
            "",
            ".",
            "..",
            "a",
            "a.b.c",
            "AB",
            "with spaces",
            "A+/=",
            "é",
            &many,
        ] {
            assert_eq!(there_and_back(token).0, token);
        }
    }

    #[test]
    fn a_token_says_nothing_that_the_session_says_already() {
        let claims = r#"{"iss":"https://issuer.example","sub":"alice@example.com","email":"alice@example.com"}"#;
        let token = [r#"{"alg":"RS256"}"#, claims, "signature"].map(|p| BASE64.encode_to_string(p));
        let token = token.join(".");
        let (read, len) = there_and_back(&token);
        assert_eq!(read, token);
        let (_, unknown) = knowing(["", "al", ""], &token);
        let names = "https://issuer.example".len() + 2 * "alice@example.com".len();
        assert_eq!(unknown - len, names - 3);
    }

    #[test]
    fn a_piece_with_a_byte_that_could_be_a_mark_is_kept_as_it_is() {
        for byte in 0..=255 {
            let piece = [b"alice@example.com", &[byte][..]].concat();
            let token = BASE64.encode_to_string(&piece);
            assert_eq!(there_and_back(&token).0, token, "{byte}");
        }
    }

    #[test]
    fn a_token_that_is_cut_short_is_none() {
        let bytes = write(Writer::default(), "AAAA.BBBB.CCCC", KNOWN).finish();
        for len in 0..bytes.len() {
            assert_eq!(read(&mut Reader::new(&bytes[..len]), KNOWN), None, "{len}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(token in "[A-Za-z0-9_.-]{0,80}|\\PC{0,40}") {
            prop_assert_eq!(there_and_back(&token).0, token);
        }

        #[test]
        fn every_token_is_read_as_it_was_written(
            piece in "[a-c\u{0}-\u{4}é]{0,40}",
            known in prop::array::uniform3("[a-cé\\u{1}-\\u{3}]{0,6}"),
        ) {
            let token = BASE64.encode_to_string(&piece);
            let known = known.each_ref().map(String::as_str);
            prop_assert_eq!(knowing(known, &token).0, token);
        }
    }
}
