"""A producer under test: numbers its records per partition and writes down what was confirmed.

Runs until SIGTERM, then flushes. Its file has lines `A partition number offset` (acknowledged),
`F partition number error` (given up), `S partition count` (sent in all) and `E text` (fatal).
"""

import argparse
import random
import signal

from confluent_kafka import KafkaException, Producer

QUEUE_RECORDS_MAX = 4000


class Load:
    def __init__(self, args):
        self.args = args
        self.events = open(args.events, "w", buffering=1 << 16)
        self.numbers = [0] * args.partitions
        self.pending = 0
        self.chance = random.Random(args.name)
        self.stopping = False
        settings = {
            "bootstrap.servers": args.address, "acks": args.acks, "linger.ms": 5,
            "compression.type": args.codec, "enable.idempotence": args.acks == "all",
            "message.timeout.ms": 120000, "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20, "batch.num.messages": 200,
            "client.id": args.name, "log_level": 3,
            "error_cb": self.on_error,
        }
        if args.acks != "all":
            settings["message.send.max.retries"] = 0
        self.producer = Producer(settings)

    def on_error(self, error):
        if error.fatal():
            self.events.write(f"E {error}\n")

    def on_delivery(self, partition, number):
        def delivered(error, message):
            self.pending -= 1
            if error is None:
                self.events.write(f"A {partition} {number} {message.offset()}\n")
            else:
                self.events.write(f"F {partition} {number} {error.name()}\n")
        return delivered

    def send(self):
        partition = self.chance.randrange(self.args.partitions)
        number = self.numbers[partition]
        padding = "the tide turns the mill " * self.chance.randrange(1, 40)
        value = f"{self.args.name}:{number}:{padding}"
        self.producer.produce(self.args.topic, value, partition=partition,
                              on_delivery=self.on_delivery(partition, number))
        self.numbers[partition] += 1
        self.pending += 1

    def run(self):
        pause = 0.004
        per_turn = max(1, round(self.args.rate * pause))
        while not self.stopping:
            if self.pending < QUEUE_RECORDS_MAX:
                for _ in range(per_turn):
                    self.send()
            self.producer.poll(pause)
        left = self.producer.flush(90)
        for partition, count in enumerate(self.numbers):
            self.events.write(f"S {partition} {count}\n")
        if left:
            self.events.write(f"E {left} records neither confirmed nor given up\n")
        self.events.close()


def main():
    parser = argparse.ArgumentParser()
    for name in ("address", "topic", "name", "codec", "acks", "events"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--rate", type=int, required=True)
    load = Load(parser.parse_args())

    def stop(*_):
        load.stopping = True
    signal.signal(signal.SIGTERM, stop)
    try:
        load.run()
    except KafkaException as error:
        load.events.write(f"E {error}\n")
        load.events.close()
        raise


if __name__ == "__main__":
    main()
