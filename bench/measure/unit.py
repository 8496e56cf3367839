"""Tests of the parts that need no broker. Run by `cargo test -p bench`, or by hand:
python3 bench/measure/unit.py"""

import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(BENCH), str(BENCH.parent / "tools")]

from measure import (
    brokers, clients, gates, lives, load, main, metrics, page, rdkafka, results, soak, stats, svg,
    table)
from measure.summary import summarise
from measure.workloads import ROWS, topics

HEAD = {"name": "unit", "form": "short", "complete": True, "brokers": ["kafka", "tidemill"],
        "blocks": 3, "machine": {"cpu": "<any>"}, "options": {}, "commands": {}, "notes": [],
        "rows": ["W3a"], "seconds": 1.0}


def measured(total_s: float, requests: int = 100_000, **more) -> dict:
    cpu = {"broker": {"total_s": total_s, "resident_bytes": 1 << 20, "waits": 5,
                      "threads": {"shard": total_s}}, "client_s": 0.5,
           "kernel_threads_s": 0.0, "kernel_threads": {}, "core_busy_s": total_s,
           "core_steal_s": 0.0, "client_core_busy_s": 0.5, "client_core_steal_s": 0.0}
    latency = {"count": 100, "p50_us": 50.0, "p99_us": 90.0, "p999_us": 99.0, "max_us": 100.0,
               "buckets": [[50_000, 98], [90_000, 2]]}
    intervals = [{"end_s": 0.1 * part, "requests": 10, "bytes": 1, "p50_us": 50.0,
                  "p99_us": 90.0, "max_us": 99.0} for part in range(1, 21)]
    return {"seconds": 2.0, "requests": requests, "records": requests, "bytes": 10_000_000,
            "latency": latency, "cpu": cpu, "intervals": intervals, **more}


def windows(kafka=(9.0, 8.0, 10.0), tidemill=(4.0, 4.0, 5.0), control=(3.0, 3.0, 3.0)) -> list:
    return [{"row": "W3a", "broker": kind, "block": block, "measured": measured(cost),
             "noise": []}
            for kind, costs in (("kafka", kafka), ("tidemill", tidemill), ("control", control))
            for block, cost in enumerate(costs, 1)]


def first_row(found: list, head=None):
    row = next(row for row in ROWS if row.id == "W3a")
    return summarise(row, found, head or HEAD)


class Clients(unittest.TestCase):
    def test_the_tools_are_understood(self):
        found = clients.produced(
            "100 records sent, 50.0 records/sec (0.05 MB/sec), 9.0 ms avg latency, 9.0 ms max "
            "latency, 1 ms 50th, 2 ms 95th, 3 ms 99th, 4 ms 99.9th.\n"
            "500 records sent, 250.0 records/sec (0.25 MB/sec), 1.0 ms avg latency, 8.0 ms max "
            "latency, 1 ms 50th, 2 ms 95th, 3 ms 99th, 4 ms 99.9th.\n")
        self.assertEqual((found["records"], found["seconds"]), (500, 2.0))
        self.assertEqual(found["latency"]["p99_us"], 3000.0)
        found = clients.consumed(
            "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec\n"
            "2026-11-24 10:00:00:000, 2026-11-24 10:00:02:000, 100.0, 50.0, 102400, 51200.0\n")
        self.assertEqual((found["records"], found["seconds"]), (102400, 2.0))
        self.assertEqual(found["bytes"], 100 << 20)
        found = rdkafka.produced(
            "% 500000 messages produced (512000000 bytes), 500000 delivered (offset 83333, 0 "
            "failed) in 2000ms: 250000 msgs/s and 256.00 MB/s, 0 produce failures, 0 in queue, "
            "no compression\n")
        self.assertEqual((found["records"], found["seconds"], found["bytes"]),
                         (500_000, 2.0, 512_000_000))
        with self.assertRaisesRegex(load.LoadError, "7 of 9 records were lost"):
            rdkafka.produced("% 9 messages produced (9 bytes), 2 delivered (offset -1, 7 failed) "
                             "in 5ms: 1 msgs/s and 0.00 MB/s, 0 produce failures, 0 in queue")
        found = rdkafka.consumed(
            "% 600000 messages (614400000 bytes) consumed in 1500ms: 400000 msgs/s (409.60 MB/s)")
        self.assertEqual((found["records"], found["seconds"]), (600_000, 1.5))
        for read in (clients.produced, clients.consumed, rdkafka.produced, rdkafka.consumed):
            with self.assertRaises(load.LoadError):
                read("java: not found")


