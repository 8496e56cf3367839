"""A tiny Kafka protocol client of our own: just enough to create topics, to measure a first
acknowledgement without a library's pauses, and to say things no library would say."""

import gzip
import socket
import struct
import time
from dataclasses import dataclass, field

PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT = 8, 9, 10, 11, 12
LEAVE_GROUP, SYNC_GROUP, DESCRIBE_GROUPS, LIST_GROUPS = 13, 14, 15, 16
API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID = 18, 19, 20, 22
DESCRIBE_CONFIGS = 32


class ProtocolError(Exception):
    """The peer closed, or sent what cannot be read."""


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc32c_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def i8(value: int) -> bytes:
    return struct.pack(">b", value)


def i16(value: int) -> bytes:
    return struct.pack(">h", value)


def i32(value: int) -> bytes:
    return struct.pack(">i", value)


def i64(value: int) -> bytes:
    return struct.pack(">q", value)


def string(value: str | None) -> bytes:
    if value is None:
        return i16(-1)
    data = value.encode()
    return i16(len(data)) + data


def blob(value: bytes | None) -> bytes:
    return i32(-1) if value is None else i32(len(value)) + value


def array(items: list[bytes] | None) -> bytes:
    return i32(-1) if items is None else i32(len(items)) + b"".join(items)


