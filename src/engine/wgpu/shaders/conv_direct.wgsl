// Convolution value by value, for few output channels a group: heads and depthwise convolutions. KERNEL_H and KERNEL_W stand before
// this, and SPREAD_H and SPREAD_W: a map's neighbours count as so many positions apart, with zeros between them, which makes it a
// transposed convolution. Weights are read by strides, so that one array serves a convolution and its gradient.

struct Params {
    finish_a: f32,
    finish_b: f32,
    adds: u32,
    count: u32,
    channels: u32,
    height: u32,
    width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
    dilation_h: u32,
    dilation_w: u32,
    group_channels: u32,
    group_outputs: u32,
    weight_group: u32,
    weight_output: u32,
    weight_channel: u32,
    flipped: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;

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
    let column = i % p.out_width;
    let row = i / p.out_width % p.out_height;
    let plane = i / (p.out_width * p.out_height);
    let channel = plane % p.out_channels;
    let of_group = channel / p.group_outputs;
    let first = plane / p.out_channels * p.channels + of_group * p.group_channels;
    let first_weight = of_group * p.weight_group + channel % p.group_outputs * p.weight_output;
    let size = p.height * p.width;
    var sum = constant(channel);
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let down = i32(row * p.stride_h + ky * p.dilation_h) - i32(p.padding_h);
        if down >= 0 && down % SPREAD_H == 0 && down / SPREAD_H < i32(p.height) {
            for (var kx = 0u; kx < KERNEL_W; kx++) {
                let along = i32(column * p.stride_w + kx * p.dilation_w) - i32(p.padding_w);
                if along >= 0 && along % SPREAD_W == 0 && along / SPREAD_W < i32(p.width) {
                    let tap = ky * KERNEL_W + kx;
                    var at = first * size + u32(down / SPREAD_H) * p.width + u32(along / SPREAD_W);
                    var of_weight = first_weight + select(tap, KERNEL_H * KERNEL_W - 1u - tap, p.flipped != 0u);
                    for (var c = 0u; c < p.group_channels; c++) {
                        sum += weights[of_weight] * x[at];
                        at += size;
                        of_weight += p.weight_channel;
                    }
                }
            }
        }
    }
    store(i, finish(sum));
}
