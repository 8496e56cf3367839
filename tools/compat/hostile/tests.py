"""What a stranger may send: each case is answered by Kafka's code or closed, as Kafka does, and an
ordinary client beside all of it never fails."""

import os
import random
import socket
import struct
import threading
import time
from pathlib import Path

from compat.harness import broker as brokers
from compat.harness import wire
from compat.harness.context import expect_equal, test
from compat.harness.process import wait_until
from compat.hostile import attacks, items

RESIDENT_GROWTH_MAX = 256 << 20
TURN_SECONDS_MAX = 0.5
CLOSED = "closed"
SILENT = "no answer"


def batch_cases() -> list[tuple]:
    """Name, records of a Produce request (version 3), and what answers them: first Apache Kafka
    4.3.1's code as found by running it, then the stricter codes that are allowed to us."""
    good = wire.Batch([b"a", b"b"])
    now = int(time.time() * 1000)

    def bad(**changes) -> bytes:
        return wire.Batch(**{"values": [b"a", b"b"], **changes}).encode()
    return [
        ("good", good.encode(), 0),
        ("base offset other than 0", bad(base_offset=1000), 87),
        ("leader epoch is ours to give", bad(leader_epoch=77), 0),
        ("wrong checksum", bad(crc=1), 2),
        ("null records", None, SILENT, 87, 42, CLOSED),
        ("no bytes", b"", 87),
        ("two batches", good.encode() + good.encode(), 87),
        ("half a batch", good.encode()[:40], 87, 2),
        ("a byte is missing", good.encode()[:-1], 87, 2),
        ("batch longer than the bytes", bad(length=10_000), 87, 2),
        ("batch shorter than its header", bad(length=10), 2, 87),
        ("negative batch length", bad(length=-1), 2, 87),
        ("magic 0", bad(magic=0), 87),
        ("magic 1", bad(magic=1), 87),
        ("magic 3", bad(magic=3), 2, 87),
        ("control batch", bad(attributes=0x20), 87),
        ("transactional without an id", bad(attributes=0x10), 53, 87, 48),
        ("count too high", bad(count=3), 87),
        ("count too low", bad(count=1), 87),
        ("count of zero", bad(count=0, last_offset_delta=1), 87),
        ("negative count", bad(count=-1, last_offset_delta=1), 87),
        ("huge count", bad(count=0x7FFFFFFF), 87),
        ("last offset delta too high", bad(last_offset_delta=5), 87),
        ("offsets with a gap", bad(records=wire.record(0, b"a") + wire.record(2, b"b")), 0, 87),
        ("offsets that fall", bad(records=wire.record(1, b"a") + wire.record(0, b"b")), 0, 87),
        ("record longer than the batch", bad(records=b"\xfe\xff\xff\xff\x0f" + b"x" * 20), 87),
        ("record of negative length", bad(records=b"\x01" + b"x" * 20), 87),
        ("bytes after the last record", bad(records=wire.record(0, b"a") + wire.record(1, b"b")
                                            + b"tail"), 87),
        ("codec that does not exist", bad(attributes=5), -1, 87, 2, 76),
        ("gzip of nothing", bad(attributes=1, records=b"not gzip at all"), -1, 87, 2),
        ("time a day ahead", bad(timestamp=now + 86_400_000), 32),
        ("idempotent, epoch of -1", bad(producer_id=5, producer_epoch=-1, sequence=0), 0, 87),
        ("idempotent, sequence of -1", bad(producer_id=5, producer_epoch=0, sequence=-1), 87),
        ("too large", wire.Batch([b"x" * 1_100_000]).encode(), 10),
    ]


def produced(ctx, topic, records, **options):
    """The error code, or that the connection was closed."""
    with ctx.wire(limit=3.0) as connection:
        try:
            return connection.produce(topic, 0, records, **options)[0]
        except (wire.ProtocolError, ConnectionError):
            return CLOSED
        except TimeoutError:
            return SILENT


