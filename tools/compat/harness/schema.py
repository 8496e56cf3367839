"""Requests and responses straight from Kafka's published schemas (the copy in kafka-python's
package): an encoder and a decoder that share no code with any client or with our own generator."""

import importlib.resources
import json
import random
import re
import struct
import uuid
from functools import cache

NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I",
           "int64": ">q", "float64": ">d"}


@cache
def schema(name: str) -> dict:
    resources = importlib.resources.files("kafka.protocol.schemas.resources")
    text = (resources / f"{name}.json").read_text()
    return json.loads(re.sub(r"(?m)^\s*//.*$", "", text))


@cache
def request_names() -> dict[int, str]:
    """Names without `Request`, by API key."""
    resources = importlib.resources.files("kafka.protocol.schemas.resources")
    found = {}
    for entry in resources.iterdir():
        if entry.name.endswith("Request.json"):
            name = entry.name.removesuffix("Request.json")
            found[schema(name + "Request")["apiKey"]] = name
    return found


def holds(versions: str | None, version: int) -> bool:
    if not versions or versions == "none":
        return False
    low, dash, high = versions.partition("-")
    if versions.endswith("+"):
        return version >= int(versions[:-1])
    return int(low) <= version <= int(high if dash else low)


def versions_of(name: str) -> range:
    low, _, high = schema(name)["validVersions"].partition("-")
    return range(int(low), int(high or low) + 1)


