"""What the driver and the engine process say to each other: MessagePack in frames, over one socket pair.

A frame is a 4-byte big-endian length and that many bytes.
"""

from __future__ import annotations

import msgspec


class Start(msgspec.Struct, tag=True, frozen=True):
    """The driver's first word. None leaves a choice to the engine process, which knows the devices."""

    model: str
    seed: int
    top_p: float
    max_model_len: int | None
    max_num_seqs: int | None
    tensor_parallel_size: int | None
    data_parallel_size: int | None
    gpu_memory_utilization: float
    eager: bool | None


class Generate(msgspec.Struct, tag=True, frozen=True):
    """Draw `n` samples; the choices are numbered from `first_choice`. `id` is the driver's own."""

    id: int
    messages: tuple[dict[str, str], ...]
    n: int
    first_choice: int
    temperature: float
    max_tokens: int
    seed: int


class Abort(msgspec.Struct, tag=True, frozen=True):
    """Forget a Generate; nothing more is said about it."""

    id: int


class Stop(msgspec.Struct, tag=True, frozen=True):
    """Shut the engine down and end."""


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The engine answers; what it settled on. Sizes are numbers of sequences, devices and tokens."""

    device: str
    dtype: str
    max_model_len: int
    max_num_seqs: int
    tensor_parallel_size: int
    data_parallel_size: int
    version: str


class Answer(msgspec.Struct, tag=True, frozen=True):
    """One finished sample. `cached_tokens` of its prompt came from the prefix cache."""

    id: int
    choice: int
    text: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cumulative_logprob: float | None
    finish_reason: str


class Load(msgspec.Struct, tag=True, frozen=True):
    """How busy the engine has been since it started; the fields are those of `engine_load.EngineLoad`."""

    seconds: float
    kv_usage_seconds: float
    kv_usage_peak: float
    running_seconds: float
    prefix_queries: int
    prefix_hits: int
    preemptions: int


class TooLong(msgspec.Struct, tag=True, frozen=True):
    """The prompt of a Generate leaves no room for an answer."""

    id: int
    prompt_tokens: int
    max_model_len: int


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The engine cannot start or go on; the process ends. The log often has the cause of the cause."""

    message: str


ToEngine = Start | Generate | Abort | Stop
FromEngine = Ready | Answer | Load | TooLong | Failed

HEADER_BYTES = 4


def frame(message: ToEngine | FromEngine) -> bytes:
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def body_length(header: bytes) -> int:
    return int.from_bytes(header, "big")


def decode_to_engine(body: bytes) -> ToEngine:
    message: ToEngine = msgspec.msgpack.decode(body, type=ToEngine)
    return message


def decode_from_engine(body: bytes) -> FromEngine:
    message: FromEngine = msgspec.msgpack.decode(body, type=FromEngine)
    return message
