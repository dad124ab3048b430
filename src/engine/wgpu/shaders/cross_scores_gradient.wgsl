// Gradients of the scores behind the shares of a cross: a group of 256 threads takes one position. MOST stands before this.

@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> shares: array<f32>;
@group(0) @binding(3) var<storage, read> value: array<f32>;
@group(0) @binding(4) var<storage, read> gradient: array<f32>;

var<workgroup> products: array<f32, MOST>;

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
    let start = image * p.channels * size;
    var sum = 0.0;
    for (var n = local; n < all; n += 256u) {
        let other = seen(n, position / p.width, position % p.width);
        var product = 0.0;
        for (var c = 0u; c < p.channels; c++) {
            product += gradient[start + c * size + position] * value[start + c * size + other];
        }
        products[n] = product;
        sum += product * shares[i * all + n];
    }
    let mean = total(local, sum);
    for (var n = local; n < all; n += 256u) {
        y[i * all + n] = shares[i * all + n] * (products[n] - mean);
    }
}
