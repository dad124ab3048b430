#!/usr/bin/env python3
"""Dice over wall-clock time: Lamella's trainer and a PyTorch loop of the same network, loss, optimiser and schedule.

Both learn axial, coronal and sagittal slices (five neighbours each) of the split's training cases with one 2.5-D U-Net
(width 32, depth 3, instance norm), patches of 48 x 48, 48 slices in a step, AdamW at 1e-3 with warm-up and poly decay over the
budget, cross entropy plus batch Dice, a third of each batch with forced foreground, and keep an exponential mean of the weights.
Lamella's rate is 2e-3: its weights start sqrt(6) times larger (He) than PyTorch's defaults, and under norms a step counts relative
to them. Both augment by rotation, size, mirroring, noise, contrast and gamma, the PyTorch loop on the batch.
Dice is that of all validation cases (mean of the three axes, mirrored from left to right). The weights that both have at chosen
minutes are put aside and measured after the time of both is over.

Usage: python3 benches/train_curves.py target/release/lamella DATASET --split FILE [--minutes 20] [--only ours|torch] [--more WORDS] -o FOLDER
Writes FOLDER/ours.csv, FOLDER/torch.csv and FOLDER/train-curves.svg. Needs PyTorch and nibabel; nothing else may run
before it says that it has trained.
"""

import argparse
import csv
import json
import shutil
import subprocess
import time
from pathlib import Path

import nibabel
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("dataset", type=Path)
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--minutes", type=float, default=20)
parser.add_argument("--more", default="", help="further words for `lamella train`")
parser.add_argument("--only", choices=["ours", "torch"])
parser.add_argument("-o", "--output", type=Path, required=True)
a = parser.parse_args()
a.output.mkdir(parents=True, exist_ok=True)

WIDTH, DEPTH, REACH, PATCH, BATCH, RATE = 32, 3, 2, 48, 48, 1e-3
CLASSES = 3
# Steps after which our model file is renewed.
EPOCH_STEPS = 20
# Minutes after which the weights are measured; and at the end.
MEASURED = [1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18]


