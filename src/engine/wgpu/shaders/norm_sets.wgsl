// Instance and group norm: a group of 256 threads takes the moments of one set and writes it.

struct Params {
    finish_a: f32,
    finish_b: f32,
    sets: u32,
    size: u32,
    positions: u32,
    set_channels: u32,
    channels: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> shift: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let which = number(group, groups);
    if which >= p.sets {
        return;
    }
    let start = which * p.size;
    var sum = 0.0;
    for (var n = local; n < p.size; n += 256u) {
        sum += x[start + n];
    }
    let mean = total(local, sum) / f32(p.size);
    var squares = 0.0;
    for (var n = local; n < p.size; n += 256u) {
        let off = x[start + n] - mean;
        squares += off * off;
    }
    let variance = total(local, squares) / f32(p.size);
    let inverse = 1.0 / sqrt(variance + p.eps);
    let first_channel = which * p.set_channels % p.channels;
    for (var n = local; n < p.size; n += 256u) {
        let channel = first_channel + n / p.positions;
        y[start + n] = finish((x[start + n] - mean) * inverse * scale[channel] + shift[channel]);
    }
}
