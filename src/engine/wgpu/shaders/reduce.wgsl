// A function of three arrays over images, channels and positions, summed over some of these axes. A stride of zero repeats an array's
// value along an axis. `joined` stands before this, and what tells a group of 256 threads that makes one value from threads that make
// one each: OWN, BEGIN, STEP, THREADS and `together`.

struct Params {
    a: f32,
    b: f32,
    adds: u32,
    count: u32,
    // Lengths of the axes that are kept, and of those that are summed over; one where an axis is of the other kind.
    kept_channels: u32,
    kept_positions: u32,
    summed_images: u32,
    summed_channels: u32,
    summed_positions: u32,
    first_image: u32,
    first_channel: u32,
    first_position: u32,
    second_image: u32,
    second_channel: u32,
    second_position: u32,
    third_image: u32,
    third_channel: u32,
    third_position: u32,
    first_start: u32,
    second_start: u32,
    third_start: u32,
    out_start: u32,
    out_image: u32,
    out_channel: u32,
    out_position: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read> second: array<f32>;
@group(0) @binding(4) var<storage, read> third: array<f32>;

fn value(image: u32, channel: u32, position: u32) -> f32 {
    let u = first[p.first_start + image * p.first_image + channel * p.first_channel + position * p.first_position];
    let v = second[p.second_start + image * p.second_image + channel * p.second_channel + position * p.second_position];
    let w = third[p.third_start + image * p.third_image + channel * p.third_channel + position * p.third_position];
    return joined(u, v, w, p.a, p.b);
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = OWN;
    if i >= p.count {
        return;
    }
    let position = i % p.kept_positions;
    let channel = i / p.kept_positions % p.kept_channels;
    let image = i / (p.kept_positions * p.kept_channels);
    let of_channels = p.summed_channels * p.summed_positions;
    let all = p.summed_images * of_channels;
    var sum = 0.0;
    for (var n = BEGIN; n < all; n += STEP) {
        let other = n % of_channels;
        sum += value(
            image + n / of_channels,
            channel + other / p.summed_positions,
            position + other % p.summed_positions,
        );
    }
    sum = together(local, sum);
    if BEGIN == 0u {
        store(p.out_start + image * p.out_image + channel * p.out_channel + position * p.out_position, sum);
    }
}
