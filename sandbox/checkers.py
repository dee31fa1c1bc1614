"""Whether an output is right: compared outside the process that ran the program, never inside it.

Both sides are hostile. Outputs may be tens of megabytes of anything; work and memory stay near-linear with a
small constant. Checkers that are programs come with data sets, so they run in the sandbox like any other program.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import operator
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox import default_validator
from sandbox.literals import MalformedLiteral, canonical, parse_literal, same_value
from sandbox.rulings import Ruling
from sandbox.tokens import ink, token_blocks, tokens
from sandbox.types import Limits, Program
from sandbox.validators import CHECKER_LIMITS, PROGRAM_KINDS, Runner, rule_by_function, rule_by_program

DEFAULT_TOLERANCE = 1e-6

_SORT_BYTES = 4 * 2**20  # behaviours of longer outputs keep their order
_THREAD_BYTES = 2**18  # longer comparisons leave the event loop
_NUMBER_BYTES = 1024  # longer tokens are text: float() of a million digits takes quadratic time
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NON_FINITE = re.compile(rb"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)

_Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CheckerSpec(BaseModel):
    """How an output is compared with the expected one.

    tokens: equal whitespace-separated tokens. exact: equal bytes, except CRLF and the last newline.
    floats: tokens, numbers within `abs_tolerance` or `rel_tolerance` (of the expected value).
    unordered_lines, unordered_tokens: as multisets. literal: equal Python values (function mode).
    python: `source` defines `check(input: str, expected: str, actual: str) -> bool`.
    default_validator: as Kattis compares, with the same `flags` (`sandbox.default_validator`).
    kattis: a program that is run as a Kattis output validator, with `flags` as further arguments.
    testlib: a program that is run as a testlib checker. `files` holds what is compiled with it: headers, modules.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal[
        "tokens", "exact", "floats", "unordered_lines", "unordered_tokens", "literal", "python",
        "default_validator", "kattis", "testlib",
    ] = "tokens"  # fmt: skip
    case_sensitive: bool = Field(True, description="False: ASCII letters compare equal in either case.")
    abs_tolerance: _Tolerance | None = Field(
        None, description="Kinds floats and literal; 1e-6 (both tolerances) when neither is given."
    )
    rel_tolerance: _Tolerance | None = Field(None, description="As `abs_tolerance`, times |expected|.")
    source: str = Field("", description="Kind python: defines check(input, expected, actual) -> bool; else a program.")
    language: str = Field("", description="Kinds kattis and testlib: the program's language, cpp if not given.")
    files: dict[str, str] = Field(default_factory=dict, description="Kinds kattis and testlib: name -> text.")
    flags: tuple[str, ...] = Field((), description="Kinds kattis and default_validator: the validator's flags.")

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> CheckerSpec:
        is_code = self.kind == "python" or self.kind in PROGRAM_KINDS
        if is_code and not self.source.strip():
            raise ValueError(f"checker kind `{self.kind}` needs `source`")
        if not is_code and self.source:
            raise ValueError(f"checker kind `{self.kind}` takes no `source`")
        if self.kind not in PROGRAM_KINDS and (self.language or self.files):
            raise ValueError(f"checker kind `{self.kind}` takes no `language` and no `files`")
        if self.kind not in ("default_validator", "kattis") and self.flags:
            raise ValueError(f"checker kind `{self.kind}` takes no `flags`")
        if self.kind == "default_validator":
            default_validator.parse_flags(self.flags)
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


