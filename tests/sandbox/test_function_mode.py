"""Function mode: argument text in, the literal of the returned value out."""

import ast
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Verdict
from sandbox.zygote.values import BadArguments, encode, parse_arguments

from .conftest import Bench

atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
hashable = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.sets(hashable, max_size=3)
    ),
    max_leaves=12,
)
_NAMES = {"inf": math.inf, "nan": math.nan, "frozenset": frozenset, "set": set}


@given(values)
def test_a_literal_reads_back_as_the_value(value: object) -> None:
    assert eval(encode(value), {"__builtins__": {}}, _NAMES) == value


@given(st.lists(st.integers() | st.text() | st.lists(st.booleans()), max_size=4))
def test_arguments_read_back_as_python_would(arguments: list[object]) -> None:
    text = ", ".join(map(repr, arguments))
    assert parse_arguments(text) == (arguments, {})


@pytest.mark.parametrize(
    ("text", "positional", "named"),
    [
        ("", [], {}),
        ("[2, 3], k=5", [[2, 3]], {"k": 5}),
        ("inf, -inf, x=[inf]", [math.inf, -math.inf], {"x": [math.inf]}),
        ("{1: (2,)}, {3}", [{1: (2,)}, {3}], {}),
        ('"a\\n", b"b"', ["a\n", b"b"], {}),
        ("1,\n 2,", [1, 2], {}),
        ("'# no comment'", ["# no comment"], {}),
        ("1 # a comment", [1], {}),
        ("-1, +2, 1+2j", [-1, 2, 1 + 2j], {}),
        ("9" * 5000, [int("9" * 4000) * 10**1000 + int("9" * 1000)], {}),
    ],
)
def test_argument_text(text: str, positional: list[object], named: dict[str, object]) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as in a candidate's process
    try:
        assert parse_arguments(text) == (positional, named)
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    "text", ["1) + f(2", "__import__('os')", "x", "**{}", "*[1]", "1 if 1 else 2", "[", "k=1, k=2"]
)
def test_what_is_no_list_of_literals_is_refused(text: str) -> None:
    with pytest.raises(BadArguments):
        parse_arguments(text)


def test_bad_arguments_are_our_fault_and_not_the_programs(bench: Bench) -> None:
    outcome = bench.call("def f(x): return x", "not a literal")
    assert outcome.verdict is Verdict.IE
    assert "arguments" in outcome.stderr


@pytest.mark.parametrize(
    ("source", "arguments", "entry_point", "output"),
    [
        ("def f(a, k): return a * k", "[2, 3], k=2", "f", b"[2, 3, 2, 3]"),
        ("class Solution:\n def f(self, a: List[int]) -> int: return sum(a)", "[1, 2]", "Solution().f", b"3"),
        ("class S:\n @staticmethod\n def f(): return None", "", "S.f", b"None"),
        ("f = lambda x: {x, 1, 'a'}", "2", "f", b"{'a', 1, 2}"),
        ("from collections import *\ndef f(): return deque([1]), Counter('aa')", "", "f", b"([1], {'a': 2})"),
        ("def f(): return float('inf'), -0.0, 1e100", "", "f", b"(inf, -0.0, 1e+100)"),
        ("def f(): return 10 ** 5000", "", "f", b"1" + b"0" * 5000),
        ("def f(s): return s", "'\\ud800\\u00e9'", "f", b"'\\ud800\\xe9'"),
        ("if __name__ == '__main__': 1 / 0\ndef f(): return 1", "", "f", b"1"),
    ],
)
def test_returned_values(bench: Bench, source: str, arguments: str, entry_point: str, output: bytes) -> None:
    outcome = bench.call(source, arguments, entry_point)
    assert (outcome.verdict, outcome.output) == (Verdict.OK, output), outcome.stderr


@pytest.mark.parametrize("value", ["object()", "range(3)", "(x for x in [])", "print", "[{1: object()}]"])
def test_what_has_no_literal_cannot_be_returned(bench: Bench, value: str) -> None:
    outcome = bench.call(f"def f(): return {value}", "")
    assert outcome.verdict is Verdict.RTE
    assert "cannot return" in outcome.stderr


def test_a_missing_entry_point_is_the_programs_fault(bench: Bench) -> None:
    outcome = bench.call("def g(): pass", "")
    assert outcome.verdict is Verdict.RTE
    assert "does not define f" in outcome.stderr


def test_a_syntax_error_is_a_compile_error(bench: Bench) -> None:
    assert bench.call("def f(:", "").verdict is Verdict.CE


def test_sets_come_out_in_one_order() -> None:
    assert encode({"b", "a", "c"}) == "{'a', 'b', 'c'}"
    assert ast.literal_eval(encode({frozenset(), 3} - {frozenset()})) == {3}
