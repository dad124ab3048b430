#!/usr/bin/env bash
# Mesa 22.3.6 (llvmpipe, the Vulkan driver for processors) and wgpu-py 0.29.0: a compute shader with a loop of 100,000 turns.
#
# A good guess: the shader adds one in each turn and gives 100,000; where a driver limits a shader's time it ends it with an error or loses
# the device, as drivers of cards do.
# Seen: the loop is left after 65,535 turns and the shader goes on behind it; the sum is 65,535. No error, no lost device.
# Why it matters: a maximum or a sum over a large window, or of a row of a large product, is wrong on machines where only the software driver is
# there. Lamella gives such layers to the processor on software drivers, and says so (src/engine/wgpu, docs/graphics-cards.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q wgpu==0.29.0
XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$folder}" "$folder/python/bin/python" - <<'P'
import struct

import wgpu
from wgpu.utils.compute import compute_with_buffers

SHADER = """
@group(0) @binding(0) var<storage, read> turns: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = 0u;
    for (var n = 0u; n < turns[id.x]; n += 1u) { sum += 1u + (n & turns[2]); }
    sums[id.x] = sum;
}
"""
software = [a for a in wgpu.gpu.enumerate_adapters_sync() if "llvmpipe" in a.info["device"]]
assert software, "there is no llvmpipe; install mesa-vulkan-drivers"
print(software[0].info["device"], software[0].info["description"])
turns = [1000, 100_000, 0, 0]
out = compute_with_buffers({0: struct.pack("4I", *turns)}, {1: (4, "I")}, SHADER, n=2)
sums = list(out[1])[:2]
print("turns", turns[:2], "sums", sums)
assert sums == [1000, 65_535], sums
P
