#!/usr/bin/env python3
"""Every architecture, encoder and attention after the same short training: the table of docs/architectures.md.

Usage: python3 benches/architectures.py target/release/lamella DATASET [--split FILE] [--budget 30s] > docs/architectures.md

Nothing else may run meanwhile. Each entry trains once with seed 1, on coronal slices; Dice is that of the split's validation cases
after the last step.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("dataset")
parser.add_argument("--split")
parser.add_argument("--budget", default="30s")
parser.add_argument("--only", help="print just the rows of these ids (separated by commas)")
a = parser.parse_args()


def run(*words):
    done = subprocess.run([a.lamella, *words, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return done.stdout


zoo = json.loads(run("models", "list"))


def row(name, arch, options, listed):
    options = json.dumps(options)
    step = run("bench", "train", "--arch", arch, "--options", options, "--size", "64", "--batch", "8")
    step = json.loads(step)["median_s"]
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", a.dataset, "-o", f"{folder}/m.safetensors", "--arch", arch, "--options", options]
        words += ["--axis", "coronal", "--patch", "48x48", "--batch", "16", "--mirror", "R"]
        words += ["--budget", a.budget, "--seed", "1", "--validate-every", "1000"] + (["--split", a.split] if a.split else [])
        dice = json.loads(run(*words).splitlines()[-1])["dice"]
    values = list(dice.values())
    print(f"done: {name} {values}", file=sys.stderr)
    cells = " | ".join(f"{v:.3f}" for v in values)
    print(f"| `{name}` | {listed['parameters']:,} | {listed['gmac']:.2f} | {step:.3f} | {cells} |", flush=True)
    return values


def table(title, note, rows):
    print(f"\n## {title}\n\n{note}\n")
    print("| | parameters | GMAC | s per step | Dice anterior | Dice posterior |\n| --- | --: | --: | --: | --: | --: |")
    for each in rows:
        row(*each)


only = (a.only or "").split(",")
if a.only:
    for each in zoo["architectures"]:
        if each["id"] in only:
            row(each["id"], each["id"], {}, each)
    sys.exit()

print("# Architectures\n")
print(
    f"Every entry of `lamella models list` after {a.budget} of training on the hippocampus data (fixed split, 40 validation\n"
    "cases; coronal slices in steps of 16, seed 1, the mean of the weights after the last step). An equal budget is not an equal chance: large networks and dear blocks have\n"
    "made few steps by then, and a Dice near zero says that an entry had not begun to find the labels, not that it cannot\n"
    "(`tests/zoo.rs` lets the architectures, some encoders and every attention learn sixteen slices by heart). Multiply-adds are\n"
    "for one slice of 256 x 256; a step is 8 slices of 64 x 64, forward, backward and AdamW. "
    f"{platform.processor() or platform.machine()}, two threads. Made by\n\n"
    "    python3 benches/architectures.py target/release/lamella hippocampus --split hippocampus/splits.json --budget " + a.budget
)
table("Architectures", "Defaults of each.", [(r["id"], r["id"], {}, r) for r in zoo["architectures"]])
table(
    "Encoders",
    "`--arch unet --encoder ...`; parameters are those of the published classifier of 1000 classes.",
    [(r["id"], "unet", {"encoder": r["id"]}, r) for r in zoo["encoders"]],
)
table(
    "Attention",
    "`--arch unet --attention ...`, wherever it fits; parameters and multiply-adds are what it adds.",
    [(r["id"], "unet", {"attention": r["id"]}, r) for r in zoo["attention"]],
)
