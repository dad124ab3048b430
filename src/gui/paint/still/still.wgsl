// Copies a picture of the window to the place it was taken from. The viewport is the window.

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
};

// Three corners around the whole window.
@vertex
fn around(@builtin(vertex_index) index: u32) -> Corner {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u)) * 2.0;
    return Corner(vec4<f32>(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0), at);
}

@group(0) @binding(0) var picture: texture_2d<f32>;
@group(0) @binding(1) var nearest: sampler;

// Sampling is cheaper than loading without a graphics card.
@fragment
fn same_place(in: Corner) -> @location(0) vec4<f32> {
    return textureSample(picture, nearest, in.at);
}
