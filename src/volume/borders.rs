//! Outlines of labels on voxel borders.

use super::label_map::LabelValue;

/// A run of voxel borders: start and end in pixels of the slice, and the label it belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    /// Column and row of the start.
    pub from: [f32; 2],
    /// Column and row of the end.
    pub to: [f32; 2],
    /// The label on the lit side.
    pub label: LabelValue,
}

/// Borders between different labels; runs of one label are joined.
pub fn borders(labels: &[LabelValue], columns: usize, rows: usize) -> Vec<Border> {
    let at = |column: usize, row: usize| -> LabelValue {
        // One beyond the right or lower edge wraps to "nothing" on purpose.
        if column < columns && row < rows { labels[row * columns + column] } else { 0 }
    };
    let mut found = Vec::new();
    let mut scan = |horizontal: bool| {
        let (lines, length) = if horizontal { (rows, columns) } else { (columns, rows) };
        for line in 0..=lines {
            let mut run: Option<(usize, LabelValue)> = None;
            for n in 0..=length {
                let label = if n == length {
                    0
                } else {
                    let pick = |l: usize| if horizontal { at(n, l) } else { at(l, n) };
                    let before = if line > 0 { pick(line - 1) } else { 0 };
                    let after = pick(line);
                    match (before, after) {
                        (a, b) if a == b => 0,
                        (a, 0) => a,
                        (_, b) => b,
                    }
                };
                if let Some((start, current)) = run.take_if(|(_, current)| *current != label) {
                    let point = |n: usize| if horizontal { [n as f32, line as f32] } else { [line as f32, n as f32] };
                    found.push(Border { from: point(start), to: point(n), label: current });
                }
                if run.is_none() && label != 0 {
                    run = Some((n, label));
                }
            }
        }
    };
    scan(true);
    scan(false);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_four_borders_on_its_edges() {
        #[rustfmt::skip]
        let labels = [
            0, 0, 0, 0,
            0, 2, 2, 0,
            0, 2, 2, 0,
        ];
        let found = borders(&labels, 4, 3);
        let border = |from: [f32; 2], to: [f32; 2]| Border { from, to, label: 2 };
        assert_eq!(
            found,
            [
                border([1.0, 1.0], [3.0, 1.0]),
                border([1.0, 3.0], [3.0, 3.0]),
                border([1.0, 1.0], [1.0, 3.0]),
                border([3.0, 1.0], [3.0, 3.0]),
            ]
        );
    }
}
