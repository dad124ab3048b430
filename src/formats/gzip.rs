//! gzip streams: by content on the way in, on all cores on the way out.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use super::inflate::{Member, first_member, header_length};
use crate::disk::open_regular_file;
use crate::volume::{Fill, Voxel, VoxelType, Voxels};
use crate::work::Watch;
use crate::work::numbers::index;
use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Deflate cannot shrink data by more than about this factor (RFC 1951: 258 bytes from 2 bits).
pub const MAX_RATIO: u64 = 1032;

/// Whether a file's first bytes are gzip's magic number.
pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// The members of a gzip file, one after the other, up to bytes that are none.
///
/// Tapes, uploads and multipart forms leave bytes behind the last member. They are no part of the data, whose checksum is right.
pub struct Members<R> {
    /// Of the member that is read; none after the last.
    decoder: Option<GzDecoder<R>>,
    is_followed: bool,
}

impl<R: BufRead> Members<R> {
    /// Begins with the first member.
    pub fn new(reader: R) -> Self {
        Self { decoder: Some(GzDecoder::new(reader)), is_followed: false }
    }

    /// Reads on to the end of the member that was read last, which makes sure of its checksum, and through what follows it. Says whether
    /// there are bytes behind the last whole member.
    ///
    /// # Errors
    /// When that member is damaged. Damage behind it does not touch what was read.
    pub fn finish(&mut self, limit: u64) -> io::Result<bool> {
        let Some(decoder) = &mut self.decoder else { return Ok(self.is_followed) };
        io::copy(&mut decoder.take(limit), &mut io::sink())?;
        match io::copy(&mut Read::take(&mut *self, limit), &mut io::sink()) {
            Ok(_) => Ok(self.is_followed),
            Err(_) => Ok(true),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            // The member is over, and its checksum is right.
            let Some(decoder) = self.decoder.take() else { return Ok(0) };
            let mut reader = decoder.into_inner();
            let next = reader.fill_buf()?;
            if is_gzip(next) {
                self.decoder = Some(GzDecoder::new(reader));
            } else {
                self.is_followed = !next.is_empty();
            }
        }
    }
}

/// Reads values on all threads from a file that begins with one large gzip member: those behind `skip` bytes, and whether there are bytes
/// behind the last whole member. `None` where that way does not lead to them: the file is small, has other members before they end, or is
/// damaged; [`Members`] tells which.
///
/// # Errors
/// When memory is short, and when the work was stopped.
pub fn read_values(
    path: &Path,
    skip: u64,
    (kind, count): (VoxelType, usize),
    is_big_endian: bool,
    watch: Watch,
) -> io::Result<Option<(Voxels, bool)>> {
    struct Reader<'a> {
        member: Member<'a>,
        behind: &'a mut usize,
        watch: Watch<'a>,
    }
    impl Fill for Reader<'_> {
        type Error = io::Error;

        fn fill<T: Voxel>(self, values: &mut [T], of_bytes: impl Fn(&[u8]) -> T + Sync) -> io::Result<bool> {
            let end = first_member(&self.member, values, of_bytes, self.watch).map_err(io::Error::other)?;
            *self.behind = end.unwrap_or_default();
            Ok(end.is_some())
        }
    }
    let mut file = open_regular_file(path)?;
    let length = index(file.metadata()?.len());
    let mut head = Vec::new();
    Read::take(&mut file, LONGEST_HEADER).read_to_end(&mut head)?;
    let Some(start) = header_length(&head).filter(|_| length > SMALL) else { return Ok(None) };
    let open = || open_regular_file(path);
    let mut behind = 0;
    let reader =
        Reader { member: Member { open: &open, length, start, skip: index(skip) }, behind: &mut behind, watch };
    let Some(voxels) = Voxels::filled(kind, count, is_big_endian, reader)? else { return Ok(None) };
    file.seek(SeekFrom::Start(behind as u64))?;
    let mut rest = BufReader::new(file);
    let next = rest.fill_buf()?;
    let is_followed = if is_gzip(next) {
        let mut members = Members::new(rest);
        // Damage behind the values does not touch them.
        io::copy(&mut Read::take(&mut members, MOST_TRAILING), &mut io::sink()).map_or(true, |_| members.is_followed)
    } else {
        !next.is_empty()
    };
    Ok(Some((voxels, is_followed)))
}

/// Smaller files are read faster than threads are started.
const SMALL: usize = 1 << 20;
/// Headers that are longer are none that a program writes.
const LONGEST_HEADER: u64 = 1 << 16;
/// Bytes of further members that are read.
const MOST_TRAILING: u64 = 64 << 20;

