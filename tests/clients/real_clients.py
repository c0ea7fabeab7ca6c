"""Tries real-time serving with clients that others wrote: MLflow's, Triton's, and the h2 library.

    python3 -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    target/clients/bin/python tests/clients/real_clients.py [PROGRAM] [--only TEXT]... [--list]
"""

import json
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import h2.config  # noqa: E402
import h2.connection  # noqa: E402
import h2.errors  # noqa: E402
import h2.events  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import tritonclient.http as triton  # noqa: E402
from mlflow.pyfunc.scoring_server.client import ScoringServerClient  # noqa: E402
from tritonclient.utils import InferenceServerException, triton_to_np_dtype  # noqa: E402

from harness import close, equal, rules_of, same  # noqa: E402
from run import main as run_main  # noqa: E402
from servers import main, rooted  # noqa: E402
from tables import IRIS_INPUTS, IRIS_RECORD, RENT_RECORD, SHOP_RECORD  # noqa: E402

OTHER = {**SHOP_RECORD, "age": 70, "city": "Bergen"}
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.9, 5.6, 1.8], [5.7, 2.8, 4.5, 1.3]]


# MLflow

def scoring(server, model=None):
    """The client takes host and port apart; a path after the port leads it to one model."""
    return ScoringServerClient(server.host, f"{server.port}/v1/models/{model}" if model else server.port)


def agree(answer, ours):
    theirs = answer["predictions"]
    equal([one["predicted_label"] for one in theirs], [one["label"] for one in ours], "labels")
    for one, other in zip(theirs, ours, strict=True):
        same(one["score"], other["score"], "score")


def fails(call, *words):
    """The call fails with a message for people."""
    try:
        result = call()
    except Exception as error:
        for word in words:
            assert word in str(error), f"{word!r} is not in {error}"
        return str(error)
    raise AssertionError(f"answered: {result}")


def rule_mlflow_client_finds_the_server_ready(context):
    for client in (scoring(rooted(context)), scoring(main(context), "shop")):
        client.wait_server_ready(timeout=5)
        assert client.get_version()[0].isdigit(), client.get_version()


def rule_mlflow_client_sends_a_frame(context):
    for server, client in ((rooted(context), scoring(rooted(context))), (main(context), scoring(main(context), "shop"))):
        agree(client.invoke(pd.DataFrame([SHOP_RECORD, OTHER])), server.client().many("shop", [SHOP_RECORD, OTHER]))


def rule_mlflow_client_sends_a_frame_with_an_index(context):
    frame = pd.DataFrame([SHOP_RECORD, OTHER], index=["x", "y"])[list(SHOP_RECORD)[::-1]]
    agree(scoring(main(context), "shop").invoke(frame), main(context).client().many("shop", [SHOP_RECORD, OTHER]))


def rule_mlflow_client_reads_predictions_as_a_frame(context):
    frame = scoring(main(context), "shop").invoke(pd.DataFrame([SHOP_RECORD, OTHER])).get_predictions()
    equal(len(frame), 2, "rows")
    assert {"predicted_label", "probabilities", "score"} <= set(frame.columns), list(frame.columns)


def rule_mlflow_client_sends_a_matrix(context):
    agree(scoring(main(context), "iris").invoke(np.array(ROWS)), main(context).client().many("iris", ROWS))


def rule_mlflow_client_sends_rows(context):
    agree(scoring(main(context), "iris").invoke(ROWS), main(context).client().many("iris", ROWS))


def rule_mlflow_client_sends_text(context):
    agree(scoring(main(context), "iris").invoke(json.dumps({"instances": ROWS})), main(context).client().many("iris", ROWS))


def rule_mlflow_client_gets_numbers(context):
    only, = scoring(main(context), "rents").invoke(pd.DataFrame([RENT_RECORD]))["predictions"]
    same(only.get("score", only.get("predicted_value")), main(context).client().one("rents", RENT_RECORD)["value"], "number")


def rule_mlflow_client_asks_for_reasons(context):
    answer = scoring(main(context), "shop").invoke(pd.DataFrame([SHOP_RECORD]), params={"explain": True})
    assert "contributions" in json.dumps(answer), answer


