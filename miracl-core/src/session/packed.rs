//! Tokens without the base64url that they are mostly made of: a cookie adds its own.
//!
//! A signed token is three pieces of base64url with dots between them, and an opaque one is often a single piece. Decoded, they take
//! three quarters of the room.

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use crate::wire::{Reader, Writer};

/// More pieces than any kind of token has: an encrypted one has five.
const MAX_PIECES: usize = 8;
/// In place of the number of pieces: the token is kept as it is.
const AS_IT_IS: u8 = 0;

/// Writes a token, so that [`read`] gives back exactly this text.
pub(super) fn write(writer: Writer, token: &str) -> Writer {
    match pieces(token) {
        Some(pieces) => {
            let count = u8::try_from(pieces.len()).unwrap_or(AS_IT_IS);
            let all = writer.u8(count);
            pieces.iter().fold(all, |writer, piece| writer.block(piece))
        }
        None => writer.u8(AS_IT_IS).text(token),
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<String> {
    let count = reader.u8()?;
    if count == AS_IT_IS {
        return reader.text().map(str::to_owned);
    }
    let mut token = String::new();
    for place in 0..count {
        if place > 0 {
            token.push('.');
        }
        BASE64.encode_append(reader.block()?, &mut token);
    }
    Some(token)
}

/// The pieces of a token, if it is nothing but base64url of the one way in which these bytes are written.
fn pieces(token: &str) -> Option<Vec<Vec<u8>>> {
    let decode = |piece: &str| {
        let bytes = BASE64.decode_to_vec(piece).ok()?;
        (BASE64.encode_to_string(&bytes) == piece).then_some(bytes)
    };
    let pieces: Option<Vec<_>> = token.split('.').take(MAX_PIECES + 1).map(decode).collect();
    pieces.filter(|pieces| pieces.len() <= MAX_PIECES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(token: &str) -> (String, usize) {
        let bytes = write(Writer::default(), token).finish();
        let mut reader = Reader::new(&bytes);
        let read = read(&mut reader).unwrap();
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
    fn a_token_that_is_cut_short_is_none() {
        let bytes = write(Writer::default(), "AAAA.BBBB.CCCC").finish();
        for len in 0..bytes.len() {
            assert_eq!(read(&mut Reader::new(&bytes[..len])), None, "{len}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back_as_it_was(token in "[A-Za-z0-9_.-]{0,80}|\\PC{0,40}") {
            prop_assert_eq!(there_and_back(&token).0, token);
        }
    }
}
