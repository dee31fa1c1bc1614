"""The one string that a pickle holds, read without unpickling: a pickle is a program, and data sets are not trusted.

LiveCodeBench keeps its private tests as a pickled string of JSON. Only the opcodes that make one string are accepted.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib

from solver.formats.fields import BadRecord

MAX_BYTES = 2**30  # of the pickle, unpacked

_TEXT = {"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
_HARMLESS = {"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP"}


def packed_text(text: str) -> str:
    """The string in base64 of zlib of a pickle. Raises BadRecord."""
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BadRecord(f"packed tests cannot be unpacked ({error})") from None
    if not unpacker.eof:
        raise BadRecord("packed tests are cut short, or more than a gigabyte")
    return pickled_text(unpacked)


def pickled_text(pickle: bytes) -> str:
    """The string that the pickle makes. Raises BadRecord for a pickle of anything else."""
    found: list[str] = []
    last = ""
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            last = opcode.name
            if opcode.name in _TEXT and isinstance(argument, str):
                found.append(argument)
            elif opcode.name not in _HARMLESS:
                raise BadRecord(f"a pickle of something else than a text ({opcode.name}), which is never unpickled")
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise BadRecord(f"a damaged pickle ({error})") from None
    if last != "STOP" or len(found) != 1:
        raise BadRecord("a pickle of something else than one text, which is never unpickled")
    return found[0]
