"""Measures training beside other tools on five made workloads, for docs/benchmarks.md.

Each figure is that of a whole process, from a CSV on disk to a model on disk, on two processors: wall clock, processor
time, memory at the peak. The tools take turns, so that a slow minute of the machine hits all of them; medians are shown,
and ratios are medians of the ratios within a turn. Each model is then judged on held-out rows, by the same metrics.

    python3 bench/training.py PROGRAM [--only clicks,...] [--turns N] [--tools NAME,...] [--keep]

Needs Python with the packages of bench/requirements.txt (bench/environment.py makes one). LIBLINEAR, glmnet and H2O need
liblinear-train, R with glmnet and data.table, and Java; what is missing is left out of the tables.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from document import ROOT, circumstances, table, write_section
from measure import measure
from tools import installed, tools
from workloads.columns import WORKLOADS

PLACE = ROOT / "target" / "bench" / "training"
# Processors that others may keep busy before a wall clock is no longer compared.
DISTURBED = 0.2
TITLES = {
    "clicks": "fraud among clicks; two classes, numbers, categories of up to 60,000 values, user agents",
    "demo": "groups of people; eight classes, counts, categories, texts",
    "sales": "units sold; a number, of numbers and categories",
    "spam": "short messages; two classes, text alone",
    "faces": "grey images; two classes, 4,096 dense numbers",
}
COSTS = (
    "wall s",
    "min to max",
    "processor s",
    "peak MiB",
    "times as long as yosoku",
    "times its processor s",
    "times its memory",
    "others",
)
METRICS = {
    "binary": {"auc": "AUC", "log_loss": "log loss"},
    "multiclass": {"macro_f1": "macro F1", "log_loss": "log loss"},
    "regression": {"rmse": "RMSE"},
}


def data_of(workload, folder):
    """The files to learn from and to judge on, made when they are not there, and what is known of them."""
    truth = folder / f"{workload}.truth.json"
    if not truth.exists():
        command = [sys.executable, ROOT / "bench" / "generate_workloads.py", folder, "--only", workload]
        subprocess.run(command, check=True)
    return folder / f"{workload}.train.csv", folder / f"{workload}.test.csv", json.loads(truth.read_text())


def discard(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def measured(workload, some, options):
    """Of each tool, its runs, and the metrics of the model of the first."""
    train, test, _ = data_of(workload, options.data)
    train.read_bytes()  # brings the file into memory
    found = {tool.name: {"runs": [], "metrics": {}} for tool in some if workload not in tool.left_out}
    for turn in range(options.turns):
        for tool in some:
            own = found.get(tool.name)
            if own is None or own.get("failure") or (turn and own["runs"][0]["wall"] > options.patience):
                continue
            model = PLACE / f"{workload}.model"
            discard(model)
            run = measure(tool.train(workload, train, model), options.lock, options.timeout)
            if run["failure"]:
                own["failure"] = run["failure"]
            else:
                own["runs"].append(run)
                if not own["metrics"]:
                    own["metrics"] = tool.judge(workload, test, model)
            shown = ", ".join(f"{name} {value:.5f}" for name, value in own["metrics"].items())
            print(
                f"{workload}, turn {turn + 1}: {tool.name}: {run['failure'] or shown}; {run['wall']:.2f} s, "
                f"processor {run['processor']:.2f} s, {run['peak']:.0f} MiB, others {run['others']:.2f}",
                flush=True,
            )
            discard(model)
    return found


def ratio(runs, own, figure):
    """Median of the ratios within the turns that both took; of wall clocks, of those turns that nothing disturbed."""
    pairs = list(zip(runs, own))
    if figure == "wall":
        pairs = [pair for pair in pairs if max(run["others"] for run in pair) <= DISTURBED]
    return f"{statistics.median(run[figure] / mine[figure] for run, mine in pairs):.2f}" if pairs else ""


def row(name, result, own, shown):
    quality = [f"{result['metrics'][metric]:.4f}" if metric in result["metrics"] else "" for metric in shown]
    runs = result["runs"]
    if not runs:
        return [name, *quality, *[""] * len(COSTS)]
    walls = [run["wall"] for run in runs]
    return [
        name,
        *quality,
        f"{statistics.median(walls):.2f}",
        f"{min(walls):.2f} to {max(walls):.2f}" if len(walls) > 1 else "one turn",
        f"{statistics.median(run['processor'] for run in runs):.2f}",
        f"{statistics.median(run['peak'] for run in runs):.0f}",
        ratio(runs, own, "wall"),
        ratio(runs, own, "processor"),
        ratio(runs, own, "peak"),
        f"{statistics.median(run['others'] for run in runs):.2f}",
    ]


def section(workload, found, some, missing, truth):
    shown, own = METRICS[WORKLOADS[workload].task], found.get("yosoku", {"runs": []})["runs"]
    rows = [row(name, result, own, shown) for name, result in found.items()]
    best = truth["best"]
    rows.append(["best possible", *[f"{best[metric]:.4f}" for metric in shown], *[""] * len(COSTS)])
    notes = {tool.name.split(",")[0]: tool.left_out[workload] for tool in some if workload in tool.left_out}
    notes.update(missing)
    notes.update({name: result["failure"].strip() for name, result in found.items() if result.get("failure")})
    lines = [f"### {workload}: {TITLES[workload]}", ""]
    size, digest = f"{truth['train']['bytes'] / 1e6:.0f} MB", truth["train"]["sha256"][:16]
    lines += [f"{truth['train']['rows']:,} rows to learn from, {size}, SHA-256 {digest}….", ""]
    lines += [table(["", *shown.values(), *COSTS], rows), ""]
    lines += [f"- {name} has no figures: {why}." for name, why in notes.items()]
    return "\n".join(lines).rstrip() + "\n"


def report(results, some, found, options):
    missing = {name: entry["missing"] for name, entry in found.items() if "missing" in entry}
    versions = ", ".join(entry["version"] for entry in found.values() if "version" in entry)
    parts = [
        "## Training",
        "",
        f"From a CSV on disk to a model on disk, whole processes; medians of {options.turns} turns, or one turn where a tool",
        f"took longer than {options.patience:.0f} s. The metrics are those of rows that were held out. `yosoku` has no options;",
        "with a penalty given (`--param l2=`) it skips the search for one. `default` is what the first tutorial of a tool",
        "shows, `tuned` what a competent user arrives at: see `bench/training_peers`. The data are made (`bench/workloads`),",
        "so the best that any model can reach is known. `others` are the processors that other processes kept busy",
        f"meanwhile: above {DISTURBED}, wall clocks are not compared, and the processor seconds tell.",
        "",
        f"{options.circumstances} Peers: {versions}.",
        "",
    ]
    for workload in filter(results.get, WORKLOADS):
        parts.append(section(workload, results[workload], some, missing, data_of(workload, options.data)[2]))
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument(
        "--only", default=",".join(WORKLOADS), metavar="NAMES", help="workloads, with commas between them"
    )
    parser.add_argument(
        "--tools", metavar="NAMES", help="beginnings of their names, with commas; the document stays as it is"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS", help="slower tools take one turn only")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS")
    parser.add_argument("--data", type=Path, default=PLACE / "data", help="where the workloads are, or are to be made")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    parser.add_argument("--keep", action="store_true", help="go on with the workloads of a run that was cut short")
    options = parser.parse_args()
    options.circumstances = circumstances(options.program)
    PLACE.mkdir(parents=True, exist_ok=True)
    file, found = PLACE / "results.json", installed()
    some = tools(options.program, found)
    if options.tools:
        some = [tool for tool in some if tool.name.lower().startswith(tuple(options.tools.lower().split(",")))]
    results = json.loads(file.read_text()) if options.keep and file.exists() else {}
    for workload in options.only.split(","):
        if workload not in results:
            results[workload] = measured(workload, some, options)
            file.write_text(json.dumps(results, indent=1))
    text = report(results, some, found, options)
    print(text)
    if not options.tools:
        write_section("training", text)


if __name__ == "__main__":
    main()
