"""Runs the harness's own unit tests with any Python 3.11: the checker must catch what it is for."""

import sys
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent
sys.path[0] = str(TOOLS)


def main() -> int:
    suite = unittest.TestSuite()
    for path in sorted(Path(__file__).parent.glob("*_test.py")):
        suite.addTests(unittest.defaultTestLoader.loadTestsFromName(f"compat.unit.{path.stem}"))
    result = unittest.TextTestRunner(verbosity=0).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
