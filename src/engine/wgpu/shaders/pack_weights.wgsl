// Weights of a convolution as `[group][depth][row]`, filled up with zeros, for the tiled product: of the convolution itself, or of its
// transpose.

struct Params {
    count: u32,
    rows: u32,
    padded_rows: u32,
    depth: u32,
    padded_depth: u32,
    taps: u32,
    weight_group: u32,
    weight_row: u32,
    weight_channel: u32,
    flipped: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;

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
    let row = i % p.padded_rows;
    let k = i / p.padded_rows % p.padded_depth;
    let of_group = i / (p.padded_rows * p.padded_depth);
    if row < p.rows && k < p.depth {
        let tap = select(k % p.taps, p.taps - 1u - k % p.taps, p.flipped != 0u);
        y[i] = weights[of_group * p.weight_group + row * p.weight_row + k / p.taps * p.weight_channel + tap];
    } else {
        y[i] = 0.0;
    }
}
