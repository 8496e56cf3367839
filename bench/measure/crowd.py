"""W7: thousands of connections. Brokers of their own, fresh in each block, so that what is resident
is what a broker with these connections needs, and not what workloads before have filled."""

from measure.lifecycle import Life
from measure.memory import Peak
from measure.workloads import BOUNDED, Compare, Row, Topic

CROWD, QUIET = Topic("crowd", 16, BOUNDED), Topic("quiet", 1)
CONNECTIONS, POLLS = 2000, 200
RECORD = "--record-bytes 200 --records-per-batch 1 --depth 5 --acks 1"
WARM_UP = f"{RECORD} --connections 32 --rate 10000"
POLLING = f"--consumers {POLLS} --consume-topic quiet --consume-partitions 1"
# All are open and next to nothing is sent: what the connections themselves take.
HELD = f"{RECORD} --connections {CONNECTIONS} --rate 100 {POLLING}"
HELD_SECONDS = 1.0
ALONE = f"{RECORD} --connections {CONNECTIONS} --rate 10000"
LOAD = f"{ALONE} {POLLING}"
CHURN = f"{LOAD} --churn 1000"
CHURN_SECONDS = {"short": 3.0, "full": 10.0}
# Seconds of load on a fresh JVM, as a part of those before a long session.
WARM_UP_PART = 1 / 3

W7 = Row("W7", "2,000 connections x 5 requests/s x 200 B, 200 idle long polls, acks=1", CROWD,
          LOAD, (Compare("cores", 2.5, 1.8), Compare("rss", 5, 3), Compare("rss_connection"),
                 Compare("p99", 5, 3)), kind="crowd", control="null", control_goal=0.7, blocks=2)
W7B = Row("W7b", "the same beside 1,000 new connections/s", CROWD, CHURN,
          (Compare("cores", 2.5, 1.8), Compare("p99", 5, 3), Compare("connect_p99")),
          kind="crowd", blocks=2)
ROWS = [W7, W7B]


def live(life: Life, rows: list[Row], block: int) -> None:
    """A broker from its start through all of them."""
    options = life.options
    life.broker.start()
    for topic in (CROWD, QUIET):
        life.make(topic)
    life.warm_up(CROWD, WARM_UP, WARM_UP_PART)
    before = life.broker.resident_bytes()
    held = life.window(CROWD, HELD, HELD_SECONDS)
    resident = held["cpu"]["broker"]["resident_bytes"]
    with Peak(life.broker.group) as peak:
        measured = life.window(CROWD, LOAD, options.seconds)
    measured["memory"] = {
        "connections": CONNECTIONS + POLLS, "resident_before_bytes": before,
        "resident_held_bytes": resident, **peak.found}
    life.add(W7, block, measured)
    if W7B in rows:
        life.add(W7B, block, life.window(CROWD, CHURN, CHURN_SECONDS[options.form]))


def control(life: Life, block: int) -> None:
    """The loop that bounds it; nothing polls it, since it stores nothing."""
    life.broker.start()
    life.add(W7, block, life.window(CROWD, ALONE, life.options.seconds))
