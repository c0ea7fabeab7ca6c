"""Servers that are measured: each a process of its own on one processor, and how it is asked over HTTP."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from measure import PROCESSORS, TICK, resident

# The one who asks has the first processor, the server the other.
CLIENT, SERVER = PROCESSORS[0], PROCESSORS[-1]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PATIENCE = 120
LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Server:
    """`command` has `{address}` or `{port}` where it is told what to listen on; `path` takes predictions. With a `route` it
    tells on /metrics how long its answers took."""

    name: str
    command: list
    path: str = "/predict"
    route: str = ""
    environment: dict = field(default_factory=dict)


def pinned(processors):
    return lambda: os.sched_setaffinity(0, processors)


def free_port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


class Running:
    """A server that is up, on one processor unless told otherwise; what it logs goes to a file that is removed with it."""

    def __init__(self, server, folder, processors=(SERVER,)):
        self.server, self.port, self.log = server, free_port(), Path(folder) / "server.log"
        places = {"address": f"127.0.0.1:{self.port}", "port": self.port}
        with open(self.log, "wb") as log, open(os.devnull) as nothing:
            self.process = subprocess.Popen(
                [str(part).format(**places) for part in server.command],
                stdin=nothing,
                stdout=log,
                stderr=log,
                env={**os.environ, **ONE_THREAD, **server.environment},
                preexec_fn=pinned(processors),
            )

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            time.sleep(0.05)
        said = self.log.read_text(errors="replace")[-500:]
        self.__exit__()
        raise SystemExit(f"{self.server.name} does not answer: {said}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.unlink(missing_ok=True)

    def processor(self):
        """Seconds of processor that it has taken."""
        fields = Path("/proc", str(self.process.pid), "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self):
        """MiB that it holds now."""
        return resident(self.process.pid) / 2**20

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, kind="application/json", connection=None, good=range(200, 300)):
        """Its answer, read where it is JSON; any status that is not `good` ends the program."""
        over = connection or self.connection()
        over.request(method, path, body, {"Content-Type": kind} if body is not None else {})
        answer = over.getresponse()
        text = answer.read()
        if connection is None:
            over.close()
        if answer.status not in good:
            said = text[:300].decode(errors="replace")
            raise SystemExit(f"{self.server.name}: {method} {path}: {answer.status} {said}")
        return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text

    def counted(self, metric, label):
        """Of its predictions so far, how many /metrics counts for each value of a label; nothing where it does not tell."""
        found, route = {}, self.server.route
        for line in self.ask("GET", "/metrics").decode().splitlines() if route else ():
            name, _, rest = line.partition("{")
            labels = dict(LABEL.findall(rest))
            if name.endswith(metric) and (labels.get("route"), labels.get("method")) == (route, "POST"):
                found[labels[label]] = int(rest.rpartition(" ")[2])
        return found

    def histogram(self):
        """How many of its predictions took up to how many seconds, by its own clock."""
        return {float(bound): count for bound, count in self.counted("_request_duration_seconds_bucket", "le").items()}

    def codes(self):
        """How many of its predictions had which status."""
        return self.counted("_requests_total", "code")


def within(before, after, share=0.99):
    """The smallest of the bounds, in µs, within which that share of the requests between two histograms was answered."""
    counts = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    total = counts.get(float("inf"), 0)
    bounds = [bound for bound, count in sorted(counts.items()) if total and count >= share * total]
    return bounds[0] * 1e6 if bounds else None


def own(name, program, home, model, query=""):
    """The program itself, which answers for one of the models of its home."""
    command = [program, "serve", "--home", home, "--listen", "{address}"]
    return Server(name, command, f"/v1/models/{model}/predict{query}", "/v1/models/{id}/predict")


def upload(running, name, path):
    running.ask("PUT", f"/v1/datasets/{name}", Path(path).read_bytes(), "text/csv")


def trained(running, name):
    """Waits for a model, and says what it is."""
    while (model := running.ask("GET", f"/v1/models/{name}"))["status"] in ("PENDING", "INPROGRESS"):
        time.sleep(0.2)
    if model["status"] != "COMPLETED":
        raise SystemExit(f"the model {name} is {model['status']}: {model.get('error')}")
    return model
