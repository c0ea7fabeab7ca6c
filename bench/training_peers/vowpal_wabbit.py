"""Vowpal Wabbit, see `training_peers`. polars writes the table as Vowpal Wabbit's text, then its own driver learns.

default: one pass over the numbers as they are, hashed to 18 bits.
tuned: scaled numbers, skewed ones by their logarithm, and quantile bins beside them; 22 bits, several passes, and rates
that suit the workload.
"""

import json
import subprocess
import sys

import numpy as np
import polars as pl

from training_peers.task import task

TUNED = {
    "clicks": "--passes 2 --l2 1e-8 -l 0.15",
    "demo": "--passes 4 -l 0.2",
    "sales": "--passes 10 -l 0.5",
    "spam": "--passes 6 --l2 1e-7 --ngram t2",
    "faces": "--passes 10 --l2 1e-5 -l 0.05",
}
BINS = 20


def has_bins(asked):
    return asked.tuned and asked.name != "faces"


def scan(asked):
    workload = asked.workload
    types = {name: pl.Float32 for name in workload.numbers}
    types.update({name: pl.String for name in (*workload.categories, *workload.texts)})
    if workload.task != "regression":
        types[workload.target] = pl.String
    return pl.scan_csv(asked.data, schema_overrides=types)


def unskewed(asked, name, column):
    return column.clip(lower_bound=0).log1p() if name in asked.workload.skewed else column


def facts(asked):
    """Of the rows to learn from: the classes; means, deviations and bounds of bins of numbers."""
    workload, table = asked.workload, scan(asked)
    found = {"classes": [], "scales": {}, "bounds": {}}
    if workload.task == "multiclass":
        found["classes"] = sorted(table.select(pl.col(workload.target).unique()).collect()[workload.target].to_list())
    if asked.tuned and workload.numbers:
        numbers = table.select(workload.numbers).collect()
        for name in workload.numbers:
            scaled = unskewed(asked, name, numbers[name])
            found["scales"][name] = [float(scaled.mean()), float(scaled.std() or 1.0) or 1.0]
            if has_bins(asked):
                cuts = (numbers[name].quantile(cut / BINS) for cut in range(1, BINS))
                found["bounds"][name] = sorted({float(cut) for cut in cuts if cut is not None})
    return found


def label(workload, classes):
    target = pl.col(workload.target)
    if workload.task == "binary":
        return pl.when(target == "1").then(pl.lit("1")).otherwise(pl.lit("-1"))
    if workload.task == "multiclass":
        return target.replace_strict(classes, [str(number + 1) for number in range(len(classes))])
    return target.cast(pl.String)


def category(name):
    value = pl.col(name).fill_null("NA").str.replace_all(r"[:|\s]", "_")
    return pl.concat_str([pl.lit(f" {name}="), value])


def number(asked, name, scales):
    column = pl.col(name)
    if not asked.tuned:
        value, missing = column.cast(pl.String), ""
    else:
        mean, deviation = scales[name]
        digits = 3 if asked.name == "faces" else 4
        value = ((unskewed(asked, name, column) - mean) / deviation).round(digits).cast(pl.String)
        missing = f" {name}_na"
    given = pl.concat_str([pl.lit(f" {name}:"), value], ignore_nulls=True)
    return pl.when(column.is_null()).then(pl.lit(missing)).otherwise(given)


def binned(name, bounds):
    labels = [str(bin) for bin in range(len(bounds) + 1)]
    # polars renamed `cut`.
    cut = getattr(pl.Expr, "bin_intervals", None) or pl.Expr.cut
    return pl.concat_str(
        [pl.lit(f" {name}_"), cut(pl.col(name), bounds, labels=labels).cast(pl.String).fill_null("na")]
    )


def words(asked, name):
    text = pl.col(name).fill_null("")
    if asked.name == "spam":
        text = text.str.to_lowercase().str.replace_all(r"[^a-z0-9 ]", "")
    else:
        text = text.str.replace_all(r"[;():|,]" if asked.name == "clicks" else r"[:|]", " ")
    return pl.concat_str([pl.lit(" "), text])


def convert(asked, found, path):
    """Writes the table as text that Vowpal Wabbit reads, a namespace for each kind of column."""
    workload = asked.workload
    parts = [label(workload, found["classes"])]
    if workload.categories:
        parts += [pl.lit(" |c"), *(category(name) for name in workload.categories)]
    if workload.numbers:
        parts += [pl.lit(" |n"), *(number(asked, name, found["scales"]) for name in workload.numbers)]
    if found["bounds"]:
        parts += [pl.lit(" |b"), *(binned(name, found["bounds"][name]) for name in workload.numbers)]
    for name in workload.texts:
        parts += [pl.lit(" |t"), words(asked, name)]
    scan(asked).select(pl.concat_str(parts)).sink_csv(path, include_header=False, quote_style="never")


def vowpal_wabbit(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "vowpalwabbit", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode(errors="replace")[-500:])


def train(asked):
    found, text = facts(asked), asked.model / "train.vw"
    (asked.model / "facts.json").write_text(json.dumps(found))
    convert(asked, found, text)
    loss = "squared" if asked.workload.task == "regression" else "logistic"
    options = ["--data", text, "--final_regressor", asked.model / "weights", "--loss_function", loss, "--quiet"]
    if asked.workload.task == "multiclass":
        options += ["--oaa", len(found["classes"]), "--probabilities"]
    if asked.tuned:
        options += ["--bit_precision", 22, "--cache", "--kill_cache", "--holdout_off", *TUNED[asked.name].split()]
    vowpal_wabbit(*options)


def score(asked, found, answers):
    """Writes a line of its own for each row."""
    text = asked.model / "test.vw"
    convert(asked, found, text)
    link = {"binary": ["--link", "logistic"], "multiclass": ["--probabilities"], "regression": []}
    weights = asked.model / "weights"
    vowpal_wabbit(
        "--data", text, "--testonly", "--initial_regressor", weights, "--predictions", answers, "--quiet",
        *link[asked.workload.task],
    )  # fmt: skip
    text.unlink()


def facts_of(model):
    return json.loads((model / "facts.json").read_text())


def predict(asked):
    found, answers = facts_of(asked.model), asked.model / "answers"
    score(asked, found, answers)
    if asked.workload.task != "multiclass":
        asked.write(np.loadtxt(answers))
        return
    lines = answers.read_text().splitlines()
    chances = np.array([[float(pair.rsplit(":", 1)[1]) for pair in line.split()] for line in lines])
    asked.write(chances / chances.sum(1, keepdims=True), found["classes"])


if __name__ == "__main__":
    given = task(__doc__)
    {"train": train, "predict": predict}[given.step](given)
