"""Write learners.json: weights that any correct solver must reach, found by scikit-learn.

    python tests/golden/learners.py

The objective, for every case, with mean(w * loss) / mean(w) over rows and l2 as stated:

    mean loss + l2 / 2 * |weights|^2        intercepts unpenalised

where loss is -log p(label) for binary and multinomial (softmax over all k classes, none left out) and half the
squared error for regression. scikit-learn's C is 1 / (n * l2), or 1 / (sum of row weights * l2); the alpha of its
Ridge is n * l2. `intercept` holds one number and `weights` one list per output: a single output for binary (the
margin of the last of `classes`) and regression, else one per class. Softmax intercepts are free up to a shift and
are given with sum zero.

Each solution starts from scikit-learn, is polished by Newton steps, and is refused unless the two-norm of the
gradient at the stored numbers is below 1e-9. `distance_to_sklearn` is the largest difference of a number from what
scikit-learn itself returned.

Designs of the files in datasets/, all rows in file order:
  f64  (x - mean) / sd in double precision, sd over n rows (not n - 1); a constant column becomes zero
  f32  the same, then every value rounded to single precision; the fit is in double precision
The synthetic set adds `as_is`: its columns unscaled. Its dense values are exact in single precision.
"""

import csv
import json
import platform
from pathlib import Path

import numpy as np
import scipy
import scipy.special
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

HERE = Path(__file__).resolve().parent
DATASETS = HERE.parent.parent / "datasets"
TOLERANCE = 1e-9
PER_ROW = None  # stands for l2 = 1 / n


def read(name):
    """Columns as doubles and the target as text, in file order."""
    with open(DATASETS / f"{name}.csv", newline="") as file:
        header, *rows = list(csv.reader(file))
    x = np.array([[float(v) for v in row[:-1]] for row in rows])
    return header[:-1], x, [row[-1] for row in rows]


def standardise(x):
    """Columns with mean zero and population standard deviation one, and both statistics."""
    mean = x.mean(axis=0)
    sd = np.sqrt(((x - mean) ** 2).mean(axis=0))
    return (x - mean) / np.where(sd > 0, sd, 1.0), mean, sd


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


class Problem:
    """One objective: value, gradient and Hessian in the parameters laid out [intercept, weights] per output."""

    def __init__(self, kind, x, y, l2, row_weights=None):
        self.kind, self.y, self.l2 = kind, y, l2
        self.x1 = np.hstack([np.ones((len(x), 1)), x])
        self.outputs = int(y.max()) + 1 if kind == "multinomial" else 1
        w = np.ones(len(x)) if row_weights is None else row_weights.astype(float)
        self.w = w / w.sum()
        self.penalty = np.full(self.x1.shape[1], l2)
        self.penalty[0] = 0.0

    def margins(self, b):
        return self.x1 @ b.T

    def value(self, b):
        z = self.margins(b)
        if self.kind == "regression":
            loss = 0.5 * (z[:, 0] - self.y) ** 2
        elif self.kind == "binary":
            loss = np.logaddexp(0.0, np.where(self.y == 1, -z[:, 0], z[:, 0]))
        else:
            top = z.max(axis=1)
            loss = top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(z)), self.y]
        return float(self.w @ loss + 0.5 * (self.penalty * b**2).sum())

    def residuals(self, b):
        z = self.margins(b)
        if self.kind == "regression":
            return z - self.y[:, None]
        if self.kind == "binary":
            return scipy.special.expit(z) - self.y[:, None]
        p = softmax(z)
        p[np.arange(len(z)), self.y] -= 1.0
        return p

    def gradient(self, b):
        return (self.residuals(b) * self.w[:, None]).T @ self.x1 + self.penalty * b

    def hessian(self, b):
        z = self.margins(b)
        k, d = b.shape
        if self.kind == "multinomial":
            p = softmax(z)
            h = np.zeros((k, d, k, d))
            for i in range(k):
                for j in range(k):
                    s = self.w * p[:, i] * ((i == j) - p[:, j])
                    h[i, :, j, :] = (self.x1 * s[:, None]).T @ self.x1
        else:
            p = scipy.special.expit(z[:, 0])
            s = self.w * (p * (1 - p) if self.kind == "binary" else 1.0)
            h = ((self.x1 * s[:, None]).T @ self.x1).reshape(1, d, 1, d)
        for i in range(k):
            h[i, :, i, :] += np.diag(self.penalty)
        return h.reshape(k * d, k * d)

    def centred(self, b):
        if self.kind == "multinomial":
            b = b.copy()
            b[:, 0] -= b[:, 0].mean()
        return b

    def polish(self, b):
        """Newton steps while they shorten the gradient."""
        b = self.centred(b)
        for _ in range(20):
            g = self.gradient(b).ravel()
            step = np.linalg.lstsq(self.hessian(b), g, rcond=1e-13)[0]
            trial = self.centred(b - step.reshape(b.shape))
            if np.linalg.norm(self.gradient(trial)) >= np.linalg.norm(g):
                break
            b = trial
        return b


def sklearn_fit(problem, x, y, row_weights):
    """What scikit-learn returns, as [intercept, weights] per output."""
    total = len(y) if row_weights is None else row_weights.sum()
    if problem.kind == "regression":
        learner = LinearRegression() if problem.l2 == 0 else Ridge(alpha=total * problem.l2, solver="cholesky")
    else:
        learner = LogisticRegression(C=1 / (total * problem.l2), solver="lbfgs", tol=1e-12, max_iter=1_000_000)
    learner.fit(x, y, sample_weight=row_weights)
    return np.hstack([np.reshape(learner.intercept_, (-1, 1)), np.atleast_2d(learner.coef_)])


