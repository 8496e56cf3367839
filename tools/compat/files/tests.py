"""A real file through topics of 1 and 64 partitions and back, by every program with every codec,
on 1, 2 and 4 shards. What comes back is the same file: with one partition line by line, with many
the same lines, each partition's in the order of the file."""

import hashlib
import random
import subprocess
import time

from compat.files import command
from compat.harness import wire
from compat.harness.context import expect_equal, test

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
WORDS = ("anchor", "barge", "canal", "dyke", "ebb", "flood", "gate", "harbour", "inlet", "jetty",
         "keel", "lock", "mill", "neap", "oar", "pier", "quay", "reef", "sluice", "tide", "wheel")


def make_file(path, megabytes: int, seed: int) -> int:
    """Deterministic text: numbered lines of words and digits. Returns the count of lines."""
    chance = random.Random(seed)
    tails = [" ".join(chance.choices(WORDS, k=chance.randrange(1, 14)))
             + f" {chance.getrandbits(64):016x}" for _ in range(4096)]
    tails += ["", " ", "x" * 4000, "ümlaut und 潮", "\t tab and trailing space "]
    size, count, limit = 0, 0, megabytes << 20
    with open(path, "wb", buffering=1 << 20) as out:
        while size < limit:
            lines = [f"{number:010d} {tail}\n".encode() for number, tail in enumerate(
                chance.choices(tails, k=1000), start=count)]
            block = b"".join(lines)
            out.write(block)
            size += len(block)
            count += len(lines)
    return count


class Digest:
    """Equal for equal lists of lines, in any order: a count and a sum of line hashes."""

    def __init__(self):
        self.count = 0
        self.sum = 0

    def add(self, line: bytes) -> None:
        self.count += 1
        self.sum = self.sum + int.from_bytes(
            hashlib.blake2b(line, digest_size=8).digest(), "little") & (1 << 64) - 1

    @classmethod
    def of_file(cls, path) -> "Digest":
        made = cls()
        with open(path, "rb", buffering=1 << 20) as source:
            for line in source:
                made.add(line.rstrip(b"\n"))
        return made

    def __eq__(self, other):
        return (self.count, self.sum) == (other.count, other.sum)

    def __repr__(self):
        return f"{self.count} lines, sum {self.sum:016x}"


def send(ctx, sender, topic, codec, path):
    made = command.produce(sender, ctx.broker.address, topic, codec, path)
    ctx.log("$ " + " ".join(made.words))
    with open(path, "rb") as source:
        done = subprocess.run(
            made.words, stdin=source if made.reads_stdin else subprocess.DEVNULL,
            capture_output=True, check=False)
    ctx.log((done.stdout[-2000:] + done.stderr[-2000:]).decode(errors="replace"))
    expect_equal(done.returncode, 0, f"exit code of {sender}")


def receive(ctx, reader, topic, lines) -> tuple[Digest, dict[int, int]]:
    """The digest of all lines, and the count per partition; checks each partition's order."""
    words = command.consume(reader, ctx.broker.address, topic, lines)
    ctx.log("$ " + " ".join(words))
    found, last, counts = Digest(), {}, {}
    with open(ctx.home / "reader.err", "wb") as errors, subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
            bufsize=1 << 20) as process:
        for row in process.stdout:
            place, _, line = row.rstrip(b"\n").partition(b"\t")
            partition = int(place.removeprefix(b"Partition:"))
            number = int(line[:10])
            if number <= last.get(partition, -1):
                raise AssertionError(f"partition {partition}: line {number} after "
                                     f"{last[partition]}")
            last[partition] = number
            counts[partition] = counts.get(partition, 0) + 1
            found.add(line)
    expect_equal(process.returncode, 0,
                 f"exit code of {reader}: {(ctx.home / 'reader.err').read_text()[-500:]}")
    return found, counts


def round_trip(ctx, case, path, lines, expected):
    sender, reader, codec, partitions = case
    topic = ctx.topic(f"{sender}-{reader}-{codec}-{partitions}", partitions)
    begun = time.monotonic()
    send(ctx, sender, topic, codec, path)
    middle = time.monotonic()
    found, counts = receive(ctx, reader, topic, lines)
    ctx.log(f"{case}: in {middle - begun:.1f} s, out {time.monotonic() - middle:.1f} s")
    assert found == expected, f"{case}: sent {expected}, read {found}"
    if partitions > 1:
        # Each batch, or record, goes to a partition by chance: small files do not reach all.
        least = min(16, ctx.options.megabytes)
        assert len(counts) >= least, f"{case}: only in partitions {sorted(counts)}"
    with ctx.wire() as connection:
        body = wire.array([wire.string(topic)]) + wire.i32(30000)
        connection.request(wire.DELETE_TOPICS, 1, body)


def cases(matrix: bool, shift: int) -> list[tuple[str, str, str, int]]:
    """Sender, reader, codec, partitions. One shard count has a third of the matrix: over the three
    of them each program sends each codec, and both counts of partitions meet every codec."""
    programs = [name for name in command.PROGRAMS if command.available(name)]
    found = []
    for index, codec in enumerate(CODECS):
        for step in range(len(programs) if matrix else 1):
            sender = programs[(index + shift + step) % len(programs)]
            reader = programs[(index + shift + step + 1 + shift) % len(programs)]
            for partitions in (1, 64) if matrix else ((1, 64)[(index + shift) % 2],):
                found.append((sender, reader, codec, partitions))
    return found


def files(ctx, shards: int, shift: int):
    ctx.broker = ctx.start_broker(shards)
    path = ctx.home / "file"
    lines = make_file(path, ctx.options.megabytes, ctx.options.seed)
    expected = Digest.of_file(path)
    expect_equal(expected.count, lines, "lines in the file")
    try:
        for case in cases(ctx.options.matrix, shift):
            round_trip(ctx, case, path, lines, expected)
    finally:
        path.unlink()
    ctx.broker.stop()


@test(shards=1, own=True, limit=14400)
def shards_1(ctx):
    files(ctx, 1, 0)


@test(shards=2, own=True, limit=14400)
def shards_2(ctx):
    files(ctx, 2, 1)


@test(shards=4, own=True, limit=14400)
def shards_4(ctx):
    files(ctx, 4, 2)
