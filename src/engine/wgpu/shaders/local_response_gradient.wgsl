// Gradient of the division by a power of the squares in neighbouring channels: every value gathers from the channels whose window
// holds it.

struct Params {
    adds: u32,
    count: u32,
    channels: u32,
    positions: u32,
    below: u32,
    size: u32,
    alpha: f32,
    beta: f32,
    k: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
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
    let channel = i / p.positions % p.channels;
    let start = i - channel * p.positions;
    let above = p.size - 1u - p.below;
    let first = max(channel, above) - above;
    var sum = 0.0;
    for (var c = first; c < min(channel + p.below + 1u, p.channels); c++) {
        let at = start + c * p.positions;
        sum += gradient[at] * x[at] * exp(-(p.beta + 1.0) * log_base(start, c));
    }
    let own = gradient[i] * exp(-p.beta * log_base(start, channel));
    store(i, own - 2.0 * p.alpha * p.beta * x[i] * sum);
}
