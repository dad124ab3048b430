//! Reading `multipart/related` answers as they arrive (RFC 2046, section 5.1; PS3.18, section 8.6.1.2): part after part, none in memory.

use std::io::{self, Read};

/// Most bytes that the headers of one part, or what stands before the first part, may take.
const MOST_HEADER: usize = 16 * 1024;
/// Longest boundary that is taken. The standard allows 70 letters.
const MOST_BOUNDARY: usize = 200;
/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// Why an answer in parts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError {
    /// The connection, or whoever reads from it, failed.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The answer does not say how its parts are set apart.
    #[error("its Content-Type \"{0}\" names no boundary between parts")]
    NoBoundary(String),
    /// The answer ended before its last boundary.
    #[error("the transfer broke off: {0} bytes came, and the end of the answer is missing")]
    CutShort(u64),
    /// A part says that it is longer or shorter than it is.
    #[error("the transfer is damaged: a part of {said} bytes has {came}")]
    WrongLength {
        /// By its header.
        said: u64,
        /// As it came.
        came: u64,
    },
    /// What stands between parts is no text that the standard allows.
    #[error("the answer is no multipart text: {0}")]
    Malformed(&'static str),
}

/// The value of a parameter of a header, with or without quotes: `boundary` of `multipart/related; boundary="a"`.
pub fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.get(header.find(';')?..)?;
    while let Some(after) = rest.strip_prefix(';') {
        let (key, value) = after.split_once('=')?;
        let (value, left) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value.get(..end)?.trim().to_string(), value.get(end..)?)
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = left.trim_start();
    }
    None
}

/// A quoted text without its quotes, and what comes after it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            '\\' => text.push(letters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

/// What a part says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHeader {
    /// Its content type.
    pub content_type: String,
    /// Its length in bytes, where it says it.
    pub length: Option<u64>,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first boundary.
    Preamble,
    /// Within the bytes of a part.
    Body,
    /// Behind the bytes of a part, after its boundary.
    Between,
    /// Behind the last boundary.
    End,
}

/// An answer in parts that is being read. [`Multipart::next_part`] goes to the next part, reading gives its bytes.
pub struct Multipart<R> {
    reader: R,
    /// What ends a part: line break, two hyphens, boundary.
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are not taken yet begin here.
    start: usize,
    place: Place,
    /// Bytes that came in all.
    came: u64,
    said: Option<u64>,
    part_came: u64,
}

impl<R: Read> Multipart<R> {
    /// Reads an answer of a content type.
    ///
    /// # Errors
    /// [`MultipartError::NoBoundary`] where the content type has none that is usable.
    pub fn new(reader: R, content_type: &str) -> Result<Self, MultipartError> {
        let boundary = parameter(content_type, "boundary").filter(|text| !text.is_empty() && text.is_ascii());
        let boundary = boundary.filter(|text| text.len() <= MOST_BOUNDARY && !text.contains(['\r', '\n']));
        let boundary = boundary.ok_or_else(|| MultipartError::NoBoundary(content_type.chars().take(200).collect()))?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first boundary may be the answer's first line; all others follow a line break.
        let buffer = b"\r\n".to_vec();
        Ok(Self { reader, delimiter, buffer, start: 0, place: Place::Preamble, came: 0, said: None, part_came: 0 })
    }

    /// Goes to the next part, over what is left of the one before; nothing behind the last one.
    ///
    /// # Errors
    /// [`MultipartError`] where the connection fails, the answer ends too early or is none in parts.
    pub fn next_part(&mut self) -> Result<Option<PartHeader>, MultipartError> {
        if self.place == Place::Preamble {
            self.skip_preamble()?;
        }
        let mut rest = [0; 4096];
        while self.place == Place::Body && self.read_part(&mut rest)? > 0 {}
        if self.place == Place::End {
            return Ok(None);
        }
        let header = self.header()?;
        (self.place, self.said, self.part_came) = (Place::Body, header.length, 0);
        Ok(Some(header))
    }

    /// Bytes of the part; 0 behind its last one.
    ///
    /// # Errors
    /// [`MultipartError`] where the connection fails, the answer ends within the part or the part has another length than it says.
    pub fn read_part(&mut self, into: &mut [u8]) -> Result<usize, MultipartError> {
        if self.place != Place::Body || into.is_empty() {
            return Ok(0);
        }
        loop {
            let rest = self.rest();
            let ready = find(rest, &self.delimiter);
            let (free, ends) = match ready {
                Found::At(at) => (at, at == 0),
                // A boundary could begin there: what follows decides.
                Found::Perhaps(at) => (at, false),
                Found::Nowhere => (rest.len(), false),
            };
            if free > 0 {
                let count = free.min(into.len());
                let (Some(to), Some(from)) = (into.get_mut(..count), rest.get(..count)) else {
                    return Err(MultipartError::Malformed("its buffer is out of step"));
                };
                to.copy_from_slice(from);
                self.start += count;
                self.part_came += count as u64;
                return Ok(count);
            }
            if ends {
                self.end_part()?;
                return Ok(0);
            }
            self.fill()?;
        }
    }

