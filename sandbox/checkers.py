"""Whether an output is right: compared outside the process that ran the program, never inside it.

Both sides are hostile. Outputs may be tens of megabytes of anything; work and memory stay near-linear with a
small constant. `python` checkers come with data sets, so they run in the sandbox like any other program.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import operator
import re
from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.literals import MalformedLiteral, canonical, parse_literal, same_value
from sandbox.types import Limits, Outcome, Program, Verdict

DEFAULT_TOLERANCE = 1e-6
CHECKER_LIMITS = Limits(cpu_seconds=10.0, memory_bytes=2 * 2**30, output_bytes=2**16)

_BLOCK_BYTES = 2**18  # tokens of one block live at once, so 64 MB of tokens never become 2 GB of objects
_SORT_BYTES = 4 * 2**20  # behaviours of longer outputs keep their order
_THREAD_BYTES = 2**18  # longer comparisons leave the event loop
_NUMBER_BYTES = 1024  # longer tokens are text: float() of a million digits takes quadratic time
_WHITESPACE = b" \t\n\r\x0b\x0c"
_SPACE = re.compile(rb"[ \t\n\r\x0b\x0c]")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NON_FINITE = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)

_Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CheckerSpec(BaseModel):
    """How an output is compared with the expected one.

    tokens: equal whitespace-separated tokens. exact: equal bytes, except CRLF and the last newline.
    floats: tokens, numbers within `abs_tolerance` or `rel_tolerance` (of the expected value).
    unordered_lines, unordered_tokens: as multisets. literal: equal Python values (function mode).
    python: `source` defines `check(input: str, expected: str, actual: str) -> bool`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["tokens", "exact", "floats", "unordered_lines", "unordered_tokens", "literal", "python"] = "tokens"
    case_sensitive: bool = Field(True, description="False: ASCII letters compare equal in either case.")
    abs_tolerance: _Tolerance | None = Field(
        None, description="Kinds floats and literal; 1e-6 (both tolerances) when neither is given."
    )
    rel_tolerance: _Tolerance | None = Field(None, description="As `abs_tolerance`, times |expected|.")
    source: str = Field("", description="Kind python: defines check(input, expected, actual) -> bool.")

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> CheckerSpec:
        if self.kind == "python" and not self.source.strip():
            raise ValueError("checker kind `python` needs `source`")
        if self.kind != "python" and self.source:
            raise ValueError(f"checker kind `{self.kind}` takes no `source`")
        tolerant = (self.abs_tolerance, self.rel_tolerance) != (None, None)
        if tolerant and self.kind not in ("floats", "literal"):
            raise ValueError(f"checker kind `{self.kind}` takes no tolerance")
        return self

    @property
    def tolerances(self) -> tuple[float, float]:
        """(absolute, relative); a number is right when it is within either."""
        if self.abs_tolerance is None and self.rel_tolerance is None:
            return DEFAULT_TOLERANCE, DEFAULT_TOLERANCE
        return self.abs_tolerance or 0.0, self.rel_tolerance or 0.0


class CheckerFailed(RuntimeError):
    """A `python` checker crashed, ran out of its limits or returned no bool: IE, never the program's WA."""


class Runner(Protocol):
    """What a `python` checker runs in; `Sandbox` is one."""

    async def run(self, program: Program, stdin: bytes, limits: Limits) -> Outcome: ...


class Checker:
    """Compares outputs according to a spec. Safe to share between tasks."""

    def __init__(self, spec: CheckerSpec, run: Runner | None = None) -> None:
        if spec.kind == "python" and run is None:
            raise ValueError("a python checker needs a sandbox to run in")
        self.spec = spec
        self._runner = run

    async def accepts(self, input: bytes, expected: bytes, actual: bytes) -> bool:
        """Whether `actual` is a right output. Raises CheckerFailed (kind python only)."""
        if self._runner is not None and self.spec.kind == "python":
            return await self._ask(self._runner, input, expected, actual)
        if len(expected) + len(actual) > _THREAD_BYTES:
            return await asyncio.to_thread(_accepts, self.spec, expected, actual)
        return _accepts(self.spec, expected, actual)

    def normalise(self, output: bytes) -> bytes:
        """Canonical form for behaviour digests: outputs of equal form are (all but) always accepted alike.

        The converse cannot hold for tolerances: two close numbers may round apart.
        """
        spec = self.spec
        if spec.kind == "literal":
            try:
                value = parse_literal(_text(output), fold_case=not spec.case_sensitive)
            except MalformedLiteral:
                return b" ".join(_tokens(output))
            return canonical(value, round_float=lambda x: _rounded(x, *spec.tolerances)).encode(
                "utf-8", "surrogatepass"
            )
        if not spec.case_sensitive:
            output = output.lower()
        if spec.kind == "exact":
            return _one_newline_style(output)
        if spec.kind == "unordered_lines" and len(output) <= _SORT_BYTES:
            return b"\n".join(sorted(_lines(output)))
        if spec.kind == "unordered_tokens" and len(output) <= _SORT_BYTES:
            return b" ".join(sorted(output.split()))
        if spec.kind == "floats":
            absolute, relative = spec.tolerances
            return b" ".join(_rounded_token(token, absolute, relative) for token in _tokens(output))
        return b" ".join(b" ".join(block) for block in _token_blocks(output))

    async def _ask(self, runner: Runner, input: bytes, expected: bytes, actual: bytes) -> bool:
        program = Program(language="python", source=self.spec.source, mode="function", entry_point="check")
        arguments = ", ".join(ascii(_text(part)) for part in (input, expected, actual))
        outcome = await runner.run(program, arguments.encode("ascii"), CHECKER_LIMITS)
        answer = outcome.output.strip()
        if outcome.verdict is not Verdict.OK:
            last_line = outcome.stderr.strip().rpartition("\n")[2][:200]
            raise CheckerFailed(f"the checker ended with {outcome.verdict}: {last_line or 'no message'}")
        if answer not in (b"True", b"False"):
            raise CheckerFailed(f"the checker returned {answer[:80]!r}, not True or False")
        return answer == b"True"


