"""How requests get to the server.

What the client does is written once, as flows: generators that yield a `Call`, a `Pause` or some `Work` and are sent
the answer.
They know nothing of sockets or of `async`. `Transport` runs them with blocking calls,
`AsyncTransport` with awaited ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx

T = TypeVar("T")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | Path | None = None
    """Bytes, or a file that is streamed."""
    content_type: str | None = None
    save_to: Path | None = None
    """Where a good answer's body is written instead of into memory."""
    timeout: float = 60.0
    """Seconds without a sign of life after which the request is given up."""


@dataclass(frozen=True)
class Pause:
    """A wait before the next request."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Work(Generic[T]):
    """Something to be computed that may take a while; where others wait for the event loop, it is done beside it."""

    function: Callable[[], T]
    result: list[T] = field(default_factory=list)
    """What came out of it, once it is done."""

    def do(self) -> None:
        """Computes it."""
        self.result.append(self.function())


Step = Call | Pause | Work[Any]
Flow = Generator[Step, Answer, T]


def _arguments(call: Call) -> dict[str, Any]:
    """The arguments of httpx's `build_request`, but for the body."""
    headers = {"content-type": call.content_type} if call.content_type else {}
    if isinstance(call.content, Path):
        # With its length known a file is sent as it is, without chunks.
        headers["content-length"] = str(call.content.stat().st_size)
    params = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in call.params.items()
        if value is not None
    }
    return {
        "method": call.method,
        "url": call.path,
        "params": params,
        "headers": headers,
        "timeout": httpx.Timeout(call.timeout, connect=10.0),
    }


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def _chunks_async(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def _headers(key: str | None) -> dict[str, str]:
    headers = {"user-agent": "yosoku-python/0.1"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    return headers


class Transport:
    """Runs flows with blocking calls."""

    def __init__(self, url: str, key: str | None, direct: bool = False) -> None:
        """Connections are made when first needed, and kept; `direct` ones pass proxies of the environment by."""
        self._http = httpx.Client(base_url=url, headers=_headers(key), trust_env=not direct)

    def run(self, flow: Flow[T]) -> T:
        """Carries a flow out and returns what it came to."""
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._do(step)
                # Flows decide what to do about a lost connection, and about Ctrl-C.
                except BaseException as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _do(self, step: Step) -> Answer:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return Answer()
        if isinstance(step, Work):
            step.do()
            return Answer()
        content = _chunks(step.content) if isinstance(step.content, Path) else step.content
        request = self._http.build_request(**_arguments(step), json=step.json, content=content)
        response = self._http.send(request, stream=True)
        try:
            if step.save_to and response.is_success:
                with step.save_to.open("wb") as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
                return Answer(response.status_code, response.headers)
            return Answer(response.status_code, response.headers, response.read())
        finally:
            response.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


class AsyncTransport:
    """Runs flows with awaited calls."""

    def __init__(self, url: str, key: str | None, direct: bool = False) -> None:
        """Connections are made when first needed, and kept; `direct` ones pass proxies of the environment by."""
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(key), trust_env=not direct)

    async def run(self, flow: Flow[T]) -> T:
        """Carries a flow out and returns what it came to."""
        try:
            step = next(flow)
            while True:
                try:
                    answer = await self._do(step)
                # Flows decide what to do about a lost connection, and about a cancelled task.
                except BaseException as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _do(self, step: Step) -> Answer:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return Answer()
        if isinstance(step, Work):
            await asyncio.to_thread(step.do)
            return Answer()
        content = _chunks_async(step.content) if isinstance(step.content, Path) else step.content
        request = self._http.build_request(**_arguments(step), json=step.json, content=content)
        response = await self._http.send(request, stream=True)
        try:
            if step.save_to and response.is_success:
                with step.save_to.open("wb") as file:
                    async for chunk in response.aiter_bytes():
                        await asyncio.to_thread(file.write, chunk)
                return Answer(response.status_code, response.headers)
            return Answer(response.status_code, response.headers, await response.aread())
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()
