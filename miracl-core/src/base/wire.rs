//! The plain bytes inside a sealed value: fixed-width numbers and length-prefixed strings, in a fixed order.

/// Writes fields one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn i32(self, value: i32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.block(text.as_bytes())
    }

    /// Writes the number of bytes, and then the bytes.
    pub(crate) fn block(self, bytes: &[u8]) -> Self {
        self.len(bytes.len()).bytes(bytes)
    }

    /// Writes a number that is small most of the time: seven bits in each byte, the lowest first. The eighth bit says
    /// whether more follow.
    pub(crate) fn len(mut self, mut len: usize) -> Self {
        while len > 0x7f {
            self.0.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        self.0.push(len as u8);
        self
    }

    pub(crate) fn maybe_text(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.u8(1).text(text),
            None => self.u8(0),
        }
    }

    pub(crate) fn maybe_u64(self, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.u8(1).u64(value),
            None => self.u8(0),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields in the order they were written; `None` once the bytes do not fit.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.block()?).ok()
    }

    /// Reads what [`Writer::len`] wrote.
    #[inline(always)]
    pub(crate) fn len(&mut self) -> Option<usize> {
        let mut len = 0;
        for place in 0.. {
            let byte = self.u8()?;
            let bits = usize::from(byte & 0x7f);
            // What is shifted out was never written.
            len |= bits.checked_shl(7 * place)?;
            if byte == byte & 0x7f {
                break;
            }
        }
        Some(len)
    }

    #[inline(always)]
    pub(crate) fn block(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        let (block, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(block)
    }

    pub(crate) fn maybe_text(&mut self) -> Option<Option<&'a str>> {
        match self.u8()? {
            0 => Some(None),
            1 => self.text().map(Some),
            _ => None,
        }
    }

    pub(crate) fn maybe_u64(&mut self) -> Option<Option<u64>> {
        match self.u8()? {
            0 => Some(None),
            1 => self.u64().map(Some),
            _ => None,
        }
    }

    /// Returns what was not read yet, and reads none of it.
    pub(crate) fn peek(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns everything that was not read yet.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_the_order_they_were_written() {
        let bytes = Writer::default()
            .bytes(&[1, 2])
            .u8(3)
            .u32(4)
            .u64(5)
            .text("six")
            .maybe_text(None)
            .maybe_text(Some("seven"))
            .maybe_u64(Some(8))
            .maybe_u64(None)
            .bytes(b"rest")
            .finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.array(), Some([1, 2]));
        assert_eq!(reader.u8(), Some(3));
        assert_eq!(reader.u32(), Some(4));
        assert_eq!(reader.u64(), Some(5));
        assert_eq!(reader.text(), Some("six"));
        assert_eq!(reader.maybe_text(), Some(None));
        assert_eq!(reader.maybe_text(), Some(Some("seven")));
        assert_eq!(reader.maybe_u64(), Some(Some(8)));
        assert_eq!(reader.maybe_u64(), Some(None));
        assert_eq!(reader.rest(), b"rest");
    }

    #[test]
    fn a_number_takes_as_many_bytes_as_it_needs() {
        for (number, bytes) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (usize::MAX, 10),
        ] {
            let written = Writer::default().len(number).finish();
            assert_eq!(written.len(), bytes, "{number}");
            assert_eq!(Reader::new(&written).len(), Some(number));
        }
        assert_eq!(Reader::new(&[0xff; 40]).len(), None, "it never ends");
    }

    #[test]
    fn bytes_that_end_too_early_read_as_nothing() {
        assert_eq!(Reader::new(&[9, b'x']).text(), None);
        assert_eq!(Reader::new(&[0x80, 0x80]).len(), None);
        assert_eq!(Reader::new(&[1, 2]).u32(), None);
        assert_eq!(Reader::new(&[2]).maybe_text(), None);
    }
}
