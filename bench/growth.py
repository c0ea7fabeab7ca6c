"""Measures how time and memory of training grow with the rows of `clicks`, for docs/benchmarks.md.

    python3 bench/growth.py PROGRAM [--millions 1,2,5,10,20] [--beside N]

Whole processes, as in bench/training.py. Up to N million rows Vowpal Wabbit, tuned, takes turns with the program. Needs
8 GB of disk for 20 million rows, and Python with the packages of bench/requirements.txt.
"""

import argparse
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from document import ROOT, circumstances, table, write_section
from measure import measure
from tools import installed, tools
from training import discard
from workloads.draws import is_train

PLACE = ROOT / "target" / "bench" / "growth"


def file_of(rows):
    return PLACE / f"clicks-{rows}.csv"


def make(sizes):
    """A file to learn from for each size: the first rows of the largest."""
    PLACE.mkdir(parents=True, exist_ok=True)
    largest = file_of(max(sizes))
    if not largest.exists():
        maker = ROOT / "bench" / "generate_workloads.py"
        subprocess.run([sys.executable, maker, PLACE, "--only", "clicks", "--rows", str(max(sizes))], check=True)
        (PLACE / "clicks.test.csv").unlink()
        (PLACE / "clicks.train.csv").rename(largest)
    for rows in sizes:
        if not file_of(rows).exists():
            lines = 1 + int(is_train(np.arange(rows)).sum())
            half = PLACE / "half.csv"
            with open(largest, "rb") as file, open(half, "wb") as out:
                out.writelines(islice(file, lines))
            half.rename(file_of(rows))


def measured(tool, rows, options):
    model = PLACE / "model"
    discard(model)
    run = measure(tool.train("clicks", file_of(rows), model), options.lock, options.timeout)
    discard(model)
    print(f"{rows} rows: {tool.name}: {run}", flush=True)
    return run


def cells(run, millions):
    if run is None:
        return ["", "", "", ""]
    if run["failure"]:
        return [run["failure"].strip().splitlines()[-1], "", "", ""]
    return [f"{run['wall']:.2f}", f"{run['wall'] / millions:.2f}", f"{run['processor']:.2f}", f"{run['peak']:.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument(
        "--millions", default="1,2,5,10,20", metavar="NUMBERS", help="of rows made; 70 %% are learned from"
    )
    parser.add_argument("--beside", type=int, default=5, metavar="N", help="peers up to N million rows")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    options = parser.parse_args()
    where = circumstances(options.program)
    sizes = [int(float(text) * 1e6) for text in options.millions.split(",")]
    make(sizes)
    found = installed()
    chosen = [tool for tool in tools(options.program, found) if tool.name in ("yosoku", "Vowpal Wabbit, tuned")]
    rows = []
    for size in sizes:
        learned = int(is_train(np.arange(size)).sum())
        line = [f"{learned:,}", f"{file_of(size).stat().st_size / 1e6:.0f}"]
        for tool in chosen:
            beside = tool.name == "yosoku" or size <= options.beside * 1e6
            line += cells(measured(tool, size, options) if beside else None, learned / 1e6)
        rows.append(line)
    header = ["rows to learn from", "MB"]
    for tool in chosen:
        header += [f"{tool.name}: wall s", "s for a million rows", "processor s", "peak MiB"]
    text = f"""## Growth

The first rows of `clicks`, from a CSV on disk to a model on disk with no options; one run each.

{table(header, rows)}

{where} {found["Vowpal Wabbit"].get("version", "")}
"""
    print(text)
    write_section("growth", text)


if __name__ == "__main__":
    main()