class Statistics(unittest.TestCase):
    def test_medians_and_intervals(self):
        self.assertEqual(stats.median([3.0, 1.0, 2.0, 4.0]), 2.5)
        self.assertEqual(stats.interval([2.0]), (2.0, 2.0))
        self.assertEqual(stats.interval([2.0, 2.5, 3.0]), (2.0, 3.0))
        low, high = stats.interval([1.0 + 0.01 * part for part in range(40)])
        self.assertTrue(1.0 < low < 1.2 < high < 1.39, (low, high))

    def test_histograms_are_merged(self):
        merged = stats.merge([[[100, 1], [200, 1]], [[100, 7], [900, 1]]])
        self.assertEqual(merged, [(100, 8), (200, 1), (900, 1)])
        self.assertEqual(stats.quantile_us(merged, 0.5), 0.1)
        self.assertEqual(stats.quantile_us(merged, 1.0), 0.9)
        self.assertIsNone(stats.quantile_us([], 0.5))


class Gates(unittest.TestCase):
    def noise(self, **changes) -> list[str]:
        found = measured(1.0)
        for key, value in changes.items():
            (found if key in found or key == "clock_step_ms" else found["cpu"])[key] = value
        return gates.noise(found)

    def test_a_loud_machine_and_an_unsteady_cost(self):
        tries = [{"p999_us": 900.0}, {"p999_us": 350.0}]
        self.assertEqual(gates.loud(tries),
                         "null round trip p99.9 of 350 us before it, above 300")
        self.assertIsNone(gates.loud([*tries, {"p999_us": 300.0}]))
        self.assertFalse(gates.is_steady([1.0] * 5))
        self.assertTrue(gates.is_steady([9.0, 4.0, 2.0, 1.01, 1.0, 1.0]))
        self.assertFalse(gates.is_steady([1.0, 1.0, 1.0, 1.0, 1.0, 1.03]))

    def test_a_quiet_window_passes(self):
        self.assertEqual(self.noise(), [])

    def test_each_kind_of_noise_is_named(self):
        self.assertEqual(self.noise(core_steal_s=0.1), ["5% of the broker's core was stolen"])
        self.assertEqual(self.noise(client_core_steal_s=0.2),
                         ["10% of the load's core was stolen"])
        self.assertEqual(self.noise(core_busy_s=2.0), ["others had 50% of the broker's core"])
        self.assertEqual(self.noise(client_core_busy_s=1.5), ["others had 50% of the load's core"])
        self.assertEqual(self.noise(clock_step_ms=-3000.0), ["the clock stepped by -3000 ms"])

    def test_limits_are_told(self):
        found = measured(1.0, offered_per_s=100_000.0)
        found["cpu"]["client_s"] = 1.95
        self.assertEqual(gates.remarks(found), ["only 50% of the rate"])
        self.assertEqual(gates.remarks({**found, "offered_per_s": None}), ["client-bound"])
        self.assertIsNone(gates.drift([1.0, 1.05, 0.98]))
        self.assertEqual(gates.drift([1.0, 1.0, 1.5]), "its control loop drifted by 50%")