def rule_mlflow_client_sends_frames_with_missing_values(context):
    """A frame says None for a missing text, and NaN for a missing number: the client writes the bare word NaN."""
    frame = pd.DataFrame([SHOP_RECORD, {**SHOP_RECORD, "city": None}])
    agree(scoring(main(context), "shop").invoke(frame), main(context).client().many("shop", [SHOP_RECORD, {**SHOP_RECORD, "city": None}]))
    frame = pd.DataFrame([SHOP_RECORD, {**SHOP_RECORD, "age": None}])
    agree(scoring(main(context), "shop").invoke(frame), main(context).client().many("shop", [SHOP_RECORD, {**SHOP_RECORD, "age": None}]))


def rule_mlflow_client_tells_what_is_wrong(context):
    fails(lambda: scoring(main(context), "iris").invoke(np.array([[1.0, 2.0]])), "400", "message")
    fails(lambda: scoring(main(context), "nobody").invoke(pd.DataFrame([IRIS_RECORD])), "404")
    fails(lambda: scoring(main(context)).invoke(pd.DataFrame([IRIS_RECORD])), "404", "--model")


# Triton's client for the Open Inference Protocol

def inference(context, **more):
    server = main(context)
    return triton.InferenceServerClient(f"{server.host}:{server.port}", **more)


def tensor(name, values, datatype, binary=False):
    values = np.array(values, dtype=triton_to_np_dtype(datatype))
    found = triton.InferInput(name, list(values.shape), datatype)
    found.set_data_from_numpy(values, binary_data=binary)
    return found


def wanted(*names):
    return [triton.InferRequestedOutput(name, binary_data=False) for name in names]


def words(array):
    return [one.decode() if isinstance(one, bytes) else str(one) for one in array.flatten()]


def rule_triton_client_finds_server_and_model_ready(context):
    client = inference(context)
    assert client.is_server_live() and client.is_server_ready(), "server"
    assert client.is_model_ready("iris") and not client.is_model_ready("nobody"), "model"
    assert client.get_server_metadata()["extensions"] is not None
    names = [one["name"] for one in client.get_model_metadata("iris")["inputs"]]
    equal(names, IRIS_INPUTS, "inputs")


def rule_triton_client_sends_a_matrix(context):
    expected = main(context).client().many("iris", ROWS)
    for datatype in ("FP64", "FP32"):
        result = inference(context).infer("iris", [tensor("input", ROWS, datatype)], outputs=wanted("predicted_label", "probabilities"), request_id="r-7")
        equal(result.get_response()["id"], "r-7", "id")
        equal(words(result.as_numpy("predicted_label")), [one["label"] for one in expected], "labels")
        chances = result.as_numpy("probabilities")
        equal(chances.shape, (3, 3), "shape")
        for row in chances:
            close(float(row.sum()), 1, "sum of probabilities")


def rule_triton_client_sends_a_column_each(context):
    kinds = {int: "INT64", float: "FP64", str: "BYTES"}
    inputs = [tensor(name, [[value], [OTHER[name]]], kinds[type(value)]) for name, value in SHOP_RECORD.items()]
    result = inference(context).infer("shop", inputs, outputs=wanted("predicted_label"))
    expected = main(context).client().many("shop", [SHOP_RECORD, OTHER])
    equal(words(result.as_numpy("predicted_label")), [one["label"] for one in expected], "labels")


def rule_triton_client_that_names_no_outputs(context):
    """It then asks for binary outputs, and reads JSON all the same."""
    result = inference(context).infer("iris", [tensor("input", ROWS, "FP64")])
    equal(words(result.as_numpy("predicted_label")), [one["label"] for one in main(context).client().many("iris", ROWS)], "labels")


def rule_triton_client_gets_numbers(context):
    kinds = {int: "INT64", float: "FP64", str: "BYTES"}
    inputs = [tensor(name, [value], kinds[type(value)]) for name, value in RENT_RECORD.items()]
    value = inference(context).infer("rents", inputs, outputs=wanted("predicted_value")).as_numpy("predicted_value")
    same(float(value[0]), main(context).client().one("rents", RENT_RECORD)["value"], "number")


def rule_triton_client_asks_for_reasons(context):
    result = inference(context).infer("iris", [tensor("input", ROWS, "FP64")], outputs=wanted("contributions"), parameters={"explain": True})
    contributions = result.as_numpy("contributions")
    equal(contributions.shape, (3, 4), "shape")
    for row, one in zip(contributions, main(context).client().many("iris", ROWS, "?explain=true"), strict=True):
        for value, name in zip(row, IRIS_INPUTS, strict=True):
            same(float(value), one["explanation"]["contributions"][name], name)


