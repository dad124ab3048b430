// Softmax over lines of values that lie one after the other: positions of a map, or keys of a query.

struct Params {
    count: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let line = number(group, groups);
    if line >= p.count {
        return;
    }
    let start = line * p.length;
    var most = -3.4028234e38;
    for (var n = local; n < p.length; n += 256u) {
        most = max(most, x[start + n]);
    }
    most = largest(local, most);
    var sum = 0.0;
    for (var n = local; n < p.length; n += 256u) {
        sum += exp(x[start + n] - most);
    }
    let inverse = 1.0 / total(local, sum);
    for (var n = local; n < p.length; n += 256u) {
        y[start + n] = exp(x[start + n] - most) * inverse;
    }
}
