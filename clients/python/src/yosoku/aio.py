"""The client with `await`: `AsyncClient` and `AsyncModel`.

`client` has the same with blocking calls; it is made from this file by `make python-client`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import ParamSpec, Self, Unpack

from . import flows, frames, schemas
from .description import Description
from .errors import YosokuError
from .insights import Insights
from .options import BatchOptions, Goal, InspectOptions, TrainOptions, WeightOptions
from .progress import Bar
from .results import Advice, Evaluation, Prediction, Predictions, Weights, tell_odd_fields
from .server import LocalServer, place
from .transport import AsyncTransport, Call

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from matplotlib.axes import Axes

P = ParamSpec("P")
T = TypeVar("T")
Frame = TypeVar("Frame", "pd.DataFrame", "pl.DataFrame")


class AsyncClient:
    """Asks a Yosoku server; `yosoku.connect_async()` makes one."""

    def __init__(self, url: str, *, key: str | None = None, server: LocalServer | None = None) -> None:
        """`key` is a key of the server's, if it has any; `server` is one that ends with its last client."""
        self.url = url.rstrip("/")
        """The server's address."""
        self.server = server
        """The server, if it was started by this process; clients with the same home share it."""
        self.progress: bool | None = None
        """Whether bars are shown; None means where a person may be watching."""
        self._transport = AsyncTransport(self.url, key, server is not None)
        if server:
            server.hold(self)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self.close()

    def __repr__(self) -> str:
        """Whom it asks."""
        return f"AsyncClient({self.url!r}{', started here' if self.server else ''})"

    async def close(self) -> None:
        """Closes the connections, and ends the server if it was started here and no other client uses it."""
        await self._transport.close()
        if self.server:
            await asyncio.to_thread(self.server.release, self)

    async def call(self, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Any operation of the REST interface that has no method of its own here; the JSON that it answers."""
        body = flows.plain_json(json, "json")
        return await self._transport.run(flows.document(Call(method, path, params or {}, body)))

    async def _away(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """What a function computes; an event loop goes on meanwhile."""
        return await self._transport.run(flows.away(partial(function, *given, **named)))

    async def upload(self, table: frames.Table, name: str | None = None) -> schemas.Dataset:
        """Sends a table to be used several times; a file gives the dataset its name."""
        return await self._transport.run(flows.upload(await self._away(frames.whole, table), name))

    async def dataset(self, name: str) -> schemas.Dataset:
        """A dataset of before."""
        return schemas.Dataset.model_validate(await self.call("GET", flows.at("datasets", name)))

    async def datasets(self) -> list[schemas.Dataset]:
        """All datasets, newest first."""
        return await self._transport.run(flows.listed("datasets", schemas.Dataset, {}))

    async def inspect(
        self,
        table: frames.Table,
        target: str | None = None,
        *,
        dataset: str | None = None,
        **options: Unpack[InspectOptions],
    ) -> Insights:
        """What is in a table, and what may hurt a model of `target`."""
        bar = Bar("inspect", self.progress)
        try:
            given = await self._away(frames.whole, table)
            return Insights(await self._transport.run(flows.inspect(given, target, options, dataset, bar)))
        finally:
            bar.close()

    async def train(
        self,
        table: frames.Table,
        target: str | None = None,
        *,
        dataset: str | None = None,
        **options: Unpack[TrainOptions],
    ) -> AsyncModel:
        """Learns to predict the column `target` of a table, and judges the model on rows held out.

        `dataset` names the data on the server, by default as the file. Interrupting it stops the work.
        """
        bar = Bar("train", self.progress)
        try:
            given = await self._away(frames.whole, table)
            return AsyncModel(self, *(await self._transport.run(flows.train(given, target, options, dataset, bar))))
        finally:
            bar.close()

    async def model(self, name: str) -> AsyncModel:
        """A model of before, with its latest evaluation."""
        return AsyncModel(self, *(await self._transport.run(flows.find_model(name))))

    async def models(self) -> list[schemas.Model]:
        """All models, newest first, without their big documents."""
        return await self._transport.run(flows.listed("models", schemas.Model, {}))


class AsyncModel(Description):
    """A trained model: shows itself in a notebook, predicts, and says why."""

    def __init__(self, client: AsyncClient, info: schemas.Model, evaluation: schemas.Evaluation | None) -> None:
        """Made by the client."""
        super().__init__(info, evaluation)
        self._client = client
        self._run = client._transport.run
        self._away = client._away
        self._formats: dict[str, str] | None = None

    async def _date_formats(self, table: object) -> dict[str, str]:
        """How the model reads dates, where there are any in the table."""
        if not (frames.is_frame(table) or isinstance(table, list)):
            return {}
        if not await self._away(frames.has_moments, table):
            return {}
        if self._formats is None:
            self._formats = await self._run(flows.date_formats(self.info))
        return self._formats

    @overload
    async def predict(self, records: Mapping[str, Any], *, explain: bool = False) -> Prediction: ...
    @overload
    async def predict(self, records: Sequence[Mapping[str, Any]], *, explain: bool = False) -> Predictions: ...
    @overload
    async def predict(self, records: Frame, *, explain: bool = False) -> Frame: ...
    async def predict(self, records: Any, *, explain: bool = False) -> Any:
        """Answers now: for a record a prediction, for several predictions, for a frame a frame of answers.

        `explain` adds what each field contributed; in a frame in columns named `why <field>`.
        """
        if frames.is_frame(records):
            frame = await self._away(frames.fitting, records, self.schema)
            formats = await self._date_formats(frame)
            found = await self._run(flows.predict_frame(self.id, frame, explain, formats))
            tell_odd_fields(found)
            return await self._away(frames.answered, found, explain, frame)
        single = frames.is_record(records)
        several = frames.records_of([records] if single else records)
        formats = await self._date_formats(several)
        found = await self._run(flows.predict(self.id, several, explain, formats))
        positive = self.info.positive
        made = Predictions([Prediction(one, record, positive) for one, record in zip(found, several, strict=True)])
        return made[0] if single else made

    @overload
    async def batch(
        self,
        table: frames.Table,
        to: str | os.PathLike[str],
        *,
        dataset: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> Path: ...
    @overload
    async def batch(
        self, table: Frame, to: None = None, *, dataset: str | None = None, **options: Unpack[BatchOptions]
    ) -> Frame: ...
    @overload
    async def batch(
        self, table: frames.Table, to: None = None, *, dataset: str | None = None, **options: Unpack[BatchOptions]
    ) -> Any: ...
    async def batch(
        self,
        table: frames.Table,
        to: str | os.PathLike[str] | None = None,
        *,
        dataset: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> Any:
        """Predicts every row of a table, of any size: into the file `to`, or as a frame.

        A file without `to` comes back as a frame of pandas, or of polars where only that is installed. The ending of
        `to` says how it is written: `.csv`, `.jsonl`, `.parquet`, each of the first two with `.gz` or `.zst`.

        A frame has the columns of the file, which are called as in a batch of Amazon ML: `bestAnswer` and `score` for
        two classes, a column for each of several, `score` for a number.
        """
        bar = Bar("predict", self._client.progress)
        try:
            path = Path(to).expanduser() if to is not None else None
            given = await self._away(frames.fitting, table, self.schema, options.get("columns", ()))
            formats = await self._date_formats(given)
            return await self._run(flows.batch_table(self.id, given, path, options, dataset, bar, formats))
        finally:
            bar.close()

    async def evaluate(self, table: frames.Table, *, dataset: str | None = None) -> Evaluation:
        """Judges it on other rows, whose target is known; thresholds are then chosen by these."""
        bar = Bar("evaluate", self._client.progress)
        try:
            given = await self._away(frames.fitting, table, self.schema)
            formats = await self._date_formats(given)
            judged = await self._run(flows.evaluate(self.id, given, self.target, dataset, bar, formats))
            self.evaluation = Evaluation(judged)
        finally:
            bar.close()
        return self.evaluation

    async def weights(self, **options: Unpack[WeightOptions]) -> Weights:
        """What it has learned, those features first that matter most."""
        return Weights(await self._run(flows.weights(self.id, options)))

    async def threshold(self, **goal: Unpack[Goal]) -> Advice:
        """The threshold that reaches a goal best, and what to expect of it; `set_threshold` puts it to use."""
        return Advice(await self._run(flows.threshold(self.evaluation.info.id if self.evaluation else None, goal)))

    async def set_threshold(self, threshold: float | Advice) -> Self:
        """Answers by another threshold from now on, also in batches."""
        if not isinstance(threshold, Advice) and not frames.is_number(threshold):
            raise YosokuError(
                f"a threshold is a number, or what `threshold` advises, not {type(threshold).__name__}",
                code="invalid_value",
            )
        self.info = await self._run(flows.change_model(self.id, {"threshold": float(threshold)}))
        return self

    async def log(self) -> str:
        """How it was trained, step by step."""
        return await self._run(flows.text(flows.at("models", self.id, "log")))

    async def save(self, to: str | os.PathLike[str]) -> Path:
        """Writes the model's file, which `yosoku predict` reads without a server."""
        return await self._run(flows.download(flows.at("models", self.id, "bundle"), Path(to).expanduser()))

    async def delete(self) -> None:
        """Deletes it; its identifier stays taken."""
        await self._run(flows.send(Call("DELETE", flows.at("models", self.id))))

    async def plot_weights(self, ax: Axes | None = None, count: int = 20) -> Axes:
        """The weights that matter most."""
        return (await self.weights(limit=max(count, 1))).plot(ax, count)


def connect_async(
    url: str | None = None,
    *,
    key: str | None = None,
    home: str | os.PathLike[str] | None = None,
    program: str | os.PathLike[str] | None = None,
) -> AsyncClient:
    """An asynchronous client of the server at `url`, or at `YOSOKU_URL`; without either, of one that is started here.

    `key` is by default `YOSOKU_KEY`; a server without a home has no keys, and needs none. A server that is started here
    keeps everything in `home`, or in a temporary folder that goes with it; it ends with this Python or with
    `client.close()`. Its program is `program`, or `YOSOKU_BIN`, or `yosoku` on the `PATH`, or the one built in the
    checkout around. Who connects again with the same home, or again without one, gets the same server while it runs.
    """
    address, token, server = place(url, key, home, program)
    return AsyncClient(address, key=token, server=server)
