// Element-wise functions; a and b are their constants. Written so that nothing overflows and no NaN is made of a finite number.

fn plain(x: f32, a: f32, b: f32) -> f32 {
    return x;
}

fn relu(x: f32, a: f32, b: f32) -> f32 {
    return max(x, 0.0);
}

fn leaky_relu(x: f32, a: f32, b: f32) -> f32 {
    return select(a * x, x, x > 0.0);
}

fn sigmoid(x: f32, a: f32, b: f32) -> f32 {
    let e = exp(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// Drivers' own tanh may be off by thousands of the last place.
fn hyperbolic(x: f32, a: f32, b: f32) -> f32 {
    let e = exp(-2.0 * abs(x));
    let size = (1.0 - e) / (1.0 + e);
    let square = x * x;
    // Small values by their series, which keeps all their digits.
    let small = x * (1.0 - square * (1.0 / 3.0 - square * (2.0 / 15.0)));
    return select(select(-size, size, x >= 0.0), small, abs(x) < 0.05);
}

fn clip(x: f32, a: f32, b: f32) -> f32 {
    return min(max(x, a), b);
}

fn hard_sigmoid(x: f32, a: f32, b: f32) -> f32 {
    return clamp(a * x + b, 0.0, 1.0);
}

fn hard_swish(x: f32, a: f32, b: f32) -> f32 {
    return x * (clamp(x + 3.0, 0.0, 6.0) / 6.0);
}

// The share of the normal distribution below x: erfc(-x / sqrt 2) / 2 by a Chebyshev approximation of erfc (Press et al.,
// "Numerical Recipes").
fn normal_share(x: f32) -> f32 {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.5 * z);
    var sum = 0.17087277;
    sum = sum * t - 0.82215223;
    sum = sum * t + 1.48851587;
    sum = sum * t - 1.13520398;
    sum = sum * t + 0.27886807;
    sum = sum * t - 0.18628806;
    sum = sum * t + 0.09678418;
    sum = sum * t + 0.37409196;
    sum = sum * t + 1.00002368;
    sum = sum * t - 1.26551223;
    let beyond = 0.5 * t * exp(sum - z * z);
    return select(beyond, 1.0 - beyond, x >= 0.0);
}

fn gelu(x: f32, a: f32, b: f32) -> f32 {
    return x * normal_share(x);
}

fn gelu_tanh(x: f32, a: f32, b: f32) -> f32 {
    let inner = 0.7978845608 * (x + 0.044715 * x * x * x);
    return 0.5 * x * (1.0 + hyperbolic(clamp(inner, -40.0, 40.0), a, b));
}

fn elu(x: f32, a: f32, b: f32) -> f32 {
    return select(a * (exp(min(x, 0.0)) - 1.0), x, x > 0.0);
}

fn softplus(x: f32, a: f32, b: f32) -> f32 {
    return max(x, 0.0) + log(1.0 + exp(-abs(x)));
}

fn mish(x: f32, a: f32, b: f32) -> f32 {
    return x * hyperbolic(softplus(x, a, b), a, b);
}
