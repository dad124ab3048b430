// Products of matrices with any strides, one for each image. A group of 64 threads makes 32 x 64 values; each keeps 4 x 8 sums.

struct Params {
    rows: u32,
    columns: u32,
    depth: u32,
    factor: f32,
    left_start: u32,
    left_image: u32,
    left_row: u32,
    left_depth: u32,
    right_start: u32,
    right_image: u32,
    right_depth: u32,
    right_column: u32,
    out_start: u32,
    out_image: u32,
    out_row: u32,
    adds: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;

fn of_left(image: u32, row: u32, k: u32) -> f32 {
    let inside = row < p.rows && k < p.depth;
    let at = p.left_start + image * p.left_image + row * p.left_row + k * p.left_depth;
    return select(0.0, a[select(0u, at, inside)], inside);
}

fn of_right(image: u32, k: u32, column: u32) -> f32 {
    let inside = column < p.columns && k < p.depth;
    let at = p.right_start + image * p.right_image + k * p.right_depth + column * p.right_column;
    return select(0.0, b[select(0u, at, inside)], inside);
}

fn put(image: u32, row: u32, column: u32, sums: vec4<f32>) {
    if row >= p.rows {
        return;
    }
    let start = p.out_start + image * p.out_image + row * p.out_row;
    for (var n = 0u; n < 4u; n++) {
        if column + n < p.columns {
            store(start + column + n, p.factor * sums[n]);
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) place: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let image = place.z;
    let first_row = place.y * ROWS;
    let first_column = place.x * COLUMNS;
    let down = local / 8u;
    let along = local % 8u;
    TILE_SUMS
    for (var start = 0u; start < p.depth; start += DEPTH) {
        for (var n = local; n < 128u; n += 64u) {
            let row = first_row + n % 8u * 4u;
            let k = start + n / 8u;
            left[n] = vec4(
                of_left(image, row, k),
                of_left(image, row + 1u, k),
                of_left(image, row + 2u, k),
                of_left(image, row + 3u, k),
            );
        }
        for (var n = local; n < 256u; n += 64u) {
            let column = first_column + n % 16u * 4u;
            let k = start + n / 16u;
            right[n] = vec4(
                of_right(image, k, column),
                of_right(image, k, column + 1u),
                of_right(image, k, column + 2u),
                of_right(image, k, column + 3u),
            );
        }
        workgroupBarrier();
        TILE_PRODUCT
        workgroupBarrier();
    }
    let row = first_row + down * 4u;
    let column = first_column + along * 8u;
    put(image, row, column, s0a);
    put(image, row, column + 4u, s0b);
    put(image, row + 1u, column, s1a);
    put(image, row + 1u, column + 4u, s1b);
    put(image, row + 2u, column, s2a);
    put(image, row + 2u, column + 4u, s2b);
    put(image, row + 3u, column, s3a);
    put(image, row + 3u, column + 4u, s3b);
}
