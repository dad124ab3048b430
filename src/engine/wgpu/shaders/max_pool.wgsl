// Largest value of each window; the border counts as less than every number.

struct Params {
    count: u32,
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    kernel_h: u32,
    kernel_w: u32,
    stride_h: u32,
    stride_w: u32,
    padding_h: u32,
    padding_w: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;

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
    let plane = i / (p.out_width * p.out_height) * p.height * p.width;
    let top = row * p.stride_h;
    let side = column * p.stride_w;
    var most = -3.4028234e38;
    for (var ky = max(top, p.padding_h); ky < min(top + p.kernel_h, p.height + p.padding_h); ky++) {
        for (var kx = max(side, p.padding_w); kx < min(side + p.kernel_w, p.width + p.padding_w); kx++) {
            most = max(most, x[plane + (ky - p.padding_h) * p.width + kx - p.padding_w]);
        }
    }
    y[i] = most;
}
