// A part of a map, or a map with a border: every value is that of the input at an offset, or a constant outside.

struct Params {
    count: u32,
    channels: u32,
    height: u32,
    width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    offset_c: i32,
    offset_h: i32,
    offset_w: i32,
    outside: f32,
    adds: u32,
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
    let column = i32(i % p.out_width) + p.offset_w;
    let row = i32(i / p.out_width % p.out_height) + p.offset_h;
    let plane = i / (p.out_width * p.out_height);
    let channel = i32(plane % p.out_channels) + p.offset_c;
    let is_row = row >= 0 && row < i32(p.height);
    let is_column = column >= 0 && column < i32(p.width);
    if is_row && is_column && channel >= 0 && channel < i32(p.channels) {
        let of_plane = plane / p.out_channels * p.channels + u32(channel);
        store(i, x[(of_plane * p.height + u32(row)) * p.width + u32(column)]);
    } else {
        store(i, p.outside);
    }
}
