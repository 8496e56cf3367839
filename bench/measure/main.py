"""The command line of scripts/bench."""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

from compat.harness import paths

from measure import (
    brokers, clients, lives, load, machine, network, page, parity, rdkafka, results, schedule, soak,
    table)
from measure.summary import Summary, summarise
from measure.workloads import ROWS, Row

PARTIAL = 3
FORMS = {
    # Seconds of a window, blocks, seconds of load on a JVM before all, limit of a run, and of
    # windows measured again; of the windows in which a row warms up until its cost is steady, and
    # of a soak; 0 is without.
    "short": {"seconds": 1.5, "blocks": 3, "warm_up": 0.4, "jvm_warm_up": 24.0, "limit": 1320.0,
              "retry_seconds": 90.0, "retries": 1, "steady": 0.0, "soak": 0.0},
    "full": {"seconds": 60.0, "blocks": 5, "warm_up": 10.0, "jvm_warm_up": 180.0,
             "limit": 30 * 3600.0, "retry_seconds": 3600.0, "retries": 3, "steady": 10.0,
             "soak": 1800.0},
}
BEST_ROWS = ["W1a", "W3c", "W3f"]


def workload_number(row: Row) -> tuple[str, int]:
    """W3 before W12, real clients last."""
    return "RW".index(row.id[0]) * -1, int("".join(filter(str.isdigit, row.id)))


KNOWN = sorted([*ROWS, *lives.ROWS], key=workload_number)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=(
        "Measures Tidemill beside Apache Kafka and the least that is possible, on this machine. "
        "See docs/MEASUREMENTS.md."))
    parser.add_argument("what", nargs="*", metavar="full | best | parity | report FILE | W1 W3 ...",
                        help="nothing: the short form of all; full: the long form; some rows; "
                             "best: some rows with Kafka's heap, collector and threads varied; "
                             "parity: kill both brokers and look what they kept; report: the "
                             "table and page of a results file")
    parser.add_argument("--name", help="of the results file; the form unless told")
    parser.add_argument("--peer", metavar="HOST:PORT", help="any broker at an address, in place "
                        "of Kafka and Tidemill unless --brokers names them too")
    parser.add_argument("--peer-pid", type=int, help="its process, if it runs here")
    parser.add_argument("--brokers", type=lambda text: text.split(","),
                        help="of kafka,tidemill,peer; kafka-2g-parallel-few and the like are "
                             "Kafka with another heap, collector, number of threads")
    parser.add_argument("--no-controls", dest="controls", action="store_false",
                        help="without the control loops")
    parser.add_argument("--blocks", type=int)
    parser.add_argument("--seconds", type=float, help="of a window")
    parser.add_argument("--steady", type=float, help="seconds of the windows in which each row "
                        "warms up until three of them cost the same; 0: no such warm-up")
    parser.add_argument("--soak", type=float, help="seconds of the soak W9b")
    parser.add_argument("--readme", action="store_true", help="report: the short table")
    parser.add_argument("--warm-up", type=float, help="seconds before each window")
    parser.add_argument("--jvm-warm-up", type=float, help="seconds of load on Kafka before all")
    parser.add_argument("--limit", type=float, help="seconds after which no window is started")
    parser.add_argument("--retries", type=int, help="of a window that was not quiet")
    parser.add_argument("--retry-seconds", type=float, help="for all of those")
    parser.add_argument("--network", choices=network.NAMES, default="loopback",
                        help="veth: brokers in a network namespace, where they pay for what they "
                             "receive (root); both: one after the other, and the worse named")
    parser.add_argument("--memory", type=int, default=4096, help="MiB for each broker")
    parser.add_argument("--core", type=int, default=0, help="of the brokers")
    parser.add_argument("--client-core", type=int, default=1, help="of the load")
    parser.add_argument("--data", type=Path, default=paths.ROOT / "target" / "bench",
                        help="folder for the brokers' data, emptied before and after")
    parser.add_argument("--results", type=Path, help="folder for what is found; bench/results")
    options = parser.parse_args(words)
    return complete(options)


