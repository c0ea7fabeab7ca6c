"""What the client does, step by step, without a word about sockets or `async`; see `transport`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import secrets
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from . import frames, schemas
from .errors import JobFailed, Unreachable, YosokuError, from_answer, from_problem
from .insights import Insights
from .progress import Bar
from .transport import Answer, Call, Flow, Pause, Step, Work

# Repeating these does no harm: they ask, or they make what is there already.
REPEATABLE = ("GET", "PUT", "DELETE")
TRIES = 5
# Seconds that one question for progress waits for the end of the work.
LOOK = 1
# Requests are far below the server's limits of 10,000 records, 16 MiB, and 250,000 fields explained.
MOST_RECORDS = 2_000
MOST_FIELDS = 40_000
# Bytes of an answer that are read at once.
LONG = 100_000

Document = dict[str, Any]
S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")
R = TypeVar("R", schemas.Model, schemas.Evaluation, schemas.DataSource, schemas.BatchPrediction)

PLACES: dict[type, str] = {
    schemas.Model: "models",
    schemas.Evaluation: "evaluations",
    schemas.DataSource: "datasources",
    schemas.BatchPrediction: "batch-predictions",
}
NAMES: dict[type, str] = {
    schemas.Model: "model",
    schemas.Evaluation: "evaluation",
    schemas.DataSource: "data source",
    schemas.BatchPrediction: "batch prediction",
}


def send(call: Call, repeatable: bool | None = None) -> Flow[Answer]:
    """The answer to a request; asked again where the server is busy, or cannot be reached and repeating is safe."""
    may_repeat = call.method in REPEATABLE if repeatable is None else repeatable
    for attempt in range(1, TRIES + 1):
        last = attempt == TRIES
        try:
            answer = yield call
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            if last or not may_repeat or isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol):
                raise unreachable(error) from error
            yield Pause(0.2 * attempt)
            continue
        if answer.status < 300:
            return answer
        if answer.status < 400:
            elsewhere = answer.headers.get("location", "another address")
            raise strange(f"the server sends to {elsewhere}", "give that address to `connect`, if it is the server's")
        busy = answer.status == 429 or (answer.status == 503 and may_repeat)
        if last or not busy:
            raise from_answer(answer.status, answer.body)
        yield Pause(waiting(answer, attempt))
    raise AssertionError("the last attempt returns or raises")


def waiting(answer: Answer, attempt: int) -> float:
    """Seconds until the next attempt: what the server asks for, else a little longer each time."""
    try:
        return min(max(float(answer.headers.get("retry-after", "")), 0.0), 30.0)
    except ValueError:
        return 0.2 * 2.0**attempt


def away(function: Callable[[], T]) -> Flow[T]:
    """What a function computes; an event loop goes on meanwhile."""
    work = Work(function)
    yield work
    return work.result[0]


WHO = "is this the address of a Yosoku server, and is nothing between?"


def strange(message: str, hint: str) -> YosokuError:
    """An answer that a Yosoku server does not give."""
    return YosokuError(message, code="unexpected_answer", hint=hint)


def unreachable(error: Exception) -> Unreachable:
    """No answer, in words."""
    request = getattr(error, "_request", None)
    where = f" from {request.url.scheme}://{request.url.netloc.decode()}" if request is not None else ""
    return Unreachable(
        f"no answer{where}: {error or type(error).__name__}",
        code="unreachable",
        hint="is the server running (`yosoku serve`), and is `YOSOKU_URL` its address?",
    )


def document(call: Call, repeatable: bool | None = None) -> Flow[Any]:
    """The JSON document that a request is answered with."""
    answer = yield from send(call, repeatable)
    try:
        # Long documents take long to read.
        read = partial(json.loads, answer.body or "{}")
        return (yield from away(read)) if len(answer.body) > LONG else read()
    except ValueError as error:
        begin = answer.body[:60].decode(errors="replace")
        raise strange(f"the answer to {call.method} {call.path} is no JSON: {begin}", WHO) from error


def plain_json(value: Any, place: str) -> Any:
    """What was said beside the data as JSON has it, numpy's numbers and arrays too; `place` tells where it is wrong."""
    if isinstance(value, float) and not math.isfinite(value):
        raise YosokuError(f"`{place}` is {value}, which is no finite number", code="invalid_value")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain_json(one, f"{place}.{name}") for name, one in value.items()}
    if hasattr(value, "tolist"):
        return plain_json(value.tolist(), place)
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes):
        return [plain_json(one, place) for one in value]
    raise YosokuError(
        f"`{place}` cannot be {type(value).__name__}",
        code="invalid_value",
        hint="give its schema: `schema=seen.schema`, or `seen.without(...)` to leave columns out"
        if isinstance(value, Insights)
        else "give text, numbers, lists or mappings",
    )


