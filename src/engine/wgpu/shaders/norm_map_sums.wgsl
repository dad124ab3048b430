// Of every map (an image's channel) the sums of its gradient, and of that times the normalised values: a group of 256 threads makes
// one.

@group(0) @binding(1) var<storage, read_write> y: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> moments: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gradient: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let map = number(group, groups);
    if map >= p.count {
        return;
    }
    var plain = 0.0;
    var weighted = 0.0;
    for (var n = local; n < p.positions; n += 256u) {
        let i = map * p.positions + n;
        let of_set = moments[set_of(i)];
        plain += gradient[i];
        weighted += gradient[i] * (x[i] - of_set.x) * of_set.y;
    }
    plain = total(local, plain);
    weighted = total(local, weighted);
    if local == 0u {
        y[map] = vec2(plain, weighted);
    }
}
