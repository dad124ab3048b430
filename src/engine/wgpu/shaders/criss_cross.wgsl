// Attention of every position to its row and its column: a group of 256 threads takes one position.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> value: array<f32>;

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
    let row = position / p.width;
    let column = position % p.width;
    let all = p.height + p.width - 1u;
    let inverse = weigh(local, image, position);
    for (var c = local; c < p.channels; c += 256u) {
        let start = (image * p.channels + c) * size;
        var found = 0.0;
        for (var n = 0u; n < all; n++) {
            found += scores[n] * value[start + seen(n, row, column)];
        }
        y[start + position] = found * inverse;
    }
}