def complete(options: argparse.Namespace) -> argparse.Namespace:
    words = list(options.what)
    options.form = "full" if "full" in words else "short"
    words = [word for word in words if word != "full"]
    options.action = words.pop(0) if words and words[0] in ("best", "parity", "report") else "run"
    options.words = words
    if options.action == "best":
        options.words = words or BEST_ROWS
        options.brokers = options.brokers or [*brokers.VARIANTS, "tidemill"]
    for key, value in FORMS[options.form].items():
        if getattr(options, key) is None:
            setattr(options, key, value)
    if options.brokers is None:
        options.brokers = ["peer"] if options.peer else ["kafka", "tidemill"]
    unknown = {brokers.family(kind) for kind in options.brokers} - {"kafka", "tidemill", "peer"}
    for kind in options.brokers:
        if kind.startswith("kafka"):
            brokers.Variant.parse(kind)
    if unknown or ("peer" in options.brokers) != bool(options.peer):
        raise SystemExit(f"bench: unknown brokers {sorted(unknown)}, or a peer without --peer")
    if options.action == "parity" and options.network != "loopback":
        raise SystemExit("bench: what a kill leaves depends on no network: parity takes none")
    options.name = options.name or {"run": options.form}.get(options.action, options.action)
    return options


def chosen(words: list[str]) -> list[Row]:
    """Rows whose id or workload is named: W3 is all of W3a to W3f."""
    rows = [row for row in KNOWN if not words or row.id in words or row.workload in words]
    names = {row.id for row in KNOWN} | {row.workload for row in KNOWN}
    unknown = [word for word in words if word not in names]
    if unknown:
        raise SystemExit(f"bench: there is no workload {', '.join(unknown)}; "
                         f"there are {', '.join(row.id for row in KNOWN)}")
    return rows


def summaries(head: dict, windows: list[dict]) -> list[Summary]:
    known = {row.id: row for row in KNOWN}
    return [summarise(known[row], windows, head) for row in head["rows"] if row in known]


def report(path: Path) -> list[Summary]:
    """Prints the table of a results file and writes its page beside it."""
    head = results.read(path)
    windows = head.pop("windows")
    found = summaries(head, windows)
    if not head["complete"]:
        print("PARTIAL: this run did not come to its end\n")
    print(table.render(found, head))
    print(table.best(found, head), end="")
    target = path.with_suffix(".html")
    target.write_text(page.render(found, head, windows))
    print(f"bench: {path}, {target}", flush=True)
    return found


def readme(path: Path) -> str:
    """The README's table: what a results file says of some rows."""
    head = results.read(path)
    windows = head.pop("windows")
    return table.readme(summaries(head, windows), head)


def command(row: Row) -> str:
    if row.kind in clients.READERS:
        return f"{row.kind.split()[0]} {row.arguments}"
    kind = "fetch" if row.kind == "fetch" else "produce"
    return (f"bench {kind} --topic {row.topic.name} --partitions {row.topic.partitions} "
            f"{row.arguments}")


def blocks(options, row: Row) -> int:
    """In the short form JVMs and ten thousand partitions take too long to start."""
    if row.kind == "soak":
        return soak.PARTS
    if options.form == "full":
        return options.blocks
    return min(options.blocks, row.blocks or options.blocks)


def possible(options: argparse.Namespace, rows: list[Row]) -> list[Row]:
    """A peer is not started, killed or looked into, and a soak takes its time."""
    left = [row for row in rows if row.kind != "soak" or options.soak > 0]
    if len(left) < len(rows) and options.words:
        print("bench: W9b belongs to the long form, or to --soak SECONDS", flush=True)
    if set(options.brokers) == {"peer"}:
        own = [row for row in left if row not in lives.ROWS
               and (row.kind in ("produce", "fetch", "soak") or options.peer_pid)]
        if len(own) < len(left):
            out = ", ".join(row.id for row in left if row not in own)
            print(f"bench: a peer is only talked to: without {out}", flush=True)
        left = own
    if not left:
        raise SystemExit("bench: nothing is left to be measured")
    return left


