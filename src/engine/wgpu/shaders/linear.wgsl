// Fully connected layer: a group of 256 threads makes one value.

struct Params {
    finish_a: f32,
    finish_b: f32,
    inputs: u32,
    rows: u32,
    first_row: u32,
    outputs: u32,
    count: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [row][input], from the first row on.
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;

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
    let image = i / p.rows;
    let row = i % p.rows;
    var sum = 0.0;
    for (var n = local; n < p.inputs; n += 256u) {
        sum += weights[row * p.inputs + n] * x[image * p.inputs + n];
    }
    sum = total(local, sum);
    if local == 0u {
        let output = p.first_row + row;
        y[image * p.outputs + output] = finish(sum + bias[output]);
    }
}
