"""The messages between driver and supervisors: length-prefixed msgpack over a socket pair."""

from __future__ import annotations

import socket
import struct

import msgspec

from sandbox.languages import Runtime
from sandbox.libraries import Library
from sandbox.types import Interaction, Limits, Outcome, Program

HEADER = struct.Struct("!Q")


class Settings(msgspec.Struct, frozen=True):
    """What a supervisor is started with. directory: its own, inside the sandbox's private one."""

    directory: str
    toolchain: list[str]
    libraries: list[Library]
    without: list[str]


class Extra(msgspec.Struct, frozen=True):
    """What few runs need. files: placed before the start, by name. collect: names of files to bring back.

    modules: whether a Python program may import what is placed beside it.
    """

    arguments: list[str]
    files: dict[str, bytes]
    collect: list[str]
    modules: bool = False


class Run(msgspec.Struct, tag=True, frozen=True):
    """Run a program. binary: path of the compiled program, empty for an interpreted one.

    program comes without its source, which is `source`: bytes, as it need not be valid text. runtime: the
    interpreter to start on the binary or the source; None for native binaries and Python.
    """

    id: int
    program: Program
    source: bytes
    stdin: bytes
    limits: Limits
    binary: str
    extra: Extra | None = None
    runtime: Runtime | None = None


class Compile(msgspec.Struct, tag=True, frozen=True):
    """Compile source text to a file at `binary`, by the first of `commands` that succeeds. files: placed beside it."""

    id: int
    source: bytes
    source_name: str
    commands: list[list[str]]
    binary_name: str
    binary: str
    files: dict[str, bytes] = {}


class Pair(msgspec.Struct, tag=True, frozen=True):
    """Run two programs at once, each one's output the other's input.

    check: the partner is test code (its source as `sandbox.zygote.stub` takes it) that calls the program.
    """

    id: int
    program: Run
    partner: Run
    check: bool


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """End the request with this id soon; it is still answered."""

    id: int


class Hello(msgspec.Struct, tag=True, frozen=True):
    """A supervisor's first message: layer name -> (active, detail)."""

    layers: dict[str, tuple[bool, str]]


class Answer(msgspec.Struct, tag=True, frozen=True):
    """The outcome of a request. For Compile: OK, CE or IE. interaction: for Pair."""

    id: int
    outcome: Outcome
    interaction: Interaction | None = None


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The supervisor could not do the request (id 0: could not start). Says nothing about the program."""

    id: int
    reason: str


Request = Run | Compile | Pair | Cancel
Reply = Hello | Answer | Failed

_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """A frame: length, then msgpack."""
    body = _encoder.encode(message)
    return HEADER.pack(len(body)) + body


def decode_reply(body: bytes | memoryview) -> Reply:
    """The message of a frame's body. Raises msgspec.DecodeError."""
    reply: Reply = _replies.decode(body)
    return reply


def receive_request(channel: socket.socket) -> Request | None:
    """Blocks for the next request; None when the driver is gone."""
    header = _receive(channel, HEADER.size)
    if header is None:
        return None
    body = _receive(channel, HEADER.unpack(header)[0])
    return None if body is None else _requests.decode(body)


def _receive(channel: socket.socket, count: int) -> bytearray | None:
    data = bytearray(count)
    view, got = memoryview(data), 0
    while got < count:
        try:
            received = channel.recv_into(view[got:])
        except ConnectionError:
            return None
        if not received:
            return None
        got += received
    return data
