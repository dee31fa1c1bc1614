"""Checkers compare hostile outputs as contests do, and never blame a program for a broken checker."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox import Sandbox
from sandbox.checkers import Checker, CheckerSpec, make_checker
from sandbox.rulings import CheckerFailed
from sandbox.types import Limits, Outcome, Program, Verdict

ALWAYS_TRUE = "def check(input, expected, actual):\n    return True\n"


class FakeSandbox:
    """Answers every run with one outcome and remembers what it was asked."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.stdin = b""
        self.program: Program | None = None

    async def run(self, program: Program, stdin: bytes, limits: Limits) -> Outcome:
        self.program, self.stdin = program, stdin
        return self.outcome


async def accepts(spec: CheckerSpec, expected: bytes | str, actual: bytes | str) -> bool:
    e, a = (x.encode() if isinstance(x, str) else x for x in (expected, actual))
    return await make_checker(spec).accepts(b"", e, a)


def kind(name: str, **fields: object) -> CheckerSpec:
    return CheckerSpec.model_validate({"kind": name, **fields})


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("1 2\n3\n", "1  2 3"), ("a\r\nb", "a\nb\n\n"), ("", " \n"), ("x", "\tx\x0b"), ("\xff", "\xff ")],
)
async def test_tokens_ignore_white_space(expected: str, actual: str) -> None:
    assert await accepts(CheckerSpec(), expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1 2", "12"),
        ("1", "1.0"),
        ("1", "01"),
        ("YES", "yes"),
        ("1", "1 1"),
        ("1 1", "1"),
        ("1", "1\0"),
        ("12 3", "1 23"),
        ("", "0"),
        ("nan", "NaN"),
        ("1", "1\u00a0"),
    ],
)
async def test_tokens_differ_in_any_ink(expected: str, actual: str) -> None:
    assert not await accepts(CheckerSpec(), expected, actual)


async def test_invalid_utf8_is_compared_as_bytes() -> None:
    assert await accepts(CheckerSpec(), b"\xff\xfe 1", b"\xff\xfe\n1")
    assert not await accepts(CheckerSpec(), b"\xff", b"\xfe")


async def test_a_token_across_an_internal_block_border_stays_whole() -> None:
    output = b"7" * (2**18 - 3) + b" 12345678901234567890 " + b"8" * 2**18
    assert await accepts(CheckerSpec(), output, output.replace(b" ", b"\n\n"))
    assert not await accepts(CheckerSpec(), output, output.replace(b"12345678901234567890", b"1234567890 1234567890"))


async def test_a_flood_of_tokens_is_compared_to_its_last() -> None:
    flood = b"10 " * (4 * 2**20)
    assert await accepts(CheckerSpec(), flood, flood + b"\n")
    assert not await accepts(CheckerSpec(), flood + b"1", flood + b"2")


async def test_case_matters_only_when_asked() -> None:
    assert await accepts(kind("tokens", case_sensitive=False), "YES", "yEs")
    assert await accepts(kind("exact", case_sensitive=False), "Yes\n", "yes")
    assert await accepts(kind("literal", case_sensitive=False), "['Ab', True]", "['aB', True]")


async def test_exact_forgives_only_the_last_newline_and_crlf() -> None:
    assert await accepts(kind("exact"), "a b\r\nc\r\n", "a b\nc")
    assert not await accepts(kind("exact"), "a b", "a  b")
    assert not await accepts(kind("exact"), "a\n", "a \n")
    assert not await accepts(kind("exact"), "a\n", "a\n\n")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1.0", "1"),
        ("0.3333333333", "0.333333"),
        ("1e3", "1000.0005"),
        ("1000000000", "1000000001"),
        ("0", "-0.0000001"),
        ("Case 1.5", "Case  1.5000001"),
        ("inf", "Infinity"),
        ("nan", "NaN"),
    ],
)
async def test_floats_within_tolerance_are_equal(expected: str, actual: str) -> None:
    assert await accepts(kind("floats"), expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1.0", "1.1"),
        ("1.0", "nan"),
        ("nan", "1.0"),
        ("1.0", "inf"),
        ("inf", "-inf"),
        ("1e400", "1e500"),
        ("1.0", "1_0"),
        ("10", "1_0"),
        ("1.0", "1.0 1.0"),
        ("1", "\u0661"),
        ("Case 1", "case 1"),
        ("9" * 2000, "9" * 1999 + "8"),
    ],
)
async def test_floats_out_of_tolerance_or_spelt_oddly_differ(expected: str, actual: str) -> None:
    assert not await accepts(kind("floats"), expected, actual)


