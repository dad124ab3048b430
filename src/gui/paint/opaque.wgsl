// Opaque rectangles: one colour, or a grey picture. Colours are in gamma space, as egui's are.

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
    @location(1) @interpolate(flat) colour: vec4<f32>,
};

// `rect`: left, top, right, bottom in clip space. Corners come as a strip.
@vertex
fn corner(@builtin(vertex_index) index: u32, @location(0) rect: vec4<f32>, @location(1) colour: vec4<f32>) -> Corner {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    return Corner(vec4<f32>(mix(rect.xy, rect.zw, at), 0.0, 1.0), at, colour);
}

fn linear(gamma: vec4<f32>) -> vec4<f32> {
    let low = gamma.rgb / 12.92;
    let high = pow((gamma.rgb + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(high, low, gamma.rgb < vec3<f32>(0.04045)), gamma.a);
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var filtered: sampler;

fn grey(at: vec2<f32>) -> vec4<f32> {
    return vec4<f32>(textureSample(picture, filtered, at).rrr, 1.0);
}

@fragment
fn flat_gamma(in: Corner) -> @location(0) vec4<f32> {
    return in.colour;
}

@fragment
fn flat_linear(in: Corner) -> @location(0) vec4<f32> {
    return linear(in.colour);
}

@fragment
fn grey_gamma(in: Corner) -> @location(0) vec4<f32> {
    return grey(in.at);
}

@fragment
fn grey_linear(in: Corner) -> @location(0) vec4<f32> {
    return linear(grey(in.at));
}
