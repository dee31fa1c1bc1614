"""Runs a Python program inside a confined child, the way `python main.py` would. Never returns."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import io
import marshal
import os
import random
import re
import sys
import threading
import traceback
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TextIO

from . import calls, values

EXIT_OUT_OF_MEMORY = 77  # a program that forges it turns its own RTE into an MLE

CODE_FOLLOWS = b"code:"
MAX_CODE_BYTES = 2**20

_FILE_NAME = "main.py"
_ENTRY_POINT = re.compile(r"(?:([^\W\d]\w*)(\(\))?\.)?([^\W\d]\w*)")


_modules: dict[str, types.ModuleType] = {}

Arguments = tuple[list[Any], dict[str, Any]]


class Report:
    """The channel to the supervisor that is closed before a line of the program has run."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, text: str) -> None:
        os.write(self._fd, text.encode("utf-8", "backslashreplace")[:2048])

    def write_code(self, compiled: bytes) -> None:
        """The program's code, marshalled; a large one is not worth keeping."""
        if len(compiled) <= MAX_CODE_BYTES:
            os.write(self._fd, CODE_FOLLOWS + compiled)

    def close(self) -> None:
        os.close(self._fd)


def prepare_interpreter() -> None:
    """What `site` and start-up would have set, and nothing of the server's own: once, for all children to come."""
    for name in [name for name in sys.modules if name == "sandbox" or name.startswith("sandbox.")]:
        del sys.modules[name]
    quitter: Any = __import__("_sitebuiltins")
    builtins_module: Any = builtins
    builtins_module.exit = quitter.Quitter("exit", "Ctrl-D")
    builtins_module.quit = quitter.Quitter("quit", "Ctrl-D")
    builtins_module.help = quitter._Helper()
    sys.argv = [_FILE_NAME]
    sys.stdin = sys.__stdin__ = _text(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "w", "backslashreplace")  # type: ignore[misc]
    sys.set_int_max_str_digits(0)
    sys.orig_argv = [sys.executable, _FILE_NAME]
    sys.setrecursionlimit(1000 + _depth())
    random.seed(0)  # the same program on the same input gives the same output
    _new_module("__main__")
    _new_module("solution").__dict__.update({name: getattr(typing, name) for name in typing.__all__})


def compile_source(source: bytes, report: Report) -> types.CodeType:
    """Compiles, and reports the code for the program's next run. A syntax error is reported, and ends the process."""
    try:
        code = compile(source, _FILE_NAME, "exec", dont_inherit=True)
        compiled = marshal.dumps(code)
    except BaseException as error:
        lines = traceback.format_exception_only(error)
        report.write("compile:" + "".join(lines))
        os._exit(1)
    report.write_code(compiled)
    return code


def run_script(code: types.CodeType, report: Report, arguments: Sequence[str], *, modules: bool = False) -> NoReturn:
    """Runs the code as `__main__` and ends the process with the exit code that Python would give.

    modules: whether it may import from its scratch directory.
    """
    if modules:
        sys.path.insert(0, "")
    if arguments:
        sys.argv += arguments
        sys.orig_argv += arguments
    module = _enter_module("__main__")
    report.close()
    _execute(code, module)
    _finish(0)


def read_arguments(fd: int, report: Report) -> Arguments:
    """The arguments of a call. Text that is no list of literals is reported, and ends the process."""
    with open(fd, "rb", closefd=False) as file:
        text = file.read().decode("utf-8", "surrogateescape")
    try:
        return values.parse_arguments(text)
    except values.BadArguments as error:
        report.write(f"arguments: {error}")
        os._exit(1)


def call_function(
    code: types.CodeType, entry_point: str, arguments: Arguments, result_fd: int, report: Report
) -> NoReturn:
    """Calls `entry_point`; its value's literal goes to `result_fd`."""
    module = _enter_module("solution")
    report.close()
    _execute(code, module)
    try:
        value = _resolve(module, entry_point)(*arguments[0], **arguments[1])
        literal = values.encode(value).encode("ascii")
    except BaseException as error:
        _fail(error)
    while literal:
        literal = literal[os.write(result_fd, literal) :]
    os._exit(0)


def answer_calls(code: types.CodeType, entry_point: str, requests: int, replies: int, report: Report) -> NoReturn:
    """Calls `entry_point`, always the same object's, as often as test code in another process asks for it."""
    module = _enter_module("solution")
    requests = calls.take_pipe(requests)
    report.close()
    _execute(code, module)
    try:
        calls.serve(_resolve(module, entry_point), module, requests, replies)
    except BaseException as error:
        _fail(error)
    os._exit(0)


def _depth() -> int:
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


def _text(fd: int, mode: str, errors: str) -> io.TextIOWrapper:
    file = io.FileIO(fd, mode, closefd=False)
    buffer = io.BufferedReader(file) if mode == "r" else io.BufferedWriter(file)
    newline = None if mode == "r" else "\n"
    return io.TextIOWrapper(buffer, "utf-8", errors, newline, line_buffering=fd == 2)


def _new_module(name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(__file__=_FILE_NAME, __builtins__=builtins)
    _modules[name] = module
    return module


def _enter_module(name: str) -> types.ModuleType:
    module = sys.modules[name] = _modules[name]
    return module


def _execute(code: types.CodeType, module: types.ModuleType) -> None:
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        _fail(error)


def _resolve(module: types.ModuleType, entry_point: str) -> Any:
    match = _ENTRY_POINT.fullmatch(entry_point)
    owner_name, instance, name = match.groups() if match else (None, None, entry_point)
    owner: Any = module
    if owner_name:
        owner = getattr(module, owner_name, None)
        owner = owner() if instance and owner is not None else owner
    function = getattr(owner, name, None)
    if not callable(function):
        raise NameError(f"the program does not define {entry_point}")
    return function


def _fail(error: BaseException) -> NoReturn:
    """Ends the process as the interpreter would on an uncaught exception."""
    if isinstance(error, SystemExit):
        _finish(_exit_code(error.code))
    if isinstance(error, MemoryError):
        os.write(2, b"MemoryError\n")
        os._exit(EXIT_OUT_OF_MEMORY)
    try:
        tb = error.__traceback__ and error.__traceback__.tb_next  # without this file's own frame
        sys.excepthook(type(error), error.with_traceback(tb), tb)
    except BaseException as again:
        if isinstance(again, MemoryError):
            os._exit(EXIT_OUT_OF_MEMORY)
    _finish(1)


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _finish(code: int) -> NoReturn:
    """Waits for the program's threads, runs its atexit functions and flushes, as a normal end would."""
    try:
        if len(threading._active) > 1 or threading._threading_atexits:  # type: ignore[attr-defined]
            threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except MemoryError:
        os._exit(EXIT_OUT_OF_MEMORY)
    except BaseException:
        code = code or 1
    code = _flush((sys.stdout, sys.stderr), code)
    if main := sys.modules.get("__main__"):
        # Files that the program left open are flushed as they go.
        with contextlib.suppress(BaseException):
            main.__dict__.clear()
    os._exit(_flush((sys.__stdout__,), code))


def _flush(streams: Iterable[TextIO | None], code: int) -> int:
    for stream in streams:
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except MemoryError:
            os._exit(EXIT_OUT_OF_MEMORY)
        except BaseException:
            code = code or 120  # as CPython does
    return code
