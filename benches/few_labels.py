#!/usr/bin/env python3
"""Dice after a few minutes of training on few labelled scans: the table of docs/few-labels.md.

For each k the draws of the split's `fewshot` are trained on; Dice is that of the split's validation cases after the last step:
no epoch is chosen by them.

Usage: python3 benches/few_labels.py target/release/lamella DATASET --split FILE [--k 1,2,5,10,20] [--budget 5m] [--init MODEL]
           [--jobs 1] [-o RESULTS.json]

With a budget in minutes nothing else may run meanwhile. With one in epochs (of `--epoch-steps`, in `--more`), as many as the
minutes are good for on an idle machine, several draws can be trained at once (`--jobs`) and other work does no harm.
"""

import argparse
import json
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
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--k", default="1,2,5,10,20")
parser.add_argument("--budget", default="5m")
parser.add_argument("--init", help="a model to start from instead of random weights")
parser.add_argument("--more", default="", help="further words for `lamella train`")
parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
parser.add_argument("-o", "--output", type=Path, help="keep every figure in this file; draws that are in it are not trained again")
a = parser.parse_args()

splits = json.loads(a.split.read_text())
command = ["--mirror", "R", "--average-mirrored", "--seed", "1", "--validate-every", "1000000", "--budget", a.budget]
command += (["--init", a.init] if a.init else []) + a.more.split()
print("Each row: `lamella train hippocampus --split DRAW " + " ".join(command) + "`\n")
print("| k | draw | anterior | posterior | mean |\n| --: | --: | --: | --: | --: |")
kept = Kept(a.output)


def train(k, draw):
    """Dice of both labels on the held-back cases."""

    def dice():
        with tempfile.TemporaryDirectory() as folder:
            split = Path(folder) / "split.json"
            split.write_text(json.dumps({"train": draw["cases"], "validation": splits["validation"]}))
            words = [a.lamella, "train", a.dataset, "-o", f"{folder}/m.safetensors", "--split", split, "--json", *command]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(done.stderr)
            return list(json.loads(done.stdout.splitlines()[-1])["dice"].values())

    return kept.get(f"{k} {draw['draw']}: {' '.join(command)}", dice)


summary = []
with ThreadPoolExecutor(a.jobs) as pool:
    runs = {k: [(draw, pool.submit(train, k, draw)) for draw in splits["fewshot"][k]] for k in a.k.split(",")}
    for k, draws in runs.items():
        means = []
        for draw, run in draws:
            try:
                dice = run.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            means.append(dice)
            print(f"| {k} | {draw['draw']} | {dice[0]:.4f} | {dice[1]:.4f} | {statistics.mean(dice):.4f} |", flush=True)
        columns = list(zip(*means))
        spread = [statistics.stdev(c) if len(c) > 1 else 0.0 for c in columns]
        summary.append((k, [statistics.mean(c) for c in columns], spread))
print("\n| k | anterior, mean and deviation | posterior | mean of both |\n| --: | --: | --: | --: |")
for k, mean, spread in summary:
    print(f"| {k} | {mean[0]:.3f} ± {spread[0]:.3f} | {mean[1]:.3f} ± {spread[1]:.3f} | {statistics.mean(mean):.3f} |")
