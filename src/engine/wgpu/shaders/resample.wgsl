// Means of windows and resampling: a linear map of rows times one of columns, each given as taps; with the
// taps of the transposed maps, their gradient.

struct Params {
    count: u32,
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    adds: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// For each output row and then column: where its taps begin and how many there are; behind that the taps, index and weight.
@group(0) @binding(3) var<storage, read> taps: array<u32>;

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
    let of_row = i / p.out_width % p.out_height * 2u;
    let of_column = (p.out_height + i % p.out_width) * 2u;
    let plane = i / (p.out_width * p.out_height) * p.height * p.width;
    let rows = taps[of_row];
    let columns = taps[of_column];
    var sum = 0.0;
    for (var r = rows; r < rows + 2u * taps[of_row + 1u]; r += 2u) {
        let line = plane + taps[r] * p.width;
        var across = 0.0;
        for (var c = columns; c < columns + 2u * taps[of_column + 1u]; c += 2u) {
            across += bitcast<f32>(taps[c + 1u]) * x[line + taps[c]];
        }
        sum += bitcast<f32>(taps[r + 1u]) * across;
    }
    store(i, sum);
}
