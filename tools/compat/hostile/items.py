"""Requests of many items: a byte or two each on the wire, and much more to whoever works on them."""

from compat.harness import wire
from compat.harness.schema import unsigned

# What one item of an array counts, and what a request may count (`net/server/src/work.rs`).
ITEM_WEIGHT, WEIGHT_MAX = 64, 8 << 20
FRAME_BYTES = 90 << 20

EMPTY = wire.string("")
NOBODY = wire.i32(-1)


def _topics(prefix: bytes, suffix: bytes = b""):
    """Requests of topics that hold partitions: empty topics."""
    return prefix, EMPTY + wire.i32(0), suffix


# API, version, what comes before the array, an item, what comes behind it.
SHAPES = {
    "produce": (0, 3, *_topics(wire.string(None) + wire.i16(1) + wire.i32(1000))),
    "fetch": (1, 4, *_topics(NOBODY + wire.i32(60_000) + wire.i32(1) + wire.i32(1 << 20)
                             + wire.i8(0))),
    "list offsets": (2, 1, *_topics(NOBODY)),
    "metadata": (3, 1, b"", EMPTY, b""),
    "offset commit": (8, 2, *_topics(EMPTY + NOBODY + EMPTY + wire.i64(-1))),
    "offset fetch": (9, 1, *_topics(wire.string("g"))),
    "find coordinator": (10, 4, b"\0\0", b"\x01", b"\0"),
    "join group": (11, 0, wire.string("g") + wire.i32(6000) + EMPTY + wire.string("consumer"),
                   EMPTY + wire.i32(0), b""),
    "leave group": (13, 3, wire.string("g"), EMPTY + wire.i16(-1), b""),
    "sync group": (14, 0, wire.string("g") + wire.i32(1) + EMPTY, EMPTY + wire.i32(0), b""),
    "describe groups": (15, 0, b"", EMPTY, b""),
    "create topics": (19, 2, b"", EMPTY + wire.i32(0) + wire.i16(1) + wire.i32(0) * 2,
                      wire.i32(1000) + wire.i8(0)),
    "delete topics": (20, 1, b"", EMPTY, wire.i32(1000)),
    "delete records": (21, 0, *_topics(b"", wire.i32(1000))),
    "epochs": (23, 2, *_topics(b"")),
    "describe configs": (32, 1, b"", wire.i8(2) + EMPTY + wire.i32(0), wire.i8(0)),
    "log dirs": (35, 1, *_topics(b"")),
    "create partitions": (37, 0, b"", EMPTY + wire.i32(2) + wire.i32(-1),
                          wire.i32(1000) + wire.i8(0)),
    "delete groups": (42, 0, b"", EMPTY, b""),
    "alter configs": (44, 0, b"", wire.i8(2) + EMPTY + wire.i32(0), wire.i8(0)),
    "offset delete": (47, 0, *_topics(wire.string("g"))),
}
FLEXIBLE = ("find coordinator",)


def framed(key: int, version: int, body: bytes, flexible: bool = False) -> bytes:
    content = wire.header(key, version, 1, "many") + (b"\0" if flexible else b"") + body
    return wire.i32(len(content)) + content


def endless(name: str) -> bytes:
    """A frame of nothing but items: up to 90 million of them."""
    key, version, before, item, behind = SHAPES[name]
    count = (FRAME_BYTES - 1000) // len(item)
    flexible = name in FLEXIBLE
    size = unsigned(count + 1) if flexible else wire.i32(count)
    return framed(key, version, before + size + item * count + behind, flexible)


def _named(topic: str, part, weight: int = ITEM_WEIGHT) -> bytes:
    """One topic of as many partitions as a request may have."""
    count = (WEIGHT_MAX - 2 * ITEM_WEIGHT - 100) // weight
    return wire.array([wire.string(topic) + wire.array([part(index) for index in range(count)])])


def _names(length: int = 8) -> list[bytes]:
    count = (WEIGHT_MAX - 100) // (ITEM_WEIGHT + length)
    return [wire.string(f"{index:0{length}}") for index in range(count)]


def most(topic: str) -> dict[str, bytes]:
    """The dearest requests that are answered."""
    names, numbers = _names(), wire.array(_names())
    waiting = NOBODY + wire.i32(60_000) + wire.i32(1) + wire.i32(1 << 20) + wire.i8(0)

    def fetched(index):
        return wire.i32(index) + wire.i64(0) + wire.i32(1000)
    return {
        "metadata of absent topics": framed(3, 1, numbers),
        "fetch of absent partitions": framed(1, 4, waiting + _named(topic, fetched)),
        "fetch of one partition": framed(1, 4, waiting + _named(topic, lambda _: fetched(0))),
        "fetch of absent topics": framed(1, 4, waiting + wire.array(
            [name + wire.array([fetched(0)]) for name in names[:len(names) // 2]])),
        "offsets of absent partitions": framed(2, 1, NOBODY + _named(
            topic, lambda index: wire.i32(index) + wire.i64(-1))),
        "committed offsets": framed(9, 1, wire.string("g") + _named(topic, wire.i32)),
        "commits": framed(8, 2, wire.string("g") + NOBODY + EMPTY + wire.i64(-1) + _named(
            topic, lambda _: wire.i32(0) + wire.i64(0) + EMPTY)),
        "absent groups": framed(15, 0, numbers),
        "deletion of absent groups": framed(42, 0, numbers),
        "deletion of absent topics": framed(20, 1, numbers + wire.i32(1000)),
        "configs of absent topics": framed(32, 1, wire.array(
            [wire.i8(2) + name + wire.i32(-1) for name in names]) + wire.i8(0)),
        "configs of one broker": framed(32, 1, wire.array(
            [wire.i8(4) + name + wire.i32(-1) for name in names]) + wire.i8(1)),
        "epochs": framed(23, 2, _named(
            topic, lambda _: wire.i32(0) + wire.i32(-1) + wire.i32(0))),
        "empty records": framed(0, 3, wire.string(None) + wire.i16(1) + wire.i32(1000) + _named(
            topic, lambda _: wire.i32(0) + wire.i32(0))),
        "sizes": framed(35, 1, _named(topic, wire.i32)),
    }
