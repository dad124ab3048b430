// Gradient of max pooling: every value gathers from the windows whose first largest value it is.

struct Params {
    adds: u32,
    count: u32,
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    kernel_h: u32,
    kernel_w: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;

// The first largest value of a window, within its map.
fn largest_of(plane: u32, row: u32, column: u32) -> u32 {
    let top = row * p.stride_h;
    let side = column * p.stride_w;
    let first_row = max(top, p.padding_h) - p.padding_h;
    let first_column = max(side, p.padding_w) - p.padding_w;
    let end_row = min(top + p.kernel_h, p.height + p.padding_h) - p.padding_h;
    let end_column = min(side + p.kernel_w, p.width + p.padding_w) - p.padding_w;
    var best = first_row * p.width + first_column;
    var most = x[plane + best];
    for (var r = first_row; r < end_row; r++) {
        for (var c = first_column; c < end_column; c++) {
            let value = x[plane + r * p.width + c];
            if value > most {
                most = value;
                best = r * p.width + c;
            }
        }
    }
    return best;
}

// The first window of an axis that holds a position, counted with the border.
fn first_window(at: u32, kernel: u32, stride: u32) -> u32 {
    return select((at + stride - kernel) / stride, 0u, at < kernel);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = number(group, groups) * 64u + local;
    if i >= p.count {
        return;
    }
    let size = p.height * p.width;
    let own = i % size;
    let plane = i / size;
    let at_row = own / p.width + p.padding_h;
    let at_column = own % p.width + p.padding_w;
    let last_row = min(at_row / p.stride_h + 1u, p.out_height);
    let last_column = min(at_column / p.stride_w + 1u, p.out_width);
    var sum = 0.0;
    for (var row = first_window(at_row, p.kernel_h, p.stride_h); row < last_row; row++) {
        for (var column = first_window(at_column, p.kernel_w, p.stride_w); column < last_column; column++) {
            if largest_of(plane * size, row, column) == own {
                sum += gradient[(plane * p.out_height + row) * p.out_width + column];
            }
        }
    }
    store(i, sum);
}
