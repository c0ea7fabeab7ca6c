"""Makes metrics.json: evaluation inputs with the values scikit-learn and SciPy give for them.

    python -m venv venv && venv/bin/pip install scikit-learn
    venv/bin/python tests/golden/metrics.py > tests/golden/metrics.json

The output is committed; the tests of the evaluation reports read it, and no test needs Python. The
inputs are seeded, so a new version of either library changes the file only if it changes a result.
"""

import json
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics as sk

FLOOR = 1e-15  # what the reports clip probabilities to; scikit-learn's own limit is closer to 0


def clipped(probabilities):
    return np.clip(np.asarray(probabilities, dtype=float), FLOOR, 1 - FLOOR)


def bootstrap(rows, statistic):
    """The 2.5 % and 97.5 % points over 4000 resamples of whole rows."""
    rng = np.random.default_rng(0)
    values = [statistic(rng.integers(0, rows, rows)) for _ in range(4000)]
    return [float(v) for v in np.percentile(values, [2.5, 97.5])]


def binary(name, scores, truth, threshold, resample=False):
    scores, truth = np.asarray(scores, dtype=float), np.asarray(truth, dtype=int)
    called = (scores >= threshold).astype(int)
    both = len(set(truth)) == 2
    # Both columns are clipped by themselves: one minus a clipped score has lost digits.
    likelihoods = np.column_stack([clipped(1 - scores), clipped(scores)])
    loss = lambda rows: sk.log_loss(truth[rows], likelihoods[rows], labels=[0, 1])
    everything = np.arange(len(truth))
    expected = {
        "auc": sk.roc_auc_score(truth, scores) if both else None,
        "log_loss": loss(everything),
        "accuracy": sk.accuracy_score(truth, called),
        "f1": sk.f1_score(truth, called) if truth.any() or called.any() else None,
        "brier": sk.brier_score_loss(truth, scores, pos_label=1),
        "precision": sk.precision_score(truth, called) if called.any() else None,
        "recall": sk.recall_score(truth, called) if truth.any() else None,
    }
    case = {"name": name, "threshold": threshold, "scores": scores.tolist(), "truth": truth.tolist(), "expected": expected}
    case["confusion"] = sk.confusion_matrix(truth, called, labels=[0, 1]).ravel().tolist()  # tn, fp, fn, tp
    if both:
        fpr, tpr, thresholds = sk.roc_curve(truth, scores, drop_intermediate=False)
        case["roc"] = [[float(f), float(t)] for f, t in zip(fpr, tpr)]
        case["roc_thresholds"] = [float(t) for t in thresholds[1:]]
    if resample:
        case["bootstrap"] = {"log_loss": bootstrap(len(truth), loss)}
    return case


def multiclass(name, classes, probabilities, truth, baseline_class, resample=False):
    """`truth` holds labels; those outside `classes` were never seen in training."""
    probabilities, truth = np.asarray(probabilities, dtype=float), np.asarray(truth)
    labels = classes + sorted(set(truth.tolist()) - set(classes))
    numbers = np.array([labels.index(label) for label in truth])
    predicted = probabilities.argmax(axis=1)
    wide = clipped(np.hstack([probabilities, np.zeros((len(truth), len(labels) - len(classes)))]))

    def macro_f1(rows, answers=predicted):
        return sk.f1_score(numbers[rows], answers[rows], labels=np.unique(numbers[rows]), average="macro", zero_division=0)

    everything = np.arange(len(truth))
    constant = np.full(len(truth), baseline_class)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        numbers, predicted, labels=range(len(labels)), zero_division=0
    )
    case = {
        "name": name,
        "classes": classes,
        "baseline_class": baseline_class,
        "probabilities": probabilities.tolist(),
        "truth": truth.tolist(),
        "labels": labels,
        "expected": {
            "macro_f1": macro_f1(everything),
            "accuracy": sk.accuracy_score(numbers, predicted),
            "log_loss": -np.mean(np.log(wide[everything, numbers]))
            if len(labels) == 1
            else sk.log_loss(numbers, wide, labels=range(len(labels))),
        },
        "baseline": {
            "macro_f1": macro_f1(everything, constant),
            "accuracy": sk.accuracy_score(numbers, constant),
        },
        "confusion": sk.confusion_matrix(numbers, predicted, labels=range(len(labels))).tolist(),
        "per_class": [[float(v) for v in row] for row in zip(precision, recall, f1, support)],
    }
    if resample:
        case["bootstrap"] = {"macro_f1": bootstrap(len(truth), macro_f1)}
    return case


