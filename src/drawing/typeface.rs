//! Outlines of letters from the program's own fonts: TrueType, as the OpenType specification describes `cmap`, `head`, `hhea`, `hmtx`, `loca`
//! and `glyf`.

/// Roboto: Latin, Greek, Cyrillic; all figures have one width.
pub const ROBOTO: &[u8] = include_bytes!("../../assets/fonts/Roboto-Regular.ttf");
/// Droid Sans Fallback: Chinese, Japanese, Korean.
pub const DROID: &[u8] = include_bytes!("../../assets/fonts/DroidSansFallback.ttf");

/// Parts of a letter that are letters themselves, one in another, at most.
const DEEPEST: usize = 4;
/// Straight pieces of a curve.
const PIECES: u8 = 6;

/// A closed line in font units, upwards positive.
pub type Outline = Vec<[f32; 2]>;

/// A font.
pub struct Typeface {
    bytes: &'static [u8],
    glyphs: usize,
    places: usize,
    long_places: bool,
    widths: usize,
    width_count: usize,
    map: CharacterMap,
    /// Font units in the height of a letter's body.
    pub units: f32,
    /// Height above the line of writing, in font units.
    pub ascent: f32,
    /// Depth below it, in font units; negative.
    pub descent: f32,
}

/// Where characters are looked up.
enum CharacterMap {
    /// Segments of the first 65536 characters.
    Segments(usize),
    /// Groups of all characters.
    Groups(usize),
}

impl Typeface {
    /// Reads where the parts of a font are; none where one is missing.
    pub fn of(bytes: &'static [u8]) -> Option<Self> {
        let count = usize::from(u16_at(bytes, 4)?);
        let table = |name: &[u8]| {
            let entry = (0..count).map(|n| 12 + 16 * n).find(|at| bytes.get(*at..at + 4) == Some(name))?;
            usize::try_from(u32_at(bytes, entry + 8)?).ok()
        };
        let (head, line) = (table(b"head")?, table(b"hhea")?);
        Some(Self {
            bytes,
            glyphs: table(b"glyf")?,
            places: table(b"loca")?,
            long_places: i16_at(bytes, head + 50)? != 0,
            widths: table(b"hmtx")?,
            width_count: usize::from(u16_at(bytes, line + 34)?),
            map: character_map(bytes, table(b"cmap")?)?,
            units: f32::from(u16_at(bytes, head + 18)?).max(1.0),
            ascent: f32::from(i16_at(bytes, line + 4)?),
            descent: f32::from(i16_at(bytes, line + 6)?),
        })
    }

    /// The number of a character's glyph; none where the font lacks it.
    pub fn glyph(&self, letter: char) -> Option<u16> {
        let code = u32::from(letter);
        let glyph = match self.map {
            CharacterMap::Segments(at) => self.in_segments(at, code),
            CharacterMap::Groups(at) => self.in_groups(at, code),
        };
        glyph.filter(|glyph| *glyph != 0)
    }

    fn in_segments(&self, at: usize, code: u32) -> Option<u16> {
        let code = u16::try_from(code).ok()?;
        let twice = usize::from(u16_at(self.bytes, at + 6)?);
        let of =
            |part: usize, n: usize| u16_at(self.bytes, at + 14 + part * twice + 2 * n + if part > 0 { 2 } else { 0 });
        let n = (0..twice / 2).find(|n| of(0, *n).is_some_and(|end| end >= code))?;
        let (start, delta, offset) = (of(1, n)?, of(2, n)?, of(3, n)?);
        if code < start {
            return None;
        }
        if offset == 0 {
            return Some(code.wrapping_add(delta));
        }
        // The offset counts from its own place.
        let own = at + 16 + 3 * twice + 2 * n;
        let glyph = u16_at(self.bytes, own + usize::from(offset) + 2 * usize::from(code - start))?;
        (glyph != 0).then(|| glyph.wrapping_add(delta))
    }

    fn in_groups(&self, at: usize, code: u32) -> Option<u16> {
        let count = usize::try_from(u32_at(self.bytes, at + 12)?).ok()?;
        let group = |n: usize| {
            let at = at + 16 + 12 * n;
            Some([u32_at(self.bytes, at)?, u32_at(self.bytes, at + 4)?, u32_at(self.bytes, at + 8)?])
        };
        let [first, _, glyph] =
            (0..count).filter_map(group).find(|[first, last, _]| (*first..=*last).contains(&code))?;
        u16::try_from(glyph + (code - first)).ok()
    }

