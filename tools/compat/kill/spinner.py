"""Measures from the start of a broker process to its first acknowledgement, with a socket of our
own that tries again without a library's pauses."""

import time

from compat.harness import wire

RETRIABLE = {3, 5, 6, 7, 9, 14, 15, 16, 41, 56}


def first_ack_seconds(broker, topic: str, limit: float = 60.0) -> float:
    """Spins until an acks=all record is acknowledged; counts from the broker's exec."""
    batch = wire.Batch([b"first after the restart"]).encode()
    while time.monotonic() - broker.exec_at < limit:
        if not broker.is_alive():
            raise AssertionError(f"the broker ended with {broker.process.returncode} after a "
                                 f"kill: {broker.log_tail()}")
        try:
            with wire.Connection(broker.host, broker.port, limit=5.0) as connection:
                while True:
                    code, _ = connection.produce(topic, 0, batch)
                    if code == 0:
                        return time.monotonic() - broker.exec_at
                    if code not in RETRIABLE:
                        raise AssertionError(f"Produce answered {code} after a restart")
                    time.sleep(0.001)
        except (OSError, wire.ProtocolError):
            time.sleep(0.001)
    raise AssertionError(f"no acknowledgement within {limit:g} s of the restart: "
                         f"{broker.log_tail()}")


def read_committed(broker, group: str, topic: str, partitions: int, limit: float = 30.0):
    """Committed offsets as (begun, ended, offsets), once the coordinator answers."""
    end = time.monotonic() + limit
    while True:
        begun = time.monotonic()
        try:
            with wire.Connection(broker.host, broker.port, limit=5.0) as connection:
                found = connection.committed(group, topic, list(range(partitions)))
            return begun, time.monotonic(), found
        except (OSError, wire.ProtocolError):
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
