"""Tries real-time serving from outside, rule by rule, with nothing but the standard library.

    python3 tests/clients/run.py [PROGRAM] [--only TEXT]... [--slow N] [--list] [--keep] [--verbose]

PROGRAM is the built program (default: YOSOKU of the environment, or target/release/yosoku). Servers are started on free
ports with homes in a temporary folder. The last line says `N passed, M failed`; the exit code is 1 if any failed.
"""

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import Context, default_program, raise_file_limit, rules_of, run  # noqa: E402

AREAS = ["answers", "values", "csv_bodies", "bad_input", "parity", "mlflow", "sagemaker", "open_inference", "metrics",
         "families", "transport", "hostile"]


def main(rules, description):
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("program", nargs="?", default=default_program())
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="rules whose name contains this")
    parser.add_argument("--slow", type=int, default=200, metavar="N", help="slow connections at once, such as 1000")
    parser.add_argument("--list", action="store_true", help="print the names of the rules and end")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    parser.add_argument("--verbose", action="store_true", help="print where a rule failed")
    options = parser.parse_args()
    if options.list:
        print("\n".join(name for name, _ in rules))
        return 0
    raise_file_limit(options.slow * 2 + 500)
    context = Context(options.program, options.slow)
    try:
        return run(context, rules, options.only, options.verbose)
    finally:
        context.end(options.keep)


if __name__ == "__main__":
    modules = [importlib.import_module(f"rules.{area}") for area in AREAS]
    sys.exit(main([rule for module in modules for rule in rules_of(module)], __doc__))
