// Gradient of a convolution's weights, few channels a group: a group of 256 threads makes one value, a sum over the positions of all
// images. `fixed` is the map on whose grid the kernel stands, `seen` the one that it looks at.

struct Params {
    adds: u32,
    count: u32,
    fixed_channels: u32,
    seen_channels: u32,
    group_fixed: u32,
    group_seen: u32,
    grid_width: u32,
    positions: u32,
    depth: u32,
    height: u32,
    width: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
    dilation_h: u32,
    dilation_w: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> fixed: array<f32>;
@group(0) @binding(3) var<storage, read> seen: array<f32>;

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
    let kx = i % KERNEL_W;
    let ky = i / KERNEL_W % KERNEL_H;
    let below = i / (KERNEL_W * KERNEL_H) % p.group_seen;
    let above = i / (KERNEL_W * KERNEL_H * p.group_seen);
    let channel = above / p.group_fixed * p.group_seen + below;
    var sum = 0.0;
    for (var n = local; n < p.depth; n += 256u) {
        let image = n / p.positions;
        let position = n % p.positions;
        let row = i32(position / p.grid_width * p.stride_h + ky * p.dilation_h) - i32(p.padding_h);
        let column = i32(position % p.grid_width * p.stride_w + kx * p.dilation_w) - i32(p.padding_w);
        if row >= 0 && row < i32(p.height) && column >= 0 && column < i32(p.width) {
            let at = ((image * p.seen_channels + channel) * p.height + u32(row)) * p.width + u32(column);
            sum += fixed[(image * p.fixed_channels + above) * p.positions + position] * seen[at];
        }
    }
    sum = total(local, sum);
    if local == 0u {
        store(i, sum);
    }
}
