"""What a run may be given besides its stdin: arguments, files in its scratch directory, and files to bring back.

The files travel to the fork server and back in one anonymous file, one content after the other; their names and sizes
are in the messages. Most runs need none of this, and pay nothing for it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sandbox.types import Limits, Outcome, Program, Verdict
from sandbox.wire import Extra

MAX_NAMES = 64
MAX_ARGUMENT_BYTES = 16 * 2**10
MAX_FILE_BYTES = 128 * 2**20  # together; the scratch directory holds twice that

_MAX_NAME_BYTES = 100


def checked_extra(
    program: Program,
    arguments: Sequence[str],
    files: Mapping[str, bytes],
    collect: Sequence[str],
    *,
    compiled: bool = False,
) -> Extra | None:
    """None when there is nothing extra. Raises ValueError for what cannot be passed on.

    An interpreted program's own further files come along; a compiled one had them when it was compiled.
    """
    if modules := bool(program.files) and not compiled:
        files = beside(program) | dict(files)
    if not (arguments or files or collect):
        return None
    if sum(len(argument.encode()) + 1 for argument in arguments) > MAX_ARGUMENT_BYTES:
        raise ValueError(f"more than {MAX_ARGUMENT_BYTES} bytes of arguments")
    if any("\0" in argument for argument in arguments):
        raise ValueError("an argument holds a NUL")
    names = dict.fromkeys([*files, *collect])
    if len(names) > MAX_NAMES:
        raise ValueError(f"more than {MAX_NAMES} files")
    if sum(map(len, files.values())) > MAX_FILE_BYTES:
        raise ValueError(f"more than {MAX_FILE_BYTES} bytes of files")
    own = {name for name in (program.input_file, program.output_file) if name and program.mode == "file"}
    for name in names:
        parts = name.split("/")
        if (
            len(parts) > 2
            or not name.isprintable()
            or len(name.encode()) > _MAX_NAME_BYTES
            or {"", ".", ".."} & {*parts}
        ):
            raise ValueError(f"not a plain file name, nor one in a directory: {name!r}")
        if name in own or (len(parts) == 2 and (parts[0] in names or parts[0] in own)):
            raise ValueError(f"{name!r} is used twice")
    return Extra(list(arguments), dict(files), list(dict.fromkeys(collect)), modules)


def beside(program: Program) -> dict[str, bytes]:
    """What lies beside the program's source: headers, modules, further sources."""
    return {name: text.encode("utf-8", "surrogatepass") for name, text in program.files}


def packed(stack: contextlib.ExitStack, extra: Extra, limits: Limits) -> tuple[dict[str, Any], int]:
    """The part of the message to the fork server, and the descriptor to send last. Raises OSError."""
    fd = os.memfd_create("files", os.MFD_CLOEXEC)
    stack.callback(os.close, fd)
    for content in extra.files.values():
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
    message = {
        "files": [(name, len(content)) for name, content in extra.files.items()],
        "collect": extra.collect,
        "most": limits.output_bytes + 1,
    }
    return {"arguments": extra.arguments, "modules": extra.modules, "extra": message}, fd


class ReturnedFiles(NamedTuple):
    """Names and sizes of what the fork server has left, one after the other, in the descriptor of `packed`."""

    sizes: list[tuple[str, int]]
    fd: int


def with_files(outcome: Outcome, returned: ReturnedFiles | None, limits: Limits) -> Outcome:
    """The outcome, with the files that came back; too many of them are OLE."""
    if returned is None:
        return outcome
    if sum(size for _, size in returned.sizes) > limits.output_bytes:
        verdict = Verdict.OLE if outcome.verdict is Verdict.OK else outcome.verdict
        return dataclasses.replace(outcome, verdict=verdict)
    files, offset = {}, 0
    for name, size in returned.sizes:
        files[name] = os.pread(returned.fd, size, offset)
        offset += size
    return dataclasses.replace(outcome, files=files)