    /// Where the answer comes from, which may know more about a failure.
    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    fn end_part(&mut self) -> Result<(), MultipartError> {
        self.start += self.delimiter.len();
        if let Some(said) = self.said.filter(|said| *said != self.part_came) {
            return Err(MultipartError::WrongLength { said, came: self.part_came });
        }
        self.end_boundary()
    }

    fn skip_preamble(&mut self) -> Result<(), MultipartError> {
        loop {
            match find(self.rest(), &self.delimiter) {
                Found::At(at) => {
                    self.start += at + self.delimiter.len();
                    return self.end_boundary();
                }
                Found::Perhaps(_) | Found::Nowhere if self.came > MOST_HEADER as u64 => {
                    return Err(MultipartError::Malformed("its first boundary is missing"));
                }
                Found::Perhaps(_) | Found::Nowhere => self.fill()?,
            }
        }
    }

    /// Behind a boundary: two hyphens end the answer, a line break begins a part.
    fn end_boundary(&mut self) -> Result<(), MultipartError> {
        loop {
            let rest = self.rest();
            let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            match rest.get(padding..).unwrap_or_default() {
                [b'-', b'-', ..] if padding == 0 => {
                    self.place = Place::End;
                    return Ok(());
                }
                [b'\r', b'\n', ..] => {
                    self.start += padding + 2;
                    self.place = Place::Between;
                    return Ok(());
                }
                [] | [b'-' | b'\r'] if padding < 256 => self.fill()?,
                _ => return Err(MultipartError::Malformed("a boundary is followed by other text")),
            }
        }
    }

    /// The lines before the empty line that a part's bytes follow.
    fn header(&mut self) -> Result<PartHeader, MultipartError> {
        let mut header = PartHeader::default();
        let mut taken = 0;
        loop {
            let line = self.line()?;
            taken += line.len() + 2;
            if line.is_empty() {
                return Ok(header);
            }
            if taken > MOST_HEADER {
                return Err(MultipartError::Malformed("the header of a part is too long"));
            }
            // Lines that continue the one before say nothing that is needed.
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-type" => header.content_type = value.into(),
                "content-length" => header.length = value.parse().ok(),
                "content-transfer-encoding" if !matches!(value.to_ascii_lowercase().as_str(), "binary" | "8bit") => {
                    return Err(MultipartError::Malformed("a part is packed by a Content-Transfer-Encoding"));
                }
                _ => {}
            }
        }
    }

    fn line(&mut self) -> Result<String, MultipartError> {
        loop {
            let rest = self.rest();
            if let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(rest.get(..at).unwrap_or_default()).into_owned();
                self.start += at + 2;
                return Ok(line);
            }
            if rest.len() > MOST_HEADER {
                return Err(MultipartError::Malformed("the header of a part is too long"));
            }
            self.fill()?;
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads on; an answer that ends here is cut short.
    fn fill(&mut self) -> Result<(), MultipartError> {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK, 0);
        let count = self.reader.read(self.buffer.get_mut(before..).unwrap_or_default());
        self.buffer.truncate(before + count.as_ref().map_or(0, |count| *count).min(CHUNK));
        let count = count?;
        self.came += count as u64;
        if count == 0 { Err(MultipartError::CutShort(self.came)) } else { Ok(()) }
    }
}

/// Where a delimiter is in bytes that go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It begins here.
    At(usize),
    /// The last bytes from here on are its beginning.
    Perhaps(usize),
    /// Not here.
    Nowhere,
}

