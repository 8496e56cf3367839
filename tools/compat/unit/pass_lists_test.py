"""Pass lists only grow: what any earlier commit listed is listed still."""

import subprocess
import unittest

from compat.harness import paths, runner


class PassLists(unittest.TestCase):
    def test_nothing_was_taken_out(self):
        done = subprocess.run(
            ["git", "log", "--format=", "-p", "--unified=0", "--no-renames", "--",
             "tools/compat/*/passes.txt"],
            cwd=paths.ROOT, capture_output=True, text=True, check=True)
        folder, removed = "", set()
        for line in done.stdout.splitlines():
            if line.startswith("--- "):
                folder = line.split("/")[-2] if line.endswith("passes.txt") else folder
            elif line.startswith("-"):
                removed.add((folder, line[1:].strip()))
        gone = [f"{folder}/{name}" for folder, name in sorted(removed)
                if name and not name.startswith("#") and name not in runner.pass_list(folder)]
        self.assertEqual(gone, [])

    def test_no_name_twice(self):
        for path in paths.COMPAT.glob("*/passes.txt"):
            names = runner.pass_list(path.parent.name)
            self.assertEqual(len(names), len(set(names)), path)


if __name__ == "__main__":
    unittest.main()
