"""scikit-learn's pipelines for a table nobody prepared: scaled numbers, numbers in quantile bins, or both, each with one-hot
categories, tf-idf words and a penalty chosen by cross-validation. Their scores on held-out rows."""

import os

# Before numpy is loaded: the tables are small, and the figures must not depend on the number of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn import metrics
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

VERSION = f"scikit-learn {sklearn.__version__}"
# Another number whenever the pipelines change, so that scores of before are forgotten.
EDITION = 1
BINS = 10
# What each pipeline makes of numbers.
PIPELINES = {"plain": ("scaled",), "binned": ("bins",), "both": ("scaled", "bins")}


def read(path, target):
    """Inputs, with dates as numbers and categories, and the target."""
    frame = pd.read_csv(path, low_memory=False)
    truth = frame.pop(target)
    for name in list(frame):
        column = frame[name]
        if not is_word(column) or not column.dropna().str.match(r"\d{4}-\d\d-\d\d").all():
            continue
        times = pd.to_datetime(frame.pop(name), utc=True)
        frame[f"{name} day"] = (times - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1)
        frame[f"{name} month"] = times.dt.month_name()
        frame[f"{name} weekday"] = times.dt.day_name()
        frame[f"{name} hour"] = times.dt.strftime("%H")
    return frame, truth


def is_word(column):
    return not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def kinds(frame):
    """Names of numbers, of categories and of texts; names of rows are left out."""
    numbers, categories, texts = [], [], []
    for name, column in frame.items():
        known = column.dropna()
        if known.nunique() < 2:
            continue
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            numbers.append(name)
        elif known.nunique() > 50 and known.astype(str).str.count(" ").mean() >= 3:
            texts.append(name)
        elif known.nunique() < 0.95 * len(known):
            categories.append(name)
    return numbers, categories, texts


def numbers_as(form):
    fill = SimpleImputer(strategy="median", add_indicator=form == "scaled")
    if form == "scaled":
        return make_pipeline(fill, StandardScaler())
    bins = KBinsDiscretizer(
        BINS, encode="onehot", strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None
    )
    return make_pipeline(fill, bins)


def as_text(frame):
    return frame.astype(object).where(frame.notna(), "missing").astype(str)


def pipeline(forms, task, frame):
    numbers, categories, texts = kinds(frame)
    parts = [(form, numbers_as(form), numbers) for form in forms if numbers]
    if categories:
        parts.append(("categories", OneHotEncoder(handle_unknown="ignore"), categories))
    parts += [(f"words of {name}", TfidfVectorizer(), name) for name in texts]
    if task == "regression":
        learner = RidgeCV(alphas=np.logspace(-4, 4, 17))
    else:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        learner = LogisticRegressionCV(
            Cs=np.logspace(-4, 4, 9),
            cv=folds,
            scoring="neg_log_loss",
            max_iter=300,
            l1_ratios=(0,),
            use_legacy_attributes=False,
        )
    return make_pipeline(ColumnTransformer(parts), learner)


def judge(task, truth, model, frame):
    """The metrics that `yosoku evaluate` reports, by the same names."""
    if task == "regression":
        return {"rmse": float(np.sqrt(metrics.mean_squared_error(truth, model.predict(frame))))}
    chances, classes = model.predict_proba(frame), model.classes_
    result = {"log_loss": metrics.log_loss(truth, chances, labels=classes)}
    if task == "binary":
        result["auc"] = metrics.roc_auc_score(truth == classes[1], chances[:, 1])
    else:
        result["macro_f1"] = metrics.f1_score(truth, classes[chances.argmax(1)], average="macro", zero_division=0)
    return {name: float(value) for name, value in result.items()}


def scores(name, task, parts, target):
    """Trains the pipeline of this name from the first file and judges it on the second."""
    (frame, truth), (held, held_truth) = (read(part, target) for part in parts)
    if task != "regression":
        truth, held_truth = truth.astype(str), held_truth.astype(str)
    held = held[held_truth.isin(truth.unique())] if task != "regression" else held
    held_truth = held_truth.loc[held.index]
    _, categories, texts = kinds(frame)
    for some in (frame, held):
        some[categories + texts] = as_text(some[categories + texts])
    with warnings.catch_warnings():
        for kind in (UserWarning, FutureWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", kind)
        model = pipeline(PIPELINES[name], task, frame).fit(frame, truth)
        return judge(task, held_truth, model, held)
