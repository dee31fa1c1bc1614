"""Calls of C++ functions: arguments by signature, results as Python would write them, and programs that die or lie."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from eval.pools.canonical import canonical
from eval.pools.cpp_calls import DIGITS, call_cpp
from eval.pools.cpp_types import CppType, Inexpressible, encode, parse_type, read_signature
from sandbox import Sandbox, languages

needs_compiler = pytest.mark.skipif(not languages()["cpp"].available(), reason="needs g++")
_INCLUDES = "#include<assert.h>\n#include<bits/stdc++.h>\n// A comment that says f(x) {\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as opened:
        yield opened


def test_the_signature_is_read_from_the_last_line() -> None:
    signature = read_signature(_INCLUDES + "std::map<std::string, long> tally(const std::vector<long>& a, float b) {\n")
    assert signature.name == "tally"
    assert [(p.name, p.type, p.spelling) for p in signature.parameters] == [
        ("a", CppType("vector", (CppType("long"),)), "std::vector<long>"),
        ("b", CppType("float"), "float"),
    ]


def test_a_broken_return_type_does_not_hide_the_parameters() -> None:
    assert len(read_signature("std::tuple<std::string, > f(std::string a, std::string b) {").parameters) == 2


@pytest.mark.parametrize("text", ["std::shared_ptr<long>", "long*", "std::vector<long", "std::pair<long>", "", "Node"])
def test_types_that_are_not_covered_are_refused(text: str) -> None:
    with pytest.raises(Inexpressible):
        parse_type(text)


@pytest.mark.parametrize(
    ("value", "type_text"),
    [
        (2**63, "long"),
        (2**31, "int"),
        (-1, "size_t"),
        (1.5, "long"),
        ("1", "long"),
        (None, "std::string"),
        ([1, "a"], "std::vector<long>"),
        ((1, 2, 3), "std::tuple<long, long>"),
        (1, "bool"),
        (10**400, "float"),
    ],
)
def test_values_that_do_not_fit_their_type_are_refused(value: object, type_text: str) -> None:
    with pytest.raises(Inexpressible):
        encode(value, parse_type(type_text))


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_every_type_comes_back_as_python_writes_it(sandbox: Sandbox) -> None:
    """One program that hands its arguments back says that both directions of all types agree."""
    prompt = (
        _INCLUDES + "std::tuple<long, bool, float, std::string, std::vector<std::vector<long>>, std::optional<long>, "
        "std::map<std::string, long>, std::tuple<long, std::string>, std::vector<bool>> f(long a, bool b, float c, "
        "std::string d, std::vector<std::vector<long>> e, std::optional<long> f, std::map<std::string, long> g, "
        "std::tuple<long, std::string> h, std::vector<bool> i) {\n"
    )
    body = "    return std::make_tuple(a, b, c, d, e, f, g, h, i);"
    values: list[tuple[object, ...]] = [
        (
            -(2**63),
            True,
            0.1,
            'a "b" \\ \n\t\x01 é 🙂 1 2',
            [[1], [], [2, 3]],
            None,
            {"b": 1, "a": -2},
            (1, "x"),
            [True],
        ),
        (2**63 - 1, False, -2.5e-7, "", [], 0, {}, (-1, " "), []),
        (0, True, 1e20, "}{%s", [[0]], 7, {"": 0}, (0, ""), [False, True]),
        (1, True, 3, "x", [[]], 5, {"k": 9}, (2, "y"), []),
    ]
    calls = await call_cpp(prompt + body, prompt, [", ".join(map(repr, row)) for row in values], sandbox)
    assert list(calls.results) == ["=" + canonical(row, DIGITS) for row in values]


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_a_call_that_dies_or_is_late_loses_only_itself(sandbox: Sandbox) -> None:
    prompt = _INCLUDES + "long f(long n) {\n"
    body = """
    if (n == 1) return *(volatile long*)0;
    if (n == 2) for (volatile long i = 0;; i++) {}
    if (n == 3) throw std::runtime_error("no");
    if (n == 4) std::exit(0);
    if (n == 5) { std::vector<long> a(1L << 40); return a[n]; }
    if (n == 6) { assert(n == 0); }
    if (n == 7) std::exit(87);
    std::cout << "0 =99\\n" << std::flush;
    return n;"""
    calls = await call_cpp(prompt + body, prompt, [str(n) for n in range(10)], sandbox)
    assert calls.results == ("=0", "RTE", "TLE", "RTE", "RTE", "MLE", "RTE", "RTE", "=8", "=9")


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_expressed_says_nothing_about_the_program(sandbox: Sandbox) -> None:
    prompt = _INCLUDES + "long f(std::vector<long> a, long k) {\n"
    texts = ["[1], 2", "k=3, a=[1, 2]", "['x'], 1", "[1]", "[1], 2, 3", "[1], z=1", "[1], 2**70", "open('x'), 1"]
    calls = await call_cpp(prompt + "    return a.size() + k;", prompt, texts, sandbox)
    assert calls.results == ("=3", "=5", *["IE"] * 6)


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_a_program_that_does_not_compile_has_ce_for_every_call(sandbox: Sandbox) -> None:
    prompt = _INCLUDES + "long f(long n) {\n"
    assert (await call_cpp(prompt + "    return m;", prompt, ["1", "'x'"], sandbox)).results == ("CE", "CE")


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_any_holds_what_a_literal_of_cpp_would_be(sandbox: Sandbox) -> None:
    prompt = _INCLUDES + "std::vector<std::string> f(std::vector<std::any> values) {\n"
    body = """
    std::vector<std::string> names;
    for (auto& v : values)
        names.push_back(v.type() == typeid(int) ? "int" : v.type() == typeid(double) ? "double"
            : v.type() == typeid(const char*) ? "text" : v.has_value() ? "other" : "nothing");
    return names;"""
    calls = await call_cpp(prompt + body, prompt, ["[1, 2.5, 'a', None, True]", "[{}]"], sandbox)
    assert calls.results == ('=["int", "double", "text", "nothing", "other"]', "IE")


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_the_harness_keeps_the_precompiled_header(sandbox: Sandbox) -> None:
    """Without it a pool takes six times as long: no identifier of the harness may be one that the header lacks."""
    from eval.pools.cpp_calls import _whole
    from sandbox import headers

    prompt = _INCLUDES + "std::any f(std::any a, std::map<std::string, std::set<float>> b) {\n"
    await call_cpp(prompt + "return a;", prompt, ["1, {}"], sandbox)  # makes the compiler ready
    compiler = sandbox._compilers["cpp"]
    included = headers.includes(_whole(prompt + "return a;", read_signature(prompt)))
    assert included is not None
    assert await compiler._serves(included)


@needs_compiler
@pytest.mark.asyncio(loop_scope="module")
async def test_bytes_that_are_no_utf8_are_a_result_like_any_other(sandbox: Sandbox) -> None:
    prompt = _INCLUDES + "std::string f(long n) {\n"
    calls = await call_cpp(prompt + "    return std::string(n, (char)0xff);", prompt, ["1", "2", "70000"], sandbox)
    assert calls.results[0] == '="\\xff"'
    assert calls.results[1] == '="\\xff\\xff"'
    assert calls.results[2].startswith('="\\xff')
    assert len(calls.results[2]) < 5000
