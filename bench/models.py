"""Measures many models on one server: its memory when it idles with ten of them, and a thousand that are asked in turn.

Ten models have learned from the same rows of `clicks` with different penalties, a thousand from a table of 30 rows. The
server that is measured did not train them: it begins with their files alone.

    python3 bench/models.py PROGRAM [--large N] [--small N] [--rows N] [--seconds N] [--turns N] [--keep]

Needs wrk, two processors, and Python with the packages of bench/requirements.txt. Writes its section of docs/benchmarks.md
unless other numbers of models or rows are given.
"""

import argparse
import contextlib
import csv
import fcntl
import json
import random
import shutil
import statistics
import time
from itertools import islice
from pathlib import Path

from document import ROOT, circumstances, table, write_section
from driving import drive, write_script
from measure import PROCESSORS
from servers import Running, own, trained, upload
from serving import CLICKS, first_rows
from training import PLACE as TRAINING
from training import data_of, discard

PLACE = ROOT / "target" / "bench" / "models"
LARGE, SMALL, ROWS = 10, 1000, 100_000
CONNECTIONS = 64
# Seconds after which a server that has answered counts as idle.
REST = 3


def large_table(options):
    """The first rows of clicks."""
    train, test, _ = data_of("clicks", options.data)
    path = PLACE / "large.csv"
    with open(train, "rb") as file, open(path, "wb") as out:
        out.writelines(islice(file, options.rows + 1))
    return path, {"record": first_rows(test, PLACE / "rows.csv")[0]}


def small_table():
    path, draw = PLACE / "small.csv", random.Random(1)
    with open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["age", "plan", "stays"])
        for number in range(30):
            writer.writerow([draw.randint(18, 80), draw.choice(["free", "plus", "team"]), number % 2])
    return path, {"record": {"age": 40, "plan": "plus"}}


def train(running, kind, path, target, count):
    """Trains models that differ in their penalty from one data source; their names, and seconds and bytes of each."""
    begin, names = time.perf_counter(), [f"{kind}-{number}" for number in range(count)]
    upload(running, path.name, path)
    asked = {"id": kind, "dataset": path.name, "target": target, "holdout": 0, "parameters": {"l2": 1e-3}}
    running.ask("POST", "/v1/train", json.dumps(asked))
    trained(running, kind)
    with contextlib.closing(running.connection()) as connection:
        for number, name in enumerate(names):
            parameters = {"l2": 1e-5 * (1 + number / 100)}
            body = json.dumps({"id": name, "datasource": f"{kind}-train", "parameters": parameters})
            running.ask("POST", "/v1/models", body, connection=connection)
    sizes = [trained(running, name)["size_bytes"] for name in names]
    seconds = time.perf_counter() - begin
    print(f"{count} {kind} models in {seconds:.0f} s", flush=True)
    return {"names": names, "seconds": seconds / count, "bytes": statistics.mean(sizes)}


def ready(options):
    """Homes with models in them, made when they are not there, what they are, and what each kind is asked."""
    file, made = PLACE / "trained.json", {}
    tables = {"large": (*large_table(options), CLICKS.target), "small": (*small_table(), "stays")}
    if file.exists():
        made = json.loads(file.read_text())
    for kind, (path, _, target) in tables.items():
        if kind not in made:
            home = PLACE / kind
            discard(home)
            with Running(own("yosoku", options.program, home, kind), PLACE, PROCESSORS) as running:
                made[kind] = train(running, kind, path, target, getattr(options, kind))
            file.write_text(json.dumps(made))
    return made, {kind: json.dumps(record) for kind, (_, record, _) in tables.items()}


def path_of(name):
    return f"/v1/models/{name}/predict"


def ask_each(running, names, body):
    """Milliseconds that each took, and the scores."""
    times, scores = [], {}
    with contextlib.closing(running.connection()) as connection:
        for name in names:
            begin = time.perf_counter()
            answer = running.ask("POST", path_of(name), body, connection=connection, good=(200,))
            times.append((time.perf_counter() - begin) * 1e3)
            if answer["model"] != name:
                raise SystemExit(f"asked {name}, and {answer['model']} answered")
            scores[name] = answer["prediction"]["score"]
    return times, scores


