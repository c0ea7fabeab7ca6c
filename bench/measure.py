"""Measures one whole process with all it starts: wall clock, processor time, memory at the peak.

    python3 bench/measure.py [--lock FILE] [--timeout S] -- COMMAND [ARGUMENT ...]

Prints one JSON object. A process of its own, which imports little: what a child takes at its peak is never less than what
its parent took when it started it.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
PROCESSORS = sorted(os.sched_getaffinity(0))[:2]
LIMITS = {
    "OMP_NUM_THREADS": str(len(PROCESSORS)),
    "OPENBLAS_NUM_THREADS": str(len(PROCESSORS)),
    "POLARS_MAX_THREADS": str(len(PROCESSORS)),
}


def machine_busy():
    """Seconds of processor that the whole machine has worked."""
    ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
    user, nice, system, _, _, interrupts, soft, _ = ticks
    return (user + nice + system + interrupts + soft) / TICK


def resident(root):
    """Bytes that a process and its descendants hold now."""
    children, sizes = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            fields = Path("/proc", name, "stat").read_text().rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(name))
            sizes[int(name)] = int(fields[21]) * PAGE
    total, left = 0, [root]
    while left:
        process = left.pop()
        total += sizes.get(process, 0)
        left += children.get(process, [])
    return total


class Watch(threading.Thread):
    """Looks at the memory of a process tree ten times a second, and ends what takes too long."""

    def __init__(self, process, timeout):
        super().__init__()
        self.process, self.deadline = process, time.monotonic() + timeout
        self.peak, self.late, self.over = 0, False, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            self.peak = max(self.peak, resident(self.process))
            if time.monotonic() > self.deadline:
                self.late = True
                os.killpg(self.process, signal.SIGKILL)
                return

    def stop(self):
        self.over.set()
        self.join()


def measured(command, timeout):
    busy, begin = machine_busy(), time.perf_counter()
    with open(os.devnull) as nothing:
        child = subprocess.Popen(
            command,
            stdin=nothing,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **LIMITS},
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, PROCESSORS),
        )
    watch = Watch(child.pid, timeout)
    watch.start()
    errors = child.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    watch.stop()
    processor = usage.ru_utime + usage.ru_stime
    return {
        "wall": wall,
        "processor": processor,
        # The largest process as the system accounts for it, or the whole tree as it was seen.
        "peak": max(usage.ru_maxrss * 1024, watch.peak) / 2**20,
        # Processors that others kept busy meanwhile: above 0.2, the wall clock is not to be trusted.
        "others": max(0.0, machine_busy() - busy - processor) / wall,
        "failure": f"took more than {timeout:.0f} s" if watch.late else errors[-400:] if child.returncode else None,
    }


def measure(command, lock=None, timeout=900.0):
    """Measures a command in a process of its own."""
    options = ["--timeout", str(timeout), *(["--lock", str(lock)] if lock else [])]
    arguments = [sys.executable, __file__, *options, "--", *map(str, command)]
    return json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", help="a file to hold locked meanwhile, for others who share the machine")
    parser.add_argument("--timeout", type=float, default=900, metavar="SECONDS")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with open(options.lock, "w") if options.lock else contextlib.nullcontext() as lock:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        print(json.dumps(measured(options.command, options.timeout)))


if __name__ == "__main__":
    main()
