// Two maps value by value. A stride of zero repeats a map's value along an axis. `joined` stands before this.

struct Params {
    finish_a: f32,
    finish_b: f32,
    count: u32,
    channels: u32,
    positions: u32,
    first_image: u32,
    first_channel: u32,
    first_position: u32,
    second_image: u32,
    second_channel: u32,
    second_position: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read> second: array<f32>;

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
    let position = i % p.positions;
    let channel = i / p.positions % p.channels;
    let image = i / (p.positions * p.channels);
    let a = first[image * p.first_image + channel * p.first_channel + position * p.first_position];
    let b = second[image * p.second_image + channel * p.second_channel + position * p.second_position];
    y[i] = finish(joined(a, b));
}
