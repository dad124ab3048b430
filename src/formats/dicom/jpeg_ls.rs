//! JPEG-LS, lossless and near-lossless, one component. Source: ITU-T T.87 (ISO/IEC 14495-1).

/// A decoded grey image.
pub struct Decoded {
    /// Pixels per line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Unsigned samples, line by line.
    pub samples: Vec<u16>,
}

/// Lengths of run segments as powers of two (T.87 A.2.1).
const RUN_ORDER: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const REGULAR_CONTEXTS: usize = 365;
/// A declared image may not have more pixels per compressed byte than this: one bit can code a whole line's run.
const MAX_PIXELS_PER_BYTE: usize = 1 << 16;

struct Parameters {
    width: usize,
    height: usize,
    max_value: i32,
    near: i32,
    thresholds: [i32; 3],
    reset: i32,
}

/// Decodes a code stream.
///
/// # Errors
/// For damaged or truncated streams, restart markers, colour and mapping tables.
pub fn decode(data: &[u8]) -> Result<Decoded, String> {
    let (parameters, scan) = parse_header(data)?;
    Decoder::new(&parameters, scan).image(&parameters)
}

fn parse_header(data: &[u8]) -> Result<(Parameters, &[u8]), String> {
    if !data.starts_with(&[0xFF, 0xD8]) {
        return Err("the JPEG-LS stream does not start with SOI".into());
    }
    let mut at = 2;
    let mut frame: Option<(u32, usize, usize)> = None;
    let mut preset = [0i32; 5];
    loop {
        let &[0xFF, marker] = data.get(at..at + 2).ok_or("the JPEG-LS header is cut")? else {
            return Err("a JPEG-LS marker is missing".into());
        };
        if marker == 0xFF {
            at += 1;
            continue;
        }
        let word = |offset: usize| -> Result<usize, String> {
            let b = data.get(offset..offset + 2).ok_or("the JPEG-LS header is cut")?;
            Ok(usize::from(b[0]) << 8 | usize::from(b[1]))
        };
        let length = word(at + 2)?;
        let segment = data.get(at + 4..at + 2 + length.max(2)).ok_or("a JPEG-LS segment is cut")?;
        match marker {
            0xF7 => {
                let &[precision, h1, h0, w1, w0, components, ..] = segment else {
                    return Err("the JPEG-LS frame header is cut".into());
                };
                if components != 1 {
                    return Err(format!("JPEG-LS with {components} components is not supported"));
                }
                if !(2..=16).contains(&precision) {
                    return Err(format!("JPEG-LS with {precision} bits is impossible"));
                }
                let size = |hi: u8, lo: u8| usize::from(hi) << 8 | usize::from(lo);
                frame = Some((u32::from(precision), size(w1, w0), size(h1, h0)));
            }
            0xF8 => {
                if segment.first() != Some(&1) {
                    return Err("JPEG-LS mapping tables are not supported".into());
                }
                for (n, value) in preset.iter_mut().enumerate() {
                    *value = i32::try_from(word(at + 5 + 2 * n)?).unwrap_or(i32::MAX);
                }
            }
            0xDD if segment.iter().any(|&b| b != 0) => return Err("JPEG-LS restart intervals are not supported".into()),
            0xDA => {
                let &[1, _, _, near, _, _] = segment else {
                    return Err("the JPEG-LS scan header is not one for a grey image".into());
                };
                let (precision, width, height) = frame.ok_or("the JPEG-LS scan comes before its frame")?;
                if width == 0 || height == 0 {
                    return Err("the JPEG-LS image is empty".into());
                }
                let scan = &data[at + 2 + length..];
                if width * height / MAX_PIXELS_PER_BYTE > scan.len() {
                    return Err(format!("{width} x {height} pixels cannot come from {} bytes", scan.len()));
                }
                return Ok((Parameters::new(precision, width, height, i32::from(near), preset), scan));
            }
            _ => {}
        }
        at += 2 + length.max(2);
    }
}

