"""Compares what the program learns with no options with scikit-learn's pipelines on small real tables.

Every table is cut five times into about 70 % of its rows, from which all learn, and the rest, on which all are judged.
The verdict asks whether the program is at least the better of scikit-learn's plain and quantile-binned pipelines, each
with a chosen penalty, in the mean over the cuts and to within a third of the spread between them.

    python3 bench/quality.py PROGRAM [--table FILE:TARGET[:ROWS]]... [--only NAME,...]

Needs Python with the packages of bench/requirements.txt, which also bring the tables along. What scikit-learn scored is
kept, so that another build of the program is compared within minutes; --fresh forgets it. Writes its section of
docs/benchmarks.md unless --only is given.
"""

import argparse
import csv
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import pipelines
from document import circumstances, table, write_section
from recipe_tables import ROOT, tables
from workloads.draws import is_train

PLACE = ROOT / "target" / "bench" / "quality"
CUTS = range(1, 6)
HEADLINE = {"binary": "auc", "multiclass": "macro_f1", "regression": "rmse"}
LESS_IS_MORE = ("log_loss", "rmse")
# The share of the spread between cuts that counts as no difference.
ALIKE = 1 / 3


def cut(path, seed, folder):
    """Writes the rows to learn from and those to judge on."""
    parts = [folder / f"{path.stem}.{seed}.{part}.csv" for part in ("train", "test")]
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    train = is_train(np.arange(len(rows)) + (seed << 32))
    for part, chosen in zip(parts, (train, ~train)):
        with open(part, "w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows[index] for index in np.flatnonzero(chosen))
    return parts


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} {Path(arguments[1]).name}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def ours(program, parts, target):
    """The task the program saw, and its metrics on the held-out rows."""
    model = parts[0].with_suffix(".yosoku")
    run(program, "train", parts[0], "--target", target, "--holdout", 0, "--out", model, "--json")
    report = run(program, "evaluate", model, parts[1], "--json")
    return report["type"], {name: metric["value"] for name, metric in report["metrics"].items()}


class Kept:
    """Scores of scikit-learn by pipeline and content of the files. Several runs may keep theirs at the same time."""

    def __init__(self, fresh):
        self.file = PLACE / "peers.json"
        if fresh:
            self.file.unlink(missing_ok=True)
        self.scores = self.read()

    def read(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def keep(self, key, scores):
        self.scores = {**self.read(), **self.scores, key: scores}
        half = self.file.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(self.scores, indent=0))
        half.rename(self.file)

    def get(self, name, task, parts, target):
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.read_bytes())
        key = f"{pipelines.VERSION} {pipelines.EDITION} {name} {task} {target} {digest.hexdigest()}"
        if key not in self.scores:
            self.keep(key, pipelines.scores(name, task, parts, target))
        return self.scores[key]


def measure(program, kept, path, target):
    """Rows, the task, and for each learner a list of its metrics, one for each cut."""
    found = {"yosoku": [], **{name: [] for name in pipelines.PIPELINES}}
    for seed in CUTS:
        with tempfile.TemporaryDirectory(dir=PLACE) as folder:
            parts = cut(path, seed, Path(folder))
            task, scores = ours(program, parts, target)
            found["yosoku"].append(scores)
            for name in pipelines.PIPELINES:
                found[name].append(kept.get(name, task, parts, target))
    return task, found


def compare(found, metric, rivals):
    """The means, and by how many spreads between the cuts the program is better than the better of its rivals."""
    values = {name: [scores[metric] for scores in cuts] for name, cuts in found.items()}
    means = {name: statistics.mean(some) for name, some in values.items()}
    sign = -1 if metric in LESS_IS_MORE else 1
    best = max(rivals, key=lambda name: sign * means[name])
    spread = statistics.stdev(values[best])
    ahead = sign * (means["yosoku"] - means[best])
    return means, spread, (ahead / spread if spread > 0 else float(ahead > 0) - float(ahead < 0))


def row(name, task, found, metric):
    means, spread, ahead = compare(found, metric, ("plain", "binned"))
    _, _, ahead_of_all = compare(found, metric, tuple(pipelines.PIPELINES))
    shown = [f"{means[learner]:.4g}" for learner in found]
    return [
        name,
        metric,
        *shown,
        f"{spread:.2g}",
        f"{ahead:+.2f}",
        "yes" if ahead >= -ALIKE else "**no**",
        f"{ahead_of_all:+.2f}",
    ]


HEADER = (
    "table",
    "metric",
    "yosoku",
    *pipelines.PIPELINES,
    "spread",
    "ahead, in spreads",
    "at least the better",
    "ahead of all three",
)


def report(rows, failures, where):
    verdicts = [cells[HEADER.index("at least the better")] for cells in rows]
    lines = [
        "## Quality on real tables",
        "",
        "What is learned with no options, beside scikit-learn's pipelines with a penalty chosen by cross-validation:",
        f"`plain` scales numbers, `binned` puts them in {pipelines.BINS} quantile bins instead, `both` has both; all have",
        "one-hot categories and tf-idf words (`bench/pipelines.py`). Means over five cuts of each table into about 70 % to",
        "learn from and 30 % to judge on. `spread` is the deviation between the cuts of the better of `plain` and",
        "`binned`, `ahead` the difference to it in spreads, and the verdict is yes from -0.33 on; the last column is the",
        "same beside all three. The tables are those of `bench/recipe_tables.py`.",
        "",
        f"{verdicts.count('yes')} of {len(verdicts)} verdicts are yes.",
        "",
        table(HEADER, rows),
        "",
        *[f"- {failure}" for failure in failures],
        "",
        f"{where} {pipelines.VERSION}.",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--table", action="append", default=[], metavar="FILE:TARGET[:ROWS]")
    parser.add_argument("--only", help="names of tables, with commas between them")
    parser.add_argument("--fresh", action="store_true", help="forget what scikit-learn scored before")
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    kept, rows, failures, where = Kept(options.fresh), [], [], circumstances(options.program)
    for name, path, target, _ in tables(PLACE, options.table):
        if options.only and name not in options.only.split(","):
            continue
        try:
            task, found = measure(options.program, kept, path, target)
        except RuntimeError as error:
            failures.append(f"{name}: {error}")
            print(failures[-1], flush=True)
            continue
        for metric in dict.fromkeys((HEADLINE[task], "rmse" if task == "regression" else "log_loss")):
            rows.append(row(name, task, found, metric))
            print("| " + " | ".join(rows[-1]) + " |", flush=True)
    text = report(rows, failures, where)
    print(text)
    if not options.only:
        write_section("quality", text)


if __name__ == "__main__":
    main()
