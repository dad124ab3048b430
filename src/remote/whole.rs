//! A file that is sent goes out as a whole, or the transfer breaks off.

use std::io::{self, ErrorKind, Read};

/// So many bytes of a reader; that there are less is an error, not an end.
pub struct Whole<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Whole<R> {
    /// The next bytes of a reader; what comes after them is not read.
    pub fn new(reader: R, length: u64) -> Self {
        Self { reader, left: length }
    }
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(into.get_mut(..most).unwrap_or_default())?;
        if count == 0 {
            return Err(io::Error::new(ErrorKind::InvalidData, "the file got shorter while it was sent"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_too_early_is_no_end_and_what_is_appended_is_not_sent() {
        let mut bytes = Vec::new();
        assert_eq!(Whole::new(&b"abcdef"[..], 4).read_to_end(&mut bytes).unwrap(), 4);
        assert_eq!(bytes, b"abcd");
        let error = Whole::new(&b"abc"[..], 4).read_to_end(&mut bytes).unwrap_err();
        assert!(error.to_string().contains("got shorter"), "{error}");
        assert_eq!(Whole::new(&b""[..], 0).read_to_end(&mut bytes).unwrap(), 0);
    }
}