def said_beside(options: Mapping[str, Any]) -> Document:
    """Options as JSON has them."""
    return {name: plain_json(value, name) for name, value in options.items()}


def pages(path: str, params: Mapping[str, Any]) -> Flow[list[Document]]:
    """All items of a list, page by page."""
    items: list[Document] = []
    cursor = None
    while True:
        page = yield from document(Call("GET", path, {**params, "page_size": 500, "cursor": cursor}))
        items += page["items"]
        cursor = page.get("next_cursor")
        if not cursor:
            return items


def at(place: str, name: str, *rest: str) -> str:
    """The path of a resource."""
    return "/".join(["/v1", place, quote(name, safe="@"), *rest])


def upload(table: frames.Table, name: str | None, formats: Mapping[str, str] | None = None) -> Flow[schemas.Dataset]:
    """The dataset of a table; bytes that the server has already under that name are not sent again."""
    if isinstance(table, schemas.Dataset):
        return table
    source = yield from away(partial(frames.upload_of, table, name, formats or {}))
    path = at("datasets", source.name)
    try:
        known = yield from document(Call("GET", path))
    except YosokuError as error:
        if error.code != "not_found":
            raise
    else:
        if known["version"] == (yield from away(source.version)):
            return schemas.Dataset.model_validate(known)
    made = yield from document(Call("PUT", path, content=source.content, content_type=source.content_type))
    return schemas.Dataset.model_validate(made)


def follow(kind: type[R], name: str, bar: Bar, share: float = 1.0) -> Flow[R]:
    """Waits for a resource and shows how far it is; raises `JobFailed` with the server's reason."""
    path = at(PLACES[kind], name)
    while True:
        found = kind.model_validate((yield from document(Call("GET", path, {"wait": LOOK}))))
        bar.show(found.progress.fraction * share, found.progress.stage)
        if found.status == "COMPLETED":
            bar.settle(share)
            return found
        if found.status in ("FAILED", "DELETED"):
            cause = yield from cause_of(found)
            problem = cause.error.model_dump() if cause.error else {"detail": cause.message or cause.status}
            raise from_problem(problem, JobFailed, f"{NAMES[type(cause)]} `{cause.id}` failed: ")


def cause_of(failed: schemas.Head) -> Flow[schemas.Head]:
    """The resource whose failure made this one fail: often the data, for a model."""
    source = getattr(failed, "datasource", None)
    if failed.error and failed.error.code == "dependency_failed" and source:
        found = schemas.DataSource.model_validate((yield from document(Call("GET", at("datasources", source)))))
        if found.error:
            return found
    return failed


