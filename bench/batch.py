"""Measures scoring a whole file, from a CSV to a CSV, beside scikit-learn and Vowpal Wabbit, for docs/benchmarks.md.

Each figure is that of a whole process on two processors: wall clock, processor time, memory at the peak. The file is the
held-out rows of `clicks`, once and ten times over. The tools take turns; medians are shown, and ratios are medians of the
ratios within a turn.

    python3 bench/batch.py PROGRAM [--only NAME,...] [--times 1,10] [--turns N] [--keep]

Needs Python with the packages of bench/requirements.txt (bench/environment.py makes one).
"""

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path

import polars as pl

import metrics
from document import ROOT, circumstances, table, write_section
from measure import measure
from tools import HERE, Own, Peer, installed, run
from training import COSTS, DISTURBED, data_of, discard, ratio
from training import PLACE as TRAINING
from workloads.columns import WORKLOADS

PLACE = ROOT / "target" / "bench" / "batch"
TARGET = WORKLOADS["clicks"].target
TIMES = "1,10"
# Of each peer: its file among the training peers, and its name for batch_peers.
PEERS = {"scikit-learn": ("scikit_learn", "scikit-learn"), "Vowpal Wabbit": ("vowpal_wabbit", "vowpal-wabbit")}
# How many times as fast as a peer is wanted, and MB of memory at any size.
WANTED, MEMORY = {"scikit-learn": 20, "Vowpal Wabbit": 5}, 200


def model_of(name, program, train):
    """A model of a tool, trained if it is not there."""
    model = PLACE / f"{name.lower().replace(' ', '-')}.model"
    if not model.exists():
        print(f"{name} learns", flush=True)
        tool = Own(name, program=program) if name == "yosoku" else Peer(name, file=PEERS[name][0])
        half = model.with_suffix(".half")
        discard(half)
        run(tool.train("clicks", train, half))
        half.rename(model)
    return model


def repeated(test, times):
    """The file with its rows several times over."""
    if times == 1:
        test.read_bytes()  # brings the file into memory
        return test
    path = PLACE / f"clicks-{times}.csv"
    if not path.exists():
        half = path.with_suffix(".half")
        with open(half, "wb") as out:
            for turn in range(times):
                with open(test, "rb") as file:
                    header = file.readline()
                    if turn == 0:
                        out.write(header)
                    shutil.copyfileobj(file, out, 1 << 20)
        half.rename(path)
    return path


def command(name, program, model, data, out):
    if name == "yosoku":
        return [program, "predict", model, data, "--out", out]
    return [sys.executable, HERE / "batch_peers.py", PEERS[name][1], data, model, out]


def auc(name, data, out):
    """Of the scores in a file that has one for every row."""
    truth = pl.read_csv(data, columns=[TARGET])[TARGET].to_numpy()
    answers = pl.read_csv(out, has_header=name != "Vowpal Wabbit")
    scores = answers[answers.columns[-1]].to_numpy()
    if len(scores) != len(truth):
        raise SystemExit(f"{name} scored {len(scores)} of {len(truth)} rows")
    return metrics.auc(truth == 1, scores)


def measured(models, data, options):
    """Of each tool, its runs, and the AUC of its first scores."""
    found = {name: {"runs": []} for name in models}
    for turn in range(options.turns):
        for name, model in models.items():
            own, out = found[name], PLACE / "out.csv"
            if "failure" in own or (turn and own["runs"][0]["wall"] > options.patience):
                continue
            seen = measure(command(name, options.program, model, data, out), options.lock, options.timeout)
            if seen["failure"]:
                own["failure"] = seen["failure"]
            else:
                own["runs"].append(seen)
                own.setdefault("auc", float(auc(name, data, out)))
            discard(out)
            print(
                f"{data.name}, turn {turn + 1}: {name}: {seen['failure'] or ''} {seen['wall']:.2f} s, processor "
                f"{seen['processor']:.2f} s, {seen['peak']:.0f} MiB, others {seen['others']:.2f}",
                flush=True,
            )
    return found