def solve(kind, x, y, l2, row_weights=None):
    """One checked solution."""
    problem = Problem(kind, x, y, l2, row_weights)
    theirs = problem.centred(sklearn_fit(problem, x, y, row_weights))
    ours = problem.polish(theirs)
    norm = float(np.linalg.norm(problem.gradient(ours)))
    if not norm < TOLERANCE:
        raise SystemExit(f"{kind}, l2 {l2}: gradient norm {norm} is not below {TOLERANCE}")
    return {
        "l2": l2,
        "objective": problem.value(ours),
        "gradient_norm": norm,
        "distance_to_sklearn": float(np.abs(ours - theirs).max()),
        "intercept": ours[:, 0].tolist(),
        "weights": ours[:, 1:].tolist(),
    }


def designs(x):
    z, mean, sd = standardise(x)
    return {"f64": z, "f32": z.astype(np.float32).astype(np.float64)}, mean, sd


def real(name, kind, l2s, positive=None):
    """Solutions for one file of datasets/."""
    columns, x, target = read(name)
    if kind == "regression":
        classes, y = None, np.array([float(t) for t in target])
    elif kind == "binary":
        classes = sorted(set(target), key=lambda t: t == positive)
        y = np.array([classes.index(t) for t in target])
    else:
        classes = sorted(set(target))
        y = np.array([classes.index(t) for t in target])
    variants, mean, sd = designs(x)
    return {
        "data": f"datasets/{name}.csv",
        "rows": "all, in file order",
        "n": len(y),
        "kind": kind,
        "classes": classes,
        "columns": columns,
        "mean": mean.tolist(),
        "sd": sd.tolist(),
        "solutions": {v: [solve(kind, z, y, 1 / len(y) if l2 is PER_ROW else l2) for l2 in l2s]
                      for v, z in variants.items()},
    }


def synthetic():
    """400 rows of 5 dense columns and 55 rare words, with labels drawn from a known model."""
    n, dense, words, seed = 400, 5, 55, 20_260_101
    rng = np.random.default_rng(seed)
    numbers = rng.standard_normal((n, dense)).astype(np.float32).astype(np.float64)
    rarity = 0.5 / (1 + np.arange(words)) ** 0.7
    present = rng.random((n, words)) < rarity
    x = np.hstack([numbers, present.astype(float)])
    beta = rng.standard_normal((4, dense + words))
    z4 = x @ beta.T
    four = (z4 + rng.gumbel(size=z4.shape)).argmax(axis=1)
    two = (x @ beta[0] - 0.3 + rng.logistic(size=n) > 0).astype(int)
    row_weights = rng.integers(1, 5, size=n)
    variants, mean, sd = designs(x)
    variants = {"as_is": x, **variants}
    l2s = [1 / n, 1e-3, 1e-1]
    problems = {"binary": ("binary", two), "four": ("multinomial", four)}
    return {
        "data": {
            "about": "row i has dense[i] in columns 0..5 and ones in columns 5 + words[i]; the rest is zero",
            "seed": seed,
            "dense": numbers.tolist(),
            "words": [np.flatnonzero(row).tolist() for row in present],
            "binary": two.tolist(),
            "four": four.tolist(),
            "row_weights": row_weights.tolist(),
        },
        "n": n,
        "columns": dense + words,
        "mean": mean.tolist(),
        "sd": sd.tolist(),
        "solutions": {
            name: {v: [solve(kind, z, y, l2) for l2 in l2s] for v, z in variants.items()}
            for name, (kind, y) in problems.items()
        },
        "weighted": {name: {"as_is": [solve(kind, x, y, l2, row_weights) for l2 in l2s]}
                     for name, (kind, y) in problems.items()},
    }


def main():
    result = {
        "about": __doc__.strip().split("\n\n", 2)[2],
        "versions": {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
        "breast_cancer": real("breast_cancer", "binary", [PER_ROW, 1e-3, 1e-1], positive="malignant"),
        "wine": real("wine", "multinomial", [PER_ROW, 1e-3, 1e-1]),
        "iris": real("iris", "multinomial", [PER_ROW, 1e-3, 1e-1]),
        "digits": real("digits", "multinomial", [1e-2]),
        "diabetes": real("diabetes", "regression", [0.0, PER_ROW, 1e-3, 1e-1]),
        "synthetic": synthetic(),
    }
    text = json.dumps(result, allow_nan=False, separators=(",", ":"))
    # One solution per line keeps differences readable.
    text = text.replace('{"l2"', '\n{"l2"').replace('"solutions"', '\n"solutions"').replace('},"', '},\n"')
    (HERE / "learners.json").write_text(text + "\n", encoding="ascii", newline="\n")
    for name, case in result.items():
        if isinstance(case, dict) and "solutions" in case:
            report(name, case["solutions"])
    report("synthetic, weighted", result["synthetic"]["weighted"])


def report(name, node):
    if isinstance(node, dict):
        for key, value in node.items():
            report(f"{name} {key}", value)
    else:
        for s in node:
            print(f"{name} l2={s['l2']:.6g} objective={s['objective']:.12g} "
                  f"gradient={s['gradient_norm']:.1e} from sklearn={s['distance_to_sklearn']:.1e}")


if __name__ == "__main__":
    main()