@test(shards=2)
def bad_batches(ctx):
    topic = ctx.topic()
    wrong, accepted = [], 0
    with ctx.wire() as connection:
        for name, records, kafka, *stricter in batch_cases():
            before = connection.list_offset(topic, 0, -1)[1]
            found = produced(ctx, topic, records)
            after = connection.list_offset(topic, 0, -1)[1]
            ctx.log(f"{name}: {found}, end {before} -> {after}")
            allowed = [kafka] if ctx.options.broker == "kafka" else [kafka, *stricter]
            if found not in allowed or (found == SILENT and ctx.options.broker != "kafka"):
                wrong.append(f"{name}: expected {allowed}, found {found}")
            accepted += found == 0
            if after - before != (2 if found == 0 else 0):
                wrong.append(f"{name}: answered {found}, and the log grew by {after - before}")
        code, _, data = connection.fetch(topic, 0, 0)
        expect_equal((code, [value for _, value in wire.batch_values(data)]),
                     (0, [b"a", b"b"] * accepted), "what was taken in")
    assert not wrong, "\n".join(wrong)


@test(shards=2, only="tidemill")
def a_trusted_topic_takes_what_does_not_unpack(ctx):
    """`tidemill.validate.compressed` of a topic: stored unopened, other topics are as ever."""
    bad = wire.Batch([b"a", b"b"], attributes=1, records=b"not gzip at all").encode()
    good = wire.Batch([b"a", b"b"], attributes=1).encode()
    trusted = ctx.topic("trusted", tidemill_validate_compressed="false")
    expect_equal([produced(ctx, trusted, each) for each in (good, bad)], [0, 0], "trusted")
    topic = ctx.topic("checked")
    expect_equal(produced(ctx, topic, good), 0, "what unpacks")
    assert produced(ctx, topic, bad) != 0, "what does not unpack was taken in"


@test(shards=2)
def bad_produce_fields(ctx):
    topic = ctx.topic()
    good = wire.Batch([b"a"]).encode()
    expect_equal(produced(ctx, topic, good, acks=2), 21, "acks=2")
    expect_equal(produced(ctx, topic, good, acks=-2), 21, "acks=-2")
    expect_equal(produced(ctx, ctx.name("absent/topic"), good), 3, "illegal topic")
    with ctx.wire() as connection:
        expect_equal(connection.produce(topic, 5, good)[0], 3, "absent partition")
        expect_equal(connection.produce(topic, -1, good)[0], 3, "negative partition")
        connection.produce(topic, 5, good, acks=0)
        try:
            connection.metadata([])
            raise AssertionError("an error under acks=0 must close the connection")
        except (wire.ProtocolError, ConnectionError):
            pass


def raw(ctx, data: bytes, wait: float = 5.0) -> bytes | str:
    """Sends bytes; returns what comes back until the broker closes, or CLOSED, or `open`."""
    with socket.create_connection((ctx.broker.host, ctx.broker.port), timeout=wait) as stranger:
        try:
            stranger.sendall(data)
            found = stranger.recv(65536)
        except TimeoutError:
            return "open"
        except ConnectionError:
            return CLOSED
        return found or CLOSED


def framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


@test(shards=2)
def bad_frames(ctx):
    over = 100 * 1024 * 1024 + 1
    cases = [
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("TLS hello", attacks.TLS_HELLO),
        ("over socket.request.max.bytes", struct.pack(">i", over)),
        ("the longest frame", struct.pack(">i", 0x7FFFFFFF)),
        ("negative length", struct.pack(">i", -1)),
        ("empty frame", struct.pack(">i", 0)),
        ("frame of three bytes", framed(b"abc")),
        ("unknown API", framed(struct.pack(">hhih", 999, 0, 1, -1))),
        ("negative API", framed(struct.pack(">hhih", -5, 0, 1, -1))),
        ("unknown version", framed(wire.header(3, 99, 1, "c"))),
        ("negative version", framed(wire.header(3, -1, 1, "c"))),
        ("Produce without a body", framed(wire.header(0, 3, 1, "c"))),
        ("Metadata that claims two billion topics",
         framed(wire.header(3, 1, 1, "c") + wire.i32(0x7FFFFFFF))),
        ("Fetch that claims two billion topics",
         framed(wire.header(1, 4, 1, "c") + wire.i32(-1) + wire.i32(1) + wire.i32(1)
                + wire.i32(1) + wire.i8(0) + wire.i32(0x7FFFFFFF))),
        ("client id longer than the frame", framed(struct.pack(">hhih", 3, 1, 1, 30000) + b"c")),
        ("compact array of two billion",
         framed(wire.header(3, 9, 1, "c") + b"\0" + b"\xff\xff\xff\xff\x07")),
        ("varint without an end", framed(wire.header(3, 9, 1, "c") + b"\0" + b"\xff" * 20)),
    ]
    wrong = []
    for name, data in cases:
        found = raw(ctx, data)
        ctx.log(f"{name}: {found!r}")
        if found != CLOSED:
            wrong.append(f"{name}: {found!r:.200}")
    assert not wrong, "\n".join(wrong)
    with ctx.wire() as connection:
        assert connection.metadata([]).brokers


