#!/usr/bin/env python3
"""The tables and the plot of docs/few-labels.md, from what benches/few_labels.py kept.

Usage: python3 benches/few_labels_report.py RANDOM.json TUNED.json PLOT.svg
"""

import json
import math
import statistics
import sys
from pathlib import Path

SERIES = ("random weights", "weights of other images")
COLOURS = ("#1f77b4", "#d62728")

def read(path):
    """Dice of both labels by number of scans and draw."""
    figures = json.loads(Path(path).read_text())
    commands = {key.split(": ", 1)[1] for key in figures}
    if len(commands) > 1:
        sys.exit(f"{path} holds figures of {len(commands)} commands: {commands}")
    return {tuple(map(int, key.split(":")[0].split())): value for key, value in figures.items()}


dice = [read(path) for path in sys.argv[1:3]]
counts = sorted({k for of in dice for k, _ in of})

print("| scans | draw | anterior | posterior | mean | " + " | ".join(f"{what}, {SERIES[1]}" for what in ("anterior", "posterior", "mean")) + " |")
print("| --: " * 8 + "|")
for k in counts:
    for draw in sorted({d for of in dice for n, d in of if n == k}):
        cells = []
        for of in dice:
            value = of.get((k, draw))
            cells += [f"{v:.4f}" for v in (*value, statistics.mean(value))] if value else ["not measured"] * 3
        print(f"| {k} | {draw} | " + " | ".join(cells) + " |")

print("\n| scans | random weights: anterior | posterior | mean of both | weights of other images: anterior | posterior | mean of both |")
print("| --: " * 7 + "|")
for k in counts:
    cells = []
    for of in dice:
        values = [value for (n, _), value in of.items() if n == k]
        columns = [*zip(*values), [statistics.mean(value) for value in values]]
        if not values:
            cells += ["not measured"] * 3
        elif len(values) == 1:
            cells += [f"{c[0]:.3f} (one draw)" for c in columns]
        else:
            draws = "" if len(values) == 3 else f" ({len(values)} draws)"
            cells += [f"{statistics.mean(c):.3f} ± {statistics.stdev(c):.3f}{draws}" for c in columns]
    print(f"| {k} | " + " | ".join(cells) + " |")

means = [statistics.mean(value) for of in dice for value in of.values()]
LOW, HIGH = math.floor(50 * min(means)) / 50, math.ceil(50 * max(means)) / 50
MOST = max(2, *counts)
left, top, width, height = 60, 30, 520, 300


def x(k):
    return left + 30 + math.log2(k) / math.log2(MOST) * (width - 60)


def y(value):
    return top + height * (HIGH - value) / (HIGH - LOW)


svg = ['<svg xmlns="http://www.w3.org/2000/svg" width="820" height="390" font-family="sans-serif" font-size="12">']
svg.append('<rect width="100%" height="100%" fill="white"/>')
for step in range(round((HIGH - LOW) / 0.02) + 1):
    tick = LOW + 0.02 * step
    svg.append(f'<path d="M{left} {y(tick):.1f}h{width}" stroke="#ddd"/><text x="{left - 40}" y="{y(tick) + 4:.1f}">{tick:.2f}</text>')
for k in counts:
    svg.append(f'<text x="{x(k):.1f}" y="{top + height + 18}" text-anchor="middle">{k}</text>')
svg.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">labelled scans</text>')
svg.append(f'<text x="{left}" y="{top - 12}">mean Dice of both labels on 40 held-back scans; dots are draws, lines their means</text>')
for row, (of, name, colour) in enumerate(zip(dice, SERIES, COLOURS)):
    shift = 4 * (2 * row - 1)
    of_count = {}
    for (k, _), value in of.items():
        svg.append(f'<circle cx="{x(k) + shift:.1f}" cy="{y(statistics.mean(value)):.1f}" r="3" fill="{colour}" fill-opacity="0.6"/>')
        of_count.setdefault(k, []).append(statistics.mean(value))
    points = " ".join(f"{x(k) + shift:.1f},{y(statistics.mean(of_count[k])):.1f}" for k in sorted(of_count))
    svg.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    svg.append(f'<text x="{left + width + 10}" y="{top + 16 + 18 * row}" fill="{colour}">{name}</text>')
Path(sys.argv[3]).write_text("\n".join(svg) + "\n</svg>\n")
