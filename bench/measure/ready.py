"""What comes before a row: is the machine quiet enough for times of some dozens of microseconds,
and does the load cost what it will go on to cost. Neither stops a run; both are marked."""

from measure import gates, load, metrics
from measure.workloads import Row, Topic

NULL_TOPIC = Topic("null", 1)
NULL_LOAD = ("--record-bytes 100 --records-per-batch 1 --connections 1 --depth 1 --acks 1 "
             "--rate 2000")
NULL_SECONDS = 1.0
NULL_TRIES = 3


def null_round_trip(session, row: Row) -> None:
    """The shortest round trip there is, until it is as flat as a quiet machine has it."""
    if not session.options.controls:
        return
    loop = session.loop("null")
    tries = []
    while len(tries) < NULL_TRIES:
        loop.resume()
        try:
            measured = load.window(session.place, "produce", loop, NULL_TOPIC, NULL_LOAD,
                                   NULL_SECONDS, session.options.warm_up)
        except load.LoadError as error:
            session.results.remark(f"{row.id}: no null round trip before it: {error}")
            return
        finally:
            if loop.is_alive():
                loop.pause()
        tries.append({name: measured["latency"][name]
                      for name in ("count", "p50_us", "p99_us", "p999_us", "max_us")})
        if gates.loud(tries) is None:
            break
    session.results.head["null_round_trips"][row.id] = tries
    print(f"bench: {row.id}: null round trip p50 {tries[-1]['p50_us']:.0f} us, "
          f"p99.9 {tries[-1]['p999_us']:.0f} us", flush=True)


def steady(session, row: Row, kind: str, broker, rate: float | None) -> None:
    """The row's own load until its cost no longer changes, in the long form. The first of these
    windows also says what a broker costs that has just begun with it."""
    seconds = session.options.steady
    if seconds <= 0 or row.kind not in ("produce", "fetch"):
        return
    costs: list[float] = []
    broker.resume()
    try:
        while not gates.is_steady(costs) and len(costs) < gates.STEADY_WINDOWS_MAX:
            measured = load.window(session.place, row.kind, broker, row.topic,
                                   session.filled(row.arguments, rate), seconds, 0.0)
            spent = metrics.cpu_s(measured)
            if spent is None or not measured["records"]:
                session.results.remark(f"{row.id} on {kind}: its cost is not known, one window "
                                       "was its warm-up")
                return
            costs.append(spent / measured["records"])
    except load.LoadError as error:
        session.results.remark(f"{row.id} on {kind}: its warm-up failed: {error}")
        if not broker.is_alive():
            session.lose(kind, broker)
        return
    finally:
        if broker.is_alive():
            broker.pause()
    session.results.head["warm_ups"].setdefault(row.id, {})[kind] = {
        "window_seconds": seconds, "steady": gates.is_steady(costs),
        "cpu_us_per_record": [round(cost * 1e6, 4) for cost in costs]}
