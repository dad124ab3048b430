#!/usr/bin/env python3
"""Times `lamella bench` and its peers in turn, in one run; prints medians and the ratios ours / peer (below 1 is faster).

    python benches/compare_peers.py segment --net unet --width 32 --size 256 [--max-ratio 0.4]
    python benches/compare_peers.py train   --net nnunet --stages 6 --size 128 --batch 8
    python benches/compare_peers.py memory  --net unet --size 512            # peak resident memory of whole processes
    python benches/compare_peers.py memory  --net unet --size 128 --batch 8 --train

Needs torch; for `segment` and `memory` also onnxruntime, openvino and onnx (`pip install torch onnxruntime openvino onnx`).
Everybody computes in 32-bit floats on the same number of threads. The networks are those of `lamella bench --arch`:
the U-Net of Ronneberger et al. with padding and batch norm, and nnU-Net's plain 2-D network (instance norm, leaky ReLU,
strided convolutions), and a U-Net with the encoder of ResNet-34. A training step is forward, backward and AdamW of mean(logits^2).
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time


def build_unet(width):
    import torch
    from torch import nn

    def twice(inputs, outputs):
        layers = []
        for n in range(2):
            layers += [nn.Conv2d(inputs if n == 0 else outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            counts = [width << level for level in range(5)]
            self.encoder = nn.ModuleList(twice(1 if n == 0 else counts[n - 1], counts[n]) for n in range(5))
            below = list(zip(counts[:0:-1], counts[-2::-1]))
            self.ups = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in below)
            self.decoder = nn.ModuleList(twice(i, o) for i, o in below)
            self.head = nn.Conv2d(width, 2, 1)

        def forward(self, x):
            skips = []
            for n, stage in enumerate(self.encoder):
                x = stage(x if n == 0 else nn.functional.max_pool2d(x, 2))
                skips.append(x)
            for up, stage, skip in zip(self.ups, self.decoder, skips[-2::-1]):
                x = stage(torch.cat([up(x), skip], 1))
            return self.head(x)

    return Net()


def build_nnunet(stages):
    import torch
    from torch import nn

    def twice(inputs, outputs, stride):
        layers = []
        for n in range(2):
            conv = nn.Conv2d(inputs if n == 0 else outputs, outputs, 3, stride if n == 0 else 1, 1)
            layers += [conv, nn.InstanceNorm2d(outputs, affine=True), nn.LeakyReLU(0.01)]
        return nn.Sequential(*layers)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            counts = [min(512, 32 << level) for level in range(stages)]
            inputs = [1] + counts[:-1]
            self.encoder = nn.ModuleList(twice(i, o, 1 if n == 0 else 2) for n, (i, o) in enumerate(zip(inputs, counts)))
            below = list(zip(counts[:0:-1], counts[-2::-1]))
            self.ups = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in below)
            self.decoder = nn.ModuleList(twice(2 * o, o, 1) for _, o in below)
            # Coarser stages have heads too, which only deep supervision uses.
            self.heads = nn.ModuleList(nn.Conv2d(o, 2, 1) for _, o in below)

        def forward(self, x):
            skips = []
            for stage in self.encoder:
                x = stage(x)
                skips.append(x)
            for up, stage, skip in zip(self.ups, self.decoder, skips[-2::-1]):
                x = stage(torch.cat([up(x), skip], 1))
            return self.heads[-1](x)

    return Net()


def build_resnet_unet():
    import torch
    from torch import nn

    def conv(inputs, outputs, kernel, stride=1):
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.first = conv(inputs, outputs, 3, stride)
            self.second = conv(outputs, outputs, 3)
            same = stride == 1 and inputs == outputs
            self.shortcut = nn.Identity() if same else conv(inputs, outputs, 1, stride)

        def forward(self, x):
            return (self.second(self.first(x).relu()) + self.shortcut(x)).relu()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(conv(1, 64, 7, 2), nn.ReLU())
            self.layers = nn.ModuleList()
            inputs = 64
            for stage, blocks in enumerate([3, 4, 6, 3]):
                outputs = 64 << stage
                strides = [2 if stage else 1] + [1] * (blocks - 1)
                stages = [Block(inputs if n == 0 else outputs, outputs, stride) for n, stride in enumerate(strides)]
                self.layers.append(nn.Sequential(*stages))
                inputs = outputs
            self.decoder = nn.ModuleList()
            for skip, outputs in zip([256, 128, 64, 64, 0], [256, 128, 64, 32, 16]):
                pair = [conv(inputs + skip, outputs, 3), nn.ReLU(), conv(outputs, outputs, 3), nn.ReLU()]
                self.decoder.append(nn.Sequential(*pair))
                inputs = outputs
            self.head = nn.Conv2d(16, 2, 3, padding=1)

        def forward(self, x):
            skips = [self.stem(x)]
            x = nn.functional.max_pool2d(skips[0], 3, 2, 1)
            for layer in self.layers:
                x = layer(x)
                skips.append(x)
            x = skips.pop()
            for stage in self.decoder:
                x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
                x = stage(torch.cat([x, skips.pop()], 1) if skips else x)
            return self.head(x)

    return Net()


def build(a):
    import torch

    torch.manual_seed(0)
    nets = {"unet": lambda: build_unet(a.width), "nnunet": lambda: build_nnunet(a.stages), "resnet": build_resnet_unet}
    return nets[a.net]()


def our_words(a, what):
    words = [a.lamella, "bench", what, "--size", f"{a.size}x{a.size}", "--threads", a.threads, "--repeat", a.repeat]
    if a.net == "unet":
        words += ["--arch", "unet", "--width", a.width]
    elif a.net == "resnet":
        words += ["--arch", "unet", "--options", '{"encoder": "resnet34"}']
    else:
        features = [min(512, 32 << level) for level in range(a.stages)]
        options = {"features": features, "strides": [1] + [2] * (a.stages - 1)}
        words += ["--arch", "nnunet-plain", "--options", json.dumps(options)]
    if what == "train":
        words += ["--batch", a.batch]
    return [str(word) for word in words]


def ours(a, what):
    done = subprocess.run(our_words(a, what) + ["--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"lamella bench failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def segment_peer(a, name):
    import torch

    torch.set_num_threads(a.threads)
    net = build(a).eval()
    x = torch.randn(1, 1, a.size, a.size)
    if name.startswith("torch"):
        if name == "torch_channels_last":
            net, x = (v.to(memory_format=torch.channels_last) for v in (net, x))

        def run():
            with torch.inference_mode():
                net(x)
        return run
    path = tempfile.mktemp(suffix=".onnx")
    torch.onnx.export(net, x, path, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    return session(a, name, path, x.numpy())


def session(a, name, path, x):
    if name == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = a.threads
        run = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda: run.run(None, {"x": x})
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": a.threads}
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda: request.infer({0: x})


def train_peer(a, name):
    import torch

    torch.set_num_threads(a.threads)
    form = torch.channels_last if name == "torch_channels_last" else torch.contiguous_format
    net = build(a).train().to(memory_format=form)
    x = torch.randn(a.batch, 1, a.size, a.size).to(memory_format=form)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3)

    def step():
        optimiser.zero_grad()
        net(x).square().mean().backward()
        optimiser.step()
    return step


SEGMENT_PEERS = ["openvino", "onnxruntime", "torch_channels_last", "torch"]
TRAIN_PEERS = ["torch_channels_last", "torch"]


def median_of(run, repeat):
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(a):
    names = SEGMENT_PEERS if a.what == "segment" else TRAIN_PEERS
    make = segment_peer if a.what == "segment" else train_peer
    peers = {name: make(a, name) for name in names}
    seen = {"lamella": []} | {name: [] for name in names}
    parameters = 0
    for _ in range(a.rounds):
        facts = ours(a, a.what)
        parameters = facts["facts"]["parameters"]
        seen["lamella"].append(facts["median_s"])
        for name, run in peers.items():
            seen[name].append(median_of(run, a.repeat))
    expected = sum(p.numel() for p in build(a).parameters())
    if parameters != expected:
        sys.exit(f"not the same network: {parameters} parameters, and {expected} in PyTorch")
    middle = {name: statistics.median(times) for name, times in seen.items()}
    fastest = min(names, key=middle.get)
    for name, seconds in middle.items():
        print(f"{name:22s} {seconds * 1000:9.1f} ms   ours/this {middle['lamella'] / seconds:5.2f}")
    ratio = middle["lamella"] / middle[fastest]
    print(f"{a.what} {a.net} {parameters} parameters, {a.size}x{a.size}: ratio to the fastest peer ({fastest}) {ratio:.2f}")
    sys.exit(a.max_ratio is not None and ratio > a.max_ratio)


def peak_mib(words):
    """Largest resident size of a process, from the system's own accounting."""
    done = subprocess.run(["/usr/bin/time", "-v", *words], capture_output=True, text=True)
    found = re.search(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"{words[:3]}: {done.stderr[-400:]}")
    return int(found.group(1)) / 1024


