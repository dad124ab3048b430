// What every position of a cross counts for the one in its centre, `[image][position][number in the cross]`: a group of 256 threads
// takes one position.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = number(group, groups);
    if i >= p.count {
        return;
    }
    let size = p.height * p.width;
    let image = i / size;
    let position = i % size;
    let all = p.height + p.width - 1u;
    let inverse = weigh(local, image, position);
    for (var n = local; n < all; n += 256u) {
        y[i * all + n] = scores[n] * inverse;
    }
}
