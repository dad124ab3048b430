// The values of a scan all through: rays from the viewer through a volume of bytes. Colours are in gamma space, as egui's are.

struct Rays {
    // The viewer, and directions per half a picture to the right and up, and ahead; in voxels.
    eye: vec4<f32>,
    right: vec4<f32>,
    up: vec4<f32>,
    ahead: vec4<f32>,
    // The part of the grid that is seen, in voxels; `low.w` is half the picture's width at a millimetre's distance, `high.w` half its height.
    low: vec4<f32>,
    high: vec4<f32>,
    // Voxels of the grid along a voxel of the volume; `step.w` is how far a ray goes at once, in voxels of the volume.
    step: vec4<f32>,
    // Voxels of the grid along the whole volume; `extent.w` is 1 where the largest value is wanted.
    extent: vec4<f32>,
    // From slopes in voxels to slopes in the picture, by columns.
    view_from_normal: mat4x4<f32>,
};

@group(0) @binding(0) var<uniform> rays: Rays;
@group(0) @binding(1) var volume: texture_3d<f32>;
// What a value looks like: colour, and opacity along a millimetre.
@group(0) @binding(2) var looks: texture_2d<f32>;
@group(0) @binding(3) var filtered: sampler;

struct Place {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
};

@vertex
fn around(@builtin(vertex_index) index: u32) -> Place {
    let at = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u)) * 2.0 - 1.0;
    return Place(vec4<f32>(at, 0.0, 1.0), at);
}

fn value(place: vec3<f32>) -> f32 {
    return textureSampleLevel(volume, filtered, place, 0.0).r;
}

fn look(value: f32) -> vec4<f32> {
    return textureSampleLevel(looks, filtered, vec2<f32>(value * (255.0 / 256.0) + 0.5 / 256.0, 0.5), 0.0);
}

// How much a place is turned towards the viewer, from 0 to 1.
fn towards(place: vec3<f32>) -> f32 {
    let by = rays.step.xyz / rays.extent.xyz;
    let slope = vec3<f32>(
        value(place + vec3<f32>(by.x, 0.0, 0.0)) - value(place - vec3<f32>(by.x, 0.0, 0.0)),
        value(place + vec3<f32>(0.0, by.y, 0.0)) - value(place - vec3<f32>(0.0, by.y, 0.0)),
        value(place + vec3<f32>(0.0, 0.0, by.z)) - value(place - vec3<f32>(0.0, 0.0, by.z)),
    ) / rays.step.xyz;
    let seen = (rays.view_from_normal * vec4<f32>(slope, 0.0)).xyz;
    return abs(seen.z) / max(length(seen), 1e-6);
}

// Where rays begin differs from pixel to pixel, so that steps are not seen as rings.
fn first_share(pixel: vec2<f32>) -> f32 {
    return fract(52.9829189 * fract(dot(floor(pixel), vec2<f32>(0.06711056, 0.00583715))));
}

@fragment
fn through(in: Place) -> @location(0) vec4<f32> {
    let direction = rays.ahead.xyz + in.at.x * rays.right.xyz + in.at.y * rays.up.xyz;
    let safe = select(direction, vec3<f32>(1e-9), abs(direction) < vec3<f32>(1e-9));
    let a = (rays.low.xyz - rays.eye.xyz) / safe;
    let b = (rays.high.xyz - rays.eye.xyz) / safe;
    let near = min(a, b);
    let far = max(a, b);
    let enters = max(max(near.x, near.y), max(near.z, 0.0));
    let leaves = min(far.x, min(far.y, far.z));
    if enters >= leaves {
        return vec4<f32>(0.0);
    }
    let pace = rays.step.w / max(length(direction / rays.step.xyz), 1e-9);
    let aside = vec2<f32>(rays.low.w, rays.high.w) * in.at;
    let millimetres = pace * length(vec3<f32>(aside, 1.0));
    var t = enters + pace * first_share(in.position.xy);
    var most = 0.0;
    var seen = vec4<f32>(0.0);
    // No ray is longer than this many steps of half a voxel through the largest volume.
    for (var n = 0; n < 1024 && t < leaves; n++) {
        let place = (rays.eye.xyz + t * direction + 0.5) / rays.extent.xyz;
        let here = value(place);
        if rays.extent.w > 0.5 {
            most = max(most, here);
        } else {
            let looks_like = look(here);
            if looks_like.a > 0.002 {
                let opacity = 1.0 - pow(1.0 - min(looks_like.a, 0.995), millimetres);
                let turned = towards(place);
                let colour = looks_like.rgb * (0.3 + 0.7 * turned) + 0.12 * pow(turned, 20.0);
                seen += (1.0 - seen.a) * opacity * vec4<f32>(min(colour, vec3<f32>(1.0)), 1.0);
                if seen.a > 0.97 {
                    break;
                }
            }
        }
        t += pace;
    }
    if rays.extent.w > 0.5 {
        return vec4<f32>(look(most).rgb, 1.0);
    }
    return seen;
}