/// Bytes compressed at a time by one thread.
const CHUNK: usize = 1 << 20;
/// Bytes before a chunk that it may refer to (RFC 1951).
const WINDOW: usize = 1 << 15;
/// A good trade of size for speed on label maps and scans.
const LEVEL: u32 = 3;

/// Compresses a stream into one gzip member; chunks are deflated in parallel (as pigz does), each with the end of
/// the one before it as its dictionary, and joined at byte borders by empty stored blocks, so that every reader accepts the file.
///
/// # Errors
/// Those of `input` and `output`.
pub fn compress(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    let mut crc = crc32fast::Hasher::new();
    let mut length = 0usize;
    let of_chunk = |chunk: &[u8]| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(chunk);
        hasher
    };
    deflate(input, output, of_chunk, |hasher, count| {
        crc.combine(&hasher);
        length = length.wrapping_add(count);
    })?;
    output.write_all(&crc.finalize().to_le_bytes())?;
    // The length is counted modulo 2^32.
    output.write_all(&length.to_le_bytes()[..4])
}

/// The same with the short header of zlib (RFC 1950).
///
/// # Errors
/// Those of `input` and `output`.
pub fn compress_zlib(input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    output.write_all(&[0x78, 0x01])?;
    let mut sum = Adler::default();
    deflate(input, output, Adler::of, |of_chunk, count| sum.append(&of_chunk, count))?;
    output.write_all(&sum.value().to_be_bytes())
}

/// A chunk that is to be deflated, and the one before it.
struct Job {
    number: usize,
    before: Arc<Vec<u8>>,
    chunk: Arc<Vec<u8>>,
}

/// What became of a chunk: its number, the deflated bytes, the checksum, and how many bytes it had.
type Packed<C> = (usize, io::Result<(Vec<u8>, C, usize)>);

