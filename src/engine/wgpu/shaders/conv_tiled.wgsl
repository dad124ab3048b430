// Convolution as a product of matrices: rows are output channels, columns the output positions of all images, the depth is input
// channels times taps, gathered on the way. A group of 64 threads makes 32 x 64 values; each keeps 4 x 8 sums.
// KERNEL_H, KERNEL_W and SCATTER stand before this. With SCATTER rows are output channels times taps that lie side by side, and
// columns are input positions: a transposed convolution whose stride is its kernel. SPREAD_H and SPREAD_W stand before this too: a
// map's neighbours count as so many positions apart, with zeros between them, which makes it any transposed convolution.

struct Params {
    finish_a: f32,
    finish_b: f32,
    channels: u32,
    height: u32,
    width: u32,
    grid_width: u32,
    positions: u32,
    columns: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
    dilation_h: u32,
    dilation_w: u32,
    group_channels: u32,
    rows: u32,
    padded_rows: u32,
    depth: u32,
    padded_depth: u32,
    out_channels: u32,
    taps_h: u32,
    taps_w: u32,
    adds: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [group][depth][row], padded with zeros.
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;

struct Columns {
    top: vec4<i32>,
    side: vec4<i32>,
    base: vec4<u32>,
    there: vec4<bool>,
}

fn gathered(columns: Columns, k: u32) -> vec4<f32> {
    let channel = k / (KERNEL_H * KERNEL_W);
    let tap = k % (KERNEL_H * KERNEL_W);
    let down = columns.top + i32(tap / KERNEL_W * p.dilation_h);
    let along = columns.side + i32(tap % KERNEL_W * p.dilation_w);
    let row = down / SPREAD_H;
    let column = along / SPREAD_W;
    let is_row = (down >= vec4(0)) & (row * SPREAD_H == down) & (row < vec4(i32(p.height)));
    let is_column = (along >= vec4(0)) & (column * SPREAD_W == along) & (column < vec4(i32(p.width)));
    let inside = is_row & is_column & columns.there & vec4(k < p.depth);
    let at = columns.base + (channel * p.height + vec4<u32>(row)) * p.width + vec4<u32>(column);
    let safe = select(vec4(0u), at, inside);
    return select(vec4(0.0), vec4(x[safe.x], x[safe.y], x[safe.z], x[safe.w]), inside);
}

fn put(group: u32, first_row: u32, column: u32, sums: vec4<f32>) {
    if column >= p.columns {
        return;
    }
    let image = column / p.positions;
    let position = column % p.positions;
    for (var n = 0u; n < 4u; n++) {
        let row = first_row + n;
        if row < p.rows {
            if SCATTER {
                let taps = p.taps_h * p.taps_w;
                let channel = group * (p.rows / taps) + row / taps;
                let tap = row % taps;
                let line = position / p.grid_width * p.taps_h + tap / p.taps_w;
                let along = position % p.grid_width * p.taps_w + tap % p.taps_w;
                let plane = image * p.out_channels + channel;
                let out_width = p.grid_width * p.taps_w;
                store(plane * p.positions * taps + line * out_width + along, finish(sums[n] + constant(channel)));
            } else {
                let channel = group * p.rows + row;
                store((image * p.out_channels + channel) * p.positions + position, finish(sums[n] + constant(channel)));
            }
        }
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) place: vec3<u32>,
    @builtin(num_workgroups) places: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tile = place.x + place.z * places.x;
    if tile * COLUMNS >= p.columns {
        return;
    }
    let row_tiles = p.padded_rows / ROWS;
    let group = place.y / row_tiles;
    let first_row = place.y % row_tiles * ROWS;
    let first_column = tile * COLUMNS;

    // The four columns that this thread brings, of every fourth line of the depth.
    let quad = local % 16u;
    let line = local / 16u;
    let column = vec4(first_column + quad * 4u) + vec4(0u, 1u, 2u, 3u);
    let position = column % p.positions;
    var columns: Columns;
    columns.top = vec4<i32>(position / p.grid_width * p.stride_h) - i32(p.padding_h);
    columns.side = vec4<i32>(position % p.grid_width * p.stride_w) - i32(p.padding_w);
    columns.base = (column / p.positions * p.channels + group * p.group_channels) * (p.height * p.width);
    columns.there = column < vec4(p.columns);

    // The 4 x 8 sums of this thread.
    let down = local / 8u;
    let along = local % 8u;
    TILE_SUMS
    for (var start = 0u; start < p.padded_depth; start += DEPTH) {
        let of_weights = ((group * p.padded_depth + start) * p.padded_rows + first_row) / 4u;
        for (var n = local; n < 128u; n += 64u) {
            left[n] = weights[of_weights + n / 8u * (p.padded_rows / 4u) + n % 8u];
        }
        for (var n = line; n < DEPTH; n += 4u) {
            right[n * 16u + quad] = gathered(columns, start + n);
        }
        workgroupBarrier();
        TILE_PRODUCT
        workgroupBarrier();
    }
    let row = first_row + down * 4u;
    let start = first_column + along * 8u;
    put(group, row, start, vec4(s0a.x, s1a.x, s2a.x, s3a.x));
    put(group, row, start + 1u, vec4(s0a.y, s1a.y, s2a.y, s3a.y));
    put(group, row, start + 2u, vec4(s0a.z, s1a.z, s2a.z, s3a.z));
    put(group, row, start + 3u, vec4(s0a.w, s1a.w, s2a.w, s3a.w));
    put(group, row, start + 4u, vec4(s0b.x, s1b.x, s2b.x, s3b.x));
    put(group, row, start + 5u, vec4(s0b.y, s1b.y, s2b.y, s3b.y));
    put(group, row, start + 6u, vec4(s0b.z, s1b.z, s2b.z, s3b.z));
    put(group, row, start + 7u, vec4(s0b.w, s1b.w, s2b.w, s3b.w));
}
