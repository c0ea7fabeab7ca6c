"""Keep-alive, HTTP/2 without TLS, the Unix socket, and who may ask."""

import http.client
import json
import shutil
import socket
import stat
import subprocess
import time

from harness import Client, Skip, UnixConnection, equal, ok, same_outcome
from servers import keyed, main, socketed
from tables import IRIS_RECORD, iris_table, learn_iris

BODY = json.dumps({"record": IRIS_RECORD})


def rule_a_connection_is_kept_for_many_requests(context):
    client = main(context).client()
    client.one("iris", IRIS_RECORD)
    kept = client.connection.sock
    for _ in range(100):
        client.one("iris", IRIS_RECORD)
        assert client.connection.sock is kept, "the server closed the connection"


def rule_a_connection_is_kept_after_a_problem(context):
    client = main(context).client()
    client.one("iris", IRIS_RECORD)
    kept = client.connection.sock
    for text in ("{", '{"record":3}', '{"record":{"a":[]}}'):
        equal(client.predict("iris", text, type="application/json").status, 400, "status")
        client.one("iris", IRIS_RECORD)
        assert client.connection.sock is kept, f"the server closed the connection after {text!r}"


def rule_a_connection_that_ends_after_a_refusal_says_so(context):
    """The next request must not find it closed without `Connection: close` in the answer before."""
    server, foreign = main(context), {"Origin": "http://elsewhere.example"}
    refusals = [
        ("/v1/models/nobody/predict", {}), ("/v1/no-such-address", {}), ("/v1/models/iris/predict", foreign),
        ("/v1/models/iris/predict", {"Content-Type": "text/plain"}), ("/v2/models/nobody/infer", {}),
        ("/v1/models/nobody/invocations", {}), ("/invocations", {}),
    ]
    for path, headers in refusals:
        client = server.client(retry=False)
        try:
            for _ in range(5):
                answer = client.post(path, BODY.encode(), headers={"Content-Type": "application/json", **headers})
                assert 400 <= answer.status < 500, f"{path}: {answer}"
                client.get("/livez")
        except http.client.RemoteDisconnected:
            raise AssertionError(f"closed without a word after {path} with {headers}: {answer}") from None


def rule_expect_continue_is_answered(context):
    head = f"POST /v1/models/iris/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
    with main(context).raw(timeout=5) as stream:
        stream.sendall((head + "Expect: 100-continue\r\n\r\n").encode())
        equal(stream.recv(12), b"HTTP/1.1 100", "the first answer")
        while not stream.recv(1000).endswith(b"\r\n"):
            pass
        stream.sendall(BODY.encode())
        read_answers(stream, 1)


def request_text(body=BODY, model="iris", more=""):
    head = f"POST /v1/models/{model}/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return (head + f"Content-Length: {len(body)}\r\n{more}\r\n{body}").encode()


