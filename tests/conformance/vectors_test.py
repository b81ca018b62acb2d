"""vectors.json and another implementation of msgpack: fields to bytes and back. A codec in any language can be checked alike."""
import json
import pathlib
import struct
import unittest

import msgpack

VECTORS = json.loads((pathlib.Path(__file__).resolve().parent / "vectors.json").read_text())


def with_bytes(value):
    """JSON has no byte strings: they stand there as {"bin": "<hex>"}."""
    if isinstance(value, dict):
        if set(value) == {"bin"}:
            return bytes.fromhex(value["bin"])
        return {key: with_bytes(element) for key, element in value.items()}
    return [with_bytes(element) for element in value] if isinstance(value, list) else value


class Vectors(unittest.TestCase):
    def test_fields_are_packed_to_the_bytes(self):
        for vector in VECTORS:
            with self.subTest(vector["name"]):
                head = bytes.fromhex(vector["head"])
                self.assertEqual(msgpack.packb(with_bytes(vector["fields"])).hex(), head[12:].hex())

    def test_bytes_are_unpacked_to_the_fields(self):
        for vector in VECTORS:
            with self.subTest(vector["name"]):
                head = bytes.fromhex(vector["head"])
                magic, major, number = struct.unpack("<2sBB", head[:4])
                self.assertEqual((magic, major, number), (b"ST", 1, vector["number"]))
                self.assertEqual(msgpack.unpackb(head[12:]), with_bytes(vector["fields"]))

    def test_sizes_add_up_to_the_blob(self):
        for vector in VECTORS:
            fields, blob = with_bytes(vector["fields"]), bytes.fromhex(vector.get("blob", ""))
            total = 0
            for name in ("sizes", "err_sizes"):
                sizes = fields.get(name, 0)
                is_table = isinstance(sizes, bytes)
                total += sum(struct.unpack(f"<{fields['n']}I", sizes)) if is_table else sizes * fields.get("n", 0)
            with self.subTest(vector["name"]):
                self.assertEqual(total, len(blob))


if __name__ == "__main__":
    unittest.main()
