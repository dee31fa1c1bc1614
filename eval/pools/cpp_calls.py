"""Calls a C++ function many times in few sandbox runs, and says of each call what came of it.

The program is a prompt that ends in `type name(parameters) {` with a completion of its body. Argument texts are Python
literals; results are written as `canonical` writes the Python values, in six digits, because translated signatures say
`float`. Calls share the process. One that crashes or is late ends it; the rest is run again without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from clustering.literals import Call, parse_call
from eval.pools.canonical import MAX_CHARS
from eval.pools.cpp_harness import HARNESS, TOLD
from eval.pools.cpp_types import Inexpressible, Signature, encode, read_signature
from eval.pools.python_calls import CALL_SECONDS, Calls
from sandbox import Limits, Program, Verdict
from sandbox.batch import Runner

DIGITS = 6
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
    given = [_encoded(text, signature) for text in calls]
    waiting = [index for index, data in enumerate(given) if data is not None]
    program = Program(language, _whole(source, signature))
    found = dict.fromkeys(range(len(calls)), UNKNOWN)
    cpu_seconds = 0.0
    late = runs = 0
    while waiting:
        data = b"%d " % len(waiting) + b"".join(given[index] or b"" for index in waiting)
        outcome = await sandbox.run(program, data, LIMITS, optimise="fast")
        cpu_seconds += outcome.cpu_seconds
        if outcome.verdict is Verdict.CE:
            return Calls(("CE",) * len(calls), cpu_seconds)
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


def _whole(source: str, signature: Signature) -> str:
    names = [f"codesieve_argument_{index}" for index in range(len(signature.parameters))]
    arguments = "\n".join(
        f"        {parameter.spelling} {name} = codesieve_calls::Reader<{parameter.spelling}>::read(in);"
        for name, parameter in zip(names, signature.parameters, strict=True)
    )
    harness = HARNESS
    for mark, text in (
        ("@DIGITS@", str(DIGITS)),
        ("@MICROSECONDS@", str(int(CALL_SECONDS * 1e6))),
        ("@TOLD@", str(TOLD)),
        ("@ARGUMENTS@", arguments),
        ("@CALL@", f"{signature.name}({', '.join(names)})"),
    ):
        harness = harness.replace(mark, text)
    return f"{source}\n}}\n{harness}"


def _encoded(text: str, signature: Signature) -> bytes | None:
    """The call's arguments, in the order of the parameters; None when they do not fit them."""
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
