"""Measures predictions of one record over HTTP beside a handler that only parses and beside FastAPI, for docs/benchmarks.md.

Each server has one processor to itself and wrk asks from the other, over 1, 16 and 64 connections; all get the same bodies,
rows of `clicks` with 20 fields. The servers take turns, each anew in every turn; medians are shown, and ratios are medians of
the ratios within a turn. Before anything is measured, every answer is compared with what the model says of the same rows as a
file.

    python3 bench/serving.py PROGRAM [--only NAME,...] [--seconds N] [--turns N] [--minimal PROGRAM] [--keep]

Needs wrk, two processors, and Python with the packages of bench/requirements.txt (bench/environment.py makes one).
"""

import argparse
import contextlib
import csv
import fcntl
import json
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

from document import ROOT, circumstances, write_section
from driving import drive, write_script
from measure import PROCESSORS
from servers import Running, Server, own, trained, upload
from serving_report import CONNECTIONS, EXPLAINED, MINIMAL, OBVIOUS, PLAIN, UNROLLED, report
from tools import HERE, Peer, run
from training import PLACE as TRAINING
from training import data_of, discard
from workloads.columns import WORKLOADS

PLACE = ROOT / "target" / "bench" / "serving"
CLICKS = WORKLOADS["clicks"]
RECORDS = 256
PACKAGES = ("fastapi", "uvicorn", "pydantic", "orjson", "scikit-learn", "pandas")
# Digits of the files that scores are compared with differ between the tools.
ALIKE = 1e-7


def first_rows(data, path):
    """The rows that are asked for, as a file and as records: numbers as numbers, all else as text, what is missing null."""
    with open(data, newline="") as file, open(path, "w", newline="") as out:
        reader = csv.DictReader(file)
        writer = csv.DictWriter(out, reader.fieldnames, lineterminator="\n")
        rows = list(islice(reader, RECORDS))
        writer.writeheader()
        writer.writerows(rows)
    return [{name: read(name, row[name]) for name in CLICKS.inputs} for row in rows]


def read(name, text):
    if text == "":
        return None
    if name in CLICKS.numbers:
        return float(text) if "." in text else int(text)
    return text


def model_of(program, train):
    """Trains in a home of its own, over HTTP; the server that did it is not the one that is measured."""
    home = PLACE / "home"
    if not (PLACE / "trained.json").exists():
        discard(home)
        with Running(own("yosoku", program, home, "clicks"), PLACE, PROCESSORS) as running:
            upload(running, "clicks.csv", train)
            asked = {"id": "clicks", "dataset": "clicks.csv", "target": CLICKS.target, "holdout": 0}
            running.ask("POST", "/v1/train", json.dumps(asked))
            model = trained(running, "clicks")
            (PLACE / "clicks.yosoku").write_bytes(running.ask("GET", "/v1/models/clicks/bundle"))
            (PLACE / "trained.json").write_text(json.dumps(model))
    return home


def own_scores(program, rows):
    """What the program says of the same rows as a file."""
    out = PLACE / "own.csv"
    run([program, "predict", PLACE / "clicks.yosoku", rows, "--out", out])
    with open(out, newline="") as file:
        return [float(row["score"]) for row in csv.DictReader(file)]


def pipeline_scores(train, rows):
    """Fits scikit-learn's pipeline, if that has not been done, and lets it score the same rows as a file."""
    peer, model, out = Peer("", file="scikit_learn"), PLACE / "pipeline", PLACE / "pipeline.csv"
    if not (model / "pipeline.joblib").exists():
        run(peer.train("clicks", train, model))
    run(peer.command("predict", "clicks", rows, model, out))
    return [float(line) for line in out.read_text().split()[1:]]