def idle(options, names, body):
    """MiB before and after each was asked once."""
    with Running(own("yosoku", options.program, PLACE / "large", names[0]), PLACE) as running:
        time.sleep(REST)
        before = running.resident()
        ask_each(running, names, body)
        time.sleep(REST)
        return {"before": before, "after": running.resident()}


def many(options, names, body):
    """Each asked for the first time and again, then all and one of them over many connections."""
    names, found, script = random.Random(1).sample(names, len(names)), {}, PLACE / "requests.lua"
    with Running(own("yosoku", options.program, PLACE / "small", names[0]), PLACE) as running:
        first = None
        for what in ("each once", "each again"):
            begin = time.perf_counter()
            times, scores = ask_each(running, names, body)
            rate, last = len(names) / (time.perf_counter() - begin), statistics.quantiles(times, n=100)[-1]
            found[what] = {"rate": rate, "p50": statistics.median(times), "p99": last, "resident": running.resident()}
            if first not in (None, scores):
                raise SystemExit("a model gave another score when it was asked again")
            first = scores
        for what, chosen in (("all in turn", names), ("one of them", names[:1])):
            write_script(script, [(path_of(name), body) for name in chosen])
            drive(running, script, CONNECTIONS, 1)
            found[what] = {**drive(running, script, CONNECTIONS, options.seconds), "resident": running.resident()}
    return found


def turn(number, made, bodies, options):
    with open(options.lock, "w") if options.lock else contextlib.nullcontext() as lock:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        seen = {
            "idle": idle(options, made["large"]["names"], bodies["large"]),
            **many(options, made["small"]["names"], bodies["small"]),
        }
    print(f"turn {number + 1}: {seen}", flush=True)
    return seen


def median(turns, what, figure):
    return statistics.median(seen[what][figure] for seen in turns)


def report(made, turns, options):
    large, small = made["large"], made["small"]
    count, taken = len(small["names"]), small["seconds"] * 1e3
    before, after = median(turns, "idle", "before"), median(turns, "idle", "after")
    rows = []
    for what in (name for name in turns[0] if name != "idle"):
        rate, p50, p99, size = (median(turns, what, figure) for figure in ("rate", "p50", "p99", "resident"))
        connections = CONNECTIONS if "requests" in turns[0][what] else 1
        rows.append([what, connections, f"{rate:,.0f}", f"{p50:.3f}", f"{p99:.3f}", f"{size:.0f}"])
    header = ["requests", "connections", "requests/s", "p50 ms", "p99 ms", "MiB after it"]
    return f"""## Many models

A server that has just begun holds {before:.0f} MiB, and {after:.0f} MiB when it idles after each of {len(large["names"])} models was
asked once; under 50 MB are wanted, and it has {after * 2**20 / 1e6:.0f}. The models have learned from {options.rows:,} rows of `clicks`,
and their files have {large["bytes"] / 1e6:.1f} MB on average. Medians of {options.turns} turns.

A server with {count:,} models, each learned from 30 rows over the interface in {taken:.0f} ms, asked in an order drawn by
chance; one processor for it and one for those who ask (over one connection Python, which takes its time too). Every
answer had status 200, those to Python came from the model that was asked, and the second score was the first.

{table(header, rows)}

{options.circumstances}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--large", type=int, default=LARGE, metavar="N", help="models of clicks")
    parser.add_argument("--small", type=int, default=SMALL, metavar="N", help="models of the table of 30 rows")
    parser.add_argument("--rows", type=int, default=ROWS, help="of clicks")
    parser.add_argument("--seconds", type=int, default=8, help="of asking over many connections")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--data", type=Path, default=TRAINING / "data", help="where clicks is, or is to be made")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    parser.add_argument("--keep", action="store_true", help="use the models of the last run")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    options.circumstances = circumstances(options.program)
    if not options.keep:
        discard(PLACE)
    PLACE.mkdir(parents=True, exist_ok=True)
    made, bodies = ready(options)
    turns = [turn(number, made, bodies, options) for number in range(options.turns)]
    text = report(made, turns, options)
    print(text)
    if (options.large, options.small, options.rows) == (LARGE, SMALL, ROWS):
        write_section("models", text)


if __name__ == "__main__":
    main()