@test(shards=2)
def impossible_topics(ctx):
    """Counts from outside reserve nothing: they are refused by code."""
    with ctx.wire() as connection:
        for partitions, expected in ((0, 37), (-2, 37), (0x7FFFFFFF, 44), (1_000_000, 44),
                                     (10_001, 44)):
            code = connection.create_topic(ctx.name("many"), partitions)
            ctx.log(f"{partitions} partitions: {code}")
            expect_equal(code, expected, f"{partitions} partitions")
        for name in ("", ".", "..", "a/b", "a b", "x" * 250, "ü"):
            expect_equal(connection.create_topic(name), 17, f"name {name!r:.20}")
        expect_equal(connection.create_topic("x" * 249), 0, "longest name")


class Ordinary:
    """An ordinary client in a process's own thread: each failure counts, nothing is retried."""

    def __init__(self, ctx, broker, topic):
        self.broker = broker
        self.topic = topic
        self.count = 0
        self.slowest = 0.0
        self.failures: list[str] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with wire.Connection(self.broker.host, self.broker.port, 10.0) as connection:
                while not self.stopping.is_set():
                    self.turn(connection)
        except Exception as error:
            self.failures.append(f"after {self.count} turns: {type(error).__name__}: {error}")

    def turn(self, connection):
        begun = time.monotonic()
        value = f"turn {self.count}".encode()
        code, offset = connection.produce(self.topic, 0, wire.Batch([value]).encode())
        expect_equal((code, offset), (0, self.count), "produced")
        code, _, data = connection.fetch(self.topic, 0, offset)
        expect_equal((code, wire.batch_values(data)), (0, [(offset, value)]), "fetched")
        if self.count % 10 == 0:
            with wire.Connection(self.broker.host, self.broker.port, 10.0) as fresh:
                assert self.topic in fresh.metadata([self.topic]).topics
        self.count += 1
        self.slowest = max(self.slowest, time.monotonic() - begun)
        time.sleep(0.002)

    def stop(self):
        self.stopping.set()
        self.thread.join(15)


@test(shards=2, own=True, limit=240)
def flood(ctx):
    """All attacks at once for a while: the ordinary client never fails, memory stays near where it
    was, descriptors come back."""
    # Topics that strangers name must not come to be: that would be growth by their right.
    broker = ctx.start_broker(auto_create_topics_enable="false")
    ctx.broker = broker
    topic, data = ctx.topic("ordinary"), ctx.topic("data", 4)
    with ctx.wire() as connection:
        for index in range(32):
            filled = wire.Batch([os.urandom(900_000)])
            expect_equal(connection.produce(data, index % 4, filled.encode())[0], 0, "filled")
    client = Ordinary(ctx, broker, topic)
    time.sleep(1.0)
    descriptors, resident = broker.descriptor_count(), broker.resident_bytes()
    flood_of = attacks.Flood(broker.host, broker.port, data, random.Random(ctx.options.seed),
                             gentle=broker.kind == "kafka")
    highest, end = resident, time.monotonic() + ctx.options.seconds
    flood_of.start()
    while time.monotonic() < end and not client.failures and broker.is_alive():
        highest = max(highest, broker.resident_bytes())
        time.sleep(0.05)
    flood_of.stop()
    time.sleep(0.5)
    client.stop()
    assert broker.is_alive(), f"the broker ended: {broker.log_tail()}"
    note = (f"{ctx.options.seconds:g} s, {sum(flood_of.counts.values())} attacks, "
            f"{client.count} turns of the ordinary client, slowest {client.slowest:.3f} s; "
            f"memory {resident >> 20} MiB, highest {highest >> 20} MiB; seed {ctx.options.seed}")
    ctx.log(f"{note}\n{dict(flood_of.counts)}")
    (ctx.home / "note").write_text(note)
    assert not client.failures, f"the ordinary client failed: {client.failures}"
    assert client.count > 20 * ctx.options.seconds / 2, f"only {client.count} turns"
    wait_until(lambda: broker.descriptor_count() <= descriptors + 5, 15,
               f"descriptors back at {descriptors}")
    if broker.kind == "tidemill":  # a JVM's heap says nothing here
        assert highest - resident <= RESIDENT_GROWTH_MAX, note
    broker.stop()


