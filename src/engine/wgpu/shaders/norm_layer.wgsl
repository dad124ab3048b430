// Norm over the channels of every position.

struct Params {
    finish_a: f32,
    finish_b: f32,
    count: u32,
    channels: u32,
    positions: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;

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
    let start = i / p.positions * p.channels * p.positions + i % p.positions;
    var sum = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        sum += x[start + c * p.positions];
    }
    let mean = sum / f32(p.channels);
    var squares = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let off = x[start + c * p.positions] - mean;
        squares += off * off;
    }
    let inverse = 1.0 / sqrt(squares / f32(p.channels) + p.eps);
    for (var c = 0u; c < p.channels; c++) {
        let at = start + c * p.positions;
        y[at] = finish((x[at] - mean) * inverse * scale[c] + shift[c]);
    }
}
