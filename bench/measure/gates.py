"""Whether a window can be believed. What is found is kept beside the figures, never hidden."""

from measure.stats import median

STEAL_PART_MAX = 0.02
# Of the broker's core, used by something else; the kernel counts in ticks, hence the room.
FOREIGN_PART_MAX = 0.10
CLIENT_FOREIGN_PART_MAX = 0.20
CLOCK_STEP_MS_MAX = 20.0
CLIENT_PART_MAX = 0.95
RATE_PART_MIN = 0.99
NULL_P999_US_MAX = 300.0
# A warm-up is over when so many windows in a row cost the same, and has at least and at most so
# many.
STEADY_WINDOWS = 3
STEADY_DIFFERENCE_MAX = 0.02
STEADY_WINDOWS_MIN, STEADY_WINDOWS_MAX = 6, 30
CONTROL_DRIFT_MAX = 0.10


def noise(measured: dict) -> list[str]:
    """Why a window says more about the machine than about the broker."""
    cpu, seconds = measured["cpu"], measured["seconds"]
    found = []
    for name, steal in (("the broker's", cpu["core_steal_s"]),
                        ("the load's", cpu.get("client_core_steal_s", 0.0))):
        if steal > STEAL_PART_MAX * seconds:
            found.append(f"{steal / seconds:.0%} of {name} core was stolen")
    broker = cpu.get("broker")
    if broker is not None:
        # Over a network of its own a broker's receive work may belong to no thread.
        received, client_received = (
            (cpu["core_softirq_s"], cpu["client_core_softirq_s"]) if "network" in measured
            else (0.0, 0.0))
        foreign = (cpu["core_busy_s"] - broker["total_s"] - cpu["kernel_threads_s"] - received)
        if foreign > FOREIGN_PART_MAX * seconds:
            found.append(f"others had {foreign / seconds:.0%} of the broker's core")
        foreign = (cpu.get("client_core_busy_s", 0.0) - cpu["client_s"] - cpu["kernel_threads_s"]
                   - client_received)
        if foreign > CLIENT_FOREIGN_PART_MAX * seconds:
            found.append(f"others had {foreign / seconds:.0%} of the load's core")
    step = measured.get("clock_step_ms", 0.0)
    if abs(step) > CLOCK_STEP_MS_MAX:
        found.append(f"the clock stepped by {step:.0f} ms")
    return found


def remarks(measured: dict) -> list[str]:
    """What limits a figure without making it wrong."""
    found = []
    offered = measured.get("offered_per_s")
    # An open loop stays awake for its next request.
    if not offered and measured["cpu"]["client_s"] > CLIENT_PART_MAX * measured["seconds"]:
        found.append("client-bound")
    if offered and measured["requests"] < RATE_PART_MIN * offered * measured["seconds"]:
        part = measured["requests"] / (offered * measured["seconds"])
        found.append(f"only {part:.0%} of the rate")
    return found


def drift(costs: list[float], limit: float = CONTROL_DRIFT_MAX) -> str | None:
    """Whether a control loop, which never changes, cost the same each time."""
    if len(costs) < 2:
        return None
    middle = median(costs)
    most = max(abs(cost / middle - 1) for cost in costs)
    return f"its control loop drifted by {most:.0%}" if most > limit else None


def loud(tries: list[dict]) -> str | None:
    """Whether the machine was too loud for times of microseconds, each time that was tried."""
    best = min(one["p999_us"] for one in tries)
    if best <= NULL_P999_US_MAX:
        return None
    return f"null round trip p99.9 of {best:.0f} us before it, above {NULL_P999_US_MAX:.0f}"


def is_steady(costs: list[float]) -> bool:
    if len(costs) < STEADY_WINDOWS_MIN:
        return False
    last = costs[-STEADY_WINDOWS:]
    return max(last) <= min(last) * (1 + STEADY_DIFFERENCE_MAX)