/// Deflates a stream to its end; checksums of chunks are made in parallel and handed on in order, with the chunk's length.
fn deflate<C: Send>(
    input: &mut dyn Read,
    output: &mut dyn Write,
    check: impl Fn(&[u8]) -> C + Sync,
    mut append: impl FnMut(C, usize),
) -> io::Result<()> {
    let first = next_chunk(input)?;
    if first.len() < CHUNK {
        // There is nothing to share.
        output.write_all(&deflate_chunk(&[], &first)?)?;
        append(check(&first), first.len());
        return output.write_all(&LAST_BLOCK);
    }
    let threads = rayon::current_num_threads().max(1);
    let (hand_out, jobs) = mpsc::sync_channel::<Job>(2 * threads);
    let (results, packed) = mpsc::channel::<Packed<C>>();
    let jobs = Mutex::new(jobs);
    let work = |results: mpsc::Sender<Packed<C>>| {
        let next = || jobs.lock().ok().and_then(|jobs| jobs.recv().ok());
        while let Some(Job { number, before, chunk }) = next() {
            let pack = || deflate_chunk(&before, &chunk).map(|bytes| (bytes, check(&chunk), chunk.len()));
            // Whoever waits for the chunk must hear of it, whatever happens.
            let done = std::panic::catch_unwind(AssertUnwindSafe(pack));
            let done = done.unwrap_or_else(|_| Err(io::Error::other("the compression failed")));
            if results.send((number, done)).is_err() {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        // It ends with the last chunk or the first error, and the threads with it.
        let hand_out = hand_out;
        for _ in 0..threads {
            let results = results.clone();
            std::thread::Builder::new().spawn_scoped(scope, || work(results))?;
        }
        drop(results);
        hand_on(first, input, output, &hand_out, &packed, 2 * threads, &mut append)
    })?;
    output.write_all(&LAST_BLOCK)
}

/// An empty final block ends the deflate stream.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Reads chunks for others to deflate, and writes what they have deflated in order.
fn hand_on<C>(
    first: Vec<u8>,
    input: &mut dyn Read,
    output: &mut dyn Write,
    hand_out: &mpsc::SyncSender<Job>,
    packed: &mpsc::Receiver<Packed<C>>,
    at_once: usize,
    append: &mut dyn FnMut(C, usize),
) -> io::Result<()> {
    let gone = || io::Error::other("the compression ended early");
    let (mut before, mut chunk) = (Arc::new(Vec::new()), Arc::new(first));
    let (mut read, mut written) = (0, 0);
    let mut waiting = BTreeMap::new();
    loop {
        while !chunk.is_empty() && read - written < at_once {
            let job = Job { number: read, before: before.clone(), chunk: chunk.clone() };
            hand_out.send(job).map_err(|_| gone())?;
            read += 1;
            before = std::mem::replace(&mut chunk, Arc::new(next_chunk(input)?));
        }
        if written == read {
            return Ok(());
        }
        let (number, done) = packed.recv().map_err(|_| gone())?;
        waiting.insert(number, done?);
        while let Some((bytes, checksum, count)) = waiting.remove(&written) {
            output.write_all(&bytes)?;
            append(checksum, count);
            written += 1;
        }
    }
}

fn next_chunk(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    Read::take(input, CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// The checksum of zlib (RFC 1950, Adler-32), which can be put together from those of parts.
struct Adler {
    low: u32,
    high: u32,
}

impl Default for Adler {
    fn default() -> Self {
        Self { low: 1, high: 0 }
    }
}

impl Adler {
    const BASE: u32 = 65521;

    fn of(bytes: &[u8]) -> Self {
        let mut sum = Self::default();
        // So many bytes cannot overflow the sums.
        for part in bytes.chunks(5552) {
            for byte in part {
                sum.low += u32::from(*byte);
                sum.high += sum.low;
            }
            sum.low %= Self::BASE;
            sum.high %= Self::BASE;
        }
        sum
    }

    fn append(&mut self, other: &Self, count: usize) {
        let base = u64::from(Self::BASE);
        let times = (count as u64) % base;
        let before = u64::from(self.low) + base - 1;
        let high = (u64::from(self.high) + u64::from(other.high) + times * before) % base;
        let low = (before + u64::from(other.low)) % base;
        // Remainders by a number of sixteen bits.
        self.high = u32::try_from(high).unwrap_or_default();
        self.low = u32::try_from(low).unwrap_or_default();
    }

    fn value(&self) -> u32 {
        self.high << 16 | self.low
    }
}

/// Deflates a chunk that may refer to the end of what was before it.
fn deflate_chunk(before: &[u8], chunk: &[u8]) -> io::Result<Vec<u8>> {
    let mut deflater = Compress::new(Compression::new(LEVEL), false);
    let window = before.get(before.len().saturating_sub(WINDOW)..).unwrap_or_default();
    if !window.is_empty() {
        deflater.set_dictionary(window).map_err(io::Error::other)?;
    }
    let mut packed = Vec::with_capacity(chunk.len() / 2 + 1024);
    loop {
        if packed.capacity() - packed.len() < 64 {
            packed.reserve(CHUNK / 4);
        }
        let rest = &chunk[index(deflater.total_in())..];
        let status = deflater.compress_vec(rest, &mut packed, FlushCompress::Sync).map_err(io::Error::other)?;
        let flushed = index(deflater.total_in()) == chunk.len() && packed.len() < packed.capacity();
        if flushed || status == Status::StreamEnd {
            return Ok(packed);
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
mod tests {
    use super::*;

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        compress(&mut &data[..], &mut packed).unwrap();
        packed
    }

    #[test]
    fn bytes_behind_the_members_do_not_touch_what_is_in_them() {
        let data: Vec<u8> = (0..100_000u32).map(|n| ((n * n) >> 7) as u8).collect();
        let (first, second) = data.split_at(60_000);
        let whole = [packed(first), packed(second)].concat();
        let read = |file: &[u8]| {
            // A small buffer, so that members and buffers end at different places.
            let mut members = Members::new(io::BufReader::with_capacity(100, file));
            let mut back = vec![0; data.len()];
            members
                .read_exact(&mut back)
                .and_then(|()| members.finish(1 << 20))
                .map(|followed| (back == data, followed))
        };
        assert_eq!(read(&whole).unwrap(), (true, false));
        let half_a_member = &packed(b"more")[..12];
        for behind in [&[0; 7][..], &[0; 4096], b"--boundary--", b"\x1f", b"\x1f\x8b\x08\xff junk", half_a_member] {
            assert_eq!(read(&[&whole, behind].concat()).unwrap(), (true, true), "{behind:?}");
        }
        // A third member is read and not needed; the last byte of a second one's length is.
        assert_eq!(read(&[whole.clone(), packed(b"more")].concat()).unwrap(), (true, false));
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(read(&damaged).is_err());
        let mut damaged = whole.clone();
        damaged[20_000] ^= 1;
        assert!(read(&damaged).is_err());
        assert!(read(&whole[..whole.len() - 3]).is_err());
    }

    #[test]
    fn what_is_compressed_comes_back() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK * 9 + 17] {
            let mut state = 1u32;
            let data: Vec<u8> = (0..length)
                .map(|i| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if i % 5000 < 2500 { (state >> 24) as u8 } else { 7 }
                })
                .collect();
            let mut packed = Vec::new();
            compress(&mut data.as_slice(), &mut packed).unwrap();
            let mut back = Vec::new();
            // GzDecoder reads a single member, so this also shows that there is only one.
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == data, "length {length}");
            let (mut packed, mut back) = (Vec::new(), Vec::new());
            compress_zlib(&mut data.as_slice(), &mut packed).unwrap();
            flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == data, "length {length}");
        }
    }
}
