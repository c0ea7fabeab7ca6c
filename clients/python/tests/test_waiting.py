"""What takes long is done beside the event loop: others who wait for it are served meanwhile."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import yosoku
from yosoku import flows, frames

SLOW = [(frames, "csv_of"), (frames, "upload_of"), (frames, "whole"), (frames, "fitting"), (frames, "has_moments")]
SLOW += [(frames, "plain_record"), (frames, "answers"), (frames, "read_csv"), (flows, "predictions")]


def test_hashing_and_writing_tables_leave_the_event_loop_alone(
    client: yosoku.Client, late: yosoku.Model, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[tuple[str, bool]] = []

    def watched(place: Any, name: str) -> None:
        function = getattr(place, name)

        def told(*given: Any, **named: Any) -> Any:
            here.append((name, threading.current_thread() is threading.main_thread()))
            return function(*given, **named)

        monkeypatch.setattr(place, name, told)

    for place, name in [*SLOW, (frames.Upload, "version")]:
        watched(place, name)
    table = pd.read_csv(orders, dtype=str)

    async def story() -> None:
        async with yosoku.connect_async(client.url) as other:
            await other.upload(orders)
            await other.inspect(table)
            model = await other.model(late.id)
            await model.predict(table)
            await model.predict([{"km": 1}])
            await model.batch(table)

    asyncio.run(story())
    assert {name for name, _ in here} == {name for _, name in SLOW} | {"version"}
    assert not [name for name, on_the_loop in here if on_the_loop]
