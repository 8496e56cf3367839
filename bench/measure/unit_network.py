"""Tests of the network of a run: what is charged over it, what it refuses, that it leaves nothing."""

import copy
import os
import unittest
from unittest import mock

from measure import gates, main, metrics, network
from measure.summary import summarise
from measure.unit import HEAD, first_row, measured, windows
from measure.workloads import ROWS


def over_veth(**changes) -> dict:
    """A window in which the broker had half a second of two, and its core worked a bit more."""
    found = {**measured(0.5), "network": "veth"}
    found["cpu"] = {**found["cpu"], "kernel_threads_s": 0.1, "client_kernel_threads_s": 0.04,
                    "core_used_s": 0.8, "core_busy_s": 0.8, "core_softirq_s": 0.3,
                    "client_core_softirq_s": 0.0, **changes}
    return found


def workers() -> str | None:
    return network.WORKERS.read_text() if network.WORKERS.exists() else None


class Charges(unittest.TestCase):
    def check(self, expected: float, **changes) -> None:
        self.assertAlmostEqual(metrics.cpu_s(over_veth(**changes)), expected)

    def test_receive_work_that_belongs_to_no_thread_is_the_brokers(self):
        self.check(0.8)

    def test_threads_of_the_loads_core_are_not(self):
        self.check(0.56, core_used_s=0.4)

    def test_others_on_the_core_are_not_taken_for_receive_work(self):
        self.check(0.86, core_used_s=1.9)

    def test_on_loopback_threads_are_all(self):
        found = over_veth()
        del found["network"]
        self.assertAlmostEqual(metrics.cpu_s(found), 0.6)

    def test_soft_interrupts_are_no_noise(self):
        self.assertEqual(gates.noise(over_veth()), [])
        self.assertIn("others had 65% of the broker's core",
                      gates.noise(over_veth(core_busy_s=2.2)))
        found = over_veth(client_core_busy_s=1.1)
        self.assertIn("others had 25% of the load's core", gates.noise(found))
        self.assertEqual(gates.noise(over_veth(client_core_busy_s=1.1,
                                               client_core_softirq_s=0.3)), [])


class Chosen(unittest.TestCase):
    def test_without_root_or_the_command_it_says_so(self):
        with mock.patch.object(network.os, "geteuid", return_value=1000):
            self.assertIn("only root", network.refusal())
        with mock.patch.object(network.os, "geteuid", return_value=0), \
                mock.patch.object(network.shutil, "which", return_value=None):
            self.assertIn("iproute2", network.refusal())

    def test_what_it_cannot_be_combined_with(self):
        for words in (["--network", "veth", "parity"],
                      ["--network", "veth", "--peer", "127.0.0.1:1", "W3a"],
                      ["--network", "veth", "--client-core", "0", "W3a"]):
            with self.assertRaises(SystemExit) as refused, \
                    mock.patch.object(network, "refusal", return_value=None):
                with network.chosen(main.parse(words)):
                    pass
            self.assertTrue(str(refused.exception).startswith("bench: "), words)

    def test_loopback_is_the_usual(self):
        with network.chosen(main.parse(["W3a"])) as found:
            self.assertIs(found, network.LOOPBACK)

    @unittest.skipIf(network.refusal(), "needs root and the command ip")
    def test_nothing_is_left(self):
        before = workers()
        try:
            with network.chosen(main.parse(["--network", "veth", "W3a"])) as found:
                self.assertIn(f"{network.NAMESPACE}{os.getpid()}", network.ip("netns", "list"))
                self.assertIs(network.current(), found)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        except SystemExit as refused:
            # Root of a container may not: then it must have said so, and left nothing either.
            self.assertRegex(str(refused), "not permitted|Read-only|denied")
        self.assertNotIn(f"{network.NAMESPACE}{os.getpid()}", network.ip("netns", "list"))
        self.assertNotIn(f"tmc{os.getpid()}", network.ip("link"))
        self.assertEqual(workers(), before)
        self.assertIs(network.current(), network.LOOPBACK)


class Both(unittest.TestCase):
    def test_the_worse_is_named(self):
        row = next(row for row in ROWS if row.id == "W3a")
        here = [first_row(windows())]
        there = [summarise(row, windows(tidemill=(8.0, 8.0, 8.0)), HEAD)]
        table = network.beside(here, there).splitlines()
        self.assertEqual(len(table), 4)
        self.assertTrue(table[2].endswith("| veth |"), table[2])
        alone = copy.deepcopy(here)
        alone[0].lines[0].ratio = None
        self.assertTrue(network.beside(alone, there).splitlines()[2].endswith("| veth |"))
