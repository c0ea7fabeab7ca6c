"""Write lasso.json: weights at the minimum of objectives with a penalty on absolute values, found by scikit-learn.

    python tests/golden/lasso.py

The objective is that of learners.py with `l1 * sum(|weights|)` added, on the rows that learners.json describes (columns
standardised and rounded to single precision; the synthetic set as it is). scikit-learn's C is 1 / (n * (l1 + l2)) with an
l1_ratio of l1 / (l1 + l2), and its Lasso and ElasticNet have alpha = l1 + l2 with the same ratio.

Each solution starts from scikit-learn's, is polished by Newton steps among the weights that are not 0, and is refused
unless the conditions of the minimum hold to 1e-9: the slope of the rest is -l1 * sign(weight) where there is a weight, at
most l1 where there is none, and 0 for the intercepts.
"""

import json
import warnings

import numpy as np
from learners import HERE, Problem, designs, read
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression

TOLERANCE = 1e-9
# Weights of scikit-learn below this are taken for 0.
NOTHING = 1e-7


def sklearn_fit(kind, x, y, l1, l2):
    """What scikit-learn returns, as [intercept, weights] per output."""
    strength, ratio = l1 + l2, l1 / (l1 + l2)
    if kind == "regression":
        learner = ElasticNet(alpha=strength, l1_ratio=ratio, tol=1e-12, max_iter=1_000_000)
    else:
        learner = LogisticRegression(C=1 / (len(y) * strength), l1_ratio=ratio, penalty="elasticnet", solver="saga",
                                     tol=1e-10, max_iter=200_000, random_state=0)
    learner.fit(x, y)
    return np.hstack([np.reshape(learner.intercept_, (-1, 1)), np.atleast_2d(learner.coef_)])


def off(problem, b, l1):
    """How far the conditions of the minimum are from holding."""
    g = problem.gradient(b)
    w, gw = b[:, 1:], g[:, 1:]
    at_weights = np.where(w != 0, np.abs(gw + l1 * np.sign(w)), np.maximum(np.abs(gw) - l1, 0))
    return max(np.abs(g[:, 0]).max(), at_weights.max())


def polish(problem, b, l1):
    """Newton steps among the weights that are not 0."""
    b = np.where(np.abs(b) > NOTHING, b, 0.0)
    free = (b != 0)
    free[:, 0] = True
    free = free.ravel()
    sign = np.sign(b)
    sign[:, 0] = 0
    for _ in range(20):
        g = (problem.gradient(b) + l1 * sign).ravel()[free]
        step = np.zeros(b.size)
        step[free] = np.linalg.lstsq(problem.hessian(b)[np.ix_(free, free)], g, rcond=1e-13)[0]
        trial = problem.centred(b - step.reshape(b.shape))
        if off(problem, trial, l1) >= off(problem, b, l1):
            break
        b = trial
    return b


def solve(kind, x, y, l1, l2):
    problem = Problem(kind, x, y, l2)
    theirs = problem.centred(sklearn_fit(kind, x, y, l1, l2))
    ours = polish(problem, theirs, l1)
    wrong = off(problem, ours, l1)
    if not wrong < TOLERANCE:
        raise SystemExit(f"{kind}, l1 {l1}, l2 {l2}: conditions are {wrong} off")
    return {
        "l1": l1,
        "l2": l2,
        "objective": problem.value(ours) + l1 * float(np.abs(ours[:, 1:]).sum()),
        "conditions_off": wrong,
        "distance_to_sklearn": float(np.abs(ours - theirs).max()),
        "used": int((ours[:, 1:] != 0).any(axis=0).sum()),
        "intercept": ours[:, 0].tolist(),
        "weights": ours[:, 1:].tolist(),
    }


def real(name, kind, strengths, positive=None):
    _, x, target = read(name)
    if kind == "regression":
        y = np.array([float(t) for t in target])
    else:
        classes = sorted(set(target), key=(lambda t: t == positive) if positive else None)
        y = np.array([classes.index(t) for t in target])
    z = designs(x)[0]["f32"]
    return [solve(kind, z, y, l1, l2) for l1, l2 in strengths]


def synthetic(binary, four):
    data = json.loads((HERE / "learners.json").read_text())["synthetic"]["data"]
    dense = np.array(data["dense"])
    words = np.zeros((len(dense), 55))
    for row, present in zip(words, data["words"]):
        row[present] = 1.0
    x = np.hstack([dense, words])
    return {
        "binary": [solve("binary", x, np.array(data["binary"]), l1, l2) for l1, l2 in binary],
        "four": [solve("multinomial", x, np.array(data["four"]), l1, l2) for l1, l2 in four],
    }


def main():
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("error", ConvergenceWarning)
    # With an even number of classes and no l2, the weights of a feature can move together between the middle two.
    made = synthetic([(1e-2, 0.0), (3e-3, 0.0), (1e-2, 1e-2)], [(1e-2, 1e-3), (3e-3, 1e-4), (1e-2, 1e-2)])
    result = {
        "breast_cancer": real("breast_cancer", "binary", [(1e-1, 0.0), (1e-2, 0.0), (1e-2, 1e-2)], "malignant"),
        "wine": real("wine", "multinomial", [(3e-2, 0.0), (1e-2, 1e-2)]),
        "iris": real("iris", "multinomial", [(3e-2, 0.0), (1e-2, 1e-3)]),
        "diabetes": real("diabetes", "regression", [(1.0, 0.0), (10.0, 0.0), (1.0, 0.1)]),
        "binary": made["binary"],
        "four": made["four"],
    }
    text = json.dumps(result, allow_nan=False, separators=(",", ":"))
    # One solution per line keeps differences readable.
    (HERE / "lasso.json").write_text(text.replace('{"l1"', '\n{"l1"') + "\n", encoding="ascii", newline="\n")
    for name, solutions in result.items():
        for s in solutions:
            print(f"{name} l1={s['l1']} l2={s['l2']} used={s['used']} objective={s['objective']:.12g} "
                  f"off={s['conditions_off']:.1e} from sklearn={s['distance_to_sklearn']:.1e}")


if __name__ == "__main__":
    main()