def run(options: argparse.Namespace) -> int:
    if options.network == "both":
        return network.both(options, measure)
    return measure(options)[0]


def measure(options: argparse.Namespace) -> tuple[int, list[Summary]]:
    with network.chosen(options) as chosen_network:
        return measure_over(options, chosen_network)


def measure_over(options: argparse.Namespace,
                 chosen_network: network.Network) -> tuple[int, list[Summary]]:
    rows = possible(options, chosen(options.words))
    kept = results.Results(options.name, options.form, options.results)
    kept.head["rows"] = [row.id for row in rows]
    kept.head["brokers"] = options.brokers
    kept.head["blocks"] = options.blocks
    kept.head["options"] = {key: str(value) for key, value in vars(options).items()}
    kept.head["row_blocks"] = {row.id: blocks(options, row) for row in rows}
    kept.head.update(missing={}, null_round_trips={}, warm_ups={})
    if options.steady <= 0:
        kept.remark(f"short form: each window has {options.warm_up:g} s of its load before it, "
                    "steady or not")
    kept.remark(chosen_network.note)
    loads = [row for row in rows if row not in lives.ROWS]
    others = [row for row in rows if row in lives.ROWS]
    shutil.rmtree(options.data, ignore_errors=True)
    options.data.mkdir(parents=True)
    kept.head["machine"] = {**machine.note(options.data), "load_before": machine.load()}
    for row in rows:
        if row.arguments:
            kept.head["commands"][row.id] = command(row)
    try:
        if loads:
            session = schedule.Session(options, loads, kept)
            try:
                session.start()
                session.run()
            finally:
                session.end()
        if others:
            lives.run(options, others, kept)
        kept.head["complete"] = True
    except load.FAILURES as error:
        kept.remark(f"the run ends here: {error}")
    except KeyboardInterrupt:
        kept.remark("the run was interrupted")
        options.interrupted = True
    finally:
        shutil.rmtree(options.data, ignore_errors=True)
        kept.head["machine"]["load_after"] = machine.load()
        kept.write()
    found = report(kept.path)
    print(f"bench: {len(kept.windows)} windows in {kept.head['seconds']:.0f} s", flush=True)
    bad = [summary.row.id for summary in found if not summary.is_whole]
    if bad or not kept.head["complete"]:
        print(f"bench: not to be trusted, see the marks: {', '.join(bad) or 'the whole run'}",
              flush=True)
        return PARTIAL, found
    return 0, found


def build() -> None:
    """What a fresh clone lacks. Builds that are named by TIDEMILL and BENCH are used as they
    are."""
    subprocess.run([str(paths.ROOT / "scripts" / "setup")], check=True)
    packages = [name for name, variable in (("tidemill", "TIDEMILL"), ("bench", "BENCH"))
                if variable not in os.environ]
    for name in packages:
        subprocess.run(["cargo", "build", "--release", "--locked", "-p", name], check=True,
                       cwd=paths.ROOT)


def main() -> int:
    options = parse()
    if options.action == "report":
        if len(options.words) != 1:
            raise SystemExit("bench: report takes one results file")
        if options.readme:
            print(readme(Path(options.words[0])), end="")
            return 0
        return 0 if all(summary.is_whole for summary in report(Path(options.words[0]))) else PARTIAL
    try:
        build()
        if options.action != "parity" and any(
                row.kind.startswith("rdkafka") for row in chosen(options.words)):
            rdkafka.build()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"bench: set-up failed: {error}") from error
    if options.action == "parity":
        return parity.run(options)
    return run(options)
