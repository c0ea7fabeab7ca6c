"""Write weights.json: standard errors, intervals and chances that `yosoku weights` must show, found by other means.

    python tests/golden/weights.py        needs statsmodels

Without a penalty statsmodels has them: OLS, Logit and MNLogit, classical and HC1. MNLogit leaves the first class out;
its weights and covariances are turned into those of all classes with sum zero by a matrix of contrasts.

With a penalty numpy works them out from the formulas, on the columns as the model sees them: numbers scaled to mean 0
and deviation 1, a column of 0 and 1 for each category, an intercept without penalty. With the weights at the minimum of
`mean loss + l2 / 2 * |weights|^2`, J the Hessian of the summed loss and A = J + n * l2 (but for intercepts), the
covariance is pinv(A) J pinv(A), for numbers times the residual variance with n - trace(pinv(A) J) degrees of freedom;
the robust one has the sum of g g' over the rows instead of J, times n / (n - trace). Intercepts of several classes have
sum zero. Then everything is put into the units of the columns, weights divided by the deviation, and the intercept moved
by the means.

Columns: `weights[class][column]` is [weight, error, low, high, p]; `robust[class][column]` is the robust error;
`intercept[class]` is [weight, error, robust error] at 0.
"""

import csv
import json
import platform
from pathlib import Path

import numpy as np
import scipy
import scipy.stats
import statsmodels
import statsmodels.api as sm

HERE = Path(__file__).resolve().parent
DATASETS = HERE.parent.parent / "datasets"


def read(name, columns):
    with open(DATASETS / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[c]) for c in columns] for row in rows]), [row["target"] for row in rows]


def rows_of(params, errors, robust, low, high, p):
    table = [list(map(float, r)) for r in zip(params[1:], errors[1:], low[1:], high[1:], p[1:])]
    intercept = [float(params[0]), float(errors[0]), float(robust[0])]
    return table, [float(r) for r in robust[1:]], intercept


def case(name, columns, classes, l2, k, tables, **more):
    weights, robust, intercept = zip(*tables)
    return {"data": name, "columns": columns, "classes": classes, "l2": l2, "effective": k,
            "weights": weights, "robust": robust, "intercept": intercept, **more}


def linear(name, columns):
    x, y = read(name, columns)
    y = np.array([float(v) for v in y])
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    low, high = fit.conf_int().T
    table = rows_of(fit.params, fit.bse, fit.HC1_se, low, high, fit.pvalues)
    return case(name, columns, [], 0.0, float(len(columns) + 1), [table], residual=float(np.sqrt(fit.scale)))


def logistic(name, columns, classes):
    x, y = read(name, columns)
    y = np.array([classes.index(v) for v in y])
    x1 = sm.add_constant(x)
    fit = sm.Logit(y, x1).fit(method="newton", maxiter=100, tol=1e-12, disp=0)
    # Its HC1 is the same as its HC0 for a Logit; the factor is missing.
    robust = sm.Logit(y, x1).fit(method="newton", maxiter=100, tol=1e-12, disp=0, cov_type="HC0").bse
    robust = robust * np.sqrt(len(y) / (len(y) - x1.shape[1]))
    low, high = fit.conf_int().T
    table = rows_of(fit.params, fit.bse, robust, low, high, fit.pvalues)
    return case(name, columns, classes, 0.0, float(len(columns) + 1), [table])


def multinomial(name, columns, classes):
    x, y = read(name, columns)
    y = np.array([classes.index(v) for v in y])
    x1 = sm.add_constant(x)
    p, k = x1.shape[1], len(classes)
    model = sm.MNLogit(y, x1)
    fit = model.fit(method="newton", maxiter=200, tol=1e-12, disp=0)
    shares = fit.predict(x1)
    params = np.asarray(fit.params)  # p x (k - 1)
    # Parameters one class after the other, as in cov_params().
    flat = params.T.ravel()
    slopes = np.hstack([((shares[:, c] - (y == c))[:, None] * x1) for c in range(1, k)])
    cov = np.asarray(fit.cov_params())
    n, free = len(y), p * (k - 1)
    hc1 = cov @ (slopes.T @ slopes) @ cov * n / (n - free)
    # From k - 1 classes, the first at 0, to k classes with sum zero.
    contrasts = np.vstack([np.zeros(k - 1), np.eye(k - 1)])
    contrasts = np.kron(contrasts - contrasts.mean(axis=0), np.eye(p))
    flat = (contrasts @ flat).reshape(k, p)
    error = np.sqrt(np.diag(contrasts @ cov @ contrasts.T)).reshape(k, p)
    robust = np.sqrt(np.diag(contrasts @ hc1 @ contrasts.T)).reshape(k, p)
    z = scipy.stats.norm.ppf(0.975)
    tables = [
        rows_of(b, e, r, b - z * e, b + z * e, 2 * scipy.stats.norm.sf(abs(b / e)))
        for b, e, r in zip(flat, error, robust)
    ]
    return case(name, columns, classes, 0.0, float(free), tables)


