"""Measures `yosoku inspect` beside DuckDB and polars on the same file, for docs/benchmarks.md.

Each figure is that of a whole process: wall clock and peak resident memory as the system accounts for them. The
tools take turns, so that a slow minute of the machine hits all of them; medians are shown, and ratios are medians of
the ratios within a turn. Every process may use two processors.

    python3 bench/inspecting.py PROGRAM [--rows N] [--turns N] [--file FILE --target COLUMN] [--stages PROGRAM]
"""

import argparse
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from document import ROOT, circumstances, table, write_section
from measure import measure

PLACE = ROOT / "target" / "bench"


def made_table(rows):
    path = PLACE / f"mixed-{rows}.csv"
    if not path.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        subprocess.run([sys.executable, ROOT / "bench" / "generate.py", str(rows), half], check=True)
        half.rename(path)
    return path


def stages(built, path, target):
    program = [built] if built else ["cargo", "bench", "--quiet", "--bench", "stages", "--"]
    command = [*program, str(path), target]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def report(runs, path, options, text):
    size, ours, rows = path.stat().st_size / 1e6, runs["yosoku inspect"], []
    for name, figures in runs.items():
        walls, processor, peaks = zip(*((run["wall"], run["processor"], run["peak"]) for run in figures))
        wall = statistics.median(walls)
        slower = statistics.median(other["wall"] / own["wall"] for other, own in zip(figures, ours))
        larger = statistics.median(other["peak"] / own["peak"] for other, own in zip(figures, ours))
        rows.append(
            [
                name,
                f"{wall:.2f}",
                f"{min(walls):.2f} to {max(walls):.2f}",
                f"{size / wall:.0f}",
                f"{statistics.median(processor):.2f}",
                f"{statistics.median(peaks):.0f}",
                f"{slower:.2f}",
                f"{larger:.2f}",
            ]
        )
    header = "|wall s|min to max|MB/s|processor s|peak MiB|times as long as yosoku|times its memory".split("|")
    return f"""## Inspecting a table

`{path.name}`: {size:.0f} MB, from the system's cache. Median of {options.turns} turns; whole processes.
DuckDB runs `SUMMARIZE` (types, extremes, mean, deviation, quartiles, distinct counts); polars one streaming
query for the same figures, its quartiles exact. `yosoku inspect` decides types with reasons, and gives exact
moments, seven quantiles, a histogram, distinct counts, frequent values and words, and a sample of rows.

{table(header, rows)}

{options.circumstances} Peers: {", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars"))}.

### Stage by stage

`cargo bench --bench stages -- FILE TARGET`:

```text
{text}
```
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--target", default="returned")
    parser.add_argument("--stages", help="benches/stages.rs, built already; else cargo builds it")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    options = parser.parse_args()
    options.circumstances = circumstances(options.program)
    path = options.file or made_table(options.rows)
    peers = [sys.executable, ROOT / "bench" / "inspecting_peers.py"]
    commands = {
        "yosoku inspect": [options.program, "inspect", path],
        "DuckDB SUMMARIZE": [*peers, "duckdb", path],
        "polars": [*peers, "polars", path],
    }
    runs = {name: [] for name in commands}
    for turn in range(options.turns + 1):
        for name, command in commands.items():
            figures = measure(command, options.lock)
            if figures["failure"]:
                raise SystemExit(f"{name} failed: {figures['failure']}")
            # The first turn brings the file and the programs into memory.
            if turn > 0:
                runs[name].append(figures)
            print(f"turn {turn}: {name}: {figures['wall']:.2f} s, {figures['peak']:.0f} MiB", flush=True)
    write_section("inspecting", report(runs, path, options, stages(options.stages, path, options.target)))


if __name__ == "__main__":
    main()
