//! Distances to the border of a mask, and its connected parts.

/// The distance of every pixel of `[rows, columns]` to the nearest one for which `is_inside` is false, 0 there: chamfer distances (Borgefors
/// 1986), a few percent too long. What lies beyond the picture counts as inside.
pub fn depth([rows, columns]: [usize; 2], is_inside: impl Fn(usize) -> bool) -> Vec<f32> {
    const FAR: f32 = 1e6;
    let mut depth: Vec<f32> = (0..rows * columns).map(|at| if is_inside(at) { FAR } else { 0.0 }).collect();
    let diagonal = std::f32::consts::SQRT_2;
    for row in 0..rows {
        for column in 0..columns {
            let at = row * columns + column;
            let mut best = depth[at];
            if column > 0 {
                best = best.min(depth[at - 1] + 1.0);
            }
            if row > 0 {
                best = best.min(depth[at - columns] + 1.0);
                if column > 0 {
                    best = best.min(depth[at - columns - 1] + diagonal);
                }
                if column + 1 < columns {
                    best = best.min(depth[at - columns + 1] + diagonal);
                }
            }
            depth[at] = best;
        }
    }
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let at = row * columns + column;
            let mut best = depth[at];
            if column + 1 < columns {
                best = best.min(depth[at + 1] + 1.0);
            }
            if row + 1 < rows {
                best = best.min(depth[at + columns] + 1.0);
                if column > 0 {
                    best = best.min(depth[at + columns - 1] + diagonal);
                }
                if column + 1 < columns {
                    best = best.min(depth[at + columns + 1] + diagonal);
                }
            }
            depth[at] = best;
        }
    }
    depth
}

/// The connected parts of a mask (also over corners): for every pixel the number of its part from 1, and the pixels of each.
pub fn parts([rows, columns]: [usize; 2], mask: &[bool]) -> (Vec<u16>, Vec<Vec<u32>>) {
    let mut part_of = vec![0u16; mask.len()];
    let mut parts: Vec<Vec<u32>> = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || part_of[start] != 0 || parts.len() >= usize::from(u16::MAX) {
            continue;
        }
        let number = parts.len() as u16 + 1;
        let mut pixels = vec![start as u32];
        part_of[start] = number;
        let mut next = 0;
        while let Some(&at) = pixels.get(next) {
            next += 1;
            let (row, column) = (at as usize / columns, at as usize % columns);
            for near_row in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                for near_column in column.saturating_sub(1)..=(column + 1).min(columns - 1) {
                    let near = near_row * columns + near_column;
                    if mask[near] && part_of[near] == 0 {
                        part_of[near] = number;
                        pixels.push(near as u32);
                    }
                }
            }
        }
        parts.push(pixels);
    }
    (part_of, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_grow_from_the_border_and_parts_are_told_apart() {
        let size = [9, 20];
        let mask: Vec<bool> =
            (0..180).map(|n| (1..8).contains(&(n / 20)) && !matches!(n % 20, 0 | 9 | 10 | 19)).collect();
        let depth = depth(size, |at| mask[at]);
        assert_eq!((depth[4 * 20 + 4], depth[20 + 4], depth[4]), (4.0, 1.0, 0.0));
        let (part_of, parts) = parts(size, &mask);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [56, 56]);
        assert_eq!((part_of[4 * 20 + 4], part_of[4 * 20 + 14], part_of[0]), (1, 2, 0));
    }
}