def minimal_handler(built):
    if built:
        return built
    command = ["cargo", "build", "--release", "--locked", "--example", "minimal_handler", "--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    made = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    return next(path for path in reversed(made) if path)


def packages():
    """Versions of what the applications of FastAPI need, or what is missing."""
    try:
        return {"version": ", ".join(f"{name} {version(name)}" for name in PACKAGES)}
    except PackageNotFoundError as error:
        return {"missing": f"the Python package {error.name} is not installed"}


def application(name, file):
    options = ["--log-level", "warning", "--no-access-log"] if file == "unrolled" else []
    command = [sys.executable, "-m", "uvicorn", f"serving_peers.{file}:app", "--port", "{port}", *options]
    places = {"PYTHONPATH": str(HERE), "MODEL": str(PLACE / "pipeline" / "pipeline.joblib")}
    return Server(name, command, environment=places)


def servers(options, home, found):
    some = [
        own(PLAIN, options.program, home, "clicks"),
        own(EXPLAINED, options.program, home, "clicks", "?explain=true"),
        Server(MINIMAL, [minimal_handler(options.minimal), "{address}"]),
    ]
    if "version" in found:
        some += [application(OBVIOUS, "obvious"), application(UNROLLED, "unrolled")]
    return some


def wanted(name, only):
    return not only or name.lower().startswith(tuple(only.lower().split(",")))


def check(server, bodies, scores):
    """Every record is answered, and with the score that the same model gives the same row of a file."""
    with Running(server, PLACE) as running, contextlib.closing(running.connection()) as connection:
        for number, (body, score) in enumerate(zip(bodies, scores)):
            answer = running.ask("POST", server.path, body, connection=connection, good=(200,))
            given = answer.get("prediction", answer)["score"]
            if server.name != MINIMAL and not abs(given - score) <= ALIKE:
                raise SystemExit(f"{server.name}: record {number} has score {given}, as a file {score}")
            if server.name == EXPLAINED and "explanation" not in answer["prediction"]:
                raise SystemExit(f"{server.name}: record {number} has no explanation")
    print(f"{server.name}: {len(bodies)} answers are right", flush=True)


def measured(server, bodies, options):
    """One turn of a server."""
    script, levels = PLACE / "requests.lua", {}
    write_script(script, [(server.path, body) for body in bodies])
    with open(options.lock, "w") if options.lock else contextlib.nullcontext() as lock:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        with Running(server, PLACE) as running:
            drive(running, script, 4, 1)  # brings everything into memory
            for connections in CONNECTIONS:
                levels[str(connections)] = seen = drive(running, script, connections, options.seconds)
                print(
                    f"{server.name}, {connections} connections: {seen['rate']:.0f} requests/s, p99 {seen['p99']:.3f} ms, "
                    f"{seen['cost']:.1f} µs of processor each, others {seen['others']:.2f}",
                    flush=True,
                )
            return {"levels": levels, "resident": running.resident()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", metavar="NAMES", help="beginnings of names, with commas; the document stays as it is")
    parser.add_argument("--seconds", type=int, default=8, help="for each number of connections")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--minimal", metavar="PROGRAM", help="examples/minimal_handler.rs, built already; else cargo builds it"
    )
    parser.add_argument("--data", type=Path, default=TRAINING / "data", help="where clicks is, or is to be made")
    parser.add_argument("--lock", type=Path, help="a file to hold locked while something is measured")
    parser.add_argument(
        "--keep", action="store_true", help="go on with the models and turns of a run that was cut short"
    )
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    if len(PROCESSORS) < 2:
        raise SystemExit("two processors are needed: one for the server, one for wrk")
    options.circumstances = circumstances(options.program)
    if not options.keep:
        discard(PLACE)
    PLACE.mkdir(parents=True, exist_ok=True)
    file, found = PLACE / "results.json", packages()
    train, test, truth = data_of("clicks", options.data)
    records, rows = first_rows(test, PLACE / "rows.csv"), PLACE / "rows.csv"
    bodies = [json.dumps({"record": record}) for record in records]
    home = model_of(options.program, train)
    some = [server for server in servers(options, home, found) if wanted(server.name, options.only)]
    mine = own_scores(options.program, rows)
    theirs = pipeline_scores(train, rows) if any(server.path == "/predict" for server in some) else mine
    for server in some:
        check(server, bodies, mine if server.route else theirs)
    results = json.loads(file.read_text()) if file.exists() else {}
    for turn in range(options.turns):
        for server in some:
            if len(results.setdefault(server.name, [])) <= turn:
                results[server.name].append(measured(server, bodies, options))
                file.write_text(json.dumps(results, indent=1))
    text = report(results, bodies, found, truth, options)
    print(text)
    if not options.only:
        write_section("serving", text)


if __name__ == "__main__":
    main()
