"""Servers that are found and servers that are started."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import yosoku
from yosoku.server import find_program

STORY = """
import os, yosoku
client = yosoku.connect()
print(client.server._process.pid, client.server.home, client.url)
"""


def test_a_server_that_was_started_ends_with_the_program(client: yosoku.Client) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "YOSOKU_URL"}
    environment["YOSOKU_BIN"] = str(find_program())
    done = subprocess.run([sys.executable, "-c", STORY], capture_output=True, text=True, env=environment, check=True)
    pid, home, _ = done.stdout.split()
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(home).exists()


def test_a_server_ends_when_the_program_is_killed(client: yosoku.Client) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "YOSOKU_URL"}
    environment["YOSOKU_BIN"] = str(find_program())
    story = STORY.rstrip().removesuffix(")") + ", flush=True)\nos.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == -9
    pid, home, _ = done.stdout.split()
    end = time.monotonic() + 20
    while running(pid) or Path(home).exists():
        assert time.monotonic() < end, f"{pid} runs, or {home} is still there"
        time.sleep(0.05)


def running(pid: str) -> bool:
    """Whether a process runs; one that nobody has asked for its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_given_home_is_kept(tmp_path: Path) -> None:
    with yosoku.connect(home=tmp_path / "home") as first:
        first.upload_name = first.upload(Path(__file__), "kept.txt").name  # type: ignore[attr-defined]
    with yosoku.connect(home=tmp_path / "home") as second:
        assert [one.name for one in second.datasets()] == ["kept.txt"]


def test_who_connects_again_gets_the_same_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOSOKU_URL", raising=False)
    first, again, elsewhere = yosoku.connect(), yosoku.connect(), yosoku.connect(home=tmp_path / "home")
    other = yosoku.connect_async(home=tmp_path / "new" / ".." / "home")
    assert first.server is not None
    assert elsewhere.server is not None
    assert again.server is first.server
    assert other.server is elsewhere.server
    assert elsewhere.server is not first.server
    first.close()
    assert again.models() == []
    again.close()
    again.close()
    assert not first.server.running()
    elsewhere.close()
    assert elsewhere.server.running()
    asyncio.run(other.close())
    assert not elsewhere.server.running()
    with yosoku.connect() as new:
        assert new.server is not first.server
        assert new.models() == []


def test_a_server_that_has_died_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOSOKU_URL", raising=False)
    first = yosoku.connect()
    assert first.server is not None
    first.server._process.kill()
    first.server._process.wait()
    with yosoku.connect() as second:
        assert second.server is not first.server
        assert second.models() == []
    first.close()


def test_an_address_in_the_environment_is_used(client: yosoku.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOSOKU_URL", client.url + "/")
    with yosoku.connect() as other:
        assert (other.url, other.server) == (client.url, None)
        other.models()


def test_a_server_of_ones_own_needs_no_proxy(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with yosoku.connect() as own:
        assert own.upload(orders).name == "orders.csv"


def test_keys_open_servers_that_ask_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = subprocess.run(
        [find_program(), "key", "new", "--home", tmp_path, "--name", "ana"], capture_output=True, text=True, check=True
    )
    with yosoku.connect(home=tmp_path) as started:
        with pytest.raises(yosoku.YosokuError) as caught:
            started.models()
        assert caught.value.code == "unauthenticated"
        assert "`YOSOKU_KEY`" in str(caught.value)
        with yosoku.connect(started.url, key="ysk_wrong") as other:
            with pytest.raises(yosoku.YosokuError, match="`YOSOKU_KEY`") as caught:
                other.models()
            assert caught.value.code == "invalid_key"
        monkeypatch.setenv("YOSOKU_URL", started.url)
        monkeypatch.setenv("YOSOKU_KEY", made.stdout.strip())
        with yosoku.connect() as keyed:
            assert keyed.models() == []
    monkeypatch.delenv("YOSOKU_URL")
    with yosoku.connect(home=tmp_path) as own:
        assert own.models() == []


def test_what_is_missing_or_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(yosoku.YosokuError, match="no program"):
        yosoku.connect(program=tmp_path / "nothing")
    with pytest.raises(yosoku.YosokuError, match="is no address"):
        yosoku.connect("localhost:8080")
    with pytest.raises(yosoku.YosokuError, match="`home` and `program` are for"):
        yosoku.connect("http://127.0.0.1:1", home=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(yosoku.YosokuError, match="did not start; it said"):
        yosoku.connect(home=tmp_path / "file")
    monkeypatch.delenv("YOSOKU_BIN", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("yosoku.server.__file__", str(tmp_path / "server.py"))
    with pytest.raises(yosoku.YosokuError, match="YOSOKU_URL") as told:
        find_program()
    assert "`make build` in a checkout of Yosoku " in str(told.value)
    assert "set `YOSOKU_BIN` to the `target/release/yosoku`" in str(told.value)
    monkeypatch.setenv("YOSOKU_BIN", str(tmp_path / "nothing"))
    with pytest.raises(yosoku.YosokuError, match="`YOSOKU_BIN` names it"):
        find_program()
