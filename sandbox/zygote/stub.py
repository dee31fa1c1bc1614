"""Function mode with test code: the test's side. Runs foreign test code with a stub in the program's place.

Runs in a confined process of its own, as data sets are hostile too. The program is another process, behind a pipe: it
cannot reach what a test compares with, nor `assert`, nor `==`. What became of the test is written to the status
file, which the program's process does not have.

Who is to blame for an exception that ends the test code:
- an AssertionError: the program, it is wrong (`failed`);
- one that the program itself raised, and the stub only passed on: the program (`raised`);
- any exception before the first answer, and at any time what no returned value can cause, an ImportError or a name that
  the test code binds nowhere: the test code (`broken`), and so are test code that never calls the program and values
  that cannot be passed to it;
- everything else, such as TypeError from `len(None)`: the program, for what it returned (`failed`).
SystemExit ends test code as it ends a script: well with 0 or nothing, and badly with anything else.
"""

from __future__ import annotations

import ast
import builtins
import json
import linecache
import os
import sys
import threading
import traceback
import types
import typing
from typing import Any, NoReturn

from . import crossing

REPORT = b"report:"

_REPORT_CHARS = 1000
_NOT_FROM_VALUES = (ImportError, KeyboardInterrupt, crossing.CannotCross)


class Stub:
    """Passes calls on to the program."""

    def __init__(self, module: types.ModuleType, replies: int, requests: int, report: Report) -> None:
        self._classes = crossing.shared_classes(module)
        self._replies = replies
        self._requests = requests
        self._report = report
        self._lock = threading.Lock()
        self.answered = 0
        self.raised: list[BaseException] = []

    def call(self, *positional: Any, **named: Any) -> Any:
        """One call. Raises what the program raised, as a built-in exception or one of the test code's own."""
        with self._lock:
            encoder = crossing.Encoder(self._classes)
            message = {
                "arguments": encoder.encode(positional),
                "named": dict(zip(named, encoder.encode(named.values()), strict=True)),
                "nodes": encoder.nodes,
            }
            crossing.send(self._requests, message)
            try:
                reply = crossing.receive(self._replies)
                if reply is None:
                    self._report.end("gone")
                value = self._understood(reply, encoder.objects)
            except crossing.Garbled as error:
                self._report.end("garbled", str(error))
            self.answered += 1
        if isinstance(value, _Raised):
            self.raised = [*self.raised[-100:], value.error]
            raise value.error
        return value

    def _understood(self, reply: dict[str, Any], known: list[Any]) -> Any:
        decoder = crossing.Decoder(self._classes, known)
        try:
            decoder.add(reply["nodes"])
            for index, node in reply["changed"]:
                if index >= len(known):
                    raise crossing.Garbled("only arguments change")
                decoder.update(index, node)
            values = [decoder.item(item) for item in reply["value"]]
            if "raised" not in reply:
                return values[0]
            return _Raised(self._exception(reply["raised"], values), str(reply["traceback"]))
        except (LookupError, TypeError, ValueError) as error:
            raise crossing.Garbled(f"{type(error).__name__}: {error}") from None

    def _exception(self, names: list[str], arguments: list[Any]) -> Exception:
        for name in names:
            kind = self._classes(name) or getattr(builtins, name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                error = kind.__new__(kind, *arguments)
                error.args = tuple(arguments)
                return error
        return RuntimeError(*names[:1], *arguments)  # derived from BaseException only


class _Raised:
    def __init__(self, error: Exception, text: str) -> None:
        self.error = error
        error.add_note(text)


class Report:
    """What became of the test, for the supervisor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def end(self, result: str, text: str = "") -> NoReturn:
        """Writes it and ends the process."""
        text = text.encode("utf-8", "backslashreplace").decode()[-_REPORT_CHARS:]
        os.write(self._fd, REPORT + json.dumps({"result": result, "text": text}).encode("ascii"))
        os._exit(0)


def run_tests(content: bytes, replies: int, requests: int, status: int) -> NoReturn:
    """Runs the prelude, then the tests with the stub under the name of the entry point (`f`, or `Solution` for
    `Solution().f`) and as `candidate`.

    content: a line of JSON (entry_point, prelude_bytes), then the prelude's text, then that of the tests.
    """
    first, _, text = content.partition(b"\n")
    header = json.loads(first)
    prelude, tests = text[: header["prelude_bytes"]], text[header["prelude_bytes"] :]
    report = Report(status)
    module = types.ModuleType("__main__")
    module.__dict__.update({name: getattr(typing, name) for name in typing.__all__})
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    stub = Stub(module, replies, requests, report)
    try:
        exec(compile(prelude, "prelude.py", "exec", dont_inherit=True), module.__dict__)
        module.__dict__.update(_names(header["entry_point"], stub))
        exec(compile(tests, "tests.py", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        result = _blame(error, stub, tests)
        report.end(result, "" if result == "passed" else _text(error, tests))
    if not stub.answered:
        report.end("broken", "the test code never called the program")
    report.end("passed")


def _names(entry_point: str, stub: Stub) -> dict[str, Any]:
    def candidate(*positional: Any, **named: Any) -> Any:
        return stub.call(*positional, **named)

    owner, _, name = entry_point.rpartition(".")
    candidate.__name__ = candidate.__qualname__ = name
    if not owner:
        return {"candidate": candidate, name: candidate}
    owner = owner.removesuffix("()")
    return {"candidate": candidate, owner: type(owner, (), {name: staticmethod(candidate)})}


def _blame(error: BaseException, stub: Stub, tests: bytes) -> str:
    if any(error is raised for raised in stub.raised):
        return "raised"
    if not stub.answered or isinstance(error, _NOT_FROM_VALUES):
        return "broken"
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return "passed"
    local = isinstance(error, UnboundLocalError)
    if isinstance(error, NameError) and not local and error.name not in _bound_names(tests):
        return "broken"
    return "failed"


def _bound_names(tests: bytes) -> set[str]:
    """All that the test code binds in some place: one of these may be missing because of a returned value."""
    names = set()
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _text(error: BaseException, tests: bytes) -> str:
    lines = tests.decode("utf-8", "replace").splitlines(keepends=True)
    linecache.cache["tests.py"] = (len(tests), None, lines, "tests.py")  # so that the failed assertion is shown
    try:
        tb = error.__traceback__ and error.__traceback__.tb_next  # without this file's own frame
        return "".join(traceback.format_exception(type(error), error, tb, limit=-3))
    except BaseException:  # an exception of the test's own may not even be printable
        return type(error).__name__
