// Derivatives of the functions in `activations.wgsl`; a and b are their constants. `relu`, `leaky_relu`, `sigmoid` and `hyperbolic` are
// given the function's value, the others what it was made of.

fn relu_slope(y: f32, a: f32, b: f32) -> f32 {
    return select(0.0, 1.0, y > 0.0);
}

fn leaky_relu_slope(y: f32, a: f32, b: f32) -> f32 {
    return select(a, 1.0, y > 0.0);
}

fn sigmoid_slope(y: f32, a: f32, b: f32) -> f32 {
    return y * (1.0 - y);
}

fn hyperbolic_slope(y: f32, a: f32, b: f32) -> f32 {
    return 1.0 - y * y;
}

fn clip_slope(x: f32, a: f32, b: f32) -> f32 {
    return select(0.0, 1.0, x > a && x < b);
}

fn hard_sigmoid_slope(x: f32, a: f32, b: f32) -> f32 {
    let line = a * x + b;
    return select(0.0, a, line > 0.0 && line < 1.0);
}

fn hard_swish_slope(x: f32, a: f32, b: f32) -> f32 {
    return select(select(x / 3.0 + 0.5, 1.0, x >= 3.0), 0.0, x <= -3.0);
}

fn gelu_slope(x: f32, a: f32, b: f32) -> f32 {
    return normal_share(x) + x * 0.39894228 * exp(-0.5 * x * x);
}

fn gelu_tanh_slope(x: f32, a: f32, b: f32) -> f32 {
    let inner = 0.7978845608 * (x + 0.044715 * x * x * x);
    let tanh_of = hyperbolic(clamp(inner, -40.0, 40.0), a, b);
    let slope = 0.7978845608 * (1.0 + 3.0 * 0.044715 * x * x);
    return 0.5 * (1.0 + tanh_of) + 0.5 * x * (1.0 - tanh_of * tanh_of) * slope;
}

fn elu_slope(x: f32, a: f32, b: f32) -> f32 {
    return select(a * exp(min(x, 0.0)), 1.0, x > 0.0);
}

fn softplus_slope(x: f32, a: f32, b: f32) -> f32 {
    return sigmoid(x, a, b);
}

fn mish_slope(x: f32, a: f32, b: f32) -> f32 {
    let tanh_of = hyperbolic(softplus(x, a, b), a, b);
    return tanh_of + x * (1.0 - tanh_of * tanh_of) * sigmoid(x, a, b);
}