def varint(value: int) -> bytes:
    """Zigzag, as in records."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def record(offset_delta: int, value: bytes | None, key: bytes | None = None,
           timestamp_delta: int = 0) -> bytes:
    def sized(data: bytes | None) -> bytes:
        return varint(-1) if data is None else varint(len(data)) + data
    body = (i8(0) + varint(timestamp_delta) + varint(offset_delta) + sized(key) + sized(value)
            + varint(0))
    return varint(len(body)) + body


@dataclass
class Batch:
    """A record batch of version 2. None means: the right value; all else is written as given."""

    values: list[bytes] = field(default_factory=list)
    records: bytes | None = None
    base_offset: int = 0
    length: int | None = None
    leader_epoch: int = -1
    magic: int = 2
    crc: int | None = None
    attributes: int = 0
    last_offset_delta: int | None = None
    timestamp: int | None = None
    timestamp_max: int | None = None
    producer_id: int = -1
    producer_epoch: int = -1
    sequence: int = -1
    count: int | None = None

    def encode(self) -> bytes:
        records = self.records
        if records is None:
            records = b"".join(record(index, value) for index, value in enumerate(self.values))
            if self.attributes & 7 == 1:
                records = gzip.compress(records)
        count = len(self.values) if self.count is None else self.count
        last = count - 1 if self.last_offset_delta is None else self.last_offset_delta
        first_time = int(time.time() * 1000) if self.timestamp is None else self.timestamp
        last_time = first_time if self.timestamp_max is None else self.timestamp_max
        checked = (i16(self.attributes) + i32(last) + i64(first_time) + i64(last_time)
                   + i64(self.producer_id) + i16(self.producer_epoch) + i32(self.sequence)
                   + i32(count) + records)
        crc = crc32c(checked) if self.crc is None else self.crc
        rest = i32(self.leader_epoch) + i8(self.magic) + struct.pack(">I", crc) + checked
        length = len(rest) if self.length is None else self.length
        return i64(self.base_offset) + i32(length) + rest


class Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise ProtocolError("response shorter than its fields")
        part = self.data[self.position:end]
        self.position = end
        return part

    def i8(self) -> int:
        return struct.unpack(">b", self.take(1))[0]

    def i16(self) -> int:
        return struct.unpack(">h", self.take(2))[0]

    def i32(self) -> int:
        return struct.unpack(">i", self.take(4))[0]

    def i64(self) -> int:
        return struct.unpack(">q", self.take(8))[0]

    def string(self) -> str | None:
        length = self.i16()
        return None if length < 0 else self.take(length).decode()

    def blob(self) -> bytes | None:
        length = self.i32()
        return None if length < 0 else self.take(length)

    def array(self, item) -> list:
        return [item() for _ in range(max(self.i32(), 0))]


@dataclass
class Metadata:
    brokers: list[tuple[int, str, int]]
    topics: dict[str, tuple[int, dict[int, int]]]


def header(api_key: int, version: int, correlation_id: int, client_id: str | None) -> bytes:
    return i16(api_key) + i16(version) + i32(correlation_id) + string(client_id)


def produce_body(topic: str, partition: int, records: bytes | None, acks: int = -1,
                 transactional_id: str | None = None, wait_ms: int = 30000) -> bytes:
    return (string(transactional_id) + i16(acks) + i32(wait_ms)
            + array([string(topic) + array([i32(partition) + blob(records)])]))


class Connection:
    """One socket, one request at a time, only versions with fixed-size fields."""

    def __init__(self, host: str, port: int, limit: float = 30.0, client_id: str = "compat"):
        self.socket = socket.create_connection((host, port), timeout=limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client_id = client_id
        self.correlation_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                raise ProtocolError("closed by the broker")
            parts += part
        return bytes(parts)

    def frame(self) -> bytes:
        length = struct.unpack(">i", self.receive(4))[0]
        if not 0 <= length <= 256 << 20:
            raise ProtocolError(f"response of {length} bytes")
        return self.receive(length)

    def request(self, api_key: int, version: int, body: bytes, answer: bool = True) -> Reader:
        self.correlation_id += 1
        content = header(api_key, version, self.correlation_id, self.client_id) + body
        self.send(i32(len(content)) + content)
        if not answer:
            return None
        reader = Reader(self.frame())
        if reader.i32() != self.correlation_id:
            raise ProtocolError("answer to another request")
        return reader

    def api_versions(self) -> dict[int, tuple[int, int]]:
        reader = self.request(API_VERSIONS, 0, b"")
        code = reader.i16()
        if code:
            raise ProtocolError(f"ApiVersions answered {code}")
        entries = reader.array(lambda: (reader.i16(), reader.i16(), reader.i16()))
        return {key: (low, high) for key, low, high in entries}

    def metadata(self, topics: list[str] | None) -> Metadata:
        names = None if topics is None else [string(topic) for topic in topics]
        r = self.request(METADATA, 1, array(names))
        brokers = r.array(lambda: (r.i32(), r.string(), r.i32(), r.string())[:3])
        r.i32()

        def partition():
            _, index, leader = r.i16(), r.i32(), r.i32()
            r.array(r.i32)
            r.array(r.i32)
            return index, leader

        def topic():
            code, name, _ = r.i16(), r.string(), r.i8()
            return name, (code, dict(r.array(partition)))
        return Metadata(brokers, dict(r.array(topic)))

    def create_topic(self, name: str, partitions: int = 1,
                     configs: dict[str, str] | None = None) -> int:
        """Returns the error code."""
        settings = [string(key) + string(str(value)) for key, value in (configs or {}).items()]
        body = (array([string(name) + i32(partitions) + i16(1) + array([]) + array(settings)])
                + i32(30000) + i8(0))
        r = self.request(CREATE_TOPICS, 2, body)
        r.i32()
        return r.array(lambda: (r.string(), r.i16(), r.string()))[0][1]

    def produce(self, topic: str, partition: int, records: bytes | None, acks: int = -1,
                transactional_id: str | None = None) -> tuple[int, int]:
        """Returns the error code and the base offset."""
        body = produce_body(topic, partition, records, acks, transactional_id)
        r = self.request(PRODUCE, 3, body, answer=acks != 0)
        if r is None:
            return 0, -1

        def part():
            r.i32()
            code, offset = r.i16(), r.i64()
            r.i64()
            return code, offset
        return r.array(lambda: (r.string(), r.array(part)))[0][1][0]

    def fetch(self, topic: str, partition: int, offset: int, bytes_max: int = 1 << 20,
              wait_ms: int = 500) -> tuple[int, int, bytes]:
        """Returns the error code, the high watermark and the records."""
        body = (i32(-1) + i32(wait_ms) + i32(1) + i32(bytes_max) + i8(0)
                + array([string(topic) + array([i32(partition) + i64(offset) + i32(bytes_max)])]))
        r = self.request(FETCH, 4, body)
        r.i32()

        def part():
            r.i32()
            code, high = r.i16(), r.i64()
            r.i64()
            r.array(lambda: (r.i64(), r.i64()))
            return code, high, r.blob() or b""
        return r.array(lambda: (r.string(), r.array(part)))[0][1][0]

    def list_offset(self, topic: str, partition: int, timestamp: int) -> tuple[int, int]:
        """Returns the error code and the offset."""
        body = i32(-1) + array([string(topic) + array([i32(partition) + i64(timestamp)])])
        r = self.request(LIST_OFFSETS, 1, body)

        def part():
            r.i32()
            code, _, offset = r.i16(), r.i64(), r.i64()
            return code, offset
        return r.array(lambda: (r.string(), r.array(part)))[0][1][0]

    def committed(self, group: str, topic: str, partitions: list[int]) -> dict[int, int]:
        """Committed offsets; partitions without one are left out."""
        body = string(group) + array([string(topic) + array([i32(p) for p in partitions])])
        r = self.request(OFFSET_FETCH, 2, body)

        def part():
            index, offset, _, code = r.i32(), r.i64(), r.string(), r.i16()
            if code:
                raise ProtocolError(f"OffsetFetch answered {code}")
            return index, offset
        topics = r.array(lambda: (r.string(), r.array(part)))
        code = r.i16()
        if code:
            raise ProtocolError(f"OffsetFetch answered {code}")
        return {index: offset for _, parts in topics for index, offset in parts if offset >= 0}


def batch_values(data: bytes) -> list[tuple[int, bytes]]:
    """Offsets and values in uncompressed batches; a cut last batch is left out."""
    found = []
    position = 0
    while position + 61 <= len(data):
        base, length = struct.unpack_from(">qi", data, position)
        end = position + 12 + length
        if end > len(data):
            break
        count = struct.unpack_from(">i", data, position + 57)[0]
        at = position + 61
        for _ in range(count):
            size, at = _read_varint(data, at)
            next_at = at + size
            _, at = _read_varint(data, at + 1)
            delta, at = _read_varint(data, at)
            key_size, at = _read_varint(data, at)
            value_size, at = _read_varint(data, at + max(key_size, 0))
            found.append((base + delta, data[at:at + max(value_size, 0)]))
            at = next_at
        position = end
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
