//! Damage of files, the same in every run.

/// Numbers that lengths, counts and offsets are wrongly.
const ODD: [u64; 12] =
    [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF];

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// The `n`th damaged version of a file: one to four bits, bytes, numbers, runs or digits are others, doubled or gone, or it is cut.
pub fn mutated(bytes: &[u8], n: u64) -> Vec<u8> {
    let mut chance = Chance(n.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ bytes.len() as u64);
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        change(&mut bytes, &mut chance);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    match chance.below(8) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (n_bits(chance))),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = chance.next() as u8),
        2 | 3 => {
            let value = ODD[chance.below(ODD.len())];
            let width = [1, 2, 4, 8][chance.below(4)];
            let number = if chance.below(2) == 0 {
                value.to_le_bytes()
            } else {
                value.rotate_right(8 * width as u32).to_be_bytes()
            };
            bytes.iter_mut().skip(at).zip(number.into_iter().take(width)).for_each(|(byte, new)| *byte = new);
        }
        4 => bytes.truncate(at),
        5 => drop(bytes.drain(at..(at + 1 + chance.below(16)).min(bytes.len()))),
        6 => {
            let run = bytes[at.min(bytes.len())..(at + 1 + chance.below(32)).min(bytes.len())].to_vec();
            let to = chance.below(bytes.len());
            bytes.splice(to..to, run);
        }
        _ => {
            // Numbers in texts grow.
            let digits: Vec<usize> = (0..bytes.len()).filter(|&n| bytes[n].is_ascii_digit()).collect();
            if let Some(&at) = digits.get(chance.below(digits.len())) {
                let new: &[u8] = [&b"99999999999999999999"[..], b"-1", b"0", b"1e999", b"4294967296"][chance.below(5)];
                bytes.splice(at..=at, new.iter().copied());
            }
        }
    }
}

fn n_bits(chance: &mut Chance) -> u32 {
    chance.below(8) as u32
}
