// Convolution value by value, for few output channels a group: heads and depthwise convolutions. KERNEL_H and KERNEL_W stand before
// this.

struct Params {
    finish_a: f32,
    finish_b: f32,
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
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [output][input of its group][row][column]
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
    let first = plane / p.out_channels * p.channels + channel / p.group_outputs * p.group_channels;
    let taps = KERNEL_H * KERNEL_W;
    let size = p.height * p.width;
    var sum = bias[channel];
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let at_row = i32(row * p.stride_h + ky * p.dilation_h) - i32(p.padding_h);
        if at_row >= 0 && at_row < i32(p.height) {
            for (var kx = 0u; kx < KERNEL_W; kx++) {
                let at_column = i32(column * p.stride_w + kx * p.dilation_w) - i32(p.padding_w);
                if at_column >= 0 && at_column < i32(p.width) {
                    var at = first * size + u32(at_row) * p.width + u32(at_column);
                    var of_weight = channel * p.group_channels * taps + ky * KERNEL_W + kx;
                    for (var c = 0u; c < p.group_channels; c++) {
                        sum += weights[of_weight] * x[at];
                        at += size;
                        of_weight += taps;
                    }
                }
            }
        }
    }
    y[i] = finish(sum);
}
