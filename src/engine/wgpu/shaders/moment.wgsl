// A step of what an optimiser remembers: the kept share of it, and a share of the gradient or its square. SQUARE stands before this.

struct Params {
    count: u32,
    clip: f32,
    decay: f32,
    kept: f32,
    added: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> value: array<f32>;

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
    var g = gradient[i] * p.clip + p.decay * value[i];
    if SQUARE {
        g = g * g;
    }
    y[i] = p.kept * y[i] + p.added * g;
}
