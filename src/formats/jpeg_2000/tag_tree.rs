//! Tag trees: numbers of a grid of code blocks, coded together (ISO/IEC 15444-1 section B.10.2).

use super::bits::Bits;

#[derive(Clone, Copy)]
struct Node {
    value: u32,
    /// The value is at least this.
    least: u32,
}

pub struct TagTree {
    /// Width of each level, leaves first, with the place of its first node.
    levels: Vec<(usize, usize)>,
    nodes: Vec<Node>,
}

impl TagTree {
    pub fn new(mut width: usize, mut height: usize) -> Self {
        let (mut levels, mut count) = (Vec::new(), 0);
        if width * height > 0 {
            loop {
                levels.push((width, count));
                count += width * height;
                if width * height == 1 {
                    break;
                }
                (width, height) = (width.div_ceil(2), height.div_ceil(2));
            }
        }
        Self { levels, nodes: vec![Node { value: u32::MAX, least: 0 }; count] }
    }

    /// Reads on until it is known whether the number at this place is below the threshold.
    pub fn is_below(&mut self, bits: &mut Bits, [x, y]: [usize; 2], threshold: u32) -> Option<bool> {
        let mut least = 0;
        let mut value = u32::MAX;
        for (level, &(width, start)) in self.levels.iter().enumerate().rev() {
            let node = self.nodes.get_mut(start + (y >> level) * width + (x >> level))?;
            least = node.least.max(least);
            while least < threshold && least < node.value {
                if bits.bit()? == 1 {
                    node.value = least;
                } else {
                    least += 1;
                }
            }
            node.least = least;
            value = node.value;
        }
        Some(value < threshold)
    }
}
