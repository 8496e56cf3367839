"""Over which network the load comes. On loopback the sender's thread does the receiver's protocol
work. `veth` puts the brokers and control loops into a network namespace of their own, at the other
end of a pair of virtual Ethernet devices, and steers what each end receives to the core of who
receives it (RPS), as a network card's interrupts would: each side pays for its own receive."""

import contextlib
import copy
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import metrics
from measure.summary import Line, Summary
from measure.table import number, ratio

NAMES = ("loopback", "veth", "both")
NAMESPACE = "tidemill-bench-"
WORKERS = Path("/sys/devices/virtual/workqueue/cpumask")


@dataclass(frozen=True)
class Network:
    """Where brokers are started and reached."""

    name: str
    host: str
    prefix: tuple[str, ...]
    note: str


LOOPBACK = Network("loopback", "127.0.0.1", (), "the network is loopback: each side's receive work "
                   "is done, and paid, by who sends")
_current = LOOPBACK


def current() -> Network:
    """The network of this run; one at a time, for it belongs to the machine."""
    return _current


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def refusal() -> str | None:
    """Why this machine can't have the network, if so."""
    if os.geteuid() != 0:
        return "--network veth makes a network namespace, which only root may do"
    if shutil.which("ip") is None:
        return "--network veth needs the command ip (Debian: iproute2)"
    return None


def mask(*cores: int) -> str:
    return f"{sum(1 << core for core in cores):x}"


def steer(interface: str, core: int, *prefix: str) -> None:
    """What the interface receives is worked on by this core."""
    script = ('for queue in "/sys/class/net/$0/queues"/rx-*; do '
              'echo "$1" > "$queue/rps_cpus" || exit 1; done')
    done = subprocess.run([*prefix, "sh", "-c", script, interface, mask(core)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: receive steering (RPS) of {interface}: {done.stderr.strip()}")


def remove_leftovers() -> None:
    """What runs left that were killed: their namespaces, and the kernel's workers on one core."""
    for line in ip("netns", "list").splitlines():
        name = line.split()[0] if line.split() else ""
        pid = name.removeprefix(NAMESPACE)
        if name.startswith(NAMESPACE) and pid.isdigit() and not Path("/proc", pid).exists():
            ip("netns", "del", name)
            with contextlib.suppress(OSError):
                WORKERS.write_text(mask(*range(os.cpu_count() or 1)))


@contextlib.contextmanager
def workers_on(core: int) -> Iterator[str]:
    """Keeps the kernel's unbound workers (writeback, io) on the broker's core, so that the time of
    that core is all there is to be charged."""
    try:
        before = WORKERS.read_text()
        WORKERS.write_text(mask(core))
    except OSError as error:
        yield f"the kernel's workers run anywhere: {error.strerror}"
        return
    try:
        yield "the kernel's workers stay on the broker's core"
    finally:
        WORKERS.write_text(before)


@contextlib.contextmanager
def veth(core: int, client_core: int) -> Iterator[Network]:
    reason = refusal()
    if reason:
        raise SystemExit(f"bench: {reason}")
    if core == client_core:
        raise SystemExit("bench: --network veth needs two cores, one for each side")
    remove_leftovers()
    pid = os.getpid()
    space, ours, theirs = f"{NAMESPACE}{pid}", f"tmc{pid}", f"tmb{pid}"
    # Of the range for benchmarks (RFC 2544), so that no real network is hidden.
    base = 4 * (pid % (1 << 14))
    client, broker = (f"198.18.{(base + part) >> 8}.{(base + part) & 255}" for part in (1, 2))
    prefix = ("ip", "netns", "exec", space)
    ip("netns", "add", space)
    try:
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space)
        ip("addr", "add", f"{client}/30", "dev", ours)
        ip("-n", space, "addr", "add", f"{broker}/30", "dev", theirs)
        ip("link", "set", ours, "up")
        ip("-n", space, "link", "set", "lo", "up")
        ip("-n", space, "link", "set", theirs, "up")
        steer(ours, client_core)
        steer(theirs, core, *prefix)
        with workers_on(core) as workers:
            yield Network("veth", broker, prefix, "the network is a veth pair, what each end "
                          f"receives is worked on by its own core; {workers}")
    finally:
        # Processes that should still run keep the namespace, but not the devices.
        subprocess.run(["ip", "link", "del", ours], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def _terminated(number: int, frame) -> None:
    del number, frame
    raise KeyboardInterrupt


@contextlib.contextmanager
def chosen(options) -> Iterator[Network]:
    """The network of a run, gone again at its end, by SIGTERM too."""
    global _current
    if options.network == "loopback":
        yield LOOPBACK
        return
    if "peer" in options.brokers:
        raise SystemExit("bench: a peer is reached over its own network, not over --network veth")
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        with veth(options.core, options.client_core) as network:
            _current = network
            yield network
    finally:
        _current = LOOPBACK
        signal.signal(signal.SIGTERM, before)


def worse(loopback: Line, veth: Line) -> str:
    """The network on which we look worse: beside the other broker, or else by our own figure."""
    if loopback.ratio is not None and veth.ratio is not None:
        return "loopback" if loopback.ratio < veth.ratio else "veth"
    ours = [line.values.get("tidemill") for line in (loopback, veth)]
    if None in ours:
        return "-"
    more_is_better = metrics.METRICS[loopback.compare.metric].more_is_better
    return "loopback" if (ours[0] < ours[1]) == more_is_better else "veth"


def beside(loopback: list[Summary], veth: list[Summary]) -> str:
    """The figures of both networks, and for each the one to be quoted: the worse."""
    rows = ["| W | figure | Kafka: loopback, veth | Tidemill: loopback, veth | in our favour: "
            "loopback, veth (95 %) | worse |", "|---|---|---|---|---|---|"]
    found = {summary.row.id: summary for summary in veth}
    for one in loopback:
        other = found.get(one.row.id)
        for here, there in zip(one.lines, other.lines if other else []):
            cells = [one.row.id, metrics.METRICS[here.compare.metric].unit]
            cells += [", ".join(number(line.values.get(kind)) for line in (here, there))
                      for kind in ("kafka", "tidemill")]
            cells += [", ".join(ratio(line) for line in (here, there)), worse(here, there)]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def both(options, measure: Callable) -> int:
    """The same rows over both networks, one after the other."""
    codes, found = [], []
    for name in ("loopback", "veth"):
        one = copy.copy(options)
        one.network, one.name = name, f"{options.name}-{name}"
        code, summaries = measure(one)
        codes.append(code)
        found.append(summaries)
        if getattr(one, "interrupted", False):
            return max(codes)
    print("\n" + beside(*found), flush=True)
    return max(codes)
