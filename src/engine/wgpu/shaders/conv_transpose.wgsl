// Transposed convolution value by value, any stride, border and groups: every output gathers the inputs whose kernel reaches it.

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
    kernel_h: u32,
    kernel_w: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
    group_channels: u32,
    group_outputs: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// [input][output of its group][row][column]
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
    let first_input = channel / p.group_outputs * p.group_channels;
    let first = plane / p.out_channels * p.channels + first_input;
    let taps = p.kernel_h * p.kernel_w;
    let size = p.height * p.width;
    var sum = bias[channel];
    for (var ky = 0u; ky < p.kernel_h; ky++) {
        let down = i32(row + p.padding_h) - i32(ky);
        if down >= 0 && u32(down) % p.stride_h == 0u && u32(down) / p.stride_h < p.height {
            for (var kx = 0u; kx < p.kernel_w; kx++) {
                let along = i32(column + p.padding_w) - i32(kx);
                if along >= 0 && u32(along) % p.stride_w == 0u && u32(along) / p.stride_w < p.width {
                    var at = first * size + u32(down) / p.stride_h * p.width + u32(along) / p.stride_w;
                    var of_weight = (first_input * p.group_outputs + channel % p.group_outputs) * taps
                        + ky * p.kernel_w + kx;
                    for (var c = 0u; c < p.group_channels; c++) {
                        sum += weights[of_weight] * x[at];
                        at += size;
                        of_weight += p.group_outputs * taps;
                    }
                }
            }
        }
    }
    y[i] = finish(sum);
}
