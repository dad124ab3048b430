// What the positions of a cross count for the one in its centre. MOST stands before this: the largest sum of height and width.

@group(0) @binding(2) var<storage, read> query: array<f32>;
@group(0) @binding(3) var<storage, read> key: array<f32>;

var<workgroup> scores: array<f32, MOST>;

// Leaves the exponentials of the scores of a position's cross in `scores`, made by a group of 256 threads, and gives what makes shares of
// them.
fn weigh(local: u32, image: u32, position: u32) -> f32 {
    let size = p.height * p.width;
    let all = p.height + p.width - 1u;
    let start = image * p.depth * size;
    var most = -3.4028234e38;
    for (var n = local; n < all; n += 256u) {
        let other = seen(n, position / p.width, position % p.width);
        var sum = 0.0;
        for (var d = 0u; d < p.depth; d++) {
            sum += query[start + d * size + position] * key[start + d * size + other];
        }
        scores[n] = sum;
        most = max(most, sum);
    }
    most = largest(local, most);
    var sum = 0.0;
    for (var n = local; n < all; n += 256u) {
        let share = exp(scores[n] - most);
        scores[n] = share;
        sum += share;
    }
    return 1.0 / total(local, sum);
}