async def test_a_given_tolerance_replaces_both_defaults() -> None:
    assert await accepts(kind("floats", abs_tolerance=0.01), "1000", "1000.01")
    assert not await accepts(kind("floats", abs_tolerance=1e-9), "1000000", "1000000.5")
    assert await accepts(kind("floats", rel_tolerance=0.01), "1000", "1009")
    assert not await accepts(kind("floats", rel_tolerance=1e-9), "0", "0.0000001")


async def test_unordered_kinds_compare_multisets() -> None:
    assert await accepts(kind("unordered_lines"), "1 2\n3 4\n", "3  4\n\n1 2")
    assert not await accepts(kind("unordered_lines"), "1 2\n3 4", "2 1\n3 4")
    assert not await accepts(kind("unordered_lines"), "a\na\nb", "a\nb\nb")
    assert await accepts(kind("unordered_tokens"), "1 2\n3", "3 2 1")
    assert not await accepts(kind("unordered_tokens"), "1 1 2", "1 2 2")


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("[1, 2]", "(1,2)"),
        ("1", "1.0"),
        ("0.1", "0.10000000001"),
        ("{'a': 1, 'b': [2]}", '{"b": (2,), "a": 1.0}'),
        ("{1, 2}", "{2, 1}"),
        ("{1.0000000001, 2}", "{2, 1}"),
        ("frozenset({1})", "{1}"),
        ("set()", "frozenset()"),
        ("nan", "nan"),
        ("-inf", "-1e999"),
        ("(1)", "1"),
        ("[1,]", "[1]"),
        ("'\\x41'", '"A"'),
        ("1 + 1", "1  +  1"),
    ],
)
async def test_equal_python_values_are_accepted(expected: str, actual: str) -> None:
    assert await accepts(kind("literal"), expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("True", "1"),
        ("0", "False"),
        ("None", "0"),
        ("'1'", "1"),
        ("'a'", "b'a'"),
        ("[]", "{}"),
        ("{}", "set()"),
        ("[1, 2]", "[2, 1]"),
        ("[1]", "1"),
        ("1", "1.1"),
        ("nan", "0.0"),
        ("1" * 400, "1" * 399 + "2"),
        ("1" * 5000, "1" * 4999 + "2"),
        ("[1]", "[1"),
        ("[1]", ""),
        ("[1]", "__import__('os')"),
        ("{1: 2}", "{1: 2, 3: 4}"),
    ],
)
async def test_different_python_values_are_refused(expected: str, actual: str) -> None:
    assert not await accepts(kind("literal"), expected, actual)


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 10**6,
        "-" * 10**6 + "1",
        "{" * 99 + "}" * 99,
        "(" * 300 + ")" * 300,
        "9" * 10**6,
        "'" + "\\" * 10**6,
        "1_" * 10**6,
        "[1, " * 10**5,
        "0x" + "f" * 10**6,
        "1e" + "9" * 10**6,
        "set(" * 10**5,
        "\0",
        "'\ud800'",
    ],
    ids=lambda text: text[:4],
)
async def test_a_hostile_literal_is_just_a_wrong_answer(hostile: str) -> None:
    checker = make_checker(kind("literal"))
    raw = hostile.encode("utf-8", "surrogatepass")
    assert not await checker.accepts(b"", b"[1]", raw)
    assert isinstance(checker.normalise(raw), bytes)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    )
)
async def test_every_value_equals_its_own_literal_written_as_a_tuple_too(value: object) -> None:
    text = repr(value).encode("utf-8", "surrogatepass")
    checker = make_checker(kind("literal"))
    assert await checker.accepts(b"", b"[" + text + b"]", b"( " + text + b", )")
    assert checker.normalise(b"[" + text + b"]") == checker.normalise(b"( " + text + b", )")


