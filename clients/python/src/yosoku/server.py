"""A server of one's own, for who has no server to ask: started on a free port, ended with the program."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any
from weakref import WeakSet

from .errors import YosokuError

SECONDS_TO_START = 30
SECONDS_TO_STOP = 20
# Settings of other servers of the user's must not reach this one; how much it may take of the machine may.
KEPT = {"YOSOKU_MEMORY", "YOSOKU_SPILL", "YOSOKU_WORKERS"}
# Kernels of notebooks are killed rather than ended, and then nothing of Python runs any more. This waits for the end of
# a pipe that closes with whoever holds it, ends the server $1, and takes its temporary home $2 away.
WATCH = """
cat > /dev/null
kill "$1" 2> /dev/null || exit 0
for _ in $(seq 100); do kill -0 "$1" 2> /dev/null || break; sleep 0.2; done
[ -z "$2" ] || rm -rf "$2"
"""


def find_program(program: str | os.PathLike[str] | None = None) -> Path:
    """The program `yosoku`: as given, from `YOSOKU_BIN`, from `PATH`, or built in a checkout around this folder."""
    given = program or os.environ.get("YOSOKU_BIN")
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise YosokuError(
                f"there is no program `{path}`",
                code="no_program",
                hint=(
                    "it is the argument `program`"
                    if program
                    else "`YOSOKU_BIN` names it; `make build` in a checkout of Yosoku makes `target/release/yosoku`"
                ),
            )
        return path
    on_path = shutil.which("yosoku")
    if on_path:
        return Path(on_path)
    here = Path.cwd().resolve()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        built = folder / "target" / "release" / "yosoku"
        if built.is_file() and (folder / "Cargo.toml").is_file():
            return built
    raise YosokuError(
        "no server was named and the program `yosoku` was not found",
        code="no_program",
        hint="name a server that runs: `YOSOKU_URL=http://...`; or build the program: `make build` in a checkout of "
        "Yosoku (it needs Rust and some minutes), and set `YOSOKU_BIN` to the `target/release/yosoku` that "
        "it makes",
    )


# Servers that this process has started and that run, by its number (a fork has none), their home and their program.
_STARTED: dict[tuple[int, str, str], LocalServer] = {}
_LOCK = threading.RLock()


def shared(program: Path, home: str | os.PathLike[str] | None) -> LocalServer:
    """The server that this process has started on that home, or a new one; without a home, the one without a home."""
    where = str(Path(home).expanduser().resolve()) if home else ""
    name = (os.getpid(), where, str(program.resolve()))
    with _LOCK:
        known = _STARTED.get(name)
        if known is None or not known.running():
            known = _STARTED[name] = LocalServer(program, home)
        return known


class LocalServer:
    """`yosoku serve` on a free port of this machine, for all clients of this process that ask for the same home."""

    def __init__(self, program: Path, home: str | os.PathLike[str] | None) -> None:
        """Starts it and waits until it answers; without a home everything it keeps goes when it stops."""
        self._temporary = None if home else tempfile.mkdtemp(prefix="yosoku-")
        self.home = Path(home or self._temporary or "").expanduser().resolve()
        """Where it keeps everything; files below `datasets/` are its buckets."""
        self._users: WeakSet[Any] = WeakSet()
        self._said: deque[str] = deque(maxlen=20)
        self._address: str | None = None
        self._found = threading.Event()
        self._process = self._start(program)
        self._watch = self._watched()
        atexit.register(self.stop)
        self._wait()

    @property
    def url(self) -> str:
        """Its address."""
        return self._address or ""

    def _start(self, program: Path) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("YOSOKU_") or name in KEPT}
        # What it writes says the address, so it must be written.
        environment = {**kept, "YOSOKU_LOG": "info", "NO_COLOR": "1"}
        command = [str(program), "serve", "--home", str(self.home), "--listen", "127.0.0.1:0"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            # Ctrl-C is for the program that started it, which may want to ask it something yet.
            start_new_session=True,
        )
        assert process.stdout is not None
        threading.Thread(target=self._follow, args=(process.stdout,), daemon=True).start()
        return process

    def _watched(self) -> subprocess.Popen[bytes] | None:
        """Somebody who ends the server if this program is killed."""
        if not shutil.which("sh"):
            return None
        command = ["sh", "-c", WATCH, "watch", str(self._process.pid), self._temporary or ""]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def _follow(self, stream: IO[str]) -> None:
        """Reads what it writes to the end, so that it never waits for a reader."""
        with stream:
            for line in stream:
                self._said.append(line.rstrip())
                found = re.search(r"serving (https?://\S+:\d+)", line)
                if found:
                    self._address = found[1]
                    self._found.set()
        self._found.set()

    def _wait(self) -> None:
        self._found.wait(SECONDS_TO_START)
        if self._address is None:
            self.stop()
            said = "\n  ".join(self._said)
            raise YosokuError(
                f"`yosoku serve` on {self.home} did not start; it said:\n  {said or 'nothing'}", code="not_started"
            )

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def hold(self, user: object) -> None:
        """Keeps it running until the user lets go of it."""
        with _LOCK:
            self._users.add(user)

    def release(self, user: object) -> None:
        """Ends it where nobody else uses it."""
        with _LOCK:
            self._users.discard(user)
            if not self._users:
                self.stop()

    def stop(self) -> None:
        """Ends it, whoever uses it, and takes its home away if that was made for it."""
        with _LOCK:
            for name in [name for name, one in _STARTED.items() if one is self]:
                del _STARTED[name]
        atexit.unregister(self.stop)
        if self.running():
            self._process.terminate()
            try:
                self._process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._watch and self._watch.stdin:
            self._watch.stdin.close()
            self._watch.wait()
        if self._temporary:
            # The last of its files may still be closing.
            for _ in range(3):
                shutil.rmtree(self._temporary, ignore_errors=True)
                if not Path(self._temporary).exists():
                    break
                time.sleep(0.1)


def place(
    url: str | None,
    key: str | None,
    home: str | os.PathLike[str] | None,
    program: str | os.PathLike[str] | None,
) -> tuple[str, str | None, LocalServer | None]:
    """Address and key of a server, and the server itself where it had to be started."""
    address = url or (None if home or program else os.environ.get("YOSOKU_URL"))
    if address:
        if home or program:
            raise YosokuError("`url` names a server that runs; `home` and `program` are for one that is started here")
        if not address.startswith(("http://", "https://")):
            raise YosokuError(f"`{address}` is no address", code="bad_url", hint="write http://127.0.0.1:8080")
        return address, key or os.environ.get("YOSOKU_KEY") or None, None
    server = shared(find_program(program), home)
    # A home that was used before may hold keys.
    return server.url, (key or os.environ.get("YOSOKU_KEY") or None) if home else None, server