class Summaries(unittest.TestCase):
    def test_pairs_lie_in_one_block(self):
        line = first_row(windows()).lines[0]
        self.assertEqual((line.ratio, line.low, line.high), (2.0, 2.0, 2.25))
        self.assertEqual((line.blocks, line.verdict), (3, "floor"))
        self.assertEqual(line.values, {"kafka": 90.0, "tidemill": 40.0})

    def test_kafka_at_its_best_is_one_of_those_that_ran(self):
        head = {**HEAD, "brokers": ["kafka", "kafka-serial", "tidemill"]}
        found = windows()
        found += [{**window, "broker": "kafka-serial",
                   "measured": measured(window["measured"]["cpu"]["broker"]["total_s"] - 2)}
                  for window in found if window["broker"] == "kafka"]
        best = first_row(found, head).best
        self.assertEqual([kind for kind, _ in best], ["kafka-serial", "kafka"])
        self.assertEqual((best[0][1].values["kafka-serial"], best[0][1].ratio), (70.0, 1.6))
        text = table.best([first_row(found, head)], head)
        self.assertIn("| W3a | CPU us/request | 90.0 | 70.0 | serial | 40.0 | 1.60", text)
        self.assertEqual(table.best([first_row(windows())], HEAD), "")

    def test_losing_is_said(self):
        found = first_row(windows(tidemill=(18.0, 16.0, 20.0)))
        self.assertEqual(found.lines[0].verdict, "behind")
        self.assertAlmostEqual(found.limit_part, 3.0 / 18.0)

    def test_holes_and_noise_are_marked(self):
        self.assertTrue(first_row(windows()).is_whole)
        self.assertEqual(first_row(windows()[1:]).marks, ["2 of 3 windows of kafka"])
        broken = windows()
        broken[0]["failure"] = "the broker closed a connection"
        self.assertEqual(first_row(broken).marks, ["2 of 3 windows of kafka"])
        self.assertEqual(first_row(broken).lines[0].blocks, 2)
        noisy = windows()
        noisy[3]["noise"] = ["steal"]
        self.assertEqual(first_row(noisy).marks, ["noisy: 1 of 9 windows"])
        drifted = first_row(windows(control=(3.0, 3.0, 4.0)))
        self.assertEqual(drifted.marks, ["its control loop drifted by 33%"])
        nothing = first_row([])
        self.assertEqual(nothing.lines[0].verdict, "no result")
        self.assertFalse(nothing.is_whole)

    def test_the_table_has_a_line_for_each_figure(self):
        text = table.render([first_row(windows())], HEAD).splitlines()
        self.assertEqual(len(text), 4)
        self.assertEqual(text[2], "| W3a | one 100 B record, acks=1, 1 connection, depth 1 "
                         "| CPU us/request | 90.0 | 40.0 | 2.00 (2.00 to 2.25) | 2.2 (1.6) "
                         "| null 30.0, 75% of 75% | floor |  |")


class Readme(unittest.TestCase):
    def test_its_table_comes_from_the_results_that_it_names(self):
        text = (BENCH.parent / "README.md").read_text()
        found = re.search(r"<!-- scripts/bench report (\S+) --readme -->\n(.*?)\n<!-- end -->",
                          text, re.DOTALL)
        self.assertIsNotNone(found, "the README lacks its table")
        self.assertEqual(found.group(2) + "\n", main.readme(BENCH.parent / found.group(1)))

    def test_marks_are_starred(self):
        self.assertNotIn("*", table.readme([first_row(windows())], HEAD))
        marked = table.readme([first_row(windows()[1:])], HEAD).splitlines()
        self.assertIn("1 connection, depth 1 \\* | CPU us/request | 40.0 | ", marked[2])
        self.assertIn("marks of the run", marked[-1])


class Pages(unittest.TestCase):
    def test_a_page_needs_nothing_else(self):
        found = windows()
        text = page.render([first_row(found)], HEAD, found)
        self.assertEqual(re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"|@import|url\(", text), [])
        self.assertEqual(text.count("<svg"), 4)
        self.assertNotIn("<any>", text.split("<script")[0])
        raw = re.search(r'id="data">(.*)</script>', text).group(1)
        self.assertEqual(json.loads(raw)["windows"], found)

    def test_a_part_says_so(self):
        head = {**HEAD, "complete": False}
        text = page.render([first_row(windows()[1:], head)], head, [])
        self.assertIn("did not come to its end", text)
        self.assertIn("Not to be trusted as they stand, see their marks: W3a", text)

    def test_axes(self):
        axis = svg.log_axis([30.0, 4000.0], svg.time_unit)
        self.assertEqual([label for _, label in axis.ticks], ["10 us", "100 us", "1 ms", "10 ms"])
        self.assertAlmostEqual(svg.tail_axis().place(0.99), 0.5)
        self.assertEqual(svg.linear_axis([7.0], str).ticks[-1][0], 8)


