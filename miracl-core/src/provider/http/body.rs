//! The body of a response: its content coding and its character set are decoded (RFC 9110 §8.4, §8.3.2).
//!
//! Neither was requested: JSON is UTF-8 (RFC 8259 §8.1), and the request accepts nothing compressed. Providers, and
//! proxies in front of them, send both nevertheless.

use miniz_oxide::{
    DataFormat, MZFlush, MZStatus,
    inflate::stream::{InflateState, MinReset, inflate},
};

use crate::base::text::printable;

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    TooLarge,
    Other(String),
}

/// Decodes the content coding, which may be gzip once, and then the character set. Removes a byte order mark.
///
/// The result is at most `max` bytes long, and the time taken is proportional to that.
pub(crate) fn plain(
    body: Vec<u8>,
    codings: &[String],
    charset: Option<&str>,
    max: usize,
) -> Result<Vec<u8>, Unreadable> {
    let body = match codings {
        [] => body,
        [coding] if coding == "gzip" || coding == "x-gzip" => gunzip(&body, max)?,
        others => {
            let others = printable(&others.join(", "), 64);
            let detail = format!(
                "it is compressed (`Content-Encoding: {others}`), which was not asked for and is not read here"
            );
            return Err(Unreadable::Other(detail));
        }
    };
    match utf8(body, charset) {
        Ok(body) if body.len() > max => Err(Unreadable::TooLarge),
        read => read,
    }
}

/// The flags of a gzip header (RFC 1952 §2.3.1).
mod flags {
    pub(super) const HEADER_CRC: u8 = 2;
    pub(super) const EXTRA: u8 = 4;
    pub(super) const NAME: u8 = 8;
    pub(super) const COMMENT: u8 = 16;
    pub(super) const RESERVED: u8 = 0xe0;
}

/// Unpacks gzip (RFC 1952).
fn gunzip(mut packed: &[u8], max: usize) -> Result<Vec<u8>, Unreadable> {
    let broken = || Unreadable::Other("its gzip is broken".to_owned());
    let mut plain = Vec::new();
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    // Usually one member, and there may be several (§2.2).
    while !packed.is_empty() {
        let begin = plain.len();
        packed = after_header(packed).ok_or_else(broken)?;
        packed = unpack(&mut state, packed, &mut plain, max)?;
        let (trailer, rest) = packed.split_first_chunk::<8>().ok_or_else(broken)?;
        let [a, b, c, d, e, f, g, h] = *trailer;
        let member = &plain[begin..];
        let sums = (u32::from_le_bytes([a, b, c, d]), [e, f, g, h]);
        // No member is longer than `max`.
        #[allow(clippy::cast_possible_truncation)]
        if sums != (crc32(member), (member.len() as u32).to_le_bytes()) {
            return Err(broken());
        }
        packed = rest;
    }
    Ok(plain)
}

/// Skips the header of a member. Returns `None` if there is no valid header.
fn after_header(packed: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = packed.split_first_chunk::<10>()?;
    let [0x1f, 0x8b, 8, has, ..] = *header else {
        return None;
    };
    if has & flags::RESERVED != 0 {
        return None;
    }
    if has & flags::EXTRA != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for text in [flags::NAME, flags::COMMENT] {
        if has & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if has & flags::HEADER_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Unpacks one DEFLATE stream (RFC 1951), appends it to `plain`, and returns the bytes that follow it.
fn unpack<'a>(
    state: &mut InflateState,
    mut packed: &'a [u8],
    plain: &mut Vec<u8>,
    max: usize,
) -> Result<&'a [u8], Unreadable> {
    // The state of the previous member need not be wiped: it belongs to this response, and each member has its
    // checksum.
    state.reset_as(MinReset);
    let mut chunk = [0; 4 * 1024];
    loop {
        let done = inflate(state, packed, &mut chunk, MZFlush::None);
        packed = packed.get(done.bytes_consumed..).unwrap_or_default();
        if plain.len() + done.bytes_written > max {
            return Err(Unreadable::TooLarge);
        }
        plain.extend_from_slice(&chunk[..done.bytes_written]);
        match done.status {
            Ok(MZStatus::StreamEnd) => return Ok(packed),
            Ok(_) if done.bytes_written > 0 || done.bytes_consumed > 0 => {}
            _ => return Err(Unreadable::Other("its gzip is broken".to_owned())),
        }
    }
}

/// Returns the checksum of RFC 1952 §8.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// Removes a byte order mark, and converts the other character sets that occur: UTF-16, and the Latin ones of old
/// servers. Valid UTF-8 is left as it is, whatever its label says.
fn utf8(body: Vec<u8>, charset: Option<&str>) -> Result<Vec<u8>, Unreadable> {
    let utf16 = |body: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, rest) = body.as_chunks::<2>();
        let text = char::decode_utf16(units.iter().map(|pair| unit(*pair)));
        let text: Result<String, _> = text.collect();
        match text {
            Ok(text) if rest.is_empty() => Ok(text.into_bytes()),
            _ => Err(Unreadable::Other("its UTF-16 is broken".to_owned())),
        }
    };
    let charset = charset.unwrap_or("utf-8");
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => body,
    };
    match (body.as_slice(), charset) {
        ([0xff, 0xfe, rest @ ..], _) => return utf16(rest, u16::from_le_bytes),
        ([0xfe, 0xff, rest @ ..], _) | (rest, "utf-16" | "utf-16be") => {
            return utf16(rest, u16::from_be_bytes);
        }
        (rest, "utf-16le") => return utf16(rest, u16::from_le_bytes),
        _ => {}
    }
    if std::str::from_utf8(&body).is_ok() {
        return Ok(body);
    }
    match charset {
        // Browsers treat all of these as Windows-1252.
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1" | "us-ascii"
        | "ascii" | "windows-1252" | "cp1252" | "cp-1252" => Ok(body
            .iter()
            .map(|byte| windows_1252(*byte))
            .collect::<String>()
            .into_bytes()),
        "utf-8" | "utf8" => Err(Unreadable::Other("it is not in UTF-8".to_owned())),
        other => Err(Unreadable::Other(format!(
            "it is in the character set `{}`, which is not read here; JSON is UTF-8",
            printable(other, 40)
        ))),
    }
}

/// Decodes Windows-1252: ISO 8859-1, with letters and signs in place of its control characters.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
pub(crate) mod tests;
