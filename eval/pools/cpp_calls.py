"""Calls C++ functions many times in few sandbox runs, and says of each call what came of it.

A program is a prompt that ends in `type name(parameters) {` with a completion of its body. Argument texts are Python
literals; results are written as `canonical` writes the Python values, in six digits, because translated signatures say
`float`. Calls share the process. One that crashes or is late ends it; the rest is run again without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from clustering.literals import Call, parse_call
from eval.pools.canonical import MAX_CHARS
from eval.pools.cpp_harness import TOLD
from eval.pools.cpp_program import calling
from eval.pools.cpp_types import Inexpressible, Signature, encode, read_signature
from eval.pools.python_calls import Calls
from sandbox import Limits, Program, Verdict
from sandbox.batch import Runner

LIMITS = Limits(cpu_seconds=6.0, memory_bytes=512 * 2**20, output_bytes=8 * 2**20)
_LATE_CALLS = 3  # after so many the rest counts as too slow
_RUNS = 12  # after so many the rest counts as what the last one was

UNKNOWN = "IE"
"""Result of a call whose arguments C++ cannot express: it says nothing about the program."""


async def call_cpp(source: str, prompt: str, calls: Sequence[str], sandbox: Runner, *, language: str = "cpp") -> Calls:
    """Calls the function of `source` (prompt and completion, the body still open) with each argument text.

    Each call has 0.3 s of CPU time. A program that does not compile has CE for every call; a call whose arguments do
    not fit the signature has IE. Raises what `Sandbox.run` raises.
    """
    try:
        signature = read_signature(prompt)
    except Inexpressible:
        return Calls((UNKNOWN,) * len(calls), 0.0)
    program = Program(language, calling([source], prompt, signature).text)
    return await make_calls(program, 0, encoded_calls(calls, signature), sandbox)


def encoded_calls(calls: Sequence[str], signature: Signature) -> list[bytes | None]:
    """The arguments of each call, in the order of the parameters; None when they do not fit them."""
    return [_encoded(text, signature) for text in calls]


async def make_calls(program: Program, which: int, given: Sequence[bytes | None], sandbox: Runner) -> Calls:
    """Calls completion number `which` of a program made by `calling`. Raises what `Sandbox.run` raises."""
    waiting = [index for index, data in enumerate(given) if data is not None]
    found = dict.fromkeys(range(len(given)), UNKNOWN)
    cpu_seconds = 0.0
    late = runs = 0
    while waiting:
        data = b"%d %d " % (which, len(waiting)) + b"".join(given[index] or b"" for index in waiting)
        outcome = await sandbox.run(program, data, LIMITS, optimise="fast")
        cpu_seconds += outcome.cpu_seconds
        if outcome.verdict is Verdict.CE:
            return Calls(("CE",) * len(given), cpu_seconds)
        results = _read(outcome.output)[: len(waiting)]
        if len(results) < len(waiting) and not (results and outcome.exit_code == TOLD):
            results.append("RTE" if outcome.verdict is Verdict.OK else str(outcome.verdict))
        late += results[-1] == "TLE"
        runs += 1
        found.update(zip(waiting, results, strict=False))
        waiting = waiting[len(results) :]
        if late >= _LATE_CALLS or runs >= _RUNS or outcome.verdict is Verdict.IE:
            found.update(dict.fromkeys(waiting, results[-1]))
            break
    return Calls(tuple(found.values()), cpu_seconds)


def _encoded(text: str, signature: Signature) -> bytes | None:
    call = parse_call(text)
    if call is None:
        return None
    try:
        values = _bound(call, signature)
        return b"".join(encode(v, p.type) for v, p in zip(values, signature.parameters, strict=True))
    except (Inexpressible, RecursionError):
        return None


def _bound(call: Call, signature: Signature) -> list[object]:
    names = [parameter.name for parameter in signature.parameters]
    bound = {
        name if isinstance(name, str) else names[name]: value
        for name, value in call.arguments.items()
        if isinstance(name, str) or name < len(names)
    }
    if len(bound) != len(call.arguments) or set(bound) != set(names):
        raise Inexpressible("the arguments are not those of the signature")
    return [bound[name] for name in names]


def _read(output: bytes) -> list[str]:
    """The results in order, up to the first line that is not as it should be."""
    found: list[str] = []
    for line in output.decode("utf-8", "backslashreplace").split("\n")[:-1]:
        index, _, said = line.partition(" ")
        if index != str(len(found)):
            break
        found.append(said if len(said) <= MAX_CHARS else f"{said[:MAX_CHARS]}#{len(said)}")
    return found
