//! Flash messages: shown once, on this response or on the next page.

use std::fmt;

/// The most messages that are kept, and the most bytes of them all.
const MAX_COUNT: usize = 8;
const MAX_BYTES: usize = 512;

/// What a message is about, by Bootstrap's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Category {
    /// Something worked.
    Success,
    /// Something is worth knowing.
    Info,
    /// Something needs attention.
    Warning,
    /// Something failed.
    Danger,
}

impl Category {
    const ALL: [Self; 4] = [Self::Success, Self::Info, Self::Warning, Self::Danger];

    /// Returns the name in lower case, as in the CSS class `alert-success`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Danger => "danger",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flash {
    /// What it is about.
    pub category: Category,
    /// The message. Escape it when you put it into a page.
    pub text: String,
}

impl Flash {
    /// Makes a message, as a test of a template needs one. To show one, use [`Visit::flash`](crate::Visit::flash).
    pub fn new(category: Category, text: impl Into<String>) -> Self {
        Self {
            category,
            text: text.into(),
        }
    }
}

/// Writes messages down, leaving the oldest out where they are too many.
pub(crate) fn encode(flashes: &[Flash]) -> Vec<u8> {
    let mut bytes = 0;
    let kept = flashes
        .iter()
        .rev()
        .take(MAX_COUNT)
        .take_while(|flash| {
            bytes += flash.text.len() + 2;
            bytes <= MAX_BYTES
        })
        .count();
    flashes[flashes.len() - kept..]
        .iter()
        .fold(crate::base::wire::Writer::default(), |writer, flash| {
            writer.u8(flash.category as u8).text(&flash.text)
        })
        .finish()
}

pub(crate) fn decode(bytes: &[u8]) -> Vec<Flash> {
    let mut reader = crate::base::wire::Reader::new(bytes);
    std::iter::from_fn(|| {
        let category = *Category::ALL.get(usize::from(reader.u8()?))?;
        let text = reader.text()?.to_owned();
        Some(Flash { category, text })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_in_their_order() {
        let flashes: Vec<_> = Category::ALL
            .into_iter()
            .map(|category| Flash::new(category, format!("{category}: ä <b>")))
            .collect();
        assert_eq!(decode(&encode(&flashes)), flashes);
        assert_eq!(decode(b"\x09rubbish"), []);
    }

    #[test]
    fn of_too_many_messages_the_newest_stay() {
        let flashes: Vec<_> = (0..20)
            .map(|n| Flash::new(Category::Info, format!("{n} {}", "x".repeat(100))))
            .collect();
        let kept = decode(&encode(&flashes));
        assert!(!kept.is_empty() && kept.len() < 8);
        assert_eq!(kept.last(), flashes.last());
    }
}
