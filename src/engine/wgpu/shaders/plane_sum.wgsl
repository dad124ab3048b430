// Sum over the positions of every map, weighted by a map of one channel, or the mean. WEIGHTED stands before this.

struct Params {
    count: u32,
    channels: u32,
    positions: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let plane = number(group, groups);
    if plane >= p.count {
        return;
    }
    let image = plane / p.channels;
    var sum = 0.0;
    for (var n = local; n < p.positions; n += 256u) {
        let value = x[plane * p.positions + n];
        if WEIGHTED {
            sum += value * weights[image * p.positions + n];
        } else {
            sum += value;
        }
    }
    sum = total(local, sum);
    if local == 0u {
        y[plane] = select(sum / f32(p.positions), sum, WEIGHTED);
    }
}
