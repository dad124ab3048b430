// Gradient of a normalisation's scales (1) or shifts (0): the sums of maps, over all images.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> sums: array<vec2<f32>>;

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
    var sum = 0.0;
    for (var image = 0u; image < p.images; image++) {
        sum += sums[image * p.channels + i][p.which];
    }
    store(i, sum);
}
