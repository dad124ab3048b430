// Where the sets of a normalisation lie. BATCH: a set is a channel of all images; LAYER: a position of an image; else some channels of
// an image that lie one after the other.

struct Params {
    adds: u32,
    count: u32,
    images: u32,
    channels: u32,
    positions: u32,
    set_channels: u32,
    which: u32,
    eps: f32,
    share: f32,
}

@group(0) @binding(0) var<uniform> p: Params;

// The set of a value.
fn set_of(i: u32) -> u32 {
    let channel = i / p.positions % p.channels;
    let image = i / (p.positions * p.channels);
    if BATCH {
        return channel;
    }
    if LAYER {
        return image * p.positions + i % p.positions;
    }
    return (image * p.channels + channel) / p.set_channels;
}

// Values of a set.
fn set_size() -> u32 {
    if BATCH {
        return p.images * p.positions;
    }
    if LAYER {
        return p.channels;
    }
    return p.set_channels * p.positions;
}

// A value of a set by its number there.
fn in_set(which: u32, n: u32) -> u32 {
    if BATCH {
        return (n / p.positions * p.channels + which) * p.positions + n % p.positions;
    }
    if LAYER {
        return (which / p.positions * p.channels + n) * p.positions + which % p.positions;
    }
    return which * p.set_channels * p.positions + n;
}
