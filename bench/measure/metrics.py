"""Figures of a window, by name: from what the load generator wrote to what a table shows."""

from dataclasses import dataclass
from collections.abc import Callable


@dataclass(frozen=True)
class Metric:
    unit: str
    value: Callable[[dict], float | None]
    more_is_better: bool = False


def cpu_s(measured: dict) -> float | None:
    """CPU of the broker's process and of the kernel's threads; over a network of its own also of
    its receive work."""
    cpu = measured["cpu"]
    broker = cpu.get("broker")
    if broker is None:
        return None
    threads = broker["total_s"] + cpu["kernel_threads_s"]
    if "network" not in measured:
        return threads
    # The kernel receives inside whatever runs on the broker's core: a thread of the broker, one of
    # its own, or none. Of the last, what the core did beyond all threads is the broker's, as far as
    # it was soft interrupts. What is bound to the load's core is not.
    threads -= cpu["client_kernel_threads_s"]
    return threads + min(max(cpu["core_used_s"] - threads, 0.0), cpu["core_softirq_s"])


def process_s(measured: dict) -> float | None:
    broker = measured["cpu"].get("broker")
    return None if broker is None else broker["total_s"]


def per(value: float | None, count: float) -> float | None:
    return None if value is None or count <= 0 else value / count


def delivered(measured: dict, field: str) -> float:
    return (measured.get("delivered") or {}).get(field, 0)


def e2e(measured: dict, field: str) -> float | None:
    found = ((measured.get("delivered") or {}).get("end_to_end") or {})
    return found.get(field) if found.get("count") else None


def per_connection(measured: dict) -> float | None:
    """What connections added to the resident memory, of crowd.py."""
    memory = measured.get("memory")
    if memory is None:
        return None
    added = memory["resident_held_bytes"] - memory["resident_before_bytes"]
    return added / memory["connections"] / 1024


METRICS = {
    "cpu_gb": Metric("CPU-s/GB", lambda m: per(cpu_s(m), m["bytes"] / 1e9)),
    "cpu_gb_out": Metric("CPU-s/GB out",
                         lambda m: per(cpu_s(m), delivered(m, "bytes") / 1e9)),
    "cpu_request": Metric("CPU us/request", lambda m: per(cpu_s(m), m["requests"] / 1e6)),
    "cpu_record": Metric("CPU-s/M records", lambda m: per(cpu_s(m), m["records"] / 1e6)),
    "cores": Metric("CPU cores", lambda m: per(cpu_s(m), m["seconds"])),
    "requests_s": Metric("requests/s", lambda m: per(m["requests"], m["seconds"]), True),
    "mb_s": Metric("MB/s", lambda m: per(m["bytes"] / 1e6, m["seconds"]), True),
    "mb_s_out": Metric("MB/s out",
                       lambda m: per(delivered(m, "bytes") / 1e6, m["seconds"]), True),
    "p50": Metric("p50 us", lambda m: m["latency"]["p50_us"]),
    "p99": Metric("p99 us", lambda m: m["latency"]["p99_us"]),
    "p999": Metric("p99.9 us", lambda m: m["latency"]["p999_us"]),
    "e2e_p50": Metric("p50 us", lambda m: e2e(m, "p50_us")),
    "e2e_p99": Metric("p99 us", lambda m: e2e(m, "p99_us")),
    "e2e_p999": Metric("p99.9 us", lambda m: e2e(m, "p999_us")),
    "rss_connection": Metric("KiB/connection", per_connection),
    "connect_p99": Metric("connect p99 us", lambda m: (
        m["churn"]["latency"]["p99_us"] if m.get("churn") else None)),
    "growth": Metric("last p99 / first", lambda m: m.get("growth")),
    "rss": Metric("resident MiB",
                  lambda m: per((m["cpu"].get("broker") or {}).get("resident_bytes"), 1 << 20)),
    # Of lifecycle.py.
    "seconds": Metric("s", lambda m: m["seconds"]),
    "cpu_ms_s": Metric("CPU ms/s", lambda m: per(process_s(m), m["seconds"] / 1e3)),
    "waits_s": Metric("wake-ups/s",
                      lambda m: per((m["cpu"].get("broker") or {}).get("waits"), m["seconds"])),
}


def value(name: str, measured: dict) -> float | None:
    return METRICS[name].value(measured)


def in_our_favour(name: str, other: float, ours: float) -> float | None:
    """The ratio that is above 1 when ours is better."""
    above, below = (ours, other) if METRICS[name].more_is_better else (other, ours)
    return above / below if below > 0 else None
