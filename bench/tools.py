"""What is measured side by side, and how each is called: the program itself and the peers of `training_peers`."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

import metrics
from workloads.columns import WORKLOADS

HERE = Path(__file__).resolve().parent
NO_WORDS = "it has no means to cut text into words"
# Each peer: its file, its configurations, and the workloads that it is not for, with the reason.
PEERS = {
    "scikit-learn": ("scikit_learn", ("default", "tuned"), {}),
    "Vowpal Wabbit": ("vowpal_wabbit", ("default", "tuned"), {}),
    "LIBLINEAR": ("liblinear", ("tuned",), {}),
    "glmnet": ("glmnet.R", ("tuned",), dict.fromkeys(("clicks", "demo", "spam"), NO_WORDS)),
    "H2O": ("h2o_glm", ("default", "tuned"), dict.fromkeys(("demo", "spam"), NO_WORDS)),
}
# For the run with a given penalty: that of the tuned scikit-learn, for the mean of the loss.
PENALTIES = {"clicks": 9.5e-6, "demo": 2.9e-5, "sales": 1.4e-5, "spam": 3.6e-6, "faces": 0.29}


@dataclass
class Tool:
    """`left_out` says why it does not run on a workload."""

    name: str
    left_out: dict = field(default_factory=dict)

    def train(self, workload, data, model):
        """The command that learns from a CSV and writes a model."""
        raise NotImplementedError

    def judge(self, workload, data, model):
        """Metrics of the model on a CSV."""
        raise NotImplementedError


@dataclass
class Own(Tool):
    program: str = ""
    penalty: bool = False

    def train(self, workload, data, model):
        target, given = WORKLOADS[workload].target, []
        if self.penalty:
            given = ["--param", f"l2={PENALTIES[workload]}"]
        return [self.program, "train", data, "--target", target, "--holdout", "0", "--out", model, "--json", *given]

    def judge(self, workload, data, model):
        report = json.loads(run([self.program, "evaluate", model, data, "--json"]))
        return {name: metric["value"] for name, metric in report["metrics"].items()}


@dataclass
class Peer(Tool):
    file: str = ""
    configuration: str = "default"

    def command(self, step, workload, *paths):
        if self.file.endswith(".R"):
            start = ["Rscript", HERE / "training_peers" / self.file]
        else:
            start = ["env", f"PYTHONPATH={HERE}", sys.executable, "-m", f"training_peers.{self.file}"]
        return [*start, step, workload, self.configuration, *paths]

    def train(self, workload, data, model):
        return self.command("train", workload, data, model)

    def judge(self, workload, data, model):
        out = Path(model).with_suffix(".predictions.csv")
        run(self.command("predict", workload, data, model, out))
        asked = WORKLOADS[workload]
        truth = pl.read_csv(data, columns=[asked.target])[asked.target].to_numpy()
        answers = pl.read_csv(out)
        out.unlink()
        if asked.task == "regression":
            return {"rmse": metrics.rmse(truth, answers.to_series().to_numpy())}
        if asked.task == "binary":
            chances = answers.to_series().to_numpy()
            return {"auc": metrics.auc(truth == 1, chances), "log_loss": metrics.log_loss(truth == 1, chances)}
        numbers = {name: number for number, name in enumerate(answers.columns)}
        truth, chances = np.array([numbers[label] for label in truth]), answers.to_numpy()
        found = metrics.macro_f1(truth, chances.argmax(1), len(numbers))
        return {"macro_f1": found, "log_loss": metrics.log_loss(truth, chances)}


def run(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:])
    return done.stdout


def installed():
    """Of each peer its version, or what is missing."""
    done = run(["env", f"PYTHONPATH={HERE}", sys.executable, "-m", "training_peers.installed"])
    return json.loads(done)


def tools(program, found):
    """All that can run here; `found` is what `installed` says."""
    some = [Own("yosoku", program=program), Own("yosoku, penalty given", program=program, penalty=True)]
    for name, (file, configurations, left_out) in PEERS.items():
        if "version" in found[name]:
            some += [Peer(f"{name}, {how}", left_out, file=file, configuration=how) for how in configurations]
    return some
