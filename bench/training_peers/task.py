"""What a peer was asked to do, and how it hands over its predictions."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workloads.columns import WORKLOADS, Workload


@dataclass
class Task:
    step: str
    name: str
    workload: Workload
    tuned: bool
    data: Path
    model: Path
    out: Path | None

    def write(self, predictions, classes=None):
        """One column of numbers, or one for each class."""
        header = ",".join(classes) if classes is not None else "prediction"
        np.savetxt(self.out, predictions, fmt="%.9g", delimiter=",", header=header, comments="")


def task(description, configurations=("default", "tuned")):
    """Reads the command line, and makes the folder of the model."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["train", "predict"])
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("configuration", choices=configurations)
    parser.add_argument("data", type=Path, help="a CSV file")
    parser.add_argument("model", type=Path, help="a folder")
    parser.add_argument("out", type=Path, nargs="?", help="the predictions")
    given = parser.parse_args()
    given.model.mkdir(parents=True, exist_ok=True)
    workload, tuned = WORKLOADS[given.workload], given.configuration == "tuned"
    return Task(given.step, given.workload, workload, tuned, given.data, given.model, given.out)
