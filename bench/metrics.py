"""How good predictions are, by the names that `yosoku evaluate` uses."""

import numpy as np


def auc(truth, scores):
    """Area under the ROC curve; equal scores count half."""
    truth = np.asarray(truth, dtype=bool)
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    positive, negative = int(truth.sum()), int((~truth).sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def log_loss(truth, chances):
    """Of the chances of one class, when `truth` says which rows are of it, or of all classes, when it names their columns."""
    chances = np.clip(np.asarray(chances, dtype=float), 1e-15, 1 - 1e-15)
    if chances.ndim == 1:
        return float(-np.mean(np.log(np.where(truth, chances, 1 - chances))))
    return float(-np.mean(np.log(chances[np.arange(len(truth)), truth])))


def macro_f1(truth, answers, classes):
    """Mean of the F1 of `classes` classes, numbered from 0."""
    scores = []
    for number in range(classes):
        hits = np.sum((answers == number) & (truth == number))
        wrong = np.sum((answers == number) != (truth == number))
        scores.append(2 * hits / max(1, 2 * hits + wrong))
    return float(np.mean(scores))


def rmse(truth, answers):
    return float(np.sqrt(np.mean((np.asarray(truth, dtype=float) - answers) ** 2)))