    /// How far the next letter is, in font units.
    pub fn width(&self, glyph: u16) -> f32 {
        let n = usize::from(glyph).min(self.width_count.saturating_sub(1));
        u16_at(self.bytes, self.widths + 4 * n).map_or(0.0, f32::from)
    }

    /// The closed lines of a glyph.
    pub fn outlines(&self, glyph: u16) -> Vec<Outline> {
        let mut all = Vec::new();
        self.collect(glyph, DEEPEST, &mut all);
        all
    }

    fn place(&self, n: usize) -> Option<usize> {
        if self.long_places {
            return usize::try_from(u32_at(self.bytes, self.places + 4 * n)?).ok();
        }
        Some(2 * usize::from(u16_at(self.bytes, self.places + 2 * n)?))
    }

    fn collect(&self, glyph: u16, depth: usize, out: &mut Vec<Outline>) -> Option<()> {
        let n = usize::from(glyph);
        let (start, end) = (self.place(n)?, self.place(n + 1)?);
        if end <= start {
            return Some(());
        }
        let at = self.glyphs + start;
        match i16_at(self.bytes, at)? {
            count if count >= 0 => self.simple(at + 10, usize::try_from(count).ok()?, out),
            _ if depth == 0 => None,
            _ => self.composite(at + 10, depth, out),
        }
    }

    fn simple(&self, at: usize, count: usize, out: &mut Vec<Outline>) -> Option<()> {
        let ends: Vec<usize> =
            (0..count).map(|n| u16_at(self.bytes, at + 2 * n).map(usize::from)).collect::<Option<_>>()?;
        let points = ends.last().map_or(0, |last| last + 1);
        let mut at = at + 2 * count;
        at += 2 + usize::from(u16_at(self.bytes, at)?);
        let mut flags = Vec::with_capacity(points);
        while flags.len() < points {
            let flag = *self.bytes.get(at)?;
            at += 1;
            let mut times = 1;
            if flag & 8 != 0 {
                times += usize::from(*self.bytes.get(at)?);
                at += 1;
            }
            flags.resize((flags.len() + times).min(points), flag);
        }
        let mut read = |short: u8, same: u8| {
            let mut value = 0i32;
            let mut all = Vec::with_capacity(points);
            for flag in &flags {
                match (flag & short != 0, flag & same != 0) {
                    (true, is_positive) => {
                        let step = i32::from(*self.bytes.get(at)?);
                        value += if is_positive { step } else { -step };
                        at += 1;
                    }
                    (false, false) => {
                        value += i32::from(i16_at(self.bytes, at)?);
                        at += 2;
                    }
                    (false, true) => {}
                }
                all.push(value as f32);
            }
            Some(all)
        };
        let xs = read(2, 16)?;
        let ys = read(4, 32)?;
        let mut first = 0;
        for end in ends {
            let of = first..(end + 1).max(first);
            let points: Vec<([f32; 2], bool)> =
                of.filter_map(|n| Some(([*xs.get(n)?, *ys.get(n)?], flags.get(n)? & 1 != 0))).collect();
            out.push(flattened(&points));
            first = end + 1;
        }
        Some(())
    }

    fn composite(&self, mut at: usize, depth: usize, out: &mut Vec<Outline>) -> Option<()> {
        loop {
            let (flags, glyph) = (u16_at(self.bytes, at)?, u16_at(self.bytes, at + 2)?);
            at += 4;
            let shift = if flags & 1 != 0 {
                at += 4;
                [f32::from(i16_at(self.bytes, at - 4)?), f32::from(i16_at(self.bytes, at - 2)?)]
            } else {
                at += 2;
                let byte = |at: usize| self.bytes.get(at).map(|byte| f32::from(byte.cast_signed()));
                [byte(at - 2)?, byte(at - 1)?]
            };
            // Only letters that are moved are in these fonts; scales are read and used, turns are not.
            let scale_at = |at: usize| i16_at(self.bytes, at).map(|value| f32::from(value) / 16_384.0);
            let scale = if flags & 8 != 0 {
                at += 2;
                [scale_at(at - 2)?; 2]
            } else if flags & 0x40 != 0 {
                at += 4;
                [scale_at(at - 4)?, scale_at(at - 2)?]
            } else if flags & 0x80 != 0 {
                at += 8;
                [scale_at(at - 8)?, scale_at(at - 2)?]
            } else {
                [1.0; 2]
            };
            let mut part = Vec::new();
            self.collect(glyph, depth - 1, &mut part)?;
            for outline in &mut part {
                for point in outline {
                    *point = [0, 1].map(|axis| point[axis] * scale[axis] + shift[axis]);
                }
            }
            out.append(&mut part);
            if flags & 0x20 == 0 {
                return Some(());
            }
        }
    }
}