def memory(a):
    """A peer's exported file is made by another process, so that only running it counts."""
    what = "train" if a.train else "segment"
    print(f"{'lamella':22s} {peak_mib(our_words(a, what)):9.0f} MiB")
    keep = [word for word in sys.argv[1:] if word != "memory"]
    path = tempfile.mktemp(suffix=".onnx")
    if not a.train:
        subprocess.run([sys.executable, __file__, "export", *keep, "--file", path], check=True, capture_output=True)
    for name in TRAIN_PEERS if a.train else SEGMENT_PEERS:
        print(f"{name:22s} {peak_mib([sys.executable, __file__, 'alone', *keep, '--peer', name, '--file', path]):9.0f} MiB")


def alone(a):
    if a.train:
        run = train_peer(a, a.peer)
    elif a.peer.startswith("torch"):
        run = segment_peer(a, a.peer)
    else:
        import numpy
        run = session(a, a.peer, a.file, numpy.zeros((1, 1, a.size, a.size), numpy.float32))
    for _ in range(3):
        run()


def export(a):
    import torch

    x = torch.randn(1, 1, a.size, a.size)
    net = build(a).eval()
    torch.onnx.export(net, x, a.file, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["segment", "train", "memory", "alone", "export"])
    parser.add_argument("--lamella", default="target/release/lamella")
    parser.add_argument("--net", choices=["unet", "nnunet", "resnet"], default="unet")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--stages", type=int, default=6)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=6)
    parser.add_argument("--train", action="store_true", help="memory of training steps")
    parser.add_argument("--max-ratio", type=float, help="exit 1 where the ratio to the fastest peer is above this")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    a = parser.parse_args()
    {"segment": compare, "train": compare, "memory": memory, "alone": alone, "export": export}[a.what](a)


if __name__ == "__main__":
    main()
