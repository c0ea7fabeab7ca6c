"""Print what plain scikit-learn pipelines reach on held-out rows, for orientation.

    python tests/golden/quality.py [ADULT_CSV]

Row i, counted from 0, is held out under seed s when splitmix64(i + (s << 32)) % 100 >= 70. Numbers are standardised
on the training rows; words become one column each, absent ones included. The learners are LogisticRegression and
Ridge with their default regularisation, and LinearRegression. ADULT_CSV is the UCI adult census file with a header
and the target column `income`; without it that set is left out.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import f1_score, log_loss, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DATASETS = Path(__file__).resolve().parent.parent.parent / "datasets"
SEEDS = range(1, 6)
MASK = (1 << 64) - 1


def splitmix64(x):
    """The well-known 64-bit mixer: the first output of the generator whose state is x."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def held_out(rows, seed):
    return np.array([splitmix64((i + (seed << 32)) & MASK) % 100 >= 70 for i in range(rows)])


def features():
    """Numbers standardised, words one-hot."""
    return make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )


def binary(model, x, y):
    p = model.predict_proba(x)[:, 1]
    return {"auc": roc_auc_score(y == model.classes_[1], p), "log_loss": log_loss(y == model.classes_[1], p)}


def multiclass(model, x, y):
    return {
        "macro_f1": f1_score(y, model.predict(x), average="macro"),
        "log_loss": log_loss(y, model.predict_proba(x), labels=model.classes_),
    }


def regression(model, x, y):
    return {"rmse": root_mean_squared_error(y, model.predict(x))}


def show(name, table, target, learner, judge):
    x, y = table.drop(columns=target), table[target]
    figures = []
    for seed in SEEDS:
        out = held_out(len(table), seed)
        model = make_pipeline(features(), learner).fit(x[~out], y[~out])
        figures.append(judge(model, x[out], y[out]))
    for metric in figures[0]:
        values = [f[metric] for f in figures]
        cells = " ".join(f"{v:9.4f}" for v in values)
        print(f"{name:34} {metric:9} {cells}   mean {np.mean(values):.4f}")


def main(adult=None):
    print(f"scikit-learn {sklearn.__version__}; held-out figures for seeds {', '.join(map(str, SEEDS))}")
    logistic = LogisticRegression(max_iter=10_000)

    def load(name):
        return pd.read_csv(DATASETS / f"{name}.csv")

    show("breast_cancer logistic", load("breast_cancer"), "target", logistic, binary)
    for name in ["iris", "wine", "digits"]:
        show(f"{name} logistic", load(name), "target", logistic, multiclass)
    for learner in [LinearRegression(), Ridge()]:
        show(f"diabetes {type(learner).__name__}", load("diabetes"), "target", learner, regression)
    if adult:
        table = pd.read_csv(adult, keep_default_na=False)
        show("adult logistic", table, "income", logistic, binary)


if __name__ == "__main__":
    main(*sys.argv[1:2])
