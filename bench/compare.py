"""Compares two builds of the program on many tables: what they train with no options, judged on held-out rows.

Every table is cut by chance into 70 % of its rows and 30 %, several times with different seeds; both builds see the same
rows. Prints every table on which they differ, and how often each is better.

    python3 bench/compare.py BEFORE AFTER [--seeds N] [--table FILE:TARGET[:ROWS]]...

Needs Python with the packages of bench/requirements-recipes.txt, which also bring the tables along.
"""

import argparse
import json
import statistics
import subprocess

from recipe_tables import tables
from recipes import PLACE, cut

# Differences up to this share of the loss count as none.
ALIKE = 0.002


def loss(program, parts, target, out):
    """Log loss or RMSE on the second part; None where the program refuses the table."""
    train = ["train", parts[0], "--target", target, "--holdout", "0", "--out", out, "--json"]
    evaluate = ["evaluate", out, parts[1], "--json"]
    for arguments in (train, evaluate):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{program} {arguments[0]} {parts[0].name}: {done.stderr.strip()[-200:]}")
            return None
    metrics = json.loads(done.stdout)["metrics"]
    return metrics["log_loss" if "log_loss" in metrics else "rmse"]["value"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="append", default=[], metavar="FILE:TARGET[:ROWS]")
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    changes = []
    for name, path, target, _ in tables(PLACE, options.table):
        pairs = []
        for seed in range(1, options.seeds + 1):
            parts = cut(path, seed)
            pairs.append([loss(p, parts, target, PLACE / "compare.yosoku") for p in (options.before, options.after)])
        pairs = [pair for pair in pairs if None not in pair]
        if not pairs:
            continue
        change = statistics.mean(after / before - 1 for before, after in pairs)
        changes.append(change)
        if abs(change) > ALIKE:
            means = [statistics.mean(side) for side in zip(*pairs)]
            print(f"{name:20} {means[0]:.5g} {means[1]:.5g} {change:+.2%}", flush=True)
    better = sum(change < -ALIKE for change in changes)
    worse = sum(change > ALIKE for change in changes)
    print(f"{len(changes)} tables: lower on {better}, higher on {worse}, on average {statistics.mean(changes):+.2%}")


if __name__ == "__main__":
    main()
