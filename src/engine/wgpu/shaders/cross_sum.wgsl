// Sums over the cross of every position and channel: of a map's values there, weighted by what lies at the position in the centre
// (`[image][position][number in the cross]`); with BACK of the values in whose cross the position lies, weighted by what they hold of it.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> map: array<f32>;

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
    let size = p.height * p.width;
    let position = i % size;
    let plane = i / size;
    let first = plane / p.channels * size;
    let row = position / p.width;
    let column = position % p.width;
    let all = p.height + p.width - 1u;
    var sum = 0.0;
    for (var n = 0u; n < all; n++) {
        let other = seen(n, row, column);
        if BACK {
            let back = number_in(other / p.width, other % p.width, row, column);
            sum += weights[(first + other) * all + back] * map[plane * size + other];
        } else {
            sum += weights[(first + position) * all + n] * map[plane * size + other];
        }
    }
    store(i, sum);
}
