//! A compressed stream with the short header of zlib (RFC 1950), which is whole only with its checksum.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use crate::work::numbers::index;

/// The bytes of a stream, decompressed. The end is told only when the checksum was there and right.
pub struct Zlib<R> {
    reader: R,
    inflater: Decompress,
    is_over: bool,
}

impl<R: BufRead> Zlib<R> {
    /// Begins with the stream's header.
    pub fn new(reader: R) -> Self {
        Self { reader, inflater: Decompress::new(true), is_over: false }
    }
}

impl<R: BufRead> Read for Zlib<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.is_over {
            let available = self.reader.fill_buf()?;
            let is_at_end = available.is_empty();
            let before = (self.inflater.total_in(), self.inflater.total_out());
            let status = self.inflater.decompress(available, buffer, FlushDecompress::None);
            let status = status.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let used = index(self.inflater.total_in() - before.0);
            let made = index(self.inflater.total_out() - before.1);
            self.reader.consume(used);
            self.is_over = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            if is_at_end && !self.is_over {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_stream_is_whole_only_with_its_checksum() {
        let data: Vec<u8> = (0..50_000u32).map(|n| u8::try_from((n * n) >> 7 & 255).unwrap()).collect();
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&data).unwrap();
        let packed = packer.finish().unwrap();
        let read = |bytes: &[u8]| {
            let mut back = Vec::new();
            Zlib::new(io::BufReader::with_capacity(100, bytes)).read_to_end(&mut back).map(|_| back == data)
        };
        assert!(read(&packed).unwrap());
        for cut in [1, 2, 4, 5, packed.len() / 2, packed.len() - 1] {
            assert_eq!(read(&packed[..packed.len() - cut]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
        let mut damaged = packed.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(read(&damaged).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
