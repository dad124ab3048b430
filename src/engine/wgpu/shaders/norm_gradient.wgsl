// Gradient of what a normalisation is given. AFFINE stands before this, and FIXED: the moments are not the values' own.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> moments: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gradient: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read> means: array<vec2<f32>>;

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
    let which = set_of(i);
    let of_set = moments[which];
    var g = gradient[i];
    if AFFINE {
        g *= scale[i / p.positions % p.channels];
    }
    if !FIXED {
        g -= means[which].x + (x[i] - of_set.x) * of_set.y * means[which].y;
    }
    store(i, g * of_set.y);
}
