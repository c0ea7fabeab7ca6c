"""Measures `yosoku inspect` beside DuckDB and polars on the same file and writes docs/benchmarks.md.

Each figure is that of a whole process: wall clock and peak resident memory as the system accounts for them. The
tools take turns, so that a slow minute of the machine hits all of them; medians are shown, and ratios are medians of
the ratios within a turn. Every process may use two processors.

    python3 bench/run.py PROGRAM [--rows N] [--turns N] [--file FILE --target COLUMN] [--stages PROGRAM]
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "bench"


def peers_python():
    """The interpreter of an environment with the pinned peers, made when it is not there."""
    wanted = (ROOT / "bench" / "requirements.txt").read_text()
    home = PLACE / "peers"
    stamp, python = home / "installed.txt", home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", ROOT / "bench" / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return str(python)


def made_table(rows):
    path = PLACE / f"mixed-{rows}.csv"
    if not path.exists():
        PLACE.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        subprocess.run([sys.executable, ROOT / "bench" / "generate.py", str(rows), half], check=True)
        half.rename(path)
    return path


def processors():
    return sorted(os.sched_getaffinity(0))[:2]


def measure(command):
    """Seconds of wall clock, seconds of processor, MiB at the peak."""
    cores = processors()
    environment = dict(os.environ, POLARS_MAX_THREADS="2")
    begin = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} failed with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def processor_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def stages(built, path, target):
    program = [built] if built else ["cargo", "bench", "--quiet", "--bench", "stages", "--"]
    command = [*program, str(path), target]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def report(runs, path, options, text):
    size = path.stat().st_size
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`bench/run.py`). Absolute times depend on the machine and on what else it does;",
        "the ratios come from processes that took turns.",
        "",
        f"Machine: {processor_name()}, {len(processors())} processors for every process, {platform.system()} "
        f"{platform.release()}. Date: {datetime.date.today()}.",
        f"Load average when the run began: {options.load:.1f}.",
        "Peers: " + ", ".join((ROOT / "bench" / "requirements.txt").read_text().split()) + ".",
        "",
        "## Inspecting a table",
        "",
        f"`{path.name}`: {size / 1e6:.0f} MB, from the system's cache. Median of {options.turns} turns; whole processes.",
        "DuckDB runs `SUMMARIZE` (types, extremes, mean, deviation, quartiles, distinct counts); polars one streaming",
        "query for the same figures, its quartiles exact. `yosoku inspect` decides types with reasons, and gives exact",
        "moments, seven quantiles, a histogram, distinct counts, frequent values and words, and a sample of rows.",
        "",
        "| | wall s | min to max | MB/s | processor s | peak MiB | times as long as yosoku | times its memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ours = runs["yosoku inspect"]
    for name, figures in runs.items():
        walls, cpus, peaks = zip(*figures)
        wall = statistics.median(walls)
        slower = statistics.median(a[0] / b[0] for a, b in zip(figures, ours))
        larger = statistics.median(a[2] / b[2] for a, b in zip(figures, ours))
        lines.append(
            f"| {name} | {wall:.2f} | {min(walls):.2f} to {max(walls):.2f} | {size / 1e6 / wall:.0f} | "
            f"{statistics.median(cpus):.2f} | {statistics.median(peaks):.0f} | {slower:.2f} | {larger:.2f} |"
        )
    lines += ["", "## Stage by stage", "", "`cargo bench --bench stages -- FILE TARGET`:", "", "```", text, "```", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--target", default="returned")
    parser.add_argument("--stages", help="benches/stages.rs, built already; else cargo builds it")
    options = parser.parse_args()
    options.load = os.getloadavg()[0]
    python, path = peers_python(), options.file or made_table(options.rows)
    commands = {
        "yosoku inspect": [options.program, "inspect", str(path)],
        "DuckDB SUMMARIZE": [python, str(ROOT / "bench" / "peers.py"), "duckdb", str(path)],
        "polars": [python, str(ROOT / "bench" / "peers.py"), "polars", str(path)],
    }
    runs = {name: [] for name in commands}
    for turn in range(options.turns + 1):
        for name, command in commands.items():
            figures = measure(command)
            # The first turn brings the file and the programs into memory.
            if turn > 0:
                runs[name].append(figures)
            print(f"turn {turn}: {name}: {figures[0]:.2f} s, {figures[2]:.0f} MiB", flush=True)
    text = report(runs, path, options, stages(options.stages, path, options.target))
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "benchmarks.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
