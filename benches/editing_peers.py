#!/usr/bin/env python3
"""How long operations on labels take beside SimpleITK and cc3d, on one label map of 512 x 512 x 600 voxels, in one run.

    python benches/editing_peers.py LAMELLA_BINARY [--repeat N]

Needs numpy, SimpleITK and connected-components-3d. Times are those of the operation alone, without reading and writing files: `lamella edit --json` tells its own, and
SimpleITK is timed around the call. Both use all cores; of N times the least counts, and runs of both alternate. SimpleITK is given the mask of the
label in the whole volume, as one call does, and a second time what a careful user would cut out around the label first. Connected components are
those of all labels at once, which both find in one call: ours where no island is small enough to be removed, so that nothing else is done. They
are found a second time with every fiftieth voxel of the volume set to a label by chance, which makes millions of them.
"""
import argparse, importlib.metadata, json, subprocess, tempfile, time
from pathlib import Path

import cc3d
import numpy as np
import SimpleITK as sitk

SHAPE = (600, 512, 512)
SPACING = (0.8, 0.8, 1.0)
BOUND = 0.25
COMPONENTS_BOUND = 0.5
NOISE = 0.02
# Organs: centre and half axes as parts of the volume along k, j, i.
ORGANS = [
    ((0.50, 0.50, 0.50), (0.49, 0.36, 0.46)),
    ((0.60, 0.42, 0.33), (0.13, 0.18, 0.17)),
    ((0.58, 0.60, 0.68), (0.09, 0.08, 0.08)),
    ((0.45, 0.62, 0.36), (0.08, 0.06, 0.06)),
    ((0.45, 0.62, 0.64), (0.08, 0.06, 0.06)),
    ((0.80, 0.48, 0.30), (0.15, 0.22, 0.14)),
    ((0.80, 0.48, 0.70), (0.15, 0.22, 0.14)),
    ((0.20, 0.45, 0.50), (0.06, 0.09, 0.10)),
]


def organs(seed=7):
    """Labels 1 (the body) to 8, with wavy surfaces and specks."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.uint8)
    for label, (centre, half) in enumerate(ORGANS, 1):
        low = [max(0, int((c - 1.15 * h) * n)) for c, h, n in zip(centre, half, SHAPE)]
        high = [min(n, int((c + 1.15 * h) * n) + 1) for c, h, n in zip(centre, half, SHAPE)]
        k, j, i = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high))]
        far = sum(((at / n - c) / h) ** 2 for at, n, c, h in zip((k, j, i), SHAPE, centre, half)).astype(np.float32)
        for axis, at in enumerate((k, j, i)):
            wave = rng.uniform(12, 40, 2)
            other = (k, j, i)[(axis + 1) % 3]
            far += 0.08 * np.sin(at / wave[0] + rng.uniform(0, 6)) * np.cos(other / wave[1])
        part = labels[tuple(slice(a, b) for a, b in zip(low, high))]
        inside = far < 1
        inside &= rng.random(inside.shape, np.float32) > 0.002
        part[inside] = label
    return labels


def ours(binary, mask, label, step):
    with tempfile.TemporaryDirectory() as folder:
        words = [binary, "edit", mask, "-o", Path(folder) / "out.nii", "--do", step, "--label", str(label), "--json"]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["steps"][0]["seconds"]


def islands_of(labels, binary, path, repeat):
    """Connected components of all labels beside cc3d; the greatest ratio."""
    worst = 0
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(path))
    for neighbours in (6, 26):
        own, peer = [], []
        for _ in range(repeat):
            own.append(ours(binary, path, "all", f"remove-small-islands below=1 unit=voxels neighbours={neighbours}"))
            peer.append(timed(lambda: cc3d.connected_components(labels, connectivity=neighbours)))
        ratio = min(own) / min(peer)
        worst = max(worst, ratio)
        count = cc3d.connected_components(labels, connectivity=neighbours, return_N=True)[1]
        print(f"{f'{count} components ({neighbours})':24}{min(own):9.3f}{min(peer):11.3f}{ratio:7.3f}", flush=True)
    return worst


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cut(mask, reach):
    """The mask around its voxels, with what an operation reaches."""
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(mask)
    box = shape.GetBoundingBox(1)
    start = [max(0, box[n] - reach[n]) for n in range(3)]
    end = [min(mask.GetSize()[n], box[n] + box[n + 3] + reach[n]) for n in range(3)]
    return mask[start[0] : end[0], start[1] : end[1], start[2] : end[2]]


def main():
    words = argparse.ArgumentParser()
    words.add_argument("binary")
    words.add_argument("--repeat", type=int, default=3)
    words = words.parse_args()
    labels = organs()
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(SPACING)
    voxels = lambda mm: [int(mm / s + 1e-4) for s in SPACING]
    jobs = [
        ("margin of 5 mm", "grow-margin margin=5", voxels(5.0),
         lambda m: sitk.SignedMaurerDistanceMap(m, squaredDistance=False, useImageSpacing=True) <= 5.0),
        ("median of 2 mm", "smooth-median radius=2", voxels(2.0),
         lambda m: sitk.BinaryMedian(m, voxels(2.0), 1, 0)),
        ("closing of 4 mm", "close radius=4", voxels(4.0),
         lambda m: sitk.BinaryMorphologicalClosing(m, voxels(4.0), sitk.sitkBall)),
    ]
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "organs.nii"
        sitk.WriteImage(image, str(path))
        print(f"SimpleITK {sitk.Version_VersionString()}, {sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()} threads; seconds")
        print(f"{'operation':18}{'label':>6}{'Lamella':>9}{'SimpleITK':>11}{'ratio':>7}{'cut out':>9}{'ratio':>7}")
        for label, what in ((1, "body"), (2, "liver"), (8, "small")):
            mask = image == label
            for name, step, reach, peer in jobs:
                part = cut(mask, reach)
                times = [[], [], []]
                for _ in range(words.repeat):
                    times[0].append(ours(words.binary, path, label, step))
                    times[1].append(timed(lambda: peer(mask)))
                    times[2].append(timed(lambda: peer(part)))
                own, whole, little = map(min, times)
                worst[name] = max(worst.get(name, 0), own / whole)
                print(f"{name:18}{what:>6}{own:9.3f}{whole:11.3f}{own / whole:7.3f}{little:9.3f}{own / little:7.3f}", flush=True)
        print(f"cc3d {importlib.metadata.version('connected-components-3d')}")
        islands = islands_of(labels, words.binary, path, words.repeat)
        chance = np.random.default_rng(11)
        noisy = chance.random(SHAPE, np.float32) < NOISE
        labels[noisy] = chance.integers(0, len(ORGANS) + 1, np.count_nonzero(noisy), np.uint8)
        in_noise = islands_of(labels, words.binary, path, words.repeat)
    for name, ratio in (("connected components", islands), ("connected components in noise", in_noise)):
        print(f"{name}: at most {ratio:.3f} times cc3d ({'holds' if ratio <= COMPONENTS_BOUND else 'misses'} {COMPONENTS_BOUND})")
    for name, ratio in worst.items():
        print(f"{name}: at most {ratio:.3f} times SimpleITK ({'holds' if ratio <= BOUND else 'misses'} {BOUND})")


if __name__ == "__main__":
    main()
