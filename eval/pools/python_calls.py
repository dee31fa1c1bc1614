"""Many calls of one Python function in one confined run: what a program returns for each argument text.

A program that lies about its results lies about its own behaviour only: expected values are compared outside. One that
dies in a call loses that call; the rest is run again without it. Calls share the process, so a program that keeps state
between calls behaves as it would in a test of many asserts.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from eval.pools import canonical as canonical_module
from sandbox import Limits, Program, Runner, Verdict
from sandbox.libraries import mentions_library

CALL_SECONDS = 0.3  # of CPU time, for one call
_LATE_CALLS = 3  # after so many the rest counts as too slow
_RESTARTS = 4
LIMITS = Limits(cpu_seconds=6.0, memory_bytes=512 * 2**20, output_bytes=8 * 2**20)

_HARNESS = """
import io as _io, os as _os, signal as _signal, sys as _sys, typing as _typing
@LIBRARIES@
class _Late(BaseException): pass
class _Nowhere(_io.StringIO):
    encoding = "utf-8"
    def write(self, text): return len(text)
def _late(*_): raise _Late
def _run():
    if hasattr(_sys, "set_int_max_str_digits"): _sys.set_int_max_str_digits(0)
    name, *calls = _sys.stdin.buffer.read().decode("utf-8", "surrogatepass").split("\\n")
    say, late = _sys.stdout.write, 0
    flush, _sys.stdout = _sys.stdout.flush, _Nowhere()
    _signal.signal(_signal.SIGPROF, _late)
    space = {name: getattr(_typing, name) for name in _typing.__all__}  # as in the sandbox's function mode
    space["__name__"] = "candidate"
    def timed(action):
        try:
            _signal.setitimer(_signal.ITIMER_PROF, @SECONDS@)
            try: return action()
            finally: _signal.setitimer(_signal.ITIMER_PROF, 0)
        except _Late: return "TLE"
        except MemoryError: return "MLE"
        except BaseException as error: return "CE" if isinstance(error, SyntaxError) and not calls_begun else "RTE"
    def answer(text):
        positional, named = eval("(lambda *a, **k: (a, k))(" + text + ")", {"inf": float("inf"), "nan": float("nan")})
        said = "=" + canonical(function(*positional, **named))
        return said if len(said) <= MAX_CHARS else said[:MAX_CHARS] + "#" + str(len(said))
    calls_begun = False
    def load():
        exec(compile(@SOURCE@, "candidate.py", "exec"), space)
        return space[name]
    function = timed(load)
    calls_begun = True
    for index, text in enumerate(calls):
        if isinstance(function, str): said = function
        elif late >= @LATE@: said = "TLE"
        else:
            said = timed(lambda: answer(text))
            late += said == "TLE"
        say(str(index) + " " + said.replace("\\n", "\\\\n") + "\\n")
        flush()
_run()
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """What came of the calls: `=text` for a returned value, else a verdict's name. cpu_seconds: of all together."""

    results: tuple[str, ...]
    cpu_seconds: float


async def call_python(source: str, entry_point: str, calls: Sequence[str], sandbox: Runner) -> Calls:
    """Calls a program's function with each argument text. Raises what `Sandbox.run` raises."""
    program = Program("python", _harness(source))
    results: list[str] = []
    cpu_seconds = 0.0
    for _ in range(_RESTARTS):
        given = "\n".join([entry_point, *calls[len(results) :]]).encode("utf-8", "surrogatepass")
        outcome = await sandbox.run(program, given, LIMITS)
        cpu_seconds += outcome.cpu_seconds
        results += _read(outcome.output)
        if outcome.verdict is Verdict.OK or len(results) >= len(calls):
            break
        results.append("IE" if outcome.verdict is Verdict.IE else str(outcome.verdict))
    rest = results[-1] if results else "RTE"
    results += [rest if not rest.startswith("=") else "RTE"] * (len(calls) - len(results))
    return Calls(tuple(results[: len(calls)]), cpu_seconds)


def _harness(source: str) -> str:
    text = inspect.getsource(canonical_module) + _HARNESS
    text = text.replace("@SECONDS@", str(CALL_SECONDS)).replace("@LATE@", str(_LATE_CALLS))
    # The sandbox has libraries ready for programs with a line that imports one; the source is a literal, without lines.
    wanted = "'''\nimport numpy\n'''" if mentions_library(source.encode("utf-8", "surrogatepass")) else ""
    return text.replace("@LIBRARIES@", wanted).replace("@SOURCE@", repr(source))


def _read(output: bytes) -> list[str]:
    """The results in order, up to the first line that is not as it should be."""
    found: list[str] = []
    for line in output.decode("utf-8", "surrogatepass").split("\n")[:-1]:
        index, _, said = line.partition(" ")
        if index != str(len(found)):
            break
        found.append(said)
    return found
