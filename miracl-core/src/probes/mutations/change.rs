//! The ways in which a `Cookie` header is changed.

use crate::probes::fuzz::tests::Dice;

/// One way to change a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// One bit of a value is flipped.
    Flip,
    /// A value ends early.
    CutValue,
    /// The header ends early.
    CutHeader,
    /// The cookies come in another order.
    Reorder,
    /// A cookie comes twice, somewhere.
    Repeat,
    /// A cookie is missing.
    Drop,
    /// A value is that of the same cookie in another browser, or at another time.
    Graft,
    /// Another browser's cookie is there too.
    Add,
    /// A value begins as one and ends as another browser's.
    Splice,
    /// Two values change places.
    Swap,
    /// The parts of a value are cut at another place.
    MoveCut,
    /// A cookie has another name: one of the engine's, or a similar one.
    Rename,
    /// A character is of another alphabet, or there is padding.
    Alphabet,
    /// A value is in quotes, or has one in it.
    Quote,
    /// What a value says about itself is changed: version, number of parts, key, nonce.
    Preface,
    /// Bytes of the header are replaced, added or removed.
    Bytes,
    /// The cookies come in several headers.
    Split,
    /// Another separator than a semicolon and a space.
    Separate,
}

impl Change {
    pub(super) const ALL: [Self; 18] = [
        Self::Flip,
        Self::CutValue,
        Self::CutHeader,
        Self::Reorder,
        Self::Repeat,
        Self::Drop,
        Self::Graft,
        Self::Add,
        Self::Splice,
        Self::Swap,
        Self::MoveCut,
        Self::Rename,
        Self::Alphabet,
        Self::Quote,
        Self::Preface,
        Self::Bytes,
        Self::Split,
        Self::Separate,
    ];

    /// Returns whether the header still means what it meant before.
    pub(super) fn keeps_the_meaning(self) -> bool {
        matches!(self, Self::Reorder | Self::Repeat | Self::Add | Self::Split)
    }
}

/// Renames a cookie to one of the engine's names, or to one that looks like it.
pub(super) fn rename(name: &mut Vec<u8>, dice: &mut Dice) {
    let renamed: &[&[u8]] = &[
        b"miracl-session",
        b"miracl-data",
        b"miracl-data-1",
        b"miracl-data-2",
        b"miracl-flash",
        b"miracl-login-AAAAAAAA",
        b"",
    ];
    match dice.below(6) {
        0 => name.splice(..0, *b"__Host-").for_each(drop),
        1 => name.extend(b"-1"),
        2 => name.make_ascii_uppercase(),
        3 => name.extend(b" "),
        4 => name.extend(b"-0"),
        _ => *name = dice.pick(renamed).to_vec(),
    }
}

pub(super) fn change_alphabet(value: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let replace = |value: &mut Vec<u8>, from: u8, to: &[u8]| {
        *value = value
            .iter()
            .flat_map(|byte| {
                if *byte == from {
                    to.to_vec()
                } else {
                    vec![*byte]
                }
            })
            .collect();
    };
    match dice.below(8) {
        0 => replace(value, b'-', b"+"),
        1 => replace(value, b'_', b"/"),
        2 => replace(value, b'-', b"%2D"),
        3 => value.extend(b"="),
        4 => value.extend(b"=="),
        // The bits of the last character that belong to no byte, and a character that ends none.
        5 => value
            .iter_mut()
            .last()
            .into_iter()
            .for_each(|last| *last = last.wrapping_add(1)),
        6 => value.push(b'A'),
        _ => value.insert(at, *dice.pick(b" \t\n\r\0%+/=,.")),
    }
}

pub(super) fn change_headers(change: Change, headers: &mut Vec<Vec<u8>>, dice: &mut Dice) {
    let which = dice.below(headers.len());
    let header = &mut headers[which];
    let at = dice.below(header.len());
    match change {
        Change::CutHeader => header.truncate(at),
        Change::Bytes => {
            let end = (at + dice.below(8)).min(header.len());
            let bytes: Vec<u8> = (0..dice.below(4))
                .map(|_| u8::try_from(dice.below(256)).unwrap())
                .collect();
            header.splice(at..end, bytes);
        }
        Change::Split => {
            let header = header.clone();
            let cookies: Vec<&[u8]> = header.split(|byte| *byte == b';').collect();
            let cut = dice.below(cookies.len() + 1);
            headers.splice(
                which..=which,
                [cookies[..cut].join(&b';'), cookies[cut..].join(&b';')],
            );
        }
        Change::Separate => {
            let separators: [&[u8]; 7] = [b",", b" ", b"&", b"\0", b"\n", b"; ;", b"%3B"];
            let separator = *dice.pick(&separators);
            let cookies: Vec<&[u8]> = header.split(|byte| *byte == b';').collect();
            *header = cookies.join(separator);
        }
        _ => {}
    }
}
