"""Clients that mean ill or die: no panic, and no slow-down for others.

Every rule ends with an ordinary prediction on a new connection.
"""

import contextlib
import http.client
import json
import re
import socket
import struct
import subprocess
import threading
import time

from harness import Client, equal, ok
from rules.transport import PREFACE, SETTINGS, request_text
from servers import main
from tables import IRIS_RECORD


def healthy(server):
    """The server lives and answers quickly."""
    assert server.alive(), f"the server ended with {server.process.returncode}: {''.join(server.log[-5:])}"
    client, begin = server.client(timeout=10), time.perf_counter()
    equal(client.one("iris", IRIS_RECORD)["label"], "setosa", "label")
    seconds = time.perf_counter() - begin
    assert seconds < 2, f"an ordinary request took {seconds:.1f} s"


def abort(stream):
    """Closes with a reset in place of a proper end."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def rule_clients_that_hang_up_in_the_middle(context):
    server, whole = main(context), request_text()
    for cut in range(1, len(whole), max(1, len(whole) // 60)):
        for end in (abort, socket.socket.close):
            stream = server.raw()
            stream.sendall(whole[:cut])
            end(stream)
    healthy(server)


def rule_clients_that_do_not_wait_for_the_answer(context):
    server = main(context)
    body = json.dumps({"records": [[5, 3, 1, 0.2]] * 2_000})
    for _ in range(30):
        stream = server.raw()
        stream.sendall(request_text(body))
        abort(stream)
    healthy(server)


def rule_clients_that_do_not_read_the_answer(context):
    server = main(context)
    body = json.dumps({"records": [[5, 3, 1, 0.2]] * 10_000})
    streams = []
    try:
        for _ in range(6):
            stream = server.raw()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.sendall(request_text(body))
            streams.append(stream)
        time.sleep(1)
        healthy(server)
    finally:
        for stream in streams:
            stream.close()
    healthy(server)


def rule_length_that_promises_more_than_comes(context):
    server = main(context)
    streams = [server.raw() for _ in range(20)]
    for stream in streams:
        stream.sendall(b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{")
    healthy(server)
    for stream in streams:
        stream.close()
    healthy(server)


def rule_heads_that_are_none(context):
    server = main(context)
    heads = [
        b"GARBAGE\r\n\r\n", b"\0" * 100, b"POST\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /v1/models/%00%ff/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ]
    for head in heads:
        with server.raw(timeout=3) as stream, contextlib.suppress(OSError):
            stream.sendall(head)
            stream.shutdown(socket.SHUT_WR)
            first = stream.recv(12)
            assert not first.startswith(b"HTTP/1.1 5") or first.startswith(b"HTTP/1.1 505"), f"{head[:40]!r}: {first!r}"
    healthy(server)


def rule_broken_http2_harms_nothing(context):
    server = main(context)
    cases = [
        PREFACE, PREFACE + SETTINGS + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", PREFACE + b"\0" * 100,
        PREFACE + SETTINGS + b"\0\0\x04\x08\0\0\0\0\x01\0\0\0\0", PREFACE + SETTINGS + b"\0\0\x05\x01\x04\0\0\0\x01\xff\xff\xff\xff\xff",
        PREFACE + SETTINGS * 5_000,
    ]
    for case in cases:
        with server.raw(timeout=3) as stream, contextlib.suppress(OSError):
            stream.sendall(case)
            stream.shutdown(socket.SHUT_WR)
            stream.recv(100)
    healthy(server)


def timed(server, count=150):
    """Seconds of so many ordinary requests on one connection, sorted."""
    client, times = server.client(timeout=20), []
    for _ in range(count):
        begin = time.perf_counter()
        client.one("iris", IRIS_RECORD)
        times.append(time.perf_counter() - begin)
    return sorted(times)


def rule_many_slow_clients_slow_no_one_down(context):
    """Connections that send one byte a second, half of them in the head and half in the body."""
    server, count = main(context), context.slow
    before = timed(server)
    in_head = b"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: appli"
    in_body = request_text()[:-40]
    streams, refused_streams = [], 0
    try:
        for place in range(count):
            try:
                stream = server.raw()
                stream.sendall((in_head, in_body)[place % 2])
                streams.append(stream)
            except OSError:
                refused_streams += 1
        assert refused_streams <= count // 10, f"{refused_streams} of {count} connections were refused"
        end = time.monotonic() + 6
        stop = threading.Event()

        def drip():
            while not stop.is_set():
                for stream in streams:
                    with contextlib.suppress(OSError):
                        stream.send(b"x")
                stop.wait(1)

        thread = threading.Thread(target=drip)
        thread.start()
        during = []
        try:
            while time.monotonic() < end:
                during += timed(server, 50)
                ok(server.client(timeout=5).get("/v1/models/iris"))
                time.sleep(0.2)
        finally:
            stop.set()
            thread.join()
    finally:
        for stream in streams:
            stream.close()
    during.sort()
    for share in (0.5, 0.95):
        was, now = before[int(share * len(before))], during[int(share * len(during))]
        assert now <= max(4 * was, 0.05), f"{share:.0%} of requests took {was * 1000:.2f} ms before and {now * 1000:.2f} ms beside {count} slow clients"
    healthy(server)


def rule_large_requests_slow_small_ones_down_little(context):
    """Beside clients that send 10,000 records each time, single ones are still answered soon."""
    server, stop = main(context), threading.Event()
    body = json.dumps({"records": [[5, 3, 1, 0.2]] * 10_000})

    def ask():
        client = server.client(timeout=60)
        while not stop.is_set():
            client.predict("iris", body, type="application/json")

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.3)
        times = timed(server, 60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert times[30] < 0.25, f"half of the single requests took {times[30] * 1000:.0f} ms or more"


def rule_memory_does_not_grow_with_bad_requests(context):
    server = main(context)

    def resident():
        with open(f"/proc/{server.process.pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    def round_of_bad_requests():
        client = server.client(timeout=60)
        for text in ('{"record":3}', "{", json.dumps({"record": {"note": "x" * 3_000_000}}), "[" * 100_000):
            for _ in range(10):
                client.predict("iris", text, type="application/json")

    round_of_bad_requests()
    before = resident()
    for _ in range(5):
        round_of_bad_requests()
    grown = (resident() - before) >> 20
    assert grown < 100, f"{grown} MiB more after 200 bad requests"


def rule_a_log_that_nobody_reads_any_more_stops_nothing(context):
    """Who collected standard error has died: requests are still answered, and the server still stops when told to."""
    home = context.folder / "unheard"
    process = subprocess.Popen(
        [context.program, "serve", "--home", str(home), "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        found = next(filter(None, (re.search(r"serving http://127.0.0.1:(\d+)", line) for line in process.stdout)))
        process.stdout.close()
        wrong = []
        for _ in range(5):
            client = Client(http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=5))
            for path in ("/livez", "/v1/models/nobody", "/v1/models/nobody/predict"):
                try:
                    client.send("POST" if path.endswith("predict") else "GET", path, {} if path.endswith("predict") else None)
                except OSError as error:
                    wrong.append(f"{path}: {type(error).__name__}")
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            wrong.append("SIGTERM: it goes on for 8 seconds and more")
        assert not wrong, f"{len(wrong)} of 16: {wrong[:4]} … {wrong[-1]}"
    finally:
        process.kill()
        process.wait()


def rule_nothing_panicked(context):
    """Stands last in this area: what all servers of this run have written."""
    main(context)
    for server in context.servers:
        lines = [line for line in server.log if "panicked" in line or "overflowed its stack" in line]
        assert not lines, lines[:5]
