// Mean, one over the deviation, and variance of every set. What tells a group of 256 threads that takes one set from threads that take
// one each stands before this: OWN, BEGIN, STEP, THREADS and `together`.

@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<f32>;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let which = OWN;
    if which >= p.count {
        return;
    }
    let size = set_size();
    var sum = 0.0;
    for (var n = BEGIN; n < size; n += STEP) {
        sum += x[in_set(which, n)];
    }
    let mean = together(local, sum) / f32(size);
    var squares = 0.0;
    var rest = 0.0;
    for (var n = BEGIN; n < size; n += STEP) {
        let off = x[in_set(which, n)] - mean;
        squares += off * off;
        rest += off;
    }
    // What rounding took from the mean.
    let correction = together(local, rest) / f32(size);
    let variance = max(together(local, squares) / f32(size) - correction * correction, 0.0);
    if BEGIN == 0u {
        y[which] = vec4(mean + correction, 1.0 / sqrt(variance + p.eps), variance, 0.0);
    }
}
