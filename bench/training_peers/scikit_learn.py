"""scikit-learn, see `training_peers`.

default: pandas, missing numbers filled in and all scaled, one-hot categories, tf-idf, LogisticRegression() or Ridge().
tuned: pyarrow's reader and single precision; indicators of missing numbers, quantile bins beside the scaled ones, rare
categories together, words as suit the text; a solver and a penalty that suit the size.
"""

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

from training_peers.task import task

# Solver and C; the penalty of the regression is 1 / C.
TUNED = {
    "clicks": ("liblinear", 0.15),
    "demo": ("lbfgs", 0.1),
    "sales": ("sparse_cg", 0.2),
    "spam": ("lbfgs", 2.0),
    "faces": ("lbfgs", 0.001),
}


def prepared_default(frame, workload):
    """The columns that are used, with a value wherever a category is missing."""
    frame = frame.drop(columns=list(workload.identifiers))
    for name in workload.categories:
        frame[name] = frame[name].astype("object").where(frame[name].notna(), "missing").astype(str)
    return frame


def read_default(path, workload):
    import pandas

    return prepared_default(pandas.read_csv(path), workload)


def read_tuned(path, workload):
    import pyarrow
    import pyarrow.csv

    types = {name: pyarrow.float32() for name in workload.numbers}
    types.update({name: pyarrow.string() for name in (*workload.categories, *workload.texts)})
    convert = pyarrow.csv.ConvertOptions(
        include_columns=[*workload.inputs, workload.target], column_types=types, strings_can_be_null=True
    )
    frame = pyarrow.csv.read_csv(path, convert_options=convert).to_pandas(split_blocks=True, self_destruct=True)
    for name in workload.categories:
        frame[name] = frame[name].fillna("")
    return frame


def read(asked):
    """Inputs and target."""
    frame = (read_tuned if asked.tuned else read_default)(asked.data, asked.workload)
    for name in asked.workload.texts:
        frame[name] = frame[name].fillna("")
    return frame, frame.pop(asked.workload.target).to_numpy()


def features_default(workload):
    parts = []
    if workload.numbers:
        scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        parts.append(("numbers", scaled, list(workload.numbers)))
    if workload.categories:
        parts.append(("categories", OneHotEncoder(handle_unknown="ignore"), list(workload.categories)))
    return parts + [(name, TfidfVectorizer(), name) for name in workload.texts]


def words_tuned(name):
    if name == "spam":
        return TfidfVectorizer(min_df=2, sublinear_tf=True, dtype=np.float32)
    if name == "clicks":
        # Which tokens there are, versions as wholes.
        return HashingVectorizer(
            n_features=2**18,
            binary=True,
            norm=None,
            alternate_sign=False,
            token_pattern=r"[^ ;()]+",
            dtype=np.float32,
        )
    return CountVectorizer(token_pattern=r"[^ ]+", min_df=2, dtype=np.float32)


def features_tuned(name, workload):
    numbers, parts = list(workload.numbers), []
    if name == "faces":
        parts.append(("numbers", StandardScaler(), numbers))
    elif numbers:
        bins = KBinsDiscretizer(
            20,
            encode="onehot",
            strategy="quantile",
            quantile_method="averaged_inverted_cdf",
            subsample=200_000,
            dtype=np.float32,
        )
        scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        parts.append(("numbers", scaled, numbers))
        parts.append(("bins", make_pipeline(SimpleImputer(strategy="median"), bins), numbers))
    if workload.categories:
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3, dtype=np.float32)
        parts.append(("categories", encoder, list(workload.categories)))
    return parts + [(text, words_tuned(name), text) for text in workload.texts]


def learner(asked):
    if not asked.tuned:
        return Ridge() if asked.workload.task == "regression" else LogisticRegression()
    solver, c = TUNED[asked.name]
    if asked.workload.task == "regression":
        return Ridge(alpha=1 / c, solver=solver, tol=1e-4)
    return LogisticRegression(C=c, solver=solver, max_iter=300, tol=1e-3 if solver == "liblinear" else 1e-4)


def train(asked):
    frame, truth = read(asked)
    parts = features_tuned(asked.name, asked.workload) if asked.tuned else features_default(asked.workload)
    features = ColumnTransformer(parts, sparse_threshold=0.0 if asked.name == "faces" else 1.0)
    design = features.fit_transform(frame)
    del frame
    joblib.dump(make_pipeline(features, learner(asked).fit(design, truth)), asked.model / "pipeline.joblib")


def predict(asked):
    pipeline = joblib.load(asked.model / "pipeline.joblib")
    frame, _ = read(asked)
    if asked.workload.task == "regression":
        asked.write(pipeline.predict(frame))
    elif asked.workload.task == "binary":
        asked.write(pipeline.predict_proba(frame)[:, 1])
    else:
        asked.write(pipeline.predict_proba(frame), pipeline[-1].classes_)


if __name__ == "__main__":
    given = task(__doc__)
    {"train": train, "predict": predict}[given.step](given)