fn find(bytes: &[u8], delimiter: &[u8]) -> Found {
    let Some(first) = delimiter.first() else { return Found::Nowhere };
    let mut from = 0;
    while let Some(rest) = bytes.get(from..)
        && let Some(at) = rest.iter().position(|byte| byte == first)
    {
        let candidate = rest.get(at..).unwrap_or_default();
        if candidate.starts_with(delimiter) {
            return Found::At(from + at);
        }
        if delimiter.starts_with(candidate) {
            return Found::Perhaps(from + at);
        }
        from += at + 1;
    }
    Found::Nowhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives a few bytes at a time, as a connection does.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(into.len()).min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(bytes: &[u8], content_type: &str, drip: usize) -> Result<Vec<(PartHeader, Vec<u8>)>, MultipartError> {
        let mut parts = Multipart::new(Dripping(bytes, drip), content_type)?;
        let mut found = Vec::new();
        while let Some(header) = parts.next_part()? {
            let (mut body, mut some) = (Vec::new(), [0; 7]);
            loop {
                match parts.read_part(&mut some)? {
                    0 => break,
                    count => body.extend(&some[..count]),
                }
            }
            found.push((header, body));
        }
        Ok(found)
    }

    fn written(boundary: &str, parts: &[Vec<u8>], with_length: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend(format!("--{boundary}\r\nContent-Type: application/dicom\r\n").bytes());
            if with_length {
                bytes.extend(format!("Content-Length: {}\r\n", part.len()).bytes());
            }
            bytes.extend(b"\r\n");
            bytes.extend(part);
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("--{boundary}--").bytes());
        bytes
    }

    const TYPE: &str = "multipart/related; type=\"application/dicom\"; boundary=xyz";

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let header = r#"multipart/related; type="application/dicom;v=1"; BOUNDARY = "a \" b"; start=x"#;
        assert_eq!(parameter(header, "type").as_deref(), Some("application/dicom;v=1"));
        assert_eq!(parameter(header, "boundary").as_deref(), Some("a \" b"));
        assert_eq!(parameter(header, "start").as_deref(), Some("x"));
        assert_eq!(parameter(header, "charset"), None);
        assert_eq!(parameter("multipart/related; boundary=\"open", "boundary"), None);
        assert_eq!(parameter("", "boundary"), None);
    }

    #[test]
    fn a_boundary_of_seventy_letters_a_preamble_and_an_epilogue_are_read() {
        let boundary = "0123456789".repeat(7);
        let mut bytes = b"This is a message in several parts.\r\n".to_vec();
        bytes.extend(written(&boundary, &[b"DICM one".to_vec(), Vec::new(), b"--0123\r\n--012345".to_vec()], true));
        bytes.extend(b"\r\nleft over");
        for content_type in [
            format!("multipart/related; type=\"application/dicom\"; boundary=\"{boundary}\""),
            format!("Multipart/Related;boundary={boundary};type=application/dicom"),
        ] {
            let parts = all(&bytes, &content_type, 3).unwrap();
            let bodies: Vec<&[u8]> = parts.iter().map(|(_, body)| body.as_slice()).collect();
            assert_eq!(bodies, [b"DICM one".as_slice(), b"", b"--0123\r\n--012345"]);
            assert_eq!(parts[0].0, PartHeader { content_type: "application/dicom".into(), length: Some(8) });
        }
    }

    #[test]
    fn an_answer_without_parts_is_one() {
        assert_eq!(all(b"--xyz--\r\n", TYPE, 100).unwrap(), []);
    }

    #[test]
    fn what_is_cut_short_damaged_or_no_multipart_text_is_said() {
        let bytes = written("xyz", &[b"1234567890".to_vec(), b"abc".to_vec()], true);
        let whole = all(&bytes, TYPE, 5).unwrap();
        assert_eq!(whole.len(), 2);
        for length in 0..bytes.len() {
            let error = all(&bytes[..length], TYPE, 4).unwrap_err();
            assert!(matches!(error, MultipartError::CutShort(came) if came == length as u64), "{length}: {error}");
        }
        let text = String::from_utf8(bytes).unwrap();
        let wrong = text.replacen("67890", "67", 1);
        let error = all(wrong.as_bytes(), TYPE, 9).unwrap_err();
        assert_eq!(error.to_string(), "the transfer is damaged: a part of 10 bytes has 7");
        let error =
            all(text.replace("--xyz\r\nContent-Type", "--xyzw\r\nContent-Type").as_bytes(), TYPE, 9).unwrap_err();
        assert!(error.to_string().contains("followed by other text"), "{error}");
        let error = all(&vec![b'a'; 1 << 20], TYPE, 4096).unwrap_err();
        assert!(error.to_string().contains("first boundary is missing"), "{error}");
        let endless = [b"--xyz\r\n".to_vec(), vec![b'a'; 1 << 20]].concat();
        assert!(all(&endless, TYPE, 4096).unwrap_err().to_string().contains("header of a part is too long"));
        let lines = [b"--xyz\r\n".to_vec(), b"a: b\r\n".repeat(10_000)].concat();
        assert!(all(&lines, TYPE, 4096).unwrap_err().to_string().contains("header of a part is too long"));
        let packed = b"--xyz\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--xyz--";
        assert!(all(packed, TYPE, 50).unwrap_err().to_string().contains("Content-Transfer-Encoding"));
        for none in
            ["multipart/related", "application/json", "multipart/related; boundary=\"\"", "text/html; boundary=ä"]
        {
            assert!(matches!(all(b"", none, 1), Err(MultipartError::NoBoundary(_))), "{none}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_parts_is_read_whatever_the_bytes_are(
            parts in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'x'), any::<u8>()], 0..60), 0..4),
            drip in 1_usize..40,
            with_length in any::<bool>(),
        ) {
            // Longer than the random bytes are likely to hold.
            let boundary = "xy-Boundary-of-the-answer";
            let content_type = format!("multipart/related; boundary={boundary}");
            let read = all(&written(boundary, &parts, with_length), &content_type, drip).unwrap();
            let bodies: Vec<Vec<u8>> = read.into_iter().map(|(_, body)| body).collect();
            prop_assert_eq!(bodies, parts);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'a'), any::<u8>()], 0..200), drip in 1_usize..20) {
            let _ = all(&bytes, "multipart/related; boundary=a", drip);
        }
    }
}
