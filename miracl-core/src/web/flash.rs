//! Flash messages: shown once, on this response or on the next page.

use std::{fmt, iter};

use crate::base::wire::{Reader, Writer};

/// The most messages that are kept, and the most bytes of them all.
const MAX_COUNT: usize = 8;
const MAX_BYTES: usize = 512;

/// What kind of message it is, by the names that Bootstrap gives to its alerts.
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

/// One message, to be shown once.
///
/// ```
/// # use miracl_core::{Flash, Visit};
/// # fn escape(text: &str) -> String { text.replace('&', "&amp;").replace('<', "&lt;") }
/// /// The messages of a page, as Bootstrap alerts.
/// async fn messages(visit: &Visit) -> String {
///     let alert = |flash: Flash| {
///         format!("<div class=\"alert alert-{}\">{}</div>", flash.category, escape(&flash.text))
///     };
///     visit.take_flashes().await.into_iter().map(alert).collect()
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flash {
    /// Its kind.
    pub category: Category,
    /// The text. Escape it when you put it into a page.
    pub text: String,
}

impl Flash {
    /// Makes a message, for the test of a template. To show one to a person, use [`Visit::flash`](crate::Visit::flash).
    pub fn new(category: Category, text: impl Into<String>) -> Self {
        Self {
            category,
            text: text.into(),
        }
    }
}

/// Encodes messages. Where they are too many, the oldest are left out.
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
        .fold(Writer::default(), |writer, flash| {
            writer.u8(flash.category as u8).text(&flash.text)
        })
        .finish()
}

/// Decodes messages, as far as they can be read.
pub(crate) fn decode(bytes: &[u8]) -> Vec<Flash> {
    let mut reader = Reader::new(bytes);
    iter::from_fn(|| {
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
