// Sums and maxima over the 256 threads of a group. All of them call it.

var<workgroup> partial: array<f32, 256>;

fn total(local: u32, own: f32) -> f32 {
    partial[local] = own;
    workgroupBarrier();
    for (var step = 128u; step > 0u; step = step / 2u) {
        if local < step {
            partial[local] = partial[local] + partial[local + step];
        }
        workgroupBarrier();
    }
    let sum = partial[0];
    workgroupBarrier();
    return sum;
}

fn largest(local: u32, own: f32) -> f32 {
    partial[local] = own;
    workgroupBarrier();
    for (var step = 128u; step > 0u; step = step / 2u) {
        if local < step {
            partial[local] = max(partial[local], partial[local + step]);
        }
        workgroupBarrier();
    }
    let most = partial[0];
    workgroupBarrier();
    return most;
}
