// The body: surfaces with a light at the viewer, and the picture of them copied into the window. Colours are in gamma space, as egui's are.

struct Scene {
    clip_from_voxel: mat4x4<f32>,
    // From normals in voxels to the picture: right, up, towards the viewer.
    view_from_normal: mat4x4<f32>,
    // The part of the grid that is not cut away, in voxels.
    low: vec4<f32>,
    high: vec4<f32>,
};

@group(0) @binding(0) var<uniform> scene: Scene;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) normal: vec3<f32>,
    @location(1) @interpolate(flat) colour: vec4<f32>,
    @location(2) voxel: vec3<f32>,
};

// Steps of a voxel in which corners are placed.
const STEPS: f32 = 1024.0;

fn unfolded(flat: vec2<f32>) -> vec3<f32> {
    let z = 1.0 - abs(flat.x) - abs(flat.y);
    let folded = (1.0 - abs(flat.yx)) * select(vec2<f32>(-1.0), vec2<f32>(1.0), flat >= vec2<f32>(0.0));
    return vec3<f32>(select(folded, flat, z >= 0.0), z);
}

// `place`: along i, j, k in steps from the block's origin, and the normal laid flat.
@vertex
fn surface(@location(0) place: vec4<u32>, @location(1) origin: vec3<f32>, @location(2) colour: vec4<f32>) -> Corner {
    let voxel = origin + vec3<f32>(place.xyz) / STEPS;
    let flat = (vec2<f32>(f32(place.w & 255u), f32(place.w >> 8u)) - 128.0) / 127.0;
    let normal = (scene.view_from_normal * vec4<f32>(unfolded(flat), 0.0)).xyz;
    return Corner(scene.clip_from_voxel * vec4<f32>(voxel, 1.0), normalize(normal), colour, voxel);
}

// Both sides are lit, so that the inside of what is cut open is seen.
fn light(normal: vec3<f32>, colour: vec3<f32>) -> vec4<f32> {
    let towards = abs(normalize(normal).z);
    // To the power of 24, by what is quick without a graphics card.
    let squared = towards * towards;
    let eighth = squared * squared * squared * squared;
    let gloss = eighth * eighth * eighth * 0.18;
    return vec4<f32>(min(colour * (0.28 + 0.72 * towards) + gloss, vec3<f32>(1.0)), 1.0);
}

@fragment
fn lit(in: Corner) -> @location(0) vec4<f32> {
    return light(in.normal, in.colour.rgb);
}

@fragment
fn lit_cut(in: Corner) -> @location(0) vec4<f32> {
    if any(in.voxel < scene.low.xyz) || any(in.voxel > scene.high.xyz) {
        discard;
    }
    return light(in.normal, in.colour.rgb);
}

// A thin layer: where it is seen from its edge, the way through it is longer.
fn layer(normal: vec3<f32>, colour: vec4<f32>) -> vec4<f32> {
    let towards = max(abs(normalize(normal).z), 0.2);
    return vec4<f32>(light(normal, colour.rgb).rgb, 1.0 - pow(1.0 - colour.a, 1.0 / towards));
}

@fragment
fn clear(in: Corner) -> @location(0) vec4<f32> {
    return layer(in.normal, in.colour);
}

@fragment
fn clear_cut(in: Corner) -> @location(0) vec4<f32> {
    if any(in.voxel < scene.low.xyz) || any(in.voxel > scene.high.xyz) {
        discard;
    }
    return layer(in.normal, in.colour);
}

struct Slice {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
    @location(1) @interpolate(flat) colour: vec4<f32>,
};

@group(1) @binding(0) var slice: texture_2d<f32>;
@group(1) @binding(1) var slice_filtered: sampler;

// `corner`, `across`, `down`: the first corner of a slice and its sides, in voxels. Corners come as a strip.
@vertex
fn slice_corner(
    @builtin(vertex_index) index: u32,
    @location(0) corner: vec3<f32>,
    @location(1) across: vec3<f32>,
    @location(2) down: vec3<f32>,
    @location(3) colour: vec4<f32>,
) -> Slice {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    let voxel = corner + at.x * across + at.y * down;
    return Slice(scene.clip_from_voxel * vec4<f32>(voxel, 1.0), at, colour);
}

// The slice in a frame of its plane's colour.
@fragment
fn slice_grey(in: Slice) -> @location(0) vec4<f32> {
    let grey = textureSample(slice, slice_filtered, in.at).rrr;
    let edge = min(min(in.at.x, in.at.y), min(1.0 - in.at.x, 1.0 - in.at.y));
    return vec4<f32>(select(grey, in.colour.rgb, edge < 0.006), 1.0);
}

struct Place {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
};

// One triangle around the whole picture.
@vertex
fn around(@builtin(vertex_index) index: u32) -> Place {
    let at = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return Place(vec4<f32>(at * vec2<f32>(2.0, -2.0) + vec2<f32>(-1.0, 1.0), 0.0, 1.0), at);
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var filtered: sampler;

@fragment
fn copy_gamma(in: Place) -> @location(0) vec4<f32> {
    return vec4<f32>(textureSample(picture, filtered, in.at).rgb, 1.0);
}

@fragment
fn copy_linear(in: Place) -> @location(0) vec4<f32> {
    let gamma = textureSample(picture, filtered, in.at).rgb;
    let low = gamma / 12.92;
    let high = pow((gamma + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(high, low, gamma < vec3<f32>(0.04045)), 1.0);
}
