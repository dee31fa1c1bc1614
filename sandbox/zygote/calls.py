"""Function mode with test code: the program's side. Answers calls that test code makes from another process.

Runs in the candidate's process, so nothing it says is trusted: a forged answer is just a wrong answer. What a test
expects never comes here. See `stub` for the other side and `crossing` for what values become.
"""

from __future__ import annotations

import os
import traceback
import types
from collections.abc import Callable
from typing import Any

from . import crossing

_TRACEBACK_CHARS = 1500


def take_pipe(fd: int) -> int:
    """Moves a pipe away from standard input, which becomes empty."""
    moved = os.dup(fd)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, fd)
    os.close(nothing)
    return moved


def serve(function: Callable[..., Any], module: types.ModuleType, requests: int, replies: int) -> None:
    """Until nobody calls any more. What ends a program, as SystemExit does, comes through."""
    classes = crossing.shared_classes(module)
    while (message := crossing.receive(requests)) is not None:
        crossing.send(replies, _answer(function, classes, message))


def _answer(function: Callable[..., Any], classes: crossing.Classes, message: dict[str, Any]) -> dict[str, Any]:
    decoder = crossing.Decoder(classes)
    decoder.add(message["nodes"])
    positional = [decoder.item(item) for item in message["arguments"]]
    named = {name: decoder.item(item) for name, item in message["named"].items()}
    encoder = crossing.Encoder(classes, decoder.objects, opaque=True)
    try:
        answer: dict[str, Any] = {"value": encoder.encode([function(*positional, **named)])}
    except (MemoryError, SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        answer = {
            "raised": [kind.__name__ for kind in type(error).__mro__],
            "value": encoder.encode(error.args),
            "traceback": "".join(traceback.format_exception(error))[-_TRACEBACK_CHARS:],
        }
    answer["changed"] = [
        (index, now)
        for index, before in enumerate(message["nodes"])
        if before[0] in crossing.CHANGEABLE and not crossing.same(before, now := encoder.node(decoder.objects[index]))
    ]
    answer["nodes"] = encoder.nodes
    return answer
