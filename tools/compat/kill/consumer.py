"""A member of a consumer group under test: reads, commits, and writes down both.

Runs until SIGTERM. Its file has lines `C partition offset begun ended` (a commit confirmed),
`R partition offset begun ended` (the committed offset read back on assignment, -1 when there is
none), `P partition start end` (a run of offsets read without a gap) and `E text` (a fault).
"""

import argparse
import signal
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

COMMIT_PAUSE_SECONDS = 0.1


class Member:
    def __init__(self, args):
        self.args = args
        self.events = open(args.events, "w", buffering=1)
        self.runs: dict[int, list[int]] = {}
        self.stopping = False
        self.consumer = Consumer({
            "bootstrap.servers": args.address, "group.id": args.group, "client.id": args.name,
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "check.crcs": True,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100,
            "fetch.wait.max.ms": 100, "log_level": 3,
        })

    def read_back(self, partitions):
        """The committed offsets, however long the broker takes to come back."""
        while True:
            begun = time.monotonic()
            try:
                found = self.consumer.committed(partitions, timeout=5)
                break
            except KafkaException:
                if self.stopping:
                    return []
                time.sleep(0.05)
        for entry in found:
            offset = entry.offset if entry.offset >= 0 else -1
            self.events.write(f"R {entry.partition} {offset} {begun} {time.monotonic()}\n")
        return found

    def on_assign(self, consumer, partitions):
        starts = []
        for entry in self.read_back(partitions):
            start = max(entry.offset, 0)
            starts.append(TopicPartition(entry.topic, entry.partition, start))
            self.runs[entry.partition] = [start, start]
        consumer.assign(starts)

    def on_revoke(self, _, partitions):
        self.commit()
        for entry in partitions:
            self.end_run(entry.partition)

    def on_lost(self, _, partitions):
        for entry in partitions:
            self.end_run(entry.partition)

    def end_run(self, partition):
        if partition in self.runs:
            start, end = self.runs.pop(partition)
            self.events.write(f"P {partition} {start} {end}\n")

    def commit(self):
        wanted = [TopicPartition(self.args.topic, partition, end)
                  for partition, (_, end) in self.runs.items() if end > 0]
        if not wanted:
            return
        begun = time.monotonic()
        try:
            done = self.consumer.commit(offsets=wanted, asynchronous=False)
        except KafkaException:
            return  # not confirmed: nothing is promised
        ended = time.monotonic()
        for entry in done:
            if entry.error is None:
                self.events.write(f"C {entry.partition} {entry.offset} {begun} {ended}\n")

    def take(self, message):
        run = self.runs.get(message.partition())
        if run is None:
            self.events.write(f"E partition {message.partition()} is not assigned\n")
        elif message.offset() != run[1]:
            self.events.write(f"E partition {message.partition()}: offset {message.offset()} "
                              f"where {run[1]} was next\n")
            run[1] = message.offset() + 1
        else:
            run[1] += 1

    def run(self):
        self.consumer.subscribe([self.args.topic], on_assign=self.on_assign,
                                on_revoke=self.on_revoke, on_lost=self.on_lost)
        committed_at = time.monotonic()
        while not self.stopping:
            for message in self.consumer.consume(500, 0.05):
                if message.error() is None:
                    self.take(message)
            if time.monotonic() - committed_at > COMMIT_PAUSE_SECONDS:
                self.commit()
                committed_at = time.monotonic()
        self.commit()
        for partition in list(self.runs):
            self.end_run(partition)
        self.consumer.close()
        self.events.close()


def main():
    parser = argparse.ArgumentParser()
    for name in ("address", "topic", "group", "name", "events"):
        parser.add_argument(f"--{name}", required=True)
    member = Member(parser.parse_args())

    def stop(*_):
        member.stopping = True
    signal.signal(signal.SIGTERM, stop)
    member.run()


if __name__ == "__main__":
    main()
