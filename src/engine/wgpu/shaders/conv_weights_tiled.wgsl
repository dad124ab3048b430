// Gradient of a convolution's weights as a product of matrices: rows are channels of the map on whose grid the kernel stands
// (`fixed`), columns channels times taps of the one that it looks at (`seen`), the depth is the positions of all images, of which a
// group takes one part. A group of 64 threads makes 32 x 64 sums; each keeps 4 x 8. KERNEL_H and KERNEL_W stand before this.

struct Params {
    count: u32,
    fixed_channels: u32,
    seen_channels: u32,
    rows: u32,
    group_seen: u32,
    columns: u32,
    row_tiles: u32,
    grid_width: u32,
    positions: u32,
    depth: u32,
    part: u32,
    height: u32,
    width: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
    dilation_h: u32,
    dilation_w: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> fixed: array<f32>;
@group(0) @binding(3) var<storage, read> seen: array<f32>;

struct Columns {
    // Rows and columns that the taps are away from a position of the grid.
    down: vec4<i32>,
    along: vec4<i32>,
    channel: vec4<u32>,
    there: vec4<bool>,
}

fn of_fixed(image: u32, position: u32, channel: u32, there: bool) -> f32 {
    let at = (image * p.fixed_channels + channel) * p.positions + position;
    return select(0.0, fixed[select(0u, at, there)], there);
}

fn gathered(columns: Columns, image: u32, position: u32, there: bool) -> vec4<f32> {
    let row = columns.down + i32(position / p.grid_width * p.stride_h);
    let column = columns.along + i32(position % p.grid_width * p.stride_w);
    let is_row = (row >= vec4(0)) & (row < vec4(i32(p.height)));
    let is_column = (column >= vec4(0)) & (column < vec4(i32(p.width)));
    let inside = is_row & is_column & columns.there & vec4(there);
    let plane = columns.channel + image * p.seen_channels;
    let at = (plane * p.height + vec4<u32>(row)) * p.width + vec4<u32>(column);
    let safe = select(vec4(0u), at, inside);
    return select(vec4(0.0), vec4(seen[safe.x], seen[safe.y], seen[safe.z], seen[safe.w]), inside);
}

fn put(start: u32, row: u32, column: u32, sums: vec4<f32>) {
    if row >= p.rows {
        return;
    }
    for (var n = 0u; n < 4u; n++) {
        if column + n < p.columns {
            y[start + row * p.columns + column + n] = sums[n];
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) place: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let group = place.y / p.row_tiles;
    let first_row = place.y % p.row_tiles * ROWS;
    let first_column = place.x * COLUMNS;

    // What this thread brings: four columns, and four rows of every eighth position.
    let column = vec4(first_column + local % 16u * 4u) + vec4(0u, 1u, 2u, 3u);
    let tap = column % (KERNEL_H * KERNEL_W);
    var columns: Columns;
    columns.down = vec4<i32>(tap / KERNEL_W * p.dilation_h) - i32(p.padding_h);
    columns.along = vec4<i32>(tap % KERNEL_W * p.dilation_w) - i32(p.padding_w);
    columns.channel = column / (KERNEL_H * KERNEL_W) + group * p.group_seen;
    columns.there = column < vec4(p.columns);
    let first_fixed = first_row + local % 8u * 4u;

    let down = local / 8u;
    let along = local % 8u;
    TILE_SUMS
    let begin = place.z * p.part;
    let end = min(begin + p.part, p.depth);
    for (var start = begin; start < end; start += DEPTH) {
        for (var n = local / 8u; n < DEPTH; n += 8u) {
            let k = start + n;
            let there = k < end;
            let image = k / p.positions;
            let position = k % p.positions;
            let channel = group * p.rows + first_fixed;
            left[n * 8u + local % 8u] = vec4(
                of_fixed(image, position, channel, there && first_fixed < p.rows),
                of_fixed(image, position, channel + 1u, there && first_fixed + 1u < p.rows),
                of_fixed(image, position, channel + 2u, there && first_fixed + 2u < p.rows),
                of_fixed(image, position, channel + 3u, there && first_fixed + 3u < p.rows),
            );
        }
        for (var n = local / 16u; n < DEPTH; n += 4u) {
            let k = start + n;
            right[n * 16u + local % 16u] = gathered(columns, k / p.positions, k % p.positions, k < end);
        }
        workgroupBarrier();
        TILE_PRODUCT
        workgroupBarrier();
    }
    let to = place.z * p.count + group * p.rows * p.columns;
    let row = first_row + down * 4u;
    let across = first_column + along * 8u;
    put(to, row, across, s0a);
    put(to, row, across + 4u, s0b);
    put(to, row + 1u, across, s1a);
    put(to, row + 1u, across + 4u, s1b);
    put(to, row + 2u, across, s2a);
    put(to, row + 2u, across + 4u, s2b);
    put(to, row + 3u, across, s3a);
    put(to, row + 3u, across + 4u, s3b);
}