@test(own=True, only="tidemill")
def port_in_use(ctx):
    """A broker does not share its port: each of the two would get some of the clients."""
    first = ctx.start_broker()
    second = brokers.make("tidemill", ctx.home / "second")
    second.port = first.port
    second.launch()
    try:
        expect_equal(second.process.wait(20), 1, "exit code")
    finally:
        second.end()
    said = second.log_tail()
    assert "cannot listen on" in said and str(first.port) in said, said
    with ctx.wire(first) as connection:
        assert connection.metadata([]).brokers
    first.stop()


def fetch_request(topic: str, wait_ms: int, partitions: int = 1) -> bytes:
    body = (wire.i32(-1) + wire.i32(wait_ms) + wire.i32(1) + wire.i32(50 << 20) + wire.i8(0)
            + wire.array([wire.string(topic) + wire.array(
                [wire.i32(index) + wire.i64(0) + wire.i32(50 << 20)
                 for index in range(partitions)])]))
    return framed(wire.header(1, 4, 1, "deaf") + body)


@test(shards=2, own=True, only="tidemill")
def parked_and_gone(ctx):
    """Peers that fill a connection with parked requests and go leave nothing behind."""
    broker = ctx.start_broker(connections_max_idle_ms=2000)
    topic = ctx.topic(broker=broker)
    descriptors = broker.descriptor_count()
    for _ in range(100):
        with socket.create_connection((broker.host, broker.port), timeout=5) as stranger:
            stranger.sendall(fetch_request(topic, 0x7FFFFFFF) * 70)
    wait_until(lambda: broker.descriptor_count() <= descriptors + 2, 15,
               f"descriptors back at {descriptors}")
    begun = time.monotonic()
    broker.stop()
    assert time.monotonic() - begun < 3, "the stop waited for somebody"


@test(shards=2, own=True, only="tidemill")
def deaf_readers(ctx):
    """Peers that ask for much that is on disk and read no answer hold a bounded part of memory."""
    broker = ctx.start_broker(tidemill_memory_bytes=64 << 20)
    topic = ctx.topic("data", 4, broker=broker)
    filled = wire.Batch([os.urandom(900_000)]).encode()
    with ctx.wire(broker) as connection:
        for index in range(400):
            expect_equal(connection.produce(topic, index % 4, filled)[0], 0, "filled")
        resident, highest = broker.resident_bytes(), 0
        held = []
        for _ in range(20):
            deaf = socket.create_connection((broker.host, broker.port), timeout=0.2)
            held.append(deaf)
            try:
                deaf.sendall(fetch_request(topic, 100, 4) * 70)
            except OSError:
                pass
        end = time.monotonic() + 5
        while time.monotonic() < end:
            highest = max(highest, broker.resident_bytes())
            # Memory may be short for a moment, and says so by a code that clients retry.
            wait_until(lambda: connection.produce(topic, 0, filled)[0] == 0, 2, "beside them", 0.01)
            time.sleep(0.05)
        for deaf in held:
            deaf.close()
    grown = (highest - resident) >> 20
    assert grown < 100, f"memory grew by {grown} MiB"
    broker.stop()


@test(shards=2)
def one_name_many_times(ctx):
    """A topic that is asked about many times is answered once."""
    topic, count = ctx.topic(), 40_000
    with ctx.wire() as connection:
        body = wire.array([wire.string(topic), wire.string("absent/topic")] * count)
        reader = connection.request(wire.METADATA, 1, body)
        size = len(reader.data)
    assert size < 10_000, f"an answer of {size} bytes"


def highest_resident_bytes(pid: int) -> int:
    """The most since the last time it was asked for."""
    process = Path(f"/proc/{pid}")
    lines = (process / "status").read_text().splitlines()
    (process / "clear_refs").write_text("5")
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def ask_much(broker, frames: list[bytes], stopping: threading.Event, answers: list[int]):
    """Sends one frame after the other, each on a connection of its own, and takes the answers."""
    while not stopping.is_set():
        for frame in frames:
            if stopping.is_set():
                return
            try:
                with wire.Connection(broker.host, broker.port, 60.0) as stranger:
                    stranger.send(frame)
                    answers.append(len(stranger.frame()))
            except (OSError, wire.ProtocolError):
                answers.append(0)


