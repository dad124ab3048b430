// Gradient of a softmax over the channels of every position, or of its logarithm. LOG stands before this.

struct Params {
    adds: u32,
    count: u32,
    channels: u32,
    positions: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> result: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;

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
    let start = i / p.positions * p.channels * p.positions + i % p.positions;
    var sum = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let at = start + c * p.positions;
        if LOG {
            sum += gradient[at];
        } else {
            sum += gradient[at] * result[at];
        }
    }
    for (var c = 0u; c < p.channels; c++) {
        let at = start + c * p.positions;
        if LOG {
            store(at, gradient[at] - exp(result[at]) * sum);
        } else {
            store(at, result[at] * (gradient[at] - sum));
        }
    }
}
