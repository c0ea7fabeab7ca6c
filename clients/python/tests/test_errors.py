"""Errors say what, where and how to mend it; busy servers are asked again; interrupts stop the work."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

import yosoku
from yosoku import flows, schemas
from yosoku.progress import Bar
from yosoku.transport import Answer, Call

Script = list[tuple[int, dict[str, str], bytes]]


@pytest.fixture
def scripted() -> Iterator[Callable[[Script], tuple[str, list[str]]]]:
    """A server that answers by a script, and the requests that it got."""
    servers: list[ThreadingHTTPServer] = []

    def start(script: Script) -> tuple[str, list[str]]:
        got: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                got.append(f"{self.command} {self.path}")
                status, headers, body = script.pop(0) if len(script) > 1 else script[0]
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}", got

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_problem_prints_its_fields_and_its_hint(client: yosoku.Client) -> None:
    with pytest.raises(yosoku.YosokuError) as caught:
        client.call("POST", "/v1/train", json={"dataset": "orders.csv", "targt": "late"})
    error = caught.value
    assert (error.status, error.code) == (400, "unknown_field")
    assert error.errors[0].pointer == "/targt"
    assert "/targt" in str(error)
    assert "hint: " in str(error)


def test_notebooks_show_the_error_alone() -> None:
    error = yosoku.YosokuError("no column `x`", code="unknown_column", hint="there are `a`, `b`")
    shown = "YosokuError: no column `x` [unknown_column]\n  hint: there are `a`, `b`"
    assert error._render_traceback_() == [shown]


def test_a_failed_model_tells_of_the_data_that_made_it_fail(client: yosoku.Client, orders: Path) -> None:
    with pytest.raises(yosoku.JobFailed) as caught:
        client.train(orders, target="lateness")
    assert caught.value.code != "dependency_failed"
    assert "lateness" in str(caught.value)


def test_what_is_no_table_is_refused_before_anything_is_sent(client: yosoku.Client, tmp_path: Path) -> None:
    with pytest.raises(yosoku.YosokuError, match="no file"):
        client.train(tmp_path / "nothing.csv", target="y")
    with pytest.raises(yosoku.YosokuError, match="not list"):
        client.train([1, 2], target="y")
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(yosoku.YosokuError, match="two columns are called `a`"):
        client.train(twice, target="a")
    with pytest.raises(yosoku.YosokuError, match="`lists` holds lists"):
        client.train(pl.DataFrame({"lists": [[1], [2]]}), target="lists")


def test_no_server_is_told_with_its_address() -> None:
    with yosoku.connect("http://127.0.0.1:9") as nowhere, pytest.raises(yosoku.Unreachable) as caught:
        nowhere.models()
    assert "http://127.0.0.1:9" in str(caught.value)
    assert "YOSOKU_URL" in str(caught.value)


def test_an_answer_of_something_else_is_told_as_such(scripted: Callable[[Script], tuple[str, list[str]]]) -> None:
    url, _ = scripted([(404, {"content-type": "text/html"}, b"<h1>Not Found</h1>")])
    with yosoku.connect(url) as other, pytest.raises(yosoku.YosokuError, match="not one of Yosoku's") as caught:
        other.models()
    assert "Not Found" in str(caught.value)


def test_a_busy_server_is_asked_again_as_it_wishes(scripted: Callable[[Script], tuple[str, list[str]]]) -> None:
    busy = (429, {"retry-after": "0"}, b'{"code": "throttled", "detail": "later", "status": 429}')
    url, got = scripted([busy, busy, (200, {}, b'{"items": []}')])
    with yosoku.connect(url) as other:
        assert other.models() == []
    assert len(got) == 3
    url, got = scripted([busy])
    with yosoku.connect(url) as other, pytest.raises(yosoku.YosokuError, match="later"):
        other.models()
    assert len(got) == flows.TRIES


def test_what_may_have_been_done_is_not_repeated() -> None:
    flow = flows.send(Call("POST", "/v1/evaluations"))
    next(flow)
    with pytest.raises(yosoku.Unreachable):
        flow.throw(httpx.ReadError("lost"))
    # With an identifier in the request, repeating finds what the first one made.
    flow = flows.send(Call("POST", "/v1/train"), True)
    next(flow)
    flow.throw(httpx.ReadError("lost"))
    assert isinstance(flow.send(Answer()), Call)


def test_an_interrupt_stops_the_work_on_the_server() -> None:
    work = flows.follow(schemas.Model, "m", Bar.hidden())
    flow = flows.cancelling(work, (schemas.Model, "m"), (schemas.DataSource, "m-train"))
    next(flow)
    told = flow.throw(KeyboardInterrupt())
    assert told == Call("POST", "/v1/models/m/cancel")
    assert flow.send(Answer(202)) == Call("POST", "/v1/datasources/m-train/cancel")
    with pytest.raises(KeyboardInterrupt):
        flow.send(Answer(202))


def test_answers_that_are_not_yosokus_are_told(scripted: Callable[[Script], tuple[str, list[str]]]) -> None:
    script: Script = [(200, {}, b"<html>hello"), (301, {"location": "http://elsewhere/"}, b"")]
    url, _ = scripted(script)
    with yosoku.connect(url) as other:
        with pytest.raises(yosoku.YosokuError, match=r"is no JSON: <html>hello") as told:
            other.models()
        assert told.value.code == "unexpected_answer"
        with pytest.raises(yosoku.YosokuError, match=r"sends to http://elsewhere/"):
            other.models()


def test_what_a_file_is_to_be_is_asked_before_the_work(late: yosoku.Model, orders: Path, tmp_path: Path) -> None:
    for name in ["o.xlsx", "o.csv.zip", "o.json"]:
        with pytest.raises(yosoku.YosokuError, match="does not say how predictions are written"):
            late.batch(orders, to=tmp_path / name)
    with pytest.raises(yosoku.YosokuError, match="is a folder"):
        late.batch(orders, to=tmp_path)
    with pytest.raises(yosoku.YosokuError, match="give both"):
        late.plot_thresholds(false_positive_cost=1)


def test_a_key_is_sent(client: yosoku.Client, scripted: Callable[[Script], tuple[str, list[str]]]) -> None:
    assert httpx.get(f"{client.url}/v1/models").status_code == 200
    keyed = yosoku.connect(client.url, key="abc")
    assert keyed._transport._http.headers["authorization"] == "Bearer abc"
    keyed.close()


def test_what_is_no_schema_and_no_record_is_told_in_words(
    client: yosoku.Client, late: yosoku.Model, orders: Path
) -> None:
    seen = client.inspect(orders, target="late")
    with pytest.raises(yosoku.YosokuError, match=r"`schema` cannot be Insights") as told:
        client.train(orders, target="late", schema=seen)  # type: ignore[arg-type]
    assert "seen.without" in str(told.value)
    with pytest.raises(yosoku.YosokuError, match=r"`parameters.l2` cannot be object"):
        client.train(orders, target="late", parameters={"l2": object()})
    with pytest.raises(yosoku.YosokuError, match="`holdout` is nan, which is no finite number"):
        client.train(orders, target="late", holdout=float("nan"))
    for wrong in (3, None, "orders.csv", orders, 1.5):
        with pytest.raises(yosoku.YosokuError, match="a record, a list of records or a frame can be predicted, not"):
            late.predict(wrong)
    with pytest.raises(yosoku.YosokuError, match="a threshold is a number, or what `threshold` advises, not str"):
        late.set_threshold("high")  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers(client: yosoku.Client, orders: Path) -> None:
    twenty: float = np.int64(20)  # type: ignore[assignment]
    model = client.train(orders, target="late", holdout=twenty, split={"strategy": np.str_("stratified")})
    assert model.judged().records < 60
