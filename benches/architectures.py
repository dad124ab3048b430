#!/usr/bin/env python3
"""Every architecture, encoder and attention after the same short training: the table of docs/architectures.md.

Usage: python3 benches/architectures.py target/release/lamella DATASET [--split FILE] [--seconds 120] [--seeds 1,2,3] [--jobs 2]
           [--only unet,unet/se,unet/resnet18] [-o RESULTS.json] > docs/architectures.md

First a training step of every entry is timed on one thread; nothing else may run until it says so. Then each entry makes as many
steps as the seconds are good for, once with every seed, on coronal slices, as many trainings at once as there are jobs: what else runs
then changes nothing. Dice is that of the split's validation cases after the last step. What is in RESULTS.json is not made again.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kept import Kept

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("dataset")
parser.add_argument("--split")
parser.add_argument("--seconds", type=float, default=120)
parser.add_argument("--seeds", default="1,2,3")
parser.add_argument("--jobs", type=int, default=2)
parser.add_argument("--only", default="", help="just these: an architecture, or unet/ and an encoder or attention")
parser.add_argument("-o", "--output", type=Path)
a = parser.parse_args()
only = [word for word in a.only.split(",") if word]
seeds = a.seeds.split(",")
kept = Kept(a.output)


def run(*words):
    done = subprocess.run([a.lamella, *words, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


zoo = json.loads(run("models", "list"))


def entries():
    """Identifier, table, architecture, options and facts of every entry."""
    for r in zoo["architectures"]:
        yield r["id"], "Architectures", r["id"], {}, r
    for r in zoo["encoders"]:
        yield f"unet/{r['id']}", "Encoders", "unet", {"encoder": r["id"]}, r
    for r in zoo["attention"]:
        yield f"unet/{r['id']}", "Attention", "unet", {"attention": r["id"]}, r


def train(arch, options, seed):
    """Dice of both labels."""
    steps = max(1, round(a.seconds / step_seconds(arch, options)))
    words = ["--arch", arch, "--options", options, "--axis", "coronal", "--patch", "64x64", "--batch", "8", "--mirror", "R"]
    words += ["--budget", "1ep", "--epoch-steps", str(steps), "--seed", seed, "--threads", "1"]
    words += ["--split", a.split] if a.split else []

    def dice():
        with tempfile.TemporaryDirectory() as folder:
            printed = run("train", a.dataset, "-o", f"{folder}/m.safetensors", "--no-average-mirrored", *words)
        found = list(json.loads(printed.splitlines()[-1])["dice"].values())
        print(f"done: {' '.join(words)} {found}", file=sys.stderr, flush=True)
        return found

    return kept.get(" ".join(words), dice)


def step_seconds(arch, options):
    """Of a training step of 8 slices of 64 x 64, on one thread."""
    words = ["bench", "train", "--arch", arch, "--options", options, "--size", "64", "--batch", "8", "--threads", "1"]
    return kept.get(f"step: {arch} {options}", lambda: json.loads(run(*words))["median_s"])


chosen = [entry for entry in entries() if not only or entry[0] in only]
if missing := set(only) - {entry[0] for entry in chosen}:
    sys.exit(f"no such entries: {', '.join(sorted(missing))}")
for entry in chosen:
    step_seconds(entry[2], json.dumps(entry[3]))
print("steps are timed; other work does no harm from here on", file=sys.stderr, flush=True)
with ThreadPoolExecutor(a.jobs) as pool:
    # Seed by seed, so that a run that is cut short has all entries.
    runs = {(e[0], seed): pool.submit(train, e[2], json.dumps(e[3]), seed) for seed in seeds for e in chosen}
    try:
        found = {key: future.result() for key, future in runs.items()}
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise

print("# Architectures\n")
print(
    f"{'These entries' if only else 'Every entry'} after {a.seconds:.0f} seconds' worth of training steps on the hippocampus data with each of the seeds {', '.join(seeds)} (fixed split, 40\n"
    "validation cases; coronal slices in steps of 8, the mean of the weights after the last step), on one thread. An equal\n"
    "budget is not an equal chance: large networks and dear blocks have made few steps by then, and a low Dice says that an entry\n"
    "had not begun to find the labels, not that it cannot (`tests/zoo.rs` lets the architectures, some encoders and every attention\n"
    "learn sixteen slices by heart). Mean and standard deviation over seeds. Multiply-adds are for one slice of 256 x 256; a step is 8\n"
    f"slices of 64 x 64, forward, backward and AdamW, on one thread. {platform.processor() or platform.machine()}. Made by\n\n"
    f"    python3 benches/architectures.py target/release/lamella hippocampus --split splits.json --seconds {a.seconds:.0f} --seeds {a.seeds}"
    + (f" \\\n        --only {a.only}" if only else "")
)
notes = {
    "Architectures": "Defaults of each.",
    "Encoders": "`--arch unet --encoder ...`; parameters are those of the published classifier of 1000 classes.",
    "Attention": "`--arch unet --attention ...`, wherever it fits; parameters and multiply-adds are what it adds.",
}
shown = None
for name, table, arch, options, facts in chosen:
    if table != shown:
        shown = table
        print(f"\n## {table}\n\n{notes[table]}\n")
        print("| | parameters | GMAC | s per step | steps | Dice anterior | Dice posterior | mean |")
        print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    dice = [found[name, seed] for seed in seeds]
    cells = []
    for column in [*zip(*dice), [statistics.mean(d) for d in dice]]:
        spread = statistics.stdev(column) if len(column) > 1 else 0.0
        cells.append(f"{statistics.mean(column):.3f} ± {spread:.3f}")
    step = step_seconds(arch, json.dumps(options))
    print(f"| `{name.split('/')[-1]}` | {facts['parameters']:,} | {facts['gmac']:.2f} | {step:.3f} | {round(a.seconds / step)} | {' | '.join(cells)} |", flush=True)
