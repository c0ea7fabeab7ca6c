"""Makes a Python environment with the packages of bench/requirements.txt, when there is none yet, and prints its interpreter.

    python3 bench/environment.py

A package that cannot be installed here is left out with a word of it; what needs it is then left out of the tables.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "target" / "bench" / "environment"
WANTED = ROOT / "bench" / "requirements.txt"


def install(python, *what):
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    return subprocess.run(command, stdout=sys.stderr, cwd=WANTED.parent).returncode == 0


def environment():
    """The interpreter."""
    text, python, stamp = WANTED.read_text(), HOME / "bin" / "python", HOME / "installed.txt"
    if stamp.exists() and stamp.read_text() == text:
        return python
    venv.create(HOME, with_pip=True, clear=True)
    if not install(python, "-r", WANTED):
        for line in text.splitlines():
            if not install(python, *line.split()):
                print(f"left out: {line}", file=sys.stderr)
    stamp.write_text(text)
    return python


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(environment())


if __name__ == "__main__":
    main()
