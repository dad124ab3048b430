// Sums of the squares of values that lie one after the other, so many at a time: a group of 256 threads makes one.

struct Params {
    count: u32,
    values: u32,
    start: u32,
    part: u32,
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
    let part = number(group, groups);
    if part >= p.count {
        return;
    }
    var sum = 0.0;
    for (var n = part * p.part + local; n < min((part + 1u) * p.part, p.values); n += 256u) {
        sum += x[n] * x[n];
    }
    sum = total(local, sum);
    if local == 0u {
        y[p.start + part] = sum;
    }
}
