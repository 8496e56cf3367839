"""The tiny protocol client against known bytes."""

import unittest

from compat.harness import wire


class Wire(unittest.TestCase):
    def test_crc32c(self):
        self.assertEqual(wire.crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(wire.crc32c(b""), 0)

    def test_varint(self):
        for value, data in ((0, b"\0"), (-1, b"\1"), (1, b"\2"), (63, b"\x7e"), (64, b"\x80\1"),
                            (-65, b"\x81\1"), (300, b"\xd8\4")):
            self.assertEqual(wire.varint(value), data)

    def test_batch_round_trip(self):
        values = [b"", b"one", b"x" * 300]
        data = wire.Batch(values, base_offset=7).encode() + wire.Batch([b"last"], base_offset=10
                                                                       ).encode()
        self.assertEqual(wire.batch_values(data),
                         [(7, b""), (8, b"one"), (9, b"x" * 300), (10, b"last")])
        self.assertEqual(len(wire.batch_values(data[:-1])), 3)


if __name__ == "__main__":
    unittest.main()
