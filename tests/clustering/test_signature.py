"""Calls made from a signature alone."""

from __future__ import annotations

import ast

import pytest

from clustering.literals import parse_call
from clustering.signature import Kind, read_parameters, signature_calls

INT, STR = Kind("int"), Kind("str")
INTS, STRINGS = Kind("list", (INT,)), Kind("list", (STR,))


@pytest.mark.parametrize(
    ("header", "kinds"),
    [
        ("def f(a: int, b: 'List[str]', c: Optional[float] = 0):", [INT, STRINGS, Kind("optional", (Kind("float"),))]),
        ("def f(a: dict[str, list[int]], b: Tuple[int, str]):", [Kind("dict", (STR, INTS)), Kind("tuple", (INT, STR))]),
        ("def f(a: int | None, b: Union[int, str]):", [Kind("optional", (INT,)), Kind("union", (INT, STR))]),
        ("class Solution:\n    def f(self, nums: List[int]) -> int:", [Kind("list", (INT,))]),
        ("def helper(a: str):\n    pass\n\ndef f(\n    a: int,\n    b: int,\n):", [INT, INT]),
        ("#include<assert.h>\nbool f(std::vector<std::vector<long>> a, const std::map<std::string, float>& b) {",
         [Kind("list", (Kind("list", (INT,)),)), Kind("dict", (STR, Kind("float")))]),
        ("// f(x) is\nstd::any f(std::any a, long long b, std::set<bool> c) {",
         [Kind("any"), INT, Kind("set", (Kind("bool"),))]),
    ],
)  # fmt: skip
def test_annotations_are_read(header: str, kinds: list[Kind]) -> None:
    entry_point = "Solution().f" if "Solution" in header else "f"
    assert [kind for _, kind in read_parameters(header, entry_point)] == kinds


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Given a string x, reverse it.", "x", STR),
        ("You get a list of words called titles.", "titles", Kind("list", (STR,))),
        ("", "lst", Kind("list", (INT,))),
        ("", "s", STR),
        ("", "n", INT),
        ("", "matrix", Kind("list", (Kind("list", (INT,)),))),
        ("", "whatever", INT),
    ],
)
def test_without_annotation_the_text_decides_and_then_the_name(text: str, name: str, kind: Kind) -> None:
    assert read_parameters(f'def f({name}):\n    """{text}"""\n', "f") == [(name, kind)]


@pytest.mark.parametrize("prompt", ["", "def g(a): pass", "def f():", "def f(a: int", "f(x) {", "def f(" + "(" * 5000])
def test_nothing_comes_of_no_signature(prompt: str) -> None:
    assert signature_calls(prompt, "f") == []


PROMPT = "def f(a: List[int], b: Set[str], c: Dict[str, int], d: Optional[float], e: Any, g: Tuple[int, int]):\n"


def test_calls_are_different_literals_of_the_right_types() -> None:
    texts = signature_calls(PROMPT, "f", count=40)
    assert len(texts) == len(set(texts)) == 40
    for text in texts:
        assert parse_call(text) is not None
        a, b, c, d, _, g = ast.literal_eval(f"[{text.replace('set()', '{1}')}]")
        assert type(a) is list
        assert type(b) is set
        assert type(c) is dict
        assert d is None or type(d) is float
        assert type(g) is tuple


def test_the_same_seed_gives_the_same_calls_and_another_seed_others() -> None:
    assert signature_calls(PROMPT, "f", seed=1) == signature_calls(PROMPT, "f", seed=1)
    assert signature_calls(PROMPT, "f", seed=1) != signature_calls(PROMPT, "f", seed=2)


def test_few_possible_calls_are_not_repeated() -> None:
    assert sorted(signature_calls("def f(a: bool, b: bool):", "f")) == [
        f"{a}, {b}" for a in (False, True) for b in (False, True)
    ]


def test_numbers_are_not_negative_where_the_text_says_so() -> None:
    calls = signature_calls('def f(n: int):\n    """n is a positive integer."""\n', "f", count=40)
    assert all(int(text) >= 0 for text in calls)
    assert any(int(text) < 0 for text in signature_calls("def f(n: int):\n", "f", count=40))
