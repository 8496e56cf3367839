"""The hostile side: strangers that connect, send what they should not, and go."""

import random
import socket
import struct
import threading
import time
from collections import Counter

from compat.harness import schema, wire

TLS_HELLO = bytes.fromhex(
    "16030100c8010000c40303" + "5a" * 32 + "00000a130113021303c02bc02f0100009100000010000e"
    "00000b6578616d706c652e636f6d" + "00" * 140)

# What may be mutated: not CreateTopics and DeleteTopics, whose mutants may rightly do things.
MUTABLE = (0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 22, 32, 60, 75)
EDGES = (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x00",
         b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x7f\xff")


class Flood:
    """Threads that attack until stopped, and connections that stall in the middle of a frame."""

    WORKERS = 4

    def __init__(self, host: str, port: int, topic: str, chance: random.Random, gentle: bool):
        """`gentle` leaves out what Apache Kafka itself does not survive: it reserves memory for
        whatever length is announced, and its heap is then gone for everyone."""
        self.address = (host, port)
        self.topic = topic
        self.seed = chance.getrandbits(32)
        self.gentle = gentle
        self.stalled = 0 if gentle else 300
        self.counts: Counter = Counter()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(index,), daemon=True)
                        for index in range(self.WORKERS)]
        self.threads.append(threading.Thread(target=self.stall, daemon=True))
        self.threads.append(threading.Thread(target=self.never_read, daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(15)

    def work(self, index: int):
        chance = random.Random(self.seed + index)
        kinds = (random_bytes, huge_length, half_frame, tls_hello, http, unknown_key,
                 unknown_version, bad_batch, mutated, mutated, mutated, mutated, many_small,
                 pipelined_then_gone)
        while not self.stopping.is_set():
            kind = chance.choice(kinds)
            if self.gentle and kind is huge_length:
                continue
            try:
                self.attack(kind.__name__, kind(chance, self.topic), chance)
            except OSError:
                self.counts["refused"] += 1

    def attack(self, name: str, data: bytes, chance: random.Random):
        with socket.create_connection(self.address, timeout=1.0) as stranger:
            stranger.settimeout(0.05)
            try:
                stranger.sendall(data)
                if chance.random() < 0.8:
                    stranger.recv(4096)
                if chance.random() < 0.2:  # a reset instead of a close
                    stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
            except OSError:
                pass  # refused, closed or silent: all are fine
            self.counts[name] += 1

    def stall(self):
        """Announces 50 MiB on each of many connections and then sends next to nothing."""
        opening = struct.pack(">i", 50 << 20) + wire.header(0, 3, 1, "slow") + b"x" * 1000
        held: list[socket.socket] = []
        while not self.stopping.is_set():
            alive = []
            for connection in held:
                try:
                    connection.sendall(b"y" * 1024)
                    alive.append(connection)
                except OSError:
                    connection.close()
            held = alive
            while len(held) < self.stalled and not self.stopping.is_set():
                try:
                    connection = socket.create_connection(self.address, timeout=1.0)
                    connection.settimeout(0.1)
                    connection.sendall(opening)
                    held.append(connection)
                    self.counts["stalled"] += 1
                except OSError:
                    break
            self.stopping.wait(1.0)
        for connection in held:
            connection.close()

    def never_read(self):
        """Asks for much, many times, and never reads the answers."""
        body = (wire.i32(-1) + wire.i32(100) + wire.i32(1) + wire.i32(50 << 20) + wire.i8(0)
                + wire.array([wire.string(self.topic) + wire.array(
                    [wire.i32(index) + wire.i64(0) + wire.i32(1 << 20) for index in range(4)])]))
        content = wire.header(1, 4, 1, "deaf") + body
        request = struct.pack(">i", len(content)) + content
        while not self.stopping.is_set():
            held = []
            for _ in range(10):
                try:
                    connection = socket.create_connection(self.address, timeout=1.0)
                    connection.settimeout(0.1)
                    held.append(connection)
                    connection.sendall(request * 20)
                    self.counts["never_read"] += 1
                except OSError:
                    break
            self.stopping.wait(2.0)
            for connection in held:
                connection.close()


def framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def random_bytes(chance, _) -> bytes:
    return chance.randbytes(chance.randrange(1, 5000))


def huge_length(chance, _) -> bytes:
    length = chance.choice((0x7FFFFFFF, -1, -0x80000000, (100 << 20) + 1, 100 << 20, 99 << 20))
    return struct.pack(">i", length) + chance.randbytes(chance.randrange(0, 200))


def half_frame(chance, topic) -> bytes:
    whole = mutated(chance, topic)
    return whole[:chance.randrange(1, len(whole))]


def tls_hello(_, __) -> bytes:
    return TLS_HELLO


def http(chance, _) -> bytes:
    return chance.choice((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                          b"POST /topics HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"))


def unknown_key(chance, _) -> bytes:
    return framed(struct.pack(">hhih", chance.randrange(-0x8000, 0x8000), chance.randrange(20), 1,
                              -1) + chance.randbytes(30))


def unknown_version(chance, _) -> bytes:
    return framed(struct.pack(">hhih", chance.choice(MUTABLE), chance.randrange(15, 0x8000), 1, -1)
                  + chance.randbytes(30))


def bad_batch(chance, topic) -> bytes:
    records = bytearray(wire.Batch([b"hostile"] * 3, crc=chance.getrandbits(32)).encode())
    for _ in range(chance.randrange(4)):
        records[chance.randrange(len(records))] = chance.randrange(256)
    return framed(wire.header(0, 3, 1, "bad") + wire.produce_body(topic, 0, bytes(records)))


def many_small(chance, _) -> bytes:
    """Hundreds of good requests at once; the sender goes without reading all answers."""
    return framed(wire.header(3, 1, 1, "many") + wire.array([])) * chance.randrange(50, 500)


def pipelined_then_gone(chance, topic) -> bytes:
    """Parked fetches whose client is gone before they are answered. Few and short: Apache Kafka
    takes them one after another and sees the end of the connection only after the last."""
    body = (wire.i32(-1) + wire.i32(500) + wire.i32(1 << 20) + wire.i32(1 << 20) + wire.i8(0)
            + wire.array([wire.string(topic) + wire.array(
                [wire.i32(0) + wire.i64(1 << 40) + wire.i32(1000)])]))
    return framed(wire.header(1, 4, 1, "gone") + body) * chance.randrange(1, 10)


def valid(chance, topic) -> bytes:
    """A request of any API and version, made from its schema."""
    key = chance.choice(MUTABLE)
    name = schema.request_names()[key]
    version = chance.choice(schema.versions_of(name + "Request"))
    values = {
        "Topic": topic, "Name": topic, "Records": wire.Batch([b"valid"], crc=0).encode(),
        "MaxWaitMs": 10, "MaxBytes": 1 << 20, "PartitionMaxBytes": 1 << 20, "TimeoutMs": 1000,
        "AllowAutoTopicCreation": False, "SessionTimeoutMs": 6000, "RebalanceTimeoutMs": 6000,
        "GroupId": f"hostile-{chance.randrange(50)}", "TransactionalId": None}
    return schema.request_frame(key, version, 1, values, chance, tags=0.3)


def mutated(chance, topic) -> bytes:
    """A valid request with a few bytes, counts or lengths made wrong."""
    content = bytearray(valid(chance, topic))
    start = min(8, len(content) - 1)  # key, version and correlation id stay
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(start, len(content))
        kind = chance.randrange(5)
        if kind == 0:
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            edge = chance.choice(EDGES)
            content[at:at + len(edge)] = edge
        elif kind == 2:
            del content[at:]
            content += b"\0" if not content else b""
        elif kind == 3:
            content[at:at] = chance.randbytes(chance.randrange(1, 20))
        else:
            content[at:at] = content[start:at]
        if len(content) <= start + 1:
            break
    return framed(bytes(content))


class Dripping:
    """Connections that announce 90 MB, send enough to hold a claim, and then next to nothing. Those
    that are closed come back."""

    COUNT, FIRST_BYTES = 150, 700_000

    def __init__(self, host: str, port: int):
        self.address = (host, port)
        self.opening = struct.pack(">i", 90 << 20) + b"x" * self.FIRST_BYTES
        self.closed = 0
        self.held: dict[socket.socket, int] = {}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(15)
        for connection in self.held:
            connection.close()

    def run(self):
        while not self.stopping.is_set():
            while len(self.held) < self.COUNT:
                connection = socket.create_connection(self.address, timeout=5.0)
                connection.setblocking(False)
                self.held[connection] = 0
            for connection, sent in list(self.held.items()):
                self.drip(connection, sent)
            self.stopping.wait(0.1)

    def drip(self, connection: socket.socket, sent: int):
        part = self.opening[sent:] or b"y" * 100
        try:
            self.held[connection] = sent + connection.send(part)
        except BlockingIOError:
            pass
        except OSError:
            self.closed += 1
            connection.close()
            del self.held[connection]