def unsigned(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Encoder:
    """Encodes one message. `values` gives the value of a field by its name; what it does not name
    is drawn by `chance`."""

    def __init__(self, name: str, version: int, values: dict, chance: random.Random,
                 tags: float = 0.0):
        self.message = schema(name)
        self.version = version
        self.flexible = holds(self.message["flexibleVersions"], version)
        self.structs = {entry["name"]: entry["fields"]
                        for entry in self.message.get("commonStructs", [])}
        self.values = values
        self.chance = chance
        self.tags = tags

    def encode(self) -> bytes:
        return self.fields(self.message["fields"])

    def fields(self, fields: list[dict]) -> bytes:
        out, tagged = bytearray(), []
        for field in fields:
            if not holds(field["versions"], self.version):
                continue
            if holds(field.get("taggedVersions"), self.version):
                if self.chance.random() < self.tags:
                    tagged.append((field["tag"], self.field(field)))
                continue
            out += self.field(field)
        if self.flexible:
            out += unsigned(len(tagged))
            for tag, data in sorted(tagged):
                out += unsigned(tag) + unsigned(len(data)) + data
        return bytes(out)

    def field(self, field: dict) -> bytes:
        kind = field["type"]
        nullable = holds(field.get("nullableVersions"), self.version)
        name = field["name"]
        if kind.startswith("[]"):
            return self.array(field, kind[2:], nullable)
        value = self.values.get(name)
        if kind in NUMBERS:
            if value is None:
                value = int(field.get("default", self.chance.randrange(2)))
            return struct.pack(NUMBERS[kind], value)
        if kind == "bool":
            return bytes([bool(value)])
        if kind == "uuid":
            return value or uuid.UUID(int=self.chance.getrandbits(128)).bytes
        if kind == "string":
            text = None if value is None and nullable else value
            if value is None and not nullable:
                text = f"v{self.chance.randrange(100)}"
            return self.sized(None if text is None else text.encode(), 2)
        if kind in ("bytes", "records"):
            if value is None and not nullable:
                value = self.chance.randbytes(8)
            return self.sized(value, 4)
        if nullable and self.flexible and value is None and name in self.values:
            return b"\xff"
        inner = self.fields(field.get("fields") or self.structs[kind])
        return (b"\1" if nullable and self.flexible else b"") + inner

    def sized(self, data: bytes | None, width: int) -> bytes:
        if self.flexible:
            return b"\0" if data is None else unsigned(len(data) + 1) + data
        pack = ">h" if width == 2 else ">i"
        return struct.pack(pack, -1) if data is None else struct.pack(pack, len(data)) + data

    def array(self, field: dict, kind: str, nullable: bool) -> bytes:
        items = self.values.get(field["name"])
        if kind in NUMBERS or kind in ("string", "bool", "uuid", "bytes"):
            single = dict(field, type=kind)
            single.pop("nullableVersions", None)
            if items is None:
                parts = [self.field(single)]
            else:
                parts = [Encoder.field(self._with(field["name"], item), single) for item in items]
        else:
            inner = field.get("fields") or self.structs[kind]
            parts = [self.fields(inner) for _ in range(1 if items is None else items)]
        count = len(parts)
        head = unsigned(count + 1) if self.flexible else struct.pack(">i", count)
        return head + b"".join(parts)

    def _with(self, name, value) -> "Encoder":
        other = Encoder.__new__(Encoder)
        other.__dict__.update(self.__dict__)
        other.values = {**self.values, name: value}
        return other


def request_frame(key: int, version: int, correlation_id: int, values: dict,
                  chance: random.Random, tags: float = 0.0) -> bytes:
    """A whole request without its length prefix."""
    encoder = Encoder(request_names()[key] + "Request", version, values, chance, tags)
    client = b"compat"
    head = struct.pack(">hhih", key, version, correlation_id, len(client)) + client
    if encoder.flexible:
        head += b"\0"
    return head + encoder.encode()


class DecodeError(Exception):
    """A response that does not follow its schema."""


class Decoder:
    """Decodes one message to dicts, lists and plain values, by its schema alone."""

    def __init__(self, name: str, version: int, data: bytes, position: int = 0):
        self.message = schema(name)
        self.version = version
        self.flexible = holds(self.message["flexibleVersions"], version)
        self.structs = {entry["name"]: entry["fields"]
                        for entry in self.message.get("commonStructs", [])}
        self.data = data
        self.position = position

    def decode(self) -> dict:
        found = self.fields(self.message["fields"])
        if self.position != len(self.data):
            raise DecodeError(f"{len(self.data) - self.position} bytes after the last field")
        return found

    def take(self, count: int) -> bytes:
        if count < 0 or self.position + count > len(self.data):
            raise DecodeError(f"{count} bytes wanted, {len(self.data) - self.position} left")
        self.position += count
        return self.data[self.position - count:self.position]

    def unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def fields(self, fields: list[dict]) -> dict:
        found, tagged = {}, {}
        for field in fields:
            if not holds(field["versions"], self.version):
                continue
            if holds(field.get("taggedVersions"), self.version):
                tagged[field["tag"]] = field
            else:
                found[field["name"]] = self.field(field)
        if self.flexible:
            for _ in range(self.unsigned()):
                tag, size = self.unsigned(), self.unsigned()
                end = self.position + size
                if tag in tagged:
                    found[tagged[tag]["name"]] = self.field(tagged[tag])
                    if self.position != end:
                        raise DecodeError(f"tagged field {tag} has another size")
                else:
                    self.take(size)
        return found

    def field(self, field: dict):
        kind = field["type"]
        nullable = holds(field.get("nullableVersions"), self.version)
        if kind.startswith("[]"):
            return self.array(field, kind[2:], nullable)
        if kind in NUMBERS:
            return struct.unpack(NUMBERS[kind], self.take(struct.calcsize(NUMBERS[kind])))[0]
        if kind == "bool":
            return self.take(1) != b"\0"
        if kind == "uuid":
            return self.take(16)
        if kind == "string":
            data = self.sized(2)
            if data is None and not nullable:
                raise DecodeError(f"{field['name']} is null")
            return None if data is None else data.decode()
        if kind in ("bytes", "records"):
            return self.sized(4)
        if nullable and self.flexible and self.take(1) == b"\xff":
            return None
        return self.fields(field.get("fields") or self.structs[kind])

    def length(self, width: int) -> int:
        if self.flexible:
            return self.unsigned() - 1
        return struct.unpack(">h" if width == 2 else ">i", self.take(width))[0]

    def sized(self, width: int) -> bytes | None:
        length = self.length(width)
        return None if length < 0 else self.take(length)

    def array(self, field: dict, kind: str, nullable: bool):
        count = self.length(4)
        if count < 0:
            if not nullable:
                raise DecodeError(f"{field['name']} is null")
            return None
        if kind in NUMBERS or kind in ("string", "bool", "uuid", "bytes"):
            single = dict(field, type=kind)
            single.pop("nullableVersions", None)
            return [self.field(single) for _ in range(count)]
        inner = field.get("fields") or self.structs[kind]
        return [self.fields(inner) for _ in range(count)]


def decode_response(key: int, version: int, correlation_id: int, data: bytes) -> dict:
    name = request_names()[key] + "Response"
    found = struct.unpack_from(">i", data)[0]
    if found != correlation_id:
        raise DecodeError(f"correlation id {found}, not {correlation_id}")
    position = 4
    # The header of ApiVersions' response is never flexible: the client may not know the version.
    if key != 18 and holds(schema(name)["flexibleVersions"], version):
        if data[4] != 0:
            raise DecodeError("tags in the response header")
        position = 5
    return Decoder(name, version, data, position).decode()
