"""LIBLINEAR's programs, see `training_peers`. They read numbered features alone, so the table is written as such first, in
one pass with a dictionary of values; that is part of the figures, as it is of the work.

tuned: the dual solver of logistic regression where there are many sparse features, the primal one elsewhere, a support
vector regression for numbers; a penalty that suits the workload.
"""

import csv
import json
import re
import subprocess
from math import log1p, sqrt

import numpy as np

from training_peers.task import task

# Number of the solver, and C.
TUNED = {
    "clicks": (7, 0.15),
    "demo": (0, 0.05),
    "sales": (11, 1),
    "spam": (7, 0.3),
    "faces": (0, 0.0003),
}


def rows(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


def unskewed(asked, name, field):
    return log1p(max(float(field), 0.0)) if name in asked.workload.skewed else float(field)


def scales(asked):
    """Mean and deviation of each number."""
    sums = {name: [0, 0.0, 0.0] for name in asked.workload.numbers}
    for row in rows(asked.data) if sums else ():
        for name, some in sums.items():
            if row[name]:
                value = unskewed(asked, name, row[name])
                some[0] += 1
                some[1] += value
                some[2] += value * value
    return {
        name: (total / count, max(1e-9, sqrt(max(0.0, squares / count - (total / count) ** 2))))
        for name, (count, total, squares) in sums.items()
    }


class Features:
    """Numbers features by first use while it learns; afterwards it leaves new ones out."""

    def __init__(self, asked, scales, known=None):
        self.asked, self.scales, self.learning = asked, scales, known is None
        self.known = known or {}
        self.token = re.compile(r"[^ ;()]+" if asked.name == "clicks" else r"\w\w+")

    def number(self, name):
        return self.known.setdefault(name, len(self.known) + 1) if self.learning else self.known.get(name)

    def named(self, row):
        workload = self.asked.workload
        for name in workload.numbers:
            if row[name]:
                mean, deviation = self.scales[name]
                yield name, (unskewed(self.asked, name, row[name]) - mean) / deviation
            else:
                yield f"{name}?", 1.0
        for name in workload.categories:
            yield f"{name}={row[name]}", 1.0
        for name in workload.texts:
            for token in self.token.findall(row[name].lower()):
                yield f"word={token}", 1.0

    def of(self, row):
        """Pairs of number and value, in order."""
        found = {}
        for name, value in self.named(row):
            number = self.number(name)
            if number:
                found[number] = value
        return sorted(found.items())


def write(asked, features, classes, path):
    target = asked.workload.target
    with open(path, "w") as out:
        for row in rows(asked.data):
            label = row[target]
            if asked.workload.task != "regression":
                label = classes.setdefault(label, len(classes))
            out.write(f"{label} " + " ".join(f"{number}:{value:.5g}" for number, value in features.of(row)) + "\n")


def train(asked):
    features, classes, text = Features(asked, scales(asked)), {}, asked.model / "train.svm"
    write(asked, features, classes, text)
    facts = {"scales": features.scales, "features": features.known, "classes": classes}
    (asked.model / "facts.json").write_text(json.dumps(facts))
    solver, c = TUNED[asked.name]
    command = ["liblinear-train", "-s", str(solver), "-c", str(c), "-B", "1", "-q", text, asked.model / "weights"]
    subprocess.run(command, check=True)


def predict(asked):
    facts = json.loads((asked.model / "facts.json").read_text())
    features, classes = Features(asked, facts["scales"], facts["features"]), facts["classes"]
    text, answers = asked.model / "test.svm", asked.model / "answers"
    write(asked, features, dict(classes), text)
    chances = ["-b", "1"] if asked.workload.task != "regression" else []
    command = ["liblinear-predict", *chances, text, asked.model / "weights", answers]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lines = answers.read_text().splitlines()
    if asked.workload.task == "regression":
        asked.write(np.array(lines, dtype=float))
        return
    names = {number: name for name, number in classes.items()}
    order = [names[int(number)] for number in lines[0].split()[1:]]
    table = np.array([line.split()[1:] for line in lines[1:]], dtype=float)
    if asked.workload.task == "binary":
        asked.write(table[:, order.index("1")])
    else:
        asked.write(table, order)


if __name__ == "__main__":
    given = task(__doc__, configurations=["tuned"])
    {"train": train, "predict": predict}[given.step](given)