/// A line of points on it and of points that pull it, as straight pieces.
fn flattened(points: &[([f32; 2], bool)]) -> Outline {
    let middle = |a: [f32; 2], b: [f32; 2]| [0, 1].map(|axis| f32::midpoint(a[axis], b[axis]));
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return Vec::new() };
    let start = match (first, last) {
        ((at, true), _) | (_, (at, true)) => at,
        ((a, false), (b, false)) => middle(a, b),
    };
    let mut line = vec![start];
    let (mut from, mut pull): ([f32; 2], Option<[f32; 2]>) = (start, None);
    let mut curve =
        |from: [f32; 2], pull: Option<[f32; 2]>, to: [f32; 2]| {
            let Some(pull) = pull else {
                line.push(to);
                return;
            };
            for n in 1..=PIECES {
                let t = f32::from(n) / f32::from(PIECES);
                line.push([0, 1].map(|axis| {
                    (1.0 - t).powi(2) * from[axis] + 2.0 * t * (1.0 - t) * pull[axis] + t.powi(2) * to[axis]
                }));
            }
        };
    for &(at, is_on) in points {
        match (is_on, pull) {
            (true, _) => {
                curve(from, pull.take(), at);
                from = at;
            }
            (false, None) => pull = Some(at),
            (false, Some(before)) => {
                let to = middle(before, at);
                curve(from, Some(before), to);
                (from, pull) = (to, Some(at));
            }
        }
    }
    curve(from, pull, start);
    line
}

/// The best table of characters that can be read.
fn character_map(bytes: &[u8], at: usize) -> Option<CharacterMap> {
    let count = usize::from(u16_at(bytes, at + 2)?);
    let tables: Vec<usize> =
        (0..count).filter_map(|n| Some(at + usize::try_from(u32_at(bytes, at + 8 + 8 * n)?).ok()?)).collect();
    let of_form = |form: u16| tables.iter().copied().find(|at| u16_at(bytes, *at) == Some(form));
    of_form(12).map(CharacterMap::Groups).or_else(|| of_form(4).map(CharacterMap::Segments))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    u16_at(bytes, at).map(u16::cast_signed)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The area that lines enclose, holes taken off.
    fn area(outlines: &[Outline]) -> f32 {
        let one = |line: &Outline| {
            let next = line.iter().cycle().skip(1);
            line.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f32>() / 2.0
        };
        outlines.iter().map(one).sum::<f32>().abs()
    }

    #[test]
    fn letters_have_their_outlines() {
        let roboto = Typeface::of(ROBOTO).unwrap();
        assert_eq!(roboto.units, 2048.0);
        let lines = |letter| roboto.outlines(roboto.glyph(letter).unwrap());
        // One line, a hole, two holes, a dot.
        assert_eq!(['l', 'o', 'B', 'i', '\u{e4}', '8'].map(|letter| lines(letter).len()), [1, 2, 3, 2, 4, 3]);
        // A stem of a rectangle: exactly its height by its width.
        let stem = lines('l').remove(0);
        let extent = |axis: usize| {
            let at = stem.iter().map(|point| point[axis]);
            at.clone().fold(f32::MIN, f32::max) - at.fold(f32::MAX, f32::min)
        };
        assert_eq!(area(std::slice::from_ref(&stem)), extent(0) * extent(1));
        let figures: Vec<f32> = ('0'..='9').map(|figure| roboto.width(roboto.glyph(figure).unwrap())).collect();
        assert!(figures.iter().all(|width| *width == figures[0]), "{figures:?}");
        assert!(roboto.glyph('\u{809d}').is_none());
    }

    #[test]
    fn the_other_font_has_what_the_first_lacks() {
        let droid = Typeface::of(DROID).unwrap();
        // Liver, in Chinese.
        for letter in ['\u{809d}', '\u{810f}'] {
            let lines = droid.outlines(droid.glyph(letter).unwrap());
            assert!(!lines.is_empty() && area(&lines) > 0.0);
        }
    }
}
