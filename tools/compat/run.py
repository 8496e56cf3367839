#!/usr/bin/env python3
"""Real clients against a broker: run.py --broker tidemill|kafka [name pattern]...

Each line is `ok|FAIL folder/test seconds`; the last one is `N passed, N failed`. Logs lie in
target/compat/runs/<broker>/<folder>.<test>/log.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Folders here are named after the clients, so this folder itself must not be an import root.
sys.path[0] = str(HERE.parent)

from compat.harness import broker, paths, runner  # noqa: E402
from compat.harness.context import Options  # noqa: E402

FOLDERS = ["kcat", "confluent_kafka", "kafka_python", "java_tools", "protocol", "own_tools",
           "hostile", "files", "kill", "serve"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", help="folder/test, globs or parts of names")
    parser.add_argument("--broker", choices=["tidemill", "kafka"], default="tidemill")
    parser.add_argument("--list", action="store_true", help="print the tests and stop")
    parser.add_argument("--full", action="store_true",
                        help="release sizes: 200 kill cycles, 1 GiB files, 60 s of hostile bytes")
    parser.add_argument("--matrix", action="store_true",
                        help="files: every program with every codec, partitions and shards")
    parser.add_argument("--cycles", type=int, help="kill -9 cycles")
    parser.add_argument("--mb", type=int, help="size of the files sent through, in MiB")
    parser.add_argument("--seconds", type=float, help="length of the hostile test")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--jobs", type=int, default=2, help="tests at once on a shared broker")
    parser.add_argument("--accept", action="store_true", help="add new passes to the pass lists")
    return parser.parse_args()


def main() -> int:
    if sys.prefix != str(paths.INSTALLED / "venv"):
        if not paths.VENV_PYTHON.exists():
            print(f"{paths.VENV_PYTHON} is missing: run scripts/setup", file=sys.stderr)
            return 1
        os.execv(paths.VENV_PYTHON, [str(paths.VENV_PYTHON), *sys.argv])
    args = arguments()
    for folder in FOLDERS:
        importlib.import_module(f"compat.{folder}.tests")
    options = Options(
        args.broker, args.matrix, args.cycles or (200 if args.full else 12),
        args.mb or (1024 if args.full else 64), args.seconds or (60.0 if args.full else 15.0),
        args.seed)
    tests = runner.select(args.patterns, args.broker)
    if args.list:
        print("\n".join(entry.full_name for entry in tests))
        return 0
    lack = broker.missing(args.broker)
    if lack:
        print(lack, file=sys.stderr)
        return 1
    print(f"compat: {len(tests)} tests against {args.broker}, seed {args.seed}", flush=True)
    first = [runner.own_unit_tests()]
    suite = runner.Runner(options, args.jobs)
    suite.run(tests)
    for outcome in first:
        suite.report(outcome)
    lost = runner.missing_listed(not args.patterns, args.broker)
    return runner.summary(suite.outcomes, lost, options, args.accept)


if __name__ == "__main__":
    sys.exit(main())