impl Parameters {
    fn new(precision: u32, width: usize, height: usize, near: i32, preset: [i32; 5]) -> Self {
        let max_value = if preset[0] > 0 { preset[0] } else { (1 << precision) - 1 };
        let clamp = |value: i32, low: i32| if value > max_value || value < low { low } else { value };
        let defaults = if max_value >= 128 {
            let factor = (max_value.min(4095) + 128) / 256;
            [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
        } else {
            let factor = 256 / (max_value + 1);
            [2.max(3 / factor + 3 * near), 3.max(7 / factor + 5 * near), 4.max(21 / factor + 7 * near)]
        };
        let pick = |n: usize| if preset[n + 1] > 0 { preset[n + 1] } else { defaults[n] };
        let t1 = clamp(pick(0), near + 1);
        let t2 = clamp(pick(1), t1);
        let t3 = clamp(pick(2), t2);
        let reset = if preset[4] > 0 { preset[4] } else { 64 };
        Self { width, height, max_value, near, thresholds: [t1, t2, t3], reset }
    }
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    buffer: u64,
    available: u32,
    after_ff: bool,
    /// Zero bits made up beyond the end; a few are normal, many mean that the stream is cut.
    made_up: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.available <= 48 {
            let next = self.data.get(self.at).copied();
            let (value, width) = match next {
                Some(byte) if self.after_ff && byte >= 0x80 => (0, 0),
                Some(byte) if self.after_ff => (byte, 7),
                Some(byte) => (byte, 8),
                None => (0, 0),
            };
            if width == 0 {
                self.buffer <<= 8;
                self.available += 8;
                self.made_up += 8;
                continue;
            }
            self.at += 1;
            self.after_ff = value == 0xFF;
            self.buffer = self.buffer << width | u64::from(value);
            self.available += width;
        }
    }

    fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        if self.available < count {
            self.fill();
        }
        self.available -= count;
        let bits = self.buffer >> self.available & u64::from(u32::MAX >> (32 - count));
        u32::try_from(bits).unwrap_or(u32::MAX)
    }

    fn exhausted(&self) -> bool {
        self.made_up > self.available + 64
    }
}

struct Decoder<'a> {
    bits: Bits<'a>,
    near: i32,
    step: i32,
    range: i32,
    max_value: i32,
    quantised_bits: u32,
    limit: u32,
    reset: i32,
    thresholds: [i32; 3],
    a: Vec<i32>,
    b: Vec<i32>,
    c: Vec<i32>,
    n: Vec<i32>,
    negative_runs: [i32; 2],
    run_index: usize,
}

fn bits_for(values: i32) -> u32 {
    32 - (values - 1).max(0).leading_zeros()
}

impl<'a> Decoder<'a> {
    fn new(p: &Parameters, data: &'a [u8]) -> Self {
        let step = 2 * p.near + 1;
        let range = (p.max_value + 2 * p.near) / step + 1;
        let bits_per_pixel = bits_for(p.max_value + 1).max(2);
        let start = 2.max((range + 32) / 64);
        Self {
            bits: Bits { data, at: 0, buffer: 0, available: 0, after_ff: false, made_up: 0 },
            near: p.near,
            step,
            range,
            max_value: p.max_value,
            quantised_bits: bits_for(range),
            limit: 2 * (bits_per_pixel + bits_per_pixel.max(8)),
            reset: p.reset,
            thresholds: p.thresholds,
            a: vec![start; REGULAR_CONTEXTS + 2],
            b: vec![0; REGULAR_CONTEXTS],
            c: vec![0; REGULAR_CONTEXTS],
            n: vec![1; REGULAR_CONTEXTS + 2],
            negative_runs: [0; 2],
            run_index: 0,
        }
    }

    fn image(mut self, p: &Parameters) -> Result<Decoded, String> {
        let mut samples = Vec::with_capacity(p.width * p.height);
        // One sample of border on either side, as T.87 A.2.1 defines the missing neighbours.
        let mut previous = vec![0i32; p.width + 2];
        let mut current = vec![0i32; p.width + 2];
        for line in 0..p.height {
            previous[p.width + 1] = previous[p.width];
            current[0] = previous[1];
            self.line(&previous, &mut current, p.width);
            if self.bits.exhausted() {
                return Err(format!("the JPEG-LS stream ends in line {line} of {}", p.height));
            }
            samples.extend(current[1..=p.width].iter().map(|&v| u16::try_from(v).unwrap_or(u16::MAX)));
            std::mem::swap(&mut previous, &mut current);
        }
        Ok(Decoded { width: p.width, height: p.height, samples })
    }

    fn line(&mut self, previous: &[i32], current: &mut [i32], width: usize) {
        let mut x = 1;
        while x <= width {
            let (ra, rb, rc, rd) = (current[x - 1], previous[x], previous[x - 1], previous[x + 1]);
            let gradients = [rd - rb, rb - rc, rc - ra];
            if gradients.iter().all(|g| g.abs() <= self.near) {
                x = self.run(previous, current, x, width);
            } else {
                current[x] = self.regular(gradients, ra, rb, rc);
                x += 1;
            }
        }
    }

    fn quantise(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = gradient.abs();
        let level = match () {
            () if size <= self.near => 0,
            () if size < t1 => 1,
            () if size < t2 => 2,
            () if size < t3 => 3,
            () => 4,
        };
        if gradient < 0 { -level } else { level }
    }

    fn golomb_order(n: i32, a: i32) -> u32 {
        let mut k = 0;
        while k < 24 && (n << k) < a {
            k += 1;
        }
        k
    }

