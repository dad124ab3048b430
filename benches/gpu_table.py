#!/usr/bin/env python3
"""Inference and training steps on a graphics card: Lamella by Vulkan and CUDA beside PyTorch, in turns, one run. Called by `gpu.sh`.

    python3 benches/gpu_table.py PROGRAMS [TABLE.json]      PROGRAMS/vulkan/lamella, PROGRAMS/cuda/lamella, whichever are there

The networks are those of `compare_peers.py`. PyTorch is left out, with a word, where it is not installed or sees no card. Milliseconds are
medians; PyTorch waits for the card after every pass, as a result that is looked at has to.
"""
import json
import statistics
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import compare_peers

CASES = [
    ("segment", Namespace(net="unet", width=32, size=256, batch=1, stages=6)),
    ("segment", Namespace(net="unet", width=32, size=512, batch=1, stages=6)),
    ("segment", Namespace(net="nnunet", width=32, size=256, batch=1, stages=6)),
    ("segment", Namespace(net="resnet", width=32, size=256, batch=1, stages=6)),
    ("train", Namespace(net="unet", width=32, size=128, batch=8, stages=6)),
    ("train", Namespace(net="nnunet", width=32, size=128, batch=8, stages=6)),
    ("train", Namespace(net="resnet", width=32, size=128, batch=8, stages=6)),
]


def ours(program, device, what, case):
    """Median milliseconds, or why there are none."""
    case = Namespace(**vars(case), lamella=str(program), threads=2, repeat=9)
    words = compare_peers.our_words(case, what) + ["--device", device, "--json"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "over 60 s"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:80]
    return json.loads(done.stdout)["median_s"] * 1000


def torch_on_card(bits, what, case):
    import torch

    net = compare_peers.build(case).cuda()
    net = net.train() if what == "train" else net.eval()
    x = torch.randn(case.batch, 1, case.size, case.size, device="cuda")
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3)
    half = torch.autocast("cuda", torch.float16, enabled=bits == 16)

    def step():
        if what == "train":
            optimiser.zero_grad()
            with half:
                loss = net(x).float().square().mean()
            loss.backward()
            optimiser.step()
        else:
            with torch.inference_mode(), half:
                net(x)
        torch.cuda.synchronize()

    times = []
    for _ in range(12):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:]) * 1000


def columns(programs):
    found = []
    if (programs / "vulkan" / "lamella").exists():
        found.append(("Vulkan", lambda what, case: ours(programs / "vulkan" / "lamella", "gpu", what, case)))
    if (programs / "cuda" / "lamella").exists():
        found.append(("CUDA", lambda what, case: ours(programs / "cuda" / "lamella", "cuda", what, case)))
    try:
        import torch

        has_card = torch.cuda.is_available()
        why = "it sees no card"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    except ImportError:
        has_card, why = False, "it is not installed"
    if not has_card:
        print(f"PyTorch is left out: {why}")
        return found
    return found + [(f"PyTorch, {bits} bits", lambda what, case, bits=bits: torch_on_card(bits, what, case)) for bits in (32, 16)]


def main():
    programs = Path(sys.argv[1])
    ways = columns(programs)
    rows = []
    print(f"{'milliseconds':38s}" + "".join(f"{name:>20s}" for name, _ in ways))
    for what, case in CASES:
        name = f"{what} {case.net} {case.batch} x {case.size} x {case.size}"
        cells = {way: run(what, case) for way, run in ways}
        print(f"{name:38s}" + "".join(f"{cell:20.2f}" if isinstance(cell, float) else f"{cell[:18]:>20s}" for cell in cells.values()), flush=True)
        rows.append({"case": name, **cells})
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
