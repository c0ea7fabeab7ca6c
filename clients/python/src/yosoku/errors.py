"""What can go wrong, told so that it can be mended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

KEY = "set `YOSOKU_KEY`, or `connect(key=...)`, before connecting; `yosoku key new`, beside the server, makes a key"


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request."""

    pointer: str
    """Where it is, as a JSON pointer into the request: `/records/3/age`."""
    code: str
    """A stable code to branch on."""
    message: str
    """What is wrong there."""


class YosokuError(Exception):
    """The server, or the client before it asked, refused something; prints what, where and how to mend it."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "client",
        status: int | None = None,
        hint: str | None = None,
        errors: tuple[FieldError, ...] = (),
        request_id: str | None = None,
    ) -> None:
        """Made by the client; `code` is `client` where the server was not asked."""
        super().__init__(message)
        self.message = message
        """What happened this time."""
        self.code = code
        """A stable code to branch on, such as `not_found`; the server's reference lists all of them."""
        self.status = status
        """The HTTP status, if the server answered."""
        self.hint = hint
        """What usually mends this kind of error."""
        self.errors = errors
        """What is wrong with each field."""
        self.request_id = request_id
        """Names the request in the server's log."""

    def __str__(self) -> str:
        """The message, each field that is wrong, and the hint, a line each."""
        lines = [f"{self.message} [{self.code}]"]
        lines += [
            f"  {error.pointer or '/'}: {error.message}" for error in self.errors if error.message != self.message
        ]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        if self.request_id and (self.status or 0) >= 500:
            lines.append(f"  request: {self.request_id}")
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """What notebooks show: what is wrong, without the way through the client to where that was found."""
        return [f"{type(self).__name__}: {self}"]


class JobFailed(YosokuError):
    """Work that the server had accepted ended as FAILED."""


class Unreachable(YosokuError):
    """No answer came from the server."""


def from_answer(status: int, body: bytes) -> YosokuError:
    """The error of an answer: a problem of RFC 9457, or whatever something between client and server said."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        said = body[:300].decode("utf-8", "replace").strip()
        return YosokuError(
            f"the answer {status} is not one of Yosoku's" + (f": {said}" if said else ""),
            code="unexpected_answer",
            status=status,
            hint="is this the address of a Yosoku server, and is a proxy in between?",
        )
    error = from_problem(problem, YosokuError)
    if status == 401:
        # The server tells of headers, which are for who has no client.
        error.hint = KEY
    return error


def from_problem(problem: dict[str, Any], kind: type[YosokuError], about: str = "") -> YosokuError:
    """The error that a problem document tells of; `about` is put before its message."""
    entries = problem.get("errors") or []
    return kind(
        about + str(problem.get("detail") or problem.get("title") or "no reason was given"),
        code=str(problem.get("code", "unknown")),
        status=problem.get("status"),
        hint=problem.get("hint") or None,
        errors=tuple(
            FieldError(entry.get("pointer", ""), entry.get("code", ""), entry.get("detail", "")) for entry in entries
        ),
        request_id=problem.get("request_id"),
    )