class Checker:
    """Judges outputs according to a spec. Safe to share between tasks.

    limits: of a checker that is a program.
    """

    def __init__(self, spec: CheckerSpec, run: Runner | None = None, limits: Limits = CHECKER_LIMITS) -> None:
        self._program: Program | None = None
        if spec.kind == "python":
            self._program = Program("python", spec.source, "function", "check")
        elif spec.kind in PROGRAM_KINDS:
            self._program = Program(spec.language or "cpp", spec.source, files=tuple(sorted(spec.files.items())))
        if self._program is not None and run is None:
            raise ValueError(f"a {spec.kind} checker needs a sandbox to run in")
        self.spec = spec
        self._runner = run
        self._limits = limits

    async def accepts(self, input: bytes, expected: bytes, actual: bytes) -> bool:
        """Whether `actual` is a right output. Raises CheckerFailed (kinds that are programs only)."""
        return (await self.rule(input, expected, actual)).accepted

    async def rule(self, input: bytes, expected: bytes, actual: bytes, flags: Sequence[str] = ()) -> Ruling:
        """Whether `actual` is right, and why not. flags: added to the spec's own.

        Raises CheckerFailed, ValueError for flags that the default validator does not know.
        """
        flags = (*self.spec.flags, *flags)
        if self._program is not None and self._runner is not None:
            if self.spec.kind == "python":
                return await rule_by_function(self._runner, self._program, self._limits, input, expected, actual)
            kind = PROGRAM_KINDS[self.spec.kind]
            return await rule_by_program(
                self._runner, kind, self._program, self._limits, input, expected, actual, flags
            )
        if len(expected) + len(actual) > _THREAD_BYTES:
            return await asyncio.to_thread(_rule, self.spec, expected, actual, flags)
        return _rule(self.spec, expected, actual, flags)

    def normalise(self, output: bytes) -> bytes:
        """Canonical form for behaviour digests: outputs of equal form are (all but) always accepted alike.

        The converse cannot hold for tolerances: two close numbers may round apart.
        """
        spec = self.spec
        if spec.kind == "literal":
            try:
                value = parse_literal(_text(output), fold_case=not spec.case_sensitive)
            except MalformedLiteral:
                return b" ".join(tokens(output))
            return canonical(value, round_float=lambda x: _rounded(x, *spec.tolerances)).encode(
                "utf-8", "surrogatepass"
            )
        if "space_change_sensitive" in spec.flags:
            return output
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
            return b" ".join(_rounded_token(token, absolute, relative) for token in tokens(output))
        return b" ".join(b" ".join(block) for block in token_blocks(output))


def make_checker(spec: CheckerSpec, run: Runner | None = None, limits: Limits = CHECKER_LIMITS) -> Checker:
    """A checker for `spec`; `run` is the sandbox and is needed for checkers that are programs (else ValueError)."""
    return Checker(spec, run, limits)


def _rule(spec: CheckerSpec, expected: bytes, actual: bytes, flags: Sequence[str]) -> Ruling:
    if spec.kind == "default_validator":
        reason = default_validator.mismatch(default_validator.parse_flags(flags), expected, actual)
        return Ruling(not reason, reason)
    return Ruling(_accepts(spec, expected, actual))


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
        pairs = itertools.zip_longest(tokens(expected), tokens(actual))
        return all(_same_number(e, a, absolute, relative) for e, a in pairs)
    # Equal ink first: a flood of output is refused before it is split or sorted.
    if ink(expected) != ink(actual):
        return False
    if spec.kind == "unordered_lines":
        return sorted(_lines(expected)) == sorted(_lines(actual))
    if spec.kind == "unordered_tokens":
        return sorted(expected.split()) == sorted(actual.split())
    return all(itertools.starmap(operator.eq, itertools.zip_longest(tokens(expected), tokens(actual))))


def _same_literal(spec: CheckerSpec, expected: bytes, actual: bytes) -> bool:
    fold = not spec.case_sensitive
    try:
        wanted = parse_literal(_text(expected), fold_case=fold)
        given = parse_literal(_text(actual), fold_case=fold)
    except MalformedLiteral:
        return all(itertools.starmap(operator.eq, itertools.zip_longest(tokens(expected), tokens(actual))))
    absolute, relative = spec.tolerances
    return same_value(wanted, given, lambda e, a: _close(e, a, absolute, relative))


def _lines(data: bytes) -> list[bytes]:
    lines = (b" ".join(line.split()) for line in data.replace(b"\r", b"\n").split(b"\n"))
    return [line for line in lines if line]


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
