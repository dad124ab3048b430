// Logarithm of what a channel is divided by a power of.
fn log_base(start: u32, channel: u32) -> f32 {
    var sum = 0.0;
    for (var n = max(channel, p.below); n < min(channel + p.size, p.channels + p.below); n++) {
        let value = x[start + (n - p.below) * p.positions];
        sum += value * value;
    }
    return log(p.k + p.alpha * sum);
}
