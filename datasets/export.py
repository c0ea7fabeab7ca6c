"""Write the sample CSV files of this folder from the scikit-learn package.

    python datasets/export.py

The files are committed; run this only to check them or to change their form. Every run with the
same scikit-learn gives the same bytes. Numbers are written in the shortest form that reads back
to the same double, whole numbers without a decimal point, lines end in a bare line feed.
"""

import re
from pathlib import Path

import sklearn
from sklearn import datasets

WRITTEN_WITH = "1.9.1"
FOLDER = Path(__file__).resolve().parent

# The package's names with what its description says about each column.
DIABETES_COLUMNS = {
    "age": "age_years",
    "s1": "s1_tc",
    "s2": "s2_ldl",
    "s3": "s3_hdl",
    "s4": "s4_tch",
    "s5": "s5_ltg",
    "s6": "s6_glu",
}


def snake(name):
    """`sepal length (cm)` becomes `sepal_length_cm`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def number(value):
    """The shortest decimal text that reads back to the same double."""
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def write(name, columns, rows, target):
    """One header line, one line per row, the target last."""
    lines = [",".join([*columns, "target"])]
    for row, label in zip(rows, target, strict=True):
        lines.append(",".join([*map(number, row), label]))
    (FOLDER / name).write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def classes(name, bunch):
    """A classification file whose target is the package's class name."""
    labels = [str(bunch.target_names[i]) for i in bunch.target]
    write(name, [snake(c) for c in bunch.feature_names], bunch.data, labels)


def main():
    if sklearn.__version__ != WRITTEN_WITH:
        print(f"note: the committed files come from scikit-learn {WRITTEN_WITH}, this is {sklearn.__version__}")
    classes("iris.csv", datasets.load_iris())
    classes("wine.csv", datasets.load_wine())
    classes("breast_cancer.csv", datasets.load_breast_cancer())
    digits = datasets.load_digits()
    write("digits.csv", digits.feature_names, digits.data, [str(i) for i in digits.target])
    diabetes = datasets.load_diabetes(scaled=False)
    columns = [DIABETES_COLUMNS.get(c, c) for c in diabetes.feature_names]
    write("diabetes.csv", columns, diabetes.data, [number(y) for y in diabetes.target])


if __name__ == "__main__":
    main()
