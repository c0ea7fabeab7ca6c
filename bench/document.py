"""docs/benchmarks.md: each program that measures writes its own section, and leaves the others as they are."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from measure import PROCESSORS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `make bench`, `make bench-growth` and `make bench-quality`, each its own sections. Absolute times depend on the
machine and on what else it does; the ratios come from processes that took turns.
"""
# In the order of the document.
SECTIONS = ("inspecting", "training", "serving", "models", "batch", "growth", "quality")


def begin_of(name):
    return f"<!-- begin {name} -->"


def end_of(name):
    return f"<!-- end {name} -->"


def sections():
    """Texts of the sections that are there."""
    text, found = DOCUMENT.read_text() if DOCUMENT.exists() else "", {}
    for name in SECTIONS:
        _, begin, rest = text.partition(begin_of(name))
        section, end, _ = rest.partition(end_of(name))
        if begin and end:
            found[name] = section.strip()
    return found


def write_section(name, text):
    found = {**sections(), name: text.strip()}
    parts = [f"{begin_of(key)}\n{found[key]}\n{end_of(key)}\n" for key in SECTIONS if key in found]
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text("\n".join([HEAD, *parts]))


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def version_of(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def circumstances(program):
    """Where and when the figures were measured. To be asked for before anything is measured."""
    return (
        f"Measured on {datetime.date.today()} with {version_of(program)} on {processor()}, {len(PROCESSORS)} processors for "
        f"every process, {platform.system()} {platform.release()}; load average at the beginning {os.getloadavg()[0]:.1f}."
    )
