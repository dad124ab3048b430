// Means over every set of the scaled gradient, and of that times the normalised values. AFFINE stands before this. They come from the
// sums of maps, but for sets of one position.

@group(0) @binding(1) var<storage, read_write> y: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> sums: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
@group(0) @binding(5) var<storage, read> moments: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> gradient: array<f32>;

fn factor(channel: u32) -> f32 {
    if AFFINE {
        return scale[channel];
    }
    return 1.0;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let which = number(group, groups) * 64u + local;
    if which >= p.count {
        return;
    }
    var found = vec2(0.0);
    if LAYER {
        let of_set = moments[which];
        for (var c = 0u; c < p.channels; c++) {
            let i = in_set(which, c);
            let g = gradient[i] * factor(c);
            found += vec2(g, g * (x[i] - of_set.x) * of_set.y);
        }
    } else if BATCH {
        for (var image = 0u; image < p.images; image++) {
            found += factor(which) * sums[image * p.channels + which];
        }
    } else {
        for (var n = 0u; n < p.set_channels; n++) {
            let map = which * p.set_channels + n;
            found += factor(map % p.channels) * sums[map];
        }
    }
    y[which] = found / f32(set_size());
}
