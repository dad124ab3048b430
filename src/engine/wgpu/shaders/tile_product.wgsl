for (var k = 0u; k < DEPTH; k++) {
    let w = left[k * 8u + down];
    let a = right[k * 16u + along * 2u];
    let b = right[k * 16u + along * 2u + 1u];
    s0a += w.x * a;
    s0b += w.x * b;
    s1a += w.y * a;
    s1b += w.y * b;
    s2a += w.z * a;
    s2b += w.z * b;
    s3a += w.w * a;
    s3b += w.w * b;
}