def rule_triton_client_asks_many_at_once(context):
    client = inference(context, concurrency=4)
    asked = [client.async_infer("iris", [tensor("input", ROWS, "FP64")], outputs=wanted("predicted_label")) for _ in range(40)]
    for one in asked:
        equal(len(one.get_result(timeout=10).as_numpy("predicted_label")), 3, "labels")


def rule_triton_client_tells_what_is_wrong(context):
    client = inference(context)
    for model, rows in (("nobody", ROWS), ("iris", [[1.0, 2.0]])):
        try:
            client.infer(model, [tensor("input", rows, "FP64")])
        except InferenceServerException as error:
            assert error.status() and len(error.message()) > 10, f"{error!r}"
            assert "exception occurred in the client" not in error.message(), f"the client cannot read the error: {error}"
        else:
            raise AssertionError(f"{model} answered {rows}")


def rule_triton_client_with_binary_tensors(context):
    """Answered where the extension is declared, refused in words where it is not."""
    client = inference(context)
    declared = "binary_tensor_data" in client.get_server_metadata()["extensions"]
    try:
        result = client.infer("iris", [tensor("input", ROWS, "FP64", binary=True)])
    except InferenceServerException as error:
        assert not declared, f"the extension is declared, but: {error}"
        assert "binary" in str(error).lower(), f"the message does not say what is not understood: {error}"
    else:
        equal(len(result.as_numpy("predicted_label")), 3, "labels")


# HTTP/2 with prior knowledge by the h2 library

class Multiplexed:
    """One HTTP/2 connection with any number of streams."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port), timeout=10)
        self.state = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.state.initiate_connection()
        self.authority, self.answers, self.ended = f"{server.host}:{server.port}", {}, set()
        self.flush()

    def flush(self):
        self.socket.sendall(self.state.data_to_send())

    def open(self, path, body, end=True):
        stream = self.state.get_next_available_stream_id()
        headers = [(":method", "POST"), (":path", path), (":scheme", "http"), (":authority", self.authority),
                   ("content-type", "application/json"), ("content-length", str(len(body)))]
        self.state.send_headers(stream, headers)
        self.state.send_data(stream, body if end else body[: len(body) // 2], end_stream=end)
        self.answers[stream] = [None, b""]
        self.flush()
        return stream

    def reset(self, stream):
        self.state.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def wait(self, streams):
        while not set(streams) <= self.ended:
            data = self.socket.recv(65536)
            assert data, f"closed while {sorted(set(streams) - self.ended)} were open"
            for event in self.state.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.answers[event.stream_id][0] = int(dict(event.headers)[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    self.answers[event.stream_id][1] += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    self.ended.add(event.stream_id)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    raise AssertionError(f"the server ended the connection: {event}")
            self.flush()
        return [self.answers[stream] for stream in streams]


BODY = json.dumps({"record": IRIS_RECORD}).encode()
PREDICT = "/v1/models/iris/predict"


def rule_h2_many_streams_at_once(context):
    connection = Multiplexed(main(context))
    expected = main(context).client().one("iris", IRIS_RECORD)
    for _ in range(3):
        for status, body in connection.wait([connection.open(PREDICT, BODY) for _ in range(50)]):
            equal((status, json.loads(body)["prediction"]), (200, expected), "answer")


def rule_h2_stream_that_is_given_up_harms_no_other(context):
    connection = Multiplexed(main(context))
    for _ in range(10):
        half, whole = connection.open(PREDICT, BODY, end=False), connection.open(PREDICT, BODY)
        connection.reset(half)
        (status, _), = connection.wait([whole])
        equal(status, 200, "status")


def rule_h2_slow_stream_holds_up_no_other(context):
    connection = Multiplexed(main(context))
    connection.open(PREDICT, BODY, end=False)
    (status, _), = connection.wait([connection.open(PREDICT, BODY)])
    equal(status, 200, "status")


def rule_h2_problems_leave_the_connection_open(context):
    connection = Multiplexed(main(context))
    for body, wanted_status in ((b"{", 400), (BODY, 200), (b'{"record":3}', 400), (BODY, 200)):
        (status, _), = connection.wait([connection.open(PREDICT, body)])
        equal(status, wanted_status, "status")


def rule_h2_large_answers_arrive_whole(context):
    connection = Multiplexed(main(context))
    body = json.dumps({"records": [[5, 3, 1, 0.2]] * 500}).encode()
    (status, answer), = connection.wait([connection.open(PREDICT, body)])
    equal((status, len(json.loads(answer)["predictions"])), (200, 500), "answer")


if __name__ == "__main__":
    sys.exit(run_main(rules_of(sys.modules["__main__"]), __doc__))