def read_answers(stream, count):
    """The bodies of so many answers of one connection."""
    bodies, reader = [], stream.makefile("rb")
    for _ in range(count):
        line, length = reader.readline(), None
        assert line.startswith(b"HTTP/1.1 200"), line
        while (line := reader.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length is not None, "no content-length"
        bodies.append(json.loads(reader.read(length)))
    return bodies, reader


def rule_requests_sent_ahead_are_answered_in_order(context):
    with main(context).raw() as stream:
        records = [dict(IRIS_RECORD, petal_width_cm=width) for width in (0.2, 1.4, 2.3)]
        stream.sendall(b"".join(request_text(json.dumps({"record": record})) for record in records))
        bodies, _ = read_answers(stream, 3)
    client = main(context).client()
    for record, body in zip(records, bodies, strict=True):
        same_outcome(body["prediction"], client.one("iris", record))


def rule_close_closes(context):
    with main(context).raw() as stream:
        stream.sendall(request_text(more="Connection: close\r\n"))
        _, reader = read_answers(stream, 1)
        equal(reader.read(), b"", "what follows")


def rule_a_request_in_single_bytes_is_understood(context):
    with main(context).raw() as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_text():
            stream.sendall(bytes([byte]))
        bodies, _ = read_answers(stream, 1)
    equal(bodies[0]["prediction"]["label"], "setosa", "label")


def rule_small_answers_do_not_wait_for_more(context):
    """No delay of 40 ms between small packets."""
    client = main(context).client()
    client.one("iris", IRIS_RECORD)
    times = []
    for _ in range(40):
        begin = time.perf_counter()
        client.one("iris", IRIS_RECORD)
        times.append(time.perf_counter() - begin)
    assert sorted(times)[20] < 0.02, f"the median of 40 requests took {sorted(times)[20] * 1000:.1f} ms"


# HTTP/2 with prior knowledge

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"


def rule_http2_preface_is_answered_with_settings(context):
    with main(context).raw() as stream:
        stream.sendall(PREFACE + SETTINGS)
        head = stream.recv(9)
    assert len(head) == 9 and head[3] == 4, f"no SETTINGS frame but {head!r}"


def curl(server, *arguments, path="/v1/models/iris/predict"):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    done = subprocess.run(
        ["curl", "-sS", "-m", "20", "-w", "\n%{http_version} %{http_code} %{num_connects}\n", *arguments,
         f"http://{server.host}:{server.port}{path}"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr}"
    body, _, rest = done.stdout.rstrip("\n").rpartition("\n")
    return body, rest.split()


def rule_http2_predicts(context):
    server = main(context)
    body, (version, status, _) = curl(server, "--http2-prior-knowledge", "--json", BODY)
    equal((version, status), ("2", "200"), "version and status")
    same_outcome(json.loads(body)["prediction"], server.client().one("iris", IRIS_RECORD))


def rule_http2_gives_problems(context):
    _, (version, status, _) = curl(main(context), "--http2-prior-knowledge", "--json", '{"record":3}')
    equal((version, status), ("2", "400"), "version and status")


def rule_http2_and_http1_share_the_port(context):
    server = main(context)
    _, (version, status, _) = curl(server, "--http1.1", "--json", BODY)
    equal((version, status), ("1.1", "200"), "version and status")


# The Unix socket

def rule_socket_predicts(context):
    server, path = socketed(context)
    client = Client(UnixConnection(path))
    same_outcome(client.one("iris", IRIS_RECORD), server.client().one("iris", IRIS_RECORD))
    kept = client.connection.sock
    for _ in range(20):
        client.one("iris", IRIS_RECORD)
    assert client.connection.sock is kept, "the connection is not kept"


def rule_socket_serves_the_whole_interface(context):
    client = Client(UnixConnection(socketed(context)[1]))
    for path in ("/livez", "/readyz", "/metrics", "/v1/models/iris", "/v1/models/iris/ping", "/v2/health/live"):
        equal(client.get(path).status, 200, path)


def rule_socket_is_not_open_to_everyone(context):
    """Whoever may connect may drive a server without keys, so other users may not, or not before the folder lets them."""
    mode = stat.S_IMODE(os.stat(socketed(context)[1]).st_mode)
    assert not mode & 0o002, f"mode {mode:o}"


def rule_socket_left_by_a_killed_server_is_taken_over(context):
    path = context.folder / "left.sock"
    with context.short_server("left", "--socket", path) as server:
        server.upload("iris.csv", iris_table())
        learn_iris(server)
        server.stop(kill=True)
        server.restart("--socket", path)
        Client(UnixConnection(path)).one("iris", IRIS_RECORD)
        server.stop()
        assert not path.exists(), "the socket is still there after the end"


def rule_a_file_at_the_place_of_the_socket_is_kept(context):
    path = context.folder / "precious.txt"
    path.write_text("precious")
    try:
        with context.short_server("kept", "--socket", path):
            raise LookupError
    except LookupError:
        raise AssertionError("the server started in spite of a file at the path of its socket") from None
    except AssertionError as error:
        assert "precious" in str(error).split("ended with", 1)[-1], f"the message does not name the path: {error}"
    equal(path.read_text(), "precious", "the file")


# Who may ask

def rule_pages_of_other_origins_cannot_drive_any_protocol(context):
    client = main(context).client()
    foreign = {"Origin": "http://elsewhere.example"}
    for path in ("/v1/models/iris/predict", "/v1/models/iris/invocations", "/v2/models/iris/infer"):
        answer = client.post(path, "{}", type="application/json", headers=foreign)
        equal(answer.status, 403, f"{path}: {answer}")


def rule_keys_guard_every_protocol(context):
    server, token = keyed(context)
    client = server.client()
    key = {"Authorization": f"Bearer {token}"}
    values = [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in IRIS_RECORD.items()]
    calls = {
        "/v1/models/iris/predict": {"record": IRIS_RECORD},
        "/v1/models/iris/invocations": {"dataframe_records": [IRIS_RECORD]},
        "/invocations": {"dataframe_records": [IRIS_RECORD]},
        "/v2/models/iris/infer": {"inputs": values},
    }
    for path, body in calls.items():
        equal(client.post(path, body).status, 401, f"{path} without a key")
        equal(client.post(path, body, headers={"Authorization": "Bearer ysk_wrong"}).status, 401, f"{path} with a wrong key")
        ok(client.post(path, body, headers=key))