@test(shards=2, own=True, limit=240, only="tidemill")
def many_items(ctx):
    """Millions of items in one request end its connection, and as many as a request may have hold
    up nobody else. Apache Kafka reads them all: it is out of memory, or busy for seconds."""
    broker = ctx.start_broker(tidemill_memory_bytes=64 << 20)
    topic = ctx.topic("ordinary", broker=broker)
    with ctx.wire(broker) as connection:
        connection.request(wire.FIND_COORDINATOR, 0, wire.string("g"))
    client = Ordinary(ctx, broker, topic)
    time.sleep(1.0)
    resident, wrong, worst = broker.resident_bytes(), [], 0

    def slowest_and_highest(name: str):
        nonlocal worst
        slowest, client.slowest = client.slowest, 0.0
        worst = max(worst, slowest)
        grown = highest_resident_bytes(broker.pid) - resident
        ctx.log(f"{name}: slowest turn {slowest:.3f} s, memory +{grown >> 20} MiB")
        if slowest > TURN_SECONDS_MAX or grown > RESIDENT_GROWTH_MAX:
            wrong.append(f"{name}: {slowest:.3f} s, +{grown >> 20} MiB")
        return grown
    for name in items.SHAPES:
        with wire.Connection(broker.host, broker.port, 20.0) as stranger:
            try:
                stranger.send(items.endless(name))
                wrong.append(f"{name}: an answer of {len(stranger.frame())} bytes")
            except (OSError, wire.ProtocolError):
                pass
        slowest_and_highest(name)
    for name, frame in items.most(topic).items():
        stopping, answers = threading.Event(), []
        asking = [threading.Thread(target=ask_much, args=(broker, [frame], stopping, answers))
                  for _ in range(4)]
        for thread in asking:
            thread.start()
        time.sleep(1.5)
        stopping.set()
        for thread in asking:
            thread.join(90)
        slowest_and_highest(f"{name}, {len(answers)} times, {max(answers)} bytes")
        if 0 in answers:
            wrong.append(f"{name}: not answered")
    client.stop()
    grown = slowest_and_highest("at the end")
    (ctx.home / "note").write_text(
        f"{client.count} turns of the ordinary client, slowest {worst:.3f} s; "
        f"memory {resident >> 20} MiB, +{grown >> 20} MiB")
    assert not client.failures, f"the ordinary client failed: {client.failures}"
    assert not wrong, "\n".join(wrong)
    broker.stop()


@test(shards=2, own=True, only="tidemill", limit=120)
def dripping(ctx):
    """Peers that hold memory for frames they never finish do not keep large ones of others waiting."""
    broker = ctx.start_broker(tidemill_request_memory_bytes=32 << 20,
                              tidemill_memory_bytes=64 << 20)
    topic = ctx.topic("data", 4, broker=broker)
    large = wire.Batch([os.urandom(900_000)]).encode()
    body = (wire.string(None) + wire.i16(1) + wire.i32(30_000) + wire.array([
        wire.string(topic) + wire.array([wire.i32(index) + wire.blob(large) for index in range(4)])]))
    with ctx.wire(broker) as connection:
        for _ in range(30):  # fills the memory for data, which is nothing that drips take
            connection.request(wire.PRODUCE, 3, body)
    resident = broker.resident_bytes()
    flood = attacks.Dripping(broker.host, broker.port).start()
    time.sleep(2)
    took, highest = [], 0
    end = time.monotonic() + 15
    while time.monotonic() < end:
        begun = time.monotonic()
        with ctx.wire(broker) as connection:  # one that is closed fails the test
            connection.request(wire.PRODUCE, 3, body)
        took.append(time.monotonic() - begun)
        highest = max(highest, broker.resident_bytes() - resident)
    flood.stop()
    note = (f"{len(took)} large frames, the first after {took[0]:.2f} s, slowest {max(took):.2f} s; "
            f"{flood.closed} drips closed; memory +{highest >> 20} MiB")
    ctx.log(note)
    (ctx.home / "note").write_text(note)
    assert max(took) < 5, note
    assert highest <= RESIDENT_GROWTH_MAX, note
    broker.stop()
