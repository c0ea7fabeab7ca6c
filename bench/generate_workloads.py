"""Writes the made data sets that training is measured on: W.train.csv, W.test.csv and W.truth.json for each workload W.

    python3 bench/generate_workloads.py FOLDER [--only clicks,demo,sales,spam,faces] [--rows N] [--seed N]

The same options always give the same bytes, and fewer rows are a prefix of more. Needs numpy.
"""

import argparse
import time
from pathlib import Path

from workloads import clicks, demo, faces, sales, spam
from workloads.columns import WORKLOADS

SEED = 20150409
MAKERS = {"clicks": clicks, "demo": demo, "sales": sales, "spam": spam, "faces": faces}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(MAKERS), metavar="NAMES", help="with commas between them")
    parser.add_argument("--rows", type=int, help="of each workload, in both files together; default: its own number")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only.split(","):
        begin, rows = time.perf_counter(), options.rows or WORKLOADS[name].rows
        MAKERS[name].make(options.folder, rows, options.seed)
        print(f"{name}: {rows} rows in {time.perf_counter() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
