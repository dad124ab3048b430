// Normalised values, scaled and shifted. AFFINE stands before this.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> moments: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> shift: array<f32>;

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
    let of_set = moments[set_of(i)];
    let even = (x[i] - of_set.x) * of_set.y;
    if AFFINE {
        let channel = i / p.positions % p.channels;
        y[i] = even * scale[channel] + shift[channel];
    } else {
        y[i] = even;
    }
}