def cancelling(work: Generator[Step, Answer, T], *begun: tuple[type[schemas.Head], str]) -> Flow[T]:
    """Does the work; where it is interrupted, by Ctrl-C or a cancelled task, the server stops what was begun, too."""
    try:
        return (yield from work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        with contextlib.suppress(httpx.TransportError):
            for kind, name in begun:
                yield Call("POST", at(PLACES[kind], name, "cancel"))
        raise


def train(
    table: frames.Table, target: str | None, options: Mapping[str, Any], dataset: str | None, bar: Bar
) -> Flow[tuple[schemas.Model, schemas.Evaluation | None]]:
    """The whole way from a table to a judged model."""
    options = said_beside(options)
    bar.show(0.0, "upload")
    source = yield from upload(table, dataset)
    name = options.get("id") or f"{frames.stem(source.name)[:40]}-{secrets.token_hex(4)}"
    wanted = {**said(table), **options, "id": name, "dataset": source.name, "target": target}
    body = {key: value for key, value in wanted.items() if value is not None}
    # With its identifier given, a repeated request finds what the first one made.
    made = schemas.Training.model_validate((yield from document(Call("POST", "/v1/train", json=body), True)))
    data = schemas.DataSource.model_validate((yield from document(Call("GET", at("datasources", made.datasource)))))
    yield from of_version(data.dataset_version, source, schemas.Model, made.model)
    named: list[tuple[type[schemas.Head], str | None]] = [
        (schemas.Evaluation, made.evaluation),
        (schemas.Model, made.model),
        (schemas.DataSource, made.evaluation_datasource),
        (schemas.DataSource, made.datasource),
    ]
    begun = [(kind, name) for kind, name in named if name]
    return (yield from cancelling(trained(made, bar), *begun))


def trained(made: schemas.Training, bar: Bar) -> Flow[tuple[schemas.Model, schemas.Evaluation | None]]:
    """The model and its evaluation, once they are there."""
    model = yield from follow(schemas.Model, made.model, bar, 0.9 if made.evaluation else 1.0)
    if not made.evaluation:
        return model, None
    return model, (yield from follow(schemas.Evaluation, made.evaluation, bar, 0.1))


def said(table: frames.Table) -> dict[str, str]:
    """What is known of how a table is sent: frames have names of columns, also where these look like values."""
    return {"header": "yes"} if frames.is_frame(table) else {}


def of_version(version: str | None, source: schemas.Dataset, kind: type[schemas.Head], name: str) -> Flow[None]:
    """Fails where somebody else has sent other bytes under the same name meanwhile; what was begun is stopped."""
    if version == source.version:
        return
    yield Call("POST", at(PLACES[kind], name, "cancel"))
    raise YosokuError(
        f"the dataset `{source.name}` was replaced by somebody else meanwhile",
        code="dataset_replaced",
        hint="give the data a name of their own: `dataset='...'`",
    )


def inspect(
    table: frames.Table,
    target: str | None,
    options: Mapping[str, Any],
    dataset: str | None,
    bar: Bar,
    formats: Mapping[str, str] | None = None,
) -> Flow[schemas.DataSource]:
    """What is in a table."""
    options = said_beside(options)
    bar.show(0.0, "upload")
    source = yield from upload(table, dataset, formats)
    name = f"{frames.stem(source.name)[:40]}-{secrets.token_hex(4)}"
    body = {"id": name, "dataset": source.name, **said(table), **({"target": target} if target else {}), **options}
    made = yield from document(Call("POST", "/v1/datasources", json=body), True)
    yield from of_version(made.get("dataset_version"), source, schemas.DataSource, name)
    return (yield from cancelling(follow(schemas.DataSource, name, bar), (schemas.DataSource, name)))


def find_model(name: str) -> Flow[tuple[schemas.Model, schemas.Evaluation | None]]:
    """A model of before, with its latest evaluation."""
    model = schemas.Model.model_validate((yield from document(Call("GET", at("models", name)))))
    params = {"model": model.id, "status": "COMPLETED", "page_size": 1}
    judged = yield from document(Call("GET", "/v1/evaluations", params))
    if not judged["items"]:
        return model, None
    # Lists leave the reports out.
    path = at("evaluations", judged["items"][0]["id"])
    return model, schemas.Evaluation.model_validate((yield from document(Call("GET", path))))


def date_formats(model: schemas.Model) -> Flow[dict[str, str]]:
    """How the model reads dates, by the names of columns; nothing where its data source is gone."""
    try:
        found = yield from document(Call("GET", at("datasources", model.datasource)))
    except YosokuError as error:
        if error.code != "not_found":
            raise
        return {}
    attributes = (found.get("schema") or {}).get("attributes", [])
    return {one["attributeName"]: one["dateFormat"] for one in attributes if one.get("dateFormat")}


def evaluate(
    model: str,
    table: frames.Table,
    target: str | None,
    dataset: str | None,
    bar: Bar,
    formats: Mapping[str, str],
) -> Flow[schemas.Evaluation]:
    """Judges a model on other rows."""
    source = yield from inspect(table, target, {}, dataset, Bar.hidden(), formats)
    name = f"{model[:40]}-{secrets.token_hex(4)}"
    body = {"id": name, "model": model, "datasource": source.id}
    yield from document(Call("POST", "/v1/evaluations", json=body), True)
    return (yield from cancelling(follow(schemas.Evaluation, name, bar), (schemas.Evaluation, name)))


def predict(
    model: str, records: Sequence[Mapping[str, Any]], explain: bool, formats: Mapping[str, str]
) -> Flow[list[schemas.Prediction]]:
    """Predictions for records, in their order."""
    found: list[schemas.Prediction] = []
    for part in (yield from away(partial(parts_of, records, formats))):
        call = Call("POST", at("models", model, "predict"), {"explain": explain or None}, json={"records": part})
        answer = yield from document(call, True)
        found += yield from away(partial(predictions, answer))
    return found


def predict_frame(model: str, frame: Any, explain: bool, formats: Mapping[str, str]) -> Flow[list[schemas.Prediction]]:
    """Predictions for the rows of a frame, which are read as those of a file are."""
    found: list[schemas.Prediction] = []
    size = max(1, min(MOST_RECORDS, MOST_FIELDS // max(1, len(frame.columns))))
    for begin in range(0, len(frame), size):
        rows = frames.slice_rows(frame, begin, begin + size)
        content = yield from away(partial(frames.csv_of, rows, formats))
        path = at("models", model, "predict")
        call = Call(
            "POST", path, {"explain": explain or None}, content=content, content_type="text/csv; header=present"
        )
        answer = yield from document(call, True)
        found += yield from away(partial(predictions, answer))
    frames.check_length(len(found), len(frame))
    return found


def parts_of(records: Sequence[Mapping[str, Any]], formats: Mapping[str, str]) -> list[list[Document]]:
    """Records as JSON has them, in requests of a moderate size."""
    return list(parts([frames.plain_record(record, formats) for record in records]))


def parts(records: list[Document]) -> Iterator[list[Document]]:
    """Records in requests of a moderate size."""
    part: list[Document] = []
    fields = 0
    for record in records:
        if part and (len(part) >= MOST_RECORDS or fields + len(record) > MOST_FIELDS):
            yield part
            part, fields = [], 0
        part.append(record)
        fields += len(record)
    if part:
        yield part


def predictions(answer: Document) -> list[schemas.Prediction]:
    """What an answer predicts."""
    return [schemas.Prediction.model_validate(item) for item in answer["predictions"]]


def batch(
    model: str,
    table: frames.Table,
    options: Mapping[str, Any],
    dataset: str | None,
    bar: Bar,
    formats: Mapping[str, str],
) -> Flow[schemas.BatchPrediction]:
    """Predictions for a whole table, made by the server in a file of its own."""
    options = said_beside(options)
    bar.show(0.0, "upload")
    if frames.is_frame(table):
        # A data source can be told that the first line names the columns.
        data = yield from inspect(table, None, {}, dataset, Bar.hidden(), formats)
        name = f"{frames.stem(data.dataset or 'frame')[:40]}-{secrets.token_hex(4)}"
        body = {"id": name, "model": model, "datasource": data.id, **options}
        yield from document(Call("POST", "/v1/batch-predictions", json=body), True)
    else:
        source = yield from upload(table, dataset)
        name = f"{frames.stem(source.name)[:40]}-{secrets.token_hex(4)}"
        body = {"id": name, "model": model, "dataset": source.name, **options}
        made = yield from document(Call("POST", "/v1/batch-predictions", json=body), True)
        yield from of_version(made.get("dataset_version"), source, schemas.BatchPrediction, name)
    work = follow(schemas.BatchPrediction, name, bar)
    return (yield from cancelling(work, (schemas.BatchPrediction, name)))


def download(path: str, to: Path) -> Flow[Path]:
    """A file of the server's; it appears under its name only when it is whole."""
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.{secrets.token_hex(4)}.part")
    try:
        yield from send(Call("GET", path, save_to=part))
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to


def batch_table(
    model: str,
    table: frames.Table,
    to: Path | None,
    options: Mapping[str, Any],
    dataset: str | None,
    bar: Bar,
    formats: Mapping[str, str],
) -> Flow[Any]:
    """Predictions for a whole table as a file at `to`, or as a frame."""
    if to is None and options.get("format", "csv") != "csv":
        raise YosokuError(f"a frame is made of CSV, not {options['format']}", hint="give `to=` to get a file")
    if to and to.is_dir():
        raise YosokuError(f"`{to}` is a folder", code="is_a_folder", hint="name a file in it")
    wanted = {**(format_of(to) if to and "format" not in options else {}), **options}
    made = yield from batch(model, table, wanted, dataset, bar, formats)
    path = at("batch-predictions", made.id, "output")
    if to:
        return (yield from download(path, to))
    library = "pandas" if frames.is_pandas(table) else "polars" if frames.is_polars(table) else None
    with tempfile.TemporaryDirectory(prefix="yosoku-") as folder:
        file = yield from download(path, Path(folder) / "predictions.csv")
        return (yield from away(lambda: frames.beside(frames.read_csv(file, library), table)))


def format_of(to: Path) -> dict[str, str]:
    """How a file of this name is written."""
    endings = [ending.lower() for ending in to.suffixes]
    compress = {".gz": "gzip", ".zst": "zstd"}.get(endings[-1] if endings else "")
    kind = endings[-2] if compress and len(endings) > 1 else endings[-1] if endings else ""
    known = {".csv": "csv", ".txt": "csv", "": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
    if kind not in known:
        raise YosokuError(
            f"`{to.name}` does not say how predictions are written",
            code="unknown_format",
            hint="end it in .csv, .jsonl or .parquet, the first two also with .gz or .zst, or give `format=`",
        )
    return {"format": known[kind], **({"compress": compress} if compress else {})}


def weights(model: str, options: Mapping[str, Any]) -> Flow[schemas.ModelWeights]:
    """Weights, those that matter most first."""
    params = {"class" if name == "label" else name: value for name, value in options.items()}
    path = at("models", model, "weights")
    return schemas.ModelWeights.model_validate((yield from document(Call("GET", path, params))))


def threshold(evaluation: str | None, goal: Mapping[str, Any]) -> Flow[schemas.ThresholdAdvice]:
    """The threshold that reaches a goal best."""
    if evaluation is None:
        raise YosokuError(
            "the model has no evaluation to choose a threshold by",
            code="no_evaluation",
            hint="train with a holdout above 0, or call `model.evaluate(...)` with other rows first",
        )
    path = at("evaluations", evaluation, "threshold")
    return schemas.ThresholdAdvice.model_validate((yield from document(Call("GET", path, goal))))


def change_model(model: str, change: Mapping[str, Any]) -> Flow[schemas.Model]:
    """The model after a change of its settings."""
    path = at("models", model)
    body = said_beside(change)
    return schemas.Model.model_validate((yield from document(Call("PATCH", path, json=body), True)))


def text(path: str) -> Flow[str]:
    """A document that is for people."""
    answer = yield from send(Call("GET", path))
    return answer.body.decode()


def listed(place: str, kind: type[S], params: Mapping[str, Any]) -> Flow[list[S]]:
    """All of a kind."""
    return [kind.model_validate(item) for item in (yield from pages(f"/v1/{place}", params))]
