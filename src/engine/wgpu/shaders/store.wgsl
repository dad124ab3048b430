// Puts a value into the result, or adds it to what is there: gradients come together from all that read a map.

fn store(i: u32, value: f32) {
    if p.adds != 0u {
        y[i] += value;
    } else {
        y[i] = value;
    }
}