def regression(name, predictions, truth, baseline_mean, resample=False):
    predictions, truth = np.asarray(predictions, dtype=float), np.asarray(truth, dtype=float)
    rmse = lambda rows: float(np.sqrt(sk.mean_squared_error(truth[rows], predictions[rows])))
    r2 = lambda rows: sk.r2_score(truth[rows], predictions[rows])
    constant = np.full(len(truth), baseline_mean)
    everything = np.arange(len(truth))
    case = {
        "name": name,
        "baseline_mean": baseline_mean,
        "predictions": predictions.tolist(),
        "truth": truth.tolist(),
        "expected": {
            "rmse": rmse(everything),
            "mae": sk.mean_absolute_error(truth, predictions),
            "r2": r2(everything) if len(set(truth.tolist())) > 1 else None,
        },
        "baseline": {
            "rmse": float(np.sqrt(sk.mean_squared_error(truth, constant))),
            "mae": sk.mean_absolute_error(truth, constant),
        },
    }
    if resample:
        case["bootstrap"] = {"rmse": bootstrap(len(truth), rmse), "r2": bootstrap(len(truth), r2)}
    return case


def binary_cases(rng):
    scores = rng.beta(1.2, 1.5, 300).round(2)
    truth = (rng.random(300) < scores**1.3).astype(int)
    yield binary("three hundred rows with ties", scores, truth, 0.5, resample=True)
    yield binary("the same at a threshold on a tie", scores, truth, 0.27)
    rare = rng.random(250).round(4)
    yield binary("few positives", rare, rng.random(250) < 0.08 * rare, 0.9)
    yield binary("zeros and ones as scores", [0, 1, 1, 0, 1, 0, 0.5], [0, 1, 0, 1, 1, 0, 1], 0.5)
    yield binary("all scores equal", [0.3] * 6, [0, 1, 0, 1, 0, 0], 0.5)
    yield binary("in perfect order", [0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 0.5)
    yield binary("in the worst order", [0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0.5)
    yield binary("negatives only", [0.1, 0.7, 0.3], [0, 0, 0], 0.8)
    yield binary("positives only", [0.1, 0.7, 0.3], [1, 1, 1], 0.5)
    yield binary("one row", [0.6], [1], 0.5)


def multiclass_cases(rng):
    classes = ["setosa", "versicolor", "virginica", "never there"]
    truth = rng.choice(3, 240, p=[0.6, 0.3, 0.1])
    logits = rng.normal(size=(240, 4)) + 1.5 * np.eye(4)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[:, :3] = probabilities[:, :3].round(4)
    probabilities[:, 3] = (1 - probabilities[:, :3].sum(axis=1)).clip(0).round(4)
    labels = [classes[t] for t in truth]
    yield multiclass("one class absent", classes, probabilities, labels, 0, resample=True)
    labels[5], labels[77], labels[78] = "zebra", "zebra", "ape"
    yield multiclass("labels never seen in training", classes, probabilities, labels, 1)
    yield multiclass("ties go to the first", ["b", "a"], [[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]], ["b", "a", "b"], 0)
    yield multiclass("sure and wrong", ["a", "b"], [[1, 0], [0, 1], [1, 0]], ["b", "b", "a"], 0)
    yield multiclass("one class only", ["a", "b"], [[0.9, 0.1], [0.3, 0.7]], ["a", "a"], 1)


def regression_cases(rng):
    truth = (rng.normal(50, 20, 260)).round(2)
    predictions = (0.8 * truth + rng.normal(8, 12, 260)).round(2)
    yield regression("a fair model", predictions, truth, 48.5, resample=True)
    yield regression("far from zero", predictions + 1e9, truth + 1e9, 1e9)
    yield regression("worse than the mean", [3, 1, 2], [1, 2, 3], 2)
    yield regression("perfect", [1, 2, 3.5], [1, 2, 3.5], 0)
    yield regression("no spread in the truth", [1, 2, 3], [0.1, 0.1, 0.1], 0.1)
    yield regression("one row", [2], [5], 1)


def wilson_cases():
    for hits, trials in [(0, 1), (1, 1), (8, 10), (0, 20), (20, 20), (137, 400), (999_999, 1_000_000)]:
        limits = stats.binomtest(hits, trials).proportion_ci(method="wilson")
        yield {"hits": hits, "trials": trials, "low": float(limits.low), "high": float(limits.high)}


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20_240)
    document = {
        "made_with": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "binary": list(binary_cases(rng)),
        "multiclass": list(multiclass_cases(rng)),
        "regression": list(regression_cases(rng)),
        "wilson": list(wilson_cases()),
    }
    # One case a line: a change shows where it is.
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(case, allow_nan=False) for case in value)
            parts.append(f'"{key}": [\n{lines}\n ]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    print("{\n " + ",\n ".join(parts) + "\n}")


if __name__ == "__main__":
    main()
