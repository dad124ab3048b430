// A batch norm's running mean (0) or variance (1) moves towards what was found.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> moments: array<vec4<f32>>;

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
    let size = set_size();
    // One value less in the count.
    let unbiased = moments[i].z * (f32(size) / f32(max(size, 2u) - 1u));
    let found = select(unbiased, moments[i].x, p.which == 0u);
    y[i] = y[i] * (1.0 - p.share) + found * p.share;
}
