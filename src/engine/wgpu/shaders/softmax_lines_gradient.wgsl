// Gradient of a softmax over lines of values that lie one after the other: a group of 256 threads takes one.

struct Params {
    adds: u32,
    count: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> result: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;

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
    var sum = 0.0;
    for (var n = local; n < p.length; n += 256u) {
        sum += gradient[start + n] * result[start + n];
    }
    sum = total(local, sum);
    for (var n = local; n < p.length; n += 256u) {
        store(start + n, result[start + n] * (gradient[start + n] - sum));
    }
}
