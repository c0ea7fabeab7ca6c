"""Prints, as JSON, which of the tools are there: a version, or what is missing.

    python -m training_peers.installed
"""

import json
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version


def packages(*names):
    """Versions of Python packages, the first of them the tool itself."""
    try:
        return {"version": " with ".join(f"{name} {version(name)}" for name in names)}
    except PackageNotFoundError as error:
        return {"missing": f"the Python package {error.name} is not installed"}


def h2o():
    return packages("h2o") if shutil.which("java") else {"missing": "there is no Java"}


def liblinear():
    if not shutil.which("liblinear-train") or not shutil.which("liblinear-predict"):
        return {"missing": "liblinear-train is not installed"}
    # The programs do not tell their version; Debian's package manager does.
    command = ["dpkg-query", "--show", "--showformat", "${Version}", "liblinear-tools"]
    asked = subprocess.run(command, capture_output=True, text=True) if shutil.which("dpkg-query") else None
    return {"version": "LIBLINEAR" + (f" {asked.stdout}" if asked and asked.returncode == 0 else "")}


def glmnet():
    if not shutil.which("Rscript"):
        return {"missing": "there is no R"}
    ask = 'library(data.table); library(Matrix); cat(as.character(packageVersion("glmnet")))'
    asked = subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True)
    if asked.returncode:
        return {"missing": "the R packages glmnet and data.table are not installed"}
    return {"version": f"glmnet {asked.stdout.strip()}"}


def main():
    found = {
        "scikit-learn": packages("scikit-learn", "pandas", "pyarrow"),
        "Vowpal Wabbit": packages("vowpalwabbit", "polars"),
        "LIBLINEAR": liblinear(),
        "glmnet": glmnet(),
        "H2O": h2o(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