@pytest.mark.parametrize(
    ("spec", "one", "other"),
    [
        (kind("tokens"), b"1 2\n", b"1\n2"),
        (kind("exact"), b"1\r\n", b"1"),
        (kind("floats"), b"0.30000000004 x -0.0", b"0.3 x 0"),
        (kind("floats"), b"1", b"1.0"),
        (kind("unordered_lines"), b"b\na\n", b"a\nb"),
        (kind("unordered_tokens"), b"b a", b"a\nb"),
        (kind("literal"), b"[1, 2.0, {'b', 'a'}]", b"(1, 2, {'a', 'b'})"),
        (kind("tokens", case_sensitive=False), b"YES", b"yes"),
    ],
)
def test_outputs_that_are_accepted_alike_have_one_canonical_form(spec: CheckerSpec, one: bytes, other: bytes) -> None:
    checker = make_checker(spec)
    assert checker.normalise(one) == checker.normalise(other)
    assert checker.normalise(one) != checker.normalise(one + b" 77")


@settings(deadline=None)
@given(st.binary())
def test_normalising_twice_changes_nothing(output: bytes) -> None:
    for name in ("tokens", "exact", "floats", "unordered_lines", "unordered_tokens"):
        if name == "exact":
            output = output.rstrip(b"\r\n")
        checker = make_checker(kind(name))
        assert checker.normalise(checker.normalise(output)) == checker.normalise(output)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "python"},
        {"kind": "python", "source": "  "},
        {"kind": "tokens", "source": ALWAYS_TRUE},
        {"kind": "tokens", "abs_tolerance": 0.1},
        {"kind": "floats", "abs_tolerance": -1},
        {"kind": "floats", "rel_tolerance": float("nan")},
        {"kind": "regex"},
        {"sauce": ""},
    ],
)
def test_a_senseless_spec_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CheckerSpec.model_validate(fields)


def test_a_python_checker_needs_a_sandbox() -> None:
    with pytest.raises(ValueError, match="sandbox"):
        make_checker(kind("python", source=ALWAYS_TRUE))


def python_checker(outcome: Outcome) -> tuple[Checker, FakeSandbox]:
    sandbox = FakeSandbox(outcome)
    return make_checker(kind("python", source=ALWAYS_TRUE), sandbox), sandbox


async def test_a_python_checker_runs_in_the_sandbox_on_ascii_literals() -> None:
    checker, sandbox = python_checker(Outcome(Verdict.OK, b"True"))
    assert await checker.accepts(b"1'\n", b"\xff", "é".encode())
    assert sandbox.stdin == rb"""'1\'\n', '\udcff', '\xe9'""".replace(b"'1\\'\\n'", b'"1\'\\n"')
    assert sandbox.program is not None
    assert sandbox.program.entry_point == "check"


async def test_a_python_checker_can_refuse_equal_outputs() -> None:
    checker, _ = python_checker(Outcome(Verdict.OK, b"False\n"))
    assert not await checker.accepts(b"", b"x", b"x")


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Verdict.RTE, stderr="Traceback ...\nValueError: no"),
        Outcome(Verdict.TLE),
        Outcome(Verdict.IE),
        Outcome(Verdict.OK, b"1"),
        Outcome(Verdict.OK, b"None"),
        Outcome(Verdict.OK, b""),
        Outcome(Verdict.OK, b"TrueTrue"),
        Outcome(Verdict.RTE, b"True"),
    ],
)
async def test_a_broken_checker_never_gives_a_verdict(outcome: Outcome) -> None:
    checker, _ = python_checker(outcome)
    with pytest.raises(CheckerFailed):
        await checker.accepts(b"", b"x", b"y")


SUM_CHECKER = """
def check(input, expected, actual):
    if "crash" in actual:
        raise ValueError(actual)
    if "truthy" in actual:
        return 1
    return sum(map(int, actual.split())) == int(input) and len(actual) >= len(expected)
"""


async def test_a_real_python_checker_judges_and_fails_in_the_sandbox() -> None:
    async with Sandbox(workers=1) as sandbox:
        checker = make_checker(kind("python", source=SUM_CHECKER), sandbox)
        assert await checker.accepts(b"5", b"2 3", b"1 4\n")
        assert not await checker.accepts(b"5", b"2 3", b"1 5\n")
        assert await checker.accepts(b"5", b"2 3", b"5" + b" " * 2**23)
        for broken in (b"crash", b"truthy", b"crash \xff\x00'\"\\"):
            with pytest.raises(CheckerFailed):
                await checker.accepts(b"5", b"2 3", broken)