def penalised(data, columns, groups, x, y, kind, l2, classes):
    """`groups` of `columns` beyond the numbers are flags; x has the numbers first."""
    numbers = len(columns) - len(groups)
    mean, sd = x.mean(axis=0), x.std(axis=0)
    mean[numbers:], sd[numbers:] = 0.0, 1.0
    x1 = np.hstack([np.ones((len(x), 1)), (x - mean) / sd])
    n, p = x1.shape
    k = len(classes) if kind == "multinomial" else 1
    penalty = np.tile(np.r_[0.0, np.full(p - 1, n * l2)], k)
    b = np.zeros(k * p)
    for _ in range(100):
        z = x1 @ b.reshape(k, p).T
        if kind == "regression":
            slope, curve = z - y[:, None], np.ones((n, 1, 1))
        elif kind == "binary":
            share = 1 / (1 + np.exp(-z))
            slope, curve = share - y[:, None], (share * (1 - share))[:, :, None]
        else:
            share = np.exp(z - z.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            slope = share - (y[:, None] == np.arange(k))
            curve = share[:, :, None] * (np.eye(k) - share[:, None, :])
        each = (slope[:, :, None] * x1[:, None, :]).reshape(n, k * p)
        j = np.einsum("nab,ni,nj->aibj", curve, x1, x1).reshape(k * p, k * p)
        inverse = np.linalg.pinv(j + np.diag(penalty), rcond=1e-11)
        step = inverse @ (each.sum(axis=0) + penalty * b)
        b -= step
        if abs(step).max() < 1e-13:
            break
    effective = float(np.trace(inverse @ j))
    scale = float((slope**2).sum() / (n - effective)) if kind == "regression" else 1.0
    cov = inverse @ j @ inverse * scale
    hc1 = inverse @ (each.T @ each) @ inverse * n / (n - effective)
    # Into the units of the columns.
    move = np.diag(np.r_[1.0, 1 / sd])
    move[0, 1:] = -mean / sd
    move = np.kron(np.eye(k), move)
    b, error = (move @ b).reshape(k, p), np.sqrt(np.diag(move @ cov @ move.T)).reshape(k, p)
    robust = np.sqrt(np.diag(move @ hc1 @ move.T)).reshape(k, p)
    law = scipy.stats.t(n - effective) if kind == "regression" else scipy.stats.norm()
    q = law.ppf(0.975)
    tables = [rows_of(w, e, r, w - q * e, w + q * e, 2 * law.sf(abs(w / e))) for w, e, r in zip(b, error, robust)]
    deviation = np.r_[x.std(axis=0)].tolist()
    return case(data, columns, classes, l2, effective, tables, residual=float(np.sqrt(scale)), deviation=deviation)


def with_category(name, columns, bounds, kind, l2, classes):
    """Numbers and, as a category `size`, in which of three parts the first of them lies."""
    x, y = read(name, columns)
    size = np.digitize(x[:, 0], bounds)
    flags = (size[:, None] == np.arange(3)).astype(float)
    names = [f"size = {s}" for s in ("small", "middle", "large")]
    y = np.array([float(v) if kind == "regression" else classes.index(v) for v in y])
    return penalised(name, columns + names, names, np.hstack([x, flags]), y, kind, l2, classes) | {"bounds": bounds}


wine = ["class_0", "class_1", "class_2"]
cancer = ["benign", "malignant"]
three = ["mean_radius", "mean_texture", "mean_smoothness"]
cases = {
    "ols": linear("diabetes", ["bmi", "bp", "s1_tc", "s5_ltg"]),
    "logit": logistic("breast_cancer", three, cancer),
    "swapped": logistic("breast_cancer", three, cancer[::-1]),
    "mnlogit": multinomial("wine", ["alcohol", "ash"], wine),
    "ridge": with_category("diabetes", ["bmi", "bp", "s1_tc"], [23.0, 28.0], "regression", 0.05, []),
    "logistic_ridge": with_category("breast_cancer", three, [12.0, 15.0], "binary", 0.01, cancer),
    "softmax_ridge": with_category("wine", ["alcohol", "ash"], [12.5, 13.5], "multinomial", 0.02, wine),
}
versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__}
with open(HERE / "weights.json", "w") as file:
    json.dump({"about": __doc__, "versions": versions, "cases": cases}, file, indent=1)
    file.write("\n")