def row(name, result, own, rows):
    runs = result["runs"]
    if not runs:
        return [name, *[""] * (len(COSTS) + 2)]
    walls = [run["wall"] for run in runs]
    return [
        name,
        f"{result['auc']:.4f}",
        f"{rows / statistics.median(walls):,.0f}",
        f"{statistics.median(walls):.2f}",
        f"{min(walls):.2f} to {max(walls):.2f}" if len(walls) > 1 else "one turn",
        f"{statistics.median(run['processor'] for run in runs):.2f}",
        f"{statistics.median(run['peak'] for run in runs):.0f}",
        ratio(runs, own, "wall"),
        ratio(runs, own, "processor"),
        ratio(runs, own, "peak"),
        f"{statistics.median(run['others'] for run in runs):.2f}",
    ]


def goals(results):
    """What is to be reached, beside what was."""
    lines = []
    for times, found in results.items():
        own = found.get("yosoku", {"runs": []})["runs"]
        for name, bound in WANTED.items():
            runs = found.get(name, {"runs": []})["runs"]
            if runs and own:
                wall = ratio(runs, own, "wall")
                met = "" if not wall else "yes" if float(wall) >= bound else "**no**"
                what = f"rows/s, times those of {name}, the file {times} times"
                lines.append([what, f"at least {bound}", wall, ratio(runs, own, "processor"), met])
        if own:
            peak = max(run["peak"] for run in own) * 2**20 / 1e6
            met = "yes" if peak < MEMORY else "**no**"
            lines.append([f"MB at the peak, the file {times} times", f"under {MEMORY}", f"{peak:.0f}", "", met])
    return table(["", "goal", "measured", "the same by processor time", "met"], lines)


def report(results, found, truth, options):
    rows, size = truth["test"]["rows"], truth["test"]["bytes"]
    missing = [f"- {name} has no figures: {found[name]['missing']}." for name in PEERS if "missing" in found[name]]
    parts = [
        "## Scoring a file",
        "",
        "The held-out rows of `clicks`, from a CSV on disk to a CSV on disk, whole processes; medians of",
        f"{options.turns} turns, or one turn where a tool took longer than {options.patience:.0f} s. scikit-learn scores its",
        "`default` pipeline in pieces of 100,000 rows; for Vowpal Wabbit, with its `default`, polars streams the table into",
        "its text, which is part of the time (`bench/batch_peers.py`). The models have learned from",
        f"{truth['train']['rows']:,} rows. `others` are the processors that other processes kept busy meanwhile: above",
        f"{DISTURBED}, wall clocks are not compared, and the processor seconds tell.",
        "",
        f"{options.circumstances} Peers: {', '.join(found[name]['version'] for name in PEERS if 'version' in found[name])}.",
        "",
        goals(results),
        "",
    ]
    for times, tools in results.items():
        own, count = tools.get("yosoku", {"runs": []})["runs"], rows * int(times)
        lines = [row(name, result, own, count) for name, result in tools.items()]
        parts += [f"### {count:,} rows, {size * int(times) / 1e6:.0f} MB", ""]
        parts += [table(["", "AUC", "rows/s", *COSTS], lines), ""]
        failures = {name: result["failure"] for name, result in tools.items() if "failure" in result}
        parts += [f"- {name} has no figures: {why.strip()}." for name, why in failures.items()]
    return "\n".join(parts + missing).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", metavar="NAMES", help="beginnings of names, with commas; the document stays as it is")
    parser.add_argument("--times", default=TIMES, metavar="NUMBERS", help="how many times over the rows are scored")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS", help="slower tools take one turn only")
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS")
    parser.add_argument("--data", type=Path, default=TRAINING / "data", help="where clicks is, or is to be made")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    parser.add_argument(
        "--keep", action="store_true", help="go on with the models and sizes of a run that was cut short"
    )
    options = parser.parse_args()
    options.circumstances = circumstances(options.program)
    if not options.keep:
        discard(PLACE)
    PLACE.mkdir(parents=True, exist_ok=True)
    file, found = PLACE / "results.json", installed()
    train, test, truth = data_of("clicks", options.data)
    names = ["yosoku", *(name for name in PEERS if "version" in found[name])]
    if options.only:
        names = [name for name in names if name.lower().startswith(tuple(options.only.lower().split(",")))]
    models = {name: model_of(name, options.program, train) for name in names}
    results = json.loads(file.read_text()) if file.exists() else {}
    for times in options.times.split(","):
        if times not in results:
            results[times] = measured(models, repeated(test, int(times)), options)
            file.write_text(json.dumps(results, indent=1))
    text = report(results, found, truth, options)
    print(text)
    if not options.only and options.times == TIMES:
        write_section("batch", text)


if __name__ == "__main__":
    main()