class Ways(unittest.TestCase):
    def test_kafka_is_run_in_named_ways(self):
        self.assertEqual(brokers.Variant.parse("kafka"), brokers.Variant("1g", "g1", "many"))
        self.assertEqual(brokers.Variant.parse("kafka-2g-parallel-few"),
                         brokers.Variant("2g", "parallel", "few"))
        with self.assertRaisesRegex(SystemExit, "'zgc' is none of 1g"):
            main.parse(["--brokers", "kafka-zgc"])
        best = main.parse(["best"])
        self.assertEqual((best.words, best.name, best.brokers[0], best.brokers[-1]),
                         (["W1a", "W3c", "W3f"], "best", "kafka", "tidemill"))

    def test_retention_that_is_not_at_work_is_told(self):
        row = next(row for row in main.KNOWN if row.kind == "soak")
        limit = row.topic.partitions * int(row.topic.configs["retention.bytes"])
        self.assertEqual(soak.kept(limit, limit, row), [])
        self.assertEqual(soak.kept(limit, 4 * limit, row), [])
        self.assertEqual(soak.kept(3 * limit, 4 * limit, row),
                         ["only 25% of what was written was deleted"])
        with tempfile.TemporaryDirectory() as folder:
            for name, size in (("loaded-0", 3), ("loaded-12", 4), ("other-0", 5)):
                (Path(folder) / "data" / name).mkdir(parents=True)
                (Path(folder) / "data" / name / "0.log").write_bytes(bytes(size))
            self.assertEqual(soak.stored_bytes(Path(folder), "loaded"), 7)

    def test_resident_memory_for_a_connection_is_what_they_added(self):
        memory = {"connections": 4, "resident_before_bytes": 1 << 20,
                  "resident_held_bytes": (1 << 20) + (8 << 10)}
        self.assertEqual(metrics.value("rss_connection", measured(1.0, memory=memory)), 2.0)
        self.assertIsNone(metrics.value("rss_connection", measured(1.0)))


class CommandLine(unittest.TestCase):
    def test_rows_are_chosen_by_id_and_workload(self):
        self.assertEqual([row.id for row in main.chosen(["W3", "W14b"])],
                         ["W3a", "W3b", "W3c", "W3e", "W3f", "W3d", "W3g", "W3h", "W14b"])
        self.assertEqual(len(main.chosen([])), len(ROWS) + len(lives.ROWS))
        with self.assertRaisesRegex(SystemExit, "no workload W99"):
            main.chosen(["W99"])

    def test_forms(self):
        self.assertEqual(main.parse([]).seconds, main.FORMS["short"]["seconds"])
        full = main.parse(["full", "W1"])
        self.assertEqual((full.seconds, full.words, full.name), (60.0, ["W1"], "full"))
        peer = main.parse(["--peer", "h:1"])
        self.assertEqual(peer.brokers, ["peer"])
        with self.assertRaises(SystemExit):
            main.parse(["--brokers", "redpanda"])
        with contextlib.redirect_stdout(io.StringIO()):
            rows = main.possible(peer, main.chosen(["W3a", "W15", "R1"]))
        self.assertEqual([row.id for row in rows], ["W3a"])

    def test_workloads_are_sound(self):
        names = [row.id for row in main.KNOWN]
        self.assertEqual(len(names), len(set(names)))
        for row in main.KNOWN:
            for compare in row.compare:
                self.assertIn(compare.metric, metrics.METRICS)
        self.assertEqual(len({topic.name for topic in topics(ROWS)}), len(topics(ROWS)))


class Files(unittest.TestCase):
    def test_results_are_kept_from_the_first_window_on(self):
        with tempfile.TemporaryDirectory() as folder:
            kept = results.Results("unit", "short", Path(folder))
            kept.head.update(brokers=["kafka"], blocks=1)
            kept.add(windows()[0])
            found = results.read(kept.path)
            self.assertEqual((found["complete"], len(found["windows"])), (False, 1))
            del kept.head["brokers"]
            kept.write()
            with self.assertRaisesRegex(SystemExit, "it lacks brokers"):
                results.read(kept.path)
            with self.assertRaisesRegex(SystemExit, "nothing.json"):
                results.read(Path(folder) / "nothing.json")

    def test_a_failed_load_says_why_and_keeps_its_figures(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "bench"
            script.write_text("#!/bin/sh\necho '{\"seconds\": 1}'\necho 'bench: it broke' >&2\n"
                              "exit 1\n")
            script.chmod(0o755)
            place = load.Place(0, 0, None, Path(folder))
            before, load.binary = load.binary, lambda: script
            try:
                with self.assertRaisesRegex(load.LoadError, "it broke") as caught:
                    load.run(place, ["produce"], 10.0)
                self.assertEqual(caught.exception.measured, {"seconds": 1})
                before_limit, load.DISK_FREE_MIN = load.DISK_FREE_MIN, 1 << 62
                try:
                    with self.assertRaisesRegex(load.LoadError, "is full: .* MiB are left"):
                        load.run(place, ["produce"], 10.0)
                finally:
                    load.DISK_FREE_MIN = before_limit
            finally:
                load.binary = before


if __name__ == "__main__":
    found = unittest.defaultTestLoader.discover(str(BENCH / "measure"), "unit*.py", str(BENCH))
    sys.exit(not unittest.TextTestRunner().run(found).wasSuccessful())