    /// Limited-length Golomb code (T.87 A.5.3).
    fn golomb(&mut self, k: u32, limit: u32) -> i32 {
        let mut zeros = 0;
        let longest = limit - self.quantised_bits - 1;
        while zeros < longest && self.bits.take(1) == 0 {
            zeros += 1;
        }
        if zeros < longest {
            (zeros << k | self.bits.take(k)).cast_signed()
        } else {
            // The unary part ends with its own one bit.
            self.bits.take(1);
            self.bits.take(self.quantised_bits).cast_signed() + 1
        }
    }

    fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let mut value = predicted + error * self.step;
        if value < -self.near {
            value += self.range * self.step;
        } else if value > self.max_value + self.near {
            value -= self.range * self.step;
        }
        value.clamp(0, self.max_value)
    }

    fn regular(&mut self, gradients: [i32; 3], ra: i32, rb: i32, rc: i32) -> i32 {
        let q = gradients.map(|g| self.quantise(g));
        let mut context = 81 * q[0] + 9 * q[1] + q[2];
        let sign = if context < 0 { -1 } else { 1 };
        context *= sign;
        let q = usize::try_from(context).unwrap_or(0);
        let median = if rc >= ra.max(rb) {
            ra.min(rb)
        } else if rc <= ra.min(rb) {
            ra.max(rb)
        } else {
            ra + rb - rc
        };
        let predicted = (median + sign * self.c[q]).clamp(0, self.max_value);
        let k = Self::golomb_order(self.n[q], self.a[q]);
        let mapped = self.golomb(k, self.limit);
        let turned = self.near == 0 && k == 0 && 2 * self.b[q] <= -self.n[q];
        let error = match (turned, mapped & 1 == 1) {
            (true, true) => (mapped - 1) / 2,
            (true, false) => -(mapped / 2) - 1,
            (false, false) => mapped / 2,
            (false, true) => -((mapped + 1) / 2),
        };
        self.update(q, error);
        self.reconstruct(predicted, sign * error)
    }

    fn update(&mut self, q: usize, error: i32) {
        self.b[q] += error * self.step;
        self.a[q] += error.abs();
        if self.n[q] == self.reset {
            self.a[q] >>= 1;
            self.b[q] = if self.b[q] >= 0 { self.b[q] >> 1 } else { -((1 - self.b[q]) >> 1) };
            self.n[q] >>= 1;
        }
        self.n[q] += 1;
        if self.b[q] <= -self.n[q] {
            self.b[q] = (self.b[q] + self.n[q]).max(1 - self.n[q]);
            self.c[q] = (self.c[q] - 1).max(-128);
        } else if self.b[q] > 0 {
            self.b[q] = (self.b[q] - self.n[q]).min(0);
            self.c[q] = (self.c[q] + 1).min(127);
        }
    }

    /// A run of the left neighbour's value, and the sample that ends it; returns the next position.
    fn run(&mut self, previous: &[i32], current: &mut [i32], start: usize, width: usize) -> usize {
        let ra = current[start - 1];
        let mut x = start;
        while self.bits.take(1) == 1 {
            let length = 1usize << RUN_ORDER[self.run_index];
            let end = (x + length).min(width + 1);
            current[x..end].fill(ra);
            if end - x == length {
                self.run_index = (self.run_index + 1).min(31);
            }
            x = end;
            if x > width {
                return x;
            }
        }
        let length = self.bits.take(RUN_ORDER[self.run_index]) as usize;
        let end = (x + length).min(width);
        current[x..end].fill(ra);
        x = end;
        current[x] = self.run_interruption(ra, previous[x]);
        self.run_index = self.run_index.saturating_sub(1);
        x + 1
    }

    fn run_interruption(&mut self, ra: i32, rb: i32) -> i32 {
        let kind = usize::from((ra - rb).abs() <= self.near);
        let q = REGULAR_CONTEXTS + kind;
        let predicted = if kind == 1 { ra } else { rb };
        let sign = if kind == 0 && ra > rb { -1 } else { 1 };
        let weight = if kind == 1 { self.a[q] + (self.n[q] >> 1) } else { self.a[q] };
        let k = Self::golomb_order(self.n[q], weight);
        let mapped = self.golomb(k, self.limit - RUN_ORDER[self.run_index] - 1);
        let value = mapped + i32::from(kind == 1);
        let odd = value & 1;
        let size = i32::midpoint(value, odd);
        let negative = (k != 0 || 2 * self.negative_runs[kind] >= self.n[q]) == (odd == 1);
        let error = if negative { -size } else { size };
        if error < 0 {
            self.negative_runs[kind] += 1;
        }
        self.a[q] += (mapped + 1 - i32::from(kind == 1)) >> 1;
        if self.n[q] == self.reset {
            self.a[q] >>= 1;
            self.n[q] >>= 1;
            self.negative_runs[kind] >>= 1;
        }
        self.n[q] += 1;
        self.reconstruct(predicted, sign * error)
    }
}