def make_checker(spec: CheckerSpec, run: Runner | None = None) -> Checker:
    """A checker for `spec`; `run` is the sandbox and is needed for kind `python` (else ValueError)."""
    return Checker(spec, run)


def _accepts(spec: CheckerSpec, expected: bytes, actual: bytes) -> bool:
    if expected == actual:
        return True
    if spec.kind == "literal":
        return _same_literal(spec, expected, actual)
    if not spec.case_sensitive:
        expected, actual = expected.lower(), actual.lower()
    if spec.kind == "exact":
        return _one_newline_style(expected) == _one_newline_style(actual)
    if spec.kind == "floats":
        absolute, relative = spec.tolerances
        pairs = itertools.zip_longest(_tokens(expected), _tokens(actual))
        return all(_same_number(e, a, absolute, relative) for e, a in pairs)
    # Equal ink first: a flood of output is refused before it is split or sorted.
    if _ink(expected) != _ink(actual):
        return False
    if spec.kind == "unordered_lines":
        return sorted(_lines(expected)) == sorted(_lines(actual))
    if spec.kind == "unordered_tokens":
        return sorted(expected.split()) == sorted(actual.split())
    return all(itertools.starmap(operator.eq, itertools.zip_longest(_tokens(expected), _tokens(actual))))


def _same_literal(spec: CheckerSpec, expected: bytes, actual: bytes) -> bool:
    fold = not spec.case_sensitive
    try:
        wanted = parse_literal(_text(expected), fold_case=fold)
        given = parse_literal(_text(actual), fold_case=fold)
    except MalformedLiteral:
        return all(itertools.starmap(operator.eq, itertools.zip_longest(_tokens(expected), _tokens(actual))))
    absolute, relative = spec.tolerances
    return same_value(wanted, given, lambda e, a: _close(e, a, absolute, relative))


def _token_blocks(data: bytes) -> Iterator[list[bytes]]:
    start = 0
    while start < len(data):
        end = start + _BLOCK_BYTES
        gap = _SPACE.search(data, end) if end < len(data) else None
        end = gap.start() if gap else len(data)
        yield data[start:end].split()
        start = end


def _tokens(data: bytes) -> Iterator[bytes]:
    return itertools.chain.from_iterable(_token_blocks(data))


def _lines(data: bytes) -> list[bytes]:
    lines = (b" ".join(line.split()) for line in data.replace(b"\r", b"\n").split(b"\n"))
    return [line for line in lines if line]


def _ink(data: bytes) -> int:
    return len(data.translate(None, _WHITESPACE))


def _one_newline_style(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").removesuffix(b"\n")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(token: bytes) -> float | None:
    """The value of a number token; None for text and for finite numerals that overflow to infinity."""
    if len(token) > _NUMBER_BYTES:
        return None
    if _NUMBER.fullmatch(token):
        value = float(token)
        return None if math.isinf(value) else value
    return float(token) if _NON_FINITE.fullmatch(token) else None


def _same_number(expected: bytes | None, actual: bytes | None, absolute: float, relative: float) -> bool:
    if expected == actual:
        return True
    if expected is None or actual is None:
        return False
    wanted = _number(expected)
    given = _number(actual) if wanted is not None else None
    return wanted is not None and given is not None and _close(wanted, given, absolute, relative)


def _close(expected: float, actual: float, absolute: float, relative: float) -> bool:
    if math.isnan(expected) or math.isnan(actual):
        return math.isnan(expected) and math.isnan(actual)
    if math.isinf(expected) or math.isinf(actual):
        return expected == actual
    return abs(expected - actual) <= max(absolute, relative * abs(expected))


def _rounded_token(token: bytes, absolute: float, relative: float) -> bytes:
    value = _number(token)
    return token if value is None else _rounded(value, absolute, relative).encode("ascii")


def _rounded(value: float, absolute: float, relative: float) -> str:
    """Decimal text to about the precision that the tolerances tell apart."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if absolute > 0:
        value = round(value, _digits(absolute))
    text = f"{value + 0.0:.{max(_digits(relative), 1) if relative > 0 else 15}g}"
    return "0" if text == "-0" else text


def _digits(tolerance: float) -> int:
    return max(-15, min(15, round(-math.log10(tolerance))))
