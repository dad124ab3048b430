// A position's row and column. The position itself counts in its row only.

struct Params {
    count: u32,
    height: u32,
    width: u32,
    depth: u32,
    channels: u32,
    adds: u32,
}

@group(0) @binding(0) var<uniform> p: Params;

// Where a position of the cross lies: first its row, then its column without it.
fn seen(n: u32, row: u32, column: u32) -> u32 {
    if n < p.width {
        return row * p.width + n;
    }
    let down = n - p.width;
    return select(down + 1u, down, down < row) * p.width + column;
}

// The number of a position in the cross of another one, which lies in its own.
fn number_in(other_row: u32, other_column: u32, row: u32, column: u32) -> u32 {
    if other_row == row {
        return column;
    }
    return p.width + select(row - 1u, row, row < other_row);
}