def ours():
    """Nothing is held back while it learns: the model file is renewed about every ten seconds; the last one before a minute counts for it."""
    split = json.loads(a.split.read_text())
    (a.output / "split.json").write_text(json.dumps({"train": split["train"], "validation": []}))
    model = a.output / "ours.safetensors"
    options = {"width": WIDTH, "depth": DEPTH, "norm": "instance", "activation": {"leaky_relu": 0.01}}
    words = [a.lamella, "train", a.dataset, "--split", a.output / "split.json", "-o", model, "--json"]
    words += ["--options", json.dumps(options), "--fuse-axes", "--mirror", "R", "--average-mirrored", "--neighbours", str(REACH)]
    words += ["--patch", f"{PATCH}x{PATCH}", "--batch", str(BATCH), "--seed", "1", "--budget", f"{round(60 * a.minutes)}s"]
    words += ["--epoch-steps", str(EPOCH_STEPS), "--rate", "0.002", "--augment", "light", *a.more.split()]
    waiting, snapshots, newest, renewed = [60 * minute for minute in MEASURED], [], None, None

    def put_aside():
        seconds, epoch, path = newest
        snapshots.append((seconds, epoch * EPOCH_STEPS, shutil.copy(path, a.output / f"ours-{len(snapshots)}.safetensors")))

    with subprocess.Popen(map(str, words), stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            epoch = json.loads(line)
            if "seconds" not in epoch:
                continue
            if newest and waiting and epoch["seconds"] > waiting[0]:
                waiting = waiting[1:]
                put_aside()
            if model.exists() and renewed != model.stat().st_mtime_ns:
                renewed = model.stat().st_mtime_ns
                newest = epoch["seconds"], epoch["epoch"], Path(shutil.copy(model, a.output / "newest.safetensors"))
    if run.returncode != 0:
        raise SystemExit("lamella train failed")
    put_aside()
    return lambda: table("ours", ((seconds, steps, measured(split["validation"], kept)) for seconds, steps, kept in snapshots))


def table(name, rows):
    with (a.output / f"{name}.csv").open("w") as file:
        file.write("seconds,anterior,posterior,steps\n")
        for seconds, steps, dice in rows:
            file.write(f"{seconds:.1f},{dice[0]:.4f},{dice[1]:.4f},{steps}\n")
            file.flush()


def measured(names, model):
    """Mean Dice of both labels on cases."""
    masks, truth = a.output / "masks", a.output / "truth"
    for folder in (masks, truth):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for name in names:
        shutil.copy(a.dataset / "labelsTr" / f"{name}.nii.gz", truth)
    inputs = [a.dataset / "imagesTr" / f"{name}.nii.gz" for name in names]
    subprocess.run(map(str, [a.lamella, "segment", "-m", model, *inputs, "-o", masks]), check=True, capture_output=True)
    done = subprocess.run(map(str, [a.lamella, "evaluate", "--pred", masks, "--truth", truth, "--json"]), check=True, capture_output=True)
    mean = json.loads(done.stdout)["mean"]
    return [mean[label]["dice"] for label in ("1", "2")]


def load(name):
    image = nibabel.as_closest_canonical(nibabel.load(a.dataset / "imagesTr" / f"{name}.nii.gz"))
    label = nibabel.as_closest_canonical(nibabel.load(a.dataset / "labelsTr" / f"{name}.nii.gz"))
    volume = np.asarray(image.dataobj, dtype=np.float32)
    return (volume - volume.mean()) / volume.std(), np.asarray(label.dataobj).astype(np.int64)


def theirs():
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.manual_seed(1)
    random = np.random.default_rng(1)

    def pair(i, o):
        layer = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU(0.01)]
        return nn.Sequential(*layer(i, o), *layer(o, o))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            widths = [WIDTH << n for n in range(DEPTH + 1)]
            self.down = nn.ModuleList(pair(i, o) for i, o in zip([2 * REACH + 1] + widths, widths))
            self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
            self.join = nn.ModuleList(pair(2 * w, w) for w in reversed(widths[:-1]))
            self.head = nn.Conv2d(WIDTH, CLASSES, 1)

        def forward(self, x):
            skips = []
            for n, stage in enumerate(self.down):
                x = stage(F.max_pool2d(x, 2) if n else x)
                skips.append(x)
            for up, join, skip in zip(self.up, self.join, reversed(skips[:-1])):
                x = join(torch.cat([skip, up(x)], 1))
            return self.head(x)

    def slices(volume, axis):
        """[slice][rows, columns] along a world axis, each with its neighbours as channels."""
        moved = np.moveaxis(volume, axis, 0).transpose(0, 2, 1)
        padded = np.pad(moved, ((REACH, REACH), (0, 0), (0, 0)), mode="edge")
        return np.stack([padded[n : n + len(moved)] for n in range(2 * REACH + 1)], 1)

    split = json.loads(a.split.read_text())
    cases = []
    for name in split["train"]:
        volume, labels = load(name)
        for axis in range(3):
            truth = np.moveaxis(labels, axis, 0).transpose(0, 2, 1)
            holding = [np.flatnonzero((truth == c).any((1, 2))) for c in range(1, CLASSES)]
            cases.append((torch.from_numpy(slices(volume, axis)), torch.from_numpy(truth.copy()), holding, axis))
    validation = [load(name) for name in split["validation"]]

    def patch(forced):
        images, truth, holding, axis = cases[random.integers(len(cases))]
        slice_ = random.choice(holding[random.integers(len(holding))]) if forced else random.integers(len(images))
        image, label = images[slice_], truth[slice_]
        # World R is the columns of axial and coronal slices, and runs across sagittal ones.
        if random.random() < 0.5:
            image, label = (image.flip(0), label) if axis == 0 else (image.flip(2), label.flip(1))
        out, target = torch.zeros(len(image), PATCH, PATCH), torch.zeros(PATCH, PATCH, dtype=torch.long)
        at, size = [], []
        for length in label.shape:
            at.append((random.integers(length - PATCH + 1), 0) if length > PATCH else (0, (PATCH - length) // 2))
            size.append(min(length, PATCH))
        (sy, ty), (sx, tx) = at
        h, w = size
        out[:, ty : ty + h, tx : tx + w] = image[:, sy : sy + h, sx : sx + w]
        target[ty : ty + h, tx : tx + w] = label[sy : sy + h, sx : sx + w]
        return out, target

    def augment(images, labels):
        n = len(images)
        chosen = lambda p: torch.from_numpy((random.random(n) < p).astype(np.float32))
        between = lambda low, high: torch.from_numpy(random.uniform(low, high, n).astype(np.float32))
        angle = chosen(0.5) * between(-30, 30) * np.pi / 180
        factor = 1 / (1 + chosen(0.5) * (between(0.75, 1.3) - 1))
        theta = torch.stack(
            [factor * angle.cos(), -factor * angle.sin(), torch.zeros(n), factor * angle.sin(), factor * angle.cos(), torch.zeros(n)], 1
        ).view(n, 2, 3)
        grid = F.affine_grid(theta, [n, 1, PATCH, PATCH], align_corners=False)
        images = F.grid_sample(images, grid, align_corners=False)
        labels = F.grid_sample(labels[:, None].float(), grid, mode="nearest", align_corners=False)[:, 0].long()
        view = lambda v: v.view(n, 1, 1, 1)
        images = images + view(chosen(0.15) * between(0, 0.1).sqrt()) * torch.randn_like(images)
        mean = images.mean((1, 2, 3), keepdim=True)
        images = (images - mean) * view(1 + chosen(0.25) * (between(0.75, 1.25) - 1)) + mean
        low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        std = images.std((1, 2, 3), keepdim=True)
        curved = ((images - low) / (high - low)).pow(view(between(0.7, 1.5)))
        curved = (curved - curved.mean((1, 2, 3), keepdim=True)) / curved.std((1, 2, 3), keepdim=True) * std + mean
        return torch.where(view(chosen(0.3)) > 0, curved, images), labels

    net = UNet().to(memory_format=torch.channels_last)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)

    def evaluate(weights):
        net.load_state_dict(weights)
        net.eval()
        sums = []
        with torch.no_grad():
            for volume, truth in validation:
                total = 0
                for axis in range(3):
                    x = torch.from_numpy(slices(volume, axis))
                    h, w = x.shape[2:]
                    # At least as large as the patches it has learned from.
                    x = F.pad(x, (0, max(PATCH - w, -w % 8), 0, max(PATCH - h, -h % 8))).to(memory_format=torch.channels_last)
                    mirrored = x.flip(1) if axis == 0 else x.flip(3)
                    back = net(mirrored).softmax(1)
                    p = net(x).softmax(1) + (back if axis == 0 else back.flip(3))
                    total = total + np.moveaxis(p[:, :, :h, :w].numpy().transpose(1, 0, 3, 2), 1, axis + 1)
                found = total.argmax(0)
                sums.append([2 * ((found == c) & (truth == c)).sum() / ((found == c).sum() + (truth == c).sum()) for c in range(1, CLASSES)])
        return np.mean(sums, 0)

    started, steps, waiting, snapshots = time.time(), 0, list(MEASURED), []
    while True:
        seconds = time.time() - started
        share = seconds / (60 * a.minutes)
        if share >= 1 or (waiting and seconds >= 60 * waiting[0]):
            waiting = waiting[1:]
            snapshots.append((seconds, steps, {name: value.clone() for name, value in kept.items()}))
            if share >= 1:
                break
        rate = RATE * (1 - share) ** 0.9 * min(1, max(share / 0.02, 0.02))
        for group in optimiser.param_groups:
            group["lr"] = rate
        forced = round(BATCH / 3)
        drawn = [patch(n >= BATCH - forced) for n in range(BATCH)]
        images, labels = augment(torch.stack([d[0] for d in drawn]), torch.stack([d[1] for d in drawn]))
        logits = net(images.to(memory_format=torch.channels_last))
        p, hot = logits.softmax(1), F.one_hot(labels, CLASSES).permute(0, 3, 1, 2)
        overlap, total = (p * hot).sum((0, 2, 3))[1:], (p + hot).sum((0, 2, 3))[1:]
        loss = F.cross_entropy(logits, labels) - ((2 * overlap + 1e-5) / (total + 1e-5)).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 12.0)
        optimiser.step()
        steps += 1
        decay = min(0.998, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for name, value in net.state_dict().items():
                kept[name].lerp_(value, 1 - decay)
    return lambda: table("torch", ((seconds, steps, evaluate(weights)) for seconds, steps, weights in snapshots))


def picture():
    lines = {}
    for name in ("ours", "torch"):
        path = a.output / f"{name}.csv"
        if path.exists():
            lines[name] = [[float(v) for v in row] for row in list(csv.reader(path.open()))[1:]]
    left, top, width, height, low = 60, 30, 560, 280, 0.70
    x = lambda seconds: left + width * seconds / 60 / a.minutes
    y = lambda dice: top + height * (1 - (max(dice, low) - low) / (0.92 - low))
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" width="760" height="370" font-family="sans-serif" font-size="12">']
    svg.append('<rect width="100%" height="100%" fill="white"/>')
    for tick in np.arange(low, 0.921, 0.02):
        svg.append(f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#ddd"/><text x="{left - 40}" y="{y(tick) + 4:.1f}">{tick:.2f}</text>')
    for minute in range(0, int(a.minutes) + 1, 5):
        svg.append(f'<text x="{x(60 * minute):.1f}" y="{top + height + 18}" text-anchor="middle">{minute}</text>')
    svg.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">minutes on two cores</text>')
    colours = {("ours", 1): "#0072b2", ("ours", 2): "#56b4e9", ("torch", 1): "#d55e00", ("torch", 2): "#e69f00"}
    title = {"ours": "Lamella", "torch": "PyTorch"}
    for row, ((name, column), colour) in enumerate(colours.items()):
        points = " ".join(f"{x(r[0]):.1f},{y(r[column]):.1f}" for r in lines.get(name, []))
        svg.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = f"{title[name]}, {'anterior' if column == 1 else 'posterior'}"
        svg.append(f'<text x="{left + width + 10}" y="{top + 16 + 18 * row}" fill="{colour}">{label}</text>')
    (a.output / "train-curves.svg").write_text("\n".join(svg) + "\n</svg>\n")


trainings = ([ours] if a.only != "torch" else []) + ([theirs] if a.only != "ours" else [])
measurements = [train() for train in trainings]
print("trained; what follows is measuring", flush=True)
for measure in measurements:
    measure()
picture()
