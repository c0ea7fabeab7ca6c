"""Scores every row of a CSV of `clicks` with a model of another tool, without holding the table in memory.

    python bench/batch_peers.py scikit-learn|vowpal-wabbit DATA.csv MODEL OUT.csv

MODEL is what `training_peers` has learned in its `default` configuration.
"""

import sys
from pathlib import Path

from training_peers.task import Task
from workloads.columns import WORKLOADS

# Rows at a time.
CHUNK = 100_000


def scikit_learn(asked):
    import joblib
    import pandas

    from training_peers.scikit_learn import prepared_default

    pipeline = joblib.load(asked.model / "pipeline.joblib")
    with open(asked.out, "w") as out:
        out.write("label,score\n")
        for frame in pandas.read_csv(asked.data, chunksize=CHUNK):
            frame = prepared_default(frame, asked.workload).fillna(dict.fromkeys(asked.workload.texts, ""))
            scores = pipeline.predict_proba(frame)[:, 1]
            answers = pandas.DataFrame({"label": (scores >= 0.5).astype(int), "score": scores})
            answers.to_csv(out, index=False, header=False, float_format="%.9g")


def vowpal_wabbit(asked):
    """polars streams the table into a file of Vowpal Wabbit's text; its scores go out as it writes them."""
    from training_peers.vowpal_wabbit import facts_of, score

    score(asked, facts_of(asked.model), asked.out)


def main():
    tool, data, model, out = sys.argv[1], *map(Path, sys.argv[2:])
    asked = Task("predict", "clicks", WORKLOADS["clicks"], False, data, model, out)
    {"scikit-learn": scikit_learn, "vowpal-wabbit": vowpal_wabbit}[tool](asked)


if __name__ == "__main__":
    main()
