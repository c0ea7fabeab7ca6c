"""What the rules are written with: a server process, plain HTTP connections, checks, and a runner.

Only the standard library, so that nothing between a rule and the wire has an opinion of its own.
"""

import contextlib
import csv
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import traceback
from pathlib import Path

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
JSON, CSV = "application/json", "text/csv"


class Skip(Exception):
    """The rule cannot be checked here, and why."""


# What an answer is

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def type(self):
        return self.headers.get("content-type", "")

    def json(self):
        """The document; an answer with NaN or with a key twice is no JSON to us."""
        return json.loads(self.body, parse_constant=refuse_constant, object_pairs_hook=unique)

    def __str__(self):
        return f"{self.status} {self.type}: {self.body[:600].decode('utf-8', 'replace')}"


def refuse_constant(word):
    raise AssertionError(f"the answer holds {word}, which is no JSON")


def unique(pairs):
    document = dict(pairs)
    assert len(document) == len(pairs), f"a key twice in the answer: {[key for key, _ in pairs][:20]}"
    return document


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Client:
    """One connection that is kept, opened again after an answer that closes it."""

    def __init__(self, connection, retry=True):
        self.connection, self.retry = connection, retry

    def send(self, method, path, body=None, type=None, headers=None):
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body, type = json.dumps(body), type or JSON
        if isinstance(body, str):
            body = body.encode("utf-8")
        if type:
            headers["Content-Type"] = type
        used = self.connection.sock is not None
        try:
            return self.exchange(method, path, body, headers)
        except http.client.RemoteDisconnected:
            # As every client does: a kept connection may have been closed meanwhile. `retry` tells whether that is all right.
            if not (used and self.retry):
                raise
            self.connection.close()
            return self.exchange(method, path, body, headers)

    def exchange(self, method, path, body, headers):
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # A server may refuse a body before it has come to its end, and must be heard all the same.
                self.connection.request(method, path, body=body, headers=headers)
            return self.read()
        except Exception:
            self.connection.close()
            raise

    def read(self):
        response = self.connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())

    def get(self, path, **more):
        return self.send("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.send("POST", path, body, **more)

    def predict(self, model, body, query="", **more):
        return self.post(f"/v1/models/{model}/predict{query}", body, **more)

    def one(self, model, record, query=""):
        """The prediction for one record."""
        return ok(self.predict(model, {"record": record}, query))["prediction"]

    def many(self, model, records, query=""):
        return ok(self.predict(model, {"records": records}, query))["predictions"]

    def csv(self, model, text, type=CSV, query=""):
        return ok(self.predict(model, text, query, type=type))["predictions"]

    def close(self):
        self.connection.close()


# The program

class Server:
    """`PROGRAM serve` on a home and a free port, with what it writes to standard error."""

    def __init__(self, program, home, *options):
        self.program, self.home, self.options = program, Path(home), [str(option) for option in options]
        self.process, self.log = None, []
        self.start()

    def start(self):
        command = [self.program, "serve", "--home", str(self.home), "--listen", "127.0.0.1:0", *self.options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        self.ready, self.host, self.port = threading.Event(), None, None
        for stream in (self.process.stdout, self.process.stderr):
            threading.Thread(target=self.follow, args=(stream,), daemon=True).start()
        end = time.monotonic() + 30
        while not self.ready.wait(0.05):
            if self.process.poll() is not None:
                time.sleep(0.2)
                said = "".join(line for line in self.log[-12:] if " INFO " not in line)
                raise AssertionError(f"serve {' '.join(command[2:])} ended with {self.process.returncode}: {said}")
            assert time.monotonic() < end, "no address within 30 seconds of the start"

    def follow(self, stream):
        for line in stream:
            self.log.append(line)
            found = re.search(r"serving https?://([^\s:/]+):(\d+)", line)
            if found and not self.ready.is_set():
                self.host, self.port = found[1], int(found[2])
                self.ready.set()

    def client(self, timeout=30, retry=True):
        return Client(http.client.HTTPConnection(self.host, self.port, timeout=timeout), retry)

    def raw(self, timeout=10):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def stop(self, kill=False):
        """Seconds that it took to end."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - begin

    def restart(self, *options):
        self.stop()
        self.options = [str(option) for option in options]
        self.start()

    def alive(self):
        return self.process.poll() is None

    # Short ways to what every rule needs

    def upload(self, name, text):
        answer = self.client().send("PUT", f"/v1/datasets/{name}", text, type=CSV)
        assert answer.status in (200, 201), f"upload of {name}: {answer}"

    def train(self, model, dataset, target, wait=True, **options):
        answer = self.client().post("/v1/train", {"id": model, "dataset": dataset, "target": target, **options})
        assert answer.status in (200, 202), f"training of {model}: {answer}"
        return self.wait(f"/v1/models/{model}") if wait else None

    def wait(self, path, seconds=120):
        client, end = self.client(timeout=90), time.monotonic() + seconds
        while True:
            resource = ok(client.get(f"{path}?wait=30"))
            if resource["status"] not in ("PENDING", "INPROGRESS"):
                assert resource["status"] == "COMPLETED", f"{path}: {json.dumps(resource)[:800]}"
                return resource
            assert time.monotonic() < end, f"{path} is still {resource['status']} after {seconds} s"

    def batch(self, name, model, dataset, **options):
        """The lines of a batch prediction as dictionaries of texts."""
        body = {"id": name, "model": model, "dataset": dataset, **options}
        answer = self.client().post("/v1/batch-predictions", body)
        assert answer.status in (200, 202), f"batch prediction: {answer}"
        self.wait(f"/v1/batch-predictions/{name}")
        output = self.client().get(f"/v1/batch-predictions/{name}/output")
        assert output.status == 200, f"output: {output}"
        return list(csv.DictReader(io.StringIO(output.text)))


# Checks

def ok(answer):
    assert answer.status == 200, f"expected 200, got {answer}"
    return answer.json()


def no_crash(answer):
    """Any answer but one that blames the server."""
    assert answer.status < 500, f"a server error: {answer}"
    return answer


def problem(answer, status, code=None, pointer=None, hint=False):
    """An RFC 9457 problem with a stable code; `status` and `code` may be several."""
    statuses = status if isinstance(status, (tuple, range)) else (status,)
    assert answer.status in statuses, f"expected {status}, got {answer}"
    assert answer.type.startswith("application/problem+json"), f"not a problem document: {answer}"
    document = answer.json()
    for key in ("type", "title", "status", "detail", "code"):
        assert document.get(key), f"no {key} in {answer}"
    assert document["status"] == answer.status, f"status differs: {answer}"
    assert document["type"] == "urn:yosoku:error:" + document["code"], f"type and code differ: {answer}"
    if code:
        codes = code if isinstance(code, tuple) else (code,)
        assert document["code"] in codes, f"expected code {code}, got {answer}"
    if pointer is not None:
        pointers = [entry["pointer"] for entry in document.get("errors") or []]
        assert pointer in pointers, f"expected a pointer to {pointer}, got {pointers} in {answer}"
    if hint:
        assert document.get("hint"), f"no hint in {answer}"
    return document


def refused(answer):
    return problem(answer, range(400, 500))


def same(left, right, what="value"):
    """Two numbers are equal to the last bit."""
    bits = [struct.pack("<d", float(number)) for number in (left, right)]
    assert bits[0] == bits[1], f"{what}: {left!r} and {right!r} differ"


def close(left, right, what="value", relative=1e-9, absolute=1e-12):
    assert abs(left - right) <= max(relative * max(abs(left), abs(right)), absolute), f"{what}: {left!r} is not {right!r}"


def equal(left, right, what="value"):
    assert left == right, f"{what}: {left!r} is not {right!r}"


def codes(prediction, field):
    return {warning["code"] for warning in prediction["warnings"] if warning["field"] == field}


def warned(prediction, field, code):
    assert code in codes(prediction, field), f"no warning {code} of {field} in {prediction['warnings']}"


def outcome(prediction):
    """What a prediction says, without the remarks."""
    return {key: prediction.get(key) for key in ("label", "score", "value", "probabilities", "threshold")}


def same_outcome(left, right, what="prediction"):
    left, right = outcome(left), outcome(right)
    equal(left["label"], right["label"], f"{what}: label")
    for key in ("score", "value"):
        assert (left[key] is None) == (right[key] is None), f"{what}: {key} is in one alone"
        if left[key] is not None:
            same(left[key], right[key], f"{what}: {key}")
    equal(left["probabilities"], right["probabilities"], f"{what}: probabilities")


# Running

class Context:
    """The servers that rules share, each started when it is first asked for, and the options of the run."""

    def __init__(self, program, slow=200):
        self.program, self.slow = str(Path(program).resolve()), slow
        self.folder = Path(tempfile.mkdtemp(prefix="clients-"))
        self.made, self.servers = {}, []

    def once(self, name, make):
        """What `make` gives, made once; its failure is that of all who ask."""
        if name not in self.made:
            try:
                self.made[name] = (make(), None)
            except BaseException as error:
                self.made[name] = (None, error)
        value, error = self.made[name]
        if error is not None:
            if isinstance(error, (KeyboardInterrupt, Skip)):
                raise error
            raise AssertionError(f"{name} could not be had: {error}")
        return value

    def server(self, home, *options):
        server = Server(self.program, self.folder / home, *options)
        self.servers.append(server)
        return server

    @contextlib.contextmanager
    def short_server(self, home, *options):
        """A server that one rule has to itself."""
        server = self.server(home, *options)
        try:
            yield server
        finally:
            server.stop()

    def end(self, keep=False):
        for server in self.servers:
            server.stop()
        if keep:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def rules_of(module):
    """The rules of a module in the order in which they are written."""
    area = module.__name__.rsplit(".", 1)[-1].replace("__main__", "real_clients")
    functions = [value for name, value in vars(module).items() if name.startswith("rule_") and callable(value)]
    return [(f"{area}.{function.__name__[5:]}", function) for function in functions]


def run(context, rules, only=(), verbose=False):
    """Runs the rules, prints one line for each, and returns the exit code."""
    passed, failed, skipped = 0, [], 0
    for name, function in rules:
        if only and not any(part in name for part in only):
            continue
        begin = time.monotonic()
        try:
            function(context)
        except Skip as reason:
            skipped += 1
            print(f"skip  {name}: {reason}", flush=True)
            continue
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failed.append(name)
            what = " ".join(str(error).split()) or traceback.format_exc(limit=-1)
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            print(f"FAIL  {name} ({time.monotonic() - begin:.1f} s)\n      {kind}{what[:900]}", flush=True)
            if verbose:
                traceback.print_exc()
            continue
        passed += 1
        print(f"pass  {name} ({time.monotonic() - begin:.1f} s)", flush=True)
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


def raise_file_limit(files):
    """As many open files as the machine allows, for this process and the servers it starts."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def default_program():
    return os.environ.get("YOSOKU", str(Path(__file__).resolve().parents[2] / "target" / "release" / "yosoku"))
