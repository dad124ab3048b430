// A step of a parameter down its gradient and along its momentum buffer, by their shares.

struct Params {
    count: u32,
    clip: f32,
    decay: f32,
    rate: f32,
    of_gradient: f32,
    of_buffer: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> buffer: array<f32>;

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
    let g = gradient[i] * p.clip + p.decay * y[i];
    y[i] -= p.rate * (p.of_gradient * g + p.of_buffer * buffer[i]);
}
